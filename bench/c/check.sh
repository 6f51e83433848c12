#!/usr/bin/env bash
# A short run of every contestant that was built, in every mode: exit status, keys, samples, what is left over, and that damage is noticed.
# Figures of such short runs mean nothing.
set -u
cd "$(dirname "$0")/bin" || exit 1

work=$(mktemp -d -t check-bench-XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tmp"
export TMPDIR=$work/tmp
unset WAIT CAP COPY SAMPLES UNPINNED DAMAGE GRACE CREDIT PACKED CHUNK
limit=20 failed=0 runs=0

# trial EXPECTED-STATUS PROGRAM ARGUMENT... leaves the result in $out and what was said in $err.
trial() {
	local want=$1
	shift
	local status
	timeout "$limit" sh -c 'echo $$ >"$0" && exec "$@"' "$work/pid" "./$1" "${@:2}" >"$work/out" 2>"$work/err"
	status=$?
	out=$(<"$work/out") err=$(<"$work/err")
	runs=$((runs + 1))
	[ "$status" = "$want" ] || complain "$* ended with status $status, want $want"
	if [ "$want" = 0 ]; then
		[ "$(wc -l <"$work/out")" = 1 ] || complain "$*: want one line of results"
	else
		[ -z "$out" ] || complain "$*: a result in spite of status $status"
		[ -n "$err" ] || complain "$*: status $status, and nothing on standard error"
	fi
	nothing_left "$(<"$work/pid")" "$*"
}

complain() {
	failed=$((failed + 1))
	echo "check: WAIT=${WAIT:-} $1${out:+; output: $out}${err:+; error: $err}"
}

# nothing_left PID WHAT looks for objects, which are named after the program's pid.
nothing_left() {
	local path
	for path in "/dev/shm/shmpipe-bench-$1" "/dev/shm/shmpipe-bench-$1-"* "$TMPDIR"/*; do
		[ ! -e "$path" ] || { complain "$2: left $path" && rm -rf "$path"; }
	done
}

keys() {
	local key
	for key in "${@:2}"; do
		[[ " $out " =~ \ $key=[0-9]+(\.[0-9]+)?\  ]] || complain "$1: no $key"
	done
}

# samples PROGRAM MODE SIZE COUNT [EXTRA] runs a trial that writes its latencies.
samples() {
	rm -f "$work/samples"
	SAMPLES=$work/samples trial 0 "$@"
	[ "$(stat -c %s "$work/samples" 2>/dev/null)" = $(($4 * 8)) ] || complain "$*: want $(($4 * 8)) bytes of samples"
}

# modes_of says what a contestant has: bench/README.md leaves it free to lack some.
modes_of() {
	case $1 in
	memcpypair) echo thr ;;
	pingpong) echo rtt idle first ;;
	*) echo thr rtt load idle first ;;
	esac
}

blocks() { case $1 in mutex | posixsem | boostmq | zmq | nng) return 0 ;; *) return 1 ;; esac }

every_mode() {
	local program=$1 size has
	has=" $(modes_of "$program") "
	for size in 8 64 4096 65536; do
		if [[ $has == *" thr "* ]]; then
			trial 0 "$program" thr $size 300
			keys thr msgs_per_s cpu_ns_per_msg
		fi
		if [[ $has == *" rtt "* ]]; then
			samples "$program" rtt $size 60
			keys rtt p50_ns p99_ns mean_ns cpu_ns_per_msg
		fi
	done
	[[ $has != *" thr "* ]] || trial 0 "$program" thr 64 301 16
	if [[ $has == *" load "* ]]; then
		samples "$program" load 64 100 20000
		keys load rate p50_ns p99_ns cpu_ns_per_msg
		CAP=16384 trial 0 "$program" thr 512 500 100 # a batch that is larger than the buffer
	else
		trial 3 "$program" load 64 100 20000
	fi
	if [[ $has == *" first "* ]]; then
		trial 0 "$program" first 64 1
		keys first first_ns
		trial 0 "$program" idle 0 20
		keys idle cpu_us
	fi
}

damage() {
	local program=$1
	local size
	for size in 16 64 200 4096; do
		DAMAGE=torn trial 1 "$program" thr $size 200
		[[ $err == *torn* ]] || complain "$program: torn messages were not noticed as such"
		DAMAGE=stale trial 1 "$program" thr $size 200
		[[ $err == *torn* ]] || complain "$program: the content of an earlier message was not noticed as such"
	done
	DAMAGE=order trial 1 "$program" thr 64 200
	[[ $err == *order* ]] || complain "$program: the wrong order was not noticed as such"
	DAMAGE=lost GRACE=50 trial 1 "$program" thr 64 200
	[[ $err == *lost* ]] || complain "$program: loss was not noticed as such"
	DAMAGE=death trial 1 "$program" thr 64 200
	[[ $err == *killed* ]] || complain "$program: the sender's death was not noticed as such"
}

# ended_by_signal looks whether a trial that is ended from outside takes its second process along.
ended_by_signal() {
	local program=$1 pid child try
	"./$program" idle 0 60000 2>/dev/null &
	pid=$!
	for try in $(seq 200); do
		child=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null)
		[ -z "$child" ] || break
		sleep 0.01
	done
	kill -TERM "$pid"
	wait "$pid"
	out='' err=''
	[ -n "$child" ] || complain "$program: no second process after $try looks"
	[ ! -d "/proc/${child%% *}" ] || complain "$program: its second process $child outlived it"
	nothing_left "$pid" "$program after a signal"
}

for program in $(ls | grep -v '\.absent$'); do
	export WAIT=busy
	every_mode "$program"
	[[ " $(modes_of "$program") " != *" thr "* ]] || damage "$program"
	[[ " $(modes_of "$program") " != *" idle "* ]] || ended_by_signal "$program"
	UNPINNED=1 trial 0 "$program" $([ "$program" = pingpong ] && echo rtt || echo thr) 64 100
	if [ "$program" != pingpong ] && ! [[ $program =~ ^(zmq|nng)$ ]]; then
		CAP=4096 trial 3 "$program" thr 1000000 1
	fi
	trial 2 "$program" thr
	trial 3 "$program" nothing 64 1
	export WAIT=block
	if blocks "$program"; then
		every_mode "$program"
	else
		trial 3 "$program" "$(modes_of "$program" | cut -d' ' -f1)" 64 10
	fi
	unset WAIT
done
if [ -x pingpong ]; then
	trial 0 pingpong floor 3000
	keys floor rtt_ns
fi

# A header without its library must not keep anything else from being built.
mkdir "$work/src"
cp ../Makefile ../*.h ../zmq.c "$work/src"
out='' err=$(make -s -C "$work/src" libs_zmq=-lnonexist build-zmq 2>&1) || complain "make: a library that is missing ends the build"
[ -s "$work/src/bin/zmq.absent" ] || complain "make: a library that is missing is not said to be"
[ "$(ls "$work/src/bin")" = zmq.absent ] || complain "make: more than a reason is left of what could not be built"

echo "check: $runs trials, $failed complaints, ${SECONDS} s"
[ "$failed" = 0 ]
