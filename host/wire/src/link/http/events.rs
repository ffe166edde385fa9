//! Server-sent events, as far as this protocol needs them (WHATWG HTML, section 9.2.6): the data
//! of each event. Names and ids say nothing here that the data does not.

use super::MESSAGE_BYTES_MAX;

/// With it, an event or a line has more than [`MESSAGE_BYTES_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLarge;

/// Reads events out of a body, in whatever pieces it comes.
#[derive(Debug, Default)]
pub(super) struct Events {
    // What is known of the line that has no end yet.
    line: Vec<u8>,
    // The event's data so far, each line of it with a line feed.
    data: Vec<u8>,
    // The last byte ended a line: a line feed now belongs to it.
    after_return: bool,
    // The first line may begin with a byte order mark.
    begun: bool,
}

impl Events {
    /// Takes from the front of `bytes` until an event is complete, and gives its data; `None`
    /// when `bytes` is used up before that.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<String>, TooLarge> {
        if self.after_return && !bytes.is_empty() {
            self.after_return = false;
            *bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.keep(&bytes[..end])?;
            let returned = bytes[end] == b'\r';
            *bytes = &bytes[end + 1..];
            if returned {
                self.after_return = bytes.is_empty();
                *bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            }
            if let Some(data) = self.line_ended() {
                return Ok(Some(data));
            }
        }
        self.keep(bytes)?;
        *bytes = &[];
        Ok(None)
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        let size = self.line.len().saturating_add(self.data.len()).saturating_add(bytes.len());
        if size > MESSAGE_BYTES_MAX {
            return Err(TooLarge);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn line_ended(&mut self) -> Option<String> {
        let mut line = std::mem::take(&mut self.line);
        if !self.begun {
            self.begun = true;
            if line.starts_with("\u{feff}".as_bytes()) {
                line.drain(.."\u{feff}".len());
            }
        }
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            // Bytes that are no text are replaced, as the specification says.
            let data = data.strip_suffix(b"\n").map(String::from_utf8_lossy)?;
            return Some(data.into_owned());
        }
        // A line without a colon is a field without a value; one that begins with it, a comment.
        let value = match line.strip_prefix(b"data") {
            Some([]) => Some(&[][..]),
            Some([b':', b' ', value @ ..] | [b':', value @ ..]) => Some(value),
            Some(_) | None => None,
        };
        if let Some(value) = value {
            self.data.extend_from_slice(value);
            self.data.push(b'\n');
        }
        None
    }
}

#[cfg(test)]
mod tests;
