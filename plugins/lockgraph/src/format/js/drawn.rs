//! What the tests of these formats share: a graph as a text, and damage.

use std::fmt::Write as _;

use crate::memory::Memory;
use crate::{Format, Graph, Request, Warnings, scan};

/// A line a package, below it what it needs.
pub(in crate::format) fn drawn(graph: &Graph) -> String {
    let mut out = String::new();
    for (id, node) in graph.nodes() {
        let root = if graph.roots().contains(&id) { "root " } else { "" };
        let at = node.location.as_deref().map(|at| format!(" at `{at}`")).unwrap_or_default();
        let lines: Vec<String> = node.places.iter().map(|place| place.line.to_string()).collect();
        let (kind, scope) = (node.kind.name(), node.scope.name());
        writeln!(out, "{root}{} {kind} {scope}{at}:{}", node.purl, lines.join(",")).unwrap();
        for edge in graph.edges(id) {
            let to = graph.node(edge.to);
            let at = to.location.as_deref().map(|at| format!(" at `{at}`")).unwrap_or_default();
            writeln!(out, "    {} {}{at}", edge.kind.name(), to.label()).unwrap();
        }
    }
    out
}

/// What a repository of these files comes to, with the warnings.
#[track_caller]
pub(in crate::format) fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let scan = scan(&Memory::new(files), &Request::default()).unwrap();
    let mut out: String = scan.lockfiles.iter().map(|lockfile| drawn(&lockfile.graph)).collect();
    for warning in scan.warnings.into_vec() {
        let line = warning.line.map(|line| format!(":{line}")).unwrap_or_default();
        writeln!(out, "warning: {}{line}: {}", warning.path, warning.reason).unwrap();
    }
    out
}

/// Digests, sources and licences, where there are any.
pub(in crate::format) fn told(graph: &Graph) -> String {
    let mut out = String::new();
    for (_, node) in graph.nodes() {
        let hashes: Vec<String> = node
            .hashes
            .iter()
            .map(|hash| format!("{:?} {}…", hash.algorithm, &hash.hex[..8]))
            .collect();
        let facts = [
            node.source.as_ref().map(|source| format!("from {source}")),
            (!hashes.is_empty()).then(|| hashes.join(", ")),
            node.integrity.as_ref().map(|integrity| format!("integrity {integrity}")),
            node.licence.as_ref().map(|licence| format!("licence {licence}")),
        ];
        let facts: Vec<String> = facts.into_iter().flatten().collect();
        if !facts.is_empty() {
            writeln!(out, "{}: {}", node.label(), facts.join("; ")).unwrap();
        }
    }
    out
}

/// Cuts a file at each byte of its last kilobyte: what stands whole before the cut is still read.
#[track_caller]
pub(in crate::format) fn check_torn(format: Format, text: &str) {
    let path = format.patterns()[0];
    let whole = format.parse(path, text.as_bytes(), &mut Warnings::default()).unwrap();
    let mut before = 0;
    for end in text.len().saturating_sub(1024)..=text.len() {
        let mut warnings = Warnings::default();
        match format.parse(path, &text.as_bytes()[..end], &mut warnings) {
            Ok(graph) => {
                // A cut can only take away; a broken end must not take what was there before.
                assert!(graph.node_count() <= whole.node_count(), "{format:?} at {end}");
                assert!(graph.node_count() + 1 >= before, "{format:?} loses packages at {end}");
                before = before.max(graph.node_count());
            }
            Err(_) => assert!(before == 0, "{format:?} is lost at {end}"),
        }
    }
    assert_eq!(before, whole.node_count(), "{format:?}");
}
