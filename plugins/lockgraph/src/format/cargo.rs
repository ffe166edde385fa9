//! `Cargo.lock`, versions 1 to 4, and the manifests of its workspace.
//!
//! The lock file says which packages there are and which needs which; it does not say which are
//! the workspace's own, nor what for. Both come from the manifests, when they are there. Features
//! are not resolved: the lock file lists what *any* choice of features may need.

mod lock;
mod manifest;
mod workspace;

use std::collections::BTreeMap;

use super::{Input, Unreadable, toml};
use crate::graph::{Builder, EdgeKind, Graph, Hash, HashAlgorithm, Kind, Node, Place};
use crate::purl::Purl;
use crate::{Ecosystem, path};
use lock::{Lock, Package};
use workspace::{Manifest, Workspace};

/// The registry that package URLs mean when they name none.
const DEFAULT_REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(super) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    toml::read(input, "package", |document, input| {
        let lock = Lock::read(document, input);
        let workspace = Workspace::discover(input.dir(), input.files, input.faults.warnings);
        graph(&lock, &workspace, input)
    })
}

fn graph(lock: &Lock<'_>, workspace: &Workspace, input: &mut Input<'_>) -> Graph {
    let mut builder = Builder::default();
    let mut manifests: BTreeMap<usize, &Manifest> = BTreeMap::new();
    for (index, package) in lock.packages.iter().enumerate() {
        let manifest = match package.source {
            None => workspace.manifest(package.name, package.version),
            Some(_) => None,
        };
        let node = builder.node(node(package, manifest, workspace, input.path));
        assert_eq!(node, index, "nodes are numbered like packages");
        if let Some(manifest) = manifest {
            manifests.insert(index, manifest);
        }
        if kind(package, manifest, workspace) == Kind::Member {
            builder.root(index);
        }
    }
    for (from, to) in lock.edges(&mut input.faults) {
        let kind = match (lock.packages[from].source, manifests.get(&from)) {
            (Some(_), _) => EdgeKind::Runtime,
            (None, Some(manifest)) => manifest.edge_kind(lock.packages[to].name),
            (None, None) => EdgeKind::Unknown,
        };
        builder.edge(from, to, kind);
    }
    note_stale(lock, workspace, input);
    builder.spread_scopes();
    builder.finish()
}

fn node(
    package: &Package<'_>,
    manifest: Option<&Manifest>,
    workspace: &Workspace,
    lockfile: &str,
) -> Node {
    let kind = kind(package, manifest, workspace);
    let place = Place { path: lockfile.to_owned(), line: package.line };
    let origin = package.source.and_then(origin);
    let qualifiers: Vec<(&str, &str)> =
        origin.iter().map(|(key, url)| (*key, url.as_str())).collect();
    let purl = Purl {
        qualifiers: &qualifiers,
        ..Purl::new(Ecosystem::Cargo, package.name, Some(package.version))
    };
    let mut node = Node {
        location: manifest.map(|manifest| manifest.dir.clone()),
        source: package.source.map(path::without_user),
        hashes: package
            .checksum
            .and_then(|hex| Hash::from_hex(HashAlgorithm::Sha256, hex))
            .into_iter()
            .collect(),
        licence: manifest.and_then(|manifest| manifest.licence.clone()),
        ..Node::new(purl, kind, place)
    };
    if let Some(manifest) = manifest {
        let path = path::join(&manifest.dir, "Cargo.toml");
        node.places.push(Place { path, line: manifest.line });
        node.places.sort_unstable();
    }
    node
}

fn kind(package: &Package<'_>, manifest: Option<&Manifest>, workspace: &Workspace) -> Kind {
    match (package.source, manifest) {
        (Some(source), _) if source.starts_with("git+") => Kind::Git,
        (Some(_), _) => Kind::Registry,
        (None, Some(manifest)) if manifest.member => Kind::Member,
        (None, Some(_)) => Kind::Path,
        // Without manifests nobody can tell members from others' directories.
        (None, None) if workspace.is_empty() => Kind::Member,
        (None, None) => Kind::Path,
    }
}

/// The qualifier of a package that is not from the usual registry.
fn origin(source: &str) -> Option<(&'static str, String)> {
    if source == DEFAULT_REGISTRY {
        return None;
    }
    let source = path::without_user(source);
    match source.split_once('+') {
        Some(("git", _)) => {
            let (url, revision) = source.split_once('#').unwrap_or((&source, ""));
            // The query only says which branch or tag the revision was found by.
            let url = url.split_once('?').map_or(url, |(url, _)| url);
            let at = if revision.is_empty() { "" } else { "@" };
            Some(("vcs_url", format!("{url}{at}{revision}")))
        }
        Some(("registry" | "sparse", url)) => Some(("repository_url", url.to_owned())),
        _ => Some(("repository_url", source)),
    }
}

/// A member that the lock file does not know makes the whole answer doubtful.
fn note_stale(lock: &Lock<'_>, workspace: &Workspace, input: &mut Input<'_>) {
    for manifest in workspace.members() {
        if lock.own(&manifest.name).next().is_none() {
            let reason = format!(
                "out of date: it does not list the workspace member `{}` of `{}`",
                manifest.name, manifest.dir
            );
            input.faults.note(None, reason);
        }
    }
}

#[cfg(test)]
mod tests;
