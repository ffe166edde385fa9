//! What can be asked of a tree, and what is answered. The words are those of `wit/tool.wit`.
//!
//! An answer depends on the tree and the question alone, never on how the tree is stored: a
//! directory, the commit of it and an overlay that gives the same files answer alike.
//!
//! These are all the questions there are. A tool cannot call another tool, so there is none about
//! what another tool answered.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::SnapshotError;
use crate::digest::{Digest, DigestWriter};

/// Which state of the repository is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tree {
    /// The state the step is about.
    Head,
    /// The state it is compared with.
    Base,
}

/// A question about one tree. Paths are as the guest wrote them: an invalid one is answered, too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// The bytes of a file.
    Content {
        /// Which tree.
        tree: Tree,
        /// Which file.
        path: String,
    },
    /// Some bytes of a file.
    Range {
        /// Which tree.
        tree: Tree,
        /// Which file.
        path: String,
        /// The first byte.
        offset: u64,
        /// The most bytes to answer with.
        length: u32,
    },
    /// All that is known of a path without reading it. Whoever needs only a part asks for that: a
    /// kind outlives every edit of a file.
    Stat {
        /// Which tree.
        tree: Tree,
        /// Where.
        path: String,
    },
    /// What stands at a path, if anything does.
    Kind {
        /// Which tree.
        tree: Tree,
        /// Where.
        path: String,
    },
    /// How many bytes a file has.
    Size {
        /// Which tree.
        tree: Tree,
        /// Which file.
        path: String,
    },
    /// Whether a file may be executed.
    Executable {
        /// Which tree.
        tree: Tree,
        /// Which file.
        path: String,
    },
    /// Where the link at a path points; no other link on the way there is more than followed.
    Link {
        /// Which tree.
        tree: Tree,
        /// Which link.
        path: String,
    },
    /// When the commit was made that the tree is or stems from.
    Time {
        /// Which tree.
        tree: Tree,
    },
    /// The value of a variable of the environment.
    Variable {
        /// Its name.
        name: String,
    },
    /// All variables that are granted.
    Variables,
    /// The names in a directory.
    List {
        /// Which tree.
        tree: Tree,
        /// Which directory.
        path: String,
    },
    /// The files whose paths match.
    Glob {
        /// Which tree.
        tree: Tree,
        /// Which paths.
        query: GlobQuery,
    },
    /// The lines that match.
    Search {
        /// Which tree.
        tree: Tree,
        /// Which lines.
        query: SearchQuery,
    },
}

/// Which paths to find.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct GlobQuery {
    /// Patterns over whole paths; a path is found when any matches.
    pub patterns: Vec<String>,
    /// Whether to look into what the ignore files leave out, too.
    pub include_ignored: bool,
    /// The most paths to answer with; cut to [`Self::PATHS_MAX`].
    pub max_paths: u32,
}

/// What to search for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SearchQuery {
    /// A regular expression over one line.
    pub pattern: String,
    /// Whether to take the pattern as plain text.
    pub literal: bool,
    /// Whether `A` matches `a`.
    pub ignore_case: bool,
    /// Only files whose path matches one of these; none means every file.
    pub globs: Vec<String>,
    /// Lines to show around each match; cut to [`Self::CONTEXT_MAX`].
    pub context_lines: u32,
    /// The most matches to answer with; cut to [`Self::MATCHES_MAX`].
    pub max_matches: u32,
}

impl GlobQuery {
    /// The contract's ceiling: a list no model reads to its end, and 1 MiB of a guest's memory.
    pub const PATHS_MAX: u32 = 20_000;
}

impl SearchQuery {
    /// The contract's ceiling: more context than this is a read of the file.
    pub const CONTEXT_MAX: u32 = 20;
    /// The contract's ceiling: more matches than this want a better pattern.
    pub const MATCHES_MAX: u32 = 2_000;
}

impl Question {
    /// The tree it asks.
    pub fn tree(&self) -> Tree {
        match self {
            Self::Content { tree, .. }
            | Self::Range { tree, .. }
            | Self::Stat { tree, .. }
            | Self::Kind { tree, .. }
            | Self::Size { tree, .. }
            | Self::Executable { tree, .. }
            | Self::Link { tree, .. }
            | Self::Time { tree }
            | Self::List { tree, .. }
            | Self::Glob { tree, .. }
            | Self::Search { tree, .. } => *tree,
            // It is the run's, and the same for both.
            Self::Variable { .. } | Self::Variables => Tree::Head,
        }
    }
}

impl Question {
    /// The one path that it is about.
    pub(crate) fn place(&self) -> Option<&str> {
        match self {
            Self::Content { path, .. }
            | Self::Range { path, .. }
            | Self::Stat { path, .. }
            | Self::Kind { path, .. }
            | Self::Size { path, .. }
            | Self::Executable { path, .. } => Some(path),
            Self::Link { .. }
            | Self::Time { .. }
            | Self::Variable { .. }
            | Self::Variables
            | Self::List { .. }
            | Self::Glob { .. }
            | Self::Search { .. } => None,
        }
    }
}

/// What is asked, in words that fit after "it depends on".
/// The most patterns that a question is shown with: nobody reads forty.
const PATTERNS_SHOWN_MAX: usize = 4;

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content { path, .. } => write!(f, "the content of {path:?}"),
            Self::Range { path, offset, length, .. } => {
                write!(f, "{length} bytes of {path:?} from {offset} on")
            }
            Self::Stat { path, .. } => write!(f, "kind, size and mode of {path:?}"),
            Self::Kind { path, .. } => write!(f, "what stands at {path:?}"),
            Self::Size { path, .. } => write!(f, "the size of {path:?}"),
            Self::Executable { path, .. } => write!(f, "whether {path:?} may be executed"),
            Self::Link { path, .. } => write!(f, "where the link {path:?} points"),
            Self::Time { .. } => f.write_str("the time of the commit"),
            Self::Variable { name } => write!(f, "the variable {name:?}"),
            Self::Variables => f.write_str("the variables that are granted"),
            Self::List { path, .. } => write!(f, "the names in {path:?}"),
            Self::Glob { query, .. } => {
                let (shown, more) =
                    query.patterns.split_at(query.patterns.len().min(PATTERNS_SHOWN_MAX));
                write!(f, "the files that match {shown:?}")?;
                if more.is_empty() { Ok(()) } else { write!(f, " and {} more", more.len()) }
            }
            Self::Search { query, .. } => write!(f, "the lines that match {:?}", query.pattern),
        }?;
        match self.tree() {
            Tree::Head => Ok(()),
            Tree::Base => f.write_str(" in the base"),
        }
    }
}

/// The answer to the [`Question`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The bytes of a file.
    Content(Vec<u8>),
    /// Some bytes of a file.
    Range(Vec<u8>),
    /// All that is known of a path without reading it.
    Stat(Metadata),
    /// What the path leads to, a link only where it leads nowhere inside; none where nothing stands.
    Kind(Option<Kind>),
    /// Bytes of a file.
    Size(u64),
    /// Whether a file may be executed.
    Executable(bool),
    /// Where the link points, as it is written there; none where something else stands.
    Link(Option<String>),
    /// Seconds since 1970; [`Snapshot::NO_TIME_S`](crate::Snapshot::NO_TIME_S) without a commit.
    Time(u64),
    /// What the variable holds; none where it is not set.
    Variable(Option<String>),
    /// Names and values, sorted by name, of those that are set.
    Variables(Vec<(String, String)>),
    /// The names in a directory, sorted by their bytes.
    List(Vec<Entry>),
    /// Files that were found.
    Glob(Found),
    /// Lines that matched.
    Search(Matches),
    /// No answer, and why.
    Denied(ReadError),
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
}

/// What is known of a path without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Metadata {
    /// What the path leads to; a link only where it leads nowhere inside.
    pub kind: Kind,
    /// Bytes of a file; 0 for everything else.
    pub size: u64,
    /// Whether a file may be executed.
    pub executable: bool,
}

/// A name in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// The name, without a slash.
    pub name: String,
    /// What the name itself is.
    pub kind: Kind,
}

/// Files that were found, sorted by path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Found {
    /// Their paths.
    pub paths: Vec<String>,
    /// Whether there were more.
    pub truncated: bool,
}

/// A line that matched.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LineMatch {
    /// The file.
    pub path: String,
    /// The line, counted from 1.
    pub line: u32,
    /// The line's text, cut.
    pub text: String,
    /// Lines before it.
    pub before: Vec<String>,
    /// Lines after it.
    pub after: Vec<String>,
}

/// Lines that matched, sorted by path and line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Matches {
    /// The matches.
    pub lines: Vec<LineMatch>,
    /// Whether there were more.
    pub truncated: bool,
}

/// Why a question got no answer. It is an answer all the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum ReadError {
    /// Nothing stands there.
    #[error("nothing stands there")]
    NotFound,
    /// A directory, a link or a device stands where a file was asked for.
    #[error("it is not a file")]
    NotAFile,
    /// Something else stands where a directory was asked for.
    #[error("it is not a directory")]
    NotADirectory,
    /// The path is no path; the text says why.
    #[error("the path cannot be used: {0}")]
    InvalidPath(String),
    /// The path leads out of the repository.
    #[error("it leads out of the repository")]
    Outside,
    /// The step does not grant this path; the text names the grant that is missing.
    #[error("the step does not grant it; it would need `{0}`")]
    NotGranted(String),
    /// The file has more bytes than one answer may carry; its size.
    #[error("it has {0} bytes, more than one answer may carry")]
    TooLarge(u64),
    /// There is no such tree.
    #[error("there is nothing to compare with")]
    NoSuchTree,
    /// The pattern cannot be used; the text says why.
    #[error("the pattern cannot be used: {0}")]
    InvalidPattern(String),
    /// The system would not read it; the text says what it said.
    #[error("{0}")]
    Unreadable(String),
}

impl From<SnapshotError> for ReadError {
    fn from(err: SnapshotError) -> Self {
        match err {
            SnapshotError::TooLarge { bytes, .. } => Self::TooLarge(bytes),
            SnapshotError::Unreadable { .. }
            | SnapshotError::TooMany { .. }
            | SnapshotError::Unwritable { .. } => Self::Unreadable(err.to_string()),
        }
    }
}

/// What an answer's digest is for.
const ANSWER: &str = "stepwell 2026-11 answer v1";

/// The digest of [`Answer::Content`] of these bytes.
pub(crate) fn content_digest(bytes: &[u8]) -> Digest {
    DigestWriter::new(ANSWER).text("content").bytes(bytes).finish()
}

impl Answer {
    /// What enters a cache key: the same for the same answer, and for no other.
    pub fn digest(&self) -> Digest {
        let mut writer = DigestWriter::new(ANSWER);
        match self {
            Self::Content(bytes) => return content_digest(bytes),
            Self::Range(bytes) => writer.text("range").bytes(bytes),
            Self::Stat(Metadata { kind, size, executable }) => {
                writer.text("stat").text(kind.word()).number(*size).flag(*executable)
            }
            Self::Kind(kind) => writer.text("kind").text(kind.map_or("absent", Kind::word)),
            Self::Size(bytes) => writer.text("size").number(*bytes),
            Self::Executable(may) => writer.text("executable").flag(*may),
            Self::Link(target) => {
                writer.text("link").flag(target.is_some());
                writer.text(target.as_deref().unwrap_or_default())
            }
            Self::Time(seconds) => writer.text("time").number(*seconds),
            Self::Variable(value) => {
                writer.text("variable").flag(value.is_some());
                writer.text(value.as_deref().unwrap_or_default())
            }
            Self::Variables(all) => {
                writer.text("variables").count(all.len());
                for (name, value) in all {
                    writer.text(name).text(value);
                }
                &mut writer
            }
            Self::List(entries) => {
                writer.text("list").count(entries.len());
                for Entry { name, kind } in entries {
                    writer.text(name).text(kind.word());
                }
                &mut writer
            }
            Self::Glob(Found { paths, truncated }) => {
                writer.text("glob").flag(*truncated);
                write_texts(&mut writer, paths)
            }
            Self::Search(Matches { lines, truncated }) => {
                writer.text("search").flag(*truncated).count(lines.len());
                for LineMatch { path, line, text, before, after } in lines {
                    writer.text(path).number(u64::from(*line)).text(text);
                    write_texts(&mut writer, before);
                    write_texts(&mut writer, after);
                }
                &mut writer
            }
            Self::Denied(why) => write_denied(writer.text("denied"), why),
        };
        writer.finish()
    }

    /// Whether the system failed us. Such an answer says nothing of the tree: what a tool made of
    /// it must not be cached.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Denied(ReadError::Unreadable(_)))
    }

    /// The bytes it holds, for those who bound memory.
    pub(crate) fn weight(&self) -> usize {
        let texts = |texts: &[String]| texts.iter().map(|text| text.len() + 24).sum::<usize>();
        match self {
            Self::Content(bytes) | Self::Range(bytes) => bytes.len(),
            Self::Stat(_)
            | Self::Kind(_)
            | Self::Size(_)
            | Self::Executable(_)
            | Self::Time(_)
            | Self::Denied(_) => 64,
            Self::Link(text) | Self::Variable(text) => text.as_ref().map_or(0, String::len),
            Self::Variables(all) => all.iter().map(|(name, value)| name.len() + value.len()).sum(),
            Self::List(entries) => entries.iter().map(|entry| entry.name.len() + 32).sum(),
            Self::Glob(found) => texts(&found.paths),
            Self::Search(Matches { lines, .. }) => lines
                .iter()
                .map(|line| {
                    line.path.len() + line.text.len() + texts(&line.before) + texts(&line.after)
                })
                .sum(),
        }
    }
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Symlink => "symlink",
        }
    }
}

fn write_texts<'a>(writer: &'a mut DigestWriter, texts: &[String]) -> &'a mut DigestWriter {
    writer.count(texts.len());
    for text in texts {
        writer.text(text);
    }
    writer
}

fn write_denied<'a>(writer: &'a mut DigestWriter, why: &ReadError) -> &'a mut DigestWriter {
    match why {
        ReadError::NotFound => writer.text("not-found"),
        ReadError::NotAFile => writer.text("not-a-file"),
        ReadError::NotADirectory => writer.text("not-a-directory"),
        ReadError::InvalidPath(text) => writer.text("invalid-path").text(text),
        ReadError::Outside => writer.text("outside"),
        ReadError::NotGranted(text) => writer.text("not-granted").text(text),
        ReadError::TooLarge(size) => writer.text("too-large").number(*size),
        ReadError::NoSuchTree => writer.text("no-such-tree"),
        ReadError::InvalidPattern(text) => writer.text("invalid-pattern").text(text),
        ReadError::Unreadable(text) => writer.text("unreadable").text(text),
    }
}
