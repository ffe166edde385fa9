//! The one reader of diffs: a unified one, plain or as git writes it, and nothing else.
//!
//! The counts of a hunk's header frame it and must be right. The positions are claims: they
//! must be in order here, and are held against the file when the patch is applied.

mod header;
mod hunk;
mod problem;

use crate::proposal::Form;
use crate::{FileChange, Hunk, Line, Patch};

use header::{Header, Names};
pub(crate) use hunk::is_hunk_head;
pub use problem::{PatchError, PatchProblem};

/// Largest patch, in bytes. Far more than a person reviews; room for a generated lock file.
pub const PATCH_BYTES_MAX: usize = 4 << 20;

/// Most files of a patch. More is a migration, which is not made by one step.
pub const FILES_MAX: usize = 1_000;

/// Most hunks of a patch. Bounds the work of applying, which looks for each.
pub const HUNKS_MAX: usize = 10_000;

/// Most lines of a patch, its headers included. Bounds memory: each becomes a string.
pub const LINES_MAX: usize = 100_000;

type Result<T> = std::result::Result<T, PatchError>;

impl Patch {
    /// Reads a patch.
    ///
    /// Accepted are git's extended headers for new, deleted and renamed files, and plain
    /// `--- a/path` / `+++ b/path` heads; `/dev/null`; quoted names; the mark for a missing line
    /// end; and the empty line as an empty line of context. Nothing else is.
    ///
    /// # Errors
    ///
    /// The first line that cannot be accepted, why, and what to write instead.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > PATCH_BYTES_MAX {
            return Err(PatchProblem::TooMany { what: "bytes", max: PATCH_BYTES_MAX }.at(1));
        }
        let mut lines = Lines::new(text, Form::Diff)?;
        let (mut files, mut hunks) = (Vec::new(), 0);
        while lines.peek().is_some() {
            let (line, file) = (lines.number(), section(&mut lines)?);
            if let FileChange::Modify { hunks: more, .. } | FileChange::Rename { hunks: more, .. } =
                &file
            {
                hunks += more.len();
            }
            files.push(file);
            let too_many = |what, max| Err(PatchProblem::TooMany { what, max }.at(line));
            match () {
                () if files.len() > FILES_MAX => return too_many("files", FILES_MAX),
                () if hunks > HUNKS_MAX => return too_many("hunks", HUNKS_MAX),
                () => {}
            }
        }
        if files.is_empty() { Err(PatchProblem::Empty.at(1)) } else { Ok(Self { files }) }
    }
}

/// The lines of a proposal, without their ends, and where we are.
pub(crate) struct Lines<'a> {
    all: Vec<&'a str>,
    pub(crate) at: usize,
    form: Form,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str, form: Form) -> Result<Self> {
        let all: Vec<&str> = text.strip_suffix('\n').unwrap_or(text).split('\n').collect();
        if all.len() > LINES_MAX {
            return Err(PatchProblem::TooMany { what: "lines", max: LINES_MAX }.at(LINES_MAX + 1));
        }
        if let Some(at) = all.iter().position(|line| line.contains('\0')) {
            return Err(PatchProblem::Binary.at(at + 1));
        }
        Ok(Self { all: if text.is_empty() { Vec::new() } else { all }, at: 0, form })
    }

    pub(crate) fn peek(&self) -> Option<&'a str> {
        self.all.get(self.at).copied()
    }

    pub(crate) fn next(&mut self) -> Option<&'a str> {
        let line = self.peek()?;
        self.at += 1;
        Some(line)
    }

    /// The next line, if it begins so; what follows the beginning.
    pub(crate) fn next_after(&mut self, prefix: &str) -> Option<&'a str> {
        let rest = self.peek()?.strip_prefix(prefix)?;
        self.at += 1;
        Some(rest)
    }

    /// The number of the line that [`Lines::next`] gives, counted from 1.
    pub(crate) fn number(&self) -> usize {
        self.at + 1
    }

    /// That the next line is not what should stand there.
    pub(crate) fn unexpected(&self, expected: &'static str) -> PatchError {
        if let Some(other) =
            self.peek().and_then(Form::begun_by).filter(|other| *other != self.form)
        {
            return PatchProblem::Mixed { form: self.form, other }.at(self.number());
        }
        let found = problem::excerpt(self.peek());
        PatchProblem::Unexpected { found, expected }.at(self.number())
    }
}

/// Everything about one file.
fn section(lines: &mut Lines<'_>) -> Result<FileChange> {
    let line = lines.number();
    let header = Header::read(lines)?;
    let names = Names::read(lines, &header)?;
    if names.is_none() && !header.is_git() {
        return Err(lines.unexpected("`diff --git a/path b/path`, or `--- a/path`"));
    }
    let hunks = match names {
        Some(_) => hunk::read_all(lines)?,
        None => Vec::new(),
    };
    change(&header, names, hunks).map_err(|problem| problem.at(line))
}

/// Puts the parts together, if they tell one story.
fn change(
    header: &Header<'_>,
    names: Option<Names>,
    hunks: Vec<Hunk>,
) -> std::result::Result<FileChange, PatchProblem> {
    let has_text = names.is_some();
    let names = header.agreed(names)?;
    match names {
        Names { old: None, new: Some(path) } => {
            let content = whole(&hunks, Side::New, has_text)?;
            Ok(FileChange::Add { path, content })
        }
        Names { old: Some(path), new: None } => {
            let content = whole(&hunks, Side::Old, has_text)?;
            Ok(FileChange::Delete { path, content })
        }
        Names { old: Some(from), new: Some(to) } if header.is_rename() => {
            Ok(FileChange::Rename { from, to, hunks })
        }
        Names { old: Some(old), new: Some(new) } if old != new => {
            Err(PatchProblem::NamesDiffer { old, new })
        }
        Names { old: Some(_), new: Some(_) } if hunks.is_empty() => Err(PatchProblem::NoChange),
        Names { old: Some(path), new: Some(_) } => Ok(FileChange::Modify { path, hunks }),
        Names { old: None, new: None } => {
            Err(PatchProblem::Contradiction("both names are `/dev/null`"))
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Old,
    New,
}

/// The whole of a new or deleted file: one hunk that has all lines on one side.
fn whole(hunks: &[Hunk], side: Side, has_text: bool) -> std::result::Result<String, PatchProblem> {
    let hunk = match hunks {
        [] if !has_text => return Ok(String::new()),
        [hunk] => hunk,
        _ => return Err(PatchProblem::NotWhole),
    };
    let begins = match side {
        Side::Old => hunk.old_start == 1,
        Side::New => hunk.old_start == 0,
    };
    let text: Option<String> = hunk
        .lines
        .iter()
        .map(|line| match (line, side) {
            (Line::Add(text), Side::New) | (Line::Remove(text), Side::Old) => Some(text.as_str()),
            (Line::Add(_) | Line::Remove(_) | Line::Context(_), _) => None,
        })
        .collect();
    text.filter(|_| begins).ok_or(PatchProblem::NotWhole)
}

#[cfg(test)]
mod tests;
