//! JUnit XML: the step's own tests, as said in the trace.
//!
//! The format is the one that CI systems read (`testsuites` of the Ant task and of Jenkins' xunit
//! plug-in). The trace knows how many tests there were, and the names of those that failed: what
//! passed is counted and has no name, so only failures are test cases.

use std::fmt::Write as _;

use session::{TestCounts, TestsSaid};

use crate::plain::Markup;
use crate::run::{Run, TestRound};
use crate::words::{round_word, tests_words};

/// The tests of a run as JUnit XML: those with its last patch, or those without one where there is
/// no other round. What failed before a patch that repairs it fails no longer.
pub fn junit(run: &Run) -> String {
    let step = run.about.as_ref().map_or("step", |about| about.step.as_str());
    let round = run.tests.iter().rev().find_map(|round| Some((round, counts(round)?)));
    let TestCounts { tests, failed, errors, skipped, .. } =
        round.as_ref().map(|(_, counts)| counts.clone()).unwrap_or_default();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        xml,
        "<testsuites name=\"{}\" tests=\"{tests}\" failures=\"{failed}\" errors=\"{errors}\" \
         skipped=\"{skipped}\">",
        Markup(step),
    );
    if let Some((round, _)) = round {
        suite(&mut xml, run, step, round);
    }
    xml.push_str("</testsuites>\n");
    xml
}

/// What a round counted; one failure where it failed without a report.
fn counts(round: &TestRound) -> Option<TestCounts> {
    let said = round.said.as_ref()?;
    let known = said.counts.clone().filter(|counts| counts.tests > 0);
    Some(known.unwrap_or_else(|| {
        let failed = u64::from(!said.passed);
        TestCounts { tests: 1, passed: 1 - failed, failed, ..TestCounts::default() }
    }))
}

fn suite(xml: &mut String, run: &Run, step: &str, round: &TestRound) {
    let (Some(said), Some(counts)) = (&round.said, counts(round)) else { return };
    let name = round_word(round.round);
    let time = round.end.map_or(0, |end| end.saturating_sub(round.begin));
    let TestCounts { tests, failed, errors, skipped, failing, .. } = &counts;
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failed}\" errors=\"{errors}\" \
         skipped=\"{skipped}\" time=\"{}.{:03}\" timestamp=\"{}\">",
        Markup(&format!("{step}: {name}")),
        time / 1_000,
        time % 1_000,
        crate::amount::moment(run.began_ms.saturating_add(round.begin)).trim_end_matches('Z'),
    );
    cases(xml, &name, said, failing);
    let _ = writeln!(xml, "    <system-out>{}</system-out>", Markup(&tests_words(said)));
    xml.push_str("  </testsuite>\n");
}

fn cases(xml: &mut String, round: &str, said: &TestsSaid, failing: &[String]) {
    let has_report = said.counts.as_ref().is_some_and(|counts| counts.tests > 0);
    if !has_report {
        let _ =
            write!(xml, "    <testcase classname=\"{}\" name=\"the test command\"", Markup(round));
        if said.passed {
            xml.push_str("/>\n");
        } else {
            let why = tests_words(said);
            let _ = writeln!(xml, "><failure message=\"{}\"/></testcase>", Markup(&why));
        }
    }
    for name in failing {
        let _ = writeln!(
            xml,
            "    <testcase classname=\"{}\" name=\"{}\"><failure message=\"failed {}\"/></testcase>",
            Markup(round),
            Markup(name),
            Markup(round),
        );
    }
}
