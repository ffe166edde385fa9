//! `summary`: which lock files there are, and how large what they pin is.

use lockgraph::{Ecosystem, Graph, Lockfile, Scan, Warning, query};
use serde::Serialize;

use crate::room::{LeftOut, Room};
use crate::words::{count, unread};

/// The answer to `summary`.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    answer: String,
    lockfiles: Vec<Entry>,
    /// Packages of all lock files together, each once.
    packages: usize,
    duplicates: Vec<Duplicate>,
    warnings: Vec<Warning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<LeftOut>,
}

/// One lock file.
#[derive(Debug, Serialize)]
struct Entry {
    path: String,
    ecosystem: Ecosystem,
    /// The repository's own among them.
    packages: usize,
    edges: usize,
    /// How many packages of others the repository itself needs.
    direct: usize,
}

/// A package in several versions.
#[derive(Debug, Serialize)]
struct Duplicate {
    name: String,
    versions: Vec<String>,
}

pub(crate) fn summary(scan: &Scan, mut room: Room) -> Summary {
    let union = Graph::union(scan.lockfiles.iter().map(|lockfile| &lockfile.graph));
    let duplicates = query::duplicates(&union);
    Summary {
        answer: format!(
            "{} with {}, {} of them in several versions{}",
            count(scan.lockfiles.len(), "lock file"),
            count(union.node_count(), "package"),
            duplicates.len(),
            unread(scan),
        ),
        lockfiles: room.cut("lockfiles", scan.lockfiles.iter().map(entry)),
        packages: union.node_count(),
        duplicates: room.cut("duplicates", duplicates.into_iter().map(duplicate)),
        warnings: room.warnings(&scan.warnings),
        left_out: room.left_out(),
    }
}

fn entry(lockfile: &Lockfile) -> Entry {
    let merged = lockfile.graph.merged();
    Entry {
        path: lockfile.path.clone(),
        ecosystem: lockfile.format.ecosystem(),
        packages: merged.node_count(),
        edges: merged.edge_count(),
        direct: query::direct_count(&merged),
    }
}

fn duplicate(duplicate: query::Duplicate) -> Duplicate {
    let versions = duplicate.versions.into_iter().map(|(version, _)| version).collect();
    Duplicate { name: duplicate.name, versions }
}
