package main

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"shmpipe/protocol"
)

// TestMain lets the test binary be the command, so that scripts run real processes of it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"shmpipe": main, "set-header-byte": setHeaderByte})
}

// setHeaderByte is the scripts' command "set-header-byte SEGMENT OFFSET VALUE", which also mends the checksum.
func setHeaderByte() {
	b, err := os.ReadFile(os.Args[1])
	must(err)
	offset, err := strconv.Atoi(os.Args[2])
	must(err)
	value, err := strconv.ParseUint(os.Args[3], 0, 8)
	must(err)
	b[offset] = byte(value)
	clear(b[protocol.OffChecksum:][:4])
	table := b[protocol.HeaderSize:][:binary.LittleEndian.Uint32(b[protocol.OffRingCount:])*protocol.RingEntrySize]
	sum := crc32.Checksum(slices.Concat(b[:protocol.OffState], table), crc32.MakeTable(crc32.Castagnoli))
	binary.LittleEndian.PutUint32(b[protocol.OffChecksum:], sum)
	must(os.WriteFile(os.Args[1], b, 0)) // the same file: who has it mapped sees it
}

// shellHelpers are what the scripts' shell parts share: "eventually COMMAND" waits until a command succeeds.
const shellHelpers = `
# A script that fails must not leave processes behind: they would keep its output open.
trap 'for p in $(jobs -p); do kill -CONT $p; kill $p; done 2> /dev/null' EXIT
eventually() {
	n=0
	until "$@" >/dev/null 2>&1; do
		n=$((n+1))
		if [ $n -gt 400 ]; then echo "gave up waiting for: $*" >&2; exit 99; fi
		sleep 0.05
	done
}
# received NAME N: N messages have been finished
received() { [ "$(shmpipe stat "$1" --json | sed -n 's/.*"received": \([0-9]*\).*/\1/p')" -ge "$2" ]; }
sent() { [ "$(shmpipe stat "$1" --json | sed -n 's/.*"sent": \([0-9]*\).*/\1/p')" -ge "$2" ]; }
# counter NAME KEY: the value of a counter
counter() { shmpipe stat "$1" --json | sed -n "s/.*\"$2\": \([0-9]*\).*/\1/p"; }
alive() { [ "$(shmpipe stat "$1" --json | grep -c '"state": "alive"')" -ge "$2" ]; }
died() { shmpipe stat "$1" --json | grep '"state": "died"'; }
`

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			dir := fmt.Sprintf("/dev/shm/shmpipe-test-%d-%x", os.Getpid(), rand.Uint64())
			if err := os.Mkdir(dir, 0o700); err != nil {
				return err
			}
			env.Defer(func() { os.RemoveAll(dir) })
			env.Setenv("SHMPIPE_DIR", dir)
			env.Setenv("GORACE", "atexit_sleep_ms=0") // a second for each process adds up
			// A name that nobody else uses, for backends whose names are the host's.
			env.Setenv("UNIQUE", fmt.Sprintf("shmpipe-test-%d-%x", os.Getpid(), rand.Uint32()))
			return os.WriteFile(filepath.Join(env.WorkDir, "lib.sh"), []byte(shellHelpers), 0o600)
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "mounts": // a tmpfs can be mounted in a namespace of its own
				return exec.Command("unshare", "-m", "sh", "-c", "mount -t tmpfs -o size=1m none /mnt").Run() == nil, nil
			case "mq": // this kernel has POSIX message queues
				_, err := os.Stat("/proc/sys/fs/mqueue")
				return err == nil, nil
			case "root":
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
	})
}
