//! Which part of a text is shown: by lines, where long ones are cut, or by bytes, where nothing
//! is. Both stop at a number of bytes and say where to go on.

use crate::Next;

/// A longer line is data or minified: its beginning says what it is.
const LINE_BYTES_MAX: usize = 2_000;

/// What is shown.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) text: String,
    pub(crate) start_line: usize,
    pub(crate) end_line: usize,
    pub(crate) cut_lines: Vec<usize>,
    pub(crate) next: Option<Next>,
}

/// Lines `first..=last`, as far as there is room.
#[derive(Debug)]
pub(crate) struct Lines {
    pub(crate) first: usize,
    pub(crate) last: Option<usize>,
    pub(crate) room: usize,
    /// Bytes of the file before the text.
    pub(crate) offset: usize,
}

/// Everything from a byte of the file on, as far as there is room.
#[derive(Debug)]
pub(crate) struct Bytes {
    pub(crate) start: usize,
    pub(crate) room: usize,
    /// Bytes of the file before the text.
    pub(crate) offset: usize,
}

/// A last line without an end counts.
pub(crate) fn count_lines(text: &str) -> usize {
    text.split_inclusive('\n').count()
}

impl Shown {
    pub(crate) fn nothing() -> Self {
        Self { text: String::new(), start_line: 0, end_line: 0, cut_lines: Vec::new(), next: None }
    }
}

impl Lines {
    pub(crate) fn of(&self, text: &str) -> Shown {
        let mut shown = Shown::nothing();
        let mut line_start = 0;
        for (line, number) in text.split_inclusive('\n').zip(1..) {
            if self.last.is_some_and(|last| number > last) {
                break;
            }
            if number >= self.first {
                let left = self.room - shown.text.len().min(self.room);
                let keep = line.floor_char_boundary(LINE_BYTES_MAX.min(left));
                let is_first = shown.start_line == 0;
                if line.len() > left && !is_first {
                    shown.next = Some(Next::StartLine(number));
                    break;
                }
                if keep < line.len() {
                    shown.cut_lines.push(number);
                    shown.text.push_str(&cut(line, keep, self.offset + line_start + keep));
                } else {
                    shown.text.push_str(line);
                }
                if is_first {
                    shown.start_line = number;
                }
                shown.end_line = number;
            }
            line_start += line.len();
        }
        shown
    }
}

/// The beginning of a line, and where the rest of it is.
fn cut(line: &str, keep: usize, rest: usize) -> String {
    let end = if line.ends_with('\n') { "\n" } else { "" };
    let bytes = line.len() - keep - end.len();
    format!("{}…[{bytes} bytes cut, they start at byte {rest}]{end}", &line[..keep])
}

impl Bytes {
    pub(crate) fn of(&self, text: &str) -> Shown {
        let start = text.ceil_char_boundary(self.start.saturating_sub(self.offset));
        let end = text.floor_char_boundary(start.saturating_add(self.room));
        // Room for less than one character shows that character: reading on must get somewhere.
        let end = if end > start { end } else { text.ceil_char_boundary(start + 1) };
        let shown = &text[start..end];
        let start_line = text[..start].matches('\n').count() + 1;
        Shown {
            text: shown.to_owned(),
            start_line,
            end_line: start_line + count_lines(shown).max(1) - 1,
            cut_lines: Vec::new(),
            next: (end < text.len()).then(|| Next::StartByte((self.offset + end) as u64)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reading_on_by_lines_shows_every_line_once(
            text in "([a-zäß€]{0,12}\n){0,20}[a-z]{0,5}", room in 1usize..60
        ) {
            let mut seen = String::new();
            let mut next = Some(Next::StartLine(1));
            while let Some(Next::StartLine(first)) = next {
                let shown = Lines { first, last: None, room, offset: 0 }.of(&text);
                prop_assert!(shown.text.len() <= room || !shown.cut_lines.is_empty());
                if shown.cut_lines.is_empty() {
                    seen.push_str(&shown.text);
                } else {
                    // A line that does not fit is the only one shown, and is known to be cut.
                    prop_assert_eq!(&shown.cut_lines, &vec![first]);
                    let line = text.split_inclusive('\n').nth(first - 1).unwrap();
                    prop_assert!(line.len() > room);
                    seen.push_str(line);
                }
                let last = shown.end_line;
                next = (last < count_lines(&text)).then_some(Next::StartLine(last + 1));
                if shown.cut_lines.is_empty() {
                    prop_assert_eq!(&shown.next, &next);
                }
            }
            prop_assert_eq!(seen, text);
        }

        #[test]
        fn reading_on_by_bytes_shows_every_byte_once(
            text in "[a-zäß€\n]{1,40}", room in 1usize..20, offset in 0usize..4
        ) {
            let mut seen = String::new();
            let mut start = 0;
            loop {
                let shown = Bytes { start, room, offset }.of(&text);
                seen.push_str(&shown.text);
                match shown.next {
                    Some(Next::StartByte(byte)) => start = usize::try_from(byte).unwrap(),
                    _ => break,
                }
            }
            prop_assert_eq!(seen, text);
        }
    }

    #[test]
    fn a_long_line_is_cut_and_says_where_it_goes_on() {
        let text = format!("short\n{}\nlast", "x".repeat(LINE_BYTES_MAX + 10));
        let shown = Lines { first: 1, last: None, room: 10_000, offset: 3 }.of(&text);
        assert_eq!(shown.cut_lines, [2]);
        assert_eq!((shown.start_line, shown.end_line, shown.next), (1, 3, None));
        let rest = 3 + "short\n".len() + LINE_BYTES_MAX;
        let marker = format!("…[10 bytes cut, they start at byte {rest}]\nlast");
        assert!(shown.text.ends_with(&marker), "{}", shown.text);
    }
}
