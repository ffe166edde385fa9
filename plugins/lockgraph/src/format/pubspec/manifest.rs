//! The pubspec.yaml beside a lock file, and those of the workspace it is the root of.

use std::collections::BTreeMap;

use crate::format::yaml::{self, Yaml};
use crate::format::{Input, beside, name_of_dir, word};
use crate::graph::EdgeKind;
use crate::path;

/// The most members of a workspace.
const MEMBERS_MAX: usize = 200;

/// What a project says of itself.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) path: String,
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) needs: BTreeMap<String, EdgeKind>,
    members: Vec<String>,
}

/// The manifests; none when there is none beside the lock file.
pub(super) fn read(input: &mut Input<'_>) -> Vec<Manifest> {
    let Some(root) = one(input, input.dir()) else { return Vec::new() };
    if root.members.len() > MEMBERS_MAX {
        let reason = format!("only the first {MEMBERS_MAX} members of the workspace are read");
        input.faults.warnings.add(&root.path, None, reason);
    }
    let mut dirs = Vec::new();
    for member in root.members.iter().take(MEMBERS_MAX) {
        let Some(dir) = path::resolve(input.dir(), member) else { continue };
        if dir.contains('*') {
            dirs.extend(matching(input, &dir));
        } else {
            dirs.push(dir);
        }
    }
    dirs.truncate(MEMBERS_MAX);
    let mut manifests = vec![root];
    for dir in dirs {
        manifests.extend(one(input, &dir));
    }
    manifests
}

/// The directories that a pattern means.
fn matching(input: &mut Input<'_>, pattern: &str) -> Vec<String> {
    match input.files.find(&[path::join(pattern, "pubspec.yaml")]) {
        Ok(found) => found.paths.iter().map(|path| path::parent(path).to_owned()).collect(),
        Err(err) => {
            input.faults.warnings.add(pattern, None, err.to_string());
            Vec::new()
        }
    }
}

fn one(input: &mut Input<'_>, dir: &str) -> Option<Manifest> {
    let path = path::join(dir, "pubspec.yaml");
    let text = beside::text(input, &path)?;
    let documents = match yaml::parse(&text) {
        Ok(documents) => documents,
        Err(err) => {
            input.faults.warnings.add(&path, err.line(), err.to_string());
            return None;
        }
    };
    let document = documents.first()?;
    let mut needs = BTreeMap::new();
    let sections = [("dev_dependencies", EdgeKind::Dev), ("dependencies", EdgeKind::Runtime)];
    // The later, which is the stronger, wins.
    for (section, kind) in sections {
        let members = document.get(section).map(Yaml::members).unwrap_or_default();
        for name in members.iter().filter_map(|(name, _)| name.text().and_then(word)) {
            needs.insert(name.to_owned(), kind);
        }
    }
    let named = document.text_at("name").and_then(word);
    let members = document.get("workspace").map(Yaml::items).unwrap_or_default();
    Some(Manifest {
        name: named.unwrap_or_else(|| name_of_dir(dir)).to_owned(),
        version: document.text_at("version").and_then(word).map(str::to_owned),
        needs,
        members: members.iter().filter_map(Yaml::text).map(str::to_owned).collect(),
        path,
    })
}
