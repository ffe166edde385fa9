//! The step's own tests with a patch: they run, what they said is read, and where it is a failure
//! they may run again.

use super::{RETRIES_MAX, Session};
use crate::call::{Answer, Call, CallId, Origin};
use crate::effect::Effect;
use crate::event::{Decision, Input, TestsEnding};
use crate::plan::Flaky;
use crate::state::{Answering, Progress, State};
use crate::tested::TestsSaid;
use crate::verdict::{Ruling, Verdict};

/// The most paths that one question to `test_summary` may name.
const NAMED_MAX: usize = 64;

impl Session {
    pub(super) fn run_tests(&mut self, round: u32, again: u32) {
        self.emit(Decision::TestsStarted { round, again });
        self.effects.push(Effect::RunTests { round, again });
    }

    /// The call that reads the reports of a round of tests.
    pub(super) fn reading(&self, round: u32, again: u32, reports: &[String]) -> Option<Call> {
        if reports.is_empty() {
            return None;
        }
        let id = CallId { origin: Origin::Tests(round), index: again };
        let mut arguments = serde_json::json!({ "paths": named(reports) });
        let compared = self.plan.tests.as_ref().is_some_and(|tests| tests.compared);
        if compared && round > 0 && !self.reports_before.is_empty() {
            arguments["previous"] = named(&self.reports_before).into();
        }
        Some(Call { id, tool: "test_summary".to_owned(), arguments: arguments.to_string() })
    }

    pub(super) fn test_patch(&mut self) -> Progress {
        if self.plan.tests.is_none() {
            return Progress::Answered(serde_json::json!({ "accepted": true }).to_string());
        }
        self.test_rounds += 1;
        self.tries.clear();
        self.run_tests(self.test_rounds, 0);
        Progress::Testing { round: self.test_rounds, again: 0 }
    }

    pub(super) fn tests_finished(&mut self, mut answering: Answering, finished: Input) -> State {
        let Input::TestsFinished { round, again, ending, reports, .. } = finished else {
            return State::Answering(answering);
        };
        let waits = |p: &Progress| matches!(p, Progress::Testing { round: r, again: a } if (*r, *a) == (round, again));
        let Some(at) = answering.slots.iter().position(|slot| waits(&slot.progress)) else {
            return State::Answering(answering);
        };
        answering.slots[at].progress = match self.reading(round, again, &reports) {
            Some(call) => {
                self.start(call.clone());
                Progress::Reading { round, again, call, ending }
            }
            None => self.tests_over(round, again, ending, None),
        };
        self.after_answer(answering)
    }

    /// Takes the answer of the call that reads a report, if this is one.
    pub(super) fn tests_read(&mut self, answering: &mut Answering, id: CallId, answer: &Answer) {
        for slot in &mut answering.slots {
            if let Progress::Reading { round, again, call, ending } = &slot.progress
                && call.id == id
            {
                let (round, again, ending) = (*round, *again, *ending);
                slot.progress = self.tests_over(round, again, ending, Some(answer));
                return;
            }
        }
    }

    /// The command ran with a patch: it runs again, or this is what the model is told about it.
    fn tests_over(
        &mut self,
        round: u32,
        again: u32,
        ending: TestsEnding,
        read: Option<&Answer>,
    ) -> Progress {
        let tried = TestsSaid::of(ending, read);
        let (retries, flaky) = match &self.plan.tests {
            Some(tests) => (tests.retries.min(RETRIES_MAX), tests.flaky),
            None => (0, Flaky::default()),
        };
        let said = tried.clone().after(&self.tries, flaky);
        // A command that never ran says nothing of the patch.
        let ran = match ending {
            TestsEnding::Exited { .. } | TestsEnding::Ended { .. } => true,
            TestsEnding::NotStarted | TestsEnding::TimedOut => again > 0,
        };
        self.tests_passed = ran.then_some(said.passed);
        self.emit(Decision::TestsCounted { round, again, said: said.clone() });
        self.tests_after = Some(said.clone());
        let has_failed = matches!(ending, TestsEnding::Exited { .. }) && !tried.passed;
        if has_failed && again < retries {
            self.tries.push(tried);
            self.run_tests(round, again + 1);
            return Progress::Testing { round, again: again + 1 };
        }
        let told = told(ending, &said, read);
        if self.plan.tests.as_ref().is_some_and(|tests| tests.judged) {
            self.let_tests_be_judged(round);
            return Progress::Weighing { round, said: told };
        }
        Progress::Answered(told.to_string())
    }

    pub(super) fn let_tests_be_judged(&mut self, round: u32) {
        let Some(after) = self.tests_after.clone() else { return };
        let (ran, before) = (self.tests_passed.is_some(), self.tests_before.clone());
        self.effects.push(Effect::JudgeTests { round, ran, before, after });
    }

    /// A gate looked at the tests. Where they fail, the patch is kept, and marked as failing; where
    /// they pass because some are gone, it is as if another gate had refused the patch.
    pub(super) fn tests_judged(
        &mut self,
        mut answering: Answering,
        round: u32,
        verdict: Verdict,
    ) -> State {
        let weighed = answering.slots.iter_mut().find_map(|slot| match &mut slot.progress {
            Progress::Weighing { round: of, said } if *of == round => {
                let said = std::mem::take(said);
                Some((said, slot))
            }
            Progress::Weighing { .. }
            | Progress::Running
            | Progress::Judging
            | Progress::Testing { .. }
            | Progress::Reading { .. }
            | Progress::Answered(_) => None,
        });
        let Some((mut told, slot)) = weighed else { return State::Answering(answering) };
        let is_refused = verdict.ruling() == Ruling::Refuse && self.tests_passed == Some(true);
        if is_refused {
            told["accepted"] = false.into();
            told["refused"] = verdict.because.clone().into();
        }
        self.verdicts.push(verdict);
        slot.progress = Progress::Answered(told.to_string());
        if is_refused {
            (self.patch, self.tests_passed) = (None, None);
            self.patch_tries += 1;
        }
        self.after_answer(answering)
    }
}

/// What the model is told about the tests of its patch.
fn told(ending: TestsEnding, said: &TestsSaid, read: Option<&Answer>) -> serde_json::Value {
    let summary = match read {
        Some(Answer::Answered { output }) => serde_json::from_str(output).ok(),
        Some(Answer::Refused { .. } | Answer::Ended { .. }) | None => None,
    };
    let mut told = serde_json::json!({
        "accepted": true,
        "tests_passed": said.passed,
        "tests": summary.unwrap_or(serde_json::Value::Null),
    });
    if let TestsEnding::Ended { limit } = ending {
        told["tests_ended"] = limit.words().into();
    }
    if said.failed_before > 0 {
        told["failed_before_with_the_same_patch"] = said.failed_before.into();
        told["flaky"] = said.flaky.clone().into();
    }
    told
}

/// All of `paths`, which have a place of their own: by their names, or by that of the place.
fn named(paths: &[String]) -> Vec<String> {
    /// Folders of a round's place: `.stepwell/verify/1`.
    const DEPTH: usize = 3;
    match paths {
        [first, ..] if paths.len() > NAMED_MAX => {
            let place: Vec<&str> = first.split('/').take(DEPTH).collect();
            vec![format!("{}/**", place.join("/"))]
        }
        _ => paths.to_vec(),
    }
}

#[cfg(test)]
mod tests;
