//! `pubspec.lock`, and the pubspec.yaml beside it.
//!
//! The lock file says which packages the project needs itself and what for; which of the others
//! needs which, it does not say.

mod manifest;

use std::collections::BTreeMap;

use super::yaml::{self, Yaml};
use super::{Edges, Input, PACKAGES_MAX, Unreadable, phrase, word};
use crate::graph::{Builder, EdgeKind, Graph, Hash, HashAlgorithm, Kind, Node, Place};
use crate::purl::Purl;
use crate::text::is_conflict_mark;
use crate::{Ecosystem, path};
use manifest::Manifest;

/// The registry that package URLs mean when they name none, by its names over the years.
const DEFAULT_HOSTS: [&str; 2] = ["pub.dev", "pub.dartlang.org"];

pub(super) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    let mut packages = Packages::default();
    match yaml::documents(input) {
        Ok(documents) => {
            let Some(list) = documents.iter().find_map(|document| document.get("packages")) else {
                return Err(Unreadable::Shape("it has no `packages`"));
            };
            packages.add(list, 0, input);
        }
        Err(err @ Unreadable::Syntax { .. }) => packages.add_parts(err, input)?,
        Err(err) => return Err(err),
    }
    let manifests = manifest::read(input);
    if manifests.is_empty() {
        packages.add_unnamed_root(input);
    } else {
        packages.add_roots(&manifests, input);
    }
    packages.builder.spread_scopes();
    Ok(packages.builder.finish())
}

/// The packages found so far.
#[derive(Default)]
struct Packages {
    builder: Builder,
    numbers: BTreeMap<String, usize>,
    direct: Vec<(usize, EdgeKind)>,
}

impl Packages {
    /// Adds the members of a mapping whose lines count from `above`.
    fn add(&mut self, list: &Yaml<'_>, above: u32, input: &mut Input<'_>) {
        for (key, value) in list.members() {
            let line = key.line.saturating_add(above);
            if self.numbers.len() == PACKAGES_MAX {
                let reason = format!("only the first {PACKAGES_MAX} packages are read");
                return input.faults.add(Some(line), reason);
            }
            let Some(key) = key.text().and_then(word) else {
                input.faults.add(Some(line), "a package without a usable name");
                continue;
            };
            if self.numbers.contains_key(key) {
                input.faults.add(Some(line), format!("`{key}` is listed twice"));
                continue;
            }
            let place = Place { path: input.path.to_owned(), line };
            let Some(node) = node(key, value, place, input.dir()) else {
                input.faults.add(Some(line), format!("`{key}` has no usable version"));
                continue;
            };
            let number = self.builder.node(node);
            self.numbers.insert(key.to_owned(), number);
            if let Some(kind) = value.text_at("dependency").and_then(direct) {
                self.direct.push((number, kind));
            }
        }
    }

    /// Adds the project and the members of its workspace, with what they need.
    fn add_roots(&mut self, manifests: &[Manifest], input: &mut Input<'_>) {
        let mut members: BTreeMap<&str, usize> = BTreeMap::new();
        for manifest in manifests {
            let purl = Purl::new(Ecosystem::Pub, &manifest.name, manifest.version.as_deref());
            let place = Place { path: manifest.path.clone(), line: 1 };
            let location = Some(path::parent(&manifest.path).to_owned());
            let root = self.builder.node(Node { location, ..Node::new(purl, Kind::Member, place) });
            self.builder.root(root);
            members.entry(&manifest.name).or_insert(root);
        }
        let mut room = Edges::new();
        for manifest in manifests {
            let Some(&root) = members.get(manifest.name.as_str()) else { continue };
            for (name, kind) in &manifest.needs {
                let name = name.as_str();
                let to = self.numbers.get(name).or_else(|| members.get(name));
                if let Some(&to) = to.filter(|&&to| to != root)
                    && room.take(&mut input.faults)
                {
                    self.builder.edge(root, to, *kind);
                }
            }
        }
    }

    /// Without a manifest the lock file's own word of what is direct is the best there is.
    fn add_unnamed_root(&mut self, input: &mut Input<'_>) {
        if self.direct.is_empty() {
            return;
        }
        let purl = Purl::new(Ecosystem::Pub, input.dir_name(), None);
        let place = Place { path: input.path.to_owned(), line: 1 };
        let location = Some(input.dir().to_owned());
        let root = self.builder.node(Node { location, ..Node::new(purl, Kind::Member, place) });
        self.builder.root(root);
        let mut room = Edges::new();
        for &(to, kind) in &self.direct {
            if room.take(&mut input.faults) {
                self.builder.edge(root, to, kind);
            }
        }
    }

    /// Reads a file that is no YAML package by package: what a merge or a torn write hit is lost,
    /// the rest is not.
    fn add_parts(&mut self, err: Unreadable, input: &mut Input<'_>) -> Result<(), Unreadable> {
        let text = input.text;
        let mut lines =
            text.lines().zip(0u32..).skip_while(|(line, _)| line.trim_end() != "packages:");
        if lines.next().is_none() {
            return Err(err);
        }
        input.faults.add(err.line(), err.to_string());
        // Where the package begins that is read: its first byte, and the lines above it.
        let mut open: Option<(usize, u32)> = None;
        let mut indent = None;
        let offset = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
        for (line, above) in lines {
            let depth = line.len() - line.trim_start_matches(' ').len();
            if line.trim().is_empty() {
                continue;
            }
            let is_first = depth > 0 && *indent.get_or_insert(depth) == depth;
            if is_first || depth == 0 {
                self.add_part(text, open, offset(line), input);
                open = is_first.then(|| (offset(line), above));
            }
            if is_conflict_mark(line) {
                let number = above.saturating_add(1);
                input.faults.add(Some(number), "the mark of a merge conflict");
            } else if depth == 0 {
                break;
            }
        }
        self.add_part(text, open, text.len(), input);
        Ok(())
    }

    fn add_part(
        &mut self,
        text: &str,
        open: Option<(usize, u32)>,
        end: usize,
        input: &mut Input<'_>,
    ) {
        let Some((start, above)) = open else { return };
        match yaml::parse(&text[start..end]) {
            Ok(documents) => documents.iter().for_each(|list| self.add(list, above, input)),
            Err(err) => {
                let line = err.line().unwrap_or(1).saturating_add(above);
                input.faults.add(Some(line), err.to_string());
            }
        }
    }
}

/// How the project itself needs a package, if it does.
fn direct(word: &str) -> Option<EdgeKind> {
    match word {
        "direct main" => Some(EdgeKind::Runtime),
        "direct dev" => Some(EdgeKind::Dev),
        // For whichever of the two, or for another package's sake.
        "direct overridden" => Some(EdgeKind::Unknown),
        _ => None,
    }
}

fn node(key: &str, value: &Yaml<'_>, place: Place, dir: &str) -> Option<Node> {
    let description = value.get("description");
    let field = |name: &str| description.and_then(|map| map.text_at(name)).and_then(phrase);
    let name = field("name").and_then(word).unwrap_or(key);
    let version = value.text_at("version").and_then(word)?;
    let url = field("url").map(path::without_user);
    let (kind, source, qualifier) = match value.text_at("source") {
        Some("git") => {
            let url = url?;
            let revision = field("resolved-ref").unwrap_or_default();
            let at = |mark: &str| match revision {
                "" => url.clone(),
                revision => format!("{url}{mark}{revision}"),
            };
            (Kind::Git, Some(at("#")), Some(("vcs_url", at("@"))))
        }
        Some("path") => (Kind::Path, None, None),
        // A part of the installed kit: no registry has it.
        Some("sdk") => (Kind::Path, description.and_then(Yaml::text).map(str::to_owned), None),
        _ => match url.filter(|url| !is_default(url)) {
            Some(url) => {
                let url = url.trim_end_matches('/').to_owned();
                (Kind::Registry, Some(url.clone()), Some(("repository_url", url)))
            }
            None => (Kind::Registry, None, None),
        },
    };
    let is_relative = description.and_then(|map| map.get("relative")).is_some_and(Yaml::is_true);
    let location = match kind {
        Kind::Path if is_relative => field("path").and_then(|path| path::resolve(dir, path)),
        Kind::Path | Kind::Member | Kind::Registry | Kind::Git | Kind::Archive | Kind::Bill => None,
    };
    let qualifiers: Vec<(&str, &str)> =
        qualifier.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let purl = Purl { qualifiers: &qualifiers, ..Purl::new(Ecosystem::Pub, name, Some(version)) };
    let hash = field("sha256").and_then(|hex| Hash::from_hex(HashAlgorithm::Sha256, hex));
    let hashes = hash.into_iter().collect();
    Some(Node { location, source, hashes, ..Node::new(purl, kind, place) })
}

fn is_default(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    DEFAULT_HOSTS.contains(&host.trim_end_matches('/'))
}

#[cfg(test)]
mod tests;
