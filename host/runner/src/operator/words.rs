//! What the operator reads of an event: a stable word and the rest. Most events say nothing there.

use std::fmt::{self, Write as _};

use session::budget::Money;
use session::event::{CallUsage, Decision, Event, Input, Note, Record, TestsFacts};
use session::{Answer, Ruling, Source, TestCounts, TestsCompared, TestsSaid, Trust, Verdict};

use crate::numbers::{bytes, count, grouped, micros};
use crate::text::cut;

/// What the operator reads of an event: a stable word and the rest. Most say nothing there.
pub(super) fn words(record: &Record) -> Option<(&'static str, String)> {
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
        Input::PatchJudged { problem: None, files, verdicts, .. } => {
            let lines: u64 = files.iter().map(|file| file.added + file.removed).sum();
            let size =
                format!("{} and {}", count(files.len() as u64, "file"), count(lines, "line"));
            Some(("gates", format!("{}: {size}{}", passed_or_asks(verdicts), asking(verdicts))))
        }
        Input::TestsJudged { verdict, .. } => match verdict.ruling() {
            Ruling::Pass => None,
            Ruling::Approval | Ruling::Refuse => {
                let Verdict { gate, because, .. } = verdict;
                Some(("gates", format!("{}: {gate}: {because}", ruling_word(verdict.ruling()))))
            }
        },
        Input::Cancelled { .. } => Some(("cancelled", "writing the artifacts".to_owned())),
        Input::ScopeRefused { turn, scope, left } => {
            Some(("refused", format!("turn {turn}: the {scope} can bear {left} more")))
        }
        Input::LedgerFailed { turn, message } => {
            Some(("refused", format!("turn {turn}: {message}")))
        }
        Input::Approved { check, by, .. } => Some(("approved", format!("{check} by {by}"))),
        Input::TestsFinished { round, facts: Some(facts), .. } => {
            Some(("tests", format!("{}: {}", round_word(*round), facts_words(facts))))
        }
        Input::AttemptStarted { .. }
        | Input::TestsFinished { facts: None, .. }
        | Input::TurnRequested { .. }
        | Input::CallReceived { .. }
        | Input::TurnCompleted { .. }
        | Input::DeadlinePassed { .. } => None,
    }
}

fn passed_or_asks(verdicts: &[Verdict]) -> &'static str {
    if verdicts.iter().any(Verdict::asks) { ruling_word(Ruling::Approval) } else { "passed" }
}

fn asking(verdicts: &[Verdict]) -> String {
    let asks = verdicts.iter().filter(|verdict| verdict.asks());
    asks.map(|Verdict { gate, because, .. }| format!("; {gate}: {because}")).collect()
}

fn ruling_word(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::Pass => "passed",
        Ruling::Approval => "needs an approval",
        Ruling::Refuse => "refused",
    }
}

fn decided(decision: &Decision) -> Option<(&'static str, String)> {
    Some(match decision {
        Decision::PhaseEntered { phase } => (phase.name(), String::new()),
        Decision::TestsStarted { round, again } => {
            let word = if *again == 0 { "running" } else { "running again" };
            ("tests", format!("{}: {word}", round_word(*round)))
        }
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
        Decision::TestsCounted { round, said, .. } => {
            ("tests", format!("{}: {}", round_word(*round), tests_words(said)))
        }
        Decision::Warned { check, because } => ("warning", format!("{check}: {because}")),
        Decision::Lowered { turn, scope, max_output_tokens } => {
            let most = grouped(*max_output_tokens);
            ("lowered", format!("turn {turn}: the {scope} bears {most} tokens of answer"))
        }
        Decision::ApprovalVoid { gate, by, because } => {
            ("void", format!("the approval of {gate} by {by}: {because}"))
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

fn facts_words(facts: &TestsFacts) -> String {
    let TestsFacts { isolation, output_bytes, kept, kept_bytes, digest: _ } = facts;
    let Some(isolation) = isolation else {
        return "the same ran before, and its result is taken".to_owned();
    };
    let output = match kept {
        Some(file) if kept_bytes == output_bytes => {
            format!("{} of output in {file}", bytes(*output_bytes))
        }
        Some(file) => format!("{} of {} in {file}", bytes(*kept_bytes), bytes(*output_bytes)),
        None => format!("{} of output, not kept", bytes(*output_bytes)),
    };
    format!("{output}; guarded by {isolation}")
}

fn tests_words(said: &TestsSaid) -> String {
    let TestsSaid { passed, exit_code, counts, .. } = said;
    let command = match exit_code {
        Some(code) => format!("the command ended with {code}"),
        None => "the command did not come to an end".to_owned(),
    };
    let Some(TestCounts { tests: 1.., .. }) = counts else {
        let word = if *passed { "passed".to_owned() } else { command };
        return format!("{word}{}", beside(said));
    };
    let TestCounts { tests, passed: fine, failed, errors, skipped, .. } =
        counts.clone().unwrap_or_default();
    let mut text = format!("{fine} of {tests} passed");
    for (n, what) in [(failed, "failed"), (errors, "could not run"), (skipped, "skipped")] {
        if n > 0 {
            let _ = write!(text, ", {n} {what}");
        }
    }
    if !passed && failed + errors == 0 && said.failed_before == 0 {
        let _ = write!(text, ", but {command}");
    }
    text + &beside(said)
}

/// How a run differs from those before it, where that is known.
fn beside(said: &TestsSaid) -> String {
    let mut text = String::new();
    if let Some(compared) = &said.compared {
        let TestsCompared { newly_failing, fixed, still_failing, vanished, caution: _ } = compared;
        let kinds = [
            (newly_failing, "newly failing"),
            (fixed, "fixed"),
            (still_failing, "failed before, too"),
            (vanished, "no longer there"),
        ];
        for (names, what) in kinds.into_iter().filter(|(names, _)| names.count > 0) {
            let _ = write!(text, "; {} {what}", names.count);
        }
    }
    if said.failed_before > 0 {
        let _ = write!(text, "; failed {} before", count(u64::from(said.failed_before), "time"));
    }
    if !said.flaky.is_empty() {
        let _ = write!(text, "; flaky: {}", cut(&said.flaky.join(", "), 200));
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
