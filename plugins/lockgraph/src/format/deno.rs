//! `deno.lock`, versions 2 to 5.
//!
//! It lists what each specifier came to, packages of npm with what they need, packages of JSR with
//! the specifiers they need, and since version 3 what the project and its members ask for. Files
//! that are imported by their address are no packages; how many there are is said. Package URLs
//! know no JSR: its packages are written as the ones of npm that JSR serves them as.

mod lock;

use std::collections::BTreeMap;

use super::js::{Manifests, Origin, Own, foreign, member};
use super::{Edges, Input, Unreadable};
use crate::graph::{Builder, EdgeKind, Graph, Kind, Node};
use crate::path;
use crate::purl::Purl;
use lock::{Lock, Package, Project, Registry};

/// What deno's own manifests are called; the first wins.
const DENO_JSON: [&str; 2] = ["deno.json", "deno.jsonc"];

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
    let projects = projects(lock, &mut manifests, &mut builder, input);
    let by_name: BTreeMap<&str, usize> = projects
        .iter()
        .filter_map(|project| Some((project.published_as.as_deref()?, project.node)))
        .collect();
    for project in &projects {
        for need in &project.listed.needs {
            if !room.take(&mut input.faults) {
                break;
            }
            let name = name_of(&need.specifier);
            let kind = match need.kind {
                EdgeKind::Unknown => project.kinds.get(name).copied().unwrap_or(need.kind),
                EdgeKind::Runtime
                | EdgeKind::Peer
                | EdgeKind::Optional
                | EdgeKind::Build
                | EdgeKind::Dev => need.kind,
            };
            // What the project itself publishes is not looked up in a registry.
            match lock.specified(&need.specifier).or_else(|| by_name.get(name).copied()) {
                Some(to) => builder.edge(project.node, to, kind),
                None => input.faults.note_some(
                    Some(project.listed.line),
                    format!("`{}` is asked for and not in the lock file", need.specifier),
                ),
            }
        }
    }
    builder.spread_scopes();
    builder.finish()
}

fn node(package: &Package, input: &Input<'_>) -> Node {
    let version = Some(package.version.as_str());
    let origin = Origin::registry();
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

/// The project itself or a member of it.
struct Member<'a> {
    listed: &'a Project,
    node: usize,
    /// The name in its manifest.
    published_as: Option<String>,
    /// What its package.json asks for packages for: the lock file does not say.
    kinds: BTreeMap<String, EdgeKind>,
}

fn projects<'a>(
    lock: &'a Lock,
    manifests: &mut Manifests<'_>,
    builder: &mut Builder,
    input: &mut Input<'_>,
) -> Vec<Member<'a>> {
    let mut projects = Vec::new();
    for listed in &lock.projects {
        let dir = path::resolve(input.dir(), &listed.dir).unwrap_or_else(|| listed.dir.clone());
        let deno = DENO_JSON
            .iter()
            .find_map(|file| manifests.read_called(file, &dir, input.faults.warnings));
        let package = manifests.read(&dir, input.faults.warnings);
        let is_named = deno.as_ref().is_some_and(|deno| deno.name.is_some());
        let manifest = if is_named { deno.as_ref() } else { package.as_ref().or(deno.as_ref()) };
        let own = Own { dir: &dir, name: None, version: None, line: Some(listed.line) };
        let node = builder.node(member(input, own, manifest));
        builder.root(node);
        let needs = package.iter().flat_map(|package| &package.needs);
        projects.push(Member {
            listed,
            node,
            published_as: manifest.and_then(|manifest| manifest.name.clone()),
            kinds: needs.map(|(name, need)| (name.clone(), need.kind)).collect(),
        });
    }
    projects
}

/// The name in `registry:name@range`.
fn name_of(specifier: &str) -> &str {
    specifier.split_once(':').map_or(specifier, |(_, text)| lock::name_of(text))
}

#[cfg(test)]
pub(super) mod tests;
