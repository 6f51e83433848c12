#!/usr/bin/env bash
# Runs every fuzz target of the repository for a while: scripts/fuzz.sh 15s
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-15s}
git ls-files -co --exclude-standard '*_test.go' | xargs grep -lE '^func Fuzz' | while read -r file; do
	grep -oE '^func Fuzz[A-Za-z0-9_]+' "$file" | sed 's/func //' | while read -r target; do
		go test "./$(dirname "$file")" -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 20x
	done
done
