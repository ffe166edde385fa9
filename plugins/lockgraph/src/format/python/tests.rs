//! What the lock files of Python come to.

mod damage;
mod markers;
mod pdm;
mod peers;
mod pipfile;
mod poetry;
mod pylock;
mod requirements;
mod uv;

use std::fmt::Write as _;

use crate::memory::Memory;
use crate::{Graph, Hash, Node, Request, Scan, scan};

/// A graph as a text: a line a package, below it what it needs.
fn drawn(graph: &Graph) -> String {
    let mut out = String::new();
    for (id, node) in graph.nodes() {
        let root = if graph.roots().contains(&id) { "root " } else { "" };
        let at = node.location.as_deref().map(|at| format!(" at `{at}`")).unwrap_or_default();
        let range = node.range.as_deref().map(|it| format!(" range `{it}`")).unwrap_or_default();
        let (kind, scope) = (node.kind.name(), node.scope.name());
        let lines: Vec<String> = node.places.iter().map(|place| place.line.to_string()).collect();
        let lines = lines.join(",");
        writeln!(out, "{root}{} {kind} {scope}{at}{range} :{lines}", node.purl).unwrap();
        for edge in graph.edges(id) {
            writeln!(out, "    {} {}", edge.kind.name(), graph.node(edge.to).label()).unwrap();
        }
    }
    out
}

fn scanned<'a>(path: &str, files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Scan {
    let request = Request { lockfiles: vec![path.to_owned()], ..Request::default() };
    scan(&Memory::new(files), &request).unwrap()
}

/// What the lock file at `path` comes to, with the files around it, and what is said about it.
#[track_caller]
fn read<'a>(path: &str, files: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let scan = scanned(path, files);
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

/// Digests, sources and licences: a line a package that has any.
fn details<'a>(path: &str, files: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let scan = scanned(path, files);
    let mut out = String::new();
    for (_, node) in scan.lockfiles.iter().flat_map(|lockfile| lockfile.graph.nodes()) {
        detail(node, &mut out);
    }
    out
}

fn detail(node: &Node, out: &mut String) {
    let digests = |hashes: &[Hash]| {
        let short = |hash: &Hash| format!("{:?} {}…", hash.algorithm, &hash.hex[..4]);
        hashes.iter().map(short).collect::<Vec<String>>().join(", ")
    };
    writeln!(out, "{}", node.label()).unwrap();
    if let Some(source) = &node.source {
        writeln!(out, "    from {source}").unwrap();
    }
    if let Some(licence) = &node.licence {
        writeln!(out, "    licence {licence}").unwrap();
    }
    if !node.hashes.is_empty() {
        writeln!(out, "    {}", digests(&node.hashes)).unwrap();
    }
    for archive in &node.archives {
        let location: String = archive.location.chars().take(60).collect();
        writeln!(out, "    {location}: {}", digests(&archive.hashes)).unwrap();
    }
}
