//! All files of a tree, without what its `.gitignore` files leave out.
//!
//! As with git, they leave out only what is not tracked: nothing of a commit, nothing that a
//! patch adds, and nothing of a directory that is in its index.
//!
//! The rules are read from the tree itself, so that a directory, a commit and an overlay agree;
//! no file of the user or of the machine has a say. Links are named, never followed.

use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::source::{NodeKind, PATH_BYTES_MAX, Source, Tracked};
use crate::{RepoPath, SnapshotError, StatCache};

/// The most files of one tree: three times the files of Linux, and some 30 MB of paths.
pub(crate) const FILES_MAX: usize = 250_000;

/// The most names looked at on the way, ignored ones too: some seconds.
const VISITS_MAX: usize = 1_000_000;

/// A larger `.gitignore` was not written to ignore files; its rules do not count.
const RULES_BYTES_MAX: u64 = 1 << 20;

/// The rules of a whole tree: many times what the largest public repository has. Each line
/// of them takes a hundred bytes while it may count.
const ALL_RULES_BYTES_MAX: usize = 4 << 20;

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

/// What a walk depends on beside what is tracked.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    /// The directories that were listed.
    pub(crate) directories: Vec<RepoPath>,
    /// The ignore files that were read.
    pub(crate) rules: Vec<RepoPath>,
    /// What is tracked below directories that are ignored, and was found there.
    pub(crate) looked_up: Vec<(RepoPath, Option<NodeKind>)>,
}

/// All files and links that no rule leaves out, sorted by path.
pub(crate) fn walk(source: &dyn Source) -> Result<Arc<Vec<Leaf>>, SnapshotError> {
    if let Some(leaves) = source.walked() {
        return Ok(leaves);
    }
    let started = source.stats().map(StatCache::now);
    let (leaves, trail) = match source.tracked() {
        Tracked::Everything => walk_where(source, None, |_| true),
        tracked @ Tracked::Paths(_) => walk_where(source, Some(&tracked), |_| true),
    }?;
    let leaves = Arc::new(leaves);
    if let Some(started) = started {
        source.note_walk(started, trail, &leaves);
    }
    Ok(leaves)
}

/// All files and links, ignored ones too, of the directories that `enter` lets us into.
pub(crate) fn walk_ignored(
    source: &dyn Source,
    enter: impl Fn(&RepoPath) -> bool,
) -> Result<Vec<Leaf>, SnapshotError> {
    walk_where(source, None, enter).map(|(leaves, _)| leaves)
}

/// With `tracked` the rules are obeyed for everything else; without, they are not read.
fn walk_where(
    source: &dyn Source,
    tracked: Option<&Tracked>,
    enter: impl Fn(&RepoPath) -> bool,
) -> Result<(Vec<Leaf>, Trail), SnapshotError> {
    let mut leaves = Leaves::default();
    let mut ahead: Vec<(RepoPath, Option<Arc<Rules>>)> = vec![(RepoPath::root(), None)];
    while let Some((directory, above)) = ahead.pop() {
        let entries = source.entries(&directory)?;
        leaves.trail.directories.push(directory.clone());
        leaves.visit(entries.iter().map(|(path, _)| path))?;
        let rules = match tracked {
            Some(_) => Rules::read(source, &directory, &entries, above, &mut leaves)?,
            None => None,
        };
        for (path, kind) in entries {
            if path.is_hidden() {
                continue;
            }
            let is_directory = kind == NodeKind::Directory;
            let ignored = rules.as_deref().is_some_and(|rules| rules.ignore(&path, is_directory));
            match (kind, tracked) {
                (NodeKind::Directory, Some(tracked)) if ignored => {
                    leaves.add_tracked(source, tracked, &path)?;
                }
                (NodeKind::Directory, _) if enter(&path) => ahead.push((path, rules.clone())),
                (NodeKind::Directory, _) => {}
                (NodeKind::File | NodeKind::Link, Some(tracked))
                    if ignored && !tracked.has(&path) => {}
                (NodeKind::File | NodeKind::Link, _) => {
                    leaves.add(path, kind == NodeKind::Link)?;
                }
            }
        }
    }
    leaves.found.sort_unstable();
    Ok((leaves.found, leaves.trail))
}

/// What a walk has found so far.
#[derive(Debug, Default)]
struct Leaves {
    found: Vec<Leaf>,
    visits: usize,
    bytes: usize,
    rules: usize,
    trail: Trail,
}

impl Leaves {
    fn visit<'a>(
        &mut self,
        paths: impl Iterator<Item = &'a RepoPath>,
    ) -> Result<(), SnapshotError> {
        for path in paths {
            self.visits += 1;
            self.bytes += path.as_str().len();
        }
        within("names", self.visits, VISITS_MAX)?;
        within("bytes of paths", self.bytes, PATH_BYTES_MAX)
    }

    fn count_rules(&mut self, bytes: usize) -> Result<(), SnapshotError> {
        self.rules += bytes;
        within("bytes of `.gitignore` files", self.rules, ALL_RULES_BYTES_MAX)
    }

    fn add(&mut self, path: RepoPath, is_link: bool) -> Result<(), SnapshotError> {
        if self.found.len() == FILES_MAX {
            return Err(SnapshotError::TooMany { what: "files", most: FILES_MAX as u64 });
        }
        self.found.push(Leaf { path, is_link });
        Ok(())
    }

    /// Adds what is tracked below the ignored `directory`. Each path is looked up by its name:
    /// the directory may hold a whole build beside it, which is not to be listed.
    fn add_tracked(
        &mut self,
        source: &dyn Source,
        tracked: &Tracked,
        directory: &RepoPath,
    ) -> Result<(), SnapshotError> {
        let paths = tracked.below(directory);
        self.visit(paths.iter())?;
        for path in paths {
            if path.is_hidden() {
                continue;
            }
            let kind = source.node(&path)?.kind();
            self.trail.looked_up.push((path.clone(), kind));
            match kind {
                Some(NodeKind::File) => self.add(path, false)?,
                Some(NodeKind::Link) => self.add(path, true)?,
                Some(NodeKind::Directory) | None => {}
            }
        }
        Ok(())
    }
}

fn within(what: &'static str, seen: usize, most: usize) -> Result<(), SnapshotError> {
    if seen > most {
        return Err(SnapshotError::TooMany { what, most: most as u64 });
    }
    Ok(())
}

impl Rules {
    /// The rules that hold in `directory`: those from above, and its own if it has any.
    fn read(
        source: &dyn Source,
        directory: &RepoPath,
        entries: &[(RepoPath, NodeKind)],
        above: Option<Arc<Self>>,
        seen: &mut Leaves,
    ) -> Result<Option<Arc<Self>>, SnapshotError> {
        // Git follows no link to rules either.
        let is_rules = |(path, kind): &&(RepoPath, NodeKind)| {
            path.name() == ".gitignore" && *kind == NodeKind::File
        };
        let Some((path, _)) = entries.iter().find(is_rules) else { return Ok(above) };
        seen.trail.rules.push(path.clone());
        let bytes = source.bytes(path, 0, RULES_BYTES_MAX + 1)?;
        if bytes.len() as u64 > RULES_BYTES_MAX {
            return Ok(above);
        }
        seen.count_rules(bytes.len())?;
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
