//! What came of the session, for the artifacts.

use super::Session;
use crate::budget::Work;
use crate::event::SCHEMA;
use crate::outcome::{Accounting, Analysis, Outcome, RunResult};
use crate::state::Phase;
use crate::stop::StopReason;

impl Session {
    /// What came out: a function of what was found, not of how long it took or what it cost.
    ///
    /// `reason` is why the run is over.
    pub fn result(
        &self,
        step: &str,
        head: &str,
        base: Option<&str>,
        reason: StopReason,
    ) -> RunResult {
        RunResult {
            schema: SCHEMA,
            step: step.to_owned(),
            outcome: self.outcome(),
            stop_reason: reason,
            head: head.to_owned(),
            base: base.map(str::to_owned),
            model_used: self.plan.model_used && self.turns > 0,
            analysis: self.analysis.clone(),
            patch: self.patch.as_ref().map(|patch| patch.digest.clone()),
            patch_files: self.patch.as_ref().map(|patch| patch.files.clone()).unwrap_or_default(),
            verdicts: self.verdicts.clone(),
            tests_before: self.tests_before.clone(),
            tests_after: self.tests_after.clone(),
        }
    }

    /// What it took, as far as the rules know: the runner adds time, calls and links.
    pub fn accounting(&self) -> Accounting {
        Accounting {
            schema: SCHEMA,
            turns: self.turns,
            requests: self.requests,
            charged_at_most: self.charged_at_most,
            total: self.meter.total(),
            excess: self.meter.excess(),
            by_work: Work::ALL.map(|work| (work, self.meter.spent(work))).to_vec(),
            ..Accounting::default()
        }
    }

    /// The analysis so far.
    pub fn analysis(&self) -> Option<&Analysis> {
        self.analysis.as_ref()
    }

    /// Responses that completed.
    pub fn turns(&self) -> u32 {
        self.turns
    }

    /// Whether the tests that fail with the patch are no fault of it.
    fn fails_as_before(&self) -> bool {
        let both = self.tests_after.as_ref().zip(self.tests_before.as_ref());
        both.is_some_and(|(after, before)| after.fails_as_before(before))
    }

    fn outcome(&self) -> Outcome {
        match (&self.patch, self.tests_passed, &self.analysis) {
            (Some(_), None | Some(true), _) if self.is_asked_for() => Outcome::PatchUnapproved,
            (Some(_), Some(true), _) => Outcome::PatchTested,
            (Some(_), Some(false), _) if self.fails_as_before() => Outcome::PatchFailingAsBefore,
            (Some(_), Some(false), _) => Outcome::PatchFailing,
            (Some(_), None, _) => Outcome::PatchUntested,
            (None, _, Some(_)) if self.patch_tries > 0 => Outcome::PatchRefused,
            (None, _, Some(_)) => Outcome::Diagnosis,
            (None, _, None) if self.phase >= Phase::ContextReady => Outcome::ContextOnly,
            (None, _, None) => Outcome::Nothing,
        }
    }
}
