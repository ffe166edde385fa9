//! What the project's own tests must say of a patch: that they ran, that they passed, and that
//! none of them is gone.

use super::{GateName, named};
use crate::{Rules, Ruling, Verdict};

/// One run of the tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestRun {
    /// Whether the command came to an end by itself.
    pub ran: bool,
    /// Whether it succeeded, and no report shows a failure.
    pub passed: bool,
    /// What the reports say, where they could be read.
    pub numbers: Option<TestNumbers>,
}

/// What the reports of a run say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TestNumbers {
    /// Tests in all, those left out included.
    pub tests: u64,
    /// Those that were left out.
    pub skipped: u64,
    /// Names of those that failed; the first few, where there are many.
    pub failing: Vec<String>,
}

/// Holds the tests with a patch against those without it, where they ran.
#[must_use]
pub fn judge_tests(before: Option<&TestRun>, after: &TestRun, rules: &Rules) -> Verdict {
    const GATE: GateName = GateName::Tests;
    let refused = |because: String| Verdict::finding(GATE, Ruling::Refuse, 1, because, Vec::new());
    if !after.ran {
        return refused("the tests did not come to an end with the patch".to_owned());
    }
    if !after.passed {
        return refused(failing(before, after));
    }
    let now = after.numbers.as_ref();
    let was = before.and_then(|before| before.numbers.as_ref()).filter(|was| was.tests > 0);
    match (was, now) {
        (Some(was), Some(now)) if now.tests < was.tests || now.skipped > was.skipped => {
            let because = fewer(was, now);
            Verdict::finding(GATE, rules.spec.then.tests.into(), 1, because, Vec::new())
        }
        (Some(was), None) => {
            let because = format!(
                "{} without the patch, and with it nobody can tell how many: there is no report",
                ran(was)
            );
            Verdict::finding(GATE, rules.spec.then.tests.into(), 1, because, Vec::new())
        }
        (Some(was), Some(now)) => {
            Verdict::pass(GATE, format!("{} and passed, {} without the patch", ran(now), was.tests))
        }
        (None, Some(now)) if now.tests > 0 => {
            let because = format!("{} and passed; nobody knows how many did before", ran(now));
            Verdict::pass(GATE, because)
        }
        (None, _) => Verdict::pass(GATE, "the test command succeeded".to_owned()),
    }
}

fn fewer(was: &TestNumbers, now: &TestNumbers) -> String {
    let what = match now.tests < was.tests {
        true => format!("{} with the patch, {} without it", ran(now), was.tests),
        false => format!(
            "{} with the patch, and {} without it",
            left_out(now.skipped),
            left_out_before(was.skipped)
        ),
    };
    format!("{what}: a patch may not take tests away")
}

fn ran(numbers: &TestNumbers) -> String {
    match numbers.tests {
        1 => "1 test ran".to_owned(),
        tests => format!("{tests} tests ran"),
    }
}

fn left_out(tests: u64) -> String {
    match tests {
        1 => "1 test is left out".to_owned(),
        tests => format!("{tests} tests are left out"),
    }
}

fn left_out_before(tests: u64) -> String {
    match tests {
        0 => "none".to_owned(),
        tests => tests.to_string(),
    }
}

/// Which tests fail, and whether that is the patch's fault.
fn failing(before: Option<&TestRun>, after: &TestRun) -> String {
    let now = after.numbers.as_ref().map(|now| now.failing.as_slice()).unwrap_or_default();
    let was = before.and_then(|before| before.numbers.as_ref());
    let was = was.map(|was| was.failing.as_slice()).unwrap_or_default();
    let (old, new): (Vec<&String>, Vec<&String>) = now.iter().partition(|test| was.contains(test));
    let list = |tests: &[&String]| named(tests.iter().map(|test| test.as_str()));
    match (new.as_slice(), old.as_slice()) {
        ([], []) => "the tests fail with the patch".to_owned(),
        (new, []) => format!("the tests fail with the patch: {}", list(new)),
        ([], old) => {
            format!("the tests fail with the patch as they did without it: {}", list(old))
        }
        (new, old) => format!(
            "the tests fail with the patch: {}; without it failed, too: {}",
            list(new),
            list(old)
        ),
    }
}

#[cfg(test)]
mod tests;
