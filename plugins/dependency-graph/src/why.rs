//! `why` and `dependents`: what leads to one package.

use std::collections::BTreeSet;

use lockgraph::{Ecosystem, Kind, Lockfile, NodeId, Scan, Scope, Warning, query};
use serde::Serialize;

use crate::lists::Need;
use crate::room::{LeftOut, Room, way};
use crate::words::{count, unread};

/// The most names that are suggested for one that is not there.
const SIMILAR_MAX: usize = 10;

/// The answer to `why`.
#[derive(Debug, Serialize)]
pub(crate) struct Why {
    answer: String,
    package: String,
    found: bool,
    matches: Vec<Reason>,
    /// Names that look like one that was not found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    similar: Vec<String>,
    warnings: Vec<Warning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<LeftOut>,
}

/// One installation of the package.
#[derive(Debug, Serialize)]
struct Installed {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    ecosystem: Ecosystem,
    lockfile: String,
    kind: Kind,
    scope: Scope,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    /// Where it is installed at all, as a marker of Python says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<String>,
}

/// Why one installation is there.
#[derive(Debug, Serialize)]
struct Reason {
    #[serde(flatten)]
    installed: Installed,
    /// Each from one of the repository's own packages to this one; shortest first.
    paths: Vec<Vec<String>>,
    more_paths: bool,
}

pub(crate) fn why(scan: &Scan, package: &str, mut room: Room) -> Why {
    let found = found(scan, package);
    let installed_times = found.len();
    let matches = room.cut("matches", found);
    // The room is shared by all installations, and each gets at least one way.
    let each = (room.max() / matches.len().max(1)).max(1);
    let matches: Vec<Reason> = matches
        .into_iter()
        .map(|(lockfile, id)| {
            let graph = &lockfile.graph;
            let ways = query::shortest_paths(graph, id, each);
            Reason {
                installed: installed(lockfile, id),
                paths: ways
                    .paths
                    .iter()
                    .map(|ids| way(ids.iter().map(|id| graph.node(*id))))
                    .collect(),
                more_paths: ways.more,
            }
        })
        .collect();
    Why {
        answer: match matches.first().and_then(|reason| reason.paths.first()) {
            Some(shortest) => format!(
                "{}: {}{}",
                found_times(installed_times, &matches[0].installed.lockfile),
                shortest.join(" -> "),
                more_ways(&matches),
            ),
            None => not_found(scan, package),
        },
        package: package.to_owned(),
        found: !matches.is_empty(),
        similar: if matches.is_empty() { similar(scan, package) } else { Vec::new() },
        matches,
        warnings: room.warnings(&scan.warnings),
        left_out: room.left_out(),
    }
}

/// The answer to `dependents`.
#[derive(Debug, Serialize)]
pub(crate) struct Dependents {
    answer: String,
    package: String,
    found: bool,
    matches: Vec<Needed>,
    /// Names that look like one that was not found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    similar: Vec<String>,
    warnings: Vec<Warning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<LeftOut>,
}

/// Who needs one installation.
#[derive(Debug, Serialize)]
struct Needed {
    #[serde(flatten)]
    installed: Installed,
    needed_by: Vec<Need>,
    /// How many packages need it, directly or not.
    needed_by_all: usize,
}

pub(crate) fn dependents(scan: &Scan, package: &str, mut room: Room) -> Dependents {
    let found = found(scan, package);
    let installed_times = found.len();
    let matches = room.cut("matches", found);
    let matches: Vec<Needed> = matches
        .into_iter()
        .map(|(lockfile, id)| {
            let graph = &lockfile.graph;
            let direct = graph.dependents().swap_remove(id.index());
            Needed {
                installed: installed(lockfile, id),
                needed_by: room.cut("needed_by", direct.iter().map(|edge| Need::of(graph, edge))),
                needed_by_all: query::all_dependents(graph, id).len(),
            }
        })
        .collect();
    Dependents {
        answer: match matches.first() {
            Some(first) => format!(
                "{}: needed by {} directly or not{}",
                found_times(installed_times, &first.installed.lockfile),
                count(first.needed_by_all, "package"),
                if matches.len() > 1 { "; each place counts its own" } else { "" },
            ),
            None => not_found(scan, package),
        },
        package: package.to_owned(),
        found: !matches.is_empty(),
        similar: if matches.is_empty() { similar(scan, package) } else { Vec::new() },
        matches,
        warnings: room.warnings(&scan.warnings),
        left_out: room.left_out(),
    }
}

/// How often a package is there, and where first.
fn found_times(times: usize, lockfile: &str) -> String {
    match times {
        1 => format!("in `{lockfile}`"),
        times => format!("{times} times, first in `{lockfile}`"),
    }
}

fn more_ways(matches: &[Reason]) -> String {
    let shown: usize = matches.iter().map(|reason| reason.paths.len()).sum();
    let more = matches.iter().any(|reason| reason.more_paths);
    match (shown, more) {
        (0 | 1, false) => String::new(),
        (shown, false) => format!("; {shown} ways in all"),
        (shown, true) => format!("; {shown} ways and more"),
    }
}

fn not_found(scan: &Scan, package: &str) -> String {
    format!("no lock file that was read has `{package}`{}", unread(scan))
}

fn found<'a>(scan: &'a Scan, package: &str) -> Vec<(&'a Lockfile, NodeId)> {
    let within = |lockfile: &'a Lockfile| {
        query::find(&lockfile.graph, package).into_iter().map(move |id| (lockfile, id))
    };
    scan.lockfiles.iter().flat_map(within).collect()
}

fn installed(lockfile: &Lockfile, id: NodeId) -> Installed {
    let node = lockfile.graph.node(id);
    Installed {
        name: node.name.clone(),
        version: node.version.clone(),
        ecosystem: node.ecosystem,
        lockfile: lockfile.path.clone(),
        kind: node.kind,
        scope: node.scope,
        location: node.location.clone(),
        condition: node.condition.clone(),
    }
}

fn similar(scan: &Scan, package: &str) -> Vec<String> {
    let names: BTreeSet<&str> = scan
        .lockfiles
        .iter()
        .flat_map(|lockfile| query::similar(&lockfile.graph, package, SIMILAR_MAX))
        .collect();
    names.into_iter().take(SIMILAR_MAX).map(str::to_owned).collect()
}
