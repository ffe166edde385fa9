//! `pnpm-lock.yaml`, versions 5 to 9.
//!
//! It lists the repository's own packages (importers) and, for each set of peers that a package is
//! installed with, what it needs: everything is resolved, aliases and overrides included. Since
//! version 7 it tells what a package is apart from what it needs; before 9, keys are paths. There
//! may be several documents: what pnpm itself needs stands in one of its own.

mod key;
mod lock;

use std::collections::BTreeMap;

use super::js::{Manifests, Origin, Own, documents, foreign, member};
use super::npm::integrity;
use super::yaml::Yaml;
use super::{Edges, Input, PACKAGES_MAX, Unreadable, phrase, word};
use crate::graph::{Archive, Builder, EdgeKind, Graph, Kind, Node, Place};
use crate::path;
use lock::{Importer, Lock, Package};

/// What an importer needs others for, by section.
const SECTIONS: [(&str, EdgeKind); 5] = [
    ("dependencies", EdgeKind::Runtime),
    ("optionalDependencies", EdgeKind::Optional),
    ("devDependencies", EdgeKind::Dev),
    ("configDependencies", EdgeKind::Dev),
    ("packageManagerDependencies", EdgeKind::Dev),
];

pub(super) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    documents(input, 2, |documents, input| {
        let lock = Lock::read(documents, input)?;
        Ok(Project::new(&lock, input).graph(input))
    })?
}

/// A lock file on its way to a graph.
struct Project<'a> {
    lock: &'a Lock<'a>,
    builder: Builder,
    nodes: usize,
    /// By directory.
    members: BTreeMap<String, usize>,
    /// Directories that are no members, by directory.
    links: BTreeMap<String, usize>,
    room: Edges,
}

impl<'a> Project<'a> {
    /// All packages, and the repository's own.
    fn new(lock: &'a Lock<'a>, input: &mut Input<'_>) -> Self {
        let mut project = Self {
            lock,
            builder: Builder::default(),
            nodes: 0,
            members: BTreeMap::new(),
            links: BTreeMap::new(),
            room: Edges::new(),
        };
        for package in &lock.packages {
            let node = node(package, input);
            project.add(node);
        }
        let mut manifests = Manifests::new(input.files);
        for importer in &lock.importers {
            let dir = importer.dir(input.dir());
            if project.members.contains_key(&dir) {
                continue;
            }
            let manifest = manifests.read(&dir, input.faults.warnings);
            let own = Own { dir: &dir, name: None, version: None, line: Some(importer.line) };
            let number = project.add(member(input, own, manifest.as_ref()));
            project.builder.root(number);
            project.members.insert(dir, number);
        }
        project
    }

    fn add(&mut self, node: Node) -> usize {
        self.nodes += 1;
        self.builder.node(node)
    }

    fn graph(mut self, input: &mut Input<'_>) -> Graph {
        let lock = self.lock;
        for importer in &lock.importers {
            let dir = importer.dir(input.dir());
            let Some(&from) = self.members.get(&dir) else { continue };
            self.import(from, &dir, importer, input);
        }
        for (from, package) in lock.packages.iter().enumerate() {
            let peers = package.peers();
            for (section, kind) in
                [("dependencies", EdgeKind::Runtime), ("optionalDependencies", EdgeKind::Optional)]
            {
                for (name, value) in lock::members_at(package.needs, section) {
                    let is_peer =
                        name.text().is_some_and(|name| peers.binary_search(&name).is_ok());
                    let kind = if is_peer { EdgeKind::Peer } else { kind };
                    let asked = Asked { from, dir: input.dir(), major: package.major, kind };
                    self.need(&asked, name, value, input);
                }
            }
        }
        self.builder.spread_scopes();
        self.builder.finish()
    }

    fn import(&mut self, from: usize, dir: &str, importer: &Importer<'_>, input: &mut Input<'_>) {
        for (section, kind) in SECTIONS {
            for (name, value) in lock::members_at(importer.value, section) {
                // Since version 6 the range stands beside what it came to.
                let value = value.get("version").unwrap_or(value);
                let asked = Asked { from, dir, major: importer.major, kind };
                self.need(&asked, name, value, input);
            }
        }
    }

    fn need(
        &mut self,
        asked: &Asked<'_>,
        name: &Yaml<'_>,
        value: &Yaml<'_>,
        input: &mut Input<'_>,
    ) {
        let (Some(name), Some(reference)) = (name.text().and_then(word), value.text()) else {
            input.faults.add(Some(name.line), "a dependency without a usable name or version");
            return;
        };
        if !self.room.take(&mut input.faults) {
            return;
        }
        let found = match reference.strip_prefix("link:") {
            Some(relative) => self.link(asked.dir, relative, name, value.line, input),
            None => self.lock.find(name, reference, asked.major),
        };
        match found {
            Some(to) => self.builder.edge(asked.from, to, asked.kind),
            None => {
                input
                    .faults
                    .add(Some(value.line), format!("`{name}` is needed and not in the lock file"));
            }
        }
    }

    /// The package in a directory that is linked to.
    fn link(
        &mut self,
        dir: &str,
        relative: &str,
        name: &str,
        line: u32,
        input: &Input<'_>,
    ) -> Option<usize> {
        let origin = Origin::directory(dir, relative);
        let location = origin.location.clone()?;
        if let Some(&known) = self.members.get(&location).or_else(|| self.links.get(&location)) {
            return Some(known);
        }
        if self.nodes >= PACKAGES_MAX {
            return None;
        }
        let number = self.add(foreign(input, name, None, origin, line));
        self.links.insert(location, number);
        Some(number)
    }
}

/// Who needs something, and how.
struct Asked<'a> {
    from: usize,
    /// Where links begin, from the repository's root.
    dir: &'a str,
    major: u32,
    kind: EdgeKind,
}

fn node(package: &Package<'_>, input: &Input<'_>) -> Node {
    let resolution = package.about.and_then(|about| about.get("resolution"));
    let origin = origin(package, resolution, input.dir());
    let mut node = foreign(input, package.name, package.version, origin, package.line);
    if let Some(line) = package.about_line {
        node.places.push(Place { path: input.path.to_owned(), line });
        node.places.sort_unstable();
        node.places.dedup();
    }
    let integrity_at =
        |value: &Yaml<'_>| value.text_at("integrity").map(integrity).unwrap_or_default();
    node.hashes = resolution.map(integrity_at).unwrap_or_default();
    let variants = resolution.and_then(|resolution| resolution.get("variants"));
    node.archives = variants
        .map(Yaml::items)
        .unwrap_or_default()
        .iter()
        .filter_map(|variant| variant.get("resolution"))
        .filter_map(|one| {
            let location = path::without_user(phrase(one.text_at("url")?)?);
            Some(Archive { location, hashes: integrity_at(one) })
        })
        .collect();
    node.archives.sort_unstable();
    node.archives.dedup();
    if !node.archives.is_empty() {
        node.kind = Kind::Archive;
    }
    node
}

fn origin(package: &Package<'_>, resolution: Option<&Yaml<'_>>, dir: &str) -> Origin {
    let text =
        |key: &str| resolution.and_then(|resolution| resolution.text_at(key)).and_then(phrase);
    if let Some(repository) = text("repo") {
        return Origin::of_git(repository, text("commit").unwrap_or_default());
    }
    if let Some(directory) = text("directory") {
        return Origin::directory(dir, directory);
    }
    match text("tarball").or_else(|| phrase(package.reference)) {
        Some(address) if address.contains(':') => Origin::of(address, dir),
        Some(_) | None => Origin::registry(),
    }
}

#[cfg(test)]
pub(super) mod tests;
