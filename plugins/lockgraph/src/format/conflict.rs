//! Merge conflicts that git left in a file.

use super::Faults;
use crate::text::is_conflict_mark;

/// Which side of a conflict a line is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// Outside of any.
    None,
    /// The first, which is kept.
    Ours,
    /// The common ancestor, or the other.
    Other,
}

/// The text with the first side of each conflict, and each line where it was; nothing when there is
/// no conflict. Each is told.
pub(super) fn first_sides(text: &str, faults: &mut Faults<'_>) -> Option<String> {
    if !text.lines().any(is_conflict_mark) {
        return None;
    }
    let mut kept = String::with_capacity(text.len());
    let mut side = Side::None;
    for (line, number) in text.lines().zip(1u32..) {
        let mark = is_conflict_mark(line);
        match (side, line.as_bytes().first()) {
            (_, Some(b'<')) if mark => {
                faults.add(Some(number), "a merge conflict: its second side is left out");
                side = Side::Ours;
            }
            (Side::Ours | Side::Other, Some(b'|' | b'=')) if mark => side = Side::Other,
            (Side::Ours | Side::Other, Some(b'>')) if mark => side = Side::None,
            (Side::None | Side::Ours, _) => kept.push_str(line),
            (Side::Other, _) => {}
        }
        kept.push('\n');
    }
    Some(kept)
}
