//! Which packages are the workspace's own, and what they need others for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::manifest::{Dependency, Fault, Target, Written, WrittenWorkspace, directory};
use crate::graph::EdgeKind;
use crate::path;
use crate::scan::{Files, ReadError};
use crate::warning::Warnings;

/// The most manifests that are read: ten times what the largest workspace we know has.
const MANIFESTS_MAX: usize = 2_000;

/// The manifests of a workspace.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    manifests: Vec<Manifest>,
    by_name: BTreeMap<String, Vec<usize>>,
    /// Whether there was a manifest beside the lock file.
    found: bool,
}

/// A package of the workspace, or one that it finds in a directory.
#[derive(Debug)]
pub(super) struct Manifest {
    /// From the repository's root.
    pub(super) dir: String,
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) licence: Option<String>,
    /// Where `[package]` stands.
    pub(super) line: u32,
    /// Whether it belongs to the workspace.
    pub(super) member: bool,
    kinds: BTreeMap<String, EdgeKind>,
}

impl Manifest {
    /// How it needs the package called `name`. A manifest that names it several times (for several
    /// targets or versions) means the strongest.
    pub(super) fn edge_kind(&self, name: &str) -> EdgeKind {
        self.kinds.get(name).copied().unwrap_or(EdgeKind::Unknown)
    }
}

impl Workspace {
    /// Reads the manifest beside the lock file, and from there all others.
    pub(super) fn discover(root: &str, files: &dyn Files, warnings: &mut Warnings) -> Self {
        let mut search = Search {
            root,
            files,
            warnings,
            open: VecDeque::new(),
            beside: Vec::new(),
            seen: BTreeSet::new(),
        };
        let Some(written) = search.read(root, true) else { return Self::default() };
        let shared = written.workspace.as_ref();
        let mut workspace = Self { found: true, ..Self::default() };
        search.seen.insert(root.to_owned());
        search.enter_members(shared);
        search.enter_patches(&written);
        workspace.add(root, true, &written, shared, &mut search);
        while let Some((dir, wanted)) = search.next() {
            let member = wanted.member(&dir, root, shared);
            if search.seen.len() > MANIFESTS_MAX {
                let reason = format!(
                    "only {MANIFESTS_MAX} manifests are read; kinds of the rest are unknown"
                );
                search.warnings.add(&path::join(&dir, "Cargo.toml"), None, reason);
                break;
            }
            if let Some(written) = search.read(&dir, wanted == Wanted::Listed) {
                workspace.add(&dir, member, &written, shared, &mut search);
            }
        }
        workspace
    }

    /// Whether nothing at all is known.
    pub(super) fn is_empty(&self) -> bool {
        !self.found
    }

    pub(super) fn members(&self) -> impl Iterator<Item = &Manifest> {
        self.manifests.iter().filter(|manifest| manifest.member)
    }

    /// The manifest of the package in a directory that is called so.
    pub(super) fn manifest(&self, name: &str, version: &str) -> Option<&Manifest> {
        let mut named = self.by_name.get(name)?.iter().map(|&index| &self.manifests[index]);
        let exact = named.clone().find(|manifest| manifest.version.as_deref() == Some(version));
        exact.or_else(|| named.find(|manifest| manifest.version.is_none()))
    }

    fn add(
        &mut self,
        dir: &str,
        member: bool,
        written: &Written,
        shared: Option<&WrittenWorkspace>,
        search: &mut Search<'_>,
    ) {
        let targets = resolve(dir, search.root, &written.dependencies, shared);
        for (_, target) in &targets {
            match &target.path {
                Some(dir) if member => search.open.push_back((dir.clone(), Wanted::Implied)),
                Some(dir) => search.beside.push(dir.clone()),
                None => {}
            }
        }
        let Some(package) = &written.package else { return };
        let mut kinds: BTreeMap<String, EdgeKind> = BTreeMap::new();
        for (kind, target) in targets {
            let known = kinds.entry(target.package).or_insert(kind);
            *known = kind.min(*known);
        }
        let of_workspace = |pick: fn(&WrittenWorkspace) -> Option<&String>| shared.and_then(pick);
        // Cargo takes a package without a version for 0.0.0.
        let version = package.version.resolve(of_workspace(|shared| shared.version.as_ref()));
        self.by_name.entry(package.name.clone()).or_default().push(self.manifests.len());
        self.manifests.push(Manifest {
            dir: dir.to_owned(),
            name: package.name.clone(),
            version: Some(version.unwrap_or_else(|| "0.0.0".to_owned())),
            licence: package.licence.resolve(of_workspace(|shared| shared.licence.as_ref())),
            line: package.line,
            member,
            kinds,
        });
    }
}

/// Dependencies with what the workspace says about them, and with directories from the
/// repository's root.
fn resolve(
    dir: &str,
    root: &str,
    dependencies: &[Dependency],
    shared: Option<&WrittenWorkspace>,
) -> Vec<(EdgeKind, Target)> {
    let found = dependencies.iter().filter_map(|dependency| {
        let (target, from) = match &dependency.target {
            Some(target) => (target, dir),
            None => (shared?.dependencies.get(&dependency.key)?, root),
        };
        let path = directory(from, target);
        Some((dependency.kind, Target { package: target.package.clone(), path }))
    });
    found.collect()
}

/// Why a directory is looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// The workspace lists it.
    Listed,
    /// A member depends on it.
    Implied,
    /// It stands in for a package from elsewhere, or something beside the workspace needs it.
    Beside,
}

impl Wanted {
    /// Whether what is found there belongs to the workspace: what it lists, and what its members
    /// depend on below its root unless it is excluded.
    fn member(self, dir: &str, root: &str, shared: Option<&WrittenWorkspace>) -> bool {
        let Some(shared) = shared else { return false };
        let excluded = || {
            let mut dirs = shared.exclude.iter().filter_map(|exclude| path::resolve(root, exclude));
            dirs.any(|exclude| path::is_under(dir, &exclude))
        };
        match self {
            Self::Listed => true,
            Self::Implied => path::is_under(dir, root) && !excluded(),
            Self::Beside => false,
        }
    }
}

/// Directories still to be looked into.
struct Search<'a> {
    root: &'a str,
    files: &'a dyn Files,
    warnings: &'a mut Warnings,
    open: VecDeque<(String, Wanted)>,
    /// Looked into when `open` is empty: a directory that is both is a member.
    beside: Vec<String>,
    seen: BTreeSet<String>,
}

impl Search<'_> {
    /// The next directory that was not looked into yet.
    fn next(&mut self) -> Option<(String, Wanted)> {
        loop {
            let beside = &mut self.beside;
            let (dir, wanted) =
                self.open.pop_front().or_else(|| Some((beside.pop()?, Wanted::Beside)))?;
            if self.seen.insert(dir.clone()) {
                return Some((dir, wanted));
            }
        }
    }

    /// The manifest in a directory. That there is none is a fault only where one is `expected`.
    fn read(&mut self, dir: &str, expected: bool) -> Option<Written> {
        let path = path::join(dir, "Cargo.toml");
        let written = match self.files.read(&path) {
            Ok(bytes) => Written::parse(&bytes),
            Err(ReadError::Missing) if !expected || dir == self.root => return None,
            Err(err) => Err((None, err.to_string())),
        };
        written.map_err(|fault| self.tell(&path, fault)).ok()
    }

    fn tell(&mut self, path: &str, (line, reason): Fault) {
        self.warnings.add(path, line, format!("{reason}; what it needs others for is unknown"));
    }

    /// Members as listed: directories, and patterns that the repository resolves.
    fn enter_members(&mut self, shared: Option<&WrittenWorkspace>) {
        let Some(shared) = shared else { return };
        let mut dirs = BTreeSet::new();
        let mut patterns = Vec::new();
        for member in &shared.members {
            match path::resolve(self.root, member) {
                Some(pattern) if pattern.contains(['*', '?', '[']) => {
                    patterns.push(path::join(&pattern, "Cargo.toml"));
                }
                Some(dir) => _ = dirs.insert(dir),
                None => self.tell(
                    &path::join(self.root, "Cargo.toml"),
                    (None, format!("the member `{member}` lies outside the repository")),
                ),
            }
        }
        let excluded = |dir: &str| {
            let mut dirs =
                shared.exclude.iter().filter_map(|exclude| path::resolve(self.root, exclude));
            dirs.any(|exclude| path::is_under(dir, &exclude))
        };
        // An exclusion beats a pattern, a member that is named beats an exclusion.
        let matched = self.find(&patterns);
        dirs.extend(matched.into_iter().filter(|dir| !excluded(dir)));
        self.open.extend(dirs.into_iter().map(|dir| (dir, Wanted::Listed)));
    }

    fn find(&mut self, patterns: &[String]) -> Vec<String> {
        /// As many as the host takes at once.
        const PATTERNS_MAX: usize = 64;
        let mut dirs = Vec::new();
        for patterns in patterns.chunks(PATTERNS_MAX) {
            match self.files.find(patterns) {
                Ok(found) => dirs.extend(found.paths.iter().map(|at| path::parent(at).to_owned())),
                Err(err) => {
                    self.tell(&path::join(self.root, "Cargo.toml"), (None, err.to_string()));
                }
            }
        }
        dirs
    }

    fn enter_patches(&mut self, written: &Written) {
        let dirs = written.patches.iter().filter_map(|patch| path::resolve(self.root, patch));
        self.beside.extend(dirs);
    }
}
