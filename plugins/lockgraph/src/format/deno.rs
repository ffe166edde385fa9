//! `deno.lock`, versions 2 to 5.
//!
//! It lists what each specifier came to, packages of npm with what they need, packages of JSR with
//! the specifiers they need, and since version 3 what the project and its members ask for. Files
//! that are imported by their address are no packages; how many there are is said. Package URLs
//! know no JSR: its packages are written as the ones of npm that JSR serves them as.

mod lock;

use std::collections::BTreeMap;

use super::js::{Manifest, Manifests, Own, foreign, member};
use super::{Edges, Input, Unreadable};
use crate::graph::{Builder, EdgeKind, Graph, Kind, Node};
use crate::path;
use crate::purl::Purl;
use lock::{Lock, Package, Project, Registry};

/// Where JSR serves its packages as packages of npm.
const JSR_AS_NPM: &str = "https://npm.jsr.io";

pub(super) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    let lock = Lock::read(input)?;
    if lock.files > 0 {
        let files = lock.files;
        let reason = format!("files imported by address are no packages and left out: {files}");
        input.faults.note(None, reason);
    }
    Ok(graph(&lock, input))
}

fn graph(lock: &Lock, input: &mut Input<'_>) -> Graph {
    let mut builder = Builder::default();
    for package in &lock.packages {
        builder.node(node(package, input));
    }
    let mut manifests = Manifests::new(input.files);
    let mut room = Edges::new();
    for (from, package) in lock.packages.iter().enumerate() {
        for (text, kind) in &package.needs {
            if !room.take(&mut input.faults) {
                break;
            }
            match lock.find(package.registry, text) {
                Some(to) => builder.edge(from, to, *kind),
                None => {
                    let reason =
                        format!("`{text}`, which {} needs, is not in the lock file", package.name);
                    input.faults.add(Some(package.line), reason);
                }
            }
        }
    }
    for project in &lock.projects {
        add_project(project, lock, &mut manifests, &mut builder, &mut room, input);
    }
    builder.spread_scopes();
    builder.finish()
}

fn node(package: &Package, input: &Input<'_>) -> Node {
    let version = Some(package.version.as_str());
    let origin = super::js::Origin::registry();
    let node = foreign(input, &package.name, version, origin, package.line);
    let node =
        Node { hashes: package.hashes.clone(), integrity: package.integrity.clone(), ..node };
    match package.registry {
        Registry::Npm => node,
        Registry::Jsr => {
            let scoped = package.name.trim_start_matches('@').replacen('/', "__", 1);
            let name = format!("@jsr/{scoped}");
            let qualifiers = [("repository_url", JSR_AS_NPM)];
            let purl =
                Purl { qualifiers: &qualifiers, ..Purl::new(node.ecosystem, &name, version) };
            let source = Some(format!("jsr:{}@{}", package.name, package.version));
            Node { purl: purl.write(), kind: Kind::Registry, source, ..node }
        }
    }
}

/// The project itself or a member of it, and what it asks for.
fn add_project(
    project: &Project,
    lock: &Lock,
    manifests: &mut Manifests<'_>,
    builder: &mut Builder,
    room: &mut Edges,
    input: &mut Input<'_>,
) {
    let dir = path::resolve(input.dir(), &project.dir).unwrap_or_else(|| project.dir.clone());
    let manifest = manifests.read(&dir, input.faults.warnings);
    let own = Own { dir: &dir, name: None, version: None, line: Some(project.line) };
    let from = builder.node(member(input, own, manifest.as_ref()));
    builder.root(from);
    for need in &project.needs {
        if !room.take(&mut input.faults) {
            return;
        }
        let is_said = need.kind != EdgeKind::Unknown;
        let kind = if is_said { need.kind } else { kind(&need.specifier, manifest.as_ref()) };
        match lock.specified(&need.specifier) {
            Some(to) => builder.edge(from, to, kind),
            // A member, or what nothing has imported yet.
            None => input.faults.note_some(
                Some(project.line),
                format!("`{}` is asked for and not in the lock file", need.specifier),
            ),
        }
    }
}

/// What a package.json asks for a package for; the lock file does not say.
fn kind(specifier: &str, manifest: Option<&Manifest>) -> EdgeKind {
    let name = specifier.split_once(':').map_or(specifier, |(_, text)| lock::name_of(text));
    let needs = manifest.map(|manifest| &manifest.needs).unwrap_or(const { &BTreeMap::new() });
    needs.get(name).map_or(EdgeKind::Unknown, |need| need.kind)
}

#[cfg(test)]
pub(super) mod tests;
