//! Outputs that are longer than what the conversation gets of one: cut where they come from, so
//! that what waits for the loop is small, and kept whole beside the journal, to become artifacts.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use session::event::Note;
use session::{Answer, CallId};

use crate::text::cut;
use crate::verify::left_out;

/// Where they stand, beside the journal and among the artifacts.
pub(crate) const OUTPUTS: &str = "outputs";

/// Bytes of all outputs that a run keeps: what a pipeline uploads without noticing.
const OUTPUTS_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Bytes of one output that are kept as it grows. Its end is kept beside them.
const STREAM_BYTES_MAX: u64 = 12 * 1024 * 1024;

/// What that can come to, with the end of the output and a word between the two.
const STREAMED_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What ends the name of each, after that of its call.
const ENDING: &str = ".txt";

/// Whether a file has the name of a kept output: that of a call, as [`CallId`] writes it.
pub(crate) fn is_output(name: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let call = name.strip_suffix(ENDING).and_then(|call| call.split_once('.'));
    call.is_some_and(|(origin, place)| {
        let rounds = ["turn", "tests"].iter().filter_map(|word| origin.strip_prefix(word));
        number(place) && (origin == "context" || rounds.into_iter().any(number))
    })
}

/// What the conversation gets of a longer output.
pub(crate) fn head_of(output: &str, most: usize) -> String {
    let shown = serde_json::json!({
        "cut": true,
        "bytes": output.len(),
        "shown_bytes": most,
        "note": "the answer is longer than the step allows: ask for less of it",
        "head": cut(output, most),
    });
    shown.to_string()
}

/// The long outputs of a run.
#[derive(Debug)]
pub(crate) struct Outputs {
    dir: PathBuf,
    /// Bytes that may still be kept.
    room: AtomicU64,
}

impl Outputs {
    /// Those of the run in `run_dir`: those of its earlier attempts, or none where it is `new`.
    ///
    /// # Errors
    /// When those of another run cannot be removed.
    pub(crate) fn of(run_dir: &Path, new: bool) -> io::Result<Self> {
        let dir = run_dir.join(OUTPUTS);
        if new && dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        let files = fs::read_dir(&dir).into_iter().flatten().flatten();
        let kept: u64 = files.filter_map(|file| Some(file.metadata().ok()?.len())).sum();
        Ok(Self { dir, room: AtomicU64::new(OUTPUTS_BYTES_MAX.saturating_sub(kept)) })
    }

    /// An answer that fits the conversation: the head of a long one, and what was left out.
    pub(crate) fn shorten(
        &self,
        call: CallId,
        answer: Answer,
        most: usize,
    ) -> (Answer, Option<Note>) {
        let output = match answer {
            Answer::Answered { output } if output.len() > most => output,
            Answer::Answered { .. } | Answer::Refused { .. } | Answer::Ended { .. } => {
                return (answer, None);
            }
        };
        let shown = head_of(&output, most);
        let note = Note::OutputCut {
            of: call.to_string(),
            bytes: output.len() as u64,
            shown: most as u64,
            kept: self.keep(&format!("{call}{ENDING}"), output.as_bytes()),
        };
        (Answer::Answered { output: shown }, Some(note))
    }

    /// Begins to keep an output that only grows; none where it cannot be kept. What an earlier
    /// attempt kept under the name is gone.
    pub(crate) fn stream(&self, call: CallId) -> Option<Stream> {
        let less = |room: u64| room.checked_sub(STREAMED_BYTES_MAX);
        self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok()?;
        let name = format!("{call}{ENDING}");
        let file = fs::create_dir_all(&self.dir).and_then(|()| File::create(self.dir.join(&name)));
        match file {
            Ok(file) => Some(Stream { file, name, written: 0, missed: 0, ends: false }),
            Err(_) => {
                self.room.fetch_add(STREAMED_BYTES_MAX, Ordering::Relaxed);
                None
            }
        }
    }

    /// An output that grew to its end: where it is, below the artifacts, and how much of it.
    pub(crate) fn streamed(&self, stream: Stream) -> (String, u64) {
        let Stream { name, written, .. } = stream;
        self.room.fetch_add(STREAMED_BYTES_MAX.saturating_sub(written), Ordering::Relaxed);
        (format!("{OUTPUTS}/{name}"), written)
    }

    /// Keeps an output whole; none where it cannot be. Where it is, below the artifacts.
    fn keep(&self, name: &str, bytes: &[u8]) -> Option<String> {
        let size = bytes.len() as u64;
        let less = |room: u64| room.checked_sub(size);
        self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok()?;
        let written =
            fs::create_dir_all(&self.dir).and_then(|()| fs::write(self.dir.join(name), bytes));
        if written.is_err() {
            self.room.fetch_add(size, Ordering::Relaxed);
            return None;
        }
        Some(format!("{OUTPUTS}/{name}"))
    }
}

/// An output that is kept as it grows.
#[derive(Debug)]
pub(crate) struct Stream {
    file: File,
    name: String,
    /// Bytes of the output that are in the file.
    written: u64,
    /// Bytes of it that are not.
    missed: u64,
    /// Whether the file takes no more, which nobody needs to know before the end.
    ends: bool,
}

impl Stream {
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let room = STREAM_BYTES_MAX.saturating_sub(self.written);
        let fits = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
        let fits = if self.ends { 0 } else { fits };
        match self.file.write_all(&bytes[..fits]) {
            Ok(()) => {
                self.written += fits as u64;
                self.missed += (bytes.len() - fits) as u64;
            }
            Err(_) => self.missed += bytes.len() as u64,
        }
        self.ends |= self.missed > 0;
    }

    /// Bytes of the output that are not in the file.
    pub(crate) fn missed(&self) -> u64 {
        self.missed
    }

    /// The output is over; `tail` is the end of what is not in the file yet.
    pub(crate) fn end(&mut self, tail: &[u8]) {
        let left = self.missed.saturating_sub(tail.len() as u64);
        let note = if left > 0 { left_out(left) } else { String::new() };
        let whole = self.file.write_all(note.as_bytes()).and_then(|()| self.file.write_all(tail));
        if whole.is_ok() {
            self.written += tail.len() as u64;
            self.missed = left;
        }
    }
}
