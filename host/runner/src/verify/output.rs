//! What is kept of an output: its beginning and its end, and more of it in a file while it grows.

use std::collections::VecDeque;

use crate::outputs::Stream;
use crate::scratch::Cut;

/// Bytes of the command's output that are kept at its beginning and at its end: compile errors
/// stand at the one, results at the other.
const HEAD_MAX: usize = 1024 * 1024;
const TAIL_MAX: usize = 3 * 1024 * 1024;

/// The beginning and the end of an output.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    dropped: usize,
    /// Where it is written as it comes.
    stream: Option<Stream>,
}

impl Kept {
    pub(crate) fn streaming(stream: Option<Stream>) -> Self {
        Self { stream, ..Self::default() }
    }

    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        if let Some(stream) = &mut self.stream {
            stream.write(bytes);
        }
        let room = HEAD_MAX - self.head.len();
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(head);
        bytes = rest;
        self.tail.extend(bytes);
        let over = self.tail.len().saturating_sub(TAIL_MAX);
        self.tail.drain(..over);
        self.dropped += over;
    }

    /// Bytes of the whole.
    pub(crate) fn total(&self) -> u64 {
        (self.head.len() + self.tail.len() + self.dropped) as u64
    }

    /// Its beginning.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// What was left out of it, if anything was.
    pub(crate) fn cut(&self) -> Option<Cut> {
        let (bytes, dropped) = (self.total(), self.dropped as u64);
        (dropped > 0).then_some(Cut { bytes, shown: bytes - dropped })
    }

    /// The stream, with the end of what did not fit in it.
    pub(crate) fn end_stream(&mut self) -> Option<Stream> {
        let mut stream = self.stream.take()?;
        let missing = usize::try_from(stream.missed()).unwrap_or(usize::MAX);
        let from = self.tail.len().saturating_sub(missing);
        let tail: Vec<u8> = self.tail.range(from..).copied().collect();
        stream.end(&tail);
        Some(stream)
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        let mut bytes = self.head;
        if self.dropped > 0 {
            bytes.extend_from_slice(left_out(self.dropped as u64).as_bytes());
        }
        bytes.extend(self.tail);
        bytes
    }
}

/// What stands in the place of bytes that are not kept.
pub(crate) fn left_out(bytes: u64) -> String {
    format!("\n[{bytes} bytes of output left out here]\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_output_keeps_its_beginning_and_its_end() {
        let mut kept = Kept::default();
        kept.push(b"first");
        for _ in 0..100 {
            kept.push(&vec![b'.'; 100_000]);
        }
        kept.push(b"last");
        let bytes = kept.into_bytes();
        assert!(bytes.starts_with(b"first") && bytes.ends_with(b"last"));
        assert!(bytes.len() < HEAD_MAX + TAIL_MAX + 100);
    }
}
