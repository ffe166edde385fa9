//! Counts of other formats: as their own summaries say, as other readers of them say, or as a
//! look at the text says.

use serde_json::Value;

use super::{file, files, numbers, summary};

const DORNY: &str = "test-results/wild/dorny+test-reporter/__tests__/fixtures";
const GOTESTSUM: &str = "test-results/wild/gotestyourself+gotestsum";
const TAP: &str = "test-results/wild/test-summary+action/test/resources/tap";

/// Tests, passed, not passed, skipped.
type Counts = [u64; 4];

fn found(bytes: &[u8]) -> Counts {
    let answer = summary(bytes);
    let [tests, failed, errors, skipped] = numbers(&answer);
    [tests, answer["summary"]["passed"].as_u64().expect("a count"), failed + errors, skipped]
}

#[track_caller]
fn check(path: &str, expected: Counts) {
    if let Some(bytes) = file(path) {
        assert_eq!(found(&bytes), expected, "{path}");
    }
}

/// What dorny/test-reporter's own expected outputs say of these fixtures.
#[test]
fn fixtures_of_another_reader_have_the_counts_it_finds() {
    let table = [
        ("dart-json.json", [6, 1, 4, 1]),
        ("external/flutter/provider-test-results.json", [269, 268, 1, 0]),
        ("dotnet-nunit.xml", [9, 3, 5, 1]),
        ("dotnet-trx.trx", [11, 5, 5, 1]),
        ("dotnet-xunitv3.trx", [4, 1, 3, 0]),
        ("external/FluentValidation.Tests.trx", [804, 803, 0, 1]),
        ("external/SilentNotes.trx", [79, 67, 0, 12]),
        ("golang-json.json", [12, 5, 6, 1]),
        ("mocha-json.json", [6, 1, 4, 1]),
        ("external/mocha/mocha-test-results.json", [839, 833, 0, 6]),
        ("rspec-json.json", [3, 1, 1, 1]),
        ("python-xunit-pytest.xml", [10, 6, 2, 2]),
        ("python-xunit-unittest.xml", [8, 4, 2, 2]),
        ("external/jest/jest-test-results.xml", [4239, 4207, 2, 30]),
        ("external/java/pulsar-test-report.xml", [808, 793, 1, 14]),
        ("phpunit/phpunit.xml", [12, 10, 2, 0]),
        ("external/phpunit/phpcheckstyle-phpunit.xml", [30, 28, 2, 0]),
        ("swift-xunit.xml", [3, 2, 1, 0]),
        ("nette-tester/tester-v1.7-report.xml", [65, 61, 1, 3]),
        ("empty/dart-json.json", [0; 4]),
        ("empty/dotnet-trx.trx", [0; 4]),
        ("empty/dotnet-trx-empty-test-definitions.trx", [0; 4]),
        ("empty/mocha-json.json", [0; 4]),
        ("empty/rspec-json.json", [0; 4]),
    ];
    for (name, expected) in table {
        check(&format!("{DORNY}/{name}"), expected);
    }
}

/// `DONE 59 tests, 5 skipped, 13 failures in 0.157s`: tests, skipped, failures.
fn done(golden: &str) -> [u64; 3] {
    let line = golden.lines().rfind(|line| line.starts_with("DONE ")).expect("a last line");
    let counts = line["DONE ".len()..].split(" in ").next().unwrap_or_default();
    let count = |word: &str| {
        let part = counts.split(", ").find(|part| part.contains(word));
        part.map_or(0, |part| part.split(' ').next().unwrap_or_default().parse().expect("a count"))
    };
    [count("test"), count("skipped"), count("failure")]
}

#[test]
fn go_test_has_the_counts_gotestsum_prints() {
    let table = [
        (
            "cmd/testdata/input/go-test-build-failed.out",
            "cmd/testdata/expected/build-fail-expected",
        ),
        (
            "cmd/testdata/input/go-test-setup-failed.out",
            "cmd/testdata/expected/setup-fail-expected",
        ),
        (
            "cmd/testdata/input/go-test-json-panic-race-1.out",
            "cmd/testdata/expected/panic-race-1-summary",
        ),
        (
            "testjson/testdata/input/go-test-json-missing-test-fail.out",
            "testjson/testdata/summary/missing-test-fail-event",
        ),
        (
            "testjson/testdata/input/go-test-json-with-parallel-fails.out",
            "testjson/testdata/summary/parallel-failures",
        ),
        (
            "testjson/testdata/input/go-test-json-misattributed.out",
            "testjson/testdata/summary/misattributed-output",
        ),
        (
            "testjson/testdata/input/go-test-json-with-attributes.out",
            "testjson/testdata/summary/with-attributes",
        ),
        (
            "testjson/testdata/input/go-test-json-missing-skip-msg.out",
            "testjson/testdata/summary/bug-missing-skip-message",
        ),
        (
            "testjson/testdata/input/go-test-json.out",
            "testjson/testdata/summary/root-test-has-subtest-failures",
        ),
    ];
    for (input, golden) in table {
        let (Some(input_bytes), Some(golden)) =
            (file(&format!("{GOTESTSUM}/{input}")), file(&format!("{GOTESTSUM}/{golden}")))
        else {
            return;
        };
        let [tests, _, bad, skipped] = found(&input_bytes);
        let golden = String::from_utf8_lossy(&golden).into_owned();
        assert_eq!([tests, skipped, bad], done(&golden), "{input}");
    }
    // gotestsum counts the package besides the test that ended it.
    check(&format!("{GOTESTSUM}/cmd/testdata/input/go-test-json-panic-race-2.out"), [1, 0, 1, 0]);
}

#[test]
fn tests_that_go_runs_again_count_once() {
    let Some(bytes) = file(&format!("{GOTESTSUM}/cmd/testdata/go-test-json-flaky-rerun.out"))
    else {
        return;
    };
    assert_eq!(found(&bytes), [6, 6, 0, 0]);
    let answer = summary(&bytes);
    let flaky = answer["flaky"].as_array().expect("a list").iter().map(|test| &test["name"]);
    // As TestWriteRerunFailsReport-expected has them.
    let mut flaky: Vec<&str> = flaky.filter_map(Value::as_str).collect();
    flaky.sort_unstable();
    assert_eq!(flaky, ["TestFailsOften", "TestFailsRarely", "TestFailsSometimes"]);
}

/// Tests of TAP without subtests, by their first words.
fn count_tap(text: &str) -> Counts {
    let mut counts = [0; 4];
    for line in text.lines().filter(|line| line.starts_with("ok") || line.starts_with("not ok")) {
        let directive = line.rsplit('#').next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_left_out =
            line.contains('#') && ["skip", "todo"].iter().any(|d| directive.starts_with(d));
        counts[0] += 1;
        counts[if is_left_out { 3 } else { usize::from(line.starts_with("not")) + 1 }] += 1;
    }
    counts
}

#[test]
fn tap_has_the_counts_of_its_lines() {
    for path in files(TAP) {
        let bytes = std::fs::read(&path).expect("a file");
        let mut expected = count_tap(&String::from_utf8_lossy(&bytes));
        // A run that bails out is an error besides its tests.
        expected[2] += u64::from(path.ends_with("03-bail-out.tap"));
        assert_eq!(found(&bytes), expected, "{}", path.display());
    }
}

/// The number under a path of keys; 0 where there is none.
fn at(document: &Value, pointer: &str) -> u64 {
    document.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

#[test]
fn reports_made_here_have_the_counts_of_their_own_summaries() {
    let read = |name: &str| file(&format!("test-results/{name}"));
    let document = |name: &str| serde_json::from_slice::<Value>(&read(name)?).ok();
    for name in ["jest.json", "vitest.json"] {
        let Some(report) = document(name) else { return };
        let number = |key: &str| at(&report, &format!("/num{key}Tests"));
        let left_out = number("Pending") + number("Todo");
        let expected = [number("Total"), number("Passed"), number("Failed"), left_out];
        check(&format!("test-results/{name}"), expected);
    }
    if let Some(report) = document("mocha.json") {
        let number = |key: &str| at(&report, &format!("/stats/{key}"));
        let expected = [number("tests"), number("passes"), number("failures"), number("pending")];
        check("test-results/mocha.json", expected);
    }
    if let Some(report) = document("pytest-ctrf.json") {
        let number = |key: &str| at(&report, &format!("/results/summary/{key}"));
        let expected = [number("tests"), number("passed"), number("failed"), number("skipped")];
        check("test-results/pytest-ctrf.json", expected);
    }
    if let Some(report) = document("pytest-report.json") {
        let number = |key: &str| at(&report, &format!("/summary/{key}"));
        let bad = number("failed") + number("error");
        let skipped = number("skipped") + number("xfailed");
        // It counts a try that is run again as a test of its own.
        let expected = [number("total") - number("rerun"), number("passed"), bad, skipped];
        check("test-results/pytest-report.json", expected);
    }
    // What these runners print in their last lines.
    let table = [
        ("cargo-test.txt", [5, 1, 3, 1]),
        ("cargo-test.jsonl", [5, 1, 3, 1]),
        ("nextest.txt", [5, 1, 3, 1]),
        ("nextest-libtest.jsonl", [5, 1, 3, 1]),
        ("pytest.txt", [10, 4, 4, 2]),
        ("node.tap", [4, 1, 1, 2]),
        ("go-test.jsonl", [6, 2, 3, 1]),
    ];
    for (name, expected) in table {
        check(&format!("test-results/{name}"), expected);
    }
}

#[test]
fn linters_have_as_many_findings_as_their_reports() {
    let read = |name: &str| file(&format!("test-results/{name}"));
    let document = |name: &str| serde_json::from_slice::<Value>(&read(name)?).ok();
    let check = |name: &str, errors: u64, warnings: u64| {
        let Some(bytes) = read(name) else { return };
        let answer = summary(&bytes);
        let found = &answer["findings"];
        let counts = (&found["errors"], &found["warnings"]);
        assert_eq!(counts, (&errors.into(), &warnings.into()), "{name}: {answer:#}");
        assert_eq!(answer["verdict"], "findings");
        let rules = found["rules"].as_array().expect("rules");
        let sum: u64 = rules.iter().filter_map(|rule| rule["count"].as_u64()).sum();
        assert_eq!(sum, errors + warnings, "{name}: {answer:#}");
    };
    let Some(ruff) = document("ruff.json") else { return };
    check("ruff.json", ruff.as_array().expect("a list").len() as u64, 0);
    let sarif = document("ruff.sarif").expect("SARIF");
    let results = sarif.pointer("/runs/0/results").and_then(Value::as_array).expect("results");
    check("ruff.sarif", results.len() as u64, 0);
    let eslint = document("eslint.json").expect("eslint");
    check("eslint.json", at(&eslint, "/0/errorCount"), at(&eslint, "/0/warningCount"));
    // clippy says the same of the library and of its tests.
    check("clippy.jsonl", 0, 1);
}
