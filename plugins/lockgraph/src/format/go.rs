//! `go.mod` with its `go.sum` and the workspace around it.
//!
//! Since go 1.17 a go.mod lists every module that is built, and says of each whether the module
//! itself needs it; which of the others needs it, it does not say. Before, it lists only what is
//! needed directly, and go.sum has the rest.
//!
//! Where modules are copied to `vendor`, the list of them is read with the go.mod beside it: each
//! module is one package, of which both files say that it is there. With a go.mod of 1.14 to 1.16 it
//! takes the place of go.sum, which may have more than is used; before, go does not look at it. The list of a workspace belongs to
//! no one module: it is a lock file of its own, as one without a go.mod is.

mod modfile;
mod sum;
mod vendor;
mod workspace;

use std::collections::{BTreeMap, BTreeSet};

use super::{Edges, Input, PACKAGES_MAX, Unreadable, beside};
use crate::graph::{Builder, EdgeKind, Graph, Kind, Node, Place};
use crate::purl::Purl;
use crate::{Ecosystem, path};
use modfile::{ModFile, Require, Target};
use sum::Sums;
use vendor::Vendored;
use workspace::{Replaced, Workspace};

pub(super) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    let text = input.text;
    let faults = &mut input.faults;
    let file = ModFile::parse(text, |line, reason| faults.add(Some(line), reason));
    if !file.is_one {
        return Err(Unreadable::Shape("it has no line of a go.mod"));
    }
    let sum_path = path::join(input.dir(), "go.sum");
    let sum_text = beside::text(input, &sum_path).unwrap_or_default();
    let sums = read_sums(&sum_text, &sum_path, input);
    let vendor_path = path::join(input.dir(), VENDORED);
    let vendor_text = match ignores_copies(&file) {
        true => None,
        false => beside::text(input, &vendor_path),
    };
    let vendor_text = vendor_text.unwrap_or_default();
    let vendored = read_vendored(&vendor_text, &vendor_path, input);
    let workspace = Workspace::discover(&file, input);
    let mut modules = Modules::new(input.path, &sums, &workspace);
    let root = file.module.map(|(name, line)| modules.own(name, line, input.dir()));
    let needed = modules.required(&file, input);
    modules.add_vendored(&vendored, &vendor_path, &file, input);
    if lists_only_direct(&file) && vendored.modules.is_empty() {
        modules.add_from_sums(&file, &sum_path, input);
    }
    let mut room = Edges::new();
    for (to, kind) in needed {
        if let (Some(root), Some(kind)) = (root, kind)
            && room.take(&mut input.faults)
        {
            modules.builder.edge(root, to, kind);
        }
    }
    modules.builder.spread_scopes();
    Ok(modules.builder.finish())
}

/// A `vendor/modules.txt` that belongs to no one module.
pub(super) fn read_vendor(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    let text = input.text;
    let faults = &mut input.faults;
    let vendored = Vendored::parse(text, |line, reason| faults.add(Some(line), reason));
    let dir = path::parent(input.dir());
    if !vendored.is_of_workspace && input.files.read(&path::join(dir, "go.mod")).is_ok() {
        return Err(Unreadable::Elsewhere("it is read with the `go.mod` beside it"));
    }
    if !vendored.is_one {
        return Err(Unreadable::Shape("it has no line of a modules.txt"));
    }
    let (sums, workspace) = (Sums::new(), Workspace::default());
    let mut modules = Modules::new(input.path, &sums, &workspace);
    for module in &vendored.modules {
        let place = Place { path: input.path.to_owned(), line: module.line };
        modules.vendored(module, dir, place);
    }
    Ok(modules.builder.finish())
}

/// What stands beside a go.mod; of a workspace, it is no module's.
fn read_vendored<'a>(text: &'a str, path: &str, input: &mut Input<'_>) -> Vendored<'a> {
    let warnings = &mut *input.faults.warnings;
    let vendored = Vendored::parse(text, |line, reason| warnings.add(path, Some(line), reason));
    if vendored.is_of_workspace { Vendored::default() } else { vendored }
}

fn read_sums<'a>(text: &'a str, path: &str, input: &mut Input<'_>) -> Sums<'a> {
    let mut first_broken = None;
    let sums = sum::read(text, |line| _ = first_broken.get_or_insert(line));
    if let Some(line) = first_broken {
        let reason = "not a line of a go.sum; what is broken in it is left out";
        input.faults.warnings.add(path, Some(line), reason);
    }
    sums
}

/// Where the list of copied modules lies, from a go.mod.
const VENDORED: &str = "vendor/modules.txt";

/// Whether the file is of a go before 1.17.
fn lists_only_direct(file: &ModFile<'_>) -> bool {
    is_before(file, 17)
}

/// Whether the file is of a go before 1.14, which does not look at `vendor` unless it is told to.
fn ignores_copies(file: &ModFile<'_>) -> bool {
    is_before(file, 14)
}

fn is_before(file: &ModFile<'_>, minor: u32) -> bool {
    let Some(version) = file.go else { return true };
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(u32::MAX));
    (parts.next(), parts.next()) < (Some(1), Some(minor))
}

/// The modules found so far.
struct Modules<'a> {
    builder: Builder,
    /// By name, version, and directory of those that lie in one.
    numbers: BTreeMap<(String, Option<String>, Option<String>), usize>,
    path: &'a str,
    sums: &'a Sums<'a>,
    workspace: &'a Workspace,
}

impl<'a> Modules<'a> {
    fn new(path: &'a str, sums: &'a Sums<'a>, workspace: &'a Workspace) -> Self {
        Self { builder: Builder::default(), numbers: BTreeMap::new(), path, sums, workspace }
    }

    /// The module that the file is of.
    fn own(&mut self, name: &str, line: u32, dir: &str) -> usize {
        let place = Place { path: self.path.to_owned(), line };
        let purl = Purl::new(Ecosystem::Golang, name, None);
        let number = self
            .builder
            .node(Node { location: Some(dir.to_owned()), ..Node::new(purl, Kind::Member, place) });
        self.builder.root(number);
        self.numbers.insert((name.to_owned(), None, Some(dir.to_owned())), number);
        number
    }

    /// Adds what the file requires: each with how the file's own module needs it.
    fn required(
        &mut self,
        file: &ModFile<'_>,
        input: &mut Input<'_>,
    ) -> Vec<(usize, Option<EdgeKind>)> {
        let tools = providers(file);
        let mut needed = Vec::new();
        for require in &file.requires {
            if file.excludes.contains(&(require.path, require.version)) {
                let reason = format!(
                    "`{} {}` is required and excluded: left out, as go does",
                    require.path, require.version
                );
                input.faults.note_some(Some(require.line), reason);
                continue;
            }
            if file.module.is_some_and(|(own, _)| own == require.path) {
                continue;
            }
            let kind = match (require.indirect, tools.contains(require.path)) {
                (false, _) => Some(EdgeKind::Runtime),
                (true, true) => Some(EdgeKind::Dev),
                (true, false) => None,
            };
            needed.push((self.require(require), kind));
        }
        needed
    }

    fn require(&mut self, require: &Require<'_>) -> usize {
        let place = Place { path: self.path.to_owned(), line: require.line };
        if let Some(dir) = self.workspace.member(require.path) {
            return self.directory(require.path, Some(dir.to_owned()), vec![place]);
        }
        match self.workspace.replacement(require.path, require.version).cloned() {
            None => self.module(require.path, require.version, vec![place]),
            Some(replacement) => {
                let places = vec![place, replacement.place];
                match replacement.new {
                    Replaced::Module { path, version } => self.module(&path, &version, places),
                    Replaced::Directory(dir) => self.directory(require.path, dir, places),
                }
            }
        }
    }

    fn module(&mut self, name: &str, version: &str, places: Vec<Place>) -> usize {
        // Until go has looked it up, a branch may stand there.
        let (pinned, range) = match is_version(version) {
            true => (Some(version), None),
            false => (None, Some(version.to_owned())),
        };
        let integrity = self.sums.get(&(name, version)).map(|(sum, _)| (*sum).to_owned());
        let purl = Purl::new(Ecosystem::Golang, name, pinned);
        let node = Node::new(purl, Kind::Registry, self.start());
        self.add(Node { range, integrity, places, ..node })
    }

    /// A module that lies in a directory: in the repository, or beside it.
    fn directory(&mut self, name: &str, location: Option<String>, places: Vec<Place>) -> usize {
        let kind = if location.is_some() { Kind::Member } else { Kind::Path };
        let node = Node::new(Purl::new(Ecosystem::Golang, name, None), kind, self.start());
        self.add(Node { location, places, ..node })
    }

    fn start(&self) -> Place {
        Place { path: self.path.to_owned(), line: 1 }
    }

    fn add(&mut self, mut node: Node) -> usize {
        let key = (node.name.clone(), node.version.clone(), node.location.clone());
        if let Some(&number) = self.numbers.get(&key) {
            return number;
        }
        node.places.sort_unstable();
        let number = self.builder.node(node);
        self.numbers.insert(key, number);
        number
    }

    /// A module that was copied; `dir` is what its replacements are told from.
    fn vendored(&mut self, module: &vendor::Module<'_>, dir: &str, place: Place) {
        let number = match module.new {
            None => {
                let version = module.version.unwrap_or_default();
                self.module(module.path, version, vec![place.clone()])
            }
            Some(Target::Module { path, version }) => {
                self.module(path, version, vec![place.clone()])
            }
            Some(Target::Directory(target)) => {
                self.directory(module.path, path::resolve(dir, target), vec![place.clone()])
            }
        };
        self.builder.place(number, place);
    }

    /// Whether a module that was copied is there.
    fn has(&self, module: &vendor::Module<'_>, dir: &str) -> bool {
        let (name, version, location) = match module.new {
            None => (module.path, module.version, None),
            Some(Target::Module { path, version }) => (path, Some(version), None),
            Some(Target::Directory(target)) => (module.path, None, path::resolve(dir, target)),
        };
        self.numbers.contains_key(&(name.to_owned(), version.map(str::to_owned), location))
    }

    /// Adds what was copied: mostly one more place of what the file requires.
    fn add_vendored(
        &mut self,
        vendored: &Vendored<'_>,
        path: &str,
        file: &ModFile<'_>,
        input: &mut Input<'_>,
    ) {
        let required: BTreeSet<&str> = file.requires.iter().map(|require| require.path).collect();
        for module in &vendored.modules {
            if required.contains(module.path) && !self.has(module, input.dir()) {
                // A workspace has it in a directory, and does not look at the copy.
                if self.workspace.member(module.path).is_none() {
                    // Go refuses to build with it, so it is not what is shipped.
                    let reason = format!(
                        "`{}` is left out, because the go.mod has it in another version or replaces \
                         it otherwise; `go mod vendor` mends that",
                        module.path
                    );
                    input.faults.warnings.add(path, Some(module.line), reason);
                }
                continue;
            }
            if self.numbers.len() >= PACKAGES_MAX {
                break;
            }
            let place = Place { path: path.to_owned(), line: module.line };
            self.vendored(module, input.dir(), place);
        }
    }

    /// Adds what only go.sum knows, in the highest version it has a whole module of.
    fn add_from_sums(&mut self, file: &ModFile<'_>, sum_path: &str, input: &mut Input<'_>) {
        let known: BTreeSet<&str> = file.requires.iter().map(|require| require.path).collect();
        let placed: BTreeSet<String> =
            self.numbers.keys().map(|(name, _, _)| name.clone()).collect();
        let mut added = 0;
        for (name, (version, line)) in sum::highest(self.sums) {
            if known.contains(name) || placed.contains(name) || self.numbers.len() >= PACKAGES_MAX {
                continue;
            }
            added += 1;
            self.module(name, version, vec![Place { path: sum_path.to_owned(), line }]);
        }
        if added > 0 {
            let reason = format!(
                "it is of a go before 1.17, which lists only what is needed directly: the rest is \
                 taken from go.sum ({added}), which may have more than is used"
            );
            input.faults.note(None, reason);
        }
    }
}

/// Whether it can be a version: `v` and a digit.
fn is_version(text: &str) -> bool {
    text.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// The required modules that have the file's tools in them.
fn providers<'a>(file: &ModFile<'a>) -> BTreeSet<&'a str> {
    let required: BTreeSet<&str> = file.requires.iter().map(|require| require.path).collect();
    let provider = |tool: &&'a str| {
        let mut dir = *tool;
        while !dir.is_empty() && !required.contains(dir) {
            dir = path::parent(dir);
        }
        required.get(dir).copied()
    };
    file.tools.iter().filter_map(provider).collect()
}

#[cfg(test)]
mod tests;
