//! Real reports, cut off and damaged: never a panic, never a large answer, never a good verdict
//! that the whole report does not have.

use proptest::prelude::*;
use serde_json::json;

use super::{call, file, summary};

/// One of each format.
const REPORTS: &[&str] = &[
    "cargo-test.txt",
    "cargo-test.jsonl",
    "clippy.jsonl",
    "eslint.json",
    "go-test.jsonl",
    "jest.json",
    "mocha.json",
    "nextest-libtest.jsonl",
    "nextest.txt",
    "node-junit.xml",
    "node.tap",
    "pytest-ctrf.json",
    "pytest-report.json",
    "pytest.txt",
    "vitest.json",
    "wild/dorny+test-reporter/__tests__/fixtures/dart-json.json",
    "wild/dorny+test-reporter/__tests__/fixtures/dotnet-nunit.xml",
    "wild/dorny+test-reporter/__tests__/fixtures/dotnet-xunitv3.trx",
    "wild/dorny+test-reporter/__tests__/fixtures/rspec-json.json",
    "wild/gotestyourself+gotestsum/cmd/testdata/input/go-test-build-failed.out",
];
/// What is cut off byte by byte.
const END_LEN: usize = 1024;
/// Larger reports are cut at random only: a thousand readings of one take long.
const SMALL_LEN_MAX: usize = 4_500;

fn report(name: &str) -> Option<Vec<u8>> {
    file(&format!("test-results/{name}"))
}

#[test]
fn a_report_may_end_at_any_byte() {
    for name in REPORTS {
        let Some(bytes) = report(name) else { return };
        if bytes.len() > SMALL_LEN_MAX {
            continue;
        }
        for end in bytes.len().saturating_sub(END_LEN)..bytes.len() {
            let answer = summary(&bytes[..end]);
            // The last bytes of a format may say nothing, but what failed before is not forgotten.
            let verdict = answer["verdict"].as_str().expect("a verdict");
            let lost = verdict == "passed" && end > 0 && answer["summary"]["tests"] != 0;
            assert!(!lost || *name == "clippy.jsonl", "{name} cut at {end}: {answer:#}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_report_may_be_changed_and_cut_anywhere(
        which in 0..REPORTS.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..30),
        end in any::<prop::sample::Index>(),
    ) {
        let Some(mut bytes) = report(REPORTS[which]) else { return Ok(()) };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        // As often as not it is whole.
        bytes.truncate((end.index(2 * bytes.len()) + 1).min(bytes.len()));
        for format in ["json", "text", "markdown", "ctrf"] {
            let answer = call(&bytes, &json!({ "format": format }));
            prop_assert!(answer.to_string().len() < 80 * 1024);
        }
    }
}
