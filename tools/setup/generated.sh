#!/bin/bash
# Rebuilds every generated file in a copy of the tree and fails where it differs.
set -euo pipefail
cd "$(dirname "$0")/../.."
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$copy"
(cd "$copy" && git init -q && go generate ./...)
bad=0
while IFS= read -r file; do
  cmp -s "$file" "$copy/$file" || { echo "stale: $file (run make generate)"; bad=1; }
done < <(git ls-files)
exit $bad
