//! From lock files to a bill.

use std::collections::{BTreeMap, BTreeSet};

use lockgraph::{Ecosystem, EdgeKind, Graph, Kind, Node, NodeId, PackageUrl, Scan};

use crate::address::{is_address, is_archive, or_relative};
use crate::bill::{Archive, Bill, Detail, Known, Need, Origin, OriginKind, Package, Role};
use crate::licence::licence;
use crate::timestamp::Timestamp;
use crate::vers::Range;

/// What stands for the repository where no package of its own does.
const REPOSITORY: &str = "stepwell:repository";

/// What a repository is called that neither a package of its own nor the caller names.
const NAMELESS: &str = "repository";

/// What the caller says the bill is about.
#[derive(Debug, Default)]
pub(crate) struct Subject {
    pub(crate) name: Option<String>,
    pub(crate) version: Option<String>,
}

/// The bill of everything that the lock files of a scan list.
pub(crate) fn compose(scan: &Scan, subject: &Subject, created: Option<Timestamp>) -> Bill {
    let graph = Graph::union(scan.lockfiles.iter().map(|lockfile| &lockfile.graph));
    let mut lockfiles: Vec<String> =
        scan.lockfiles.iter().map(|lockfile| lockfile.path.clone()).collect();
    lockfiles.sort();
    Bill {
        packages: packages(&graph, subject),
        lockfiles,
        warnings: scan.warnings.clone().into_vec(),
        complete: !scan.incomplete,
        detail: Detail::Full,
        created,
    }
}

/// The subject, and then all others in the graph's order.
fn packages(graph: &Graph, subject: &Subject) -> Vec<Package> {
    let heads = graph.heads();
    // One package that everything hangs on is the subject itself.
    let alone = match heads.as_slice() {
        [only] if graph.roots() == heads && subject.name.is_none() => Some(*only),
        _ => None,
    };
    let order: Vec<NodeId> =
        graph.nodes().map(|(id, _)| id).filter(|id| Some(*id) != alone).collect();
    let mut position = vec![0; graph.node_count()];
    for (at, id) in order.iter().enumerate() {
        position[id.index()] = at + 1;
    }
    let mut references = References::new(graph);
    let first = match alone {
        Some(id) => Package {
            role: Role::Application,
            version: subject.version.clone().or_else(|| graph.node(id).version.clone()),
            ..package(graph, id, &position, &mut references)
        },
        None => Package {
            needs: needs(heads.iter().map(|id| (*id, EdgeKind::Unknown)), &position),
            ..repository(graph, subject)
        },
    };
    let others = order.iter().map(|id| package(graph, *id, &position, &mut references));
    let mut all = vec![first];
    all.extend(others);
    all
}

/// A reference for each package: its package URL, numbered where several packages share it.
struct References<'a> {
    purls: BTreeSet<&'a str>,
    /// How often each package URL was taken.
    taken: BTreeMap<&'a str, usize>,
}

impl<'a> References<'a> {
    fn new(graph: &'a Graph) -> Self {
        let purls = graph.nodes().map(|(_, node)| node.purl.as_str()).collect();
        Self { purls, taken: BTreeMap::new() }
    }

    fn take(&mut self, purl: &'a str) -> String {
        let count = self.taken.entry(purl).or_default();
        *count += 1;
        if *count == 1 {
            return purl.to_owned();
        }
        loop {
            let numbered = format!("{purl}#{count}");
            // The package URL of a part of a package may look like that, too.
            if !self.purls.contains(numbered.as_str()) {
                return numbered;
            }
            *count += 1;
        }
    }
}

/// What stands for the repository.
fn repository(graph: &Graph, subject: &Subject) -> Package {
    let in_root = |id: &&NodeId| graph.node(**id).location.as_deref() == Some("");
    let main = graph.roots().iter().find(in_root).map(|id| graph.node(*id));
    let name = subject.name.clone().or_else(|| main.map(|node| node.name.clone()));
    Package {
        reference: REPOSITORY.to_owned(),
        role: Role::Application,
        group: None,
        name: name.unwrap_or_else(|| NAMELESS.to_owned()),
        version: subject.version.clone().or_else(|| main.and_then(|node| node.version.clone())),
        range: None,
        purl: None,
        known: None,
        hashes: Vec::new(),
        archives: Vec::new(),
        origin: None,
        integrity: None,
        licence: None,
        places: Vec::new(),
        needs: Vec::new(),
    }
}

fn package<'a>(
    graph: &'a Graph,
    id: NodeId,
    position: &[usize],
    references: &mut References<'a>,
) -> Package {
    let node = graph.node(id);
    let (group, name) = node.ecosystem.split_name(&node.name);
    let others = graph.edges(id).iter().filter(|edge| edge.to != id);
    let version = node.version.clone().filter(|version| !version.is_empty());
    let range = match &version {
        Some(_) => None,
        None => node.range.as_deref().map(|text| Range::new(node.ecosystem, text)),
    };
    Package {
        reference: references.take(&node.purl),
        role: if node.ecosystem == Ecosystem::Docker { Role::Container } else { Role::Library },
        group: group.map(str::to_owned),
        name: name.to_owned(),
        version,
        range,
        purl: Some(node.purl.clone()),
        known: Some(Known { kind: node.kind, scope: node.scope }),
        hashes: node.hashes.clone(),
        archives: archives(node),
        origin: origin(node),
        integrity: node.integrity.clone(),
        licence: node.licence.as_deref().and_then(licence),
        places: node.places.clone(),
        needs: needs(others.map(|edge| (edge.to, edge.kind)), position),
    }
}

fn needs(edges: impl Iterator<Item = (NodeId, EdgeKind)>, position: &[usize]) -> Vec<Need> {
    let mut needs: Vec<Need> =
        edges.map(|(to, kind)| Need { to: position[to.index()], kind }).collect();
    needs.sort_unstable();
    needs
}

fn archives(node: &Node) -> Vec<Archive> {
    let archives = node.archives.iter().map(|archive| Archive {
        address: or_relative(&archive.location),
        hashes: archive.hashes.clone(),
    });
    archives.filter(|archive| !archive.address.is_empty()).collect()
}

/// The address the package was got from, where the lock file says it.
fn origin(node: &Node) -> Option<Origin> {
    let source = node.source.as_deref();
    let kind = match node.kind {
        Kind::Git => OriginKind::Vcs,
        Kind::Archive => OriginKind::Distribution,
        Kind::Registry if names_the_file(node.ecosystem, source.unwrap_or_default()) => {
            OriginKind::Distribution
        }
        Kind::Registry | Kind::Member | Kind::Path => return None,
    };
    let written = source.filter(|url| is_address(url)).map(str::to_owned);
    let address = written.or_else(|| (kind == OriginKind::Vcs).then(|| vcs_url(node)).flatten())?;
    Some(Origin { kind, address })
}

/// Whether the source is the file in a registry, and not the registry.
fn names_the_file(ecosystem: Ecosystem, source: &str) -> bool {
    matches!(ecosystem, Ecosystem::Npm | Ecosystem::Composer) || is_archive(source)
}

/// Where the package URL says it comes from.
fn vcs_url(node: &Node) -> Option<String> {
    let url = PackageUrl::parse(&node.purl).ok()?.qualifiers().get("vcs_url").cloned();
    url.filter(|url| is_address(url))
}
