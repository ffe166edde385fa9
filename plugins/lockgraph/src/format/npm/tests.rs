//! What a package-lock.json comes to.

use std::fmt::Write as _;

use proptest::prelude::*;

use crate::memory::Memory;
use crate::{Format, Request, Scan, Warnings, scan};

fn drawn(scan: Scan) -> String {
    let mut out = String::new();
    for lockfile in &scan.lockfiles {
        let graph = &lockfile.graph;
        for (id, node) in graph.nodes() {
            let root = if graph.roots().contains(&id) { "root " } else { "" };
            let at = node.location.as_deref().unwrap_or_default();
            let (kind, scope) = (node.kind.name(), node.scope.name());
            writeln!(out, "{root}{} {kind} {scope} at `{at}`:{}", node.purl, node.places[0].line)
                .unwrap();
            for edge in graph.edges(id) {
                let to = graph.node(edge.to);
                let at = to.location.as_deref().unwrap_or_default();
                writeln!(out, "    {} {} at `{at}`", edge.kind.name(), to.label()).unwrap();
            }
        }
    }
    for warning in scan.warnings.into_vec() {
        let line = warning.line.map(|line| format!(":{line}")).unwrap_or_default();
        writeln!(out, "warning: {}{line}: {}", warning.path, warning.reason).unwrap();
    }
    out
}

#[track_caller]
fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    drawn(scan(&Memory::new(files), &Request::default()).unwrap())
}

const V3: &str = r#"{
  "name": "shop",
  "lockfileVersion": 3,
  "packages": {
    "": {
      "name": "shop",
      "version": "1.0.0",
      "workspaces": { "packages": ["packages/*"] },
      "dependencies": { "a": "^1.0.0", "alias": "npm:real@^2.0.0", "maybe": "1", "member": "*" },
      "devDependencies": { "@scope/dev": "1" },
      "optionalDependencies": { "maybe": "1", "not-here": "1" }
    },
    "node_modules/@scope/dev": { "version": "1.0.0", "dev": true, "license": "MIT" },
    "node_modules/a": {
      "version": "1.0.0",
      "resolved": "https://registry.example/a/-/a-1.0.0.tgz",
      "integrity": "sha512-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
      "dependencies": { "b": "^1.0.0" },
      "peerDependencies": { "real": "2", "unmet": "1", "missing": "1" },
      "peerDependenciesMeta": { "unmet": { "optional": true } }
    },
    "node_modules/a/node_modules/b": {
      "version": "1.0.0",
      "inBundle": true,
      "dependencies": { "c": "1" }
    },
    "node_modules/alias": { "name": "real", "version": "2.0.0", "licenses": [{ "type": "MIT" }, "ISC"] },
    "node_modules/b": { "version": "2.0.0", "resolved": "git+ssh://git@host/b.git#abc" },
    "node_modules/c": { "version": "1.0.0", "resolved": "https://host.example/c.tgz" },
    "node_modules/maybe": { "version": "1.0.0", "optional": true, "os": ["darwin"] },
    "node_modules/member": { "resolved": "packages/member", "link": true },
    "packages/member": { "dependencies": { "b": "2" }, "devDependencies": { "a": "1" } }
  }
}
"#;

#[test]
fn a_tree_of_version_3_is_resolved_the_way_node_does() {
    insta::assert_snapshot!(read([("package-lock.json", V3)]), @r"
    pkg:npm/%40scope/dev@1.0.0 registry dev at `node_modules/@scope/dev`:13
    pkg:npm/a@1.0.0 registry runtime at `node_modules/a`:14
        runtime b@1.0.0 at `node_modules/a/node_modules/b`
    pkg:npm/b@1.0.0 registry runtime at `node_modules/a/node_modules/b`:22
        runtime c@1.0.0 at `node_modules/c`
    pkg:npm/b@2.0.0?vcs_url=git%2Bssh:%2F%2Fgit%40host%2Fb.git%40abc git runtime at `node_modules/b`:28
    pkg:npm/c@1.0.0?download_url=https:%2F%2Fhost.example%2Fc.tgz archive runtime at `node_modules/c`:29
    pkg:npm/maybe@1.0.0 registry optional at `node_modules/maybe`:30
    root pkg:npm/member member runtime at `packages/member`:32
        dev a@1.0.0 at `node_modules/a`
        runtime b@2.0.0 at `node_modules/b`
    pkg:npm/real@2.0.0 registry runtime at `node_modules/alias`:27
    root pkg:npm/shop@1.0.0 member runtime at ``:5
        dev @scope/dev@1.0.0 at `node_modules/@scope/dev`
        runtime a@1.0.0 at `node_modules/a`
        optional maybe@1.0.0 at `node_modules/maybe`
        runtime member at `packages/member`
        runtime real@2.0.0 at `node_modules/alias`
    ");
}

#[test]
fn digests_and_licences_are_what_the_lock_file_says() {
    let graph =
        Format::Npm.parse("package-lock.json", V3.as_bytes(), &mut Warnings::default()).unwrap();
    let said: Vec<String> = graph
        .nodes()
        .filter(|(_, node)| node.licence.is_some() || !node.hashes.is_empty())
        .map(|(_, node)| {
            let hash = node.hashes.first().map(|hash| hash.hex.len()).unwrap_or_default();
            format!("{} {:?} {hash} digits", node.label(), node.licence)
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    @scope/dev@1.0.0 Some("MIT") 0 digits
    a@1.0.0 None 128 digits
    real@2.0.0 Some("(MIT OR ISC)") 0 digits
    "#);
}

const V1: &str = r#"{
  "name": "old", "version": "1.0.0", "lockfileVersion": 1, "requires": true,
  "dependencies": {
    "a": {
      "version": "1.0.0",
      "requires": { "b": "^1.0.0", "gone": "1" },
      "dependencies": { "b": { "version": "1.0.0", "bundled": true } }
    },
    "alias": { "version": "npm:@s/real@2.0.0" },
    "b": { "version": "github:me/b#abc", "from": "github:me/b", "dev": true },
    "local": { "version": "file:../local" }
  }
}"#;

#[test]
fn a_tree_of_version_1_takes_its_root_from_the_manifest() {
    let manifest = r#"{"name": "old", "dependencies": {"a": "1", "alias": "npm:@s/real@2"}, "devDependencies": {"b": "1"}}"#;
    insta::assert_snapshot!(read([("package-lock.json", V1), ("package.json", manifest)]), @r"
    pkg:npm/%40s/real@2.0.0 registry runtime at `node_modules/alias`:9
    pkg:npm/a@1.0.0 registry runtime at `node_modules/a`:4
        runtime b@1.0.0 at `node_modules/a/node_modules/b`
    pkg:npm/b?vcs_url=github:me%2Fb%40abc git dev at `node_modules/b`:10
    pkg:npm/b@1.0.0 registry runtime at `node_modules/a/node_modules/b`:7
    pkg:npm/local path runtime at `node_modules/local`:11
    root pkg:npm/old@1.0.0 member runtime at ``:1
        runtime @s/real@2.0.0 at `node_modules/alias`
        runtime a@1.0.0 at `node_modules/a`
        dev b at `node_modules/b`
    ");
}

#[test]
fn a_tree_of_version_1_without_a_manifest_says_that_it_guesses() {
    insta::assert_snapshot!(read([("package-lock.json", V1)]), @r"
    pkg:npm/%40s/real@2.0.0 registry runtime at `node_modules/alias`:9
    pkg:npm/a@1.0.0 registry runtime at `node_modules/a`:4
        runtime b@1.0.0 at `node_modules/a/node_modules/b`
    pkg:npm/b?vcs_url=github:me%2Fb%40abc git dev at `node_modules/b`:10
    pkg:npm/b@1.0.0 registry runtime at `node_modules/a/node_modules/b`:7
    pkg:npm/local path runtime at `node_modules/local`:11
    root pkg:npm/old@1.0.0 member runtime at ``:1
        runtime @s/real@2.0.0 at `node_modules/alias`
        runtime a@1.0.0 at `node_modules/a`
        dev b at `node_modules/b`
        runtime local at `node_modules/local`
    warning: package-lock.json: no package.json beside it says what is needed directly: taken is what nothing else needs
    ");
}

#[test]
fn a_broken_entry_is_told_and_the_rest_is_read() {
    let lock = r#"{ "lockfileVersion": 3, "packages": {
  "": { "dependencies": { "a": "1", "gone": "1" } },
  "node_modules/a": { "version": 7 },
  "node_modules/b": null,
  "node_modules/c": []
} }"#;
    insta::assert_snapshot!(read([("web/package-lock.json", lock)]), @r"
    pkg:npm/a registry runtime at `web/node_modules/a`:3
    root pkg:npm/web member runtime at `web`:2
        runtime a at `web/node_modules/a`
    warning: web/package-lock.json:4: `node_modules/b`: no usable entry
    warning: web/package-lock.json:5: `node_modules/c`: no usable entry
    warning: web/package-lock.json:2: `gone`, which the root needs, is not installed
    ");
}

#[test]
fn what_is_no_lock_file_is_told_with_its_line() {
    insta::assert_snapshot!(read([("package-lock.json", "{\n\"packages\": {,}}")]), @"warning: package-lock.json:2: not valid JSON: key must be a string at line 2 column 14");
    insta::assert_snapshot!(read([("package-lock.json", "null")]), @"warning: package-lock.json: not a lock file: it is no JSON object");
    insta::assert_snapshot!(read([("package-lock.json", "{}")]), @"warning: package-lock.json: not a lock file: it has neither `packages` nor `dependencies`");
    insta::assert_snapshot!(read([("package-lock.json", "{\"packages\": [")]), @"warning: package-lock.json:1: not valid JSON: it ends too early");
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in "\\PC*") {
        drop(Format::Npm.parse("package-lock.json", text.as_bytes(), &mut Warnings::default()));
    }

    /// Also what is nearly right: a piece of a real one gone, or in another place.
    #[test]
    fn no_damage_breaks_the_reader(
        v1 in any::<bool>(), from in 0usize..2_000, length in 0usize..60, to in 0usize..2_000,
    ) {
        let mut text = if v1 { V1 } else { V3 }.as_bytes().to_vec();
        let from = from.min(text.len());
        let piece: Vec<u8> = text.drain(from..(from + length).min(text.len())).collect();
        let to = to.min(text.len());
        text.splice(to..to, piece);
        drop(Format::Npm.parse("package-lock.json", &text, &mut Warnings::default()));
    }

    #[test]
    fn nesting_has_an_end(depth in 0usize..300) {
        let text = format!(
            "{{\"dependencies\":{}{}}}",
            "{\"a\":{\"version\":\"1\",\"dependencies\":".repeat(depth) + "{}",
            "}}".repeat(depth)
        );
        let mut warnings = Warnings::default();
        let graph = Format::Npm.parse("package-lock.json", text.as_bytes(), &mut warnings).unwrap();
        prop_assert_eq!(graph.node_count(), depth.min(64) + 1);
    }
}
