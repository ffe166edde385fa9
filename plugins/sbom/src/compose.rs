//! From lock files to a bill.

use std::collections::{BTreeMap, BTreeSet};

use lockgraph::{Ecosystem, EdgeKind, Graph, Hash, Kind, Lockfile, Node, NodeId, PackageUrl, Scan};

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
pub(crate) fn compose(scan: Scan, subject: &Subject, created: Option<Timestamp>) -> Bill {
    let (mut lockfiles, graphs): (Vec<String>, Vec<Graph>) =
        scan.lockfiles.into_iter().map(|lockfile| (lockfile.path, lockfile.graph)).unzip();
    lockfiles.sort();
    Bill {
        packages: packages(Graph::into_union(graphs), subject),
        lockfiles,
        warnings: scan.warnings.into_vec(),
        complete: !scan.incomplete,
        detail: Detail::Full,
        created,
    }
}

/// Leaves out every bill that lies in the repository.
pub(crate) fn leave_out_bills(scan: &mut Scan) {
    let reason = "left out: what is compared is what lock files say; name a bill in `before` or \
                  `after` to compare with it";
    leave_out(scan, |lockfile| lockfile.format.is_bill(), reason);
}

/// Leaves out bills of the repository's own packages: lock files say what is needed now, and a bill
/// of the last release what was. Without lock files, they stay.
pub(crate) fn leave_out_own_bills(scan: &mut Scan) {
    let locks = scan.lockfiles.iter().filter(|lockfile| !lockfile.format.is_bill());
    let members = locks.flat_map(|lockfile| lockfile.graph.nodes());
    let members = members.filter(|(_, node)| node.kind == Kind::Member);
    let own: BTreeSet<String> = members.map(|(_, node)| node.name.clone()).collect();
    if own.is_empty() {
        return;
    }
    let is_own = |lockfile: &Lockfile| {
        let graph = &lockfile.graph;
        let mut names = graph.roots().iter().map(|root| graph.node(*root).name.as_str());
        lockfile.format.is_bill() && names.any(|name| own.contains(name) || name == NAMELESS)
    };
    let reason = "left out: it is a bill of the repository's own package, and the lock files say \
                  what that needs now; name it in `lockfiles` to take it in";
    leave_out(scan, is_own, reason);
}

fn leave_out(scan: &mut Scan, is_left_out: impl Fn(&Lockfile) -> bool, reason: &str) {
    let (left_out, kept): (Vec<_>, Vec<_>) =
        std::mem::take(&mut scan.lockfiles).into_iter().partition(is_left_out);
    scan.lockfiles = kept;
    for lockfile in left_out {
        scan.warnings.add(&lockfile.path, None, reason);
    }
}

/// The subject, and then all others in the graph's order.
fn packages(graph: Graph, subject: &Subject) -> Vec<Package> {
    let heads = graph.heads();
    // One package that everything hangs on is the subject itself.
    let alone = match heads.as_slice() {
        [only] if graph.roots() == heads && subject.name.is_none() => Some(*only),
        _ => None,
    };
    let others = graph.nodes().map(|(id, _)| id).filter(|id| Some(*id) != alone);
    let mut position = vec![0; graph.node_count()];
    for (id, at) in others.zip(1..) {
        position[id.index()] = at;
    }
    let references = references(&graph, alone);
    let needs_of = |(id, _): (NodeId, &Node)| {
        let others = graph.edges(id).iter().filter(|edge| edge.to != id);
        needs(others.map(|edge| (edge.to, edge.kind)), &position)
    };
    let needs_of: Vec<Vec<Need>> = graph.nodes().map(needs_of).collect();
    let mut all = Vec::with_capacity(graph.node_count() + 1);
    if alone.is_none() {
        all.push(Package {
            needs: needs(heads.iter().map(|id| (*id, EdgeKind::Unknown)), &position),
            ..repository(&graph, subject)
        });
    }
    let parts = graph.into_nodes().into_iter().zip(references).zip(needs_of);
    all.extend(parts.map(|((node, reference), needs)| package(node, reference, needs)));
    if let Some(alone) = alone {
        all[..=alone.index()].rotate_right(1);
        all[0].role = Role::Application;
        all[0].version = subject.version.clone().or(all[0].version.take());
    }
    all
}

/// A reference for each package: its package URL, numbered where several packages share it, the
/// subject first.
fn references(graph: &Graph, subject: Option<NodeId>) -> Vec<String> {
    let purls: Vec<&str> = graph.nodes().map(|(_, node)| node.purl.as_str()).collect();
    let mut references: Vec<String> = purls.iter().map(|&purl| purl.to_owned()).collect();
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    let others = (0..purls.len()).filter(|at| subject.is_none_or(|id| id.index() != *at));
    for at in subject.map(NodeId::index).into_iter().chain(others) {
        // In a graph's order, those that share one are neighbours.
        let before = at.checked_sub(1).and_then(|at| purls.get(at));
        if ![before, purls.get(at + 1)].contains(&Some(&purls[at])) {
            continue;
        }
        let count = taken.entry(purls[at]).or_default();
        *count += 1;
        while *count > 1 {
            let numbered = format!("{}#{count}", purls[at]);
            // The package URL of a part of a package may look like that, too.
            if purls.binary_search(&numbered.as_str()).is_err() {
                references[at] = numbered;
                break;
            }
            *count += 1;
        }
    }
    references
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
        condition: None,
        purl: None,
        known: None,
        hashes: Vec::new(),
        archives: Vec::new(),
        nameless: Vec::new(),
        origin: None,
        integrity: None,
        licence: None,
        places: Vec::new(),
        needs: Vec::new(),
    }
}

fn package(node: Node, reference: String, needs: Vec<Need>) -> Package {
    let (group, name) = node.ecosystem.split_name(&node.name);
    let (group, name) = (group.map(str::to_owned), name.to_owned());
    let origin = origin(&node);
    let version = node.version.filter(|version| !version.is_empty());
    let range = match &version {
        Some(_) => None,
        None => node.range.as_deref().map(|text| Range::new(node.ecosystem, text)),
    };
    Package {
        reference,
        role: if node.ecosystem == Ecosystem::Docker { Role::Container } else { Role::Library },
        group,
        name,
        version,
        range,
        condition: node.condition,
        purl: Some(node.purl),
        known: Some(Known { kind: node.kind, scope: node.scope }),
        hashes: node.hashes,
        nameless: nameless(&node.archives),
        archives: archives(node.archives),
        origin,
        integrity: node.integrity,
        licence: node.licence.as_deref().and_then(licence),
        places: node.places,
        needs,
    }
}

fn needs(edges: impl Iterator<Item = (NodeId, EdgeKind)>, position: &[usize]) -> Vec<Need> {
    let mut needs: Vec<Need> =
        edges.map(|(to, kind)| Need { to: position[to.index()], kind }).collect();
    needs.sort_unstable();
    needs
}

fn archives(archives: Vec<lockgraph::Archive>) -> Vec<Archive> {
    let named = archives.into_iter().filter(|archive| !archive.location.is_empty());
    let addressed = |lockgraph::Archive { location, hashes }| Archive {
        address: or_relative(location),
        hashes,
    };
    named.map(addressed).collect()
}

fn nameless(archives: &[lockgraph::Archive]) -> Vec<Hash> {
    let nameless = archives.iter().filter(|archive| archive.location.is_empty());
    nameless.flat_map(|archive| &archive.hashes).cloned().collect()
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
        Kind::Registry | Kind::Member | Kind::Path | Kind::Bill => return None,
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
