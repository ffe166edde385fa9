//! Paths inside a repository, and the names in it that nobody is shown.

use std::fmt;
use std::ops::Bound;

use serde::{Deserialize, Serialize};

/// A path inside a repository: relative, separated by `/`, without empty names, `.` or `..`. The
/// empty path is the root.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoPath(String);

/// Why a text is not a [`RepoPath`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    /// It names a place of the machine, not of the repository.
    #[error("it is absolute; name it from the repository's root")]
    Absolute,
    /// It has a `..`.
    #[error("it has `..`; name it from the repository's root")]
    Parent,
    /// It has a `.`.
    #[error("it has the name `.`; leave it out")]
    Dot,
    /// Two slashes in a row, or one at the end.
    #[error("it has an empty name; use one `/` between names and none at the end")]
    EmptyName,
    /// It has a NUL.
    #[error("it has a NUL character, which no name may have")]
    Nul,
    /// It is longer than any system would open.
    #[error("it is longer than {} bytes", RepoPath::BYTES_MAX)]
    TooLong,
}

impl RepoPath {
    /// The longest path that Linux opens.
    pub const BYTES_MAX: usize = 4095;

    /// The root of the repository.
    pub const fn root() -> Self {
        Self(String::new())
    }

    /// Reads a path as somebody wrote it. Nothing is normalised: one path has one spelling.
    ///
    /// # Errors
    ///
    /// Says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, BadPath> {
        if text.is_empty() {
            return Ok(Self::root());
        }
        if text.len() > Self::BYTES_MAX {
            return Err(BadPath::TooLong);
        }
        if text.starts_with('/') {
            return Err(BadPath::Absolute);
        }
        // Most paths are done here: each of their names begins with a letter.
        if text.ends_with('/') || !is_plain(text, |begins| begins.is_ascii_alphabetic()) {
            text.split('/').try_for_each(check_name)?;
        }
        Ok(Self(text.to_owned()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The names it is made of; none for the root.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|name| !name.is_empty())
    }

    /// The directory it stands in; none for the root.
    pub fn parent(&self) -> Option<Self> {
        self.split().map(|(parent, _)| Self(parent.to_owned()))
    }

    /// The text of the directory it stands in, and its last name; none for the root.
    pub(crate) fn split(&self) -> Option<(&str, &str)> {
        if self.is_root() {
            return None;
        }
        Some(self.0.rsplit_once('/').unwrap_or(("", &self.0)))
    }

    /// The last name of it; empty for the root.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// Whether it stands somewhere below `directory`.
    pub fn is_below(&self, directory: &Self) -> bool {
        match self.0.strip_prefix(&directory.0) {
            Some(rest) if directory.is_root() => !rest.is_empty(),
            Some(rest) => rest.starts_with('/'),
            None => false,
        }
    }

    /// The path of `name` in this directory; none if that would be no path.
    pub(crate) fn join(&self, name: &str) -> Option<Self> {
        if name.contains('/') || check_name(name).is_err() {
            return None;
        }
        let path = if self.is_root() { name.to_owned() } else { format!("{}/{name}", self.0) };
        (path.len() <= Self::BYTES_MAX).then_some(Self(path))
    }

    /// All paths that stand below this directory, as a range of sorted paths.
    pub(crate) fn below(&self) -> (Bound<Self>, Bound<Self>) {
        if self.is_root() {
            return (Bound::Excluded(Self::root()), Bound::Unbounded);
        }
        // `0` is the character after `/`. Neither end is a path; they only bound some.
        let bound = |after: char| Bound::Excluded(Self(format!("{}{after}", self.0)));
        (bound('/'), bound('0'))
    }

    /// The directories it stands in, nearest first, without the root.
    pub(crate) fn ancestors(&self) -> impl Iterator<Item = Self> {
        std::iter::successors(self.parent(), Self::parent).take_while(|path| !path.is_root())
    }

    /// Whether it leads to what belongs to git or to Stepwell, not to the repository.
    pub(crate) fn is_hidden(&self) -> bool {
        let own = |dir: &str| {
            self.0.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        // Most paths are done here: no name in them begins like one of those.
        if is_plain(&self.0, |begins| !matches!(begins, b'.' | b'g' | b'G')) {
            return false;
        }
        own(".stepwell/out") || own(".stepwell/runs") || self.names().any(is_git_directory)
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_root() { "." } else { &self.0 })
    }
}

impl TryFrom<String> for RepoPath {
    type Error = BadPath;

    fn try_from(text: String) -> Result<Self, BadPath> {
        Self::parse(&text)
    }
}

impl From<RepoPath> for String {
    fn from(path: RepoPath) -> Self {
        path.0
    }
}

/// Whether it is ASCII without a NUL, and each of its names begins as `may_begin` says. An empty
/// one begins with the slash that ends it; of the last one nobody is asked when it is empty.
fn is_plain(text: &str, may_begin: impl Fn(u8) -> bool) -> bool {
    let mut before = b'/';
    text.bytes().all(|byte| {
        let begins = std::mem::replace(&mut before, byte) == b'/';
        byte.is_ascii() && byte != 0 && (!begins || may_begin(byte))
    })
}

fn check_name(name: &str) -> Result<(), BadPath> {
    match name {
        "" => Err(BadPath::EmptyName),
        "." => Err(BadPath::Dot),
        ".." => Err(BadPath::Parent),
        _ if name.contains('\0') => Err(BadPath::Nul),
        _ => Ok(()),
    }
}

/// Whether some file system opens `name` as `.git`. Git itself has been fooled by each of these:
/// case, NTFS short names, streams and trailing dots, and characters that HFS+ does not see.
fn is_git_directory(name: &str) -> bool {
    const UNSEEN: [std::ops::RangeInclusive<char>; 4] = [
        '\u{200c}'..='\u{200f}',
        '\u{202a}'..='\u{202e}',
        '\u{206a}'..='\u{206f}',
        '\u{feff}'..='\u{feff}',
    ];
    let seen: String = name
        .chars()
        .filter(|c| !UNSEEN.iter().any(|range| range.contains(c)))
        .take_while(|c| *c != ':')
        .collect();
    let seen = seen.trim_end_matches([' ', '.']);
    seen.eq_ignore_ascii_case(".git") || seen.eq_ignore_ascii_case("git~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_spelling() {
        for good in ["", "a", "a/b", ".github/x", "a b", "ä", "...", "a\\b", "-", "git~2"] {
            assert_eq!(RepoPath::parse(good).map(String::from), Ok(good.to_owned()));
        }
        let long = "a/".repeat(RepoPath::BYTES_MAX);
        let bad = [
            ("/", BadPath::Absolute),
            ("/etc/passwd", BadPath::Absolute),
            ("..", BadPath::Parent),
            ("a/../b", BadPath::Parent),
            ("./a", BadPath::Dot),
            ("a/.", BadPath::Dot),
            ("a/", BadPath::EmptyName),
            ("a//b", BadPath::EmptyName),
            ("a\0b", BadPath::Nul),
            (&long, BadPath::TooLong),
        ];
        for (text, why) in bad {
            assert_eq!(RepoPath::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn no_spelling_of_the_git_directory_is_seen() {
        let hidden = [
            ".git",
            ".GIT",
            ".Git/config",
            "a/.git/hooks",
            "git~1",
            "GIT~1/x",
            ".git ",
            ".git...",
            ".git::$INDEX_ALLOCATION",
            ".g\u{200c}it",
            "\u{feff}.git",
            ".stepwell/out",
            ".stepwell/runs/1",
        ];
        for path in hidden {
            assert!(RepoPath::parse(path).unwrap().is_hidden(), "{path}");
        }
        let seen = [
            ".gitignore",
            ".github/x",
            "git",
            "a.git",
            ".gitmodules",
            ".stepwell",
            ".stepwell/output",
            ".stepwell/steps/a.toml",
            "a/.stepwell/out",
            "git~2",
        ];
        for path in seen {
            assert!(!RepoPath::parse(path).unwrap().is_hidden(), "{path}");
        }
    }

    #[test]
    fn below_means_a_whole_name_below() {
        let path = |text| RepoPath::parse(text).unwrap();
        assert!(path("a/b").is_below(&path("a")));
        assert!(path("a").is_below(&path("")));
        assert!(!path("ab").is_below(&path("a")));
        assert!(!path("a").is_below(&path("a")));
        assert!(!path("").is_below(&path("")));
    }
}
