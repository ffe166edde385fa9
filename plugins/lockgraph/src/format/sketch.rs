//! Graphs as texts, for the tests of formats.

use std::fmt::Write as _;

use crate::graph::{Graph, Hash, Node};
use crate::memory::Memory;
use crate::{Format, Request, Warnings, scan};

/// A line a package, with what is known of it; below it what it needs.
fn drawn(graph: &Graph) -> String {
    let mut out = String::new();
    for (id, node) in graph.nodes() {
        let root = if graph.roots().contains(&id) { "root " } else { "" };
        let (kind, scope) = (node.kind.name(), node.scope.name());
        writeln!(out, "{root}{} {kind} {scope}{}", node.purl, details(node)).unwrap();
        for edge in graph.edges(id) {
            writeln!(out, "    {} {}", edge.kind.name(), graph.node(edge.to).label()).unwrap();
        }
    }
    out
}

fn details(node: &Node) -> String {
    let mut out = String::new();
    let fields = [
        ("at", &node.location),
        ("from", &node.source),
        ("integrity", &node.integrity),
        ("range", &node.range),
        ("licence", &node.licence),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            write!(out, " {name} `{value}`").unwrap();
        }
    }
    out.push_str(&hashes(&node.hashes));
    for archive in &node.archives {
        write!(out, " [{}{}]", archive.location, hashes(&archive.hashes)).unwrap();
    }
    for place in &node.places {
        let name = place.path.rsplit('/').next().unwrap_or_default();
        write!(out, " {name}:{}", place.line).unwrap();
    }
    out
}

fn hashes(hashes: &[Hash]) -> String {
    hashes.iter().map(|hash| format!(" {:?}={}", hash.algorithm, &hash.hex[..8])).collect()
}

/// What a repository's lock files come to, and the warnings.
#[track_caller]
pub(super) fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let scan = scan(&Memory::new(files), &Request::default()).unwrap();
    let mut out = String::new();
    for lockfile in &scan.lockfiles {
        out.push_str(&drawn(&lockfile.graph));
    }
    out + &told(scan.warnings)
}

/// What one lock file comes to by itself, and the warnings.
pub(super) fn parse(format: Format, text: &str) -> String {
    let mut warnings = Warnings::default();
    let path = format.patterns()[0];
    let drawn = match format.parse(path, text.as_bytes(), &mut warnings) {
        Ok(graph) => drawn(&graph),
        Err(err) => format!("error: {:?}: {err}\n", err.line()),
    };
    drawn + &told(warnings)
}

fn told(warnings: Warnings) -> String {
    let mut out = String::new();
    for warning in warnings.into_vec() {
        let line = warning.line.map(|line| format!(":{line}")).unwrap_or_default();
        writeln!(out, "warning: {}{line}: {}", warning.path, warning.reason).unwrap();
    }
    out
}
