//! The Common Test Report Format, 1.0.

mod shape;

use serde_json::Value;

use super::json::{self, joined, line, list, number, text, words};
use crate::report::{Case, Kind, Test, Writer};

pub(super) fn read(text: &str, to: &mut Writer<'_>) {
    let Some(document) = json::document(text, to) else { return };
    let problems = shape::problems(&document);
    if let Some(first) = problems.first() {
        let more = match problems.len() {
            1 => String::new(),
            more => format!(", and {} more such things", more - 1),
        };
        to.warn(None, format!("is not quite CTRF: {first}{more}"));
    }
    let results = document.get("results").unwrap_or(&Value::Null);
    let tool = results.get("tool").unwrap_or(&Value::Null);
    to.tool(&format!("{} {}", words(tool, "name"), words(tool, "version")));
    let summary = results.get("summary").unwrap_or(&Value::Null);
    if let Some(ms) = took(summary) {
        to.took(ms);
    }
    for test in list(results, "tests") {
        of_test(test, to);
    }
    let found = to.counts().tests;
    // A report may leave tests out and count them all the same.
    match number(summary, "tests") {
        Some(declared) if declared != found => {
            to.warn(None, format!("says it has {declared} tests, and has {found}"));
        }
        Some(_) | None => {}
    }
}

fn took(summary: &Value) -> Option<u64> {
    let between = || number(summary, "stop")?.checked_sub(number(summary, "start")?);
    number(summary, "duration").or_else(between).filter(|ms| *ms > 0)
}

fn of_test(test: &Value, to: &mut Writer<'_>) {
    let suite = joined(test, "suite", " > ");
    let name = words(test, "name");
    let duration_ms = number(test, "duration");
    let retries = number(test, "retries").unwrap_or(0);
    let attempts = list(test, "retryAttempts");
    match words(test, "status").as_str() {
        "passed" => {
            let flaky = test.get("flaky").and_then(Value::as_bool);
            let failed_before = attempts.iter().any(|attempt| words(attempt, "status") == "failed");
            let flaky = flaky.unwrap_or(failed_before || retries > 0);
            to.passed_test(&Test { suite, name, duration_ms, flaky });
        }
        "failed" => {
            let raw = words(test, "rawStatus").to_ascii_lowercase();
            let is_error = raw.contains("error") || raw.contains("setup") || raw.contains("timed");
            to.failed(Case {
                suite,
                name,
                kind: if is_error { Kind::Error } else { Kind::Failure },
                file: text(test, "filePath"),
                line: line(test, "line"),
                title: words(test, "message"),
                body: super::pytest::said(&words(test, "trace")),
                stdout: format!(
                    "{}\n{}",
                    joined(test, "stdout", "\n"),
                    joined(test, "stderr", "\n")
                ),
                duration_ms,
                tries: u32::try_from(retries).unwrap_or(u32::MAX).saturating_add(1),
                ..Case::default()
            });
        }
        // `pending` and `other` did not run to an end that says anything.
        _ => to.skipped_test(&Test { suite, name, ..Test::default() }),
    }
}
