//! What some bytes are: text in which encoding, with which line endings, or what else.

use std::borrow::Cow;

use serde::Serialize;

use crate::magic;

/// How far to look for a NUL before taking bytes for text: what git and ripgrep do.
const PROBE_LEN: usize = 8 * 1024;
/// A pointer of Git LFS is three short lines; its specification says less than this.
const LFS_POINTER_LEN_MAX: usize = 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Text,
    Binary,
    Empty,
}

/// How lines end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Eol {
    Lf,
    Crlf,
    Mixed,
    None,
}

#[derive(Debug)]
pub(crate) struct Content<'a> {
    pub(crate) kind: Kind,
    pub(crate) encoding: &'static str,
    pub(crate) eol: Eol,
    /// None where the bytes are no text.
    pub(crate) text: Option<Cow<'a, str>>,
    /// Bytes of the file before the text: a byte order mark.
    pub(crate) text_offset: usize,
    pub(crate) about: Option<String>,
}

impl<'a> Content<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        if bytes.is_empty() {
            return Self::text(Kind::Empty, "utf-8", Cow::Borrowed(""), 0);
        }
        match bytes {
            [0xEF, 0xBB, 0xBF, text @ ..] if std::str::from_utf8(text).is_ok() => {
                Self::text(Kind::Text, "utf-8-bom", String::from_utf8_lossy(text), 3)
            }
            [0xFF, 0xFE, text @ ..] if text.len() % 2 == 0 => {
                Self::text(Kind::Text, "utf-16le", utf_16(text, u16::from_le_bytes), 2)
            }
            [0xFE, 0xFF, text @ ..] if text.len() % 2 == 0 => {
                Self::text(Kind::Text, "utf-16be", utf_16(text, u16::from_be_bytes), 2)
            }
            _ if looks_binary(bytes) => Self::binary(bytes),
            _ => match std::str::from_utf8(bytes) {
                Ok(text) => {
                    let about = lfs_pointer(text);
                    Self { about, ..Self::text(Kind::Text, "utf-8", Cow::Borrowed(text), 0) }
                }
                Err(_) => {
                    let text = String::from_utf8_lossy(bytes);
                    let about = "bytes that are not UTF-8 are shown as U+FFFD".to_owned();
                    Self { about: Some(about), ..Self::text(Kind::Text, "not-utf-8", text, 0) }
                }
            },
        }
    }

    /// Whether a byte of the text is a byte of the file, but for [`Self::text_offset`].
    pub(crate) fn bytes_are_text(&self) -> bool {
        matches!(self.encoding, "utf-8" | "utf-8-bom")
    }

    fn text(kind: Kind, encoding: &'static str, text: Cow<'a, str>, text_offset: usize) -> Self {
        let eol = Eol::of(&text);
        Self { kind, encoding, eol, text: Some(text), text_offset, about: None }
    }

    fn binary(bytes: &[u8]) -> Self {
        Self {
            kind: Kind::Binary,
            encoding: "binary",
            eol: Eol::None,
            text: None,
            text_offset: 0,
            about: Some(magic::name(bytes).to_owned()),
        }
    }
}

impl Eol {
    fn of(text: &str) -> Self {
        let lines = text.matches('\n').count();
        // Most files have none at all, which is soon seen.
        let crlf = if text.contains('\r') { text.matches("\r\n").count() } else { 0 };
        match (lines, crlf) {
            (0, _) => Self::None,
            (_, 0) => Self::Lf,
            (lines, crlf) if lines == crlf => Self::Crlf,
            _ => Self::Mixed,
        }
    }
}

/// A window without the halves of characters at its ends, and how much of it was before them.
pub(crate) fn whole_characters(window: &[u8]) -> (usize, &[u8]) {
    let is_inside = |byte: &&u8| (0x80..0xC0).contains(*byte);
    let before = window.iter().take(3).take_while(is_inside).count();
    let whole = &window[before..];
    match std::str::from_utf8(whole) {
        // No length: the text ends too early, and nothing else is wrong with it.
        Err(error) if error.error_len().is_none() => (before, &whole[..error.valid_up_to()]),
        Ok(_) => (before, whole),
        // No UTF-8, so there are no halves.
        Err(_) => (0, window),
    }
}

fn looks_binary(bytes: &[u8]) -> bool {
    let probe = &bytes[..bytes.len().min(PROBE_LEN)];
    probe.contains(&0) || magic::known(bytes).is_some_and(|kind| kind.never_text)
}

fn utf_16<'a>(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Cow<'a, str> {
    let units = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

fn lfs_pointer(text: &str) -> Option<String> {
    if text.len() > LFS_POINTER_LEN_MAX || !text.starts_with("version https://git-lfs.") {
        return None;
    }
    let size = text.lines().find_map(|line| line.strip_prefix("size "))?;
    Some(format!("a pointer of Git LFS: the file itself ({size} bytes) is not in the repository"))
}
