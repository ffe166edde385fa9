//! `composer.lock`, and the composer.json beside it.
//!
//! The lock file says which packages are for development alone, and what each needs; what the
//! project itself needs is in composer.json. A name that is not in the lock file may be one that
//! another package provides or replaces.

mod package;

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::json::{self, Object};
use super::{Edges, Input, PACKAGES_MAX, Unreadable, beside};
use crate::graph::{Builder, EdgeKind, Graph, Kind, Node, Place, Scope};
use crate::purl::Purl;
use crate::{Ecosystem, path};
use package::Package;

pub(super) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    let document = json::object(input)?;
    let sections = [("packages", Scope::Runtime), ("packages-dev", Scope::Dev)];
    if !sections.iter().any(|(section, _)| document.contains_key(*section)) {
        return Err(Unreadable::Shape("it has neither `packages` nor `packages-dev`"));
    }
    let mut packages = Vec::new();
    for (section, scope) in sections {
        add_section(&document, section, scope, &mut packages, input);
    }
    let manifest = manifest(input);
    let mut builder = Builder::default();
    for package in &packages {
        builder.node(package.node(input));
    }
    let index = Index::new(&packages);
    let mut room = Edges::new();
    for (from, package) in packages.iter().enumerate() {
        for name in &package.requires {
            let to = index.find(name);
            if to.is_empty() && manifest.as_ref().is_some_and(|manifest| !manifest.gives(name)) {
                note_missing(name, package.line, input);
            }
            link(&mut builder, from, to, EdgeKind::Runtime, &mut room, input);
        }
    }
    if let Some(manifest) = &manifest {
        let root = builder.node(root(manifest, input));
        builder.root(root);
        let development = manifest.requires_dev.iter().map(|name| (name, EdgeKind::Dev));
        let needed = manifest.requires.iter().map(|name| (name, EdgeKind::Runtime));
        for (name, kind) in needed.chain(development) {
            let to = index.find(name);
            if to.is_empty() && !manifest.gives(name) {
                note_missing(name, 1, input);
            }
            link(&mut builder, root, to, kind, &mut room, input);
        }
    }
    Ok(builder.finish())
}

fn add_section(
    document: &Object<'_>,
    section: &str,
    scope: Scope,
    packages: &mut Vec<Package>,
    input: &mut Input<'_>,
) {
    let Some(raw) = document.get(section).filter(|raw| raw.get() != "null") else { return };
    let line = input.lines.line_of_part(raw.get());
    let Ok(entries) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) else {
        return input.faults.add(Some(line), format!("`{section}` is no list"));
    };
    for raw in entries {
        let line = input.lines.line_of_part(raw.get());
        if packages.len() == PACKAGES_MAX {
            let reason = format!("only the first {PACKAGES_MAX} packages are read");
            return input.faults.add(Some(line), reason);
        }
        match Package::read(raw, scope, line) {
            Ok(package) => packages.push(package),
            Err(reason) => input.faults.add(Some(line), reason),
        }
    }
}

/// The composer.json beside the lock file: it has the fields of a package.
fn manifest(input: &mut Input<'_>) -> Option<Package> {
    let path = path::join(input.dir(), "composer.json");
    let text = beside::text(input, &path)?;
    let raw: Option<&RawValue> = serde_json::from_str(&text).ok();
    let manifest = raw.and_then(Package::manifest);
    if manifest.is_none() {
        input.faults.warnings.add(&path, None, "not a usable composer.json");
    }
    manifest
}

fn root(manifest: &Package, input: &Input<'_>) -> Node {
    let name = if manifest.name.is_empty() { input.dir_name() } else { &manifest.name };
    let purl = Purl::new(Ecosystem::Composer, name, manifest.version.as_deref());
    let place = Place { path: path::join(input.dir(), "composer.json"), line: 1 };
    Node {
        scope: Scope::Runtime,
        location: Some(input.dir().to_owned()),
        licence: manifest.licence.clone(),
        ..Node::new(purl, Kind::Member, place)
    }
}

/// Which packages a name means: the one called so, or those that stand in for it.
struct Index<'a> {
    named: BTreeMap<&'a str, usize>,
    given: BTreeMap<&'a str, Vec<usize>>,
}

impl<'a> Index<'a> {
    fn new(packages: &'a [Package]) -> Self {
        let mut index = Self { named: BTreeMap::new(), given: BTreeMap::new() };
        for (number, package) in packages.iter().enumerate() {
            index.named.entry(package.key.as_str()).or_insert(number);
            for name in &package.gives {
                index.given.entry(name.as_str()).or_default().push(number);
            }
        }
        index
    }

    fn find(&self, name: &str) -> &[usize] {
        match self.named.get(name) {
            Some(number) => std::slice::from_ref(number),
            None => self.given.get(name).map(Vec::as_slice).unwrap_or_default(),
        }
    }
}

fn link(
    builder: &mut Builder,
    from: usize,
    to: &[usize],
    kind: EdgeKind,
    room: &mut Edges,
    input: &mut Input<'_>,
) {
    for &to in to.iter().filter(|&&to| to != from) {
        if !room.take(&mut input.faults) {
            return;
        }
        builder.edge(from, to, kind);
    }
}

fn note_missing(name: &str, line: u32, input: &mut Input<'_>) {
    let reason = format!("`{name}` is needed and not in the lock file");
    input.faults.note_some(Some(line), reason);
}

#[cfg(test)]
mod tests;
