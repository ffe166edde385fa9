//! From changes of a file's lines to hunks, with what stands around them.

use super::Lines;
use crate::{Hunk, Line};

/// Lines of context on each side of a change, as git writes them.
const CONTEXT: usize = 3;

/// Lines of a file that become others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// The first, counted from 0.
    pub(crate) at: usize,
    /// How many go.
    pub(crate) old: usize,
    /// What comes, each with its line end; the last line of a file may lack it.
    pub(crate) new: Vec<String>,
}

impl Change {
    pub(crate) fn end(&self) -> usize {
        self.at.saturating_add(self.old)
    }
}

/// The changes that one hunk makes at `at`.
pub(crate) fn changes(hunk: &Hunk, at: usize) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    let mut now = Change { at, old: 0, new: Vec::new() };
    for line in &hunk.lines {
        match line {
            Line::Context(_) => {
                let next = now.end() + 1;
                changes.push(std::mem::replace(&mut now, Change { at: next, old: 0, new: vec![] }));
            }
            Line::Remove(_) => now.old += 1,
            Line::Add(text) => now.new.push(text.clone()),
        }
    }
    changes.push(now);
    changes.retain(|change| change.old > 0 || !change.new.is_empty());
    changes
}

/// Hunks for changes that are in order and do not overlap.
///
/// Context is the file's own. Where that is not text a hunk has less of it.
pub(crate) fn hunks(file: &Lines<'_>, changes: &[Change]) -> Vec<Hunk> {
    let (mut hunks, mut rest) = (Vec::new(), changes);
    let (mut gone, mut come) = (0, 0);
    while !rest.is_empty() {
        let joined = rest.windows(2).take_while(|pair| joins(file, &pair[0], &pair[1])).count();
        let (group, more) = rest.split_at(joined + 1);
        let (from, lines) = woven(file, group);
        let mut hunk = Hunk { old_start: 0, new_start: 0, lines };
        let (old, new) = (hunk.old_side().count(), hunk.new_side().count());
        hunk.old_start = start(from, old);
        hunk.new_start = start((from + come).saturating_sub(gone), new);
        (gone, come) = (gone + old, come + new);
        hunks.push(hunk);
        rest = more;
    }
    hunks
}

/// How a hunk's header counts: from 1, and the line before if there is none.
fn start(from: usize, count: usize) -> u32 {
    let line = if count == 0 { from } else { from.saturating_add(1) };
    u32::try_from(line).unwrap_or(u32::MAX)
}

fn joins(file: &Lines<'_>, first: &Change, second: &Change) -> bool {
    let between = file.get(first.end()..second.at).unwrap_or_default();
    between.len() <= 2 * CONTEXT && between.iter().all(|line| text(line).is_some())
}

/// The lines of one hunk, and the line of the file, counted from 0, where they begin.
fn woven(file: &Lines<'_>, group: &[Change]) -> (usize, Vec<Line>) {
    let (Some(first), Some(last)) = (group.first(), group.last()) else { return (0, Vec::new()) };
    let before = file.get(..first.at).unwrap_or_default();
    let after = file.get(last.end()..).unwrap_or_default();
    let from = first.at - near(before.iter().rev());
    let to = last.end() + near(after.iter());
    let mut lines = Vec::new();
    let mut done = from;
    for change in group {
        lines.extend(texts(file, done, change.at).map(Line::Context));
        lines.extend(texts(file, change.at, change.end()).map(Line::Remove));
        lines.extend(change.new.iter().cloned().map(Line::Add));
        done = change.end();
    }
    lines.extend(texts(file, done, to).map(Line::Context));
    (from, lines)
}

/// How many lines next to a change can be its context.
fn near<'a, 'b: 'a>(lines: impl Iterator<Item = &'a &'b [u8]>) -> usize {
    lines.take(CONTEXT).take_while(|line| text(line).is_some()).count()
}

fn texts(file: &Lines<'_>, from: usize, to: usize) -> impl Iterator<Item = String> {
    let lines = file.get(from..to).unwrap_or_default();
    lines.iter().filter_map(|line| text(line)).map(str::to_owned)
}

/// A line as a patch can say it.
fn text(line: &[u8]) -> Option<&str> {
    std::str::from_utf8(line).ok().filter(|text| !text.contains('\0'))
}
