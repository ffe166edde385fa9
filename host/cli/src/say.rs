//! Words for people and pipelines. A reader that is gone has read enough; an answer that could not
//! be written for another reason is remembered, so that the command does not end as if it had been.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use runner::Plain;

/// How long the end of a run waits for whoever reads standard error.
const READER_TIME_MAX: Duration = Duration::from_secs(2);

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

/// Prints lines on standard error, as they are, and does not wait for a reader that is stuck.
pub(crate) fn lines(texts: Vec<String>) {
    let (done, over) = mpsc::channel();
    thread::spawn(move || {
        texts.iter().for_each(|text| line(text));
        // Whoever waited has given up by now, or has not.
        done.send(()).ok();
    });
    over.recv_timeout(READER_TIME_MAX).ok();
}

/// Prints a note on standard error; it may hold words from outside.
pub(crate) fn note(text: &str) {
    line(&format!("note: {}", Plain(text)));
}
