//! Several installations of a package, and several lock files, as one graph of packages.

use std::collections::BTreeMap;

use crate::graph::{Archive, Builder, EdgeKind, Graph, Hash, Kind, Node, NodeId};
use crate::path;

impl Graph {
    /// The same with each package once: installations of one package become one node that needs
    /// whatever any of them needs.
    pub fn merged(&self) -> Self {
        Self::union([self])
    }

    /// All packages of `graphs`, each once.
    ///
    /// Two nodes are the same package when their package URL is, and no digest says otherwise. Of
    /// the repository's own packages, the directory counts too.
    ///
    /// The order of `graphs` makes no difference.
    pub fn union<'a>(graphs: impl IntoIterator<Item = &'a Self>) -> Self {
        let graphs: Vec<&Self> = graphs.into_iter().collect();
        // Which of several nodes are one package may depend on which comes first: so they come in
        // the order of nodes, whatever graph they are from.
        let mut order: Vec<(&Node, usize, NodeId)> = graphs
            .iter()
            .enumerate()
            .flat_map(|(graph, nodes)| nodes.nodes().map(move |(id, node)| (node, graph, id)))
            .collect();
        order.sort_by_key(|(node, ..)| *node);
        let mut union = Union::default();
        let mut mapped: Vec<Vec<usize>> =
            graphs.iter().map(|graph| vec![0; graph.node_count()]).collect();
        for (node, graph, id) in order {
            mapped[graph][id.index()] = union.place(node);
        }
        for (graph, mapped) in graphs.into_iter().zip(&mapped) {
            for (id, _) in graph.nodes() {
                let from = mapped[id.index()];
                for edge in graph.edges(id) {
                    union.add_edge(from, mapped[edge.to.index()], edge.kind);
                }
            }
            for root in graph.roots() {
                union.roots.push(mapped[root.index()]);
            }
        }
        union.finish()
    }
}

#[derive(Default)]
struct Union {
    nodes: Vec<Node>,
    by_purl: BTreeMap<String, Vec<usize>>,
    edges: Vec<(usize, usize, EdgeKind)>,
    roots: Vec<usize>,
}

impl Union {
    /// The number of the package that `node` is an installation of.
    fn place(&mut self, node: &Node) -> usize {
        let seen = self.by_purl.entry(node.purl.clone()).or_default();
        if let Some(&same) = seen.iter().find(|&&index| same_package(&self.nodes[index], node)) {
            absorb(&mut self.nodes[same], node);
            return same;
        }
        seen.push(self.nodes.len());
        self.nodes.push(node.clone());
        self.nodes.len() - 1
    }

    fn add_edge(&mut self, from: usize, to: usize, kind: EdgeKind) {
        self.edges.push((from, to, kind));
    }

    fn finish(self) -> Graph {
        let mut builder = Builder::default();
        for mut node in self.nodes {
            node.places.sort_unstable();
            node.places.dedup();
            builder.node(node);
        }
        for (from, to, kind) in self.edges {
            builder.edge(from, to, kind);
        }
        for root in self.roots {
            builder.root(root);
        }
        builder.finish()
    }
}

fn same_package(a: &Node, b: &Node) -> bool {
    let own = |node: &Node| matches!(node.kind, Kind::Member | Kind::Path);
    match (own(a), own(b)) {
        (true, true) => a.location == b.location,
        (false, false) => !contradict(a, b),
        (true, false) | (false, true) => false,
    }
}

/// Whether two digests of one algorithm differ, of one file where packages come in several.
fn contradict(a: &Node, b: &Node) -> bool {
    if !has_files(a) || !has_files(b) {
        return differ(&a.hashes, &b.hashes);
    }
    let mut known: BTreeMap<&str, Vec<&[Hash]>> = BTreeMap::new();
    for (name, hashes) in files(a) {
        known.entry(name).or_default().push(hashes);
    }
    files(b).any(|(name, hashes)| {
        known.get(name).is_some_and(|known| known.iter().any(|known| differ(known, hashes)))
    })
}

fn has_files(node: &Node) -> bool {
    node.file.is_some() || !node.archives.is_empty()
}

/// The files that have a name, with their digests. One lock file has an address where another has
/// the name alone.
fn files(node: &Node) -> impl Iterator<Item = (&str, &[Hash])> {
    let only = node.file.iter().map(|file| (file, &node.hashes));
    let several = node.archives.iter().map(|archive| (&archive.location, &archive.hashes));
    let named = only.chain(several).map(|(file, hashes)| (path::file_name(file), &**hashes));
    named.filter(|(name, _)| !name.is_empty())
}

/// Whether two digests of one algorithm differ.
pub(crate) fn differ(a: &[Hash], b: &[Hash]) -> bool {
    let differs = |left: &Hash| {
        b.iter().any(|right| left.algorithm == right.algorithm && left.hex != right.hex)
    };
    a.iter().any(differs)
}

/// The one file that digests are of becomes one of several.
fn list_file(node: &mut Node) {
    if let Some(location) = node.file.take() {
        node.archives.push(Archive { location, hashes: std::mem::take(&mut node.hashes) });
        node.archives.sort_unstable();
        node.archives.dedup();
    }
}

fn absorb(into: &mut Node, node: &Node) {
    into.scope = into.scope.min(node.scope);
    into.places.extend(node.places.iter().cloned());
    let mut other = None;
    let same = into.hashes == node.hashes;
    if !same && has_files(into) && has_files(node) {
        list_file(into);
        let mut listed = node.clone();
        list_file(&mut listed);
        other = Some(listed);
    }
    let node = other.as_ref().unwrap_or(node);
    for hash in &node.hashes {
        if let Err(at) = into.hashes.binary_search(hash) {
            into.hashes.insert(at, hash.clone());
        }
    }
    for archive in &node.archives {
        if let Err(at) = into.archives.binary_search(archive) {
            into.archives.insert(at, archive.clone());
        }
    }
    if into.file.is_none() && into.archives.is_empty() {
        into.file.clone_from(&node.file);
    }
    if into.integrity.is_none() {
        into.integrity.clone_from(&node.integrity);
    }
    if into.range.is_none() {
        into.range.clone_from(&node.range);
    }
    if into.licence.is_none() {
        into.licence.clone_from(&node.licence);
    }
    if into.source.is_none() {
        into.source.clone_from(&node.source);
    }
    // The first location in order stands for all; the places keep the rest.
    if node.location < into.location {
        into.location.clone_from(&node.location);
    }
}

#[cfg(test)]
mod tests;
