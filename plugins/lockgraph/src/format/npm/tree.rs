//! The installed tree, and which package a name means at each place of it.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::Entry;
use crate::ecosystem::Ecosystem;
use crate::format::{Edges, Input, word};
use crate::graph::{Builder, EdgeKind, Graph, Kind, Node, Place, Scope};
use crate::path;
use crate::purl::Purl;

/// The directory that packages are installed in.
const NODE_MODULES: &str = "node_modules";

/// Entries by where they are, from the lock file's directory; the root is empty.
#[derive(Debug, Default)]
pub(super) struct Tree {
    entries: BTreeMap<String, Entry>,
}

impl Tree {
    pub(super) fn add(&mut self, location: String, entry: Entry) {
        self.entries.insert(location, entry);
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn root(&mut self) -> &mut Entry {
        self.entries.entry(String::new()).or_default()
    }

    /// The package that `name` means for the package at `location`: the nearest upwards.
    fn resolve(&self, location: &str, name: &str) -> Option<&str> {
        let mut dir = location;
        loop {
            // Nothing is installed in `node_modules/node_modules`, nor in a scope's directory.
            if path::file_name(dir) != NODE_MODULES {
                let candidate = path::join(dir, &format!("{NODE_MODULES}/{name}"));
                if let Some((found, entry)) = self.entries.get_key_value(&candidate) {
                    return self.behind(found, entry);
                }
            }
            if dir.is_empty() || dir == ".." {
                return None;
            }
            dir = path::parent(dir);
        }
    }

    /// The location itself, or where its link leads.
    fn behind<'a>(&'a self, location: &'a str, entry: &'a Entry) -> Option<&'a str> {
        if !entry.link {
            return Some(location);
        }
        let target = entry.resolved.as_deref().unwrap_or_default();
        let target = target.strip_prefix("./").unwrap_or(target);
        match self.entries.get_key_value(target) {
            Some((target, entry)) if !entry.link => Some(target),
            // A link to a link, or to what is not listed: the link is all that is known.
            _ => Some(location),
        }
    }

    /// What is installed at the top and nothing else needs, with what the root would need it for.
    pub(super) fn unneeded_at_top(&self) -> Vec<(String, EdgeKind)> {
        let needed: BTreeSet<&str> = self
            .entries
            .iter()
            .filter(|(location, _)| !location.is_empty())
            .flat_map(|(location, entry)| entry.needs.keys().map(move |name| (location, name)))
            .filter_map(|(location, name)| self.resolve(location, name))
            .collect();
        let at_top = self.entries.iter().filter_map(|(location, entry)| {
            let name = location.strip_prefix("node_modules/")?;
            let unneeded = !name.contains("/node_modules/") && !needed.contains(location.as_str());
            unneeded.then(|| (name.to_owned(), edge_kind(entry.scope)))
        });
        at_top.collect()
    }

    /// The tree as a graph. Links are not packages: whoever needs a link needs its target.
    pub(super) fn graph(&self, input: &mut Input<'_>) -> Graph {
        let mut builder = Builder::default();
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        for (location, entry) in &self.entries {
            if self.behind(location, entry) != Some(location) {
                continue;
            }
            let node = node(location, entry, input);
            let root = node.kind == Kind::Member;
            let number = builder.node(node);
            numbers.insert(location, number);
            if root {
                builder.root(number);
            }
        }
        let mut room = Edges::new();
        for (location, entry) in &self.entries {
            let Some(&from) = numbers.get(location.as_str()) else { continue };
            for (name, need) in &entry.needs {
                match self.resolve(location, name).and_then(|found| numbers.get(found)) {
                    Some(&to) if room.take(&mut input.faults) => builder.edge(from, to, need.kind),
                    None if !need.may_be_absent => {
                        let what = if location.is_empty() { "the root" } else { location };
                        let reason = format!("`{name}`, which {what} needs, is not installed");
                        input.faults.note_some(Some(entry.line), reason);
                    }
                    Some(_) | None => {}
                }
            }
        }
        builder.finish()
    }
}

fn node(location: &str, entry: &Entry, input: &Input<'_>) -> Node {
    let installed = location.split('/').any(|part| part == NODE_MODULES);
    let kind = match (installed, location.starts_with("../")) {
        (false, false) => Kind::Member,
        (false, true) => Kind::Path,
        (true, _) if entry.link => Kind::Path,
        (true, _) => entry.kind(),
    };
    let name = entry.name.clone().unwrap_or_else(|| name_of(location, input));
    let source = entry.resolved.as_deref().map(path::without_user);
    let origin = source.as_deref().unwrap_or_default();
    let qualifier = match kind {
        Kind::Git => Some(("vcs_url", origin.replacen('#', "@", 1))),
        Kind::Archive => Some(("download_url", origin.to_owned())),
        Kind::Member | Kind::Path | Kind::Registry | Kind::Bill => None,
    };
    let qualifiers: Vec<(&str, &str)> =
        qualifier.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let purl = Purl {
        qualifiers: &qualifiers,
        ..Purl::new(Ecosystem::Npm, &name, entry.version.as_deref())
    };
    let place = Place { path: input.path.to_owned(), line: entry.line };
    Node {
        scope: if kind == Kind::Member { Scope::Runtime } else { entry.scope },
        location: Some(path::resolve(input.dir(), location).unwrap_or_else(|| location.to_owned())),
        source,
        hashes: entry.hashes.clone(),
        licence: entry.licence.clone(),
        ..Node::new(purl, kind, place)
    }
}

/// The name that a directory gives its package.
fn name_of(location: &str, input: &Input<'_>) -> String {
    let installed = location.rsplit_once("node_modules/").map(|(_, name)| name);
    let name = installed.unwrap_or_else(|| path::file_name(location));
    word(name).unwrap_or_else(|| input.dir_name()).to_owned()
}

fn edge_kind(scope: Scope) -> EdgeKind {
    match scope {
        Scope::Runtime => EdgeKind::Runtime,
        Scope::Unknown => EdgeKind::Unknown,
        Scope::Optional => EdgeKind::Optional,
        Scope::Build => EdgeKind::Build,
        Scope::Dev => EdgeKind::Dev,
    }
}
