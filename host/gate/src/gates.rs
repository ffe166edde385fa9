//! The gates, one module each, in the order in which they speak: [`GateName::ALL`].

mod added;
mod dependencies;
mod name;
mod patch;
mod secrets;
mod test_results;

pub(crate) use patch::{few_files, few_lines, nothing_hidden, nothing_protected, valid};
pub(crate) use secrets::{formats, masks, no_secret};

pub use added::NumberedLine;
pub use dependencies::{
    ChangeKind, Dependencies, DependencyChange, LicenceFact, judge_dependencies,
};
pub use name::GateName;
pub use secrets::{Form, Leak, Secrets, SecretsError};
pub use test_results::{TestNumbers, TestRun, judge_tests};

/// `1 file`, `2 files`, `2 files with …`
pub(crate) fn things(count: usize, what: &str) -> String {
    match what.split_once(" with ") {
        _ if count == 1 => format!("1 {what}"),
        Some((thing, with)) => format!("{count} {thing}s with {with}"),
        None => format!("{count} {what}s"),
    }
}

/// The first few of a list, each in backticks and escaped.
pub(crate) fn named<'a>(all: impl ExactSizeIterator<Item = &'a str>) -> String {
    /// The rest is in the verdict's lists.
    const NAMED_MAX: usize = 3;
    let more = all.len().saturating_sub(NAMED_MAX);
    let first: Vec<String> =
        all.take(NAMED_MAX).map(|one| format!("`{}`", one.escape_debug())).collect();
    match more {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// A sentence of somebody else's: nothing in it is unprintable, and its quotes stay.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' => shown.push(c),
            c => shown.extend(c.escape_debug()),
        }
    }
    shown
}
