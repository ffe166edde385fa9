//! What an answer costs: its bytes as JSON, and the tokens that these come to.

use std::io::{self, Write};

use serde::Serialize;

/// Bytes of JSON to a token, as an estimate: what models need for code and English.
pub const TOKEN_BYTES: usize = 4;

/// The tokens that so many bytes come to.
pub fn tokens(bytes: usize) -> usize {
    bytes.div_ceil(TOKEN_BYTES)
}

/// Bytes of a value as JSON; 0 for what cannot be written.
pub fn json_len<T: Serialize + ?Sized>(value: &T) -> usize {
    let mut bytes = Length(0);
    match serde_json::to_writer(&mut bytes, value) {
        Ok(()) => bytes.0,
        Err(_) => 0,
    }
}

/// Bytes of a text within a JSON text, without the quotes around it.
pub fn text_len(text: &str) -> usize {
    text.chars().map(char_len).sum()
}

/// Bytes of a character within a JSON text.
pub fn char_len(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        other => other.len_utf8(),
    }
}

/// How much of a text fits, up to a border between characters, where its JSON may have
/// `bytes` bytes.
pub fn fitting(text: &str, bytes: usize) -> usize {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += char_len(c);
        if used > bytes {
            return at;
        }
    }
    text.len()
}

/// An answer, and after it what it costs.
#[derive(Debug, Serialize)]
pub struct Counted<T> {
    #[serde(flatten)]
    answer: T,
    /// What all of it comes to.
    tokens: usize,
}

impl<T: Serialize> Counted<T> {
    /// Counts an answer: an object with at least one field.
    pub fn new(answer: T) -> Self {
        let bytes = json_len(&answer) + ",\"tokens\":".len();
        let mut counted = 0;
        // The number is part of what it counts; two rounds are enough for it to grow by a digit.
        for _ in 0..2 {
            counted = tokens(bytes + json_len(&counted));
        }
        Self { answer, tokens: counted }
    }
}

/// The bytes left of an answer's limit.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    left: usize,
}

impl Room {
    /// Room for an answer of `max_tokens`, without the `frame` of bytes that is written anyway.
    pub fn new(max_tokens: usize, frame: usize) -> Self {
        Self { left: (max_tokens * TOKEN_BYTES).saturating_sub(frame) }
    }

    /// Bytes that are left.
    pub fn left(&self) -> usize {
        self.left
    }

    /// Takes `bytes`, if there are as many.
    pub fn take(&mut self, bytes: usize) -> bool {
        let fits = bytes <= self.left;
        if fits {
            self.left -= bytes;
        }
        fits
    }
}

struct Length(usize);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
