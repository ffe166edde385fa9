//! Text from outside, made fit for where it goes: a terminal, a CI log, a Markdown page.

use std::fmt::{self, Write as _};

/// Words from outside on one line of a log: nothing unprintable, so a model can neither move a
/// cursor nor begin a line that a CI reads as a command; and no `##`, which some CIs read as one
/// anywhere in a line.
#[derive(Debug)]
pub struct Plain<'a>(pub &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = ' ';
        self.0.chars().try_for_each(|c| match (std::mem::replace(&mut before, c), c) {
            ('#', '#') => f.write_str("\\u{23}"),
            (_, '\n' | '\t') => f.write_char(' '),
            (_, c) if c.is_control() || is_invisible(c) => write!(f, "{}", c.escape_unicode()),
            (_, c) => f.write_char(c),
        })
    }
}

/// Characters that show nothing or turn the text around.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Words from outside within a line of Markdown: no markup, no HTML, no new line.
pub(crate) struct Inline<'a>(pub(crate) &'a str);

impl fmt::Display for Inline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in Plain(self.0).to_string().chars() {
            match c {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' => write!(f, "\\{c}")?,
                // A name after an at sign would call somebody.
                '@' => f.write_str("@\u{200b}")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A block of text from outside in Markdown, in a fence longer than any run of backticks in it.
pub(crate) fn fenced(language: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let end = if text.ends_with('\n') { "" } else { "\n" };
    format!("{fence}{language}\n{text}{end}{fence}\n")
}

/// At most `most` bytes of `text`, cut between characters, with an ellipsis where it was cut.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_reaches_a_log_as_a_command() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(Plain(text).to_string(), expected);
        }
        check("a\n::error::b", "a ::error::b");
        check("\u{1b}[2J", "\\u{1b}[2J");
        check("a\u{202e}b\u{e0041}", "a\\u{202e}b\\u{e0041}");
        check("naïve – fine #1", "naïve – fine #1");
        check("x ##vso[a]b", "x #\\u{23}vso[a]b");
    }

    #[test]
    fn nothing_from_outside_reaches_a_page_as_markup() {
        assert_eq!(
            Inline("<img src=x> [a](b) `c` @octocat\n# h").to_string(),
            "&lt;img src=x&gt; \\[a\\](b) \\`c\\` @\u{200b}octocat \\# h"
        );
        assert_eq!(fenced("", "a ```` b"), "`````\na ```` b\n`````\n");
        assert_eq!(fenced("diff", "x\n"), "```diff\nx\n```\n");
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        assert_eq!(cut("añb", 2), "a…");
        assert_eq!(cut("añb", 4), "añb");
    }
}
