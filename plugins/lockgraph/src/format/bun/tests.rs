//! What a bun.lock comes to.

use crate::format::js::drawn::{read, told};
use crate::{Format, Warnings};

pub(in crate::format) const BUN: &str = r#"{
  "lockfileVersion": 1,
  "workspaces": {
    "": {
      "name": "shop",
      "dependencies": { "@s/a": "^1.0.0", "alias": "npm:real@^3.0.0", "member": "workspace:*", },
      "devDependencies": { "git": "github:me/git", },
      "optionalDependencies": { "not-here": "1", "maybe": "1", },
    },
    "packages/member": {
      "name": "@s/member",
      "version": "0.1.0",
      "dependencies": { "b": "catalog:", "gone": "1" },
      "peerDependencies": { "real": "*" },
      "optionalPeers": ["real"],
    },
  },
  "overrides": { "b": "2.0.0" },
  "catalog": { "b": "^2.0.0" },
  "packages": {
    "@s/a": ["@s/a@1.1.0", "https://user:word@r.example.org/a.tgz", { "dependencies": { "b": "^1.0.0", "c": "1" }, "optionalDependencies": { "maybe": "1" }, "peerDependencies": { "alias": "*", "unmet": "*" } }, "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="],

    "@s/a/b": ["b@1.0.0", "", { "dependencies": { "c": "1" } }, "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="],

    "@s/a/b/c": ["c@1.9.0", "", {}, "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="],

    "@s/member": ["@s/member@workspace:packages/member"],

    "@s/member/b": ["b@2.1.0", "", {}, "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="],

    "alias": ["real@3.0.0", "", {}, "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="],

    "b": ["b@2.0.0", "", {}, "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="],

    "c": ["c@1.0.0", "", {}, "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="],

    "dir": ["dir@file:deps/dir", {}],

    "git": ["git@github:me/git#98e8ff1", { "dependencies": { "dir": "file:deps/dir", "tgz": "*" } }, "me-git-98e8ff1"],

    "maybe": ["maybe@1.0.0", "", { "os": "darwin" }, "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="],

    "member": ["@s/member@workspace:packages/member"],

    "tgz": ["tgz@https://host.example.org/tgz.tgz", {}, "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="],
  }
}
"#;

#[test]
fn a_tree_is_resolved_the_way_bun_does() {
    insta::assert_snapshot!(read([("bun.lock", BUN)]), @r"
    pkg:npm/%40s/a@1.1.0 registry runtime:21
        runtime b@1.0.0
        runtime c@1.0.0
        optional maybe@1.0.0
        peer real@3.0.0
    root pkg:npm/%40s/member@0.1.0 member runtime at `packages/member`:10
        runtime b@2.1.0
    pkg:npm/b@1.0.0 registry runtime:23
        runtime c@1.9.0
    pkg:npm/b@2.0.0 registry unknown:33
    pkg:npm/b@2.1.0 registry runtime:29
    pkg:npm/c@1.0.0 registry runtime:35
    pkg:npm/c@1.9.0 registry runtime:25
    pkg:npm/dir path dev at `deps/dir`:37
    pkg:npm/git?vcs_url=git%2Bhttps:%2F%2Fgithub.com%2Fme%2Fgit.git%4098e8ff1 git dev:39
        runtime dir at `deps/dir`
        runtime tgz
    pkg:npm/maybe@1.0.0 registry optional:41
    pkg:npm/real@3.0.0 registry runtime:31
    root pkg:npm/shop member runtime at ``:4
        runtime @s/a@1.1.0
        runtime @s/member@0.1.0 at `packages/member`
        dev git
        optional maybe@1.0.0
        runtime real@3.0.0
    pkg:npm/tgz?download_url=https:%2F%2Fhost.example.org%2Ftgz.tgz archive dev:45
    warning: bun.lock:10: `gone`, which @s/member needs, is not in the lock file
    ");
}

#[test]
fn digests_and_sources_are_what_the_file_says() {
    let graph = Format::Bun.parse("bun.lock", BUN.as_bytes(), &mut Warnings::default()).unwrap();
    insta::assert_snapshot!(told(&graph), @r"
    @s/a@1.1.0: from https://r.example.org/a.tgz; Sha1 da39a3ee…
    b@1.0.0: Sha1 da39a3ee…
    b@2.0.0: Sha1 da39a3ee…
    b@2.1.0: Sha1 da39a3ee…
    c@1.0.0: Sha1 da39a3ee…
    c@1.9.0: Sha1 da39a3ee…
    dir: from file:deps/dir
    git: from github:me/git#98e8ff1
    maybe@1.0.0: Sha1 da39a3ee…
    real@3.0.0: Sha1 da39a3ee…
    tgz: from https://host.example.org/tgz.tgz; Sha1 da39a3ee…
    ");
}

#[test]
fn a_broken_entry_costs_itself_alone() {
    let text = "{\n  \"workspaces\": {},\n  \"packages\": {\n    \"a\": [\"a@1.0.0\", \"\", {}, \"\"],\n\
        <<<<<<< HEAD\n    \"b\": [123, \"\", {}],\n    \"c\": [\"c@1.0\n    \"d\": {},\n    \"e\": [\"e@1.0.0\"],\n";
    insta::assert_snapshot!(read([("bun.lock", text)]), @r"
    pkg:npm/a@1.0.0 registry unknown:4
    pkg:npm/e@1.0.0 registry unknown:9
    warning: bun.lock:5: a merge conflict was left here
    warning: bun.lock:7: not valid JSON
    warning: bun.lock:9: it ends too early
    warning: bun.lock:6: `b`: its first item is no text
    warning: bun.lock:8: `d`: it is no list
    ");
    insta::assert_snapshot!(read([("bun.lock", "this is no lock file")]), @"warning: bun.lock:1: not valid JSON: expected ident at line 1 column 2");
    insta::assert_snapshot!(read([("bun.lock", "{}")]), @"warning: bun.lock: not a lock file: it has neither `workspaces` nor `packages`");
    insta::assert_snapshot!(read([("bun.lock", "[]")]), @"warning: bun.lock: not a lock file: it is no JSON object");
}

#[test]
fn a_path_of_names_has_an_end() {
    let deep = "a/".repeat(3_000);
    let text = format!("{{\"packages\": {{ \"{deep}b\": [\"b@1.0.0\"], \"c\": [\"c@1.0.0\"] }} }}");
    insta::assert_snapshot!(read([("bun.lock", &*text)]), @r"
    pkg:npm/c@1.0.0 registry unknown:1
    warning: bun.lock:1: a package at a path that no file system allows
    ");
}
