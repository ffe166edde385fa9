//! What can be asked of a graph of packages.

mod changes;
mod cycles;
mod paths;

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Edge, Graph, Kind, Node, NodeId};
use crate::purl::{PackageUrl, normalised};
use crate::{Ecosystem, path};

pub use changes::{Change, changes, natural_order};
pub use cycles::cycles;
pub use paths::{Paths, shortest_paths};

/// The packages that `wanted` means: a name in any spelling that its ecosystem takes for the same,
/// `name@version`, a package URL with or without version, or the name of the directory it is
/// installed in, which is what an alias is.
pub fn find(graph: &Graph, wanted: &str) -> Vec<NodeId> {
    let url = PackageUrl::parse(wanted).ok().map(|url| url.to_string());
    let is_meant = |node: &Node| {
        node.name == wanted
            || normalised(node.ecosystem, wanted) == normalised(node.ecosystem, &node.name)
            || url.as_deref().is_some_and(|url| is_url(node, url))
            || is_version(node, wanted)
            || is_installed_as(node, wanted)
    };
    graph.nodes().filter(|(_, node)| is_meant(node)).map(|(id, _)| id).collect()
}

/// Whether `url` is the package URL, or all of it up to the version or to the qualifiers.
fn is_url(node: &Node, url: &str) -> bool {
    let rest = node.purl.strip_prefix(url);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['@', '?', '#']))
}

/// Whether `wanted` is the name and the version.
fn is_version(node: &Node, wanted: &str) -> bool {
    let version = wanted.strip_prefix(&node.name).and_then(|rest| rest.strip_prefix('@'));
    version.is_some() && version == node.version.as_deref()
}

fn is_installed_as(node: &Node, wanted: &str) -> bool {
    let location = node.location.as_deref().unwrap_or_default();
    match location.rsplit_once("node_modules/") {
        Some((_, name)) => name == wanted,
        None => false,
    }
}

/// Names that look like `wanted`, for an answer that has nothing else to say; at most `max`.
pub fn similar<'a>(graph: &'a Graph, wanted: &str, max: usize) -> Vec<&'a str> {
    let wanted = wanted.split('@').find(|part| !part.is_empty()).unwrap_or(wanted).to_lowercase();
    let looks_alike = |name: &str| {
        let name = name.to_lowercase().replace('_', "-");
        name.contains(&wanted.replace('_', "-"))
    };
    let names: BTreeSet<&str> = graph
        .nodes()
        .map(|(_, node)| node.name.as_str())
        .filter(|name| looks_alike(name))
        .collect();
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_by_key(|name| name.len());
    names.truncate(max);
    names
}

/// Whether a package is the repository's own or a directory it names, and so nobody else's.
pub fn is_local(node: &Node) -> bool {
    matches!(node.kind, Kind::Member | Kind::Path)
}

/// What the repository itself needs: for each of its packages, the edges to others'.
pub fn direct(graph: &Graph) -> Vec<(NodeId, Vec<Edge>)> {
    let others = |root: &NodeId| {
        let edges = graph.edges(*root).iter().copied();
        edges.filter(|edge| graph.node(edge.to).kind != Kind::Member).collect()
    };
    graph.roots().iter().map(|root| (*root, others(root))).collect()
}

/// How many packages of others the repository itself needs.
pub fn direct_count(graph: &Graph) -> usize {
    let needed: BTreeSet<NodeId> =
        direct(graph).into_iter().flat_map(|(_, edges)| edges).map(|edge| edge.to).collect();
    needed.len()
}

/// All packages that need `target`, directly or not, without itself.
pub fn all_dependents(graph: &Graph, target: NodeId) -> BTreeSet<NodeId> {
    let dependents = graph.dependents();
    let mut seen = BTreeSet::new();
    let mut open = vec![target];
    while let Some(id) = open.pop() {
        for edge in &dependents[id.index()] {
            if seen.insert(edge.to) {
                open.push(edge.to);
            }
        }
    }
    seen.remove(&target);
    seen
}

/// A package that is there in several versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// Whose package it is.
    pub ecosystem: Ecosystem,
    /// Its name.
    pub name: String,
    /// Each version with its packages, oldest first; at least two.
    pub versions: Vec<(String, Vec<NodeId>)>,
}

/// The packages that are there in several versions, by name.
pub fn duplicates(graph: &Graph) -> Vec<Duplicate> {
    let mut by_name: BTreeMap<(&str, Ecosystem), BTreeMap<&str, Vec<NodeId>>> = BTreeMap::new();
    for (id, node) in graph.nodes() {
        if let (Some(version), false) = (&node.version, is_local(node)) {
            let versions = by_name.entry((&node.name, node.ecosystem)).or_default();
            versions.entry(version).or_default().push(id);
        }
    }
    let several = by_name.into_iter().filter(|(_, versions)| versions.len() > 1);
    several
        .map(|((name, ecosystem), versions)| {
            let mut versions: Vec<(String, Vec<NodeId>)> =
                versions.into_iter().map(|(version, ids)| (version.to_owned(), ids)).collect();
            versions.sort_by(|(a, _), (b, _)| natural_order(a, b));
            Duplicate { ecosystem, name: name.to_owned(), versions }
        })
        .collect()
}

/// The directory of a member, or where a package is installed, for people.
pub fn location(node: &Node) -> &str {
    node.location
        .as_deref()
        .filter(|location| !location.is_empty())
        .unwrap_or(node.places.first().map_or("", |place| path::parent(&place.path)))
}

#[cfg(test)]
mod tests;
