//! The rules of the house that no lint knows.
//!
//! [`Rule`] is the list of them, each with the message a person gets. `text` looks at one file,
//! `tree` at all of them together. What is material for a test or for a reader (see [`is_data`])
//! may look as it likes, as long as it is small.

mod rust;
mod text;
mod tree;

#[cfg(test)]
mod tests;

use std::env;
use std::fmt;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command::{output, say};
use crate::places;

/// A file of the repository.
#[derive(Debug)]
struct File {
    /// From the root, with `/`.
    path: String,
    bytes: Vec<u8>,
}

/// What is wrong, and where.
#[derive(Debug, Clone)]
struct Complaint {
    path: String,
    /// Counted from 1; `None` where it is about the whole.
    line: Option<usize>,
    rule: Rule,
}

/// What a file or a folder can do wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    TooLong { lines: usize },
    NoPurpose,
    Allow,
    NoReason,
    Unfinished { word: &'static str },
    OneMachine { path: String },
    Registry { host: &'static str },
    Binary,
    LargePicture { bytes: usize },
    TooLarge { bytes: usize },
    Pending,
    NoReadme,
    NoDoor,
    UntestedGuest,
    Forgotten { module: String },
    Unexplained { dependency: String },
    Gone { dependency: String },
}

/// Beyond it nobody reads a file from top to bottom.
const LINES_MAX: usize = 600;

/// A repository carries sources; what is larger was made by something and can be made again.
const BYTES_MAX: usize = 400_000;

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { lines } => {
                write!(f, "{lines} lines, the most is {LINES_MAX}: find the seam and split it")
            }
            Self::NoPurpose => write!(f, "does not begin with `//!`: say what the file is for"),
            Self::Allow => write!(f, "`allow`: use `expect`, which ends when its cause does"),
            Self::NoReason => write!(f, "`expect` without a `reason`"),
            Self::Unfinished { word } => {
                write!(f, "`{word}`: finish it, or write an issue and leave no mark here")
            }
            Self::OneMachine { path } => {
                write!(f, "`{path}` is a path of one machine: make it relative, or made up")
            }
            Self::Registry { host } => {
                write!(f, "`{host}` is a registry: which one to ask is the machine's choice")
            }
            Self::Binary => write!(f, "binary: build it, or keep it in a `data` folder"),
            Self::LargePicture { bytes } => {
                write!(f, "a picture of {bytes} bytes, the most is {}", text::PICTURE_BYTES_MAX)
            }
            Self::TooLarge { bytes } => write!(f, "{bytes} bytes, the most is {BYTES_MAX}"),
            Self::Pending => write!(f, "a snapshot nobody reviewed: `cargo insta review`"),
            Self::NoReadme => {
                write!(f, "no README.md: what lives here, what it may touch, how to add one")
            }
            Self::NoDoor => write!(f, "no clippy.toml: say what this crate may not touch"),
            Self::UntestedGuest => write!(f, "no test names this guest"),
            Self::Forgotten { module } => {
                write!(f, "no `mod {module};` in its crate: nothing compiles it")
            }
            Self::Unexplained { dependency } => {
                write!(f, "`{dependency}` has no line: what for, and why this one")
            }
            Self::Gone { dependency } => {
                write!(f, "`{dependency}` is explained, but nothing depends on it any more")
            }
        }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.rule),
            None => write!(f, "{}: {}", self.path, self.rule),
        }
    }
}

/// Fails with the list of everything that is not as it should be.
pub(crate) fn check() -> Result<()> {
    say("tidy");
    let complaints = complaints(&files()?, &own_paths());
    if complaints.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = complaints.iter().map(|complaint| format!("  {complaint}")).collect();
    bail!("{} things are untidy\n{}", list.len(), list.join("\n"))
}

fn complaints(files: &[File], own_paths: &[String]) -> Vec<Complaint> {
    let mut complaints: Vec<Complaint> =
        files.iter().flat_map(|file| text::complaints(file, own_paths)).collect();
    complaints.extend(tree::complaints(files));
    complaints.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    complaints
}

/// What is in the repository, or would be with the next `git add`.
fn files() -> Result<Vec<File>> {
    let mut git = Command::new("git");
    // In CI the checkout often belongs to somebody else; to list it is safe all the same.
    git.args(["-c", "safe.directory=*", "ls-files", "-z"]).current_dir(places::root());
    let list = output(git.args(["--cached", "--others", "--exclude-standard"]))?;
    let mut files = Vec::new();
    for path in list.split_terminator('\0') {
        let full = places::root().join(path);
        // A link, a submodule, or deleted and not yet committed: nothing to read.
        if fs::symlink_metadata(&full).is_ok_and(|known| known.is_file()) {
            let bytes = fs::read(&full).with_context(|| format!("cannot read {path}"))?;
            files.push(File { path: path.to_owned(), bytes });
        }
    }
    Ok(files)
}

/// Where this checkout and this person's files lie: no file may know.
fn own_paths() -> Vec<String> {
    const TELLING_MIN: usize = 4; // `/` or `/w` would be found everywhere
    let paths = [Some(places::root()), env::home_dir()].into_iter().flatten();
    let paths = paths.map(|path| path.display().to_string());
    paths.filter(|path| path.len() >= TELLING_MIN).collect()
}

/// Whether a file is material: for a test, or for a reader to copy.
fn is_data(path: &str) -> bool {
    const FOLDERS: [&str; 6] =
        ["data", "fixtures", "snapshots", "corpus", "repository", "proptest-regressions"];
    let is_code = |path: &str| {
        let guests = ["examples/custom-tool/", "examples/custom-gate/src/"];
        guests.iter().any(|guest| path.starts_with(guest))
    };
    let example = path.starts_with("examples/") && !is_code(path);
    example || path.split('/').any(|folder| FOLDERS.contains(&folder))
}
