//! What a Cargo.lock and the manifests around it come to.

use std::fmt::Write as _;

use proptest::prelude::*;

use crate::memory::Memory;
use crate::{Format, Graph, Request, Warnings, scan};

/// A graph as a text: a line a package, below it what it needs.
fn drawn(graph: &Graph) -> String {
    let mut out = String::new();
    for (id, node) in graph.nodes() {
        let root = if graph.roots().contains(&id) { "root " } else { "" };
        let at = node.location.as_deref().map(|at| format!(" at `{at}`")).unwrap_or_default();
        let (kind, scope) = (node.kind.name(), node.scope.name());
        writeln!(out, "{root}{} {kind} {scope}{at}", node.purl).unwrap();
        for edge in graph.edges(id) {
            writeln!(out, "    {} {}", edge.kind.name(), graph.node(edge.to).label()).unwrap();
        }
    }
    out
}

#[track_caller]
fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let scan = scan(&Memory::new(files), &Request::default()).unwrap();
    let mut out = String::new();
    for lockfile in &scan.lockfiles {
        out.push_str(&drawn(&lockfile.graph));
    }
    for warning in scan.warnings.into_vec() {
        let line = warning.line.map(|line| format!(":{line}")).unwrap_or_default();
        writeln!(out, "warning: {}{line}: {}", warning.path, warning.reason).unwrap();
    }
    out
}

const WORKSPACE_LOCK: &str = r#"
version = 4

[[package]]
name = "app"
version = "1.0.0"
dependencies = ["build-tool", "check", "extra", "implied", "left 1.0.0", "outside"]

[[package]]
name = "build-tool"
version = "0.1.0"
source = "registry+https://github.com/rust-lang/crates.io-index"

[[package]]
name = "check"
version = "0.1.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
dependencies = ["left 2.0.0"]

[[package]]
name = "extra"
version = "0.1.0"
source = "registry+https://github.com/rust-lang/crates.io-index"

[[package]]
name = "implied"
version = "2.1.0"

[[package]]
name = "left"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "e7a2e47a1fbe209ee101dd6d61285226744c6c8d3c21c8dc878ba6cb9f467f3a"

[[package]]
name = "left"
version = "2.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"

[[package]]
name = "outside"
version = "0.0.0"
"#;

const WORKSPACE: [(&str, &str); 6] = [
    ("Cargo.lock", WORKSPACE_LOCK),
    (
        "Cargo.toml",
        r#"
[workspace]
members = ["crates/*"]
exclude = ["crates/fuzz", "elsewhere"]
[workspace.package]
version = "2.1.0"
license = "MIT OR Apache-2.0"
[workspace.dependencies]
implied = { path = "tools/implied" }
left = "1"
"#,
    ),
    (
        "crates/app/Cargo.toml",
        r#"
[package]
name = "app"
version = "1.0.0"
[dependencies]
implied.workspace = true
extra = { version = "0.1", optional = true }
outside = { path = "../../elsewhere" }
[target.'cfg(unix)'.dependencies]
renamed = { package = "left", version = "1" }
[build-dependencies]
build-tool = "0.1"
[dev-dependencies]
check = "0.1"
left = "1"
"#,
    ),
    ("crates/fuzz/Cargo.toml", "[package]\nname = \"fuzz\"\nversion = \"0.0.0\"\n"),
    (
        "tools/implied/Cargo.toml",
        "[package]\nname = \"implied\"\nversion.workspace = true\nlicense.workspace = true\n",
    ),
    ("elsewhere/Cargo.toml", "[package]\nname = \"outside\"\n"),
];

#[test]
fn members_are_told_from_packages_beside_them_and_scopes_follow_the_manifests() {
    insta::assert_snapshot!(read(WORKSPACE), @r"
    root pkg:cargo/app@1.0.0 member runtime at `crates/app`
        build build-tool@0.1.0
        dev check@0.1.0
        optional extra@0.1.0
        runtime implied@2.1.0
        runtime left@1.0.0
        runtime outside@0.0.0
    pkg:cargo/build-tool@0.1.0 registry build
    pkg:cargo/check@0.1.0 registry dev
        runtime left@2.0.0
    pkg:cargo/extra@0.1.0 registry optional
    root pkg:cargo/implied@2.1.0 member runtime at `tools/implied`
    pkg:cargo/left@1.0.0 registry runtime
    pkg:cargo/left@2.0.0 registry dev
    pkg:cargo/outside@0.0.0 path runtime at `elsewhere`
    ");
}

#[test]
fn a_member_has_its_licence_and_every_line_that_says_it_is_there() {
    let scan = scan(&Memory::new(WORKSPACE), &Request::default()).unwrap();
    let graph = &scan.lockfiles[0].graph;
    let implied = graph.nodes().find(|(_, node)| node.name == "implied").unwrap().1;
    assert_eq!(implied.licence.as_deref(), Some("MIT OR Apache-2.0"));
    let places: Vec<String> =
        implied.places.iter().map(|place| format!("{}:{}", place.path, place.line)).collect();
    assert_eq!(places, ["Cargo.lock:25", "tools/implied/Cargo.toml:1"]);
    let left = graph.nodes().find(|(_, node)| node.name == "left").unwrap().1;
    assert_eq!(left.hashes[0].hex.len(), 64);
    assert_eq!(WORKSPACE_LOCK.lines().nth(left.places[0].line as usize - 1), Some("[[package]]"));
}

#[test]
fn without_a_manifest_what_is_needed_for_what_is_unknown() {
    insta::assert_snapshot!(read([("Cargo.lock", WORKSPACE_LOCK)]), @r"
    root pkg:cargo/app@1.0.0 member runtime
        unknown build-tool@0.1.0
        unknown check@0.1.0
        unknown extra@0.1.0
        unknown implied@2.1.0
        unknown left@1.0.0
        unknown outside@0.0.0
    pkg:cargo/build-tool@0.1.0 registry unknown
    pkg:cargo/check@0.1.0 registry unknown
        runtime left@2.0.0
    pkg:cargo/extra@0.1.0 registry unknown
    root pkg:cargo/implied@2.1.0 member runtime
    pkg:cargo/left@1.0.0 registry unknown
    pkg:cargo/left@2.0.0 registry unknown
    root pkg:cargo/outside@0.0.0 member runtime
    ");
}

#[test]
fn a_package_is_found_by_version_and_source_when_its_name_is_not_enough() {
    let lock = r#"
[[package]]
name = "app"
version = "1.0.0"
dependencies = [
 "one 0.1.0",
 "one 0.1.0 (git+https://user:secret@host/one?branch=main)",
 "one 0.1.0 (registry+https://github.com/rust-lang/crates.io-index)",
 "two 1.0.0 (registry+https://other.example/index)",
 "three",
 "one 9.9.9",
 "one 0.1.0 (git+https://user:secret@host/other)",
 "one",
]

[[package]]
name = "one"
version = "0.1.0"

[[package]]
name = "one"
version = "0.1.0"
source = "git+https://user:secret@host/one?branch=main#0123456789abcdef"

[[package]]
name = "one"
version = "0.1.0"
source = "registry+https://github.com/rust-lang/crates.io-index"

[[package]]
name = "two"
version = "1.0.0"
source = "registry+https://other.example/index"
"#;
    insta::assert_snapshot!(read([("Cargo.lock", lock)]), @r"
    root pkg:cargo/app@1.0.0 member runtime
        unknown one@0.1.0
        unknown one@0.1.0
        unknown one@0.1.0
        unknown two@1.0.0
    root pkg:cargo/one@0.1.0 member runtime
    pkg:cargo/one@0.1.0 registry unknown
    pkg:cargo/one@0.1.0?vcs_url=git%2Bhttps:%2F%2Fhost%2Fone%400123456789abcdef git unknown
    pkg:cargo/two@1.0.0?repository_url=https:%2F%2Fother.example%2Findex registry unknown
    warning: Cargo.lock:10: dependency `three` is not in the lock file
    warning: Cargo.lock:11: dependency `one 9.9.9` is not in the lock file
    warning: Cargo.lock:12: dependency `one 0.1.0` is not in the lock file
    warning: Cargo.lock:13: dependency `one` could be any of several versions
    ");
}

#[test]
fn version_1_keeps_checksums_apart() {
    let lock = r#"
[root]
name = "app"
version = "1.0.0"
dependencies = ["one 0.1.0 (registry+https://github.com/rust-lang/crates.io-index)"]

[[package]]
name = "one"
version = "0.1.0"
source = "registry+https://github.com/rust-lang/crates.io-index"

[metadata]
"checksum one 0.1.0 (registry+https://github.com/rust-lang/crates.io-index)" = "e7a2e47a1fbe209ee101dd6d61285226744c6c8d3c21c8dc878ba6cb9f467f3a"
"checksum two 0.1.0 (registry+https://github.com/rust-lang/crates.io-index)" = "<none>"
"#;
    let graph =
        Format::Cargo.parse("Cargo.lock", lock.as_bytes(), &mut Warnings::default()).unwrap();
    let hashes: Vec<usize> = graph.nodes().map(|(_, node)| node.hashes.len()).collect();
    assert_eq!((hashes, graph.edge_count(), graph.roots().len()), (vec![0, 1], 1, 1));
}

#[test]
fn a_broken_package_is_told_and_the_rest_is_read() {
    let lock = r#"
[[package]]
name = "one"
version = "1.0.0"

[[package]]
name = "two"

[[package]]
name = "one"
version = "1.0.0"
dependencies = ["gone"]

[[package]]
name = "three"
version = "1.0.0"
dependencies = ["gone"]
"#;
    insta::assert_snapshot!(read([("Cargo.lock", lock)]), @r"
    root pkg:cargo/one@1.0.0 member runtime
    root pkg:cargo/three@1.0.0 member runtime
    warning: Cargo.lock:6: a package without a usable version
    warning: Cargo.lock:9: `one 1.0.0` is listed twice
    warning: Cargo.lock:17: dependency `gone` is not in the lock file
    ");
}

#[test]
fn a_merge_conflict_costs_no_package_outside_of_it() {
    let conflict = WORKSPACE_LOCK.replace(
        "name = \"extra\"",
        "<<<<<<< ours\nname = \"extra\"\n=======\nname = \"other\"\n>>>>>>> theirs",
    );
    let mut warnings = Warnings::default();
    let graph = Format::Cargo.parse("Cargo.lock", conflict.as_bytes(), &mut warnings).unwrap();
    assert_eq!(graph.node_count(), 7, "{}", drawn(&graph));
    let mark = conflict.lines().position(|line| line.starts_with("<<<")).unwrap() + 1;
    assert_eq!(warnings.into_vec()[0].line, u32::try_from(mark).ok());
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in "\\PC*") {
        drop(Format::Cargo.parse("Cargo.lock", text.as_bytes(), &mut Warnings::default()));
    }

    #[test]
    fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        drop(Format::Cargo.parse("Cargo.lock", &bytes, &mut Warnings::default()));
    }

    /// Also what is nearly right: a piece of a real one gone, or in another place.
    #[test]
    fn no_damage_breaks_the_reader(from in 0usize..900, length in 0usize..300, to in 0usize..600) {
        let mut text = WORKSPACE_LOCK.as_bytes().to_vec();
        let from = from.min(text.len());
        let piece: Vec<u8> = text.drain(from..(from + length).min(text.len())).collect();
        let to = to.min(text.len());
        text.splice(to..to, piece);
        if let Ok(graph) = Format::Cargo.parse("Cargo.lock", &text, &mut Warnings::default()) {
            prop_assert!(graph.node_count() <= 8);
        }
    }
}
