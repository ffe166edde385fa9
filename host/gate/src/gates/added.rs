//! The lines that a change adds, and where they stand afterwards.

use crate::{FileChange, Hunk, Line};

/// A line that is in the new file only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Added<'a> {
    /// Its number in the new file, as the patch counts, from 1.
    pub(crate) number: u32,
    /// With its line end, if it has one.
    pub(crate) text: &'a str,
}

/// The added lines of a change, in their order.
pub(crate) fn added(file: &FileChange) -> Vec<Added<'_>> {
    match file {
        FileChange::Add { content, .. } => {
            let lines = content.split_inclusive('\n').zip(1_u32..);
            lines.map(|(text, number)| Added { number, text }).collect()
        }
        FileChange::Delete { .. } => Vec::new(),
        FileChange::Modify { hunks, .. } | FileChange::Rename { hunks, .. } => of_hunks(hunks),
    }
}

fn of_hunks(hunks: &[Hunk]) -> Vec<Added<'_>> {
    let mut all = Vec::new();
    let (mut old_before, mut new_before) = (0_usize, 0_usize);
    for hunk in hunks {
        let (old, new) = (hunk.old_side().count(), hunk.new_side().count());
        let at = usize::try_from(hunk.old_start()).unwrap_or(usize::MAX);
        // A side without lines names the line before it.
        let first = if old == 0 { at.saturating_add(1) } else { at };
        let mut number = first.saturating_add(new_before).saturating_sub(old_before);
        for line in hunk.lines() {
            match line {
                Line::Context(_) => number = number.saturating_add(1),
                Line::Remove(_) => {}
                Line::Add(text) => {
                    all.push(Added { number: u32::try_from(number).unwrap_or(u32::MAX), text });
                    number = number.saturating_add(1);
                }
            }
        }
        old_before += old;
        new_before += new;
    }
    all
}
