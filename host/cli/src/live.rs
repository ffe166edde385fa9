//! The operator's log on a terminal: its lines, and below them one that says where the run stands.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use runner::{Operator, Platform, Sink, Standing};
use session::event::Record;

/// How often the last line is drawn.
const TICK: Duration = Duration::from_millis(200);
/// How wide a terminal is that does not say.
const COLUMNS: u16 = 80;

/// The operator's log on a terminal.
pub(crate) struct Live {
    lines: Operator<Above>,
    bar: ProgressBar,
    seen: Arc<Mutex<Seen>>,
}

/// Where the run stood, and when that was.
struct Seen {
    standing: Standing,
    at_ms: u64,
    since: Instant,
}

impl Live {
    /// A view on standard error; colours where they are wanted.
    pub(crate) fn new(colours: bool) -> Self {
        Self::on(ProgressDrawTarget::stderr(), colours)
    }

    fn on(terminal: ProgressDrawTarget, colours: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, terminal);
        let seen = Seen { standing: Standing::default(), at_ms: 0, since: Instant::now() };
        let seen = Arc::new(Mutex::new(seen));
        let shown = Arc::clone(&seen);
        let standing = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
            // A reader that cannot be written to has nothing to see.
            let _gone = out.write_str(&fit(&shown.lock().unwrap_or_else(PoisonError::into_inner)));
        };
        let template = ProgressStyle::with_template("{spinner} {standing}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        bar.set_style(template.with_key("standing", standing));
        bar.enable_steady_tick(TICK);
        let above = Above { bar: bar.clone(), pending: Vec::new() };
        Self { lines: Operator::new(above, Platform::Plain).with_colours(colours), bar, seen }
    }
}

/// The line, as far as the terminal is wide.
fn fit(seen: &Seen) -> String {
    let passed = u64::try_from(seen.since.elapsed().as_millis()).unwrap_or(u64::MAX);
    let line = seen.standing.line(seen.at_ms.saturating_add(passed));
    let columns = rustix::termios::tcgetwinsize(io::stderr())
        .map(|size| size.ws_col)
        .ok()
        .filter(|columns| *columns > 0)
        .unwrap_or(COLUMNS);
    // The spinner and a space stand before it.
    line.chars().take(usize::from(columns).saturating_sub(3)).collect()
}

impl Sink for Live {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.standing.hear(record);
            (seen.at_ms, seen.since) = (record.at_ms, Instant::now());
        }
        self.lines.record(record)
    }

    fn text(&mut self, at_ms: u64, piece: &str) -> io::Result<()> {
        self.lines.text(at_ms, piece)
    }

    fn suppressed(&mut self, records: u64, first: u64, last: u64) -> io::Result<()> {
        self.lines.suppressed(records, first, last)
    }
}

impl Drop for Live {
    /// What stays on the terminal is the lines.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Writes whole lines above the one that is drawn anew.
struct Above {
    bar: ProgressBar,
    pending: Vec<u8>,
}

impl Write for Above {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        while let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.pending.drain(..=end).collect();
            self.bar.println(String::from_utf8_lossy(&line[..end]));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use indicatif::InMemoryTerm;
    use session::Phase;
    use session::event::{Decision, Event, Note, SCHEMA};

    use super::*;

    #[test]
    fn lines_stay_and_the_last_one_goes_with_the_view() {
        let terminal = InMemoryTerm::new(10, 80);
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        let mut live = Live::on(target, false);
        let record = |event| Record {
            schema: SCHEMA,
            run: "r".into(),
            attempt: 1,
            phase: Phase::Init,
            seq: 0,
            at_ms: 1_500,
            time_ms: 0,
            prev: String::new(),
            event,
        };
        let phase = Event::Decided(Decision::PhaseEntered { phase: Phase::ContextReady });
        live.record(&record(phase)).unwrap();
        live.record(&record(Event::Noted(Note::Warned { what: "\u{1b}[2Jgone?".into() }))).unwrap();
        live.bar.tick();
        let during = terminal.contents();
        assert!(during.contains("analyze"), "{during}");
        drop(live);
        insta::assert_snapshot!(terminal.contents());
    }
}
