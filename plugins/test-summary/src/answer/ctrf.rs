//! The answer as a document of the Common Test Report Format 1.0: all counts, and of the tests
//! those that did not pass or needed another try. What CTRF has no key for stands under `extra`.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::view::{Failed, SameCause, Told, View};
use crate::findings::Level;
use crate::report::{Kind, Named};

/// What all tests may take, in bytes of JSON.
const BYTES_MAX: usize = 400 * 1024;
/// The most rules of linters told.
const RULES_MAX: usize = 200;

/// What CTRF has no key for.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Extra<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actual: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    same_cause: Option<&'a SameCause>,
}

pub(crate) fn write(view: &View) -> Value {
    let mut tests = Vec::new();
    let mut bytes = 0;
    let flaky = view.flaky.iter().map(flaky);
    for test in view.failed.iter().map(failed).chain(flaky) {
        bytes += test.to_string().len();
        if bytes > BYTES_MAX {
            break;
        }
        tests.push(test);
    }
    let counts = view.counts;
    // What failed outside of tests is none of theirs.
    let bad_tests = counts.tests.saturating_sub(counts.passed).saturating_sub(counts.skipped);
    let outside = counts.bad().saturating_sub(bad_tests);
    let left_out = (view.failed.len() as u64 + view.unnamed + view.flaky.len() as u64)
        .saturating_sub(tests.len() as u64);
    let tool = if view.tools.is_empty() { "unknown" } else { view.tools.as_str() };
    let duration = view.duration_ms.unwrap_or(0);
    json!({
        "reportFormat": "CTRF",
        "specVersion": "1.0.0",
        "generatedBy": "stepwell test_summary",
        "results": {
            "tool": { "name": tool },
            "summary": {
                "tests": counts.tests.saturating_add(outside),
                "passed": counts.passed,
                "failed": bad_tests,
                "skipped": counts.skipped,
                "pending": 0,
                "other": outside,
                "flaky": counts.flaky,
                // Reports seldom say when, and an answer must not depend on a clock.
                "start": 0,
                "stop": duration,
                "duration": duration,
            },
            "tests": tests,
        },
        "extra": { "stepwell": extra(view, left_out) },
    })
}

fn failed(failed: &Failed) -> Value {
    let mut test = Map::new();
    let mut put = |key: &str, value: Value| {
        test.insert(key.to_owned(), value);
    };
    let name = if failed.name.is_empty() { failed.id.as_str() } else { failed.name.as_str() };
    put("name", name.into());
    put("status", if failed.outside { "other" } else { "failed" }.into());
    put("duration", failed.duration_ms.unwrap_or(0).into());
    if !failed.id.is_empty() {
        put("testId", failed.id.as_str().into());
    }
    if !failed.suite.is_empty() {
        put("suite", json!([failed.suite]));
    }
    put(
        "rawStatus",
        match failed.kind {
            Kind::Failure => "failure".into(),
            Kind::Error => "error".into(),
        },
    );
    if let Some(file) = &failed.file {
        put("filePath", file.as_str().into());
    }
    if let Some(line) = failed.line {
        put("line", line.into());
    }
    if let Some(tries) = failed.tries {
        put("retries", (tries - 1).into());
    }
    match &failed.told {
        Told::SameAs { same_as } => put("extra", json!({ "stepwell": { "same_as": same_as } })),
        Told::Full(full) => {
            put("message", full.message.as_str().into());
            let frames = full.trace.iter().map(|place| {
                let function = place.function.as_deref().unwrap_or_default();
                format!("at {function} ({}:{})", place.file, place.line)
            });
            let trace = frames.collect::<Vec<_>>().join("\n");
            if !trace.is_empty() {
                put("trace", trace.into());
            }
            if !full.stdout_tail.is_empty() {
                put("stdout", full.stdout_tail.lines().map(Value::from).collect());
            }
            let more = Extra {
                expected: full.expected.as_deref(),
                actual: full.actual.as_deref(),
                same_cause: full.same_cause.as_ref(),
            };
            if more != Extra::default() {
                put("extra", json!({ "stepwell": more }));
            }
        }
    }
    Value::Object(test)
}

fn flaky(test: &Named) -> Value {
    let mut value = json!({ "name": test.name, "status": "passed", "duration": 0, "flaky": true });
    if test.name.is_empty() {
        value["name"] = "(no name)".into();
    }
    if !test.suite.is_empty() {
        value["suite"] = json!([test.suite]);
    }
    value
}

fn extra(view: &View, left_out: u64) -> Value {
    let rules = view.findings.in_order().into_iter().take(RULES_MAX).map(|(level, name, rule)| {
        json!({
            "level": level,
            "rule": name,
            "count": rule.count,
            "fixable": rule.fixable,
            "message": rule.message,
            "file": rule.file,
            "line": rule.line,
        })
    });
    let slowest = view
        .slowest
        .iter()
        .map(|(ms, test)| json!({ "suite": test.suite, "name": test.name, "duration_ms": ms }));
    let warnings = view.warnings.iter().map(
        |warning| json!({ "path": warning.path, "line": warning.line, "reason": warning.reason }),
    );
    json!({
        "answer": view.line,
        "verdict": view.verdict,
        "tests": "only those that did not pass, and flaky ones; `summary` counts all",
        "tests_left_out": left_out,
        "compared": view.difference,
        "findings": {
            "errors": view.findings.count(Level::Error),
            "warnings": view.findings.count(Level::Warning),
            "rules": rules.collect::<Vec<_>>(),
        },
        "rerun": view.rerun,
        "slowest": slowest.collect::<Vec<_>>(),
        "reports": view.reports.iter().map(|report| &report.path).collect::<Vec<_>>(),
        "warnings": warnings.collect::<Vec<_>>(),
    })
}
