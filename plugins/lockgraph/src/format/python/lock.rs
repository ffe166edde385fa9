//! The packages of a lock file, and which need which: extras and forks are resolved here.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::origin::Origin;
use super::versions::allows;
use crate::format::{Edges, Faults, Input, PACKAGES_MAX, phrase};
use crate::graph::{Archive, Builder, EdgeKind, Graph, Node, Scope, strongest_scopes};

/// The most versions of one package that are told apart: real lock files have two or three.
const FORKS_MAX: usize = 64;

/// The most markers of one package that are told: after that it is as good as always needed.
const MARKERS_MAX: usize = 16;

/// The most files of one package: the largest known have about two hundred.
const ARCHIVES_MAX: usize = 2_000;

/// One package of a lock file.
#[derive(Debug)]
pub(super) struct Package<'a> {
    /// Its scope is set when the graph is made.
    pub(super) node: Node,
    /// The name in the spelling of PEP 503.
    pub(super) key: Cow<'a, str>,
    /// Whether it is one of the repository's own.
    pub(super) root: bool,
    /// What it is needed for, where the lock file says it.
    pub(super) scope: Option<Scope>,
    /// Where it comes from, where dependencies say it, too.
    pub(super) origin: Option<Origin<'a>>,
    pub(super) needs: Vec<Need<'a>>,
}

/// That a package needs another.
#[derive(Debug)]
pub(super) struct Need<'a> {
    /// The name of the other in the spelling of PEP 503.
    pub(super) key: Cow<'a, str>,
    /// What it asks of the other beyond the package itself.
    pub(super) extras: Vec<Cow<'a, str>>,
    /// The extra of the package that it is needed for; none when it always is.
    pub(super) of_extra: Option<Cow<'a, str>>,
    pub(super) pick: Pick<'a>,
    pub(super) kind: EdgeKind,
    /// Where it is needed at all; empty when it always is.
    pub(super) marker: Cow<'a, str>,
    /// Where it is said, in the lock file.
    pub(super) line: u32,
    /// Whether the lock file is in order without it.
    pub(super) may_be_absent: bool,
}

/// Which of several locked versions is meant.
#[derive(Debug)]
pub(super) enum Pick<'a> {
    /// All that a range allows: in each environment one of them.
    Range(Cow<'a, str>),
    /// The one with this version and from there, as far as that is said.
    Exact { version: Option<Cow<'a, str>>, origin: Option<Origin<'a>> },
}

/// The packages of a lock file, each once.
#[derive(Debug, Default)]
pub(super) struct Lock<'a> {
    /// Whether all needs of all packages are listed, but for those of a root that is not there.
    has_all_needs: bool,
    packages: Vec<Package<'a>>,
    // By package URL and location.
    seen: BTreeMap<(String, Option<String>), usize>,
}

/// What the needs of all packages come to.
struct Resolved {
    edges: Vec<(usize, usize, EdgeKind)>,
    /// What each package is needed for.
    scopes: Vec<Scope>,
    /// Where each package is needed at all.
    conditions: Vec<Option<String>>,
}

/// Where a package is needed: where any of these markers holds.
#[derive(Debug, Clone, Default)]
struct Condition<'a> {
    is_always: bool,
    markers: BTreeSet<&'a str>,
}

impl<'a> Condition<'a> {
    fn add(&mut self, marker: &'a str) {
        self.is_always |= marker.is_empty() || self.markers.len() == MARKERS_MAX;
        self.markers.insert(marker);
    }

    fn finish(self) -> Option<String> {
        let any =
            self.markers.into_iter().map(str::to_owned).reduce(|one, other| either(&one, &other));
        any.filter(|marker| !self.is_always && phrase(marker).is_some())
    }
}

/// The marker that holds where any of two does.
pub(super) fn either(one: &str, other: &str) -> String {
    let inside = |marker: &str| match marker.strip_prefix('(') {
        Some(_) if marker.contains(") or (") => marker.to_owned(),
        Some(_) | None => format!("({marker})"),
    };
    format!("{} or {}", inside(one), inside(other))
}

/// Packages by name.
type Index<'l> = BTreeMap<&'l str, Vec<usize>>;

/// A package alone, or a package with one of its extras.
#[derive(Debug, Default)]
struct Units<'l> {
    count: usize,
    with_extra: BTreeMap<(usize, &'l str), usize>,
    edges: Vec<(usize, usize, EdgeKind)>,
}

impl<'a> Lock<'a> {
    /// A lock file that says all that each package needs.
    pub(super) fn with_all_needs() -> Self {
        Self { has_all_needs: true, ..Self::default() }
    }

    /// Adds a package, or what this entry says beyond an earlier one of the same package. Whether
    /// there was room.
    pub(super) fn add(&mut self, package: Package<'a>, line: u32, faults: &mut Faults<'_>) -> bool {
        let identity = (package.node.purl.clone(), package.node.location.clone());
        if let Some(&same) = self.seen.get(&identity) {
            self.packages[same].absorb(package);
            return true;
        }
        if self.packages.len() == PACKAGES_MAX {
            faults.add(Some(line), format!("only the first {PACKAGES_MAX} packages are read"));
            return false;
        }
        self.seen.insert(identity, self.packages.len());
        self.packages.push(package);
        true
    }

    pub(super) fn packages_mut(&mut self) -> &mut [Package<'a>] {
        &mut self.packages
    }

    pub(super) fn graph(self, input: &mut Input<'_>) -> Graph {
        let Resolved { edges, scopes, conditions } = self.resolve(input);
        let mut builder = Builder::default();
        let told = scopes.into_iter().zip(conditions);
        for (package, (scope, condition)) in self.packages.into_iter().zip(told) {
            let mut node = package.node;
            node.scope = scope;
            node.condition = node.condition.take().or(condition);
            tidy(&mut node);
            let number = builder.node(node);
            if package.root {
                builder.root(number);
            }
        }
        for (from, to, kind) in edges {
            builder.edge(from, to, kind);
        }
        builder.finish()
    }

    fn resolve(&self, input: &mut Input<'_>) -> Resolved {
        let index = self.index(&mut input.faults);
        let mut units = self.units();
        let mut edges = Vec::new();
        let mut room = Edges::new();
        let mut conditions = vec![Condition::default(); self.packages.len()];
        'packages: for (from, package) in self.packages.iter().enumerate() {
            for need in &package.needs {
                let targets = self.targets(from, need, &index);
                if targets.is_empty() && !need.may_be_absent {
                    note_missing(package, need, input);
                }
                for to in targets {
                    if !room.take(&mut input.faults) {
                        conditions.clear();
                        break 'packages;
                    }
                    if from != to {
                        conditions[to].add(&need.marker);
                    }
                    units.add(from, need, to);
                    if from != to {
                        let extra = need.of_extra.is_some() && need.kind == EdgeKind::Runtime;
                        edges.push((from, to, if extra { EdgeKind::Optional } else { need.kind }));
                    }
                }
            }
        }
        // Where the root is not there, it may need anything anywhere.
        if !self.has_all_needs || !self.packages.iter().any(|package| package.root) {
            conditions.clear();
        }
        let conditions: Vec<Option<String>> =
            conditions.into_iter().map(Condition::finish).collect();
        let mut resolved = Resolved { edges, scopes: self.scopes(&units), conditions };
        resolved.conditions.resize(self.packages.len(), None);
        resolved
    }

    fn index(&self, faults: &mut Faults<'_>) -> Index<'_> {
        let mut index = Index::new();
        for (at, package) in self.packages.iter().enumerate() {
            let named = index.entry(package.key.as_ref()).or_default();
            if named.len() < FORKS_MAX {
                named.push(at);
            } else {
                let reason = format!(
                    "`{}` has more than {FORKS_MAX} versions: who needs this one is not told",
                    package.key
                );
                faults.add(package.node.places.first().map(|place| place.line), reason);
            }
        }
        index
    }

    fn units(&self) -> Units<'_> {
        let mut units = Units { count: self.packages.len(), ..Units::default() };
        for (at, package) in self.packages.iter().enumerate() {
            for extra in package.needs.iter().filter_map(|need| need.of_extra.as_deref()) {
                if units.with_extra.contains_key(&(at, extra)) {
                    continue;
                }
                units.with_extra.insert((at, extra), units.count);
                units.edges.push((units.count, at, EdgeKind::Runtime));
                if package.root {
                    // Nobody asks for an extra of the repository's own, and anybody may.
                    units.edges.push((at, units.count, EdgeKind::Optional));
                }
                units.count += 1;
            }
        }
        units
    }

    /// The packages that a need may mean.
    fn targets(&self, from: usize, need: &Need<'_>, index: &Index<'_>) -> Vec<usize> {
        let Some(named) = index.get(need.key.as_ref()) else { return Vec::new() };
        // A package that asks for an extra of the same name means its own.
        if named.contains(&from) && !need.extras.is_empty() {
            return vec![from];
        }
        let is_locked = |&&at: &&usize| !self.packages[at].root || named.len() == 1;
        let locked: Vec<usize> = named.iter().filter(is_locked).copied().collect();
        let named = if locked.is_empty() { named.as_slice() } else { locked.as_slice() };
        match &need.pick {
            Pick::Range(range) => self.allowed(named, range),
            Pick::Exact { version, origin } => {
                let fits = |&&at: &&usize| self.packages[at].is(version.as_deref(), *origin);
                named.iter().filter(fits).copied().collect()
            }
        }
    }

    /// Those that a range allows; all when it allows none, or none of them can be told.
    fn allowed(&self, named: &[usize], range: &str) -> Vec<usize> {
        if named.len() == 1 || range.is_empty() {
            return named.to_vec();
        }
        let fits = |&&at: &&usize| {
            let version = self.packages[at].node.version.as_deref();
            version.is_some_and(|version| allows(range, version) == Some(true))
        };
        let allowed: Vec<usize> = named.iter().filter(fits).copied().collect();
        if allowed.is_empty() { named.to_vec() } else { allowed }
    }

    /// What the lock file says itself counts more than what follows from the manifest.
    fn scopes(&self, units: &Units<'_>) -> Vec<Scope> {
        let roots: BTreeSet<usize> =
            (0..self.packages.len()).filter(|&at| self.packages[at].root).collect();
        let mut found = strongest_scopes(units.count, &roots, units.edges.iter().copied());
        found.truncate(self.packages.len());
        let said = self.packages.iter().map(|package| package.scope);
        let scope = |(found, said): (Option<Scope>, Option<Scope>)| {
            said.filter(|&scope| scope != Scope::Unknown).or(found).unwrap_or(Scope::Unknown)
        };
        found.into_iter().zip(said).map(scope).collect()
    }
}

impl<'l> Units<'l> {
    fn add(&mut self, from: usize, need: &Need<'l>, to: usize) {
        let unit = match need.of_extra.as_deref() {
            Some(extra) => self.with_extra.get(&(from, extra)).copied().unwrap_or(from),
            None => from,
        };
        self.edges.push((unit, to, need.kind));
        for extra in &need.extras {
            if let Some(&asked) = self.with_extra.get(&(to, extra.as_ref())) {
                self.edges.push((unit, asked, need.kind));
            }
        }
    }
}

impl<'a> Package<'a> {
    /// Takes over what another entry of the same package says beyond this one.
    pub(super) fn absorb(&mut self, other: Self) {
        self.root |= other.root;
        self.needs.extend(other.needs);
        self.scope = match (self.scope, other.scope) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let node = other.node;
        self.node.places.extend(node.places);
        self.node.archives.extend(node.archives);
        self.node.condition = match (self.node.condition.take(), node.condition) {
            (Some(one), Some(other)) if one == other => Some(one),
            (Some(one), Some(other)) => phrase(&either(&one, &other)).map(str::to_owned),
            // What one of them installs everywhere is installed everywhere.
            (Some(_), None) | (None, _) => None,
        };
        self.node.licence = self.node.licence.take().or(node.licence);
        self.node.range = self.node.range.take().or(node.range);
    }

    fn is(&self, version: Option<&str>, origin: Option<Origin<'_>>) -> bool {
        let version_fits = version.is_none() || self.node.version.as_deref() == version;
        let origin_fits = origin.is_none() || self.origin.is_none() || self.origin == origin;
        version_fits && origin_fits
    }
}

fn note_missing(package: &Package<'_>, need: &Need<'_>, input: &mut Input<'_>) {
    let reason = format!("`{}`, which `{}` needs, is not listed", need.key, package.node.name);
    // What the repository's own package needs stands in a manifest.
    let line = (need.line > 0).then_some(need.line);
    input.faults.note_some(line, reason);
}

/// Sorts what a node has; the digests of a file that is the only one are the package's.
fn tidy(node: &mut Node) {
    node.places.sort_unstable();
    node.places.dedup();
    node.archives.sort_unstable();
    node.archives.dedup();
    node.archives.truncate(ARCHIVES_MAX);
    if let [_] = node.archives.as_slice() {
        let only = node.archives.pop();
        let Archive { location, hashes } = only.unwrap_or_default();
        node.hashes = hashes;
        node.file = Some(location);
    }
}
