//! Which part of a text is shown: by lines, where long ones are cut, or by bytes, where nothing
//! is. Both stop when their room is full and say where to go on.

use answers::Text;
use answers::cost::{fitting, text_len};
use serde::Serialize;

use crate::about::Eol;

/// A longer line is data or minified: its beginning says what it is.
const LINE_BYTES_MAX: usize = 2_000;
/// What a line that is cut costs an answer besides its text: the mark, and its entry in a list.
const CUT_LEN: usize = 140;

/// How much may be shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Bytes of text.
    pub(crate) bytes: usize,
    /// Bytes of that text's JSON.
    pub(crate) json: usize,
}

/// What is shown.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) text: String,
    /// The first line and the last.
    pub(crate) lines: Option<(usize, usize)>,
    pub(crate) cut_lines: Vec<Cut>,
    pub(crate) next: Option<Next>,
}

/// A line of which only the beginning is shown, and where the rest is.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Cut {
    pub(crate) line: usize,
    pub(crate) start_byte: usize,
    /// That are missing, without the end of the line.
    pub(crate) bytes: usize,
}

/// The fields to call again with.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Next {
    Line {
        start_line: usize,
        #[serde(skip_serializing_if = "Option::is_none")]
        end_line: Option<usize>,
    },
    Byte {
        start_byte: u64,
    },
}

/// Lines `first..=last`, as far as there is room.
#[derive(Debug)]
pub(crate) struct Lines {
    pub(crate) first: usize,
    pub(crate) last: Option<usize>,
    pub(crate) numbered: bool,
    pub(crate) room: Room,
    pub(crate) eol: Eol,
    pub(crate) total_lines: usize,
}

/// Everything from a byte of the file on, as far as there is room.
#[derive(Debug)]
pub(crate) struct Bytes {
    pub(crate) start: usize,
    pub(crate) room: Room,
}

/// A last line without an end counts.
pub(crate) fn count_lines(text: &str) -> usize {
    text.split_inclusive('\n').count()
}

impl Room {
    /// How much of a text fits.
    fn fitting(self, text: &str) -> usize {
        fitting(&text[..text.floor_char_boundary(self.bytes)], self.json)
    }

    fn has(self, text: &str) -> bool {
        self.fitting(text) == text.len()
    }

    fn take(&mut self, text: &str) {
        self.bytes = self.bytes.saturating_sub(text.len());
        self.json = self.json.saturating_sub(text_len(text));
    }
}

impl Lines {
    pub(crate) fn of(&self, text: &Text<'_>) -> Shown {
        let mut shown = Shown::default();
        let mut room = self.room;
        let mut line_start = 0;
        for (line, number) in text.as_str().split_inclusive('\n').zip(1..) {
            if self.last.is_some_and(|last| number > last) {
                break;
            }
            if number >= self.first {
                let (body, end) = self.parts(line);
                let whole = format!("{}{body}{end}", self.number(number));
                if body.len() <= LINE_BYTES_MAX && room.has(&whole) {
                    room.take(&whole);
                    shown.text.push_str(&whole);
                } else {
                    let goes_on = Next::Line { start_line: number, end_line: self.last };
                    if !self.push_cut(&mut shown, &mut room, text, (line, line_start, number)) {
                        shown.next = Some(goes_on);
                        break;
                    }
                }
                let first = shown.lines.map_or(number, |(first, _)| first);
                shown.lines = Some((first, number));
            }
            line_start += line.len();
        }
        shown
    }

    /// Shows the beginning of a line that is too long, or of one that does not fit and is the
    /// first; anything else is for the next call.
    fn push_cut(
        &self,
        shown: &mut Shown,
        room: &mut Room,
        text: &Text<'_>,
        (line, line_start, number): (&str, usize, usize),
    ) -> bool {
        let is_first = shown.lines.is_none();
        let number_text = self.number(number);
        let (body, end) = self.parts(line);
        room.json = room.json.saturating_sub(CUT_LEN);
        room.take(&number_text);
        let beginning = &body[..body.floor_char_boundary(LINE_BYTES_MAX)];
        let fits = room.fitting(beginning);
        if !is_first && (body.len() <= LINE_BYTES_MAX || fits < beginning.len()) {
            return false;
        }
        // Where there is room for less than a character: reading on must get somewhere.
        let keep = fits.max(body.chars().next().map_or(0, char::len_utf8));
        room.take(&body[..keep]);
        shown.text.push_str(&number_text);
        shown.text.push_str(&body[..keep]);
        if keep < body.len() {
            let cut = cut(text, number, line_start + keep, line_start + body.len());
            shown.text.push_str(&cut.mark());
            shown.cut_lines.push(cut);
        }
        shown.text.push_str(end);
        true
    }

    fn number(&self, number: usize) -> String {
        let width = self.total_lines.to_string().len();
        if self.numbered { format!("{number:>width$}\t") } else { String::new() }
    }

    /// A line and its end, as it is shown.
    fn parts<'a>(&self, line: &'a str) -> (&'a str, &'a str) {
        let end = if line.ends_with("\r\n") { 2 } else { usize::from(line.ends_with('\n')) };
        let (body, end) = line.split_at(line.len() - end);
        (body, if self.eol == Eol::Crlf { end.trim_start_matches('\r') } else { end })
    }
}

fn cut(text: &Text<'_>, line: usize, from: usize, to: usize) -> Cut {
    let start_byte = text.file_byte(from);
    Cut { line, start_byte, bytes: text.file_byte(to) - start_byte }
}

impl Cut {
    fn mark(&self) -> String {
        format!("…[{} bytes cut; start_byte {}]", self.bytes, self.start_byte)
    }
}

impl Bytes {
    pub(crate) fn of(&self, text: &Text<'_>) -> Shown {
        let all = text.as_str();
        let start = text.text_at(self.start).min(all.len());
        let rest = &all[start..];
        // Where there is room for less than a character: reading on must get somewhere.
        let length = self.room.fitting(rest).max(rest.chars().next().map_or(0, char::len_utf8));
        let (shown, rest) = rest.split_at(length);
        let first = all[..start].matches('\n').count() + 1;
        let last = first + count_lines(shown).max(1) - 1;
        let next = || Next::Byte { start_byte: text.file_byte(start + length) as u64 };
        Shown {
            text: shown.to_owned(),
            lines: (!shown.is_empty()).then_some((first, last)),
            cut_lines: Vec::new(),
            next: (!rest.is_empty()).then(next),
        }
    }
}
