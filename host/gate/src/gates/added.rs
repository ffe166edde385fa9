//! The lines that a change adds and takes away, and where they stand.

use crate::{FileChange, Hunk, Line};

/// A line that is in one of the two files only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberedLine<'a> {
    /// Its number in the file that it is in, as the patch counts, from 1.
    pub number: u32,
    /// With its line end, if it has one.
    pub text: &'a str,
}

impl FileChange {
    /// The lines that are in the new file only, in their order.
    #[must_use]
    pub fn added_lines(&self) -> Vec<NumberedLine<'_>> {
        match self {
            Self::Add { content, .. } => whole(content),
            Self::Delete { .. } => Vec::new(),
            Self::Modify { hunks, .. } | Self::Rename { hunks, .. } => added(hunks),
        }
    }

    /// The lines that are in the old file only, in their order.
    #[must_use]
    pub fn removed_lines(&self) -> Vec<NumberedLine<'_>> {
        match self {
            Self::Add { .. } => Vec::new(),
            Self::Delete { content, .. } => whole(content),
            Self::Modify { hunks, .. } | Self::Rename { hunks, .. } => removed(hunks),
        }
    }
}

fn whole(content: &str) -> Vec<NumberedLine<'_>> {
    let lines = content.split_inclusive('\n').zip(1_u32..);
    lines.map(|(text, number)| NumberedLine { number, text }).collect()
}

fn added(hunks: &[Hunk]) -> Vec<NumberedLine<'_>> {
    let mut all = Vec::new();
    let (mut old_before, mut new_before) = (0_usize, 0_usize);
    for hunk in hunks {
        let (old, new) = (hunk.old_side().count(), hunk.new_side().count());
        let mut number = first(hunk, old).saturating_add(new_before).saturating_sub(old_before);
        for line in hunk.lines() {
            match line {
                Line::Context(_) => number = number.saturating_add(1),
                Line::Remove(_) => {}
                Line::Add(text) => {
                    all.push(numbered(number, text));
                    number = number.saturating_add(1);
                }
            }
        }
        old_before += old;
        new_before += new;
    }
    all
}

fn removed(hunks: &[Hunk]) -> Vec<NumberedLine<'_>> {
    let mut all = Vec::new();
    for hunk in hunks {
        let mut number = first(hunk, hunk.old_side().count());
        for line in hunk.lines() {
            match line {
                Line::Add(_) => {}
                Line::Context(_) => number = number.saturating_add(1),
                Line::Remove(text) => {
                    all.push(numbered(number, text));
                    number = number.saturating_add(1);
                }
            }
        }
    }
    all
}

/// The number of the first line of a hunk in the old file. A side without lines names the line
/// before it.
fn first(hunk: &Hunk, old_lines: usize) -> usize {
    let at = usize::try_from(hunk.old_start()).unwrap_or(usize::MAX);
    if old_lines == 0 { at.saturating_add(1) } else { at }
}

fn numbered(number: usize, text: &str) -> NumberedLine<'_> {
    NumberedLine { number: u32::try_from(number).unwrap_or(u32::MAX), text }
}

#[cfg(test)]
mod tests {
    use crate::Patch;

    #[test]
    fn lines_stand_where_the_file_has_them() {
        let text =
            "--- a/x\n+++ b/x\n@@ -2,3 +2,3 @@\n a\n-b\n+B\n c\n@@ -9,2 +9,3 @@\n-i\n+I\n+J\n k\n";
        let patch = Patch::parse(text).unwrap();
        let file = &patch.files()[0];
        let shown = |lines: Vec<super::NumberedLine<'_>>| {
            let one =
                |line: &super::NumberedLine<'_>| format!("{} {}", line.number, line.text.trim());
            lines.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(shown(file.added_lines()), "3 B, 9 I, 10 J");
        assert_eq!(shown(file.removed_lines()), "3 b, 9 i");
    }
}
