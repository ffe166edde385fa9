//! Frames on the line between the process of the step and a worker: four bytes of length, then
//! as many bytes. Each side takes the other for hostile: no length is believed before it is
//! compared with the most that may come, and no room is made that has not been paid for with
//! bytes.

/// Bytes of the length in front of a frame.
const HEAD_BYTES: usize = 4;

/// Bytes that are asked for at once. Most frames come whole.
const READ_BYTES: usize = 16 * 1024;

/// Room that is kept between calls; what a large file took is given back.
const KEPT_BYTES: usize = 1024 * 1024;

/// What has come and was not taken yet.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    bytes: Vec<u8>,
    // Invariant: from <= to <= bytes.len().
    from: usize,
    to: usize,
}

/// What came is not what was agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it does not keep to the protocol")]
pub(crate) struct Garbled;

impl Frames {
    /// The next frame, if all of it has come.
    pub(crate) fn next(&mut self, bytes_max: usize) -> Result<Option<&[u8]>, Garbled> {
        let come = &self.bytes[self.from..self.to];
        let Some((head, rest)) = come.split_first_chunk::<HEAD_BYTES>() else { return Ok(None) };
        let length = usize::try_from(u32::from_le_bytes(*head)).map_err(|_| Garbled)?;
        if length > bytes_max {
            return Err(Garbled);
        }
        if rest.len() < length {
            return Ok(None);
        }
        let begin = self.from + HEAD_BYTES;
        self.from = begin + length;
        Ok(Some(&self.bytes[begin..begin + length]))
    }

    /// Room for what comes next: never more than has come already, and a little.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.from > 0 {
            self.bytes.copy_within(self.from..self.to, 0);
            self.to -= self.from;
            self.from = 0;
        }
        if self.to == 0 && self.bytes.len() > KEPT_BYTES {
            self.bytes.truncate(READ_BYTES);
            self.bytes.shrink_to_fit();
        }
        if self.bytes.len() - self.to < READ_BYTES {
            self.bytes.resize(self.to * 2 + READ_BYTES, 0);
        }
        &mut self.bytes[self.to..]
    }

    /// Notes that so many bytes have come into [`Frames::room`].
    pub(crate) fn came(&mut self, bytes: usize) {
        self.to += bytes;
        assert!(self.to <= self.bytes.len(), "no more can come than there was room for");
    }

    /// Whether anything has come that was not taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.from == self.to
    }
}

/// A frame that is being written.
#[derive(Debug)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn new(tag: u8) -> Self {
        Self(vec![0, 0, 0, 0, tag])
    }

    pub(crate) fn byte(&mut self, byte: u8) -> &mut Self {
        self.0.push(byte);
        self
    }

    pub(crate) fn flag(&mut self, flag: bool) -> &mut Self {
        self.byte(u8::from(flag))
    }

    pub(crate) fn small(&mut self, number: u32) -> &mut Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    pub(crate) fn count(&mut self, count: usize) -> &mut Self {
        self.small(u32::try_from(count).unwrap_or(u32::MAX))
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.count(bytes.len());
        self.0.extend(bytes);
        self
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    pub(crate) fn texts(&mut self, texts: &[String]) -> &mut Self {
        self.count(texts.len());
        for text in texts {
            self.text(text);
        }
        self
    }

    /// The frame with its length in front; nothing when it is longer than a length can say.
    pub(crate) fn finish(mut self) -> Option<Vec<u8>> {
        let length = u32::try_from(self.0.len() - HEAD_BYTES).ok()?;
        self.0[..HEAD_BYTES].copy_from_slice(&length.to_le_bytes());
        Some(self.0)
    }
}

/// A frame that is being read. Every count is compared with what is left before room is made.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The frame's tag, and the rest of it.
    pub(crate) fn new(frame: &'a [u8]) -> Result<(u8, Self), Garbled> {
        let (&tag, rest) = frame.split_first().ok_or(Garbled)?;
        Ok((tag, Self(rest)))
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Garbled> {
        let (&byte, rest) = self.0.split_first().ok_or(Garbled)?;
        self.0 = rest;
        Ok(byte)
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Garbled> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Garbled),
        }
    }

    pub(crate) fn small(&mut self) -> Result<u32, Garbled> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(Garbled)?;
        self.0 = rest;
        Ok(u32::from_le_bytes(*bytes))
    }

    pub(crate) fn number(&mut self) -> Result<u64, Garbled> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(Garbled)?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*bytes))
    }

    /// How many items follow, each of them at least `item_bytes` long.
    pub(crate) fn count(&mut self, item_bytes: usize) -> Result<usize, Garbled> {
        let count = usize::try_from(self.small()?).map_err(|_| Garbled)?;
        if count.checked_mul(item_bytes).is_none_or(|bytes| bytes > self.0.len()) {
            return Err(Garbled);
        }
        Ok(count)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Garbled> {
        let count = self.count(1)?;
        let (bytes, rest) = self.0.split_at(count);
        self.0 = rest;
        Ok(bytes)
    }

    pub(crate) fn text(&mut self) -> Result<String, Garbled> {
        str::from_utf8(self.bytes()?).map(str::to_owned).map_err(|_| Garbled)
    }

    pub(crate) fn texts(&mut self) -> Result<Vec<String>, Garbled> {
        // A text has its length in front.
        let count = self.count(HEAD_BYTES)?;
        (0..count).map(|_| self.text()).collect()
    }

    /// Nothing may be left over.
    pub(crate) fn end(self) -> Result<(), Garbled> {
        if self.0.is_empty() { Ok(()) } else { Err(Garbled) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(frames: &mut Frames, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = frames.room();
            let n = room.len().min(bytes.len());
            room[..n].copy_from_slice(&bytes[..n]);
            frames.came(n);
            bytes = &bytes[n..];
        }
    }

    fn frame(content: &[u8]) -> Vec<u8> {
        let mut writer = Writer::new(7);
        writer.bytes(content);
        writer.finish().unwrap()
    }

    #[test]
    fn frames_come_out_as_they_went_in_however_they_are_cut() {
        let contents: Vec<Vec<u8>> = [0, 1, 5, 70_000, 3].map(|n| vec![7; n]).to_vec();
        let all: Vec<u8> = contents.iter().flat_map(|content| frame(content)).collect();
        for cut in [1, 2, 3, 7, 4_096, all.len()] {
            let (mut frames, mut got) = (Frames::default(), Vec::new());
            for piece in all.chunks(cut) {
                feed(&mut frames, piece);
                while let Some(frame) = frames.next(100_000).unwrap() {
                    let (tag, mut reader) = Reader::new(frame).unwrap();
                    assert_eq!(tag, 7);
                    got.push(reader.bytes().unwrap().to_vec());
                    reader.end().unwrap();
                }
            }
            assert_eq!(got, contents, "cut every {cut}");
            assert!(frames.is_empty());
        }
    }

    #[test]
    fn a_length_is_refused_before_anything_of_it_came() {
        let mut frames = Frames::default();
        feed(&mut frames, &101_u32.to_le_bytes());
        assert_eq!(frames.next(100), Err(Garbled));
        assert_eq!(frames.next(101), Ok(None));
    }

    #[test]
    fn a_promise_of_bytes_takes_no_room() {
        let mut frames = Frames::default();
        feed(&mut frames, &u32::MAX.to_le_bytes());
        assert_eq!(frames.next(usize::MAX), Ok(None));
        assert!(frames.room().len() <= 2 * READ_BYTES);
    }

    #[test]
    fn a_count_is_compared_with_what_is_left() {
        let mut writer = Writer::new(0);
        writer.small(3).text("one").text("two");
        let frame = writer.finish().unwrap();
        let (_, mut reader) = Reader::new(&frame[HEAD_BYTES..]).unwrap();
        assert_eq!(reader.texts(), Err(Garbled));
        let mut writer = Writer::new(0);
        writer.small(u32::MAX);
        let frame = writer.finish().unwrap();
        let (_, mut reader) = Reader::new(&frame[HEAD_BYTES..]).unwrap();
        assert_eq!(reader.bytes(), Err(Garbled));
    }
}
