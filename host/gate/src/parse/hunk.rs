//! The hunks of a file.

use super::{Lines, PatchProblem, Result};
use crate::{Hunk, Line};

/// What follows the backslash of the mark for a missing line end.
const NO_LINE_END: &str = " No newline at end of file";

/// How many lines of each side are still to come.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Counts {
    old: u32,
    new: u32,
}

/// `@@ -start,old +start,new @@`
struct Head {
    old_start: u32,
    new_start: u32,
    counts: Counts,
}

/// All hunks of a file; at least one.
pub(super) fn read_all(lines: &mut Lines<'_>) -> Result<Vec<Hunk>> {
    let mut hunks: Vec<Hunk> = Vec::new();
    // The first old line that the next hunk may hold.
    let mut free = 1_u64;
    while lines.peek().is_some_and(|line| line.starts_with("@@")) {
        let at = lines.number();
        if hunks.last().is_some_and(Hunk::is_last) {
            return Err(PatchProblem::AfterTheEnd.at(at));
        }
        let (hunk, counts) = read(lines)?;
        // A hunk without old lines stands after the line it names.
        let first = u64::from(hunk.old_start) + u64::from(counts.old == 0);
        if first < free {
            return Err(PatchProblem::HunkOrder.at(at));
        }
        free = first + u64::from(counts.old);
        hunks.push(hunk);
    }
    match lines.peek() {
        _ if hunks.is_empty() => Err(lines.unexpected("a hunk: `@@ -line,count +line,count @@`")),
        None => Ok(hunks),
        Some(line) if is_head(line) => Ok(hunks),
        Some(_) => Err(lines.unexpected("the next hunk or file")),
    }
}

fn read(lines: &mut Lines<'_>) -> Result<(Hunk, Counts)> {
    let at = lines.number();
    let head = lines.next().and_then(head).ok_or(PatchProblem::BadHunkHeader.at(at))?;
    let found = counts_below(lines);
    let wrong_counts = || wrong_counts(head.counts, found).at(at);
    let mut left = head.counts;
    let mut body: Vec<Line> = Vec::new();
    while left.old > 0 || left.new > 0 {
        let line = lines.peek().and_then(body_line).ok_or_else(wrong_counts)?;
        left = left.without(&line).ok_or_else(wrong_counts)?;
        lines.at += 1;
        body.push(line);
        if let Some(mark) = lines.next_after("\\") {
            if mark != NO_LINE_END {
                return Err(PatchProblem::BadMark.at(lines.at));
            }
            end_of_side(&mut body, left).map_err(|problem| problem.at(lines.at))?;
        }
    }
    if lines.peek().is_some_and(|line| line.starts_with([' ', '+', '-']) && !is_head(line)) {
        return Err(wrong_counts());
    }
    let hunk = Hunk { old_start: head.old_start, new_start: head.new_start, lines: body };
    if hunk.lines.iter().all(|line| matches!(line, Line::Context(_))) {
        return Err(PatchProblem::IdleHunk.at(at));
    }
    Ok((hunk, head.counts))
}

/// Whether a line begins the next file. Within a hunk it may be a removed line that begins
/// with two dashes: there the counts decide.
fn is_head(line: &str) -> bool {
    line.starts_with("--- ") || line.starts_with("diff --git ")
}

/// What seems to follow a hunk's header; only for the message when its counts are wrong.
fn counts_below(lines: &Lines<'_>) -> Counts {
    let below = lines.all.get(lines.at..).unwrap_or_default();
    let ours =
        below.iter().take_while(|line| !is_head(line)).map_while(|line| match line.as_bytes() {
            [b' ', ..] => Some((1, 1)),
            [b'-', ..] => Some((1, 0)),
            [b'+', ..] => Some((0, 1)),
            [b'\\', ..] => Some((0, 0)),
            _ => None,
        });
    ours.fold(Counts { old: 0, new: 0 }, |sum, (old, new)| Counts {
        old: sum.old + old,
        new: sum.new + new,
    })
}

/// The last line has no line end: nothing may follow on its side.
fn end_of_side(body: &mut [Line], left: Counts) -> std::result::Result<(), PatchProblem> {
    let (text, is_end) = match body.last_mut() {
        Some(Line::Context(text)) => (text, left.old == 0 && left.new == 0),
        Some(Line::Remove(text)) => (text, left.old == 0),
        Some(Line::Add(text)) => (text, left.new == 0),
        None => return Err(PatchProblem::AfterTheEnd),
    };
    text.truncate(text.trim_end_matches('\n').len());
    // An empty last line without an end is no line at all.
    if is_end && !text.is_empty() { Ok(()) } else { Err(PatchProblem::AfterTheEnd) }
}

impl Counts {
    fn without(self, line: &Line) -> Option<Self> {
        let (old, new) = match line {
            Line::Context(_) => (1, 1),
            Line::Remove(_) => (1, 0),
            Line::Add(_) => (0, 1),
        };
        Some(Self { old: self.old.checked_sub(old)?, new: self.new.checked_sub(new)? })
    }
}

fn wrong_counts(Counts { old, new }: Counts, found: Counts) -> PatchProblem {
    PatchProblem::WrongCounts { old, new, old_found: found.old, new_found: found.new }
}

/// A line of a hunk, if it is one.
fn body_line(line: &str) -> Option<Line> {
    let text = |rest: &str| format!("{rest}\n");
    match line.as_bytes().first() {
        // Git writes an empty line of context so under `diff.suppressBlankEmpty`.
        None => Some(Line::Context(text(""))),
        Some(b' ') => Some(Line::Context(text(&line[1..]))),
        Some(b'-') => Some(Line::Remove(text(&line[1..]))),
        Some(b'+') => Some(Line::Add(text(&line[1..]))),
        Some(_) => None,
    }
}

/// Whether a line could begin a hunk of a diff.
pub(crate) fn is_hunk_head(line: &str) -> bool {
    head(line).is_some()
}

/// The first line of a hunk. What follows the second `@@` is a heading and is dropped.
fn head(line: &str) -> Option<Head> {
    let (old, rest) = line.strip_prefix("@@ -")?.split_once(" +")?;
    let (new, heading) = rest.split_once(" @@")?;
    if !heading.is_empty() && !heading.starts_with([' ', '\r']) {
        return None;
    }
    let ((old_start, old), (new_start, new)) = (range(old)?, range(new)?);
    Some(Head { old_start, new_start, counts: Counts { old, new } })
}

/// `start,count`, or `start` for one line. Only an empty range may start at 0.
fn range(text: &str) -> Option<(u32, u32)> {
    let (start, count) = text.split_once(',').unwrap_or((text, "1"));
    let (start, count) = (number(start)?, number(count)?);
    (start > 0 || count == 0).then_some((start, count))
}

fn number(text: &str) -> Option<u32> {
    // `parse` alone would take a sign.
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}
