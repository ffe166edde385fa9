//! The one place where links are followed: inside the tree, never out of it, the same way for
//! every source.

use crate::source::{Node, Source, Stamp};
use crate::{RepoPath, SnapshotError};

/// Links followed for one path; what Linux follows.
const HOPS_MAX: u32 = 40;

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nowhere, or to what nobody is shown.
    Nothing,
    /// To a file; `path` has no link in it.
    File { path: RepoPath, size: u64, executable: bool, stamp: Option<Stamp> },
    /// To a directory; the path has no link in it.
    Directory(RepoPath),
    /// To a pipe, a socket or a device.
    Special,
    /// The path itself is a link that leads nowhere inside, or in circles.
    DeadLink,
    /// The path itself is a link that leads out of the tree.
    LinkOut,
    /// A directory on the way is a link that leads out of the tree.
    Outside,
}

/// Follows `path` to where it leads.
pub(crate) fn resolve(source: &dyn Source, path: &RepoPath) -> Result<Place, SnapshotError> {
    if path.is_hidden() {
        return Ok(Place::Nothing);
    }
    // Most paths have no link in them, and most sources can tell in one look.
    resolve_from(source, path, source.node(path)?)
}

/// The same, where `node` was just seen at `path`.
pub(crate) fn resolve_from(
    source: &dyn Source,
    path: &RepoPath,
    node: Node,
) -> Result<Place, SnapshotError> {
    if path.is_hidden() {
        return Ok(Place::Nothing);
    }
    if matches!(node, Node::Link | Node::BehindLink) {
        return walk(source, path);
    }
    Ok(Place::of(path.clone(), node))
}

/// Where the last name of `path` stands, links on the way followed and that one not; none where
/// there is no such directory, or it is hidden or outside.
pub(crate) fn locate(
    source: &dyn Source,
    path: &RepoPath,
) -> Result<Option<RepoPath>, SnapshotError> {
    let Some(parent) = path.parent() else { return Ok(None) };
    let Place::Directory(directory) = resolve(source, &parent)? else { return Ok(None) };
    Ok(directory.join(path.name()).filter(|path| !path.is_hidden()))
}

fn walk(source: &dyn Source, path: &RepoPath) -> Result<Place, SnapshotError> {
    let mut hops = 0;
    let mut here = Place::Directory(RepoPath::root());
    let mut names = path.names().peekable();
    while let Some(name) = names.next() {
        let Place::Directory(directory) = here else { return Ok(Place::Nothing) };
        here = step(source, directory, name, &mut hops)?;
        if here == Place::LinkOut && names.peek().is_some() {
            return Ok(Place::Outside);
        }
    }
    Ok(here)
}

/// Where `name` in `directory` leads, if it is a link through all the links it leads to.
fn step(
    source: &dyn Source,
    directory: RepoPath,
    name: &str,
    hops: &mut u32,
) -> Result<Place, SnapshotError> {
    let mut here = Place::Directory(directory);
    let mut ahead = vec![name.to_owned()];
    let mut by_link = false;
    let lost = |by_link| if by_link { Place::DeadLink } else { Place::Nothing };
    while let Some(name) = ahead.pop() {
        let Place::Directory(directory) = here else { return Ok(lost(by_link)) };
        let next = match name.as_str() {
            "." => Some(directory),
            ".." => match directory.parent() {
                Some(parent) => Some(parent),
                None => return Ok(Place::LinkOut),
            },
            name => directory.join(name),
        };
        let Some(next) = next.filter(|next| !next.is_hidden()) else { return Ok(lost(by_link)) };
        let node = source.node(&next)?;
        if node != Node::Link {
            here = Place::of(next, node);
            continue;
        }
        by_link = true;
        *hops += 1;
        let target = source.target(&next)?.filter(|target| !target.is_empty());
        let Some(target) = target.filter(|_| *hops <= HOPS_MAX) else {
            return Ok(Place::DeadLink);
        };
        if target.starts_with('/') {
            return Ok(Place::LinkOut);
        }
        let from = next.parent().expect("a link is not the root");
        ahead.extend(names_of(&target).rev().map(str::to_owned));
        here = Place::Directory(from);
    }
    Ok(if here == Place::Nothing { lost(by_link) } else { here })
}

/// The names in a link's target. One slash is as good as two, except that the last one asks for a
/// directory, as `.` does.
fn names_of(target: &str) -> impl DoubleEndedIterator<Item = &str> {
    let last = target.ends_with('/').then_some(".");
    target.split('/').filter(|name| !name.is_empty()).chain(last)
}

impl Place {
    fn of(path: RepoPath, node: Node) -> Self {
        match node {
            // The second cannot be: every name on the way was looked at.
            Node::Absent | Node::BehindLink | Node::Link => Self::Nothing,
            Node::File { size, executable, stamp } => Self::File { path, size, executable, stamp },
            Node::Directory => Self::Directory(path),
            Node::Special => Self::Special,
        }
    }
}
