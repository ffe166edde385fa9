//! One message of the server, as far as it can be read without knowing the response.

use serde_json::Value;

use super::repeated::event_without_repeated;

/// Why a frame could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BadFrame {
    /// It is not a JSON object.
    Garbage(String),
    /// With it, the response has more bytes than are taken.
    TooLarge,
}

/// A JSON object that the server sent, and its text.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    text: String,
    // Invariant: an object, and what `text` says, but for what it repeats of the request.
    event: Value,
}

impl Frame {
    /// Reads a message, or the data of a server-sent event.
    pub(crate) fn parse(text: String) -> Result<Self, BadFrame> {
        let read = event_without_repeated(&text);
        let (text, event) = match read.or_else(|_| serde_json::from_str::<Value>(&text)) {
            Ok(event) => (text, event),
            Err(err) => {
                let mended = with_whole_characters(&text);
                let event = serde_json::from_str(&mended);
                (mended, event.map_err(|_| BadFrame::Garbage(err.to_string()))?)
            }
        };
        if !event.is_object() {
            return Err(BadFrame::Garbage("a JSON text that is not an object".to_owned()));
        }
        Ok(Self { text, event })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn event(&self) -> &Value {
        &self.event
    }

    pub(crate) fn kind(&self) -> &str {
        self.event.get("type").and_then(Value::as_str).unwrap_or("")
    }

    /// The lane it belongs to, where it has a name.
    pub(crate) fn stream_id(&self) -> Option<&str> {
        self.event.get("stream_id").and_then(Value::as_str)
    }

    /// Whether it reports an error of a request or of the connection.
    pub(crate) fn is_error(&self) -> bool {
        matches!(self.kind(), "error" | "response.error")
    }
}

/// The same JSON with U+FFFD for every half of a surrogate pair that stands alone. Servers that
/// cut a text by UTF-16 units write such halves into neighbouring deltas.
fn with_whole_characters(frame: &str) -> String {
    let mut mended = String::with_capacity(frame.len());
    let mut rest = frame;
    while let Some(start) = rest.find('\\') {
        let (before, escape) = rest.split_at(start);
        mended.push_str(before);
        let (keep, length) = match (unit(escape), unit(escape.get(6..).unwrap_or(""))) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (true, 12),
            (Some(0xd800..=0xdfff), _) => (false, 6),
            (Some(_), _) => (true, 6),
            // A backslash, and the character it escapes.
            (None, _) => (true, 1 + escape.chars().nth(1).map_or(0, char::len_utf8)),
        };
        let (escape, after) = escape.split_at(length);
        mended.push_str(if keep { escape } else { "\\ufffd" });
        rest = after;
    }
    mended.push_str(rest);
    mended
}

/// The UTF-16 unit that a text such as `\ud83d…` begins with.
fn unit(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}
