//! Text from outside, made fit for a terminal and for a line.

use std::fmt::{self, Write as _};

use unicode_width::UnicodeWidthStr as _;

/// Words from outside on one line: nothing that moves a cursor, hides, or turns text around, and
/// no `##`, which some CIs read as a command anywhere in a line.
#[derive(Debug)]
pub(crate) struct Plain<'a>(pub(crate) &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = ' ';
        for c in self.0.chars() {
            match (before, c) {
                ('#', '#') => f.write_str("\\u{23}")?,
                (_, '\n' | '\r' | '\t') => f.write_char(' ')?,
                (_, c) if shows_nothing(c) => write!(f, "{}", c.escape_unicode())?,
                (_, c) => f.write_char(c)?,
            }
            before = c;
        }
        Ok(())
    }
}

/// Whether a character is a control, shows nothing, or turns the text around.
fn shows_nothing(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The most characters that share a column: a letter and its marks.
const CHARS_A_COLUMN_MAX: usize = 8;

/// One line of at most `columns` columns, with an ellipsis where it was cut.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    let line = Plain(text).to_string();
    let chars = columns.saturating_mul(CHARS_A_COLUMN_MAX);
    if line.width() <= columns && line.chars().nth(chars).is_none() {
        return line;
    }
    let mut out = String::new();
    for c in line.chars().take(chars) {
        out.push(c);
        if out.width() >= columns {
            out.pop();
            break;
        }
    }
    out.push('…');
    out
}

/// `text` with spaces up to `columns` columns.
pub(crate) fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(text.width())))
}

/// `text` with spaces before it, `columns` columns in all.
pub(crate) fn right(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(text.width())))
}

/// Text from outside within HTML or XML: no markup, no character that XML 1.0 does not have.
#[derive(Debug)]
pub(crate) struct Markup<'a>(pub(crate) &'a str);

impl fmt::Display for Markup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '&' => f.write_str("&amp;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            '\n' | '\t' => f.write_char(c),
            '\u{fffe}' | '\u{ffff}' => write!(f, "{}", c.escape_unicode()),
            c if shows_nothing(c) => write!(f, "{}", c.escape_unicode()),
            c => f.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_line_fits_and_nothing_in_it_moves_anything(text in any::<String>(), columns in 1..60_usize) {
            let line = fit(&text, columns);
            prop_assert!(line.width() <= columns);
            prop_assert!(!line.chars().any(shows_nothing) && !line.contains("##"), "{:?}", line);
        }

        #[test]
        fn markup_is_text(text in any::<String>()) {
            let page = Markup(&text).to_string();
            prop_assert!(!page.contains(['<', '>', '"', '\'']), "{}", page);
        }
    }
}
