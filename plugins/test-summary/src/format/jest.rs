//! The JSON of Jest, and of Vitest in its manner: files, each with its tests.

use serde_json::Value;

use super::json::{self, fraction, joined, list, number, words};
use super::number::from_milliseconds;
use crate::report::{Case, Kind, Runner, Test, Writer};

pub(super) fn read(text: &str, to: &mut Writer<'_>) {
    let Some(document) = json::document(text, to) else { return };
    // Jest alone tells of files that it could not run.
    let is_jest = document.get("numRuntimeErrorTestSuites").is_some();
    to.tool(if is_jest { "jest" } else { "vitest" });
    let runner = if is_jest { Runner::Jest } else { Runner::Vitest };
    let mut last_end = 0.0_f64;
    for file in list(&document, "testResults") {
        last_end = last_end.max(fraction(file, "endTime").unwrap_or(0.0));
        of_file(file, runner, to);
    }
    let start = fraction(&document, "startTime").unwrap_or(f64::MAX);
    if let Some(ms) = from_milliseconds(last_end - start) {
        to.took(ms);
    }
    if let Some(declared) = number(&document, "numTotalTests")
        && declared != to.counts().tests
    {
        let found = to.counts().tests;
        to.warn(None, format!("says it has {declared} tests, and has {found}"));
    }
}

fn of_file(file: &Value, runner: Runner, to: &mut Writer<'_>) {
    let path = words(file, "name");
    let tests = list(file, "assertionResults");
    for test in tests {
        of_test(test, &path, runner, to);
    }
    // A file that does not compile, or fails outside of any test, has words of its own.
    let failed = words(file, "status") == "failed";
    let message = words(file, "message");
    let none_failed = !tests.iter().any(|test| words(test, "status") == "failed");
    if failed && none_failed && (tests.is_empty() || !message.trim().is_empty()) {
        to.error(Case {
            runner,
            suite: path.clone(),
            name: "(the whole file)".to_owned(),
            kind: Kind::Error,
            file: Some(path),
            body: message,
            ..Case::default()
        });
    }
}

fn of_test(test: &Value, path: &str, runner: Runner, to: &mut Writer<'_>) {
    let titles = list(test, "ancestorTitles").iter().filter_map(Value::as_str);
    let title = words(test, "title");
    let name: Vec<&str> =
        titles.filter(|title| !title.is_empty()).chain([title.as_str()]).collect();
    let name = name.join(" ");
    let suite = path.to_owned();
    let duration_ms = fraction(test, "duration").and_then(from_milliseconds);
    let messages = joined(test, "failureMessages", "\n");
    let invocations = number(test, "invocations").unwrap_or(1);
    match words(test, "status").as_str() {
        "failed" => {
            let place = test.get("location");
            to.failed(Case {
                runner,
                suite,
                name,
                file: Some(path.to_owned()),
                line: place.and_then(|place| json::line(place, "line")),
                body: messages,
                duration_ms,
                tries: u32::try_from(invocations).unwrap_or(u32::MAX),
                ..Case::default()
            });
        }
        "passed" | "focused" => {
            // Vitest leaves the messages of the tries before; Jest has a list of its own.
            let retried = !messages.is_empty() || !list(test, "retryReasons").is_empty();
            let flaky = retried || invocations > 1;
            to.passed_test(&Test { suite, name, duration_ms, flaky });
        }
        _ => to.skipped_test(&Test { suite, name, ..Test::default() }),
    }
}
