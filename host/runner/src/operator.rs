//! The operator's log: one short line an event, live, in the way of the CI that shows it.

mod platform;
mod standing;
mod words;

use std::io::{self, Write};
use std::time::Duration;

use session::event::{Decision, Event, Input, Note, Record};

use crate::numbers::count;
use crate::sink::Sink;
use crate::text::{Plain, cut};
pub use platform::{Notice, Platform};
pub use standing::Standing;
use words::words;

/// The longest line of the operator's log, in bytes: what fits a CI's log view.
const LINE_BYTES_MAX: usize = 220;

/// "Select graphic rendition" of ECMA-48.
const BOLD: &str = "\u{1b}[1m";
const YELLOW: &str = "\u{1b}[33m";
const RESET: &str = "\u{1b}[0m";

/// The operator's log.
#[derive(Debug)]
pub struct Operator<W> {
    out: W,
    platform: Platform,
    /// The group of lines that is open, by its number.
    group: Option<u32>,
    groups: u32,
    standing: Standing,
    /// When the last record was written, in milliseconds of the attempt and since 1970.
    at_ms: u64,
    time_ms: u64,
    /// The model's line that is not whole yet.
    pending: String,
    colours: bool,
}

/// How much a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// The step came to a new phase, or to its end.
    Heading,
    /// Somebody should look.
    Warning,
    /// What came out of something.
    Result,
    /// Begins the lines of a turn.
    Turn,
    /// How it went on; a CI that can fold it away does.
    Detail,
}

impl<W: Write + Send> Operator<W> {
    /// A log that is written to `out`, in the way of `platform`.
    pub fn new(out: W, platform: Platform) -> Self {
        Self {
            out,
            platform,
            group: None,
            groups: 0,
            standing: Standing::default(),
            at_ms: 0,
            time_ms: 0,
            pending: String::new(),
            colours: false,
        }
    }

    /// The same with the colours of a terminal, or without.
    #[must_use]
    pub fn with_colours(self, colours: bool) -> Self {
        Self { colours, ..self }
    }

    fn line(&mut self, word: &str, rest: &str, weight: Weight) -> io::Result<()> {
        let at_ms = self.at_ms;
        let time = format!("{}.{:02}s", at_ms / 1_000, at_ms % 1_000 / 10);
        let rest = cut(&Plain(rest).to_string(), LINE_BYTES_MAX);
        let line = format!("{time:>9}  {word:<14}  {rest}");
        let line = line.trim_end();
        match weight {
            Weight::Turn if self.fold(line)? => Ok(()),
            Weight::Detail if self.group.is_none() => {
                let work = self.standing.work();
                self.fold(&format!("{time:>9}  {:<14}  {work}", "calls"))?;
                self.put(line)
            }
            Weight::Detail | Weight::Turn => self.put(line),
            Weight::Result => {
                self.unfold()?;
                self.put(line)
            }
            Weight::Heading => {
                self.unfold()?;
                let heading = self.platform.heading(line);
                self.put(&self.coloured(&heading, BOLD))
            }
            Weight::Warning => {
                self.unfold()?;
                self.put(&self.coloured(line, YELLOW))?;
                let mark = self.platform.notice(&Notice::warning(&rest));
                mark.map_or(Ok(()), |mark| self.put(&mark))
            }
        }
    }

    fn coloured(&self, line: &str, code: &str) -> String {
        if self.colours { format!("{code}{line}{RESET}") } else { line.to_owned() }
    }

    /// Begins lines that are folded away under a title; whether this platform does.
    fn fold(&mut self, title: &str) -> io::Result<bool> {
        self.unfold()?;
        let number = self.groups;
        let Some(opening) = self.platform.open(title, number, self.time_ms) else {
            return Ok(false);
        };
        self.group = Some(number);
        self.groups = self.groups.wrapping_add(1);
        self.put(&opening)?;
        Ok(true)
    }

    fn unfold(&mut self) -> io::Result<()> {
        let number = self.group.take();
        let closing = number.and_then(|number| self.platform.close(number, self.time_ms));
        closing.map_or(Ok(()), |closing| self.put(&closing))
    }

    fn put(&mut self, line: &str) -> io::Result<()> {
        match writeln!(self.out, "{line}") {
            // The operator closed the terminal; the step goes on.
            Err(err) if err.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }

    fn flush_text(&mut self) -> io::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        if pending.trim().is_empty() {
            return Ok(());
        }
        self.line("model", &pending, Weight::Detail)
    }
}

impl<W: Write + Send> Sink for Operator<W> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.standing.hear(record);
        let Some((word, rest)) = words(record) else { return Ok(()) };
        self.flush_text()?;
        (self.at_ms, self.time_ms) = (record.at_ms, record.time_ms);
        self.line(word, &rest, weight(&record.event))
    }

    fn text(&mut self, at_ms: u64, piece: &str) -> io::Result<()> {
        self.at_ms = at_ms;
        self.pending.push_str(piece);
        while let Some((line, rest)) = self.pending.split_once('\n') {
            let (line, rest) = (line.to_owned(), rest.to_owned());
            self.pending = rest;
            if !line.trim().is_empty() {
                self.line("model", &line, Weight::Detail)?;
            }
        }
        if self.pending.len() > LINE_BYTES_MAX {
            self.flush_text()?;
        }
        Ok(())
    }

    fn suppressed(&mut self, records: u64, first: u64, last: u64) -> io::Result<()> {
        let events = count(records, "event");
        let place = format!("{events} not shown (trace seq {first} to {last})");
        self.put(&format!("{:>9}  {:<14}  {place}", "", "…"))
    }

    fn silent(&mut self, silence: Duration) -> io::Result<()> {
        self.flush_text()?;
        let silence_ms = u64::try_from(silence.as_millis()).unwrap_or(u64::MAX);
        self.at_ms = self.at_ms.saturating_add(silence_ms);
        self.time_ms = self.time_ms.saturating_add(silence_ms);
        match self.standing.waits_for(self.at_ms) {
            Some(what) => self.line("waiting", &what, Weight::Detail),
            None => Ok(()),
        }
    }
}

/// How much an event that has a line says.
fn weight(event: &Event) -> Weight {
    match event {
        Event::Decided(Decision::PhaseEntered { .. } | Decision::Stopped { .. })
        | Event::Noted(Note::RunStarted { .. }) => Weight::Heading,
        Event::Noted(Note::Warned { .. }) | Event::Decided(Decision::Warned { .. }) => {
            Weight::Warning
        }
        Event::Decided(Decision::TurnReserved { .. }) => Weight::Turn,
        Event::Decided(Decision::CallStarted { .. } | Decision::TurnCharged { .. })
        | Event::Heard(Input::CallAnswered { .. } | Input::TurnFailed { .. })
        | Event::Noted(
            Note::LinkOpened { .. }
            | Note::LinkLost { .. }
            | Note::ToolLogged { .. }
            | Note::CacheShared { .. },
        ) => Weight::Detail,
        Event::Heard(_) | Event::Decided(_) | Event::Noted(_) => Weight::Result,
    }
}

#[cfg(test)]
mod tests;
