//! From packages to a document.

use std::collections::{BTreeMap, BTreeSet};

use lockgraph::{Ecosystem, Graph, Hash, HashAlgorithm, Kind, Node, NodeId, Scan, Scope};

use crate::document::{
    Component, Composition, Dependency, Document, Evidence, ExternalReference, HashValue, Identity,
    Metadata, Method, Occurrence, Property, Tools,
};
use crate::licence::licence;

/// What stands for the repository where no package of its own does.
const REPOSITORY: &str = "stepwell:repository";

/// The most lines that are given as evidence for one package.
const OCCURRENCES_MAX: usize = 20;

/// How much is said of each package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// All there is.
    Full,
    /// Not the lines that say so.
    NoEvidence,
    /// Not the addresses either.
    Bare,
}

/// What the caller says the document is about.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) name: Option<String>,
    pub(crate) version: Option<String>,
}

pub(crate) fn compose(scan: &Scan, subject: &Subject, detail: Detail) -> Document {
    let graph = Graph::union(scan.lockfiles.iter().map(|lockfile| &lockfile.graph));
    let refs = Refs::new(&graph);
    let heads = graph.heads();
    // One package that everything hangs on is the subject itself.
    let alone = match heads.as_slice() {
        [only] if graph.roots() == heads && subject.name.is_none() => Some(*only),
        _ => None,
    };
    let root = root(&graph, alone, &refs, subject, detail);
    let root_ref = root.bom_ref.clone().unwrap_or_default();
    let components = graph
        .nodes()
        .filter(|(id, _)| Some(*id) != alone)
        .map(|(id, node)| component(node, refs.of(id), "library", detail))
        .collect();
    let mut dependencies: Vec<Dependency> = graph
        .nodes()
        .map(|(id, _)| {
            let needed = graph.edges(id).iter().map(|edge| edge.to).filter(|to| *to != id);
            dependency(refs.of(id), needed.map(|to| refs.of(to)))
        })
        .collect();
    if alone.is_none() {
        dependencies.push(dependency(REPOSITORY, heads.iter().map(|id| refs.of(*id))));
    }
    dependencies.sort_by(|a, b| a.from.cmp(&b.from));
    let incomplete = Composition { aggregate: "incomplete", assemblies: vec![root_ref] };
    let compositions = if scan.incomplete { vec![incomplete] } else { Vec::new() };
    let metadata = Metadata { tools: tools(), component: root, properties: facts(scan, detail) };
    Document::new(metadata, components, dependencies, compositions)
}

/// A reference for each package: its package URL, numbered where several packages share it.
struct Refs(Vec<String>);

impl Refs {
    fn new(graph: &Graph) -> Self {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let refs = graph.nodes().map(|(_, node)| {
            let count = seen.entry(&node.purl).or_default();
            *count += 1;
            // No package URL we write has a `#`, so a numbered one cannot be another's.
            if *count == 1 { node.purl.clone() } else { format!("{}#{count}", node.purl) }
        });
        Self(refs.collect())
    }

    fn of(&self, id: NodeId) -> &str {
        &self.0[id.index()]
    }
}

/// What the document is about.
fn root(
    graph: &Graph,
    alone: Option<NodeId>,
    refs: &Refs,
    subject: &Subject,
    detail: Detail,
) -> Component {
    if let Some(id) = alone {
        let root = component(graph.node(id), refs.of(id), "application", detail);
        return Component {
            scope: None,
            version: subject.version.clone().or(root.version),
            ..root
        };
    }
    let in_root = |id: &&NodeId| graph.node(**id).location.as_deref() == Some("");
    let main = graph.roots().iter().find(in_root).map(|id| graph.node(*id));
    let name = subject.name.clone().or_else(|| main.map(|node| node.name.clone()));
    let version = subject.version.clone().or_else(|| main.and_then(|node| node.version.clone()));
    Component {
        kind: "application",
        bom_ref: Some(REPOSITORY.to_owned()),
        name: name.unwrap_or_else(|| "repository".to_owned()),
        version,
        ..Component::default()
    }
}

fn component(node: &Node, bom_ref: &str, kind: &'static str, detail: Detail) -> Component {
    let (group, name) = node.ecosystem.split_name(&node.name);
    Component {
        kind,
        bom_ref: Some(bom_ref.to_owned()),
        group: group.map(str::to_owned),
        name: name.to_owned(),
        version: node.version.clone(),
        scope: scope(node.scope),
        hashes: node.hashes.iter().map(hash).collect(),
        licenses: node.licence.as_deref().and_then(licence).into_iter().collect(),
        purl: Some(node.purl.clone()),
        external_references: if detail == Detail::Bare { Vec::new() } else { references(node) },
        properties: vec![
            Property { name: "stepwell:kind", value: node.kind.name().to_owned() },
            Property { name: "stepwell:scope", value: node.scope.name().to_owned() },
        ],
        evidence: (detail == Detail::Full).then(|| evidence(node)),
    }
}

/// The specification has no word for what only the build needs; like what only development needs,
/// it is not part of what is shipped.
fn scope(scope: Scope) -> Option<&'static str> {
    match scope {
        Scope::Runtime => Some("required"),
        Scope::Optional => Some("optional"),
        Scope::Build | Scope::Dev => Some("excluded"),
        Scope::Unknown => None,
    }
}

fn hash(hash: &Hash) -> HashValue {
    let alg = match hash.algorithm {
        HashAlgorithm::Sha1 => "SHA-1",
        HashAlgorithm::Sha256 => "SHA-256",
        HashAlgorithm::Sha384 => "SHA-384",
        HashAlgorithm::Sha512 => "SHA-512",
    };
    HashValue { alg, content: hash.hex.clone() }
}

/// The address the package was got from, where the lock file says it.
fn references(node: &Node) -> Vec<ExternalReference> {
    let kind = match (node.kind, node.ecosystem) {
        (Kind::Git, _) => "vcs",
        // A Cargo.lock names the registry, not the package in it.
        (Kind::Registry, Ecosystem::Cargo) | (Kind::Member | Kind::Path, _) => return Vec::new(),
        (Kind::Archive | Kind::Registry, _) => "distribution",
    };
    let url = node.source.as_deref().filter(|url| is_address(url));
    url.map(|url| ExternalReference { kind, url: url.to_owned() }).into_iter().collect()
}

/// Whether a text can stand where the specification wants an address.
fn is_address(text: &str) -> bool {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#@!$&'()*+,;=%".contains(c);
    // A host with a path after a colon, which git takes, is no address.
    let host =
        text.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or(rest));
    let port = host.rsplit_once(':').map_or("", |(_, port)| port);
    scheme.is_some_and(is_scheme)
        && text.chars().all(is_plain)
        && text.matches('#').count() < 2
        && port.chars().all(|c| c.is_ascii_digit())
        && percent_is_used_well(text)
}

fn percent_is_used_well(text: &str) -> bool {
    let follows = |rest: &str| {
        let mut digits = rest.chars().take(2).filter(char::is_ascii_hexdigit);
        digits.by_ref().count() == 2
    };
    text.split('%').skip(1).all(follows)
}

fn evidence(node: &Node) -> Evidence {
    let occurrence =
        |place: &lockgraph::Place| Occurrence { location: place.path.clone(), line: place.line };
    Evidence {
        identity: vec![Identity {
            field: "purl",
            confidence: 1,
            methods: vec![Method { technique: "manifest-analysis", confidence: 1 }],
        }],
        occurrences: node.places.iter().take(OCCURRENCES_MAX).map(occurrence).collect(),
    }
}

fn dependency<'a>(from: &str, to: impl Iterator<Item = &'a str>) -> Dependency {
    let to: BTreeSet<&str> = to.collect();
    Dependency { from: from.to_owned(), depends_on: to.into_iter().map(str::to_owned).collect() }
}

fn tools() -> Tools {
    let this = Component {
        kind: "application",
        name: "stepwell-sbom".to_owned(),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        ..Component::default()
    };
    Tools { components: vec![this] }
}

/// Which lock files were read, and what was left out or guessed.
fn facts(scan: &Scan, detail: Detail) -> Vec<Property> {
    let lockfiles = scan
        .lockfiles
        .iter()
        .map(|lockfile| Property { name: "stepwell:lockfile", value: lockfile.path.clone() });
    let warnings = scan.warnings.clone().into_vec().into_iter().map(|warning| Property {
        name: "stepwell:warning",
        value: match warning.line {
            Some(line) => format!("{}:{line}: {}", warning.path, warning.reason),
            None => format!("{}: {}", warning.path, warning.reason),
        },
    });
    let left_out = match detail {
        Detail::Full => None,
        Detail::NoEvidence => Some("evidence"),
        Detail::Bare => Some("evidence, external references"),
    };
    let left_out = left_out.map(|what| Property {
        name: "stepwell:left-out",
        value: format!("{what}: the document would be larger than allowed"),
    });
    lockfiles.chain(warnings).chain(left_out).collect()
}
