#!/bin/sh
# Builds the repository of the example in the folder $1 in the directory $2: a base commit of its
# `project` (and of what lies in EXAMPLE_BASE, if it is set), and a head commit with its `change`.
# Nothing outside of $2 is written.
set -eu
example=$1
repo=$2
mkdir -p "$repo"
cp -R "$example/project/." "$repo/"
# What is built, and belongs to the base all the same.
[ -z "${EXAMPLE_BASE:-}" ] || cp -R "$EXAMPLE_BASE/." "$repo/"
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME=demo GIT_AUTHOR_EMAIL=demo@example.org GIT_AUTHOR_DATE='2026-11-01T12:00:00Z'
export GIT_COMMITTER_NAME=demo GIT_COMMITTER_EMAIL=demo@example.org GIT_COMMITTER_DATE='2026-11-01T12:00:00Z'
message() {
    if [ -f "$example/$1.message" ]; then cat "$example/$1.message"; else echo "$1"; fi
}
git -C "$repo" init --quiet --initial-branch=main
git -C "$repo" add --all
git -C "$repo" commit --quiet --message "$(message project)"
cp -R "$example/change/." "$repo/"
git -C "$repo" add --all
git -C "$repo" commit --quiet --message "$(message change)"
