#!/bin/bash
# What `make check` judges besides tests. Prints what is wrong and fails.
set -euo pipefail
cd "$(dirname "$0")/../.."

step() { echo "check: $*"; }

step "gofmt"
unformatted=$(git ls-files '*.go' | xargs gofmt -l)
[ -z "$unformatted" ] || { echo "gofmt would change:"; echo "$unformatted"; exit 1; }
step "go vet"
go vet ./...
step "staticcheck"
go tool staticcheck ./...
step "import rules"
go test -count=1 ./tools/archtest
step "shell scripts"
git ls-files '*.sh' 'modules/*/bin/*' 'modules/*/*/bin/*' | xargs -r shellcheck -S warning
step "generated files"
tools/setup/generated.sh
step "races in the pure packages"
go test -race ./safefmt/... ./runtime/ha ./runtime/failover/... ./runtime/automaton ./runtime/resource ./runtime/store
