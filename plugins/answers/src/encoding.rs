//! Text in whatever encoding, with the way from a place in the text to the byte of the file and
//! back.
//!
//! Of the encodings of one byte only Windows-1252 is known: nothing in the bytes tells them
//! apart, it is by far the most common, and whoever reads it is told that it is a guess. A
//! table of 32 characters is a hundredth of what a library for all of them would add to a tool.

use std::borrow::Cow;

/// How a text is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, perhaps with a byte order mark.
    Utf8,
    /// UTF-8 with some bytes that are none; they are shown as U+FFFD.
    DamagedUtf8,
    /// UTF-16, the low byte first.
    Utf16Le,
    /// UTF-16, the high byte first.
    Utf16Be,
    /// What is no UTF-8 and looks like text.
    Windows1252,
}

/// What Windows-1252 has at 0x80 to 0x9F; the five holes are the controls of Latin-1.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// A text, and the bytes that it was.
#[derive(Debug, Clone)]
pub struct Text<'a> {
    bytes: &'a [u8],
    encoding: Encoding,
    // Bytes of the file before the text.
    mark: usize,
    decoded: Cow<'a, str>,
}

impl<'a> Text<'a> {
    /// Reads `bytes` as text; the first `mark` of them are a byte order mark.
    pub fn new(bytes: &'a [u8], encoding: Encoding, mark: usize) -> Self {
        let mark = mark.min(bytes.len());
        let text = &bytes[mark..];
        let decoded = match encoding {
            Encoding::Utf8 | Encoding::DamagedUtf8 => String::from_utf8_lossy(text),
            Encoding::Utf16Le => Cow::Owned(utf_16(text, u16::from_le_bytes)),
            Encoding::Utf16Be => Cow::Owned(utf_16(text, u16::from_be_bytes)),
            Encoding::Windows1252 => {
                Cow::Owned(text.iter().map(|byte| of_windows(*byte)).collect())
            }
        };
        // A caller may have been wrong about whole UTF-8, and the places must be right anyway.
        let encoding = match (encoding, &decoded) {
            (Encoding::Utf8, Cow::Owned(_)) => Encoding::DamagedUtf8,
            (encoding, _) => encoding,
        };
        Self { bytes, encoding, mark, decoded }
    }

    /// The text, without a byte order mark.
    pub fn as_str(&self) -> &str {
        &self.decoded
    }

    /// The text itself.
    pub fn into_str(self) -> Cow<'a, str> {
        self.decoded
    }

    /// How it is written down.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The encoding in a word.
    pub fn label(&self) -> &'static str {
        match self.encoding {
            Encoding::Utf8 if self.mark > 0 => "utf-8-bom",
            Encoding::Utf8 => "utf-8",
            Encoding::DamagedUtf8 => "damaged-utf-8",
            Encoding::Utf16Le => "utf-16le",
            Encoding::Utf16Be => "utf-16be",
            Encoding::Windows1252 => "windows-1252",
        }
    }

    /// What a reader should know of the encoding.
    pub fn caveat(&self) -> Option<&'static str> {
        match self.encoding {
            Encoding::DamagedUtf8 => Some("bytes that are not UTF-8 are shown as U+FFFD"),
            Encoding::Windows1252 => Some(
                "not UTF-8; taken for Windows-1252, the most likely of the encodings that it may be",
            ),
            Encoding::Utf16Le | Encoding::Utf16Be if self.mark == 0 => {
                Some("no byte order mark; taken for UTF-16 by its zero bytes")
            }
            Encoding::Utf8 | Encoding::Utf16Le | Encoding::Utf16Be => None,
        }
    }

    /// The byte of the file where the character at `at` of the text begins.
    pub fn file_byte(&self, at: usize) -> usize {
        if self.encoding == Encoding::Utf8 {
            return (self.mark + at).min(self.bytes.len());
        }
        let mut text = 0;
        let before = |step: &(usize, usize)| {
            let is_before = text < at;
            text += step.0;
            is_before
        };
        let file = self.steps().take_while(before).map(|(_, file)| file).sum::<usize>();
        (self.mark + file).min(self.bytes.len())
    }

    /// Where in the text the first character begins that does not begin before a byte of the file.
    pub fn text_at(&self, file_byte: usize) -> usize {
        let file_byte = file_byte.saturating_sub(self.mark);
        if self.encoding == Encoding::Utf8 {
            return self.decoded.ceil_char_boundary(file_byte);
        }
        let mut file = 0;
        let before = |step: &(usize, usize)| {
            let is_before = file < file_byte;
            file += step.1;
            is_before
        };
        self.steps().take_while(before).map(|(text, _)| text).sum()
    }

    /// Of each character, its bytes in the text and in the file.
    fn steps(&self) -> Box<dyn Iterator<Item = (usize, usize)> + '_> {
        let chars = self.decoded.chars();
        match self.encoding {
            Encoding::Utf8 => Box::new(chars.map(|c| (c.len_utf8(), c.len_utf8()))),
            Encoding::Windows1252 => Box::new(chars.map(|c| (c.len_utf8(), 1))),
            Encoding::Utf16Le | Encoding::Utf16Be => {
                Box::new(chars.map(|c| (c.len_utf8(), 2 * c.len_utf16())))
            }
            Encoding::DamagedUtf8 => {
                let replaced = char::REPLACEMENT_CHARACTER.len_utf8();
                Box::new(self.bytes[self.mark..].utf8_chunks().flat_map(move |chunk| {
                    let damage = chunk.invalid().len();
                    let damage = (damage > 0).then_some((replaced, damage));
                    chunk.valid().chars().map(|c| (c.len_utf8(), c.len_utf8())).chain(damage)
                }))
            }
        }
    }
}

fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let chars = char::decode_utf16(pairs.iter().map(|pair| unit(*pair)));
    let half = (!rest.is_empty()).then_some(char::REPLACEMENT_CHARACTER);
    chars.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).chain(half).collect()
}

fn of_windows(byte: u8) -> char {
    match byte {
        0x80..=0x9F => WINDOWS_1252[usize::from(byte - 0x80)],
        other => char::from(other),
    }
}
