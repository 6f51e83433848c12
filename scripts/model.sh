#!/usr/bin/env bash
# Checks the Promela models in docs/model with spin: each model must hold, over all its states, and each mutant must be caught.
#
#	scripts/model.sh [PATTERN]	only what matches, as in scripts/model.sh 'watch.*TOLD'
#
# It prints a line for each: model, variant, verdict, states. It wants spin and a C compiler (CC, or cc); without them it skips.
set -euo pipefail
cd "$(dirname "$0")/../docs/model"
pattern=${1:-.}
compiler=${CC:-cc}
memory=1500   # MB, of one search
seconds=100   # of one search; more than enough, so that a hung one does not stay
depth=20000   # steps of one run; a search that gets there is incomplete, and fails

for tool in spin "$compiler"; do
	if ! command -v "$tool" >/dev/null; then
		echo "model: skipped: $tool is not installed"
		exit 0
	fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
models=$PWD
cd "$work"
failed=0
runs=0

# search OPTIONS FILE NAMES... runs spin and the search that it generates, compiled with those options. It leaves what that prints in out.
search() {
	local options=$1 file=$2 defines=() name cycles=
	shift 2
	for name in "$@"; do
		defines+=("-D$name")
	done
	rm -f out pan pan.*
	cp "$models"/*.pml .
	# NOREDUCE: the processes have provided clauses, which partial order reduction does not know.
	# shellcheck disable=SC2086 # the options are words
	spin -P"$compiler -E -x c" "${defines[@]+"${defines[@]}"}" -a "$file.pml" >spin.out 2>&1 &&
		"$compiler" -w $options -DNOREDUCE -DMEMLIM="$memory" -o pan pan.c >>spin.out 2>&1 || {
		cat spin.out >&2
		return 1
	}
	# -E: a blocked process is no error by itself; the models say what is.
	[[ $options != *-DNP* ]] || cycles=-l
	timeout "$seconds" ./pan $cycles -E -m"$depth" -w21 >out 2>&1 || true
}

states() { sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' out; }

say() { printf '%-8s  %-78s  %-10s %8s states\n' "$1" "$2" "$3" "$(states)"; }

wanted() {
	[[ "$*" =~ $pattern ]] || return 1
	runs=$((runs + 1))
}

# holds FILE NAMES...: the model must hold, and the search must be complete.
holds() { passes holds "-O1 -DSAFETY" "$@"; }

# ends FILE NAMES...: no run of the model may go on for ever. (The search for cycles without progress, and nothing counts as progress.)
ends() { passes ends "-O1 -DNP -DNOFAIR" "$@"; }

passes() {
	local verdict=$1 options=$2 file=$3
	shift 2
	wanted "$@" || return 0
	search "$options" "$@"
	shift
	if ! grep -q 'errors: 0' out || grep -qE 'Search not completed|max search depth|MEMLIM' out; then
		verdict=FAILS
		failed=1
	fi
	say "$file" "${*:-(as it is)}" "$verdict"
	[ "$verdict" != FAILS ] || grep -E '^pan:|^error|^Warning' out >&2 || true
}

# caught FILE NAMES...: the mutant must violate an assertion.
caught() {
	wanted "$@" || return 0
	local file=$1 verdict=caught
	search "-O0 -DSAFETY" "$@" # most are found soon, and then compiling takes longest
	shift
	if ! grep -q 'assertion violated' out; then
		verdict='NOT CAUGHT'
		failed=1
	fi
	say "$file" "$*" "$verdict"
}

# ---- the gate ----

holds gate KILLS=2
holds gate ASYM KILLS=2
holds gate STRICT KILLS=0
holds gate STRICT WAKERS=1 EACH=2 KILLS=2
holds gate STRANGER WAKERS=1 KILLS=2
ends gate ASYM WAKERS=1 EACH=2 KILLS=2

caught gate MUTANT_CHECK_BEFORE_PUT
caught gate MUTANT_NO_SECOND_LOOK
caught gate MUTANT_FLAG_BEFORE_LOAD
caught gate MUTANT_COUNT_BEFORE_CLEAR
caught gate MUTANT_WAKE_ONE
caught gate MUTANT_NOT_TOLD
caught gate MUTANT_WAKE_INSTEAD_OF_BROADCAST
caught gate STRANGER WAKERS=1 MUTANT_BROADCAST_TAKES_THE_FLAG_DOWN
caught gate KILLS=2 MUTANT_RECOVERERS_DEATH_UNNOTICED
caught gate ASYM MUTANT_NO_BARRIER
caught gate ASYM MUTANT_BARRIER_BEFORE_FLAG
caught gate STRICT WAKERS=1 EACH=2 MUTANT_TOLD_TOO_EARLY
caught gate STRICT MUTANT_NOT_STRICT
caught gate STRICT MUTANT_STRICT_WITHOUT_RMW
caught gate STRICT MUTANT_FIRST_SLEEP_LONG
caught gate STRICT MUTANT_ONLY_FIRST_OF_ALL_SHORT

# ---- who learns of a death ----

holds watch KILLS=3
holds watch TOOL KILLS=3
holds watch LOOSE NET=1 KILLS=3
holds watch LOOSE NET=1 TOOL KILLS=3
ends watch

caught watch LOOSE KILLS=1 # without the net
caught watch LOOSE TOOL
caught watch LOOSE NET=1 KILLS=1 MUTANT_NET_DOES_NOT_LOOK
caught watch LOOSE NET=1 KILLS=1 MUTANT_COUNTS_ONLY_IF_MOVED
caught watch MUTANT_TOLD_EARLY
caught watch TOOL MUTANT_TOLD_ONCE
caught watch KILLS=1 MUTANT_TOLD_QUIETLY
caught watch KILLS=1 MUTANT_MEMBERS_READ_LAST
caught watch KILLS=1 MUTANT_COUNTS_BEFORE_IT_WATCHES
caught watch KILLS=1 MUTANT_COUNTS_AFTER_IT_WATCHES
caught watch TOOL MUTANT_LOOKS_BEFORE_IT_WATCHES
caught watch MUTANT_DIED_BEFORE_MENDED
caught watch KILLS=1 MUTANT_NEWCOMER_DOES_NOT_MEND

# ---- the ring and its recovery ----

one='SENDS0=2 SENDS1=0' # one producer
pad='GRANULES=3 LARGE=3 SENDS0=2 SENDS1=0 GIVES_UP'
# shellcheck disable=SC2086 # the words of a configuration
{
	holds recovery KILLS=1
	holds recovery $one KILLS=2
	holds recovery $one DROP KILLS=2
	holds recovery $pad KILLS=1
	holds recovery GRANULES=3 LARGE=1 SENDS1=2 CONSUMERS=1 KILLS=2
	holds recovery LARGE=1 ABORTS=1 SENDS0=3 SENDS1=0 KILLS=2
	holds recovery $one LEAVES KILLS=2
	holds recovery SENDS0=1 SENDS1=0 LEAVES NEWCOMER=CONSUMES KILLS=1
	holds recovery $one CONSUMERS=1 NEWCOMER=CONSUMES KILLS=2
	holds recovery $one CONSUMERS=1 NEWCOMER=PRODUCES KILLS=2
	ends recovery $one CONSUMERS=2 KILLS=1

	caught recovery $one KILLS=0 MUTANT_COMMITTED_BEFORE_WRITTEN
	caught recovery $one KILLS=0 MUTANT_WAKE_BEFORE_COMMIT
	caught recovery $one KILLS=0 MUTANT_NO_SECOND_LOOK
	caught recovery KILLS=0 MUTANT_CLAIM_WITHOUT_CAS
	caught recovery GRANULES=3 LARGE=4 SENDS0=3 SENDS1=0 KILLS=0 MUTANT_INNER_UNCHECKED
	caught recovery $pad KILLS=0 MUTANT_PADDING_WAKES_NOBODY
	caught recovery CONSUMERS=1 MUTANT_HINT_INSTEAD_OF_WALK
	caught recovery LARGE=1 SENDS0=3 SENDS1=0 MUTANT_FIRST_WORD_FIRST
	caught recovery LARGE=1 ABORTS=1 SENDS0=3 SENDS1=0 MUTANT_INNER_NOT_STAMPED
	caught recovery $one MUTANT_DEAD_CLAIM_COMMITTED
	caught recovery $one MUTANT_TAKEN_RELEASED
	caught recovery $one MUTANT_ORPHAN_NOT_FLAGGED
	caught recovery $one MUTANT_TOLD_BEFORE_MADE
	caught recovery $one KILLS=2 MUTANT_TOLD_IF_MADE
	caught recovery $one KILLS=2 MUTANT_SEEN_READ_AFTER
	caught recovery $one KILLS=2 MUTANT_DIED_BEFORE_MENDED
	caught recovery $one MUTANT_NO_BROADCAST
	caught recovery $one MUTANT_DEATH_NOT_PROVED
	caught recovery $one CONSUMERS=1 NEWCOMER=CONSUMES MUTANT_WITHOUT_THE_LEASE
	caught recovery $one CONSUMERS=1 NEWCOMER=CONSUMES MUTANT_NEWCOMER_DOES_NOT_MEND
	caught recovery $one LEAVES KILLS=0 MUTANT_LEAVE_TELLS_FIRST
	caught recovery $one LEAVES MUTANT_CLOSED_BEFORE_HANDED_OVER
	caught recovery $one LEAVES KILLS=2 MUTANT_DEATH_OF_THE_CLOSED_UNNOTICED
}

if [ "$runs" = 0 ]; then
	echo "model: nothing matches $pattern" >&2
	exit 1
fi
if [ "$failed" != 0 ]; then
	echo "model: FAILED" >&2
	exit 1
fi
echo "model: all $runs as expected"
