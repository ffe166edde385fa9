//! A repository's graphs as a text, for tests.

use std::fmt::Write as _;

use crate::memory::Memory;
use crate::{Graph, Request, scan};

/// A graph: a line a package, below it what it needs.
pub(crate) fn drawn(graph: &Graph) -> String {
    let mut out = String::new();
    for (id, node) in graph.nodes() {
        let root = if graph.roots().contains(&id) { "root " } else { "" };
        write!(out, "{root}{} {} {}", node.purl, node.kind.name(), node.scope.name()).unwrap();
        let fields = [
            ("at", &node.location),
            ("range", &node.range),
            ("if", &node.condition),
            ("from", &node.source),
            ("licence", &node.licence),
            ("integrity", &node.integrity),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                write!(out, " {name} `{value}`").unwrap();
            }
        }
        if !node.hashes.is_empty() {
            write!(out, " hashes {}", node.hashes.len()).unwrap();
        }
        if !node.archives.is_empty() {
            write!(out, " archives {}", node.archives.len()).unwrap();
        }
        for place in &node.places {
            write!(out, " {}:{}", place.path, place.line).unwrap();
        }
        out.push('\n');
        for edge in graph.edges(id) {
            writeln!(out, "    {} {}", edge.kind.name(), graph.node(edge.to).label()).unwrap();
        }
    }
    out
}

/// What a scan of these files finds.
pub(crate) fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let scan = scan(&Memory::new(files), &Request::default()).unwrap();
    let mut out = String::new();
    for lockfile in &scan.lockfiles {
        if scan.lockfiles.len() > 1 {
            writeln!(out, "{}:", lockfile.path).unwrap();
        }
        out.push_str(&drawn(&lockfile.graph));
    }
    for warning in scan.warnings.into_vec() {
        let line = warning.line.map(|line| format!(":{line}")).unwrap_or_default();
        writeln!(out, "warning: {}{line}: {}", warning.path, warning.reason).unwrap();
    }
    out
}
