//! Which files differ between base and head.
//!
//! The contract has no question for that, so both trees are listed, and what is in both is read
//! and compared, as far as a ceiling; sizes alone would miss every change of a digit. [`of`] is
//! the one place that knows it; a question of the host's for it would replace [`compared`].

use std::collections::BTreeSet;

use answers::{Place, pattern_of};
use stepwell::repository::{self, Found, Glob, Reason};
use stepwell::{Refusal, Tree};

use crate::renames;

/// Files in both trees that are read. A host allows a call ten thousand questions, and this is
/// most of them.
const COMMON_MAX: usize = 3_000;
/// Bytes of one tree that are read for it. A host allows a call four times as many.
const COMPARED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Files whose modes are asked for. Those that change in earnest are among the first of them:
/// scripts, and what changes anyway.
const MODES_MAX: usize = 600;
/// What the host shows beside the head: reports and trees of its own, no change.
const BESIDE: [&str; 2] = [".stepwell/verify/", ".stepwell/trees/"];

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    Everything,
    File(String),
    Globs(Vec<String>),
}

/// What is different.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Sorted by path.
    pub(crate) files: Vec<Change>,
    /// Files in both trees that were too many or too large to compare.
    pub(crate) not_compared: usize,
    /// Why files could not be read, which is as good.
    pub(crate) unread: Vec<String>,
    pub(crate) is_list_cut: bool,
    /// Whether no file of either tree is asked about.
    pub(crate) is_nothing_asked: bool,
    pub(crate) are_renames_cut: bool,
}

/// A file that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// In head; of a deleted file, in base.
    pub(crate) path: String,
    pub(crate) what: What,
}

/// How it differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Added,
    Deleted,
    Modified { mode: Option<Mode> },
    Renamed { from: String, similarity: u8 },
}

/// How the mode of a file changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    NowExecutable,
    NoLongerExecutable,
}

impl Scope {
    pub(crate) fn new(path: Option<&str>, globs: &[String]) -> Result<Self, Refusal> {
        match (path, globs) {
            (Some(_), [_, ..]) => Err(Refusal::new("give `path` or `globs`, not both")),
            (Some(path), []) => {
                Ok(Self::File(path.trim_start_matches("./").trim_end_matches('/').to_owned()))
            }
            (None, []) => Ok(Self::Everything),
            (None, globs) => Ok(Self::Globs(globs.iter().map(|glob| tidy(glob)).collect())),
        }
    }

    /// Whether it names this file, and does not only match it.
    pub(crate) fn names(&self, path: &str) -> bool {
        match self {
            Self::Everything => false,
            Self::File(named) => named == path,
            Self::Globs(globs) => globs.iter().any(|glob| glob == path),
        }
    }

    fn patterns(&self) -> Vec<String> {
        match self {
            Self::Everything => vec!["**".to_owned()],
            Self::File(path) => vec![pattern_of(path)],
            Self::Globs(globs) => globs.clone(),
        }
    }
}

/// Models write `./src/` and mean `src/**`.
fn tidy(glob: &str) -> String {
    let glob = glob.strip_prefix("./").unwrap_or(glob);
    if glob.ends_with('/') { format!("{glob}**") } else { glob.to_owned() }
}

/// What differs, of what is asked about.
pub(crate) fn of(scope: &Scope) -> Result<Changes, Refusal> {
    let patterns = scope.patterns();
    let (base, head) = Listed::both(&patterns)?;
    let one_sided = base.paths.symmetric_difference(&head.paths).next().is_some();
    if let Scope::File(path) = scope
        && base.paths.is_empty()
        && head.paths.is_empty()
    {
        return Err(Refusal::new(nothing_at(path)));
    }
    let mut changes = compared(&base, &head);
    changes.is_list_cut = base.is_cut || head.is_cut;
    changes.is_nothing_asked = base.paths.is_empty() && head.paths.is_empty();
    if one_sided {
        // A file that moved into what is asked about, or out of it, is a pair all the same.
        let (all_base, all_head) = match scope {
            Scope::Everything => (base.clone(), head.clone()),
            Scope::File(_) | Scope::Globs(_) => Listed::both(&["**".to_owned()])?,
        };
        let only = |these: &Listed, those: &Listed| -> Vec<String> {
            these.paths.difference(&those.paths).cloned().collect()
        };
        let deleted = only(&all_base, &all_head);
        let added = only(&all_head, &all_base);
        let found = renames::among(&deleted, &added);
        changes.are_renames_cut = found.is_cut;
        let is_asked = |path: &String| base.paths.contains(path) || head.paths.contains(path);
        changes.files.extend(found.one_sided(&deleted, &added, is_asked));
    }
    changes.files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(changes)
}

/// What would work instead of a path where no file is.
fn nothing_at(path: &str) -> String {
    let is_directory = |tree| repository::is_directory(tree, path).unwrap_or(false);
    if is_directory(Tree::Head) || is_directory(Tree::Base) {
        return format!("`{path}` is a directory: its files are `{path}/**` in `globs`");
    }
    format!(
        "`{path}` is neither in base nor in head; `diff` with `stat` lists the files that differ"
    )
}

#[derive(Debug, Clone)]
struct Listed {
    paths: BTreeSet<String>,
    is_cut: bool,
}

impl Listed {
    /// Both trees. Where a list is cut, so is the other one: what comes after may be in both.
    fn both(patterns: &[String]) -> Result<(Self, Self), Refusal> {
        let (mut base, mut head) =
            (Self::of(Tree::Base, patterns)?, Self::of(Tree::Head, patterns)?);
        let ends = [&base, &head].into_iter().filter(|list| list.is_cut);
        if let Some(end) = ends.filter_map(|list| list.paths.last()).min().cloned() {
            base.paths.retain(|path| *path <= end);
            head.paths.retain(|path| *path <= end);
        }
        Ok((base, head))
    }

    fn of(tree: Tree, patterns: &[String]) -> Result<Self, Refusal> {
        let Found { paths, truncated } =
            Glob::new(patterns.iter().cloned()).find(tree).map_err(|error| refusal(&error))?;
        let is_beside = |path: &String| BESIDE.iter().any(|beside| path.starts_with(beside));
        let paths = paths.into_iter().filter(|path| !is_beside(path)).collect();
        Ok(Self { paths, is_cut: truncated })
    }
}

fn refusal(error: &repository::Error) -> Refusal {
    match error.reason {
        Reason::NoSuchTree => Refusal::new(
            "there is no base: the step has nothing to compare with, so nothing can differ; \
             `list_files` and `read_file` show the head",
        ),
        Reason::NotFound
        | Reason::NotAFile
        | Reason::NotADirectory
        | Reason::InvalidPath(_)
        | Reason::Outside
        | Reason::NotGranted(_)
        | Reason::TooLarge(_)
        | Reason::InvalidPattern(_)
        | Reason::Unreadable(_) => Refusal::new(error.to_string()),
    }
}

/// What is in both trees and differs. What people write is compared first.
fn compared(base: &Listed, head: &Listed) -> Changes {
    let mut common: Vec<&String> = base.paths.intersection(&head.paths).collect();
    common.sort_by_key(|path| Place::of(path));
    let mut changes =
        Changes { not_compared: common.len().saturating_sub(COMMON_MAX), ..Changes::default() };
    let mut bytes_left = COMPARED_BYTES_MAX;
    let mut modes = Modes { left: MODES_MAX };
    let mut same = Vec::new();
    let modified =
        |path: &str, mode| Change { path: path.to_owned(), what: What::Modified { mode } };
    for path in common.into_iter().take(COMMON_MAX) {
        match bytes(path, &mut bytes_left) {
            Ok(Bytes::Differ) => changes.files.push(modified(path, modes.change(path))),
            Ok(Bytes::Same { is_script: true }) => {
                let mode = modes.change(path);
                changes.files.extend(mode.map(|mode| modified(path, Some(mode))));
            }
            Ok(Bytes::Same { is_script: false }) => same.push(path),
            Err(Unknown::TooMuch) => changes.not_compared += 1,
            Err(Unknown::Unread(why)) => changes.unread.push(why),
        }
    }
    for path in same {
        let mode = modes.change(path);
        changes.files.extend(mode.map(|mode| modified(path, Some(mode))));
    }
    changes
}

/// How the bytes of a file before and now compare.
enum Bytes {
    Differ,
    Same { is_script: bool },
}

/// Asks for modes, as long as there are questions left.
struct Modes {
    left: usize,
}

impl Modes {
    fn change(&mut self, path: &str) -> Option<Mode> {
        self.left = self.left.checked_sub(1)?;
        let is_executable = |tree| repository::is_executable(tree, path).ok();
        match (is_executable(Tree::Base)?, is_executable(Tree::Head)?) {
            (false, true) => Some(Mode::NowExecutable),
            (true, false) => Some(Mode::NoLongerExecutable),
            (true, true) | (false, false) => None,
        }
    }
}

/// Why it is not known whether a file differs.
enum Unknown {
    TooMuch,
    Unread(String),
}

impl From<repository::Error> for Unknown {
    fn from(error: repository::Error) -> Self {
        match error.reason {
            Reason::TooLarge(_) => Self::TooMuch,
            Reason::NotFound
            | Reason::NotAFile
            | Reason::NotADirectory
            | Reason::InvalidPath(_)
            | Reason::Outside
            | Reason::NotGranted(_)
            | Reason::NoSuchTree
            | Reason::InvalidPattern(_)
            | Reason::Unreadable(_) => Self::Unread(error.to_string()),
        }
    }
}

fn bytes(path: &str, left: &mut usize) -> Result<Bytes, Unknown> {
    if *left == 0 {
        return Err(Unknown::TooMuch);
    }
    let (before, now) = (repository::read(Tree::Base, path), repository::read(Tree::Head, path));
    let is_too_large = |read: &Result<_, repository::Error>| {
        read.as_ref().is_err_and(|error| matches!(error.reason, Reason::TooLarge(_)))
    };
    if is_too_large(&before) || is_too_large(&now) {
        let sizes = (repository::size(Tree::Base, path)?, repository::size(Tree::Head, path)?);
        return if sizes.0 == sizes.1 { Err(Unknown::TooMuch) } else { Ok(Bytes::Differ) };
    }
    let (before, now) = (before?, now?);
    *left = left.saturating_sub(before.len().max(now.len()));
    if before != now {
        return Ok(Bytes::Differ);
    }
    Ok(Bytes::Same { is_script: now.starts_with(b"#!") })
}
