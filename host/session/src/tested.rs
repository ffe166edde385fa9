//! What the step's own tests said, alone, against those before, and when they ran again.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::call::Answer;
use crate::event::TestsEnding;
use crate::outcome::TestCounts;
use crate::plan::Flaky;

/// The most names of tests in one list.
const NAMES_MAX: usize = 100;

/// What the step's own tests said.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TestsSaid {
    /// Whether the command succeeded, and no report shows a failure. Where it ran again, whether
    /// the step takes that for a success, too.
    pub passed: bool,
    /// The command's exit code; none where it did not start, was ended, or died of a signal.
    pub exit_code: Option<i32>,
    /// What the reports say, where they could be read.
    pub counts: Option<TestCounts>,
    /// How this differs from what they said before, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<TestsCompared>,
    /// How often the command had failed before, with the same files.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failed_before: u32,
    /// Names of tests that failed then and do not now, as far as the reports name them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flaky: Vec<String>,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// Two runs of the tests, compared by the names of the tests.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TestsCompared {
    /// Fail now, and did not before or were not there.
    pub newly_failing: TestNames,
    /// Pass now, and failed before.
    pub fixed: TestNames,
    /// Failed before, too.
    pub still_failing: TestNames,
    /// Were there before, and are not now.
    pub vanished: TestNames,
    /// Why the lists may say too much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caution: Option<String>,
}

/// Tests of one kind.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TestNames {
    /// All of them.
    pub count: u64,
    /// The names of the first few.
    #[serde(default)]
    pub tests: Vec<String>,
}

impl TestsCompared {
    /// Reads `compared` of an output of `test_summary`; none when it has none.
    fn parse(output: &serde_json::Value) -> Option<Self> {
        /// The same, as the tool writes it.
        #[derive(Deserialize)]
        struct Written {
            newly_failing: TestNames,
            fixed: TestNames,
            still_failing: TestNames,
            vanished: TestNames,
            caution: Option<String>,
        }
        let written = Written::deserialize(output.get("compared")?).ok()?;
        let Written { newly_failing, fixed, still_failing, vanished, caution } = written;
        let mut compared = Self { newly_failing, fixed, still_failing, vanished, caution };
        let Self { newly_failing, fixed, still_failing, vanished, .. } = &mut compared;
        for names in [newly_failing, fixed, still_failing, vanished] {
            names.tests.truncate(NAMES_MAX);
        }
        Some(compared)
    }
}

impl TestsSaid {
    /// What one run of the command said.
    pub(crate) fn of(ending: TestsEnding, read: Option<&Answer>) -> Self {
        let output = match read {
            Some(Answer::Answered { output }) => serde_json::from_str(output).ok(),
            Some(Answer::Refused { .. } | Answer::Ended { .. }) | None => None,
        };
        let counts = output.as_ref().and_then(TestCounts::parse);
        let shows_failure = counts.as_ref().is_some_and(TestCounts::shows_failure);
        Self {
            passed: ending == TestsEnding::Exited { code: Some(0) } && !shows_failure,
            exit_code: match ending {
                TestsEnding::Exited { code } => code,
                TestsEnding::NotStarted | TestsEnding::TimedOut | TestsEnding::Ended { .. } => None,
            },
            counts,
            compared: output.as_ref().and_then(TestsCompared::parse),
            ..Self::default()
        }
    }

    /// The same after `tries` that failed with the same files: what passes now and failed then
    /// counts as the step wants it.
    pub(crate) fn after(self, tries: &[Self], flaky: Flaky) -> Self {
        let failed_before = u32::try_from(tries.len()).unwrap_or(u32::MAX);
        if failed_before == 0 {
            return self;
        }
        let failing = |said: &Self| {
            said.counts.as_ref().map(|counts| counts.failing.clone()).unwrap_or_default()
        };
        let now: BTreeSet<String> = failing(&self).into_iter().collect();
        let then: BTreeSet<String> = tries.iter().flat_map(failing).collect();
        let flaky_names = match self.passed || self.names_all_failing() {
            true => then.difference(&now).take(NAMES_MAX).cloned().collect(),
            false => Vec::new(),
        };
        let passed = self.passed && flaky == Flaky::Pass;
        Self { passed, failed_before, flaky: flaky_names, ..self }
    }

    /// Whether every test that failed is in the list of names.
    fn names_all_failing(&self) -> bool {
        self.counts.as_ref().is_some_and(|counts| {
            counts.shows_failure() && counts.failing.len() as u64 == counts.not_passed()
        })
    }

    /// Whether everything that fails failed `before`, too, and nothing was left out to get there.
    pub(crate) fn fails_as_before(&self, before: &Self) -> bool {
        let (Some(compared), Some(now), Some(then)) =
            (&self.compared, &self.counts, &before.counts)
        else {
            return false;
        };
        let TestsCompared { newly_failing, fixed: _, still_failing, vanished, caution } = compared;
        !self.passed
            && self.exit_code.is_some()
            && caution.is_none()
            && newly_failing.count == 0
            && vanished.count == 0
            && still_failing.count > 0
            && still_failing.count == now.not_passed()
            && now.skipped <= then.skipped
    }
}
