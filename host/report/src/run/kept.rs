//! How much of a trace's text is kept: a trace is from outside, and may be of any size.

use serde::Serialize;

/// The most bytes of one text that are kept: more than a person reads of an output.
pub const TEXT_BYTES_MAX: usize = 32 * 1024;

/// The most bytes of all texts of a run, beyond which only beginnings are kept: a page of that size
/// still opens at once.
pub const TEXTS_BYTES_MAX: usize = 12 * 1024 * 1024;

/// The most bytes of a text that begins when nothing is left of [`TEXTS_BYTES_MAX`].
const BEGINNING_BYTES: usize = 120;

/// The most records that are told one by one.
pub const EVENTS_MAX: usize = 100_000;

/// A text from outside, or the beginning of one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// What is kept, as it came.
    pub text: String,
    /// Bytes of the whole.
    pub bytes: u64,
}

impl Kept {
    /// Whether it is only the beginning.
    pub fn is_cut(&self) -> bool {
        (self.text.len() as u64) < self.bytes
    }
}

/// What may still be kept.
#[derive(Debug)]
pub(crate) struct Purse {
    left: usize,
}

impl Purse {
    pub(crate) fn new() -> Self {
        Self { left: TEXTS_BYTES_MAX }
    }

    /// Keeps a text, as much of it as may be.
    pub(crate) fn keep(&mut self, text: &str) -> Kept {
        let most = TEXT_BYTES_MAX.min(self.left.max(BEGINNING_BYTES));
        let text_kept = beginning(text, most);
        self.left = self.left.saturating_sub(text_kept.len());
        Kept { text: text_kept.to_owned(), bytes: text.len() as u64 }
    }
}

/// At most `most` bytes of `text`, cut between characters.
pub(crate) fn beginning(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}
