//! The lines of a difference as unified hunks, whole or in parts. A part begins and ends between
//! two lines and has headers of its own, so each part is a patch, too.

use answers::cost::{fitting, text_len};
use similar::{DiffOp, DiffTag, group_diff_ops};

use crate::lines::{self, LIMITS};

/// Bytes of a line's JSON. What is longer is data, and its beginning says which.
const LINE_LEN_MAX: usize = 800;
/// Bytes of the line that says what a hunk lies within.
const HEADING_LEN_MAX: usize = 80;
/// Lines to look back for it.
const HEADING_LINES_MAX: usize = 2_000;
/// What patches say of a last line without an end.
const NO_END: &str = "\n\\ No newline at end of file\n";

/// What changed between two texts.
#[derive(Debug)]
pub(crate) struct Difference<'a> {
    old: Vec<&'a str>,
    new: Vec<&'a str>,
    ops: Vec<DiffOp>,
}

/// Changes that lie close together, and what is around them.
#[derive(Debug)]
struct Hunk<'a> {
    /// Lines before it.
    old_start: usize,
    new_start: usize,
    heading: &'a str,
    rows: Vec<Row<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Same,
    Removed,
    Added,
}

/// A line, with its end if it has one.
#[derive(Debug, Clone, Copy)]
struct Row<'a> {
    sign: Sign,
    line: &'a str,
}

/// Hunks, or a part of them.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    pub(crate) text: String,
    /// Bytes of its JSON, at most.
    pub(crate) cost: usize,
    /// Lines of hunks shown, without headers.
    pub(crate) rows: usize,
}

impl<'a> Difference<'a> {
    pub(crate) fn of(old: &'a str, new: &'a str) -> Self {
        let old: Vec<&str> = old.split_inclusive('\n').collect();
        let new: Vec<&str> = new.split_inclusive('\n').collect();
        let ops = lines::compare(&old, &new, LIMITS);
        Self { old, new, ops }
    }

    /// Lines that are new, and lines that are gone.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let changed = self.ops.iter().filter(|op| op.tag() != DiffTag::Equal);
        changed.fold((0, 0), |(added, removed), op| {
            (added + op.new_range().len(), removed + op.old_range().len())
        })
    }

    /// The hunks with `context` lines around each change.
    pub(crate) fn hunks(&self, context: usize) -> Hunks<'a> {
        let groups = group_diff_ops(self.ops.clone(), context);
        Hunks(groups.iter().filter_map(|group| self.hunk(group)).collect())
    }

    fn hunk(&self, group: &[DiffOp]) -> Option<Hunk<'a>> {
        let first = group.first()?;
        let (old_start, new_start) = (first.old_range().start, first.new_range().start);
        let mut rows = Vec::new();
        for op in group {
            let signed = |lines: &[&'a str], sign| -> Vec<Row<'a>> {
                lines.iter().map(|line| Row { sign, line }).collect()
            };
            match op.tag() {
                DiffTag::Equal => rows.extend(signed(&self.old[op.old_range()], Sign::Same)),
                DiffTag::Delete | DiffTag::Insert | DiffTag::Replace => {
                    rows.extend(signed(&self.old[op.old_range()], Sign::Removed));
                    rows.extend(signed(&self.new[op.new_range()], Sign::Added));
                }
            }
        }
        let above = self.old[..old_start].iter().rev().take(HEADING_LINES_MAX);
        let begins =
            |line: &&&str| line.starts_with(|c: char| c.is_alphabetic() || "_$".contains(c));
        let heading = above.into_iter().find(begins).map_or("", |line| line.trim_end());
        let heading = &heading[..heading.floor_char_boundary(HEADING_LEN_MAX)];
        Some(Hunk { old_start, new_start, heading, rows })
    }
}

/// All hunks of a file.
#[derive(Debug)]
pub(crate) struct Hunks<'a>(Vec<Hunk<'a>>);

impl Hunks<'_> {
    /// Their lines, without headers.
    pub(crate) fn rows(&self) -> usize {
        self.0.iter().map(|hunk| hunk.rows.len()).sum()
    }

    /// The lines after the first `skip`, as far as `room` bytes of JSON reach.
    pub(crate) fn show(&self, mut skip: usize, room: usize) -> Shown {
        let mut shown = Shown::default();
        for hunk in &self.0 {
            let skipped = skip.min(hunk.rows.len());
            skip -= skipped;
            let rows = &hunk.rows[skipped..];
            let count = hunk.show(skipped, rows, room, &mut shown);
            if count < rows.len() {
                break;
            }
        }
        shown
    }
}

impl Hunk<'_> {
    /// Shows of `rows`, which come after the `skipped` first ones, what fits, and says how many.
    fn show(&self, skipped: usize, rows: &[Row<'_>], room: usize, shown: &mut Shown) -> usize {
        let head = text_len(&self.head(skipped, rows));
        let mut cost = shown.cost + head;
        let mut text = String::new();
        let mut count = 0;
        for row in rows {
            let line = row.text();
            cost += text_len(&line);
            if cost > room {
                break;
            }
            shown.cost = cost;
            text.push_str(&line);
            count += 1;
        }
        if count > 0 {
            shown.text.push_str(&self.head(skipped, &rows[..count]));
            shown.text.push_str(&text);
            shown.rows += count;
        }
        count
    }

    /// `@@ -1,3 +1,4 @@ fn f() {`
    fn head(&self, skipped: usize, rows: &[Row<'_>]) -> String {
        let range = |start: usize, not: Sign| {
            let lines = |rows: &[Row<'_>]| rows.iter().filter(|row| row.sign != not).count();
            let (start, count) = (start + lines(&self.rows[..skipped]), lines(rows));
            // Of no lines, the one before them is named.
            format!("{},{count}", start + usize::from(count > 0))
        };
        let (old, new) = (range(self.old_start, Sign::Added), range(self.new_start, Sign::Removed));
        let space = if self.heading.is_empty() { "" } else { " " };
        format!("@@ -{old} +{new} @@{space}{}\n", self.heading)
    }
}

impl Row<'_> {
    fn text(&self) -> String {
        let sign = match self.sign {
            Sign::Same => ' ',
            Sign::Removed => '-',
            Sign::Added => '+',
        };
        let (body, end) = match self.line.strip_suffix('\n') {
            Some(body) => (body, "\n"),
            None => (self.line, NO_END),
        };
        let fits = fitting(body, LINE_LEN_MAX);
        if fits < body.len() {
            let cut = body.len() - fits;
            return format!("{sign}{}…[{cut} bytes cut]{end}", &body[..fits]);
        }
        format!("{sign}{body}{end}")
    }
}
