#!/bin/sh
# The demo: an upgrade that is too young, and one that is not. No key, no network service. Run by
# `cargo xtask demo upgrade-dependency`; or with STEPWELL naming a stepwell and an optional directory for
# the repository.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../begin.sh"

echo "==> the run, with a model that plays examples/upgrade-dependency/model.toml"
"$stepwell" run --repo "$repo" --provider "script:$here/model.toml"
echo
echo "==> the patch that may leave"
cat "$repo/.stepwell/out/patch.diff"
