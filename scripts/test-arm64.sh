#!/usr/bin/env bash
# Runs the tests, built for arm64, under qemu's user mode: some eight minutes. It shows that the assembly and the arm64 files work. It
# shows nothing of memory ordering, for the host's processor executes the loads and stores: docs/memory-ordering.md argues that.
#
# Tests start themselves again in other processes, so the kernel has to know what to do with an arm64 program. It is told in a user
# namespace that ends with this script; that wants no privileges and leaves the host as it is.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = inside ]; then # as root of the namespace
	mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
	# 64 bits, little-endian, an executable (2) or position-independent (3), of machine 183. F: qemu is opened now.
	printf '%s' ":arm64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:$2:F" \
		>/proc/sys/fs/binfmt_misc/register
	# Not as root any more: tests that change their user would find one user only.
	exec unshare --user --map-user="$3" --map-group="$3" "$0" run
fi

if [ "${1:-}" = run ]; then
	# What qemu 7.2 lacks:
	#   posix-mq, queue, gc, ListOfAll: mq_open by the system call proper. qemu takes the byte before the name for its slash.
	#   IsNotInheritedByFork: madvise, which it answers with success and leaves undone.
	#   CostsNoProcessor: futex_waitv. Sleepers look around instead, a hundred times a second, and each time is dear.
	#   MakeNoSystemCall: it counts system calls, and so those that qemu makes for itself.
	# Tests that put up a sandbox, or a pid namespace, skip themselves. Whole tests come first: go test stops at the first alternative
	# that fits the beginning of a name.
	skip='^TestListOfAll_IsInTheOrderOfNames$|^TestMapping_IsNotInheritedByFork$|^TestIdle_CostsNoProcessor$|MakeNoSystemCall'
	skip+='|^TestScripts$/^(queue|gc)$|/posix-mq|//posix-mq|///posix-mq'
	# The kernel's queues are left to package conformance, for the same reason; and what measures is not for an emulator.
	export GOARCH=arm64 CGO_ENABLED=0
	${GO:-go} test -short -count=1 -p 1 -timeout 20m -skip "$skip" $(${GO:-go} list ./... | grep -vE '/(bench|mqueue|internal/mq)(/|$)')
	exit
fi

qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64 || true)
if [ -z "$qemu" ]; then
	echo "test-arm64 wants qemu-aarch64-static; on Debian: apt-get install qemu-user-static" >&2
	exit 1
fi
uid=$(id -u)
if [ "$uid" = 0 ]; then
	uid=1000
fi
if ! unshare --user --map-root-user --mount mount -t binfmt_misc none /proc/sys/fs/binfmt_misc 2>/dev/null; then
	echo "test-arm64 wants a user namespace with a binfmt_misc of its own: Linux 6.7, and user namespaces allowed" >&2
	exit 1
fi
exec unshare --user --map-root-user --mount "$0" inside "$qemu" "$uid"
