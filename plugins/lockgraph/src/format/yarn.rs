//! `yarn.lock`, of yarn 1 (a syntax of its own) and of yarn 2 and later (YAML).
//!
//! Both list what each asked-for range came to: the key of an entry is `name@range`, and what a
//! package needs is looked up by the same words. The root's `resolutions` and
//! the catalogues of `.yarnrc.yml` change what is looked up.
//! Which packages are the repository's own, yarn 2 says itself and yarn 1 leaves to the manifests;
//! what they need others for is in the manifests alone. Whom a package shares its peers with is
//! decided when they are installed and is in neither.

mod berry;
mod catalogs;
mod classic;
mod keys;
mod resolutions;

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::js::{Manifest, Manifests, Origin, Own, foreign, member};
use super::{Edges, Input, PACKAGES_MAX, Unreadable};
use crate::graph::{Builder, EdgeKind, Graph, Hash, Node, Place};
use crate::path;
use catalogs::Catalogs;
use keys::{Asked, Instead, Keys};
use resolutions::Resolutions;

/// What begins the YAML of yarn 2 and later.
const METADATA: &str = "__metadata:";

/// As often as a patch may be patched.
const PATCHES_MAX: usize = 8;

/// One entry of a lock file.
#[derive(Debug)]
struct Entry<'a> {
    /// `name@range`, for each range that came to it.
    keys: Vec<Cow<'a, str>>,
    name: Cow<'a, str>,
    /// None of what lies in the repository.
    version: Option<Cow<'a, str>>,
    line: u32,
    is: Is<'a>,
    needs: Vec<Need<'a>>,
}

/// What an entry came to.
#[derive(Debug)]
enum Is<'a> {
    Foreign {
        origin: Origin,
        hashes: Vec<Hash>,
        integrity: Option<Cow<'a, str>>,
    },
    /// Another package with changes of the project's own; `of` is its locator.
    Patch {
        of: String,
    },
    /// One of the repository's own, in a directory as seen from the lock file.
    Member {
        dir: Cow<'a, str>,
    },
}

/// What a package asks for.
#[derive(Debug)]
struct Need<'a> {
    name: Cow<'a, str>,
    range: Cow<'a, str>,
    kind: EdgeKind,
}

/// The entries, and how they are written down.
struct Lock<'a> {
    entries: Vec<Entry<'a>>,
    /// Of yarn 2 and later: `name@reference`, exactly one for each entry.
    locators: Vec<Cow<'a, str>>,
}

pub(super) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    let is_berry = input.text.starts_with(METADATA) || input.text.contains("\n__metadata:");
    if is_berry {
        berry::read(input, graph)
    } else {
        classic::read(input).map(|lock| graph(&lock, input))
    }
}

impl<'a> Lock<'a> {
    /// Adds an entry, if there is room.
    fn add(&mut self, entry: Entry<'a>, locator: Cow<'a, str>, input: &mut Input<'_>) -> bool {
        if self.entries.len() == PACKAGES_MAX {
            let reason = format!("only the first {PACKAGES_MAX} packages are read");
            input.faults.add(Some(entry.line), reason);
            return false;
        }
        self.entries.push(entry);
        self.locators.push(locator);
        true
    }

    /// For each entry, the one that stands for it: a patched package is still that package.
    fn unpatched(&self) -> Vec<usize> {
        let by_locator: BTreeMap<&str, usize> =
            self.locators.iter().enumerate().map(|(at, locator)| (locator.as_ref(), at)).collect();
        let behind = |start: usize| {
            let mut at = start;
            for _ in 0..PATCHES_MAX {
                match &self.entries[at].is {
                    Is::Patch { of, .. } => match by_locator.get(of.as_str()) {
                        Some(&inner) => at = inner,
                        None => return start,
                    },
                    Is::Foreign { .. } | Is::Member { .. } => return at,
                }
            }
            start
        };
        (0..self.entries.len()).map(behind).collect()
    }
}

/// The packages of a lock file and the manifests around it.
struct Project<'a> {
    lock: &'a Lock<'a>,
    /// For each entry, the node that stands for it.
    numbers: Vec<usize>,
    members: Vec<Member>,
    keys: Keys<'a>,
}

/// One of the repository's own packages.
struct Member {
    node: usize,
    /// Its entry; yarn 1 has none.
    entry: Option<usize>,
    manifest: Option<Manifest>,
}

fn graph(lock: &Lock<'_>, input: &mut Input<'_>) -> Graph {
    let mut manifests = Manifests::new(input.files);
    let root = manifests.read(input.dir(), input.faults.warnings);
    let instead = Instead {
        resolutions: Resolutions::read(root.as_ref()),
        are_known: root.is_some(),
        catalogs: Catalogs::read(input.dir(), input.files, input.faults.warnings),
    };
    let mut nodes = Vec::new();
    let mut members = Vec::new();
    let standing = lock.unpatched();
    let mut numbers = vec![0; lock.entries.len()];
    for (at, entry) in lock.entries.iter().enumerate().filter(|(at, _)| standing[*at] == *at) {
        numbers[at] = nodes.len();
        if let Is::Member { dir } = &entry.is {
            let dir = path::resolve(input.dir(), dir).unwrap_or_else(|| dir.clone().into_owned());
            let manifest = manifests.read(&dir, input.faults.warnings);
            let own =
                Own { dir: &dir, name: Some(&entry.name), version: None, line: Some(entry.line) };
            let node = member(input, own, manifest.as_ref());
            members.push(Member { node: nodes.len(), entry: Some(at), manifest });
            nodes.push(node);
        } else {
            nodes.push(node(entry, input));
        }
    }
    for (at, &inner) in standing.iter().enumerate().filter(|(at, inner)| *at != **inner) {
        numbers[at] = numbers[inner];
        note_patch(&mut nodes[numbers[inner]], &lock.entries[at], input);
    }
    let keys = Keys::new(&lock.entries, &numbers, &instead);
    let mut project = Project { lock, numbers, members, keys };
    if project.members.is_empty()
        && let Some(root) = root
    {
        project.add_members(root, &mut manifests, &mut nodes, input);
    }
    project.graph(nodes, input)
}

fn node(entry: &Entry<'_>, input: &Input<'_>) -> Node {
    let version = entry.version.as_deref();
    let foreign = |origin| foreign(input, &entry.name, version, origin, entry.line);
    match &entry.is {
        Is::Foreign { origin, hashes, integrity } => Node {
            hashes: hashes.clone(),
            integrity: integrity.as_deref().map(str::to_owned),
            ..foreign(origin.clone())
        },
        Is::Patch { .. } | Is::Member { .. } => foreign(Origin::registry()),
    }
}

fn note_patch(node: &mut Node, patch: &Entry<'_>, input: &Input<'_>) {
    node.places.push(Place { path: input.path.to_owned(), line: patch.line });
    node.places.sort_unstable();
}

impl Project<'_> {
    /// The root and its members, of which the lock files of yarn 1 know nothing.
    fn add_members(
        &mut self,
        root: Manifest,
        manifests: &mut Manifests<'_>,
        nodes: &mut Vec<Node>,
        input: &mut Input<'_>,
    ) {
        let dirs = manifests.members(input.dir(), &root.workspaces, input.faults.warnings);
        let mut found = vec![(input.dir().to_owned(), root)];
        for dir in dirs {
            if let Some(manifest) = manifests.read(&dir, input.faults.warnings) {
                found.push((dir, manifest));
            }
        }
        for (dir, manifest) in found {
            let own = Own { dir: &dir, name: None, version: None, line: None };
            let node = member(input, own, Some(&manifest));
            self.keys.add_member(&node.name, nodes.len());
            self.members.push(Member { node: nodes.len(), entry: None, manifest: Some(manifest) });
            nodes.push(node);
        }
    }

    fn graph(&self, nodes: Vec<Node>, input: &mut Input<'_>) -> Graph {
        let mut builder = Builder::default();
        for node in nodes {
            builder.node(node);
        }
        let mut room = Edges::new();
        let manifests: BTreeMap<usize, Option<&Manifest>> = self
            .members
            .iter()
            .filter_map(|member| Some((member.entry?, member.manifest.as_ref())))
            .collect();
        for (at, entry) in self.lock.entries.iter().enumerate() {
            let own = manifests.get(&at);
            for need in &entry.needs {
                let kind = match own {
                    Some(manifest) => kind(need, *manifest),
                    None => need.kind,
                };
                let asked = Asked {
                    by: &entry.name,
                    version: entry.version.as_deref(),
                    locator: &self.lock.locators[at],
                    name: &need.name,
                    range: &need.range,
                };
                if !room.take(&mut input.faults) {
                    break;
                }
                match self.keys.find(&asked) {
                    Some(to) => builder.edge(self.numbers[at], to, kind),
                    None => input.faults.add(Some(entry.line), missing(&entry.name, &need.name)),
                }
            }
        }
        for member in &self.members {
            builder.root(member.node);
            if member.entry.is_none() {
                self.add_needs(member, &mut builder, &mut room, input);
            }
        }
        builder.spread_scopes();
        builder.finish()
    }

    /// What a member of yarn 1 needs, as its manifest says.
    fn add_needs(
        &self,
        member: &Member,
        builder: &mut Builder,
        room: &mut Edges,
        input: &mut Input<'_>,
    ) {
        let Some(manifest) = &member.manifest else { return };
        let by = manifest.name.as_deref().unwrap_or_default();
        for (name, need) in &manifest.needs {
            let asked = Asked { by, version: None, locator: "", name, range: &need.range };
            match self.keys.find(&asked) {
                Some(to) if room.take(&mut input.faults) => {
                    builder.edge(member.node, to, need.kind);
                }
                Some(_) => {}
                None => input.faults.note_some(None, missing(by, name)),
            }
        }
    }
}

/// What one of the repository's own packages needs another for: the lock file does not say.
fn kind(need: &Need<'_>, manifest: Option<&Manifest>) -> EdgeKind {
    match manifest {
        Some(manifest) => {
            manifest.needs.get(need.name.as_ref()).map_or(need.kind, |need| need.kind)
        }
        None if need.kind == EdgeKind::Optional => EdgeKind::Optional,
        None => EdgeKind::Unknown,
    }
}

fn missing(by: &str, name: &str) -> String {
    let by = if by.is_empty() { "the root" } else { by };
    format!("`{name}`, as {by} asks for it, is not in the lock file")
}

#[cfg(test)]
pub(super) mod tests;
