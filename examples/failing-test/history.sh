#!/bin/sh
# Builds the repository of the example in the directory $1: a base commit whose tests pass, and a
# head commit that makes one fail. Nothing outside of $1 is read or written but this folder.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
repo=$1
mkdir -p "$repo"
cp -R "$here/project/." "$repo/"
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME=demo GIT_AUTHOR_EMAIL=demo@example.org GIT_AUTHOR_DATE='2026-11-01T12:00:00Z'
export GIT_COMMITTER_NAME=demo GIT_COMMITTER_EMAIL=demo@example.org GIT_COMMITTER_DATE='2026-11-01T12:00:00Z'
git -C "$repo" init --quiet --initial-branch=main
git -C "$repo" add --all
git -C "$repo" commit --quiet --message 'slots of a day'
cp -R "$here/change/." "$repo/"
git -C "$repo" commit --quiet --all --message 'merge: name the comparison, sort without keeping order'
