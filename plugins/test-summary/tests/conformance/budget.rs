//! A failing run costs a model no more than 2,000 tokens, and it learns every name for them.

use serde_json::{Value, json};

use super::{call, file, files};

/// Bytes of the tokens that an answer in text may cost by default.
const BYTES_MAX: usize = 2_000 * 4;
/// Characters of a first cause that every answer must have.
const CAUSE_CHARS: usize = 60;
/// Failing runs, at least one of each format.
const FAILING: &[&str] = &[
    "cargo-test.txt",
    "cargo-test.jsonl",
    "go-test.jsonl",
    "jest-junit.xml",
    "jest.json",
    "mocha.json",
    "nextest-junit.xml",
    "nextest-libtest.jsonl",
    "nextest.txt",
    "node-junit.xml",
    "node.tap",
    "pytest-ctrf.json",
    "pytest-junit.xml",
    "pytest-report.json",
    "pytest.txt",
    "vitest-junit.xml",
    "vitest.json",
    "wild/dorny+test-reporter/__tests__/fixtures/dart-json.json",
    "wild/dorny+test-reporter/__tests__/fixtures/dotnet-nunit.xml",
    "wild/dorny+test-reporter/__tests__/fixtures/dotnet-trx.trx",
    "wild/dorny+test-reporter/__tests__/fixtures/dotnet-xunitv3.trx",
    "wild/dorny+test-reporter/__tests__/fixtures/external/flutter/provider-test-results.json",
    "wild/dorny+test-reporter/__tests__/fixtures/external/java/pulsar-test-report.xml",
    "wild/dorny+test-reporter/__tests__/fixtures/external/jest/jest-test-results.xml",
    "wild/dorny+test-reporter/__tests__/fixtures/external/phpunit/phpcheckstyle-phpunit.xml",
    "wild/dorny+test-reporter/__tests__/fixtures/golang-json.json",
    "wild/dorny+test-reporter/__tests__/fixtures/mocha-json.json",
    "wild/dorny+test-reporter/__tests__/fixtures/nette-tester/tester-v1.7-report.xml",
    "wild/dorny+test-reporter/__tests__/fixtures/phpunit/phpunit.xml",
    "wild/dorny+test-reporter/__tests__/fixtures/python-xunit-pytest.xml",
    "wild/dorny+test-reporter/__tests__/fixtures/python-xunit-unittest.xml",
    "wild/dorny+test-reporter/__tests__/fixtures/rspec-json.json",
    "wild/dorny+test-reporter/__tests__/fixtures/swift-xunit.xml",
    "wild/dorny+test-reporter/__tests__/fixtures/test-errors/jest/jest-test-results.xml",
    "wild/gotestyourself+gotestsum/cmd/testdata/input/go-test-build-failed.out",
    "wild/gotestyourself+gotestsum/cmd/testdata/input/go-test-json-panic-race-1.out",
    "wild/gotestyourself+gotestsum/internal/junitxml/testdata/junitxml-report.golden",
    "wild/gotestyourself+gotestsum/testjson/testdata/input/go-test-json.out",
    "wild/jenkinsci+junit-plugin/src/test/resources/hudson/tasks/junit/junit-report-huge.xml",
    "wild/test-summary+action/test/resources/tap/09-node-tap.tap",
];

#[test]
fn a_failing_run_is_told_with_every_name_in_2000_tokens() {
    for name in FAILING {
        let Some(bytes) = file(&format!("test-results/{name}")) else { return };
        let all = call(&bytes, &json!({ "max_failures": 200, "detail": "brief" }));
        let failures = all["failures"].as_array().expect("failures");
        let bad = all["summary"]["failed"].as_u64().zip(all["summary"]["errors"].as_u64());
        assert_eq!(bad.map(|(failed, errors)| failed + errors), Some(failures.len() as u64));
        assert!(!failures.is_empty(), "{name} does not fail");
        let answer = call(&bytes, &json!({ "format": "text" }));
        assert!(answer.to_string().len() <= BYTES_MAX, "{name}: {answer:#}");
        let text = answer["text"].as_str().expect("text");
        let first_line = text.lines().next().unwrap_or_default();
        let is_told = ["FAIL ", "ERROR "].iter().any(|word| first_line.starts_with(word));
        assert!(is_told, "{name}: {first_line}");
        let cause = beginning(failures[0]["message"].as_str().unwrap_or_default());
        assert!(!cause.is_empty() && text.contains(cause), "{name}: no `{cause}` in\n{text}");
        for id in failures.iter().filter_map(|failure| failure["id"].as_str()) {
            assert!(text.contains(id), "{name}: {id} is not in\n{text}");
        }
    }
}

/// Reports of linters and compilers, at least one of each format.
const FINDINGS: &[&str] = &["clippy.jsonl", "eslint.json", "ruff.json", "ruff.sarif"];

#[test]
fn what_linters_find_is_told_with_every_rule_in_2000_tokens() {
    for name in FINDINGS {
        let Some(bytes) = file(&format!("test-results/{name}")) else { return };
        let all = call(&bytes, &json!({}));
        let answer = call(&bytes, &json!({ "format": "text" }));
        assert!(answer.to_string().len() <= BYTES_MAX, "{name}: {answer:#}");
        let text = answer["text"].as_str().expect("text");
        let rules = all["findings"]["rules"].as_array().expect("rules");
        assert!(!rules.is_empty(), "{name} has no findings");
        for rule in rules {
            let told = ["rule", "message"].map(|key| rule[key].as_str().expect("words"));
            for words in told.map(beginning) {
                assert!(text.contains(words), "{name}: no `{words}` in\n{text}");
            }
        }
    }
}

/// How the first line of a message begins, short enough to be in any answer.
fn beginning(message: &str) -> &str {
    let line = message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let end = line.char_indices().nth(CAUSE_CHARS).map_or(line.len(), |(at, _)| at);
    line[..end].trim_end()
}

#[test]
fn no_report_makes_a_large_answer() {
    for path in files("test-results") {
        let bytes = std::fs::read(&path).expect("a file");
        for (format, bytes_max) in [
            ("json", 80 * 1024),
            ("text", BYTES_MAX),
            ("markdown", 70 * 1024),
            ("ctrf", 600 * 1024),
        ] {
            let answer = call(&bytes, &json!({ "format": format }));
            let len = answer.to_string().len();
            assert!(len <= bytes_max, "{} as {format}: {len} bytes", path.display());
            if let Some(tokens) = answer["tokens"].as_u64() {
                let tokens = usize::try_from(tokens).expect("a small number");
                assert!(tokens.abs_diff(len.div_ceil(4)) <= 8, "{tokens} for {len} bytes");
            }
        }
        let small = call(&bytes, &json!({ "format": "text", "max_tokens": 150 }));
        assert!(small.to_string().len() <= 150 * 4, "{}: {small:#}", path.display());
    }
}

#[test]
fn every_failure_can_be_asked_for_by_its_id() {
    for name in FAILING {
        let Some(bytes) = file(&format!("test-results/{name}")) else { return };
        let all = call(&bytes, &json!({ "max_failures": 200, "detail": "brief" }));
        let ids = all["failures"].as_array().expect("failures").iter();
        for id in ids.filter_map(|failure| failure["id"].as_str()) {
            let one = call(&bytes, &json!({ "failure": id }));
            let shown = one["failures"].as_array().map(Vec::as_slice).unwrap_or_default();
            assert_eq!(shown.iter().map(|one| &one["id"]).collect::<Vec<_>>(), [id], "{name}");
            assert!(shown[0]["message"].is_string(), "{name}: {id} has no words");
            assert_eq!(one["answer"], all["answer"]);
            assert_eq!(one.get("left_out").and_then(|left: &Value| left.get("failures")), None);
        }
    }
}
