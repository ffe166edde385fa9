//! What is different between two states of a lock file.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::is_local;
use crate::Ecosystem;
use crate::graph::{Graph, Hash, Node, NodeId, Scope};
use crate::merge::differ;

/// A package of somebody else's that is new, gone, or another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whose package it is.
    pub ecosystem: Ecosystem,
    /// Its name.
    pub name: String,
    /// The version before; none when the package is new.
    pub from: Option<String>,
    /// The version now; none when the package is gone.
    pub to: Option<String>,
    /// What it is needed for now, or was.
    pub scope: Scope,
    /// Whether the repository itself needs it, or did.
    pub direct: bool,
    /// What changed although the version did not.
    pub note: Option<&'static str>,
}

/// The versions of one package.
type Versions<'a> = BTreeMap<&'a str, Seen<'a>>;

#[derive(Clone, Copy)]
struct Seen<'a> {
    node: &'a Node,
    direct: bool,
}

/// What is different, by name. Both graphs should be merged: each package once.
pub fn changes(before: &Graph, after: &Graph) -> Vec<Change> {
    let before = versions(before);
    let after = versions(after);
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).copied().collect();
    let none = Versions::new();
    keys.into_iter()
        .flat_map(|key| {
            let (old, new) = (before.get(&key).unwrap_or(&none), after.get(&key).unwrap_or(&none));
            between(key, old, new)
        })
        .collect()
}

fn versions(graph: &Graph) -> BTreeMap<(&str, Ecosystem), Versions<'_>> {
    let direct: BTreeSet<NodeId> =
        super::direct(graph).into_iter().flat_map(|(_, edges)| edges).map(|edge| edge.to).collect();
    let mut all: BTreeMap<(&str, Ecosystem), Versions<'_>> = BTreeMap::new();
    for (id, node) in graph.nodes().filter(|(_, node)| !is_local(node)) {
        let versions = all.entry((&node.name, node.ecosystem)).or_default();
        // What is not pinned changes when what is allowed does.
        let version = node.version.as_deref().or(node.range.as_deref()).unwrap_or_default();
        let seen = Seen { node, direct: direct.contains(&id) };
        versions.entry(version).or_insert(seen);
    }
    all
}

fn between(
    (name, ecosystem): (&str, Ecosystem),
    old: &Versions<'_>,
    new: &Versions<'_>,
) -> Vec<Change> {
    let gone = sorted(old.keys().filter(|version| !new.contains_key(*version)));
    let come = sorted(new.keys().filter(|version| !old.contains_key(*version)));
    let change = |from: Option<&str>, to: Option<&str>, note| {
        let seen = to.and_then(|to| new.get(to)).or_else(|| from.and_then(|from| old.get(from)));
        Change {
            ecosystem,
            name: name.to_owned(),
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
            scope: seen.map_or(Scope::Unknown, |seen| seen.node.scope),
            direct: seen.is_some_and(|seen| seen.direct),
            note,
        }
    };
    let mut found = Vec::new();
    for (&version, is) in new {
        if let Some(note) = old.get(version).and_then(|was| difference(was.node, is.node)) {
            found.push(change(Some(version), Some(version), Some(note)));
        }
    }
    // One version gone and one come is one package changed; of several, the nearest ages pair up.
    for at in 0..gone.len().max(come.len()) {
        found.push(change(gone.get(at).copied(), come.get(at).copied(), None));
    }
    found
}

/// What is different in a package that kept its version.
fn difference(was: &Node, is: &Node) -> Option<&'static str> {
    // Another file of the same version has another digest, of course.
    let other_file = match (&was.file, &is.file) {
        (Some(old), Some(new)) => !old.is_empty() && !new.is_empty() && old != new,
        (None, _) | (_, None) => false,
    };
    let digest_changed = (!other_file && differ(&was.hashes, &is.hashes))
        || was.archives.iter().filter(|old| !old.location.is_empty()).any(|old| {
            let mut same_file = is.archives.iter().filter(|new| new.location == old.location);
            same_file.any(|new| differ(&old.hashes, &new.hashes))
        })
        || is_replaced(&unnamed(was), &unnamed(is))
        || is_replaced(&sums(was), &sums(is));
    let has_digest = |node: &Node| {
        !node.hashes.is_empty() || !node.archives.is_empty() || node.integrity.is_some()
    };
    if was.purl != is.purl || was.kind != is.kind {
        Some("same version, other source")
    } else if digest_changed {
        Some("same version, other content")
    } else if has_digest(was) && !has_digest(is) {
        Some("same version, its digest is gone")
    } else {
        None
    }
}

/// Digests of files that the lock file does not name: there is one a platform.
fn unnamed(node: &Node) -> BTreeSet<&Hash> {
    let nameless = node.archives.iter().filter(|archive| archive.location.is_empty());
    let only = node.hashes.iter().filter(|_| node.file.as_deref() == Some(""));
    nameless.flat_map(|archive| &archive.hashes).chain(only).collect()
}

/// Digests in the package manager's own form, of which there may be one a platform, too.
fn sums(node: &Node) -> BTreeSet<&str> {
    node.integrity.iter().flat_map(|sums| sums.split(' ')).collect()
}

/// Whether none is as before: one more or one less is no other content.
fn is_replaced<T: Ord>(old: &BTreeSet<T>, new: &BTreeSet<T>) -> bool {
    !old.is_empty() && !new.is_empty() && old.is_disjoint(new)
}

fn sorted<'a, 'b: 'a>(versions: impl Iterator<Item = &'a &'b str>) -> Vec<&'b str> {
    let mut versions: Vec<&'b str> = versions.copied().collect();
    versions.sort_by(|a, b| natural_order(a, b));
    versions
}

/// The order of versions that people mean: numbers by size, the rest by letter, and what is
/// released after what leads up to it.
pub fn natural_order(a: &str, b: &str) -> Ordering {
    let (a_release, a_rest) = a.split_once('-').unwrap_or((a, ""));
    let (b_release, b_rest) = b.split_once('-').unwrap_or((b, ""));
    by_parts(a_release, b_release)
        .then_with(|| a_rest.is_empty().cmp(&b_rest.is_empty()))
        .then_with(|| by_parts(a_rest, b_rest))
        .then_with(|| a.cmp(b))
}

fn by_parts(a: &str, b: &str) -> Ordering {
    let part = |text: &str| match text.parse::<u64>() {
        Ok(number) => (0, number, text.to_owned()),
        Err(_) => (1, 0, text.to_owned()),
    };
    a.split(['.', '+']).map(part).cmp(b.split(['.', '+']).map(part))
}
