#!/bin/sh
# The demo: a patch that a team's own gate refuses, and one that it lets pass. No key, no network service.
# Run by `cargo xtask demo custom-gate`; or with STEPWELL naming a stepwell, GATE the built gate, and an
# optional directory for the repository.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
gate=${GATE:-$here/../../target/components/gates/house_rules.wasm}
more=$(mktemp -d)
mkdir -p "$more/.stepwell/gates"
cp "$gate" "$more/.stepwell/gates/"
EXAMPLE_BASE=$more
export EXAMPLE_BASE
. "$here/../begin.sh"
rm -rf "$more"

echo "==> the run, with a model that plays examples/custom-gate/model.toml"
"$stepwell" run --repo "$repo" --provider "script:$here/model.toml"
echo
echo "==> what each gate says of the patch, and why"
"$stepwell" gate "$repo/.stepwell/out/patch.diff" --repo "$repo" --explain
