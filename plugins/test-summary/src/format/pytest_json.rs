//! The report of pytest-json-report: a test with its setup, call and teardown.

use serde_json::Value;

use super::json::{self, fraction, list, number, text, words};
use super::number::from_seconds;
use super::pytest::split;
use crate::report::{Case, Kind, Runner, Test, Writer};

/// The parts of a test, the one that says most first.
const STAGES: [&str; 3] = ["call", "setup", "teardown"];

pub(super) fn read(text: &str, to: &mut Writer<'_>) {
    let Some(document) = json::document(text, to) else { return };
    to.tool("pytest");
    if let Some(ms) = fraction(&document, "duration").and_then(from_seconds) {
        to.took(ms);
    }
    // With pytest-rerunfailures a test is there once for each try.
    let tests = list(&document, "tests");
    let mut tries: std::collections::BTreeMap<String, u32> = std::collections::BTreeMap::new();
    for test in tests {
        let id = words(test, "nodeid");
        let tries = tries.entry(id.clone()).or_insert(0);
        *tries += 1;
        of_test(test, &id, *tries, to);
    }
    for collector in list(&document, "collectors") {
        if words(collector, "outcome") == "failed" {
            let id = words(collector, "nodeid");
            to.error(Case {
                runner: Runner::Pytest,
                suite: id.clone(),
                name: "(collection)".to_owned(),
                kind: Kind::Error,
                file: Some(id),
                body: said(&words(collector, "longrepr")),
                ..Case::default()
            });
        }
    }
    let exit = number(&document, "exitcode");
    if matches!(exit, Some(2..=4)) && to.counts().bad() == 0 {
        to.broken(None, "pytest ended early: interrupted, a wrong use of it, or its own error");
    }
}

fn of_test(test: &Value, id: &str, tries: u32, to: &mut Writer<'_>) {
    let (suite, name) = split(id);
    let took = STAGES.iter().filter_map(|stage| fraction(test.get(stage)?, "duration"));
    let duration_ms = from_seconds(took.sum());
    match words(test, "outcome").as_str() {
        "passed" | "xpassed" => {
            to.passed_test(&Test { suite, name, duration_ms, flaky: tries > 1 });
        }
        "skipped" | "xfailed" => to.skipped_test(&Test { suite, name, ..Test::default() }),
        // Another try of it follows.
        "rerun" => {}
        outcome => {
            let failed = STAGES
                .iter()
                .filter_map(|stage| test.get(stage))
                .find(|stage| words(stage, "outcome") == "failed");
            let stage = failed.unwrap_or(&Value::Null);
            let crash = stage.get("crash").unwrap_or(&Value::Null);
            let kind = if outcome == "error" { Kind::Error } else { Kind::Failure };
            to.failed(Case {
                runner: Runner::Pytest,
                suite,
                name,
                kind,
                file: text(crash, "path"),
                line: json::line(crash, "lineno"),
                title: words(crash, "message"),
                body: frames(stage),
                stdout: format!("{}{}", words(stage, "stdout"), words(stage, "stderr")),
                duration_ms,
                tries,
                ..Case::default()
            });
        }
    }
}

/// The trace as Python prints one.
fn frames(stage: &Value) -> String {
    let frames = list(stage, "traceback").iter().filter_map(|frame| {
        let (path, line) = (text(frame, "path")?, number(frame, "lineno")?);
        Some(format!("File \"{path}\", line {line}"))
    });
    frames.collect::<Vec<_>>().join("\n")
}

fn said(longrepr: &str) -> String {
    super::pytest::said(longrepr)
}
