//! Server-sent events as bytes, in each of the ways in which they may be written.

use std::collections::VecDeque;

use hyper::body::Bytes;

use super::super::fault::Framing;

/// Bytes of a chunk where chunks cut everything. A prime, so that they cut at ever new places.
const SHRED_BYTES: usize = 7;

/// Writes events.
#[derive(Debug)]
pub(super) struct Framer {
    framing: Framing,
    ready: VecDeque<Bytes>,
    finished: bool,
}

impl Framer {
    pub(super) fn new(framing: Framing) -> Self {
        Self { framing, ready: VecDeque::new(), finished: false }
    }

    /// The next chunk.
    pub(super) fn ready(&mut self) -> Option<Bytes> {
        self.ready.pop_front()
    }

    /// Writes an event; one without a kind has no `event` line.
    pub(super) fn event(&mut self, kind: &str, data: &str) {
        let text = self.text(kind, data);
        self.push(text.into_bytes());
    }

    /// Writes the first half of an event.
    pub(super) fn half(&mut self, kind: &str, data: &str) {
        let mut bytes = self.text(kind, data).into_bytes();
        bytes.truncate(bytes.len() / 2);
        self.push(bytes);
    }

    /// Writes bytes where the data of an event belongs.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.push([b"data: ", bytes, b"\n\n"].concat());
    }

    /// Writes what belongs at the end. Whether there is such a thing.
    pub(super) fn finish(&mut self) -> bool {
        if self.finished || self.framing != Framing::Done {
            return false;
        }
        self.finished = true;
        self.push(b"data: [DONE]\n\n".to_vec());
        true
    }

    fn push(&mut self, bytes: Vec<u8>) {
        if self.framing == Framing::Shreds {
            self.ready.extend(bytes.chunks(SHRED_BYTES).map(Bytes::copy_from_slice));
        } else {
            self.ready.push_back(bytes.into());
        }
    }

    fn text(&self, kind: &str, data: &str) -> String {
        let end = if self.framing == Framing::Crlf { "\r\n" } else { "\n" };
        let comment = if self.framing == Framing::Comments { ": still here\n\n" } else { "" };
        let kind = if kind.is_empty() { String::new() } else { format!("event: {kind}{end}") };
        // JSON does not mind the line break that a client puts between the two lines.
        let data = match data.strip_prefix('{') {
            Some(rest) if self.framing == Framing::Lines => format!("{{{end}data: {rest}"),
            _ => data.to_owned(),
        };
        format!("{comment}{kind}data: {data}{end}{end}")
    }
}
