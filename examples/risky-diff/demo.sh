#!/bin/sh
# The demo: a review of a risky change, as SARIF for code scanning. No key, no network service.
# Run by `cargo xtask demo risky-diff`; or with STEPWELL naming a stepwell and an optional directory
# for the repository.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../begin.sh"

echo "==> the review, with a model that plays examples/risky-diff/model.toml"
"$stepwell" run --repo "$repo" --provider "script:$here/model.toml"
echo
echo "==> what code scanning is given"
cat "$repo/.stepwell/out/verdicts.sarif"
