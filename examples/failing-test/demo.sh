#!/bin/sh
# The demo: a step that finds out why a test fails, and repairs it. No key, no network service.
# Run by `cargo xtask demo`; or with STEPWELL naming a stepwell and an optional directory for the
# repository.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
stepwell=${STEPWELL:-stepwell}
if [ $# -gt 0 ]; then
    repo=$1
else
    temporary=$(mktemp -d)
    trap 'rm -rf "$temporary"' EXIT
    repo=$temporary/slots
fi
[ -d "$repo/.git" ] || sh "$here/history.sh" "$repo"

echo "==> the step, with a model that plays examples/failing-test/model.toml"
"$stepwell" run --repo "$repo" --provider "script:$here/model.toml"
echo
echo "==> the same step again: what the context tools read has not changed, so the cache answers"
"$stepwell" run --repo "$repo" --provider "script:$here/model.toml"
echo
echo "==> the same question without any model: the offline analyst"
"$stepwell" run --repo "$repo" --provider offline --out "$repo/.stepwell/offline"
echo
echo "==> what came of it"
cat "$repo/.stepwell/out/report.md"
