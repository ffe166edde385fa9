//! A record in a line: a stable word, and the rest.

use std::fmt::Write as _;

use session::event::{Decision, Event, Input, Note, Record, TestsEnding};
use session::{Answer, Source, TestCounts, TestsSaid};

use crate::amount::{bytes, count, grouped, micros, millis};
use crate::run::Level;

/// The most bytes of a text from outside in a line.
const SAID_BYTES_MAX: usize = 240;

/// What a record says.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) kind: &'static str,
    pub(crate) word: &'static str,
    pub(crate) text: String,
    pub(crate) level: Level,
}

/// The words of a record.
pub(crate) fn of(record: &Record) -> Words {
    let (kind, (word, text)) = match &record.event {
        Event::Heard(input) => ("heard", heard(input)),
        Event::Decided(decision) => ("decided", decided(decision)),
        Event::Noted(note) => ("noted", noted(note)),
    };
    Words { kind, word, text, level: level(&record.event) }
}

fn level(event: &Event) -> Level {
    match event {
        Event::Heard(
            Input::TurnFailed { .. } | Input::LedgerFailed { .. } | Input::ScopeRefused { .. },
        ) => Level::Error,
        Event::Heard(Input::PatchJudged { problem: Some(_), .. }) => Level::Error,
        Event::Heard(Input::CallAnswered { answer: Answer::Ended { .. }, .. }) => Level::Error,
        Event::Heard(
            Input::CallAnswered { answer: Answer::Refused { .. }, .. }
            | Input::DeadlinePassed { .. }
            | Input::Cancelled { .. },
        ) => Level::Warning,
        Event::Decided(Decision::TestsCounted { said, .. }) if !said.passed => Level::Error,
        Event::Decided(Decision::Stopped { reason }) => {
            if *reason == session::StopReason::Done {
                Level::Plain
            } else {
                Level::Error
            }
        }
        Event::Decided(
            Decision::TurnRetried { .. } | Decision::Lowered { .. } | Decision::Warned { .. },
        )
        | Event::Noted(
            Note::Warned { .. }
            | Note::Denied { .. }
            | Note::LinkLost { .. }
            | Note::FellBack { .. }
            | Note::OutputCut { .. },
        ) => Level::Warning,
        Event::Noted(Note::ToolLogged { level, .. }) if level == "warning" => Level::Warning,
        Event::Heard(_) | Event::Decided(_) | Event::Noted(_) => Level::Plain,
    }
}

fn said(text: &str) -> String {
    let short = crate::run::beginning(text, SAID_BYTES_MAX);
    if short.len() < text.len() { format!("{short}…") } else { short.to_owned() }
}

fn heard(input: &Input) -> (&'static str, String) {
    match input {
        Input::AttemptStarted { attempt } => ("attempt", format!("{attempt} begins")),
        Input::TestsFinished { round, ending, reports, .. } => {
            let how = match ending {
                TestsEnding::Ended { limit } => limit.words().to_owned(),
                TestsEnding::Exited { code: Some(code) } => format!("exit {code}"),
                TestsEnding::Exited { code: None } => "died of a signal".to_owned(),
                TestsEnding::NotStarted => "could not be started".to_owned(),
                TestsEnding::TimedOut => "out of time".to_owned(),
            };
            let reports = count(reports.len() as u64, "report");
            ("tests-ran", format!("{}: {how}, {reports}", round_word(*round)))
        }
        Input::CallAnswered { call, answer, source, usage, .. } => {
            let what = match answer {
                Answer::Answered { output } => bytes(output.len() as u64),
                Answer::Refused { message } => format!("refused: {}", said(message)),
                Answer::Ended { ending, message } => format!("ended: {ending}: {}", said(message)),
            };
            let from = match source {
                Source::Fresh => format!("in {}", micros(usage.wall_us)),
                Source::Host => "by the host".to_owned(),
                Source::Cache => format!("from the cache, {} saved", micros(usage.saved_us)),
            };
            ("answer", format!("{call} {what}, {from}"))
        }
        Input::TurnRequested { turn, try_number } => {
            ("request", format!("turn {turn}, try {try_number}"))
        }
        Input::CallReceived { turn, call } => {
            ("called", format!("turn {turn}: {} {}", said(&call.tool), said(&call.arguments)))
        }
        Input::TurnCompleted { turn, calls, text, usage, .. } => {
            let tokens = usage.map_or_else(String::new, |usage| {
                format!(", {} tokens in, {} out", grouped(usage.input), grouped(usage.output))
            });
            let calls = count(calls.len() as u64, "call");
            let text = if text.is_empty() { String::new() } else { format!(": {}", said(text)) };
            ("response", format!("turn {turn}: {calls}{tokens}{text}"))
        }
        Input::ScopeRefused { turn, scope, left } => {
            ("refused", format!("turn {turn}: the {} bears {left} more", said(scope)))
        }
        Input::LedgerFailed { turn, message } => {
            ("refused", format!("turn {turn}: {}", said(message)))
        }
        Input::TestsJudged { round, verdict } => (
            "gates",
            format!("{}: {}: {}", round_word(*round), said(&verdict.gate), said(&verdict.because)),
        ),
        Input::Approved { check, by, .. } => {
            ("approved", format!("{} by {}", said(check), said(by)))
        }
        Input::TurnFailed { turn, code, message, sent, .. } => {
            let sent = if *sent { "" } else { " (not sent)" };
            ("failed", format!("turn {turn}: {}: {}{sent}", said(code), said(message)))
        }
        Input::PatchJudged { call, problem: Some(problem), .. } => {
            ("gates", format!("{call} refused: {}", said(problem)))
        }
        Input::PatchJudged { call, problem: None, files, .. } => {
            ("gates", format!("{call} passed: {}", count(files.len() as u64, "file")))
        }
        Input::DeadlinePassed { deadline } => ("deadline", deadline_word(*deadline).to_owned()),
        Input::Cancelled { .. } => ("cancelled", "somebody wants the process to end".to_owned()),
    }
}

fn deadline_word(deadline: session::Deadline) -> &'static str {
    match deadline {
        session::Deadline::Work => "the time of the work is used up",
        session::Deadline::FirstEvent => "nothing came back for a request",
        session::Deadline::Idle => "a response stopped getting on",
        session::Deadline::Job => "the CI job is about to be killed",
        session::Deadline::Check => "a value check falls due",
    }
}

fn decided(decision: &Decision) -> (&'static str, String) {
    match decision {
        Decision::PhaseEntered { phase } => ("phase", phase.name().to_owned()),
        Decision::TestsStarted { round, again } => {
            let word = if *again == 0 { "running" } else { "running again" };
            ("tests", format!("{}: {word}", round_word(*round)))
        }
        Decision::CallStarted { call } => {
            ("call", format!("{} {} {}", call.id, said(&call.tool), said(&call.arguments)))
        }
        Decision::TurnReserved { turn, try_number, reservation, wrap_up, .. } => {
            let wrap_up = if *wrap_up { ", told to wrap up" } else { "" };
            let most = format!("{} tokens, {}", grouped(reservation.tokens), reservation.spend);
            ("ask", format!("turn {turn}, try {try_number}: at most {most}{wrap_up}"))
        }
        Decision::TurnCharged { turn, tokens, spend, known, .. } => {
            let how = if *known { "" } else { " (unknown, charged at the most)" };
            ("charged", format!("turn {turn}: {} tokens, {spend}{how}", grouped(*tokens)))
        }
        Decision::TurnRetried { turn, code, after_ms } => {
            ("retry", format!("turn {turn}: {}, again in {}", said(code), millis(*after_ms)))
        }
        Decision::Lowered { turn, scope, max_output_tokens } => {
            let most = grouped(*max_output_tokens);
            ("lowered", format!("turn {turn}: the {} bears {most} tokens of answer", said(scope)))
        }
        Decision::Warned { check, because } => {
            ("warning", format!("{}: {}", said(check), said(because)))
        }
        Decision::AnalysisTaken { findings } => {
            ("analysis", count(u64::from(*findings), "finding"))
        }
        Decision::TestsCounted { round, said, .. } => {
            ("tests", format!("{}: {}", round_word(*round), tests_words(said)))
        }
        Decision::ApprovalVoid { gate, by, because } => {
            ("void", format!("the approval of {} by {}: {}", said(gate), said(by), said(because)))
        }
        Decision::Stopped { reason } => ("stopped", reason.to_string()),
    }
}

fn noted(note: &Note) -> (&'static str, String) {
    match note {
        Note::RunStarted { step, head, base, provider, model, tools, .. } => {
            let base = base.as_deref().unwrap_or("nothing");
            let who = format!("{} ({})", said(provider), said(model));
            let tools = count(tools.len() as u64, "tool");
            (
                "run",
                format!("{}: {} against {}; {who}, {tools}", said(step), said(head), said(base)),
            )
        }
        Note::Inherited { run, changed } => {
            ("inherited", format!("from run {}; changed: {}", said(run), said(&changed.join(", "))))
        }
        Note::Resumed { turns, calls, spend } => {
            let turns = count(u64::from(*turns), "turn");
            let calls = count(u64::from(*calls), "call");
            ("resumed", format!("{turns} and {calls} not done again, {spend} saved"))
        }
        Note::LeaseTaken { fence } => ("lease", format!("fence {fence}")),
        Note::LinkOpened { number, endpoint } => {
            ("link", format!("{number} open: {}", said(endpoint)))
        }
        Note::FellBack { why } => ("link", format!("no WebSocket, HTTP from here: {}", said(why))),
        Note::LinkLost { why } => ("link", format!("lost: {}", said(why))),
        Note::ToolLogged { call, level, line } => {
            ("log", format!("{call} {}: {}", said(level), said(line)))
        }
        Note::Denied { call, missing } => {
            ("denied", format!("{call}: not granted: {}", said(&missing.join(", "))))
        }
        Note::CacheMissed { call, because } => {
            ("cache", format!("{call} missed: {}", said(because)))
        }
        Note::CacheShared { call, domain, signer, .. } => {
            ("cache", format!("{call} shared: {} vouches in {}", said(signer), said(domain)))
        }
        Note::OutputCut { of, bytes: whole, shown, kept } => {
            let rest = match kept {
                Some(file) => format!("all of it in {}", said(file)),
                None => "the rest is lost".to_owned(),
            };
            ("cut", format!("{}: {} of {}, {rest}", said(of), bytes(*shown), bytes(*whole)))
        }
        Note::Warned { what } => ("warning", said(what)),
    }
}

/// Which round of tests.
pub(crate) fn round_word(round: u32) -> String {
    if round == 0 { "before".to_owned() } else { format!("with patch {round}") }
}

/// What tests said, in a line.
pub(crate) fn tests_words(said: &TestsSaid) -> String {
    let TestsSaid { passed, exit_code, counts, .. } = said;
    let command = exit_code
        .map_or("the command did not come to an end".to_owned(), |code| format!("exit {code}"));
    let Some(TestCounts { tests: tests @ 1.., passed: fine, failed, errors, skipped, .. }) = counts
    else {
        return if *passed { format!("passed, {command}") } else { command };
    };
    let mut text = format!("{fine} of {tests} passed");
    for (n, what) in [(failed, "failed"), (errors, "could not run"), (skipped, "skipped")] {
        if *n > 0 {
            let _ = write!(text, ", {n} {what}");
        }
    }
    if !passed && failed + errors == 0 {
        let _ = write!(text, ", but {command}");
    }
    text
}
