//! What is said of the tests with a patch.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::{RuleSpec, Then, ThenSpec};

fn rules(tests: Then) -> Rules {
    let then = ThenSpec { tests, ..ThenSpec::default() };
    Rules::new(&RuleSpec { then, ..RuleSpec::default() }).unwrap()
}

fn run(tests: u64, skipped: u64, failing: &[&str]) -> TestRun {
    let failing: Vec<String> = failing.iter().map(|&name| name.to_owned()).collect();
    let passed = failing.is_empty();
    TestRun { ran: true, passed, numbers: Some(TestNumbers { tests, skipped, failing }) }
}

fn said(before: Option<&TestRun>, after: &TestRun) -> String {
    let Verdict { ruling, because, .. } = judge_tests(before, after, &STRICT);
    format!("{ruling}: {because}")
}

#[test]
fn tests_must_run_and_pass_and_stay() {
    let unread = TestRun { ran: true, passed: true, numbers: None };
    let dead = TestRun { ran: false, passed: false, numbers: None };
    let failed = TestRun { ran: true, passed: false, numbers: None };
    let before = run(14, 1, &["adds", "old\n"]);
    let found = [
        said(None, &dead),
        said(Some(&before), &failed),
        said(Some(&before), &run(14, 1, &["new", "old\n"])),
        said(Some(&before), &run(14, 1, &["adds"])),
        said(None, &run(14, 1, &["a", "b", "c", "d"])),
        said(Some(&before), &run(13, 1, &[])),
        said(Some(&before), &run(15, 2, &[])),
        said(Some(&run(3, 0, &[])), &run(3, 1, &[])),
        said(Some(&before), &unread),
        said(Some(&before), &run(14, 1, &[])),
        said(None, &run(1, 0, &[])),
        said(None, &unread),
        said(Some(&failed), &unread),
    ];
    insta::assert_snapshot!(found.join("\n"), @r"
    refuse: the tests did not come to an end with the patch
    refuse: the tests fail with the patch
    refuse: the tests fail with the patch: `new`; without it failed, too: `old\n`
    refuse: the tests fail with the patch as they did without it: `adds`
    refuse: the tests fail with the patch: `a`, `b`, `c` and 1 more
    refuse: 13 tests ran with the patch, 14 without it: a patch may not take tests away
    refuse: 2 tests are left out with the patch, and 1 without it: a patch may not take tests away
    refuse: 1 test is left out with the patch, and none without it: a patch may not take tests away
    refuse: 14 tests ran without the patch, and with it nobody can tell how many: there is no report
    pass: 14 tests ran and passed, 14 without the patch
    pass: 1 test ran and passed; nobody knows how many did before
    pass: the test command succeeded
    pass: the test command succeeded
    ");
}

static STRICT: LazyLock<Rules> = LazyLock::new(|| rules(Then::Refuse));
static LOWERED: LazyLock<Rules> = LazyLock::new(|| rules(Then::Approval));

proptest! {
    /// What is lowered to an approval is only that tests are gone, never that they fail.
    #[test]
    fn a_failing_test_is_never_only_asked_about(
        before in proptest::option::of((0..5_u64, 0..5_u64)),
        after in proptest::option::of((0..5_u64, 0..5_u64)),
        ran in any::<bool>(),
        passed in any::<bool>(),
    ) {
        let numbers = |(tests, skipped)| TestNumbers { tests, skipped, failing: vec![] };
        let before = TestRun { ran: true, passed: true, numbers: before.map(numbers) };
        let after = TestRun { ran, passed: ran && passed, numbers: after.map(numbers) };
        let strict = judge_tests(Some(&before), &after, &STRICT);
        let lowered = judge_tests(Some(&before), &after, &LOWERED);
        prop_assert_eq!(&strict.because, &lowered.because);
        prop_assert_ne!(strict.ruling, Ruling::Approval);
        if !after.passed {
            prop_assert_eq!(lowered.ruling, Ruling::Refuse);
        } else {
            prop_assert_eq!(strict.ruling == Ruling::Pass, lowered.ruling == Ruling::Pass);
        }
    }
}
