//! What a lock file says, whatever its format.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::ecosystem::Ecosystem;
use crate::purl::Purl;

/// Where a package comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The repository itself: a workspace's root or one of its members.
    Member,
    /// A directory that is no member, inside the repository or beside it.
    Path,
    /// A package registry.
    Registry,
    /// A revision of a git repository.
    Git,
    /// An archive at an address, or a file in the repository.
    Archive,
    /// A bill of materials lists it, and does not say where it comes from.
    Bill,
}

impl Kind {
    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Path => "path",
            Self::Registry => "registry",
            Self::Git => "git",
            Self::Archive => "archive",
            Self::Bill => "bill",
        }
    }
}

/// What a package is needed for. The first in this order wins when there are several reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Part of what is shipped.
    Runtime,
    /// The lock file does not say, and no manifest was there to say it.
    Unknown,
    /// Only with a feature, or only where it can be installed.
    Optional,
    /// Only to build.
    Build,
    /// Only to develop and test.
    Dev,
}

impl Scope {
    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Runtime => "runtime",
            Self::Unknown => "unknown",
            Self::Optional => "optional",
            Self::Build => "build",
            Self::Dev => "dev",
        }
    }
}

/// How one package needs another. The first in this order wins when there are several ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EdgeKind {
    /// Whenever it is used itself. A Cargo.lock says so of build dependencies of crates, too.
    Runtime,
    /// It shares the one its user has.
    Peer,
    /// Neither the lock file nor a manifest says.
    Unknown,
    /// With a feature, or where it can be installed.
    Optional,
    /// To be built.
    Build,
    /// To be developed and tested.
    Dev,
}

impl EdgeKind {
    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Runtime => "runtime",
            Self::Peer => "peer",
            Self::Unknown => "unknown",
            Self::Optional => "optional",
            Self::Build => "build",
            Self::Dev => "dev",
        }
    }

    /// What a package reached this way is needed for, when the package that needs it is shipped.
    pub(crate) fn scope(self) -> Scope {
        match self {
            Self::Runtime | Self::Peer => Scope::Runtime,
            Self::Unknown => Scope::Unknown,
            Self::Optional => Scope::Optional,
            Self::Build => Scope::Build,
            Self::Dev => Scope::Dev,
        }
    }
}

/// A digest algorithm, strongest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HashAlgorithm {
    /// 40 hex digits; found in old lock files.
    Sha1,
    /// 64 hex digits.
    Sha256,
    /// 96 hex digits.
    Sha384,
    /// 128 hex digits.
    Sha512,
}

impl HashAlgorithm {
    /// The number of hex digits of a digest.
    pub fn digits(self) -> usize {
        match self {
            Self::Sha1 => 40,
            Self::Sha256 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }
}

/// The digest of a package's archive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Hash {
    /// The algorithm.
    pub algorithm: HashAlgorithm,
    /// Lower-case hex digits, exactly as many as the algorithm has.
    pub hex: String,
}

impl Hash {
    /// The digest, when `hex` is one.
    pub(crate) fn from_hex(algorithm: HashAlgorithm, hex: &str) -> Option<Self> {
        let fits = hex.len() == algorithm.digits() && hex.bytes().all(|b| b.is_ascii_hexdigit());
        fits.then(|| Self { algorithm, hex: hex.to_ascii_lowercase() })
    }
}

/// A file that a package can be installed from, where it has several.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Archive {
    /// Its address or its name, as the lock file has it.
    pub location: String,
    /// Its digests, sorted.
    pub hashes: Vec<Hash>,
}

/// A line that says a package is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file, from the repository's root.
    pub path: String,
    /// The line, counted from 1.
    pub line: u32,
}

/// A package, as installed once. The same package installed twice is two nodes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node {
    /// The package URL: type, name, version, and the source where it is not the usual registry.
    pub purl: String,
    /// Whose package it is.
    pub ecosystem: Ecosystem,
    /// The name it was published under, which an alias does not change.
    pub name: String,
    /// The exact version; members need not have one.
    pub version: Option<String>,
    /// Where it comes from.
    pub kind: Kind,
    /// What it is needed for.
    pub scope: Scope,
    /// Where it is installed, or a member's directory, from the repository's root.
    pub location: Option<String>,
    /// The source as the lock file has it: an address, usually.
    pub source: Option<String>,
    /// Digests of its archive, sorted; of none where there are several, see `archives`.
    pub hashes: Vec<Hash>,
    /// The file that `hashes` are of, where the package may come in others: an address or a name.
    pub file: Option<String>,
    /// The files it can be installed from, where the lock file lists several: sorted.
    pub archives: Vec<Archive>,
    /// A digest in the package manager's own form, word for word, where it is not the digest of
    /// the archive: `h1:…` of Go is one of names and digests, yarn's one of its own archive.
    pub integrity: Option<String>,
    /// The versions that will do, word for word, where no exact one is pinned.
    pub range: Option<String>,
    /// Where it is installed at all, word for word, as a marker of Python says it: of a platform, a
    /// version, an extra. None where it always is, or nothing says.
    pub condition: Option<String>,
    /// The licence, word for word, when the lock file or a manifest at hand says it.
    pub licence: Option<String>,
    /// Lines that say it is there, sorted; at least one.
    pub places: Vec<Place>,
}

impl Node {
    /// A package of which no more is known than this; its scope is unknown.
    pub(crate) fn new(purl: Purl<'_>, kind: Kind, place: Place) -> Self {
        Self {
            purl: purl.write(),
            ecosystem: purl.ecosystem,
            name: purl.name.to_owned(),
            version: purl.version.map(str::to_owned),
            kind,
            scope: Scope::Unknown,
            location: None,
            source: None,
            hashes: Vec::new(),
            file: None,
            archives: Vec::new(),
            integrity: None,
            range: None,
            condition: None,
            licence: None,
            places: vec![place],
        }
    }

    /// `name@version`, or the name alone.
    pub fn label(&self) -> String {
        match &self.version {
            Some(version) => format!("{}@{version}", self.name),
            None => self.name.clone(),
        }
    }
}

/// A node's place in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(usize);

impl NodeId {
    /// Counts from 0 in the graph's order.
    pub fn index(self) -> usize {
        self.0
    }
}

/// That one package needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The package that is needed.
    pub to: NodeId,
    /// How.
    pub kind: EdgeKind,
}

/// Packages and which needs which. Nodes are sorted; so are the edges of each; no pair twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    nodes: Vec<Node>,
    // Invariant: as long as `nodes`; every `to` is below that length.
    edges: Vec<Vec<Edge>>,
    // Invariant: sorted, each below the length of `nodes`.
    roots: Vec<NodeId>,
}

impl Graph {
    /// All packages, in order.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(index, node)| (NodeId(index), node))
    }

    /// How many packages there are.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// How many pairs of packages there are of which one needs the other.
    pub fn edge_count(&self) -> usize {
        self.edges.iter().map(Vec::len).sum()
    }

    /// All packages, in order, without what they need.
    pub fn into_nodes(self) -> Vec<Node> {
        self.nodes
    }

    /// One package.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// What a package needs.
    pub fn edges(&self, id: NodeId) -> &[Edge] {
        &self.edges[id.0]
    }

    /// The packages that everything else is there for: the repository's own.
    pub fn roots(&self) -> &[NodeId] {
        &self.roots
    }

    /// For each package, who needs it.
    pub fn dependents(&self) -> Vec<Vec<Edge>> {
        let mut dependents = vec![Vec::new(); self.nodes.len()];
        for (from, edges) in self.edges.iter().enumerate() {
            for edge in edges {
                dependents[edge.to.0].push(Edge { to: NodeId(from), kind: edge.kind });
            }
        }
        dependents
    }

    /// The roots, and as few others as are needed to reach every package from one of them.
    ///
    /// A lock file without its manifest has packages that nothing in it needs; they must not be
    /// lost to whoever walks the graph.
    pub fn heads(&self) -> Vec<NodeId> {
        let mut needed = vec![false; self.nodes.len()];
        for edges in self.edges.iter().enumerate().map(|(from, edges)| others(from, edges)) {
            edges.for_each(|to| needed[to] = true);
        }
        let unneeded = (0..self.nodes.len()).filter(|&index| !needed[index]);
        let mut seen = vec![false; self.nodes.len()];
        let mut heads = BTreeSet::new();
        // Whoever is left after the roots and the unneeded lies on a cycle: its first node leads in.
        let roots = self.roots.iter().map(|root| root.0);
        for start in roots.chain(unneeded).chain(0..self.nodes.len()) {
            if self.roots.binary_search(&NodeId(start)).is_ok() || !seen[start] {
                heads.insert(NodeId(start));
                self.mark(start, &mut seen);
            }
        }
        heads.into_iter().collect()
    }

    fn mark(&self, start: usize, seen: &mut [bool]) {
        let mut open = vec![start];
        while let Some(index) = open.pop() {
            if !std::mem::replace(&mut seen[index], true) {
                open.extend(self.edges[index].iter().map(|edge| edge.to.0));
            }
        }
    }
}

fn others(from: usize, edges: &[Edge]) -> impl Iterator<Item = usize> {
    edges.iter().map(|edge| edge.to.0).filter(move |&to| to != from)
}

/// A graph in the making, in any order.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    nodes: Vec<Node>,
    // Sorted at the end, when a pair that is there twice is dropped.
    edges: Vec<(usize, usize, EdgeKind)>,
    roots: BTreeSet<usize>,
}

impl Builder {
    /// Adds a package; the number stands for it in the other methods.
    pub(crate) fn node(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// One more line that says a package is there.
    pub(crate) fn place(&mut self, node: usize, place: Place) {
        let places = &mut self.nodes[node].places;
        if let Err(at) = places.binary_search(&place) {
            places.insert(at, place);
        }
    }

    /// A package is the repository's own.
    pub(crate) fn own(&mut self, node: usize) {
        self.nodes[node].kind = Kind::Member;
    }

    pub(crate) fn edge(&mut self, from: usize, to: usize, kind: EdgeKind) {
        assert!(from < self.nodes.len() && to < self.nodes.len());
        self.edges.push((from, to, kind));
    }

    pub(crate) fn root(&mut self, node: usize) {
        assert!(node < self.nodes.len());
        self.roots.insert(node);
    }

    /// Gives each node the strongest reason it is there for, from the roots downwards.
    pub(crate) fn spread_scopes(&mut self) {
        let found = strongest_scopes(self.nodes.len(), &self.roots, self.edges.iter().copied());
        for (node, scope) in self.nodes.iter_mut().zip(found) {
            node.scope = scope.unwrap_or(Scope::Unknown);
        }
    }

    /// The same for nodes that nothing is known of yet.
    pub(crate) fn fill_scopes(&mut self) {
        let found = strongest_scopes(self.nodes.len(), &self.roots, self.edges.iter().copied());
        for (node, scope) in self.nodes.iter_mut().zip(found) {
            if node.scope == Scope::Unknown {
                node.scope = scope.unwrap_or(Scope::Unknown);
            }
        }
    }

    /// Sorts everything; of several edges between the same two, the strongest kind stays.
    pub(crate) fn finish(self) -> Graph {
        let mut order: Vec<usize> = (0..self.nodes.len()).collect();
        order.sort_by(|&a, &b| self.nodes[a].cmp(&self.nodes[b]));
        let mut position = vec![0; order.len()];
        for (new, &old) in order.iter().enumerate() {
            position[old] = new;
        }
        let mut edges = vec![Vec::new(); order.len()];
        for (from, to, kind) in self.edges {
            edges[position[from]].push(Edge { to: NodeId(position[to]), kind });
        }
        for list in &mut edges {
            list.sort_unstable();
            list.dedup_by_key(|edge| edge.to);
        }
        let mut slots: Vec<Option<Node>> = self.nodes.into_iter().map(Some).collect();
        let nodes = order.iter().filter_map(|&old| slots[old].take()).collect();
        let roots: BTreeSet<NodeId> =
            self.roots.into_iter().map(|root| NodeId(position[root])).collect();
        Graph { nodes, edges, roots: roots.into_iter().collect() }
    }
}

/// The strongest reason each of `count` things is there for, from the roots downwards; none for
/// what no root leads to.
pub(crate) fn strongest_scopes(
    count: usize,
    roots: &BTreeSet<usize>,
    edges: impl IntoIterator<Item = (usize, usize, EdgeKind)>,
) -> Vec<Option<Scope>> {
    let mut next: Vec<Vec<(usize, EdgeKind)>> = vec![Vec::new(); count];
    for (from, to, kind) in edges {
        next[from].push((to, kind));
    }
    let mut found: Vec<Option<Scope>> = vec![None; count];
    // Strongest first: each is entered once for each scope that improves it, at most five times.
    let mut open: BTreeSet<(Scope, usize)> =
        roots.iter().map(|&root| (Scope::Runtime, root)).collect();
    while let Some((scope, index)) = open.pop_first() {
        if found[index].is_some_and(|best| best <= scope) {
            continue;
        }
        found[index] = Some(scope);
        open.extend(next[index].iter().map(|&(to, kind)| (scope.max(kind.scope()), to)));
    }
    found
}
