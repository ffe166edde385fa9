//! What came of a case against what its author expects, and how a person reads it.

use std::fmt::Write as _;

use sandbox::{Outcome, Report};
use serde_json::{Value, json};
use similar::TextDiff;
use snapshot::{Digest, Question};

use super::cases::{Case, Expected};
use super::trial::Tried;
use crate::commands::pretty;

/// Lines of a difference that are shown; a longer one is read with `--json`.
const DIFF_LINES_MAX: usize = 60;
/// Questions that are listed of a case; the rest is counted.
const QUESTIONS_SHOWN_MAX: usize = 40;
/// Lines of a tool's log that are shown of a case that fails.
const LOG_SHOWN_MAX: usize = 20;

/// A case that has run.
pub(super) struct Verdict<'a> {
    pub(super) case: &'a Case,
    pub(super) tried: Tried,
    /// What is wrong; nothing where the case passes.
    pub(super) wrong: Vec<String>,
}

impl<'a> Verdict<'a> {
    pub(super) fn of(case: &'a Case, tried: Tried) -> Self {
        let mut wrong = Vec::new();
        let outcome = &tried.report.outcome;
        match &case.expected {
            None => wrong.push(format!(
                "it expects nothing, and came out {}; `--update` writes it down",
                ending(outcome)
            )),
            Some(expected) => wrong.extend(unlike(expected, outcome)),
        }
        let mut asked = questions(&tried.report);
        // What the runtimes of some languages ask at their start, whatever the tool does then.
        let at_start = Question::Variables.to_string();
        if let Some(expected) = &case.questions
            && !expected.contains(&at_start)
        {
            asked.retain(|question| *question != at_start);
        }
        if let Some(expected) = &case.questions
            && *expected != asked
        {
            let difference = difference(&lines(expected), &lines(&asked));
            wrong.push(format!("it asked other questions:\n{difference}"));
        }
        if !tried.differs.is_empty() {
            wrong.push(format!(
                "it is not deterministic: run twice, {} differed (place and order of the repository, \
                 environment of the process, randomness)",
                tried.differs.join(" and ")
            ));
        }
        Self { case, tried, wrong }
    }

    pub(super) fn passes(&self) -> bool {
        self.wrong.is_empty()
    }

    /// Some lines about it.
    pub(super) fn text(&self) -> String {
        let report = &self.tried.report;
        let mut text = format!(
            "{}  {}: {}\n",
            if self.passes() { "pass" } else { "FAIL" },
            self.case.name,
            ending(&report.outcome)
        );
        let asked = &report.observations;
        for (question, answer) in asked.iter().take(QUESTIONS_SHOWN_MAX) {
            let _infallible = writeln!(text, "      asked  {question} ({})", short(answer));
        }
        if asked.len() > QUESTIONS_SHOWN_MAX {
            let more = asked.len() - QUESTIONS_SHOWN_MAX;
            let _infallible = writeln!(text, "      asked  {more} more questions");
        }
        for grant in &self.tried.denied {
            let _infallible = writeln!(text, "      denied  it would need `{grant}`");
        }
        let _infallible = writeln!(text, "      took   {}", envelope(report));
        let _infallible = writeln!(text, "      kept   {}", kept(report));
        for wrong in &self.wrong {
            let _infallible = writeln!(text, "      {}", wrong.replace('\n', "\n        "));
        }
        if !self.passes() {
            for line in report.log.iter().take(LOG_SHOWN_MAX) {
                let _infallible = writeln!(text, "      log    {}", line.text.escape_debug());
            }
        }
        text
    }

    /// The same for a program.
    pub(super) fn json(&self) -> Value {
        let report = &self.tried.report;
        let questions: Vec<_> = report
            .observations
            .iter()
            .map(|(question, answer)| {
                json!({ "question": question.to_string(), "answer": answer.to_string() })
            })
            .collect();
        let log: Vec<_> = report
            .log
            .iter()
            .map(|line| json!({ "level": line.level, "line": line.text }))
            .collect();
        json!({
            "name": self.case.name,
            "passed": self.passes(),
            "wrong": self.wrong,
            "outcome": outcome(&report.outcome),
            "questions": questions,
            "denied": self.tried.denied,
            "usage": report.usage,
            "digests": {
                "input": Digest::of(self.case.input.as_bytes()).to_string(),
                "output": said(&report.outcome).map(|text| Digest::of(text.as_bytes()).to_string()),
            },
            "kept": report.is_cacheable(),
            "kept_because": kept(report),
            "deterministic": self.tried.differs.is_empty(),
            "log": log,
        })
    }
}

/// What was asked, in words.
pub(super) fn questions(report: &Report) -> Vec<String> {
    report.observations.iter().map(|(question, _)| question.to_string()).collect()
}

/// What does not fit, if anything does not.
fn unlike(expected: &Expected, outcome: &Outcome) -> Option<String> {
    match (expected, outcome) {
        (Expected::Answer(expected), Outcome::Answered(got)) => {
            let got: Value = serde_json::from_str(got).unwrap_or_else(|_| got.as_str().into());
            (*expected != got).then(|| {
                format!("it answered otherwise:\n{}", difference(&pretty(expected), &pretty(&got)))
            })
        }
        (Expected::Refusal(expected), Outcome::Refused { message }) => (expected != message)
            .then(|| format!("it refused otherwise:\n{}", difference(expected, message))),
        (Expected::Ended(expected), Outcome::Ended(ending)) => {
            let ending = ending.to_string();
            (!ending.starts_with(expected))
                .then(|| format!("it was ended otherwise:\n{}", difference(expected, &ending)))
        }
        (Expected::Answer(_), _) => {
            Some(format!("an answer is expected, and it {}", full(outcome)))
        }
        (Expected::Refusal(_), _) => {
            Some(format!("a refusal is expected, and it {}", full(outcome)))
        }
        (Expected::Ended(_), _) => {
            Some(format!("it is expected to be ended, and it {}", full(outcome)))
        }
    }
}

/// `-` what is expected, `+` what came out.
fn difference(expected: &str, got: &str) -> String {
    let diff = TextDiff::from_lines(expected, got);
    let mut unified = diff.unified_diff();
    let unified = unified.missing_newline_hint(false).header("expected", "came out").to_string();
    let mut lines: Vec<&str> = unified.lines().collect();
    let more = lines.len().saturating_sub(DIFF_LINES_MAX);
    lines.truncate(DIFF_LINES_MAX);
    let mut text = lines.join("\n");
    if more > 0 {
        let _infallible = write!(text, "\n{more} more lines");
    }
    text
}

fn lines(texts: &[String]) -> String {
    texts.iter().map(|text| format!("{text}\n")).collect()
}

/// How it ended, in a word or two.
fn ending(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Answered(text) => format!("answered, {} bytes", text.len()),
        Outcome::Refused { .. } => "refused".to_owned(),
        Outcome::Ended(ending) => format!("ended: {ending}"),
    }
}

fn full(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Answered(text) => format!("answered {text}"),
        Outcome::Refused { message } => format!("refused: {message}"),
        Outcome::Ended(ending) => format!("was ended: {ending}"),
    }
}

fn outcome(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Answered(text) => json!({ "answer": text }),
        Outcome::Refused { message } => json!({ "refusal": message }),
        Outcome::Ended(ending) => json!({ "ended": ending.to_string() }),
    }
}

fn said(outcome: &Outcome) -> Option<&str> {
    match outcome {
        Outcome::Answered(text) | Outcome::Refused { message: text } => Some(text),
        Outcome::Ended(_) => None,
    }
}

/// What it took, in a line.
fn envelope(report: &Report) -> String {
    let usage = &report.usage;
    format!(
        "{} fuel, {} KiB of memory, {}.{:03} ms, {}, {} bytes read, {} bytes out",
        usage.fuel,
        usage.memory_peak.div_ceil(1024),
        usage.wall_us / 1000,
        usage.wall_us % 1000,
        runner::count(usage.host_calls, "host call"),
        usage.read_bytes,
        usage.output_bytes
    )
}

/// Whether the cache would keep the output, and for how long or why not.
fn kept(report: &Report) -> String {
    let asks = |wanted: fn(&Question) -> bool| {
        report.observations.iter().any(|(question, _)| wanted(question))
    };
    if let Outcome::Ended(_) = report.outcome {
        "no: it was ended, which says something of the limits and the machine, too".to_owned()
    } else if report.read_failed {
        "no: the system failed to read something it was asked for".to_owned()
    } else if asks(|question| matches!(question, Question::Time { .. })) {
        "until the next commit: it asked for the time".to_owned()
    } else if report.observations.is_empty() {
        "always: it asked nothing".to_owned()
    } else {
        "as long as its questions are answered alike".to_owned()
    }
}

/// The beginning of a digest, as people compare them.
fn short(digest: &Digest) -> String {
    digest.to_string().chars().take(12).collect()
}
