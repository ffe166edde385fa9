//! What some bytes are: text in which encoding, or what else.

use crate::encoding::{Encoding, Text};
use crate::magic;

/// How far to look for a NUL before taking bytes for text: what git and ripgrep do.
pub const PROBE_LEN: usize = 8 * 1024;
/// Fewer units of UTF-16 without a byte order mark may as well be numbers.
const UTF_16_UNITS_MIN: usize = 4;

/// What bytes are.
#[derive(Debug, Clone)]
pub enum Content<'a> {
    /// Text; no bytes at all are an empty text.
    Text(Text<'a>),
    /// Something else, in words: "a PNG image".
    Binary(&'static str),
}

impl<'a> Content<'a> {
    /// Looks at a whole file.
    pub fn of(bytes: &'a [u8]) -> Self {
        match detect(bytes) {
            Some((encoding, mark)) => Self::Text(Text::new(bytes, encoding, mark)),
            None => Self::Binary(magic::name(bytes)),
        }
    }

    /// The text, if it is one.
    pub fn text(self) -> Option<Text<'a>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }
}

/// A part of a file that is too large to be read whole.
#[derive(Debug)]
pub struct Window<'a> {
    /// Bytes at its beginning that belong to a character before it, or are a byte order mark.
    pub skipped: usize,
    /// What it is.
    pub content: Content<'a>,
}

impl<'a> Window<'a> {
    /// Looks at the bytes from `start` on of a file that begins with `probe`.
    pub fn of(probe: &[u8], start: u64, bytes: &'a [u8]) -> Self {
        let Some((encoding, mark)) = detect(whole_utf_8(&probe[..probe.len().min(PROBE_LEN)]).1)
        else {
            return Self { skipped: 0, content: Content::Binary(magic::name(probe)) };
        };
        let mark_left = mark.saturating_sub(usize::try_from(start).unwrap_or(usize::MAX));
        let before = mark_left.min(bytes.len());
        let (skipped, encoding, inner) = match encoding {
            Encoding::Utf16Le | Encoding::Utf16Be => {
                // Marks of UTF-16 have two bytes: units begin at even ones.
                let is_odd = usize::from((start + before as u64) % 2 == 1);
                let from = (before + is_odd).min(bytes.len());
                let (skipped, inner) = whole_utf_16(&bytes[from..], encoding);
                (from + skipped, encoding, inner)
            }
            Encoding::Utf8 | Encoding::DamagedUtf8 | Encoding::Windows1252 => {
                let (skipped, inner) = whole_utf_8(&bytes[before..]);
                let encoding = of_one_byte_units(inner).unwrap_or(Encoding::DamagedUtf8);
                (before + skipped, encoding, inner)
            }
        };
        Self { skipped, content: Content::Text(Text::new(inner, encoding, 0)) }
    }
}

/// The encoding of a text, and the length of its byte order mark; none for what is no text.
fn detect(bytes: &[u8]) -> Option<(Encoding, usize)> {
    match bytes {
        [] => Some((Encoding::Utf8, 0)),
        [0xFF, 0xFE, 0, 0, ..] => None,
        [0xEF, 0xBB, 0xBF, text @ ..] if std::str::from_utf8(text).is_ok() => {
            Some((Encoding::Utf8, 3))
        }
        [0xFF, 0xFE, ..] => Some((Encoding::Utf16Le, 2)),
        [0xFE, 0xFF, ..] => Some((Encoding::Utf16Be, 2)),
        _ if magic::known(bytes).is_some_and(|kind| kind.never_text) => None,
        _ if bytes[..bytes.len().min(PROBE_LEN)].contains(&0) => unmarked_utf_16(bytes),
        _ => of_one_byte_units(bytes).map(|encoding| (encoding, 0)),
    }
}

/// UTF-16 by the zeros in every other byte, if it has no controls and nothing that is no
/// character.
fn unmarked_utf_16(bytes: &[u8]) -> Option<(Encoding, usize)> {
    let probe = &bytes[..bytes.len().min(PROBE_LEN)];
    let pairs = probe.as_chunks::<2>().0;
    if pairs.len() < UTF_16_UNITS_MIN || (probe.len() == bytes.len() && probe.len() % 2 == 1) {
        return None;
    }
    let zeros = |at: usize| pairs.iter().filter(|pair| pair[at] == 0).count();
    let encoding = match (zeros(0), zeros(1)) {
        (0, low) if low * 2 > pairs.len() => Encoding::Utf16Le,
        (high, 0) if high * 2 > pairs.len() => Encoding::Utf16Be,
        _ => return None,
    };
    let (_, whole) = whole_utf_16(pairs.as_flattened(), encoding);
    let text = Text::new(whole, encoding, 0);
    let is_odd = |c: char| c == char::REPLACEMENT_CHARACTER || is_control(c);
    (!text.as_str().contains(is_odd)).then_some((encoding, 0))
}

/// Whether bytes without a zero are UTF-8, nearly, or a text of another kind.
fn of_one_byte_units(bytes: &[u8]) -> Option<Encoding> {
    if std::str::from_utf8(bytes).is_ok() {
        return Some(Encoding::Utf8);
    }
    let (mut good, mut bad) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    if good > bad {
        return Some(Encoding::DamagedUtf8);
    }
    let controls =
        bytes.iter().take(PROBE_LEN).any(|byte| is_control(char::from(*byte)) && *byte < 0x80);
    (!controls).then_some(Encoding::Windows1252)
}

/// What no text has, though terminals' colours and old page breaks are text.
fn is_control(c: char) -> bool {
    c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{8}' | '\u{c}' | '\u{1b}')
}

/// A window without the halves of characters at its ends, and how much was before them.
fn whole_utf_8(window: &[u8]) -> (usize, &[u8]) {
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

/// The same for UTF-16 whose units are whole at the beginning.
fn whole_utf_16(window: &[u8], encoding: Encoding) -> (usize, &[u8]) {
    let high_byte = usize::from(encoding == Encoding::Utf16Le);
    let is_half = |pair: Option<&[u8; 2]>, halves: std::ops::Range<u8>| {
        pair.is_some_and(|pair| halves.contains(&pair[high_byte]))
    };
    let pairs = window.as_chunks::<2>().0;
    let before = usize::from(is_half(pairs.first(), 0xDC..0xE0));
    let after = usize::from(pairs.len() > before && is_half(pairs.last(), 0xD8..0xDC));
    (2 * before, pairs[before..pairs.len() - after].as_flattened())
}
