//! Changes laid over another source: what a proposed patch would make of it.
//!
//! Git has no empty directories, so a directory that the changes empty is gone, and one that they
//! fill is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gix::ObjectId;

use super::{Node, NodeKind, Read, Source, Tracked};
use crate::{FileContent, RepoPath, SnapshotError, StatCache};

/// What stands at the changed paths instead; `None` means nothing.
pub(crate) type Changes = BTreeMap<RepoPath, Option<FileContent>>;

/// A source with changes.
#[derive(Debug)]
pub(crate) struct Overlay {
    base: Arc<dyn Source>,
    changes: Changes,
}

impl Overlay {
    pub(crate) fn new(base: Arc<dyn Source>, changes: Changes) -> Self {
        Self { base, changes }
    }

    /// Whether a file is laid somewhere below `path`, so that it is a directory.
    fn fills(&self, path: &RepoPath) -> bool {
        self.changes.range(path.below()).any(|(_, change)| change.is_some())
    }

    /// Whether something below `path` is touched at all.
    fn touches(&self, path: &RepoPath) -> bool {
        self.changes.range(path.below()).next().is_some()
    }

    /// Whether nothing of the base shows below one of the directories that `path` stands in:
    /// there was no directory, or there is none any more.
    fn covers(&self, path: &RepoPath) -> Result<bool, SnapshotError> {
        for above in path.ancestors() {
            if self.changes.contains_key(&above) {
                return Ok(true);
            }
            if self.fills(&above) && self.base.node(&above)? != Node::Directory {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What the base shows at `path`.
    fn beneath(&self, path: &RepoPath) -> Result<Node, SnapshotError> {
        if self.covers(path)? { Ok(Node::Absent) } else { self.base.node(path) }
    }
}

impl Source for Overlay {
    fn node(&self, path: &RepoPath) -> Result<Node, SnapshotError> {
        let change = self.changes.get(path);
        if let Some(Some(file)) = change {
            let size = file.bytes.len() as u64;
            return Ok(Node::File { size, executable: file.executable, stamp: None });
        }
        if path.is_root() || self.fills(path) {
            return Ok(Node::Directory);
        }
        if change.is_some() {
            return Ok(Node::Absent);
        }
        let node = self.beneath(path)?;
        let emptied =
            node == Node::Directory && self.touches(path) && self.entries(path)?.is_empty();
        Ok(if emptied { Node::Absent } else { node })
    }

    fn entries(&self, path: &RepoPath) -> Result<Vec<(RepoPath, NodeKind)>, SnapshotError> {
        let mut entries = BTreeMap::new();
        let replaced = self.changes.contains_key(path) || self.covers(path)?;
        if !replaced && self.base.node(path)? == Node::Directory {
            entries.extend(self.base.entries(path)?);
        }
        if !self.touches(path) {
            return Ok(entries.into_iter().collect());
        }
        let depth = path.names().count();
        let changed = self.changes.range(path.below()).map(|(changed, _)| changed);
        let names = changed.filter_map(|changed| changed.names().nth(depth));
        let touched: BTreeSet<RepoPath> = names.filter_map(|name| path.join(name)).collect();
        for child in touched {
            match self.node(&child)? {
                Node::File { .. } => entries.insert(child, NodeKind::File),
                Node::Directory => entries.insert(child, NodeKind::Directory),
                Node::Link => entries.insert(child, NodeKind::Link),
                Node::Absent | Node::BehindLink | Node::Special => entries.remove(&child),
            };
        }
        Ok(entries.into_iter().collect())
    }

    fn target(&self, path: &RepoPath) -> Result<Option<String>, SnapshotError> {
        // Changes are files: a link is always the base's.
        self.base.target(path)
    }

    fn bytes(&self, path: &RepoPath, offset: u64, length: u64) -> Result<Vec<u8>, SnapshotError> {
        let Some(change) = self.changes.get(path) else {
            return self.base.bytes(path, offset, length);
        };
        let bytes = change.as_ref().map_or(&[][..], |file| &file.bytes);
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(bytes.len() - start);
        Ok(bytes[start..start + length].to_vec())
    }

    fn whole(&self, path: &RepoPath, most: u64) -> Result<Read, SnapshotError> {
        if self.changes.contains_key(path) {
            return Ok(Read { bytes: self.bytes(path, 0, most)?, settled: None });
        }
        self.base.whole(path, most)
    }

    fn is_fixed(&self) -> bool {
        self.base.is_fixed()
    }

    fn stats(&self) -> Option<&StatCache> {
        self.base.stats()
    }

    fn object_id(&self, path: &RepoPath) -> Result<Option<ObjectId>, SnapshotError> {
        if self.changes.contains_key(path) { Ok(None) } else { self.base.object_id(path) }
    }

    fn commit_time(&self) -> Option<i64> {
        self.base.commit_time()
    }

    fn tracked(&self) -> Tracked {
        let laid = self.changes.iter().filter(|(_, change)| change.is_some());
        self.base.tracked().and(laid.map(|(path, _)| path.clone()).collect())
    }
}
