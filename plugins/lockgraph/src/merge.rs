//! Several installations of a package, and several lock files, as one graph of packages.

use std::collections::BTreeMap;

use crate::graph::{Archive, Builder, EdgeKind, Graph, Hash, Kind, Node, NodeId, Scope};
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
    /// the repository's own packages, the directory counts too. What a bill of materials lists is
    /// whichever has its package URL.
    ///
    /// The order of `graphs` makes no difference.
    pub fn union<'a>(graphs: impl IntoIterator<Item = &'a Self>) -> Self {
        Self::into_union(graphs.into_iter().cloned())
    }

    /// The same as [`Graph::union`], of graphs that are not needed any more.
    pub fn into_union(graphs: impl IntoIterator<Item = Self>) -> Self {
        let mut union = Union::default();
        // Which of several nodes are one package may depend on which comes first: so they come in
        // the order of nodes, whatever graph they are from. Then those of one package URL are
        // neighbours, too.
        let mut order: Vec<(Node, usize)> = Vec::new();
        for graph in graphs {
            let first = order.len();
            let moved = |id: NodeId| first + id.index();
            for (id, _) in graph.nodes() {
                let edges = graph.edges(id).iter();
                union.edges.extend(edges.map(|edge| (moved(id), moved(edge.to), edge.kind)));
            }
            union.roots.extend(graph.roots().iter().map(|root| moved(*root)));
            order.extend(graph.into_nodes().into_iter().zip(first..));
        }
        order.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut mapped = vec![0; order.len()];
        for (node, number) in order {
            mapped[number] = union.place(node);
        }
        union.finish(&mapped)
    }
}

/// Packages of one package URL that one more is held against. Digests of a version contradict each
/// other where somebody made them up.
const NEIGHBOURS_MAX: usize = 64;

#[derive(Default)]
struct Union {
    nodes: Vec<Node>,
    /// Where in `nodes` those begin that have the package URL of the last.
    neighbours: usize,
    /// By the number that a node has in all graphs together.
    edges: Vec<(usize, usize, EdgeKind)>,
    roots: Vec<usize>,
}

impl Union {
    /// The number of the package that `node` is an installation of.
    fn place(&mut self, node: Node) -> usize {
        if self.nodes.last().is_none_or(|last| last.purl != node.purl) {
            self.neighbours = self.nodes.len();
        }
        // The last one, too: equal ones follow each other.
        let end = self.nodes.len();
        let first = self.neighbours..end.min(self.neighbours + NEIGHBOURS_MAX);
        let mut numbers = first.chain(end.saturating_sub(1).max(self.neighbours)..end);
        if let Some(same) = numbers.find(|&number| same_package(&self.nodes[number], &node)) {
            absorb(&mut self.nodes[same], node);
            return same;
        }
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn finish(self, mapped: &[usize]) -> Graph {
        let mut builder = Builder::default();
        for mut node in self.nodes {
            node.places.sort_unstable();
            node.places.dedup();
            builder.node(node);
        }
        for (from, to, kind) in self.edges {
            builder.edge(mapped[from], mapped[to], kind);
        }
        for root in self.roots {
            builder.root(mapped[root]);
        }
        builder.finish()
    }
}

fn same_package(a: &Node, b: &Node) -> bool {
    match (a.kind == Kind::Bill, b.kind == Kind::Bill) {
        (true, false) => return agrees(a, b),
        (false, true) => return agrees(b, a),
        (true, true) => return !contradict(a, b),
        (false, false) => {}
    }
    let own = |node: &Node| matches!(node.kind, Kind::Member | Kind::Path);
    match (own(a), own(b)) {
        (true, true) => a.location == b.location,
        (false, false) => !contradict(a, b),
        (true, false) | (false, true) => false,
    }
}

/// Whether a bill may mean the package of a lock file: its digest is that of one of the files.
fn agrees(bill: &Node, locked: &Node) -> bool {
    if !has_files(locked) {
        return !contradict(bill, locked);
    }
    let mut known = locked.archives.iter().flat_map(|it| &it.hashes).chain(&locked.hashes);
    bill.hashes.is_empty() || known.any(|hash| bill.hashes.contains(hash))
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

/// What a bill does not say takes nothing away from what a lock file does.
fn defer(node: &mut Node, to: &Node) {
    if node.scope == Scope::Unknown {
        node.scope = to.scope;
    }
    node.condition.clone_from(&to.condition);
    node.location.clone_from(&to.location);
}

fn absorb(into: &mut Node, mut node: Node) {
    if into.kind == Kind::Bill {
        if node.kind != Kind::Bill {
            std::mem::swap(into, &mut node);
        } else if into.scope == Scope::Unknown {
            into.scope = node.scope;
        }
    }
    if node.kind == Kind::Bill {
        defer(&mut node, into);
        // Of which of them the bill's are, it does not say.
        if has_files(into) {
            node.hashes.clear();
        }
    }
    into.scope = into.scope.min(node.scope);
    into.places.append(&mut node.places);
    if into.hashes != node.hashes && has_files(into) && has_files(&node) {
        list_file(into);
        list_file(&mut node);
    }
    for hash in node.hashes {
        if let Err(at) = into.hashes.binary_search(&hash) {
            into.hashes.insert(at, hash);
        }
    }
    for archive in node.archives {
        if let Err(at) = into.archives.binary_search(&archive) {
            into.archives.insert(at, archive);
        }
    }
    if into.archives.is_empty() {
        into.file = into.file.take().or(node.file);
    }
    into.integrity = into.integrity.take().or(node.integrity);
    into.range = into.range.take().or(node.range);
    // What another lock file installs everywhere is not only installed somewhere.
    into.condition = into.condition.take().filter(|one| node.condition.as_ref() == Some(one));
    into.licence = into.licence.take().or(node.licence);
    into.source = into.source.take().or(node.source);
    // The first location in order stands for all; the places keep the rest.
    into.location = into.location.take().min(node.location);
}

#[cfg(test)]
mod tests;
