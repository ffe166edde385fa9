//! What differs between two states of a repository.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::snapshot::content_digest;
use crate::walk::Leaf;
use crate::{FileEntry, Kind, RepoPath, Snapshot, SnapshotError};

/// The largest file that is held to find its name in git, which could not read a larger one
/// back either.
const NAMED_BYTES_MAX: u64 = 512 << 20;

/// A file or link that differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Change {
    /// Where it stands.
    pub path: RepoPath,
    /// In which way.
    pub status: ChangeStatus,
}

/// How a file differs from the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeStatus {
    /// It is in the head only.
    Added,
    /// It is in both, with other bytes, another kind or another executable bit.
    Modified,
    /// It is in the base only.
    Deleted,
}

/// What is different in `head`, sorted by path; ignored files are left out on both sides. A file
/// that moved is deleted and added.
///
/// # Errors
///
/// When a file cannot be read, or there are too many.
pub fn changes(base: &Snapshot, head: &Snapshot) -> Result<Vec<Change>, SnapshotError> {
    let mut old = base.leaves()?.iter().peekable();
    let mut new = head.leaves()?.iter().peekable();
    let mut changes = Vec::new();
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return Ok(changes),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.path.cmp(&new.path),
        };
        let (leaf, status) = match order {
            Ordering::Less => (old.next(), ChangeStatus::Deleted),
            Ordering::Greater => (new.next(), ChangeStatus::Added),
            Ordering::Equal => {
                let (old, new) = (old.next(), new.next());
                let same = match (old, new) {
                    (Some(old), Some(new)) => is_same(base, old, head, new)?,
                    _ => false,
                };
                if same {
                    continue;
                }
                (new, ChangeStatus::Modified)
            }
        };
        changes.extend(leaf.map(|leaf| Change { path: leaf.path.clone(), status }));
    }
}

fn is_same(
    base: &Snapshot,
    old: &Leaf,
    head: &Snapshot,
    new: &Leaf,
) -> Result<bool, SnapshotError> {
    let (Some(old), Some(new)) = (base.file(old)?, head.file(new)?) else { return Ok(false) };
    if old != new {
        return Ok(false);
    }
    let ids = (base.source().object_id(&old.path)?, head.source().object_id(&new.path)?);
    match ids {
        (Some(old), Some(new)) => Ok(old == new),
        (Some(id), None) => Ok(git_names(head, &new, id)?),
        (None, Some(id)) => Ok(git_names(base, &old, id)?),
        (None, None) => {
            Ok(content_digest(base.source(), &old)? == content_digest(head.source(), &new)?)
        }
    }
}

/// Whether git would name this content `id`: cheaper than inflating what has that name.
fn git_names(
    snapshot: &Snapshot,
    file: &FileEntry,
    id: gix::ObjectId,
) -> Result<bool, SnapshotError> {
    let bytes = match file.kind {
        Kind::Symlink => snapshot.source().target(&file.path)?.unwrap_or_default().into_bytes(),
        Kind::File | Kind::Directory if file.size > NAMED_BYTES_MAX => {
            return Err(SnapshotError::TooLarge { path: file.path.clone(), bytes: file.size });
        }
        Kind::File | Kind::Directory => snapshot.source().bytes(&file.path, 0, NAMED_BYTES_MAX)?,
    };
    let named = gix::objs::compute_hash(id.kind(), gix::objs::Kind::Blob, &bytes);
    Ok(named.map_err(|err| SnapshotError::unreadable(&file.path, err))? == id)
}
