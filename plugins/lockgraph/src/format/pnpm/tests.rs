//! What a pnpm-lock.yaml and the manifests around it come to.

use crate::format::js::drawn::{read, told};
use crate::{Format, Warnings};

pub(in crate::format) const V5: &str = "\
lockfileVersion: 5.4

specifiers:
  '@s/a': ^1.0.0
  alias: npm:real@^3.0.0
  git: github:me/git
  near: link:../near
  tgz: file:./tgz-1.0.0.tgz
  tool: ^2.0.0

dependencies:
  '@s/a': 1.1.0_peer@2.0.0
  alias: /real/3.0.0
  git: github.com/me/git/4bdd58d3fbcdce3209033d44d884e87add1d8405
  near: link:../near
  tgz: file:tgz-1.0.0.tgz

optionalDependencies:
  maybe: 1.0.0

devDependencies:
  tool: 2.0.0

packages:

  /@s/a/1.1.0_peer@2.0.0:
    resolution: {integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=}
    peerDependencies:
      peer: ^2.0.0
    dependencies:
      peer: 2.0.0
      real: 3.0.0
    optionalDependencies:
      maybe: 1.0.0
    dev: false

  /maybe/1.0.0:
    resolution: {integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=}
    dev: false
    optional: true

  /peer/2.0.0:
    resolution: {integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=}
    dev: false

  /real/3.0.0:
    resolution: {integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=}
    dev: false

  /tool/2.0.0:
    resolution: {integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=, tarball: https://r.example.org/tool/-/tool-2.0.0.tgz}
    dev: true

  file:tgz-1.0.0.tgz:
    resolution: {integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=, tarball: file:tgz-1.0.0.tgz}
    name: tgz
    version: 1.0.0
    dev: false

  github.com/me/git/4bdd58d3fbcdce3209033d44d884e87add1d8405:
    resolution: {tarball: https://codeload.github.com/me/git/tar.gz/4bdd58d3fbcdce3209033d44d884e87add1d8405}
    name: git
    version: 1.0.0
    dev: false
";

#[test]
fn a_lock_of_version_5_is_resolved() {
    let manifest = r#"{ "name": "shop", "version": "1.0.0", "license": "MIT" }"#;
    let files = [("app/pnpm-lock.yaml", V5), ("app/package.json", manifest)];
    insta::assert_snapshot!(read(files), @r"
    pkg:npm/%40s/a@1.1.0 registry runtime:26
        optional maybe@1.0.0
        peer peer@2.0.0
        runtime real@3.0.0
    pkg:npm/git@1.0.0?vcs_url=git%2Bhttps:%2F%2Fgithub.com%2Fme%2Fgit.git%404bdd58d3fbcdce3209033d44d884e87add1d8405 git runtime:60
    pkg:npm/maybe@1.0.0 registry optional:37
    pkg:npm/near path runtime at `near`:15
    pkg:npm/peer@2.0.0 registry runtime:42
    pkg:npm/real@3.0.0 registry runtime:46
    root pkg:npm/shop@1.0.0 member runtime at `app`:1,1
        runtime @s/a@1.1.0
        runtime git@1.0.0
        optional maybe@1.0.0
        runtime near at `near`
        runtime real@3.0.0
        runtime tgz@1.0.0
        dev tool@2.0.0
    pkg:npm/tgz@1.0.0?download_url=file:tgz-1.0.0.tgz archive runtime:54
    pkg:npm/tool@2.0.0 registry dev:50
    ");
}

#[test]
fn digests_and_sources_are_what_the_file_says() {
    let parse = |text: &str| {
        Format::Pnpm.parse("pnpm-lock.yaml", text.as_bytes(), &mut Warnings::default()).unwrap()
    };
    insta::assert_snapshot!(told(&parse(V5)), @r"
    @s/a@1.1.0: Sha1 da39a3ee…
    git@1.0.0: from https://codeload.github.com/me/git/tar.gz/4bdd58d3fbcdce3209033d44d884e87add1d8405
    maybe@1.0.0: Sha1 da39a3ee…
    peer@2.0.0: Sha1 da39a3ee…
    real@3.0.0: Sha1 da39a3ee…
    tgz@1.0.0: from file:tgz-1.0.0.tgz; Sha1 da39a3ee…
    tool@2.0.0: from https://r.example.org/tool/-/tool-2.0.0.tgz; Sha1 da39a3ee…
    ");
    insta::assert_snapshot!(told(&parse(V9)), @r"
    git@1.0.0: from https://codeload.github.com/me/git/tar.gz/abc
    node@22.0.0: from runtime:22.0.0
    obug@1.0.2: Sha1 da39a3ee…
    peer@1.0.0: Sha1 da39a3ee…
    peer@2.0.0: Sha1 da39a3ee…
    pnpm@11.0.0: Sha1 da39a3ee…
    real@3.0.0: Sha1 da39a3ee…
    real@3.0.0: Sha1 da39a3ee…
    ");
}

pub(in crate::format) const V6: &str = "\
lockfileVersion: '6.0'

importers:

  .:
    dependencies:
      '@s/a':
        specifier: ^1.0.0
        version: 1.1.0(peer@2.0.0)(@s/deep@1.0.0(peer@2.0.0))
      member:
        specifier: workspace:*
        version: link:packages/member

  packages/member:
    devDependencies:
      alias:
        specifier: npm:real@^3.0.0
        version: /real@3.0.0
      inner:
        specifier: file:inner
        version: file:packages/member/inner(peer@2.0.0)

packages:

  /@s/a@1.1.0(peer@2.0.0)(@s/deep@1.0.0(peer@2.0.0)):
    resolution: {integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=}
    peerDependencies:
      peer: ^2.0.0
      '@s/deep': '*'
    dependencies:
      '@s/deep': 1.0.0(peer@2.0.0)
      peer: 2.0.0

  /@s/deep@1.0.0(peer@2.0.0):
    resolution: {integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=}
    dependencies:
      peer: 2.0.0

  /peer@2.0.0:
    resolution: {integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=}

  /real@3.0.0:
    resolution: {type: git, repo: 'git+ssh://git@host.example.org/real.git', commit: abc}

  file:packages/member/inner(peer@2.0.0):
    resolution: {directory: packages/member/inner, type: directory}
    id: file:packages/member/inner
    name: inner
    dependencies:
      peer: 2.0.0
";

#[test]
fn a_lock_of_version_6_is_resolved() {
    insta::assert_snapshot!(read([("pnpm-lock.yaml", V6)]), @r"
    pkg:npm/%40s/a@1.1.0 registry runtime:25
        peer @s/deep@1.0.0
        peer peer@2.0.0
    pkg:npm/%40s/deep@1.0.0 registry runtime:34
        runtime peer@2.0.0
    pkg:npm/inner path dev at `packages/member/inner`:45
        runtime peer@2.0.0
    root pkg:npm/member member runtime at `packages/member`:14
        dev inner at `packages/member/inner`
        dev real@3.0.0
    pkg:npm/peer@2.0.0 registry runtime:39
    pkg:npm/real@3.0.0?vcs_url=git%2Bssh:%2F%2Fgit%40host.example.org%2Freal.git%40abc git dev:42
    root pkg:npm/root member runtime at ``:5
        runtime @s/a@1.1.0
        runtime member at `packages/member`
    ");
}

pub(in crate::format) const V9: &str = "\
---
lockfileVersion: '9.0'

importers:

  .:
    packageManagerDependencies:
      pnpm:
        specifier: 11.0.0
        version: 11.0.0

packages:

  pnpm@11.0.0:
    resolution: {integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=}

snapshots:

  pnpm@11.0.0: {}

---
lockfileVersion: '9.0'

catalogs:
  default:
    real:
      specifier: ^3.0.0
      version: 3.0.0

overrides:
  debug: npm:obug@^1.0.2

importers:

  .:
    dependencies:
      real:
        specifier: 'catalog:'
        version: 3.0.0(peer@1.0.0)
    devDependencies:
      real2:
        specifier: npm:real@3
        version: real@3.0.0(peer@2.0.0)

  packages/member:
    dependencies:
      beside:
        specifier: link:../beside
        version: link:../beside
      inner:
        specifier: file:inner
        version: file:packages/member/inner
      node:
        specifier: runtime:22.0.0
        version: runtime:22.0.0
      root:
        specifier: workspace:*
        version: link:../..

packages:

  git@https://codeload.github.com/me/git/tar.gz/abc:
    resolution: {tarball: https://codeload.github.com/me/git/tar.gz/abc}
    version: 1.0.0

  inner@file:packages/member/inner:
    resolution: {directory: packages/member/inner, type: directory}

  node@runtime:22.0.0:
    resolution:
      type: variations
      variants:
        - resolution:
            archive: tarball
            bin: bin/node
            integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=
            type: binary
            url: https://r.example.org/node-22.0.0-linux.tar.gz
          targets:
            - cpu: x64
              os: linux
    version: 22.0.0

  obug@1.0.2:
    resolution: {integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=}

  peer@1.0.0:
    resolution: {integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=}

  peer@2.0.0:
    resolution: {integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=}

  real@3.0.0:
    resolution: {integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=}
    peerDependencies:
      peer: '*'

snapshots:

  git@https://codeload.github.com/me/git/tar.gz/abc: {}

  inner@file:packages/member/inner:
    dependencies:
      root: link:.

  node@runtime:22.0.0: {}

  obug@1.0.2:
    optional: true

  peer@1.0.0: {}

  peer@2.0.0: {}

  real@3.0.0(peer@1.0.0):
    dependencies:
      debug: obug@1.0.2
      peer: 1.0.0
    optionalDependencies:
      git: https://codeload.github.com/me/git/tar.gz/abc
    transitivePeerDependencies:
      - supports-color

  real@3.0.0(peer@2.0.0):
    dependencies:
      debug: obug@1.0.2
      peer: 2.0.0
";

#[test]
fn a_lock_of_version_9_is_resolved_in_all_its_documents() {
    let member = r#"{ "name": "@s/member", "version": "0.1.0" }"#;
    let files = [("pnpm-lock.yaml", V9), ("packages/member/package.json", member)];
    insta::assert_snapshot!(read(files), @r"
    root pkg:npm/%40s/member@0.1.0 member runtime at `packages/member`:1,45
        runtime beside at `packages/beside`
        runtime inner at `packages/member/inner`
        runtime node@22.0.0
        runtime root at ``
    pkg:npm/beside path runtime at `packages/beside`:49
    pkg:npm/git@1.0.0?vcs_url=git%2Bhttps:%2F%2Fgithub.com%2Fme%2Fgit.git%40abc git optional:62,100
    pkg:npm/inner path runtime at `packages/member/inner`:66,102
        runtime root at ``
    pkg:npm/node@22.0.0 archive runtime:69,106
    pkg:npm/obug@1.0.2 registry runtime:84,108
    pkg:npm/peer@1.0.0 registry runtime:87,111
    pkg:npm/peer@2.0.0 registry dev:90,113
    pkg:npm/pnpm@11.0.0 registry dev:14,19
    pkg:npm/real@3.0.0 registry runtime:93,115
        optional git@1.0.0
        runtime obug@1.0.2
        peer peer@1.0.0
    pkg:npm/real@3.0.0 registry dev:93,124
        runtime obug@1.0.2
        peer peer@2.0.0
    root pkg:npm/root member runtime at ``:6
        dev pnpm@11.0.0
        runtime real@3.0.0
        dev real@3.0.0
    ");
}

#[test]
fn a_broken_entry_costs_itself_alone() {
    let text = "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a: {specifier: 1, version: 1.0.0}\n\
        \x20     lost: {specifier: 1, version: 1.0.0}\npackages:\n<<<<<<< HEAD\n  a@1.0.0: {}\n  b@1.0.0: {\n=======\n\
        >>>>>>> b\n  ://x: {}\nsnapshots:\n  a@1.0.0:\n    dependencies:\n      c: 1.0.0\n  c@1.0.0: {}\n";
    insta::assert_snapshot!(read([("pnpm-lock.yaml", text)]), @r"
    pkg:npm/a@1.0.0 registry runtime:9,15
        runtime c@1.0.0
    pkg:npm/c@1.0.0 registry runtime:18
    root pkg:npm/root member runtime at ``:3
        runtime a@1.0.0
    warning: pnpm-lock.yaml:8: a merge conflict was left here
    warning: pnpm-lock.yaml:11: not valid YAML: while parsing a node, did not find expected node content
    warning: pnpm-lock.yaml:11: a merge conflict was left here
    warning: pnpm-lock.yaml:12: a merge conflict was left here
    warning: pnpm-lock.yaml:6: `lost` is needed and not in the lock file
    ");
    let text = "lockfileVersion: '9.0'\nimporters:\n  \"a/b\\x0fc\": {}\n  a/d: {}\n";
    insta::assert_snapshot!(read([("pnpm-lock.yaml", text)]).replace('\x0f', "?"), @r"
    root pkg:npm/d member runtime at `a/d`:4
    root pkg:npm/root member runtime at `a/b?c`:3
    ");
    insta::assert_snapshot!(read([("pnpm-lock.yaml", "this is no lock file")]), @"warning: pnpm-lock.yaml: not a lock file: it has neither `importers` nor `packages`");
    insta::assert_snapshot!(read([("pnpm-lock.yaml", "a: b\n")]), @"warning: pnpm-lock.yaml: not a lock file: it has neither `importers` nor `packages`");
    insta::assert_snapshot!(read([("pnpm-lock.yaml", "lockfileVersion: '6.0'\n")]), @"root pkg:npm/root member runtime at ``:1");
}
