//! What a composer.lock and the composer.json beside it come to.

use super::super::sketch::{parse, read};
use crate::Format;

const LOCK: &str = r#"{
  "content-hash": "439b16dd5df2e0730bd1cc4352654d09",
  "packages": [
    {
      "name": "acme/Log",
      "version": "v2.1.0",
      "source": {"type": "git", "url": "https://example.org/acme/log.git", "reference": "4c115873c86ad5bd0ac6d962db70ca53bf8fb874"},
      "dist": {"type": "zip", "url": "https://user:word@example.org/log.zip", "reference": "4c115873c86ad5bd0ac6d962db70ca53bf8fb874", "shasum": "9a0364b9e99bb480dd25e1f0284c8555c54a1a2b"},
      "require": {"php": ">=8.1", "ext-json": "*", "acme/contract-implementation": "1.0", "acme/branch": "^1"},
      "provide": {"acme/log-implementation": "1.0"},
      "notification-url": "https://example.org/downloads/",
      "license": ["MIT", "GPL-2.0-only"]
    },
    {
      "name": "acme/branch",
      "version": "dev-main",
      "source": {"type": "git", "url": "https://example.org/acme/branch.git", "reference": "5c115873c86ad5bd0ac6d962db70ca53bf8fb874"},
      "dist": {"type": "zip", "url": "https://example.org/branch.zip", "shasum": ""},
      "require": [],
      "notification-url": "https://example.org/downloads/",
      "license": "BSD-3-Clause"
    },
    {
      "name": "acme/forked",
      "version": "1.0.0",
      "source": {"type": "git", "url": "https://token@example.org/acme/forked.git", "reference": "6c115873c86ad5bd0ac6d962db70ca53bf8fb874"},
      "replace": {"acme/contract-implementation": "*"}
    },
    {"name": "acme/zip", "version": "1.0.0", "dist": {"type": "zip", "url": "https://example.org/zip.zip"}},
    {"name": "acme/beside", "version": "1.0.0", "dist": {"type": "path", "url": "../beside", "reference": "0"}}
  ],
  "packages-dev": [
    {
      "name": "acme/test",
      "version": "10.0.1",
      "require": {"acme/log-implementation": "^1", "acme/given": "*", "acme/missing": "*"},
      "notification-url": "https://example.org/downloads/"
    }
  ],
  "platform": {"php": "^8.1"}
}"#;

#[test]
fn a_project_needs_what_its_composer_json_asks_for() {
    let manifest = r#"{"name": "acme/app", "license": "proprietary", "require": {"php": "^8.1", "ACME/log": "^2"},
        "require-dev": {"acme/test": "^10"}, "replace": {"acme/given": "*"}}"#;
    insta::assert_snapshot!(read([("app/composer.lock", LOCK), ("app/composer.json", manifest)]), @r"
    root pkg:composer/acme/app member runtime at `app` licence `proprietary` composer.json:1
        runtime acme/Log@v2.1.0
        dev acme/test@10.0.1
    pkg:composer/acme/beside@1.0.0 path runtime at `beside` composer.lock:30
    pkg:composer/acme/branch@dev-main?vcs_url=https:%2F%2Fexample.org%2Facme%2Fbranch.git%405c115873c86ad5bd0ac6d962db70ca53bf8fb874 git runtime from `https://example.org/acme/branch.git#5c115873c86ad5bd0ac6d962db70ca53bf8fb874` licence `BSD-3-Clause` composer.lock:14
    pkg:composer/acme/forked@1.0.0?vcs_url=https:%2F%2Fexample.org%2Facme%2Fforked.git%406c115873c86ad5bd0ac6d962db70ca53bf8fb874 git runtime from `https://example.org/acme/forked.git#6c115873c86ad5bd0ac6d962db70ca53bf8fb874` composer.lock:23
    pkg:composer/acme/log@v2.1.0 registry runtime from `https://example.org/log.zip` licence `(MIT OR GPL-2.0-only)` Sha1=9a0364b9 composer.lock:4
        runtime acme/branch@dev-main
        runtime acme/forked@1.0.0
    pkg:composer/acme/test@10.0.1 registry dev composer.lock:33
        runtime acme/Log@v2.1.0
    pkg:composer/acme/zip@1.0.0?download_url=https:%2F%2Fexample.org%2Fzip.zip archive runtime from `https://example.org/zip.zip` composer.lock:29
    warning: app/composer.lock:33: `acme/missing` is needed and not in the lock file
    ");
}

#[test]
fn a_merge_conflict_costs_its_second_side() {
    let text = "{\n<<<<<<< HEAD\n\"content-hash\": \"1\",\n||||||| base\n\"content-hash\": \"0\",\n=======\n\"content-hash\": \"2\",\n>>>>>>> theirs\n\"packages\": [{\"name\": \"a/b\", \"version\": \"1\"}]}";
    insta::assert_snapshot!(parse(Format::Composer, text), @r"
    pkg:composer/a/b@1 registry runtime composer.lock:9
    warning: composer.lock:2: a merge conflict: its second side is left out
    ");
}

#[test]
fn a_broken_package_costs_itself() {
    let text = "{\"packages\": [\n{\"name\": \"a/b\", \"version\": \"1\"},\n{\"name\": \"a/c\"},\nnull,\n{\"name\": \"a/b\", \"version\": \"2\", \"require\": {\"A/B\": \"*\"}}\n],\n\"packages-dev\": {}}";
    insta::assert_snapshot!(parse(Format::Composer, text), @r"
    pkg:composer/a/b@1 registry runtime composer.lock:2
    pkg:composer/a/b@2 registry runtime composer.lock:5
        runtime a/b@1
    warning: composer.lock:3: a package without a usable version
    warning: composer.lock:4: a package that is no object
    warning: composer.lock:7: `packages-dev` is no list
    ");
    insta::assert_snapshot!(parse(Format::Composer, "{\"packages\": [], \"packages-dev\": null}"), @"");
    insta::assert_snapshot!(parse(Format::Composer, "{}"), @"error: None: not a lock file: it has neither `packages` nor `packages-dev`");
    insta::assert_snapshot!(parse(Format::Composer, "null"), @"error: None: not a lock file: it is no JSON object");
    insta::assert_snapshot!(parse(Format::Composer, "{\"packages\": [\n<<<<<<< HEAD\n"), @r"
    error: Some(2): not valid JSON: expected value at line 2 column 1
    warning: composer.lock:2: a merge conflict: its second side is left out
    ");
}
