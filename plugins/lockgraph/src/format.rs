//! Lock file formats: one module each; `list` names them all.

mod actions;
mod beside;
mod bill;
mod bun;
mod cargo;
mod composer;
mod conan;
mod conflict;
mod deno;
mod docker;
mod gem;
mod go;
mod gradle;
mod js;
mod json;
mod list;
mod maven;
mod mix;
mod npm;
mod nuget;
mod pnpm;
mod pubspec;
mod python;
mod swift;
mod terraform;
mod toml;
mod xml;
mod yaml;
mod yarn;

use crate::graph::Graph;
use crate::path;
use crate::scan::{Files, Found, ReadError};
use crate::text::{Lines, decode};
use crate::warning::Warnings;

pub use list::{Format, GRANTS};

/// The most bytes of a lock file: as much as the host gives in one answer.
pub(crate) const BYTES_MAX: usize = 16 << 20;

/// The most packages of a lock file: seventy times what the largest lock file we know has.
const PACKAGES_MAX: usize = 100_000;

/// The most dependencies of a lock file: seventy times what the largest lock file we know has.
const EDGES_MAX: usize = 600_000;

/// The most bytes of a name or a version: registries allow 214 and less.
const WORD_BYTES_MAX: usize = 256;

/// The most bytes of a source or a licence: browsers cut addresses about there.
const PHRASE_BYTES_MAX: usize = 2_048;

/// The most broken entries that are told of one by one in one lock file.
const FAULTS_TOLD_MAX: usize = 10;

/// Reads one lock file, without the manifests beside it; its format is told by its name.
///
/// # Errors
///
/// When nothing of it can be used. What is broken in part is told in `warnings`.
pub fn parse(path: &str, bytes: &[u8], warnings: &mut Warnings) -> Result<Graph, Unreadable> {
    Format::detect(path).ok_or(Unreadable::UnknownFormat)?.parse(path, bytes, warnings)
}

/// Why nothing of a lock file can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Its name is not one of a known format.
    #[error("not a lock file this tool knows")]
    UnknownFormat,
    /// More bytes than any lock file has.
    #[error("{0} bytes are more than the {BYTES_MAX} that are read")]
    TooLarge(usize),
    /// Some bytes are no text.
    #[error("not UTF-8 text")]
    NotText {
        /// Where.
        line: u32,
    },
    /// It is not the language it should be written in.
    #[error("not valid {language}: {message}")]
    Syntax {
        /// TOML or JSON.
        language: &'static str,
        /// Where.
        line: Option<u32>,
        /// What the parser says, without the input.
        message: String,
    },
    /// The language is right, what it says is not what a lock file says.
    #[error("not a lock file: {0}")]
    Shape(&'static str),
    /// It says nothing of its own. A search that finds it leaves it out without a word.
    #[error("not a lock file of its own: {0}")]
    Elsewhere(&'static str),
}

impl Unreadable {
    /// The line it is about, counted from 1.
    pub fn line(&self) -> Option<u32> {
        match self {
            Self::NotText { line } => Some(*line),
            Self::Syntax { line, .. } => *line,
            Self::UnknownFormat | Self::TooLarge(_) | Self::Shape(_) | Self::Elsewhere(_) => None,
        }
    }
}

/// A lock file as a graph.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) graph: Graph,
    /// Whether something in it was left out.
    pub(crate) incomplete: bool,
}

pub(crate) fn read_lockfile(
    format: Format,
    path: &str,
    bytes: &[u8],
    files: &dyn Files,
    warnings: &mut Warnings,
) -> Result<Read, Unreadable> {
    if bytes.len() > BYTES_MAX {
        return Err(Unreadable::TooLarge(bytes.len()));
    }
    let text = decode(bytes).map_err(|line| Unreadable::NotText { line })?;
    let mut input = Input {
        path,
        text,
        lines: Lines::new(text),
        files,
        faults: Faults { path, warnings, count: 0, notes: 0 },
    };
    let err = match format.read(&mut input) {
        Ok(graph) => return Ok(Read { graph, incomplete: input.faults.finish() }),
        Err(err @ Unreadable::Syntax { .. }) => err,
        Err(err) => return Err(err),
    };
    let mut faults = input.faults;
    let text = conflict::first_sides(text, &mut faults).ok_or_else(|| err.clone())?;
    let mut input = Input { path, text: &text, lines: Lines::new(&text), files, faults };
    let graph = format.read(&mut input).map_err(|_| err)?;
    Ok(Read { graph, incomplete: input.faults.finish() })
}

/// What a format's reader has to go by.
struct Input<'a> {
    path: &'a str,
    text: &'a str,
    lines: Lines<'a>,
    files: &'a dyn Files,
    faults: Faults<'a>,
}

impl<'a> Input<'a> {
    /// The directory the lock file lies in.
    fn dir(&self) -> &'a str {
        path::parent(self.path)
    }

    /// The name of that directory, for a root that has none of its own.
    fn dir_name(&self) -> &'a str {
        name_of_dir(self.dir())
    }
}

/// The name of a directory, for a package that has none of its own. Git lets a directory have a
/// name that cannot be shown.
fn name_of_dir(dir: &str) -> &str {
    word(path::file_name(dir)).unwrap_or("root")
}

/// Parts of a lock file that had to be left out: the first few are told, all are counted.
struct Faults<'a> {
    path: &'a str,
    warnings: &'a mut Warnings,
    count: usize,
    notes: usize,
}

impl Faults<'_> {
    /// A part is left out.
    fn add(&mut self, line: Option<u32>, reason: impl AsRef<str>) {
        self.count += 1;
        if self.count <= FAULTS_TOLD_MAX {
            self.warnings.add(self.path, line, reason);
        }
    }

    /// Nothing is left out, but the reader should know.
    fn note(&mut self, line: Option<u32>, reason: impl AsRef<str>) {
        self.warnings.add(self.path, line, reason);
    }

    /// Nothing is left out, but the reader should know; only the first few of these are told.
    fn note_some(&mut self, line: Option<u32>, reason: impl AsRef<str>) {
        if self.notes < FAULTS_TOLD_MAX {
            self.notes += 1;
            self.warnings.add(self.path, line, reason);
        }
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether there were any.
    fn finish(self) -> bool {
        if let Some(more @ 1..) = self.count.checked_sub(FAULTS_TOLD_MAX) {
            self.warnings.add(self.path, None, format!("{more} more entries are left out"));
        }
        self.count > 0
    }
}

/// Room for the dependencies of one lock file.
struct Edges {
    left: usize,
}

impl Edges {
    fn new() -> Self {
        Self { left: EDGES_MAX }
    }

    /// Whether there is room for one more; says so once when there is not.
    fn take(&mut self, faults: &mut Faults<'_>) -> bool {
        match self.left {
            0 => false,
            1 => {
                self.left = 0;
                faults.add(None, format!("only the first {EDGES_MAX} dependencies are read"));
                false
            }
            _ => {
                self.left -= 1;
                true
            }
        }
    }
}

/// A name or a version, when it can be one.
fn word(text: &str) -> Option<&str> {
    let fits = !text.is_empty() && text.len() <= WORD_BYTES_MAX && !text.contains(char::is_control);
    fits.then_some(text)
}

/// A source or a licence, when it can be one.
fn phrase(text: &str) -> Option<&str> {
    let fits =
        !text.is_empty() && text.len() <= PHRASE_BYTES_MAX && !text.contains(char::is_control);
    fits.then_some(text)
}

/// A repository of which nothing but the lock file is at hand.
struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _path: &str) -> Result<Vec<u8>, ReadError> {
        Err(ReadError::Missing)
    }

    fn find(&self, _patterns: &[String]) -> Result<Found, ReadError> {
        Ok(Found::default())
    }
}

#[cfg(test)]
mod damage;
#[cfg(test)]
mod sketch;
#[cfg(test)]
mod tests;
