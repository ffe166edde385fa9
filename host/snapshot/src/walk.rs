//! All files of a tree, without what its `.gitignore` files leave out.
//!
//! The rules are read from the tree itself, so that a directory, a commit and an overlay agree;
//! no file of the user or of the machine has a say. Links are named, never followed.

use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::source::{NodeKind, Source};
use crate::{RepoPath, SnapshotError};

/// The most files of one tree: three times the files of Linux, and some 30 MB of paths.
pub(crate) const FILES_MAX: usize = 250_000;

/// The most names looked at on the way, ignored ones too: some seconds.
const VISITS_MAX: usize = 1_000_000;

/// A larger `.gitignore` was not written to ignore files; its rules do not count.
const RULES_BYTES_MAX: u64 = 1 << 20;

/// A file or a link of a tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Leaf {
    pub(crate) path: RepoPath,
    pub(crate) is_link: bool,
}

/// The rules of one `.gitignore`, and of those above it.
#[derive(Debug)]
struct Rules {
    directory: RepoPath,
    matcher: Gitignore,
    above: Option<Arc<Self>>,
}

/// All files and links that no rule leaves out, sorted by path.
pub(crate) fn walk(source: &dyn Source) -> Result<Vec<Leaf>, SnapshotError> {
    walk_where(source, true, |_| true)
}

/// All files and links, ignored ones too, of the directories that `enter` lets us into.
pub(crate) fn walk_ignored(
    source: &dyn Source,
    enter: impl Fn(&RepoPath) -> bool,
) -> Result<Vec<Leaf>, SnapshotError> {
    walk_where(source, false, enter)
}

fn walk_where(
    source: &dyn Source,
    obey_rules: bool,
    enter: impl Fn(&RepoPath) -> bool,
) -> Result<Vec<Leaf>, SnapshotError> {
    let mut leaves = Vec::new();
    let mut visits = 0;
    let mut ahead: Vec<(RepoPath, Option<Arc<Rules>>)> = vec![(RepoPath::root(), None)];
    while let Some((directory, above)) = ahead.pop() {
        let entries = source.entries(&directory)?;
        visits += entries.len();
        if visits > VISITS_MAX {
            return Err(SnapshotError::TooMany { what: "names", most: VISITS_MAX as u64 });
        }
        let rules = match obey_rules {
            true => Rules::read(source, &directory, &entries, above)?,
            false => None,
        };
        for (path, kind) in entries {
            let is_directory = kind == NodeKind::Directory;
            let ignored = rules.as_deref().is_some_and(|rules| rules.ignore(&path, is_directory));
            if ignored || path.is_hidden() {
                continue;
            }
            if is_directory {
                if enter(&path) {
                    ahead.push((path, rules.clone()));
                }
                continue;
            }
            if leaves.len() == FILES_MAX {
                return Err(SnapshotError::TooMany { what: "files", most: FILES_MAX as u64 });
            }
            leaves.push(Leaf { path, is_link: kind == NodeKind::Link });
        }
    }
    leaves.sort_unstable();
    Ok(leaves)
}

impl Rules {
    /// The rules that hold in `directory`: those from above, and its own if it has any.
    fn read(
        source: &dyn Source,
        directory: &RepoPath,
        entries: &[(RepoPath, NodeKind)],
        above: Option<Arc<Self>>,
    ) -> Result<Option<Arc<Self>>, SnapshotError> {
        // Git follows no link to rules either.
        let is_rules = |(path, kind): &&(RepoPath, NodeKind)| {
            path.name() == ".gitignore" && *kind == NodeKind::File
        };
        let Some((path, _)) = entries.iter().find(is_rules) else { return Ok(above) };
        let bytes = source.bytes(path, 0, RULES_BYTES_MAX + 1)?;
        if bytes.len() as u64 > RULES_BYTES_MAX {
            return Ok(above);
        }
        let mut builder = GitignoreBuilder::new("");
        let text = String::from_utf8_lossy(&bytes);
        for line in text.trim_start_matches('\u{feff}').lines() {
            // A line that is no pattern ignores nothing, as with git.
            let _unusable = builder.add_line(None, line).is_err();
        }
        match builder.build() {
            Ok(matcher) if !matcher.is_empty() => {
                Ok(Some(Arc::new(Self { directory: directory.clone(), matcher, above })))
            }
            Ok(_) | Err(_) => Ok(above),
        }
    }

    /// Whether `path` is ignored; the nearest rule decides.
    fn ignore(&self, path: &RepoPath, is_directory: bool) -> bool {
        let mut rules = Some(self);
        while let Some(here) = rules {
            let inside = match here.directory.as_str().len() {
                0 => path.as_str(),
                length => &path.as_str()[length + 1..],
            };
            match here.matcher.matched(inside, is_directory) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => rules = here.above.as_deref(),
            }
        }
        false
    }
}
