//! `bun.lock`: JSON with trailing commas, an installed tree written as paths of names.
//!
//! `a/b` is the `b` that is installed below `a`; what a package needs is the nearest one upwards.
//! What it says of the repository's own packages is all there is: no manifest is needed.

mod entry;
mod torn;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::js::{Manifest, Manifests, Own, foreign, member, relaxed};
use super::json::Object;
use super::{Edges, Input, PACKAGES_MAX, Unreadable};
use crate::graph::{Builder, EdgeKind, Graph};
use crate::path;
use crate::text::Lines;
use entry::{Entry, Is, Need, Workspace};

/// The longest path of names: file systems allow no more.
const KEY_BYTES_MAX: usize = 4_096;

pub(super) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    let text = relaxed(input.text);
    let err = match serde_json::from_str(&text) {
        Ok(document) => return installed(&document, &text, input),
        Err(err) => err,
    };
    let (repaired, broken) = torn::repaired(input.text).ok_or_else(|| torn::syntax(&err))?;
    let document = serde_json::from_str(&repaired).map_err(|_| torn::syntax(&err))?;
    for (line, reason) in broken {
        input.faults.add(Some(line), reason);
    }
    installed(&document, &repaired, input)
}

fn installed(
    document: &Object<'_>,
    text: &str,
    input: &mut Input<'_>,
) -> Result<Graph, Unreadable> {
    let lines = Lines::new(text);
    let workspaces = object(document, "workspaces");
    let packages = object(document, "packages");
    if workspaces.is_none() && packages.is_none() {
        return Err(Unreadable::Shape("it has neither `workspaces` nor `packages`"));
    }
    let mut tree = Tree::default();
    for (key, raw) in packages.into_iter().flatten() {
        let line = lines.line_of_part(raw.get());
        if tree.entries.len() == PACKAGES_MAX {
            let reason = format!("only the first {PACKAGES_MAX} packages are read");
            input.faults.add(Some(line), reason);
            break;
        }
        if key.len() > KEY_BYTES_MAX {
            input.faults.add(Some(line), "a package at a path that no file system allows");
            continue;
        }
        match Entry::read(raw, line, input.dir()) {
            Ok(entry) => drop(tree.entries.insert(key, entry)),
            Err(reason) => input.faults.add(Some(line), format!("`{key}`: {reason}")),
        }
    }
    for (dir, raw) in workspaces.into_iter().flatten() {
        let line = lines.line_of_part(raw.get());
        if tree.entries.len() + tree.workspaces.len() >= PACKAGES_MAX {
            break;
        }
        match Workspace::read(raw, line) {
            Some(workspace) => drop(tree.workspaces.insert(dir, workspace)),
            None => {
                input.faults.add(Some(line), format!("the workspace `{dir}` has no usable entry"));
            }
        }
    }
    Ok(tree.graph(input))
}

fn object<'a>(document: &Object<'a>, key: &str) -> Option<Object<'a>> {
    document.get(key).and_then(|raw: &&'a RawValue| serde_json::from_str(raw.get()).ok())
}

/// What is installed, by path, and the repository's own packages, by directory.
#[derive(Default)]
struct Tree<'a> {
    entries: BTreeMap<String, Entry<'a>>,
    workspaces: BTreeMap<String, Workspace<'a>>,
}

impl Tree<'_> {
    fn graph(&self, input: &mut Input<'_>) -> Graph {
        let mut builder = Builder::default();
        let mut members: BTreeMap<&str, usize> = BTreeMap::new();
        let mut manifests = Manifests::new(input.files);
        for (dir, workspace) in &self.workspaces {
            let at = path::resolve(input.dir(), dir).unwrap_or_else(|| dir.clone());
            let manifest = manifests.read(&at, input.faults.warnings);
            let number = builder.node(self.member(&at, workspace, manifest.as_ref(), input));
            builder.root(number);
            members.insert(dir, number);
        }
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        for (key, entry) in &self.entries {
            let number = match &entry.is {
                Is::Member { dir } => members.get(dir.as_ref()).copied(),
                Is::Foreign { origin, hashes } => {
                    let version = entry.version.as_deref();
                    let mut node = foreign(input, &entry.name, version, origin.clone(), entry.line);
                    node.hashes.clone_from(hashes);
                    Some(builder.node(node))
                }
            };
            if let Some(number) = number {
                numbers.insert(key, number);
            }
        }
        let mut edges = Tied { builder, numbers, room: Edges::new() };
        for (dir, workspace) in &self.workspaces {
            let Some(&from) = members.get(dir.as_str()) else { continue };
            // What is installed for one member alone lies below its name.
            let name = if dir.is_empty() { "" } else { workspace.name.as_deref().unwrap_or("") };
            edges.tie(from, name, &workspace.needs, workspace.line, input);
        }
        for (key, entry) in &self.entries {
            if let (Some(&from), Is::Foreign { .. }) = (edges.numbers.get(key.as_str()), &entry.is)
            {
                edges.tie(from, key, &entry.needs, entry.line, input);
            }
        }
        edges.builder.spread_scopes();
        edges.builder.finish()
    }

    fn member(
        &self,
        dir: &str,
        workspace: &Workspace<'_>,
        manifest: Option<&Manifest>,
        input: &Input<'_>,
    ) -> crate::graph::Node {
        let own = Own {
            dir,
            name: workspace.name.as_deref(),
            version: workspace.version.as_deref(),
            line: Some(workspace.line),
        };
        member(input, own, manifest)
    }
}

/// Nodes that are being tied together.
struct Tied<'a> {
    builder: Builder,
    numbers: BTreeMap<&'a str, usize>,
    room: Edges,
}

impl Tied<'_> {
    fn tie(
        &mut self,
        from: usize,
        key: &str,
        needs: &[Need<'_>],
        line: u32,
        input: &mut Input<'_>,
    ) {
        for Need { name, kind } in needs {
            if !self.room.take(&mut input.faults) {
                return;
            }
            match self.resolve(key, name) {
                Some(to) => self.builder.edge(from, to, *kind),
                // An unmet peer is its user's choice.
                None if matches!(kind, EdgeKind::Peer | EdgeKind::Optional) => {}
                None => {
                    let who = if key.is_empty() { "the root" } else { key };
                    let reason = format!("`{name}`, which {who} needs, is not in the lock file");
                    input.faults.add(Some(line), reason);
                }
            }
        }
    }

    /// The package that `name` means for the one at `key`: the nearest upwards.
    fn resolve(&self, key: &str, name: &str) -> Option<usize> {
        let mut above = key;
        loop {
            let candidate: Cow<'_, str> = if above.is_empty() {
                Cow::Borrowed(name)
            } else {
                Cow::Owned(format!("{above}/{name}"))
            };
            if let Some(&found) = self.numbers.get(candidate.as_ref()) {
                return Some(found);
            }
            if above.is_empty() {
                return None;
            }
            above = parent(above);
        }
    }
}

/// The path of names above one; a scope and a name are one step.
fn parent(key: &str) -> &str {
    let above = path::parent(key);
    if path::file_name(above).starts_with('@') { path::parent(above) } else { above }
}

#[cfg(test)]
pub(super) mod tests;
