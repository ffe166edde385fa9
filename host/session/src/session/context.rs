//! Before the model is asked: the tests without a patch, and the context tools.

use super::Session;
use crate::call::{Answer, CallId, ModelCall, Origin};
use crate::effect::Item;
use crate::event::{Decision, TestsEnding};
use crate::state::{Phase, Slot, State};
use crate::tested::TestsSaid;

/// Under this name the model reads what the step's own tests said before anything was asked.
const PROJECT_TESTS: &str = "project_tests";

impl Session {
    pub(super) fn begin(&mut self) -> State {
        match &self.plan.tests {
            Some(tests) if tests.before => {
                self.run_tests(0, 0);
                State::TestingBefore
            }
            Some(_) | None => self.gather_context(),
        }
    }

    pub(super) fn read_tests_before(&mut self, ending: TestsEnding, reports: &[String]) -> State {
        self.reports_before = reports.to_vec();
        match self.reading(0, 0, reports) {
            Some(call) => {
                self.start(call.clone());
                State::ReadingBefore { call, ending }
            }
            None => self.tests_before_over(ending, None),
        }
    }

    /// The tests without a patch are over. What they said is the last thing the model reads before
    /// it answers: what stands before it is the same for the next change, and cached there.
    pub(super) fn tests_before_over(
        &mut self,
        ending: TestsEnding,
        read: Option<&Answer>,
    ) -> State {
        let said = TestsSaid::of(ending, read);
        self.tests_passed = None;
        self.emit(Decision::TestsCounted { round: 0, again: 0, said: said.clone() });
        let call = ModelCall {
            call_id: "call_tests_before".to_owned(),
            tool: PROJECT_TESTS.to_owned(),
            arguments: "{}".to_owned(),
        };
        let mut output = serde_json::json!({
            "command": self.plan.tests.as_ref().map(|tests| &tests.command),
            "started": ending != TestsEnding::NotStarted,
            "timed_out": ending == TestsEnding::TimedOut,
            "exit_code": said.exit_code,
            "passed": said.passed,
            "reports": self.reports_before,
        });
        if let TestsEnding::Ended { limit } = ending {
            output["ended"] = limit.words().into();
        }
        self.said_before = Some((call, output.to_string()));
        self.tests_before = Some(said);
        self.gather_context()
    }

    pub(super) fn gather_context(&mut self) -> State {
        let calls = self.plan.context.clone();
        let mut slots = Vec::new();
        for (index, call) in (0..).zip(calls) {
            let id = CallId { origin: Origin::Context, index };
            let asked = ModelCall {
                call_id: format!("call_context_{}", index + 1),
                tool: call.tool,
                arguments: call.arguments,
            };
            slots.push(self.start_tool(id, asked));
        }
        self.after_context(slots)
    }

    pub(super) fn after_context(&mut self, slots: Vec<Slot>) -> State {
        if slots.iter().any(|slot| slot.answered().is_none()) {
            return State::GatheringContext { slots };
        }
        for slot in &slots {
            self.conversation.push(Item::ContextCall(slot.asked.clone()));
        }
        for slot in &slots {
            self.push_output(slot);
        }
        if let Some((call, output)) = self.said_before.take() {
            let call_id = call.call_id.clone();
            self.conversation.push(Item::ContextCall(call));
            let output = self.as_data(&output);
            self.conversation.push(Item::CallOutput { call_id, output });
        }
        self.enter(Phase::ContextReady);
        self.ask(1, 1)
    }
}
