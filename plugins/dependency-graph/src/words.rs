//! Words that several answers share.

use lockgraph::Scan;

/// A number with the noun in the right form.
pub(crate) fn count(number: usize, noun: &str) -> String {
    match (number, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(start)) => format!("{number} {start}ies"),
        (_, None) => format!("{number} {noun}s"),
    }
}

/// What an answer must add when something that was wanted could not be read.
pub(crate) fn unread(scan: &Scan) -> &'static str {
    if scan.incomplete { "; not all lock files could be read, see the warnings" } else { "" }
}
