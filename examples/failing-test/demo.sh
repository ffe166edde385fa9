#!/bin/sh
# The demo: a step that finds out why a test fails, and repairs it. No key, no network service.
# Run by `cargo xtask demo`; or with STEPWELL naming a stepwell and an optional directory for the
# repository.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../begin.sh"

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
echo
echo "==> why it was done; $repo/.stepwell/out/report.html shows all of it"
"$stepwell" explain --repo "$repo"
echo
echo "==> the patch, as a commit on a branch of its own"
GIT_AUTHOR_NAME=demo GIT_AUTHOR_EMAIL=demo@example.org \
GIT_COMMITTER_NAME=demo GIT_COMMITTER_EMAIL=demo@example.org \
    "$stepwell" apply --repo "$repo" --branch fix/slots --write
git -C "$repo" show --stat --format='%n%B' fix/slots
