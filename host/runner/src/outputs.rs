//! Outputs that are longer than what the conversation gets of one: cut where they come from, so
//! that what waits for the loop is small, and kept whole beside the journal, to become artifacts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use session::event::Note;
use session::{Answer, CallId};

use crate::text::cut;

/// Where they stand, beside the journal and among the artifacts.
pub(crate) const OUTPUTS: &str = "outputs";

/// Bytes of all outputs that a run keeps: what a pipeline uploads without noticing.
const OUTPUTS_BYTES_MAX: u64 = 64 * 1024 * 1024;

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
