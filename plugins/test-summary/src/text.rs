//! Bytes to text, and text to size. What comes out has no escape sequences, no control
//! characters but tabs and line ends, and nothing that turns the direction of text around.

use std::fmt::Write;

/// What a report says, as far as it is text, and what was wrong with it.
pub(crate) fn decode(bytes: &[u8]) -> (String, Option<String>) {
    if let [0xFF, 0xFE, units @ ..] | [0xFE, 0xFF, units @ ..] = bytes {
        let unit = if bytes[0] == 0xFF { u16::from_le_bytes } else { u16::from_be_bytes };
        let units = units.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
        let text = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
        return (text.collect(), None);
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), None),
        Err(error) if declares_latin_1(bytes) => {
            debug_assert!(error.valid_up_to() < bytes.len());
            (bytes.iter().map(|byte| char::from(*byte)).collect(), None)
        }
        Err(_) => {
            let warning = "has bytes that are not UTF-8; they are shown as U+FFFD".to_owned();
            (String::from_utf8_lossy(bytes).into_owned(), Some(warning))
        }
    }
}

fn declares_latin_1(bytes: &[u8]) -> bool {
    let first_line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let first_line = String::from_utf8_lossy(first_line).to_ascii_lowercase();
    first_line.starts_with("<?xml")
        && (first_line.contains("iso-8859-1") || first_line.contains("windows-1252"))
}

/// Without escape sequences of terminals and control characters; lines end with `\n`.
pub(crate) fn plain(text: &str) -> String {
    // Most reports have nothing to take out, and looking is far cheaper than copying.
    let is_odd = |byte: u8| (byte < 0x20 && !matches!(byte, b'\n' | b'\t')) || byte == 0x7f;
    // U+0080 to U+009F and what turns text around begin with these bytes; so do some letters,
    // which costs only time.
    if !text.bytes().any(|byte| is_odd(byte) || matches!(byte, 0xC2 | 0xE2)) {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => match rest.next() {
                // Parameters, up to the letter that says what it is.
                Some('[') => {
                    rest.by_ref().find(|c| ('\u{40}'..='\u{7e}').contains(c));
                }
                // A title or a link, up to a bell or the next escape.
                Some(']') => {
                    if rest.by_ref().find(|c| matches!(c, '\u{7}' | '\u{1b}')) == Some('\u{1b}') {
                        rest.next_if_eq(&'\\');
                    }
                }
                Some(_) | None => {}
            },
            '\r' if rest.peek() == Some(&'\n') => {}
            // A progress bar overwrites its line; each state of it is one.
            '\r' => plain.push('\n'),
            '\n' | '\t' => plain.push(c),
            c if c.is_control() || turns(c) => {}
            c => plain.push(c),
        }
    }
    plain
}

/// Whether it changes the order in which a reader sees what follows.
fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// More words.
pub(crate) fn add(to: &mut String, words: std::fmt::Arguments<'_>) {
    // A string takes everything.
    _ = to.write_fmt(words);
}

/// The beginning, and how much is cut off.
pub(crate) fn cut(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let kept = &text[..text.floor_char_boundary(bytes_max)];
    format!("{kept}…[{} bytes cut]", text.len() - kept.len())
}

/// The last lines, at most so many of both.
pub(crate) fn tail(text: &str, lines_max: usize, bytes_max: usize) -> String {
    let text = text.trim_end();
    let text = &text[text.ceil_char_boundary(text.len().saturating_sub(bytes_max))..];
    let start = match lines_max.checked_sub(1) {
        None => text.len(),
        Some(before) => text.rmatch_indices('\n').nth(before).map_or(0, |(at, _)| at + 1),
    };
    text[start..].to_owned()
}

/// Text that keeps its beginning when it grows too long.
#[derive(Debug, Default, Clone)]
pub(crate) struct Head(pub(crate) String);

/// Text that keeps its end when it grows too long.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tail(pub(crate) String);

impl Head {
    /// A message and a trace of some fifty frames.
    const LEN_MAX: usize = 32 * 1024;

    pub(crate) fn push(&mut self, text: &str) {
        let room = Self::LEN_MAX - self.0.len().min(Self::LEN_MAX);
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
    }
}

impl Tail {
    /// What is shown of it is far less.
    const LEN_MAX: usize = 16 * 1024;

    pub(crate) fn push(&mut self, text: &str) {
        let from = text.ceil_char_boundary(text.len().saturating_sub(Self::LEN_MAX));
        self.0.push_str(&text[from..]);
        // Not at every push: moving the text costs as much as it is long.
        if self.0.len() > 2 * Self::LEN_MAX {
            let keep = self.0.ceil_char_boundary(self.0.len() - Self::LEN_MAX);
            self.0.drain(..keep);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_that_moves_a_cursor_is_left(text in "(\\PC|[\u{0}-\u{1f}\u{7f}-\u{9f}]|\u{1b}[\\[\\]]){0,40}") {
            prop_assert!(plain(&text).chars().all(|c| !c.is_control() || matches!(c, '\n' | '\t')));
        }

        #[test]
        fn a_tail_is_the_end(text in "[aä\n]{0,40}", lines in 0usize..4, bytes in 0usize..20) {
            let tail = tail(&text, lines, bytes);
            prop_assert!(text.trim_end().ends_with(&tail));
            prop_assert!(tail.len() <= bytes && tail.lines().count() <= lines);
        }
    }

    #[test]
    fn colours_titles_and_progress_bars_are_taken_out() {
        assert_eq!(plain("\u{1b}[1;31mred\u{1b}[0m\r\n"), "red\n");
        assert_eq!(plain("\u{1b}]8;;link\u{1b}\\text\u{1b}]8;;\u{7}!"), "text!");
        assert_eq!(plain("10%\r20%\rdone\u{8}\n"), "10%\n20%\ndone\n");
    }

    #[test]
    fn text_that_is_not_utf_8_is_read_all_the_same() {
        assert_eq!(decode(b"\xff\xfeh\0i\0").0, "hi");
        assert_eq!(decode(b"<?xml encoding=\"ISO-8859-1\"?>\n\xe4").0.chars().last(), Some('ä'));
        let (text, warning) = decode(b"a\xe4b");
        assert!(text == "a\u{fffd}b" && warning.is_some());
    }
}
