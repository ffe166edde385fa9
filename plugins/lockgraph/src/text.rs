//! Bytes of a file as text, with lines that can be pointed at.

use std::ops::Range;

/// `text` on one line, in printable characters, cut to `bytes_max` with a mark.
pub(crate) fn shown(text: &str, bytes_max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(bytes_max));
    for c in text.chars() {
        if out.len() + c.len_utf8() > bytes_max {
            out.push('…');
            break;
        }
        out.push(if c.is_control() { ' ' } else { c });
    }
    out
}

/// The text of a file without its byte order mark, or the line of the first byte that is no text.
pub(crate) fn decode(bytes: &[u8]) -> Result<&str, u32> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|err| {
        let before = &bytes[..err.valid_up_to()];
        saturate(before.iter().filter(|&&b| b == b'\n').count() + 1)
    })
}

/// Where the lines of a text begin.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let after = text.bytes().enumerate().filter(|&(_, b)| b == b'\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(after).collect() }
    }

    /// The line of a byte, counted from 1.
    pub(crate) fn line(&self, offset: usize) -> u32 {
        saturate(self.starts.partition_point(|&start| start <= offset))
    }

    /// The line where a span begins.
    pub(crate) fn line_of(&self, span: &Range<usize>) -> u32 {
        self.line(span.start)
    }

    /// The line where `part` begins, which must be a slice of this text.
    pub(crate) fn line_of_part(&self, part: &str) -> u32 {
        let offset = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        self.line(offset.min(self.text.len()))
    }
}

/// Whether a line is one that git leaves behind where it could not merge.
pub(crate) fn is_conflict_mark(line: &str) -> bool {
    ["<<<<<<<", "|||||||", "=======", ">>>>>>>"].iter().any(|mark| line.starts_with(mark))
}

fn saturate(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
