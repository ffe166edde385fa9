//! `direct`, `duplicates` and `cycles`: lists over whole lock files.

use lockgraph::{
    Ecosystem, Edge, EdgeKind, Graph, Kind, Lockfile, NodeId, Scan, Scope, Warning, query,
};
use serde::Serialize;

use crate::room::{LeftOut, Room, way};
use crate::words::{count, unread};

/// The answer to `direct`.
#[derive(Debug, Serialize)]
pub(crate) struct Direct {
    answer: String,
    /// The repository's own packages.
    roots: Vec<Root>,
    warnings: Vec<Warning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<LeftOut>,
}

#[derive(Debug, Serialize)]
struct Root {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    lockfile: String,
    /// Its directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<String>,
    needs: Vec<Need>,
}

/// A package that another needs.
#[derive(Debug, Serialize)]
pub(crate) struct Need {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// How it is needed.
    kind: EdgeKind,
    /// Where it comes from, when that is no registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Kind>,
    /// Where it is installed at all, as a marker of Python says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<String>,
}

impl Need {
    /// The package at the other end of an edge.
    pub(crate) fn of(graph: &Graph, edge: &Edge) -> Self {
        let node = graph.node(edge.to);
        Self {
            name: node.name.clone(),
            version: node.version.clone(),
            kind: edge.kind,
            from: (node.kind != Kind::Registry).then_some(node.kind),
            condition: node.condition.clone(),
        }
    }
}

pub(crate) fn direct(scan: &Scan, mut room: Room) -> Direct {
    let mut roots = Vec::new();
    for lockfile in &scan.lockfiles {
        for (id, edges) in query::direct(&lockfile.graph) {
            roots.push((lockfile, id, edges));
        }
    }
    let answer = format!(
        "{} of the repository's own, with {} to others in all",
        count(roots.len(), "package"),
        count(roots.iter().map(|(_, _, edges)| edges.len()).sum(), "direct dependency"),
    );
    let roots = room.cut("roots", roots);
    let roots = roots.into_iter().map(|(lockfile, id, edges)| {
        let node = lockfile.graph.node(id);
        Root {
            name: node.name.clone(),
            version: node.version.clone(),
            lockfile: lockfile.path.clone(),
            directory: node.location.clone(),
            needs: room.cut("needs", edges.iter().map(|edge| Need::of(&lockfile.graph, edge))),
        }
    });
    let roots = roots.collect();
    Direct { answer, roots, warnings: room.warnings(&scan.warnings), left_out: room.left_out() }
}

/// The answer to `duplicates`.
#[derive(Debug, Serialize)]
pub(crate) struct Duplicates {
    answer: String,
    duplicates: Vec<Duplicate>,
    warnings: Vec<Warning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<LeftOut>,
}

#[derive(Debug, Serialize)]
struct Duplicate {
    name: String,
    ecosystem: Ecosystem,
    lockfile: String,
    versions: Vec<Version>,
}

#[derive(Debug, Serialize)]
struct Version {
    version: String,
    scope: Scope,
    needed_by: Vec<String>,
}

/// The most packages that are named as the reason for one version; the rest can be asked for.
const NEEDED_BY_MAX: usize = 10;

pub(crate) fn duplicates(scan: &Scan, mut room: Room) -> Duplicates {
    let mut found = Vec::new();
    for lockfile in &scan.lockfiles {
        let merged = lockfile.graph.merged();
        let dependents = merged.dependents();
        for duplicate in query::duplicates(&merged) {
            let versions = duplicate.versions.iter().map(|(version, ids)| {
                let edges = ids.iter().flat_map(|id| &dependents[id.index()]);
                let mut needed_by: Vec<String> =
                    edges.map(|edge| merged.node(edge.to).label()).collect();
                room.leave("needed_by", needed_by.len().saturating_sub(NEEDED_BY_MAX));
                needed_by.truncate(NEEDED_BY_MAX);
                let scope = ids.iter().map(|id| merged.node(*id).scope).min();
                let scope = scope.unwrap_or(Scope::Unknown);
                Version { version: version.clone(), scope, needed_by }
            });
            found.push(Duplicate {
                versions: versions.collect(),
                name: duplicate.name,
                ecosystem: duplicate.ecosystem,
                lockfile: lockfile.path.clone(),
            });
        }
    }
    Duplicates {
        answer: match found.len() {
            0 => format!("no package is there in several versions{}", unread(scan)),
            several => format!("{} in several versions", count(several, "package")),
        },
        duplicates: room.cut("duplicates", found),
        warnings: room.warnings(&scan.warnings),
        left_out: room.left_out(),
    }
}

/// The answer to `cycles`.
#[derive(Debug, Serialize)]
pub(crate) struct Cycles {
    answer: String,
    cycles: Vec<Cycle>,
    warnings: Vec<Warning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<LeftOut>,
}

#[derive(Debug, Serialize)]
struct Cycle {
    lockfile: String,
    /// Each needs each other, directly or not.
    packages: Vec<String>,
    /// Whether they would not without what is needed for development alone.
    only_dev: bool,
}

pub(crate) fn cycles(scan: &Scan, mut room: Room) -> Cycles {
    let found = scan.lockfiles.iter().flat_map(cycles_of);
    let found: Vec<Cycle> = found.collect();
    Cycles {
        answer: match (found.len(), found.iter().filter(|cycle| !cycle.only_dev).count()) {
            (0, _) => format!("no packages need each other{}", unread(scan)),
            (all, shipped) => format!(
                "{} of packages that need each other, {shipped} of them not for development only",
                count(all, "group")
            ),
        },
        cycles: room.cut("cycles", found),
        warnings: room.warnings(&scan.warnings),
        left_out: room.left_out(),
    }
}

fn cycles_of(lockfile: &Lockfile) -> Vec<Cycle> {
    let graph = &lockfile.graph;
    let shipped = query::cycles(graph, false);
    let cycle = |ids: &Vec<NodeId>| Cycle {
        lockfile: lockfile.path.clone(),
        packages: way(ids.iter().map(|id| graph.node(*id))),
        only_dev: !shipped.iter().any(|inner| inner.iter().any(|id| ids.contains(id))),
    };
    query::cycles(graph, true).iter().map(cycle).collect()
}
