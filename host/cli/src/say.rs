//! Words for people and pipelines. A reader that is gone has read enough; an answer that could not
//! be written for another reason is remembered, so that the command does not end as if it had been.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use runner::Plain;

static LOST: AtomicBool = AtomicBool::new(false);

/// Prints an answer on standard output.
pub(crate) fn answer(text: &str) {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n"));
    if let Err(err) = written.and_then(|()| out.flush())
        && err.kind() != io::ErrorKind::BrokenPipe
    {
        LOST.store(true, Ordering::Relaxed);
        note(&format!("the answer could not be written: {err}"));
    }
}

/// Whether an answer was lost on its way.
pub(crate) fn is_answer_lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// Prints a line on standard error, as it is.
pub(crate) fn line(text: &str) {
    let _gone = writeln!(io::stderr().lock(), "{text}");
}

/// Prints a note on standard error; it may hold words from outside.
pub(crate) fn note(text: &str) {
    line(&format!("note: {}", Plain(text)));
}
