//! Questions about the repository, as it was when the step began.
//!
//! Paths are relative to the repository's root, separated by `/`, without `..`; the root itself
//! is the empty string. Every question is recorded with its answer, and that record is what the
//! tool's output is cached by. So ask for what you need and no more: a tool that globs `**` is
//! asked again whenever any file comes or goes.

use serde::{Deserialize, Serialize};

use crate::host;

/// The most patterns of one [`Glob`] or [`Search`].
pub const PATTERNS_MAX: usize = 64;
/// The most paths one [`Glob`] finds.
pub const PATHS_MAX: u32 = 20_000;
/// The most lines one [`Search`] finds.
pub const MATCHES_MAX: u32 = 2_000;
/// The most lines of context on each side of a match.
pub const CONTEXT_LINES_MAX: u32 = 20;
/// The most bytes of a search pattern.
pub const PATTERN_LEN_MAX: usize = 1024;
/// The most bytes [`read`] answers with.
pub const READ_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Which state of the repository is asked. In JSON: `"head"` or `"base"`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tree {
    /// The state the step is about, with a proposed patch where there is one.
    #[default]
    Head,
    /// The state it is compared with; there may be none.
    Base,
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
}

/// What is known of a path without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    /// What the path leads to; [`Kind::Symlink`] only where the link leads nowhere inside.
    pub kind: Kind,
    /// Bytes of a file; 0 for everything else.
    pub size: u64,
    /// Whether a file may be executed.
    pub executable: bool,
}

/// A name in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The name, without a slash.
    pub name: String,
    /// What the name itself is: a link is a [`Kind::Symlink`] here.
    pub kind: Kind,
}

/// Files that were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Their paths, sorted.
    pub paths: Vec<String>,
    /// Whether there were more than asked for.
    pub truncated: bool,
}

/// A line that matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineMatch {
    /// The file.
    pub path: String,
    /// The line, counted from 1.
    pub line: u32,
    /// The line's text, cut at 400 bytes.
    pub text: String,
    /// Lines before it, as asked for.
    pub before: Vec<String>,
    /// Lines after it, as asked for.
    pub after: Vec<String>,
}

/// Lines that matched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matches {
    /// The matches, sorted by path and line.
    pub lines: Vec<LineMatch>,
    /// Whether there were more than asked for.
    pub truncated: bool,
}

/// Why a question got no answer. It is an answer all the same, and cached like one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Nothing stands there.
    #[error("there is nothing at this path")]
    NotFound,
    /// A directory or a link stands where a file was asked for.
    #[error("this is not a file")]
    NotAFile,
    /// Something else stands where a directory was asked for.
    #[error("this is not a directory")]
    NotADirectory,
    /// The path is absolute, has `..`, or a character that no name may have.
    #[error("the path cannot be used: {0}")]
    InvalidPath(String),
    /// The path leads out of the repository.
    #[error("the path leads out of the repository")]
    Outside,
    /// The step does not grant this path.
    #[error("the step does not let tools see this: {0}")]
    NotGranted(String),
    /// The file has more bytes than one answer may carry; its size in bytes.
    #[error("the file is too large to be read whole ({0} bytes)")]
    TooLarge(u64),
    /// There is no such tree.
    #[error("this step has nothing to compare with, so there is no base tree; ask for `head`")]
    NoSuchTree,
    /// The pattern cannot be used.
    #[error("the pattern cannot be used: {0}")]
    InvalidPattern(String),
    /// The system would not read it.
    #[error("it could not be read: {0}")]
    Unreadable(String),
}

/// A question that got no answer, and why. As a [`Refusal`](crate::Refusal) it says both.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {reason}", named(.about), if *.tree == Tree::Base { " in the base tree" } else { "" })]
pub struct Error {
    /// The path or pattern that was asked about.
    pub about: String,
    /// The tree that was asked.
    pub tree: Tree,
    /// Why there is no answer.
    pub reason: Reason,
}

/// The root's path is empty, which reads badly.
fn named(about: &str) -> String {
    if about.is_empty() { "the repository's root".to_owned() } else { format!("`{about}`") }
}

impl Error {
    fn new(tree: Tree, about: &str, reason: Reason) -> Self {
        Self { about: about.to_owned(), tree, reason }
    }
}

/// The bytes of a file, at most [`READ_BYTES_MAX`].
///
/// # Errors
///
/// Where there is no such file, or it may not be read.
pub fn read(tree: Tree, path: &str) -> Result<Vec<u8>, Error> {
    host::read(tree, path).map_err(|reason| Error::new(tree, path, reason))
}

/// A file's text. Bytes that are no UTF-8 become U+FFFD, and a byte order mark is left out.
///
/// # Errors
///
/// As [`read`]; never for the bytes themselves.
pub fn read_text(tree: Tree, path: &str) -> Result<String, Error> {
    let bytes = read(tree, path)?;
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

/// At most `length` bytes of a file from `offset` on; fewer at its end. For large files: the
/// whole of a small one is cheaper and cached better.
///
/// # Errors
///
/// As [`read`].
pub fn read_range(tree: Tree, path: &str, offset: u64, length: u32) -> Result<Vec<u8>, Error> {
    host::read_range(tree, path, offset, length).map_err(|reason| Error::new(tree, path, reason))
}

/// What stands at a path, its size and its mode, all at once.
///
/// An output that was made of this is lost when any of them changes: [`kind`], [`size`] and
/// [`is_executable`] ask for less.
///
/// # Errors
///
/// Where nothing stands there, or it may not be asked.
pub fn stat(tree: Tree, path: &str) -> Result<Metadata, Error> {
    host::stat(tree, path).map_err(|reason| Error::new(tree, path, reason))
}

/// What stands at a path, if anything does. Asking for what is not there is cheap.
///
/// # Errors
///
/// Where it may not be asked.
pub fn kind(tree: Tree, path: &str) -> Result<Option<Kind>, Error> {
    host::kind_of(tree, path).map_err(|reason| Error::new(tree, path, reason))
}

/// Whether anything stands at a path.
///
/// # Errors
///
/// As [`kind`].
pub fn exists(tree: Tree, path: &str) -> Result<bool, Error> {
    Ok(kind(tree, path)?.is_some())
}

/// Whether a file stands at a path.
///
/// # Errors
///
/// As [`kind`].
pub fn is_file(tree: Tree, path: &str) -> Result<bool, Error> {
    Ok(kind(tree, path)? == Some(Kind::File))
}

/// Whether a directory stands at a path.
///
/// # Errors
///
/// As [`kind`].
pub fn is_directory(tree: Tree, path: &str) -> Result<bool, Error> {
    Ok(kind(tree, path)? == Some(Kind::Directory))
}

/// How many bytes a file has.
///
/// # Errors
///
/// Where there is no such file, or it may not be asked.
pub fn size(tree: Tree, path: &str) -> Result<u64, Error> {
    host::size_of(tree, path).map_err(|reason| Error::new(tree, path, reason))
}

/// Whether a file may be executed.
///
/// # Errors
///
/// As [`size`].
pub fn is_executable(tree: Tree, path: &str) -> Result<bool, Error> {
    host::is_executable(tree, path).map_err(|reason| Error::new(tree, path, reason))
}

/// The names in a directory, sorted by their bytes, ignored ones too.
///
/// # Errors
///
/// Where there is no such directory, or it may not be read.
pub fn list(tree: Tree, path: &str) -> Result<Vec<Entry>, Error> {
    host::list_directory(tree, path).map_err(|reason| Error::new(tree, path, reason))
}

/// Finds files by their paths.
///
/// Patterns are over whole paths: `*` stays within a name, `**` crosses directories, and `?`,
/// `[a-z]`, `{a,b}` are what they are in a shell. A path is found when any pattern matches.
///
/// ```
/// # use stepwell::{Tree, repository::Glob, testing::Repository};
/// # Repository::new().file("a/Cargo.lock", "").run(|| {
/// let locks = Glob::new(["**/Cargo.lock", "**/package-lock.json"]).max(200).find(Tree::Head)?;
/// # assert_eq!(locks.paths, ["a/Cargo.lock"]);
/// # Ok::<_, stepwell::repository::Error>(())
/// # }).answer.unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[must_use = "asks nothing until `find` is called"]
pub struct Glob {
    pub(crate) patterns: Vec<String>,
    pub(crate) include_ignored: bool,
    pub(crate) max_paths: u32,
}

impl Glob {
    /// Files that match any of at most [`PATTERNS_MAX`] patterns.
    pub fn new<P: Into<String>>(patterns: impl IntoIterator<Item = P>) -> Self {
        let patterns = patterns.into_iter().map(Into::into).collect();
        Self { patterns, include_ignored: false, max_paths: PATHS_MAX }
    }

    /// Whether to look into what the repository's ignore files leave out, too.
    pub fn include_ignored(self, include_ignored: bool) -> Self {
        Self { include_ignored, ..self }
    }

    /// The most paths to answer with, [`PATHS_MAX`] at most (and by default).
    pub fn max(self, max_paths: u32) -> Self {
        Self { max_paths: max_paths.min(PATHS_MAX), ..self }
    }

    /// Asks.
    ///
    /// # Errors
    ///
    /// Where a pattern cannot be used, or there is no such tree.
    pub fn find(&self, tree: Tree) -> Result<Found, Error> {
        host::glob(tree, self)
            .map_err(|reason| Error::new(tree, &self.patterns.join("`, `"), reason))
    }
}

/// Finds lines by what they say. Binary and ignored files are not searched.
///
/// ```
/// # use stepwell::{Tree, repository::Search, testing::Repository};
/// # Repository::new().file("a.rs", "fn f() { todo!() }").run(|| {
/// let found = Search::new(r"todo!\(").within(["**/*.rs"]).max(50).find(Tree::Head)?;
/// # assert_eq!(found.lines[0].line, 1);
/// # Ok::<_, stepwell::repository::Error>(())
/// # }).answer.unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[must_use = "asks nothing until `find` is called"]
pub struct Search {
    pub(crate) pattern: String,
    pub(crate) literal: bool,
    pub(crate) ignore_case: bool,
    pub(crate) globs: Vec<String>,
    pub(crate) context_lines: u32,
    pub(crate) max_matches: u32,
}

impl Search {
    /// Lines that match a regular expression of the `regex` crate (linear time, no look-around),
    /// at most [`PATTERN_LEN_MAX`] bytes.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self {
            pattern: pattern.into(),
            literal: false,
            ignore_case: false,
            globs: Vec::new(),
            context_lines: 0,
            max_matches: MATCHES_MAX,
        }
    }

    /// Whether to take the pattern as plain text.
    pub fn literal(self, literal: bool) -> Self {
        Self { literal, ..self }
    }

    /// Whether `A` matches `a`.
    pub fn ignore_case(self, ignore_case: bool) -> Self {
        Self { ignore_case, ..self }
    }

    /// Only files whose path matches one of these patterns; none means every file.
    pub fn within<P: Into<String>>(self, globs: impl IntoIterator<Item = P>) -> Self {
        Self { globs: globs.into_iter().map(Into::into).collect(), ..self }
    }

    /// Lines to show on each side of a match, [`CONTEXT_LINES_MAX`] at most.
    pub fn context(self, lines: u32) -> Self {
        Self { context_lines: lines.min(CONTEXT_LINES_MAX), ..self }
    }

    /// The most matches to answer with, [`MATCHES_MAX`] at most (and by default).
    pub fn max(self, max_matches: u32) -> Self {
        Self { max_matches: max_matches.min(MATCHES_MAX), ..self }
    }

    /// Asks.
    ///
    /// # Errors
    ///
    /// Where the pattern or a glob cannot be used, or there is no such tree.
    pub fn find(&self, tree: Tree) -> Result<Matches, Error> {
        host::search(tree, self).map_err(|reason| Error::new(tree, &self.pattern, reason))
    }
}
