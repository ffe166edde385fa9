//! What workflows and actions of GitHub come to.

use crate::drawn::read;

const WORKFLOW: &str = r#"
name: CI
on: [push]
jobs:
  build:
    runs-on: ${{ matrix.os }}
    container:
      image: images.example.org/acme/build:1.2
    services:
      db: { image: "postgres:16" }
      none: { image: "${{ inputs.image }}" }
    steps:
      - uses: actions/checkout@v4
      - name: Analyse
        uses: github/codeql-action/init@v3
      - uses: GitHub/codeql-action/analyze@v3
      - uses: actions/setup-node@8e5e7e5ab8b370d6c329ec480221332ada57f0ab # v4.0.2
      - uses: ./.github/actions/local
      - uses: docker://alpine:3.18
      - run: "echo uses: nobody/nothing@v1"
  plain:
    container: debian
    steps:
      - uses: actions/checkout@v4
      - uses: nobody
      - uses: "@v1"
      - uses: actions/no-version@
      - uses:
      - uses: ${{ matrix.action }}@v1
  call:
    uses: octo-org/shared/.github/workflows/reusable.yml@v1.2.3
"#;

#[test]
fn a_workflow_uses_repositories_at_revisions_and_images() {
    insta::assert_snapshot!(read([(".github/workflows/ci.yml", WORKFLOW)]), @r"
    pkg:docker/acme/build@1.2?repository_url=images.example.org registry build from `images.example.org/acme/build:1.2` .github/workflows/ci.yml:8
    pkg:docker/alpine@3.18 registry build from `alpine:3.18` .github/workflows/ci.yml:19
    pkg:docker/debian@latest registry build from `debian` .github/workflows/ci.yml:22
    pkg:docker/postgres@16 registry build from `postgres:16` .github/workflows/ci.yml:10
    pkg:github/actions/checkout@v4 git build .github/workflows/ci.yml:13 .github/workflows/ci.yml:24
    pkg:github/actions/setup-node@8e5e7e5ab8b370d6c329ec480221332ada57f0ab git build integrity `8e5e7e5ab8b370d6c329ec480221332ada57f0ab` .github/workflows/ci.yml:17
    pkg:github/github/codeql-action@v3 git build .github/workflows/ci.yml:15 .github/workflows/ci.yml:16
    pkg:github/octo-org/shared@v1.2.3 git build .github/workflows/ci.yml:31
    warning: .github/workflows/ci.yml:11: which image `${{ inputs.image }}` is becomes known when it runs
    warning: .github/workflows/ci.yml:25: `nobody`: it names no revision
    warning: .github/workflows/ci.yml:26: `@v1`: it names no repository
    warning: .github/workflows/ci.yml:27: `actions/no-version@`: it names no usable revision
    warning: .github/workflows/ci.yml:28: `uses` says nothing
    warning: .github/workflows/ci.yml:29: `${{ matrix.action }}@v1`: what it is becomes known when it runs
    ");
}

#[test]
fn an_action_uses_what_its_steps_use() {
    let composite =
        "runs:\n  using: composite\n  steps:\n    - uses: actions/cache@v4\n    - run: x\n";
    let docker = "runs:\n  using: docker\n  image: docker://acme/tool:2\n";
    let local = "runs:\n  using: docker\n  image: Dockerfile\n";
    let files = [
        ("a/action.yml", composite),
        ("b/action.yaml", docker),
        ("c/action.yml", local),
        ("d/action.yml", "kind: other\n"),
    ];
    insta::assert_snapshot!(read(files), @r"
    a/action.yml:
    pkg:github/actions/cache@v4 git build a/action.yml:4
    b/action.yaml:
    pkg:docker/acme/tool@2 registry build from `acme/tool:2` b/action.yaml:3
    c/action.yml:
    d/action.yml:
    warning: d/action.yml:1: no action: nothing says how it runs
    ");
}

#[test]
fn a_workflow_that_is_no_yaml_is_read_by_lines() {
    let conflict = WORKFLOW.replace(
        "      - uses: docker://alpine:3.18\n",
        "<<<<<<< ours\n      - uses: docker://alpine:3.18\n=======\n      - uses: 'acme/new@v1'\n>>>>>>> theirs\n",
    );
    insta::assert_snapshot!(read([(".github/workflows/ci.yaml", &*conflict)]), @r"
    pkg:docker/acme/build@1.2?repository_url=images.example.org registry build from `images.example.org/acme/build:1.2` .github/workflows/ci.yaml:8
    pkg:docker/alpine@3.18 registry build from `alpine:3.18` .github/workflows/ci.yaml:20
    pkg:docker/postgres@16 registry build from `postgres:16` .github/workflows/ci.yaml:10
    pkg:github/acme/new@v1 git build .github/workflows/ci.yaml:22
    pkg:github/actions/checkout@v4 git build .github/workflows/ci.yaml:13 .github/workflows/ci.yaml:28
    pkg:github/actions/setup-node@8e5e7e5ab8b370d6c329ec480221332ada57f0ab git build integrity `8e5e7e5ab8b370d6c329ec480221332ada57f0ab` .github/workflows/ci.yaml:17
    pkg:github/github/codeql-action@v3 git build .github/workflows/ci.yaml:15 .github/workflows/ci.yaml:16
    pkg:github/octo-org/shared@v1.2.3 git build .github/workflows/ci.yaml:35
    warning: .github/workflows/ci.yaml:20: not valid YAML: simple key expect ':'; from here on only lines that begin with `uses:` are read
    warning: .github/workflows/ci.yaml:11: which image `${{ inputs.image }}` is becomes known when it runs
    warning: .github/workflows/ci.yaml:29: `nobody`: it names no revision
    warning: .github/workflows/ci.yaml:30: `@v1`: it names no repository
    warning: .github/workflows/ci.yaml:31: `actions/no-version@`: it names no usable revision
    warning: .github/workflows/ci.yaml:32: ``: it names no revision
    warning: .github/workflows/ci.yaml:33: `${{ matrix.action }}@v1`: what it is becomes known when it runs
    ");
}

#[test]
fn what_is_no_workflow_says_so() {
    let files = [
        (".github/workflows/a.yml", ""),
        (".github/workflows/b.yml", "name: only\n"),
        (".github/workflows/c.yml", "jobs:\n  - a\n"),
        (".github/workflows/d.yml", "jobs:\n  a:\n    steps: none\n"),
        ("web/.github/workflows/e.yml", "jobs:\n  a:\n    uses: a/b/c@d\n"),
    ];
    insta::assert_snapshot!(read(files), @r"
    .github/workflows/b.yml:
    .github/workflows/c.yml:
    .github/workflows/d.yml:
    web/.github/workflows/e.yml:
    pkg:github/a/b@d git build web/.github/workflows/e.yml:3
    warning: .github/workflows/a.yml: not a lock file: it is empty
    warning: .github/workflows/b.yml:1: a workflow without jobs
    warning: .github/workflows/c.yml:2: `jobs` is no mapping of jobs
    warning: .github/workflows/d.yml:3: `steps` is no list of steps
    warning: web/.github/workflows/e.yml: not at the root of the repository, where GitHub would run it
    ");
}
