#!/usr/bin/env bash
# Compares the benchmarks of the working tree with those of a git ref: bench-compare.sh REF [ROUNDS [PATTERN]].
# Both are built first and then run in turn, round by round, so that a drift of the machine hits both alike. Packages that the ref
# has not are left out, and so are benchmarks that only one of them has: benchstat says so.
set -euo pipefail
cd "$(dirname "$0")/.."
ref=${1:-}
rounds=${2:-10}
pattern=${3:-.}
packages=(./ring ./bench/contest)
[ -n "$ref" ] || { echo "usage: make bench-compare REF=main [ROUNDS=10] [PATTERN=Throughput]" >&2; exit 2; }
commit=$(git rev-parse --verify --quiet "$ref^{commit}") || { echo "bench-compare: $ref is no commit of this repository" >&2; exit 2; }

work=$(mktemp -d)
trap 'git worktree remove --force "$work/ref" 2>/dev/null || true; rm -rf "$work"' EXIT
git worktree add --quiet --detach "$work/ref" "$commit"

runs=()
for package in "${packages[@]}"; do
	name=${package//[.\/]/_}
	if ! (cd "$work/ref" && go test -c -o "$work/old$name" "$package") 2>"$work/said" || [ ! -x "$work/old$name" ]; then
		echo "bench-compare: $package is left out: ${ref} has not got it, or it does not build there" >&2
		continue
	fi
	go test -c -o "$work/new$name" "$package"
	runs+=("$package")
done
[ ${#runs[@]} -gt 0 ] || { echo "bench-compare: nothing to compare with $ref" >&2; exit 1; }

for ((round = 1; round <= rounds; round++)); do
	echo "round $round of $rounds" >&2
	for package in "${runs[@]}"; do
		name=${package//[.\/]/_}
		sides=(old new)
		((round % 2)) || sides=(new old)
		for side in "${sides[@]}"; do
			(cd "$package" && "$work/$side$name" -test.run '^$' -test.bench "$pattern" -test.benchtime 0.3s) >>"$work/$side.txt"
		done
	done
done
go tool benchstat "$ref=$work/old.txt" "worktree=$work/new.txt"
