//! `changes`: what the step adds, removes or changes against the base.

use std::collections::{BTreeMap, BTreeSet};

use lockgraph::{Ecosystem, Graph, Lockfile, Scan, Scope, Warning, Warnings, query};
use serde::Serialize;
use stepwell::repository::{self, Reason};
use stepwell::{Refusal, Tree};

use crate::room::{LeftOut, Room};
use crate::words::unread;
use crate::{Input, scan};

/// The answer to `changes`.
#[derive(Debug, Serialize)]
pub(crate) struct Changes {
    answer: String,
    /// Whether there is a base; without one nothing can be said.
    base_present: bool,
    added: Vec<Package>,
    removed: Vec<Package>,
    changed: Vec<Changed>,
    warnings: Vec<Warning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<LeftOut>,
}

/// A package that is new or gone.
#[derive(Debug, Serialize)]
struct Package {
    name: String,
    version: String,
    ecosystem: Ecosystem,
    lockfile: String,
    scope: Scope,
    /// Whether the repository itself needs it.
    direct: bool,
}

/// A package that is another one.
#[derive(Debug, Serialize)]
struct Changed {
    name: String,
    from: String,
    to: String,
    ecosystem: Ecosystem,
    lockfile: String,
    scope: Scope,
    direct: bool,
    /// What changed although the version did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
}

/// Both states of the repository; without a base there is nothing to compare, and no head is read.
#[derive(Debug)]
pub(crate) struct Sides {
    base: Option<Scan>,
    head: Scan,
}

impl Sides {
    pub(crate) fn read(input: &Input) -> Result<Self, Refusal> {
        match repository::kind(Tree::Base, "") {
            Err(repository::Error { reason: Reason::NoSuchTree, .. }) => {
                Ok(Self { base: None, head: Scan::default() })
            }
            Ok(_) | Err(_) => {
                Ok(Self { base: Some(side(Tree::Base, input)?), head: side(Tree::Head, input)? })
            }
        }
    }
}

/// One state. That a lock file is not there is nothing to warn of: it is new, or gone.
fn side(tree: Tree, input: &Input) -> Result<Scan, Refusal> {
    match &input.lockfile {
        Some(path) if !repository::is_file(tree, path)? => Ok(Scan::default()),
        Some(_) | None => scan(tree, input),
    }
}

pub(crate) fn changes(sides: &Sides, mut room: Room) -> Changes {
    let Some(base) = &sides.base else {
        return Changes {
            answer: "there is no base to compare with".to_owned(),
            base_present: false,
            added: Vec::new(),
            removed: Vec::new(),
            changed: Vec::new(),
            warnings: room.warnings(&sides.head.warnings),
            left_out: room.left_out(),
        };
    };
    let (mut added, mut removed, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    let mut warnings = warnings(base, &sides.head);
    for (path, (before, after)) in pairs(base, &sides.head) {
        if base.unread.contains(path) || sides.head.unread.contains(path) {
            warnings.add(path, None, "not compared, because one state of it cannot be read");
            continue;
        }
        let graph = |lockfile: Option<&Lockfile>| {
            lockfile.map_or_else(Graph::default, |lockfile| lockfile.graph.merged())
        };
        for change in query::changes(&graph(before), &graph(after)) {
            sort_in(change, path, &mut added, &mut removed, &mut changed);
        }
    }
    Changes {
        answer: sentence(&added, &removed, &changed) + unread(&sides.head),
        base_present: true,
        added: room.cut("added", added),
        removed: room.cut("removed", removed),
        changed: room.cut("changed", changed),
        warnings: room.warnings(&warnings),
        left_out: room.left_out(),
    }
}

fn sentence(added: &[Package], removed: &[Package], changed: &[Changed]) -> String {
    if added.is_empty() && removed.is_empty() && changed.is_empty() {
        return "no package was added, removed or changed".to_owned();
    }
    let kept = changed.iter().filter(|change| change.note.is_some()).count();
    // A package that is another one under the same version is what a reviewer must not overlook.
    let kept = if kept > 0 { format!(" ({kept} under the same version)") } else { String::new() };
    let (added, removed, changed) = (added.len(), removed.len(), changed.len());
    format!("{added} added, {removed} removed, {changed} changed{kept}")
}

type Pair<'a> = (Option<&'a Lockfile>, Option<&'a Lockfile>);

/// Each lock file in both states, by path.
fn pairs<'a>(base: &'a Scan, head: &'a Scan) -> BTreeMap<&'a str, Pair<'a>> {
    let mut pairs: BTreeMap<&str, Pair<'_>> = BTreeMap::new();
    for lockfile in &base.lockfiles {
        pairs.entry(&lockfile.path).or_default().0 = Some(lockfile);
    }
    for lockfile in &head.lockfiles {
        pairs.entry(&lockfile.path).or_default().1 = Some(lockfile);
    }
    for path in base.unread.iter().chain(&head.unread) {
        pairs.entry(path).or_default();
    }
    pairs
}

fn sort_in(
    change: query::Change,
    path: &str,
    added: &mut Vec<Package>,
    removed: &mut Vec<Package>,
    changed: &mut Vec<Changed>,
) {
    let query::Change { ecosystem, name, from, to, scope, direct, note } = change;
    let lockfile = path.to_owned();
    match (from, to) {
        (Some(from), Some(to)) => {
            changed.push(Changed { name, from, to, ecosystem, lockfile, scope, direct, note });
        }
        (None, Some(version)) => {
            added.push(Package { name, version, ecosystem, lockfile, scope, direct });
        }
        (Some(version), None) => {
            removed.push(Package { name, version, ecosystem, lockfile, scope, direct });
        }
        (None, None) => {}
    }
}

/// The head's, and what was wrong in the base alone.
fn warnings(base: &Scan, head: &Scan) -> Warnings {
    let mut warnings = head.warnings.clone();
    let known: BTreeSet<Warning> = head.warnings.clone().into_vec().into_iter().collect();
    for warning in base.warnings.clone().into_vec() {
        if !known.contains(&warning) {
            warnings.add(&warning.path, warning.line, format!("in the base: {}", warning.reason));
        }
    }
    warnings
}
