//! Where records go while a run is under way.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use session::Answer;
use session::budget::Money;
use session::event::{CallUsage, Decision, Event, Input, Note, Record};
use session::{Source, TestCounts, TestsSaid, Trust};

use crate::text::{Plain, cut};

/// The longest line of the operator's log, in bytes: what fits a CI's log view.
const LINE_BYTES_MAX: usize = 220;

/// Somewhere records go.
pub trait Sink: Send {
    /// Takes one record. May take its time: it has a thread of its own.
    ///
    /// # Errors
    /// What the system said; the sink gets nothing more then. The run goes on: what counts is in
    /// its journal.
    fn record(&mut self, record: &Record) -> io::Result<()>;

    /// Takes a piece of text that the model is just writing. It is for the eye: what counts
    /// comes as a record.
    ///
    /// # Errors
    /// As [`Sink::record`].
    fn text(&mut self, at_ms: u64, piece: &str) -> io::Result<()> {
        let _ = (at_ms, piece);
        Ok(())
    }

    /// Is told that it was behind, and that so many records were left out, from the `first` to the
    /// `last` by their numbers; they stand in the trace.
    ///
    /// # Errors
    /// As [`Sink::record`].
    fn suppressed(&mut self, records: u64, first: u64, last: u64) -> io::Result<()> {
        let _ = (records, first, last);
        Ok(())
    }
}

/// The operator's log: one short line an event, live.
#[derive(Debug)]
pub struct Operator<W> {
    out: W,
    /// The model's line that is not whole yet.
    pending: String,
}

impl<W: Write + Send> Operator<W> {
    /// A log that is written to `out`.
    pub fn new(out: W) -> Self {
        Self { out, pending: String::new() }
    }

    fn line(&mut self, at_ms: u64, word: &str, rest: &str) -> io::Result<()> {
        let time = format!("{}.{:02}s", at_ms / 1_000, at_ms % 1_000 / 10);
        let rest = cut(&Plain(rest).to_string(), LINE_BYTES_MAX);
        let line = format!("{time:>9}  {word:<14}  {rest}");
        match writeln!(self.out, "{}", line.trim_end()) {
            // The operator closed the terminal; the step goes on.
            Err(err) if err.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }

    fn flush_text(&mut self, at_ms: u64) -> io::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        if pending.trim().is_empty() { Ok(()) } else { self.line(at_ms, "model", &pending) }
    }
}

impl<W: Write + Send> Sink for Operator<W> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        let Some((word, rest)) = words(record) else { return Ok(()) };
        self.flush_text(record.at_ms)?;
        self.line(record.at_ms, word, &rest)
    }

    fn text(&mut self, at_ms: u64, piece: &str) -> io::Result<()> {
        self.pending.push_str(piece);
        while let Some((line, rest)) = self.pending.split_once('\n') {
            let (line, rest) = (line.to_owned(), rest.to_owned());
            self.pending = rest;
            if !line.trim().is_empty() {
                self.line(at_ms, "model", &line)?;
            }
        }
        if self.pending.len() > LINE_BYTES_MAX {
            self.flush_text(at_ms)?;
        }
        Ok(())
    }

    fn suppressed(&mut self, records: u64, first: u64, last: u64) -> io::Result<()> {
        let events = count(records, "event");
        let place = format!("{events} not shown (trace seq {first} to {last})");
        let line = format!("{:>9}  {:<14}  {place}", "", "…");
        writeln!(self.out, "{line}")
    }
}

/// What the operator reads of an event: a stable word and the rest. Most say nothing there.
fn words(record: &Record) -> Option<(&'static str, String)> {
    match &record.event {
        Event::Heard(input) => heard(input),
        Event::Decided(decision) => decided(decision),
        Event::Noted(Note::Resumed { turns, calls, spend }) => {
            let (run, phase) = (&record.run, record.phase.name());
            let turns = count(u64::from(*turns), "turn");
            let calls = count(u64::from(*calls), "call");
            let saved = format!("{turns} and {calls} not done again, {spend} saved");
            Some(("resumed", format!("run {run} in {phase}: {saved}")))
        }
        Event::Noted(note) => noted(note),
    }
}

fn heard(input: &Input) -> Option<(&'static str, String)> {
    match input {
        Input::CallAnswered { call, answer, source, usage, .. } => {
            Some(("answer", format!("{call} {}", Answered(answer, *source, usage))))
        }
        Input::TurnFailed { turn, code, message, .. } => {
            Some(("failed", format!("turn {turn}: {code}: {message}")))
        }
        Input::PatchJudged { problem: Some(problem), .. } => {
            Some(("gates", format!("refused: {problem}")))
        }
        Input::PatchJudged { problem: None, files, .. } => {
            let lines: u64 = files.iter().map(|file| file.added + file.removed).sum();
            Some((
                "gates",
                format!(
                    "passed: {} and {}",
                    count(files.len() as u64, "file"),
                    count(lines, "line")
                ),
            ))
        }
        Input::Cancelled { .. } => Some(("cancelled", "writing the artifacts".to_owned())),
        Input::ScopeRefused { turn, scope, left } => {
            Some(("refused", format!("turn {turn}: the {scope} can bear {left} more")))
        }
        Input::LedgerFailed { turn, message } => {
            Some(("refused", format!("turn {turn}: {message}")))
        }
        Input::Approved { check, by } => Some(("approved", format!("{check} by {by}"))),
        Input::AttemptStarted { .. }
        | Input::TestsFinished { .. }
        | Input::TurnRequested { .. }
        | Input::CallReceived { .. }
        | Input::TurnCompleted { .. }
        | Input::DeadlinePassed { .. } => None,
    }
}

fn decided(decision: &Decision) -> Option<(&'static str, String)> {
    Some(match decision {
        Decision::PhaseEntered { phase } => (phase.name(), String::new()),
        Decision::TestsStarted { round } => ("tests", format!("{}: running", round_word(*round))),
        Decision::CallStarted { call } => {
            ("call", format!("{} {} {}", call.id, call.tool, cut(&call.arguments, 100)))
        }
        Decision::TurnReserved { turn, reservation, wrap_up, .. } => {
            let wrap_up = if *wrap_up { ", told to wrap up" } else { "" };
            let most = format!("at most {} tokens", grouped(reservation.tokens));
            ("ask", format!("turn {turn}: {most}, {}{wrap_up}", reservation.spend))
        }
        Decision::TurnCharged { turn, tokens, spend, known, excess } => {
            let how = match (*known, *excess) {
                (false, _) => " (unknown, charged at the most)".to_owned(),
                (true, Money::ZERO) => String::new(),
                (true, excess) => format!(", and {excess} that no budget has left"),
            };
            ("charged", format!("turn {turn}: {} tokens, {spend}{how}", grouped(*tokens)))
        }
        Decision::TurnRetried { turn, code, after_ms } => {
            ("retry", format!("turn {turn}: {code}, again in {after_ms} ms"))
        }
        Decision::AnalysisTaken { findings } => {
            ("analysis", count(u64::from(*findings), "finding"))
        }
        Decision::TestsCounted { round, said } => {
            ("tests", format!("{}: {}", round_word(*round), tests_words(said)))
        }
        Decision::Warned { check, because } => ("warning", format!("{check}: {because}")),
        Decision::Lowered { turn, scope, max_output_tokens } => {
            let most = grouped(*max_output_tokens);
            ("lowered", format!("turn {turn}: the {scope} bears {most} tokens of answer"))
        }
        Decision::Stopped { reason } => ("stopped", reason.to_string()),
    })
}

fn noted(note: &Note) -> Option<(&'static str, String)> {
    Some(match note {
        Note::RunStarted { step, head, base, provider, model, tools, trust, .. } => {
            let base = base.as_deref().unwrap_or("nothing");
            let who = format!("{provider} ({model}), {}", count(tools.len() as u64, "tool"));
            // What may be held back for it must be seen.
            let whose = if *trust == Some(Trust::Stranger) { "; a stranger's change" } else { "" };
            ("INIT", format!("{step}: {head} against {base}; {who}{whose}"))
        }
        Note::Inherited { run, changed } => {
            ("inherited", format!("from run {run}; changed since then: {}", changed.join(", ")))
        }
        // Said where the run and the phase are known.
        Note::Resumed { .. } | Note::LeaseTaken { .. } => return None,
        Note::LinkOpened { endpoint, .. } => ("link", format!("open: {endpoint}")),
        Note::FellBack { why } => ("link", format!("no WebSocket, HTTP from here on: {why}")),
        Note::LinkLost { why } => ("link", format!("lost: {why}")),
        Note::ToolLogged { level, .. } if level == "debug" => return None,
        Note::ToolLogged { call, level, line } => ("tool", format!("{call} {level}: {line}")),
        Note::Denied { call, missing } => {
            ("denied", format!("{call}: not granted: {}", missing.join(", ")))
        }
        Note::CacheMissed { .. } => return None,
        Note::CacheShared { call, domain, signer, .. } => {
            ("shared", format!("{call}: computed elsewhere; {signer} vouches for it in `{domain}`"))
        }
        Note::OutputCut { of, bytes: whole, shown, kept } => {
            let rest = match kept {
                Some(file) => format!("all of it in {file}"),
                None => "the rest is lost".to_owned(),
            };
            ("cut", format!("{of}: {} of {}, {rest}", bytes(*shown), bytes(*whole)))
        }
        Note::Warned { what } => ("warning", what.clone()),
    })
}

fn round_word(round: u32) -> String {
    if round == 0 { "before".to_owned() } else { format!("with patch {round}") }
}

fn tests_words(said: &TestsSaid) -> String {
    let TestsSaid { passed, exit_code, counts } = said;
    let command = match exit_code {
        Some(code) => format!("the command ended with {code}"),
        None => "the command did not come to an end".to_owned(),
    };
    let Some(TestCounts { tests: 1.., .. }) = counts else {
        return if *passed { "passed".to_owned() } else { command };
    };
    let TestCounts { tests, passed: fine, failed, errors, skipped, .. } =
        counts.clone().unwrap_or_default();
    let mut text = format!("{fine} of {tests} passed");
    for (n, what) in [(failed, "failed"), (errors, "could not run"), (skipped, "skipped")] {
        if n > 0 {
            let _ = write!(text, ", {n} {what}");
        }
    }
    if !passed && failed + errors == 0 {
        let _ = write!(text, ", but {command}");
    }
    text
}

/// How a call went, for the operator.
struct Answered<'a>(&'a Answer, Source, &'a CallUsage);

impl fmt::Display for Answered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(answer, source, usage) = self;
        match answer {
            Answer::Answered { output } => write!(f, "{}", bytes(output.len() as u64))?,
            Answer::Refused { message } => write!(f, "refused: {}", cut(message, 120))?,
            Answer::Ended { ending, .. } => write!(f, "ended: {ending}")?,
        }
        match source {
            Source::Fresh | Source::Host => write!(f, " in {}", micros(usage.wall_us)),
            Source::Cache => write!(f, " from the cache, {} saved", micros(usage.saved_us)),
        }
    }
}

/// `1 file`, `2 files`.
pub fn count(n: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// A number with commas.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let head = digits.len() % 3;
    let mut parts: Vec<&str> = Vec::new();
    if head > 0 {
        parts.push(&digits[..head]);
    }
    parts.extend((head..digits.len()).step_by(3).map(|at| &digits[at..at + 3]));
    parts.join(",")
}

/// A size that a person reads.
pub(crate) fn bytes(n: u64) -> String {
    match n {
        0..1_024 => format!("{n} B"),
        1_024..1_048_576 => format!("{}.{} KiB", n / 1_024, n % 1_024 * 10 / 1_024),
        _ => format!("{}.{} MiB", n / 1_048_576, n % 1_048_576 * 10 / 1_048_576),
    }
}

/// A time that a person reads.
pub(crate) fn micros(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..10_000_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        _ => format!("{} s", us / 1_000_000),
    }
}

#[cfg(test)]
mod tests;
