//! Reads the sections between `*** Begin Patch` and `*** End Patch`.

use super::{Edit, End, Form, Piece, What};
use crate::parse::{FILES_MAX, HUNKS_MAX, Lines, PatchError, PatchProblem, is_hunk_head};

/// The first line.
pub(super) const BEGIN: &str = "*** Begin Patch";

/// The last one.
const END: &str = "*** End Patch";

/// Ends a hunk that ends its file.
const END_OF_FILE: &str = "*** End of File";

const ADD: &str = "*** Add File: ";
const DELETE: &str = "*** Delete File: ";
const UPDATE: &str = "*** Update File: ";
const MOVE: &str = "*** Move to: ";

const SECTION: &str = "`*** Add File: path`, `*** Update File: path`, `*** Delete File: path`, \
     `*** End Patch`, or a line of a file after ` `, `+` or `-`";

type Result<T> = std::result::Result<T, PatchError>;

pub(super) fn parse(text: &str) -> Result<Vec<Edit>> {
    let mut lines = Lines::new(text, Form::Envelope)?;
    skip_blank(&mut lines);
    if lines.peek() != Some(BEGIN) {
        return Err(lines.unexpected("`*** Begin Patch`"));
    }
    lines.at += 1;
    let (mut edits, mut hunks) = (Vec::new(), 0);
    while lines.peek() != Some(END) {
        let line = lines.number();
        let edit = section(&mut lines)?;
        if let What::Change { pieces, .. } = &edit.what {
            hunks += pieces.len();
        }
        edits.push(edit);
        let too_many = |what, max| Err(PatchProblem::TooMany { what, max }.at(line));
        match () {
            () if edits.len() > FILES_MAX => return too_many("files", FILES_MAX),
            () if hunks > HUNKS_MAX => return too_many("hunks", HUNKS_MAX),
            () => {}
        }
    }
    let end = lines.number();
    lines.at += 1;
    skip_blank(&mut lines);
    match lines.peek() {
        Some(_) => Err(lines.unexpected("nothing after `*** End Patch`")),
        None if edits.is_empty() => Err(PatchProblem::Empty.at(end)),
        None => Ok(edits),
    }
}

fn skip_blank(lines: &mut Lines<'_>) {
    while lines.peek().is_some_and(|line| line.trim().is_empty()) {
        lines.at += 1;
    }
}

/// Everything about one file.
fn section(lines: &mut Lines<'_>) -> Result<Edit> {
    let line = lines.number();
    if let Some(path) = lines.next_after(ADD) {
        let mut content = String::new();
        while let Some(text) = lines.next_after("+") {
            content.push_str(text);
            content.push('\n');
        }
        return Ok(Edit { path: path.to_owned(), what: What::Add { content } });
    }
    if let Some(path) = lines.next_after(DELETE) {
        return Ok(Edit { path: path.to_owned(), what: What::Delete });
    }
    let path = match lines.next_after(UPDATE) {
        Some(path) => path.to_owned(),
        None => return Err(lines.unexpected(SECTION)),
    };
    let to = lines.next_after(MOVE).map(str::to_owned);
    let mut pieces = Vec::new();
    while lines.peek().is_some_and(|line| line.starts_with("@@") || is_body(line)) {
        pieces.push(hunk(lines)?);
    }
    if pieces.is_empty() && to.is_none() {
        return Err(PatchProblem::NoChange.at(line));
    }
    Ok(Edit { path, what: What::Change { to, pieces } })
}

/// Whether a line belongs to a hunk. An empty one is an empty line of context.
fn is_body(line: &str) -> bool {
    line.is_empty() || line.starts_with([' ', '+', '-'])
}

/// A hunk: lines with `@@`, which the first may lack, and the lines below them.
fn hunk(lines: &mut Lines<'_>) -> Result<Piece> {
    let line = lines.number();
    let mut anchors = Vec::new();
    while let Some(head) = lines.peek().filter(|line| line.starts_with("@@")) {
        match head.strip_prefix("@@ ") {
            _ if head == "@@" => {}
            _ if is_hunk_head(head) => return Err(PatchProblem::NumberedHunk.at(lines.number())),
            Some(anchor) => anchors.push(anchor.to_owned()),
            None => return Err(lines.unexpected("`@@`, or `@@ line of the file`")),
        }
        lines.at += 1;
    }
    let (mut old, mut new) = (Vec::new(), Vec::new());
    while let Some(text) = lines.peek().filter(|line| is_body(line)) {
        let (sign, text) = text.split_at_checked(1).unwrap_or((" ", ""));
        if sign != "+" {
            old.push(text.to_owned());
        }
        if sign != "-" {
            new.push(text.to_owned());
        }
        lines.at += 1;
    }
    if old == new {
        return Err(PatchProblem::IdleHunk.at(line));
    }
    let end = if lines.peek() == Some(END_OF_FILE) { End::OfFile } else { End::Anywhere };
    if end == End::OfFile {
        lines.at += 1;
    }
    Ok(Piece { line, anchors, old, new, end })
}
