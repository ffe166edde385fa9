//! The JSON of Mocha: one list of all tests, and one of each kind.

use std::collections::BTreeSet;

use serde_json::Value;

use super::json::{self, fraction, list, number, text, words};
use super::number::from_milliseconds;
use crate::report::{Case, Runner, Test, Writer};

pub(super) fn read(text: &str, to: &mut Writer<'_>) {
    let Some(document) = json::document(text, to) else { return };
    to.tool("mocha");
    let stats = document.get("stats").unwrap_or(&Value::Null);
    if let Some(ms) = fraction(stats, "duration").and_then(from_milliseconds) {
        to.took(ms);
    }
    // A test of all that is also among the pending was skipped; a failed hook is in no list but
    // that of the failures.
    let key = |test: &Value| (words(test, "file"), words(test, "fullTitle"));
    for test in list(&document, "passes") {
        let flaky = number(test, "currentRetry").is_some_and(|retry| retry > 0);
        to.passed_test(&Test { flaky, ..named(test) });
    }
    let mut pending = BTreeSet::new();
    for test in list(&document, "pending") {
        pending.insert(key(test));
        to.skipped_test(&named(test));
    }
    for test in list(&document, "failures").iter().filter(|test| !pending.contains(&key(test))) {
        to.failed(failure(test));
    }
    let declared = number(stats, "tests").unwrap_or(to.counts().tests);
    if declared > to.counts().tests {
        let found = to.counts().tests;
        to.warn(None, format!("says it has {declared} tests, and has {found}"));
    }
}

fn named(test: &Value) -> Test {
    Test {
        suite: words(test, "file"),
        name: words(test, "fullTitle"),
        duration_ms: fraction(test, "duration").and_then(from_milliseconds),
        flaky: false,
    }
}

fn failure(test: &Value) -> Case {
    let Test { suite, name, duration_ms, .. } = named(test);
    let error = test.get("err").unwrap_or(&Value::Null);
    let tries = number(test, "currentRetry").and_then(|retry| u32::try_from(retry).ok());
    Case {
        runner: Runner::Mocha,
        suite,
        name,
        file: text(test, "file"),
        title: words(error, "message"),
        body: words(error, "stack"),
        expected: text(error, "expected"),
        actual: text(error, "actual"),
        duration_ms,
        tries: tries.unwrap_or(0).saturating_add(1),
        ..Case::default()
    }
}
