//! The run of the project's own tests, which a step may make before it asks anybody.

use serde_json::Value;

use super::{number, text, texts};

/// The host's name for it. It is no tool: nobody can ask for it.
pub(super) const CALL: &str = "project_tests";

/// Most characters of a command that is repeated.
const COMMAND_CHARS_MAX: usize = 160;

/// What came of the test command.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::offline) struct Run {
    pub(in crate::offline) outcome: Outcome,
    /// As a person would type it; none if it does not bear that.
    pub(in crate::offline) command: Option<String>,
    /// Where its output is, as far as it can be asked for.
    pub(in crate::offline) report: Option<String>,
}

/// How a test command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::offline) enum Outcome {
    Passed,
    /// With an exit status, if it came to that.
    Failed(Option<i64>),
    TimedOut,
    NotStarted,
}

impl Run {
    pub(super) fn of(answer: &Value) -> Option<Self> {
        let flag = |key: &str| answer.get(key).and_then(Value::as_bool);
        let outcome = match (flag("passed")?, flag("started"), flag("timed_out")) {
            (_, Some(false), _) => Outcome::NotStarted,
            (_, _, Some(true)) => Outcome::TimedOut,
            (true, ..) => Outcome::Passed,
            (false, ..) => Outcome::Failed(answer.get("exit_code").and_then(Value::as_i64)),
        };
        let reports = texts(answer, "reports");
        let report = reports.into_iter().find(|path| text::is_plain_path(path));
        Some(Self {
            outcome,
            command: text::typed(&texts(answer, "command"), COMMAND_CHARS_MAX),
            report,
        })
    }

    /// What happened to the command, after its name.
    pub(in crate::offline) fn ended(&self) -> String {
        match self.outcome {
            Outcome::Passed => "passed".to_owned(),
            Outcome::Failed(Some(code)) => format!("failed (exit {code})"),
            Outcome::Failed(None) => "failed (it was ended from outside)".to_owned(),
            Outcome::TimedOut => "ran out of time".to_owned(),
            Outcome::NotStarted => "could not be started".to_owned(),
        }
    }
}

/// Part of a file, as much as a tool said of where it ends.
#[derive(Debug)]
pub(in crate::offline) struct Part {
    pub(in crate::offline) is_cut: bool,
    pub(in crate::offline) total_lines: Option<u64>,
    pub(in crate::offline) total_bytes: Option<u64>,
    pub(in crate::offline) text: String,
}

impl Part {
    pub(in crate::offline) fn of(answer: &Value) -> Option<Self> {
        Some(Self {
            is_cut: answer.get("truncated").and_then(Value::as_bool).unwrap_or(false),
            total_lines: number(answer, "total_lines"),
            total_bytes: number(answer, "total_bytes"),
            text: answer.get("text").and_then(Value::as_str)?.to_owned(),
        })
    }
}
