//! `Cargo.lock`, versions 1 to 4, and the manifests of its workspace.
//!
//! The lock file says which packages there are and which needs which; it does not say which are
//! the workspace's own, nor what for. Both come from the manifests, when they are there. Features
//! are not resolved: the lock file lists what *any* choice of features may need.

mod lock;
mod manifest;
mod workspace;

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::{Input, Unreadable};
use crate::graph::{Builder, EdgeKind, Graph, Hash, HashAlgorithm, Kind, Node, Place, Scope};
use crate::purl::Purl;
use crate::{Ecosystem, path};
use lock::{Lock, Package};
use workspace::{Manifest, Workspace};

/// The registry that package URLs mean when they name none.
const DEFAULT_REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(super) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    let repaired;
    let document = match DeTable::parse(input.text) {
        Ok(document) => document,
        Err(err) => {
            let broken;
            (repaired, broken) = repair(input);
            let document = DeTable::parse(&repaired).map_err(|_| syntax(&err, input))?;
            if !document.get_ref().contains_key("package") {
                return Err(syntax(&err, input));
            }
            for (line, reason) in broken {
                input.faults.add(Some(line), reason);
            }
            document
        }
    };
    let lock = Lock::read(document.get_ref(), input);
    let workspace = Workspace::discover(input.dir(), input.files, input.faults.warnings);
    Ok(graph(&lock, &workspace, input))
}

/// What is wrong, without the input: the parser's own words quote it.
fn syntax(err: &toml::de::Error, input: &Input<'_>) -> Unreadable {
    let line = err.span().map(|span| input.lines.line_of(&span));
    Unreadable::Syntax { language: "TOML", line, message: err.message().to_owned() }
}

/// The text with spaces for each table that is no TOML, so that a merge conflict or a torn write
/// costs what it hits and no more, and lines stay where they are; and what was wrong with them.
fn repair(input: &Input<'_>) -> (String, Vec<(u32, String)>) {
    let mut repaired = String::with_capacity(input.text.len());
    let mut broken = Vec::new();
    let starts = input.text.match_indices("\n[").map(|(at, _)| at + 1);
    let ends = starts.clone().chain([input.text.len()]);
    for (start, end) in std::iter::once(0).chain(starts).zip(ends) {
        let table = &input.text[start..end];
        match DeTable::parse(table) {
            Ok(_) => repaired.push_str(table),
            Err(err) => {
                let at = err.span().map_or(start, |span| start + span.start);
                broken.push((input.lines.line(at), format!("not valid TOML: {}", err.message())));
                repaired.extend(table.bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }));
            }
        }
    }
    (repaired, broken)
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
    let mut places = vec![Place { path: lockfile.to_owned(), line: package.line }];
    if let Some(manifest) = manifest {
        places.push(Place { path: path::join(&manifest.dir, "Cargo.toml"), line: manifest.line });
        places.sort_unstable();
    }
    Node {
        purl: Purl {
            ecosystem: Ecosystem::Cargo,
            name: package.name,
            version: Some(package.version),
            qualifier: package
                .source
                .and_then(origin)
                .as_ref()
                .map(|(key, url)| (*key, url.as_str())),
        }
        .write(),
        ecosystem: Ecosystem::Cargo,
        name: package.name.to_owned(),
        version: Some(package.version.to_owned()),
        kind,
        scope: Scope::Unknown,
        location: manifest.map(|manifest| manifest.dir.clone()),
        source: package.source.map(path::without_user),
        hashes: package
            .checksum
            .and_then(|hex| Hash::from_hex(HashAlgorithm::Sha256, hex))
            .into_iter()
            .collect(),
        licence: manifest.and_then(|manifest| manifest.licence.clone()),
        places,
    }
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

fn text_at<'a>(table: &'a DeTable<'_>, key: &str) -> Option<&'a str> {
    table.get(key)?.get_ref().as_str()
}

fn table_at<'a, 'i>(table: &'a DeTable<'i>, key: &str) -> Option<&'a DeTable<'i>> {
    table.get(key)?.get_ref().as_table()
}

/// The texts of a list; what is no text is skipped.
fn texts_at<'a>(table: &'a DeTable<'_>, key: &str) -> Vec<&'a str> {
    let list = table.get(key).and_then(|value| value.get_ref().as_array());
    list.into_iter()
        .flat_map(|list| list.iter())
        .filter_map(|item| item.get_ref().as_str())
        .collect()
}

fn is_true(table: &DeTable<'_>, key: &str) -> bool {
    table.get(key).and_then(|value| DeValue::as_bool(value.get_ref())).unwrap_or(false)
}

#[cfg(test)]
mod tests;
