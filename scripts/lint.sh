#!/usr/bin/env bash
# Everything that must hold before a change lands, beside the tests.
set -euo pipefail
cd "$(dirname "$0")/.."

unformatted=$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l)
if [ -n "$unformatted" ]; then
	echo "gofmt would change:" "$unformatted" >&2
	exit 1
fi
go vet ./...
for target in linux/arm64 linux/riscv64 darwin/arm64; do
	GOOS=${target%/*} GOARCH=${target#*/} go vet ./...
done
# The tool and its version are pinned in go.mod.
go tool staticcheck ./...
echo "lint: clean"
