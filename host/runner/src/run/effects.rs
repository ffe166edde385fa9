//! What the rules want done: effects are carried out, and what comes of them is heard.

use std::sync::Arc;

use session::event::{Event, Input, Note};
use session::{Ask, Call, CallId, Effect, Goal, HostTool, Origin, prompt};
use snapshot::{Grant, Snapshot};
use tokio_util::sync::CancellationToken;
use wire::ToolSpec;

use super::{Answered, Done, Run, RunError};
use crate::changes;
use crate::model::{Job, Model};
use crate::offer::tool_spec;
use crate::patches::{self, By, Judged, Looked};
use crate::scratch::{self, Cut, Place, SHOWN_REPORTS, TestsRun};
use crate::tools::{CHANGED_FILES, Called, Shared, ToolExecutor, Toolbox};

impl<E: ToolExecutor> Run<E> {
    pub(super) fn carry_out_effects(&mut self) {
        while let Some(effect) = self.effects.pop_front() {
            match effect {
                // Written down as soon as it was decided.
                Effect::Emit(_) => {}
                Effect::RunTests { round, again } => self.run_tests(round, again),
                Effect::Call(call) => self.call(call),
                Effect::Judge { call, patch } => self.judge(call, patch),
                Effect::JudgeTests { round, ran, before, after } => {
                    let rules = self.plan.rules.clone();
                    self.tasks.spawn(async move {
                        let verdict = patches::judge_tests(ran, before.as_ref(), &after, &rules);
                        Done::Weighed(round, verdict)
                    });
                }
                Effect::Ask(ask) => self.ask(ask),
                Effect::AbortTurn => {
                    self.give_up.cancel();
                    self.job += 1;
                }
                Effect::AbortTests => {
                    if let Some(tests) = self.tests.take() {
                        tests.abort();
                    }
                }
                Effect::Finish(reason) => self.finished = Some(reason),
            }
        }
    }

    fn call(&mut self, call: Call) {
        let (toolbox, trees) = (Arc::clone(&self.toolbox), self.trees.clone());
        let at_once = Arc::clone(&self.calls_at_once);
        let (outputs, most) = (Arc::clone(&self.outputs), self.plan.answer_bytes);
        self.tasks.spawn(async move {
            // Never closed; were it, the call would run all the same.
            let one_of_a_few = at_once.acquire_owned().await.ok();
            // The host reads the reports of the step's own tests whatever the step grants.
            let granted = match call.id.origin {
                Origin::Tests(_) => Grant::read(&[format!("{SHOWN_REPORTS}**")]).ok(),
                Origin::Context | Origin::Turn(_) => None,
            };
            let (tool, arguments) = (&call.tool, &call.arguments);
            let mut called = toolbox.call_granted(tool, arguments, &trees, granted).await;
            let cut = match call.id.origin {
                Origin::Context | Origin::Turn(_) => {
                    let (answer, cut) = outputs.shorten(call.id, called.answer, most);
                    called.answer = answer;
                    cut
                }
                Origin::Tests(_) => None,
            };
            Done::Called(Box::new(Answered { call, called, cut, _one_of_a_few: one_of_a_few }))
        });
    }

    pub(super) fn called(&mut self, answered: Answered) -> Result<(), RunError> {
        let Answered { call, called, cut, _one_of_a_few } = answered;
        let Called { answer, source, usage, digests, log, denied, missed, shared, warnings } =
            called;
        for (level, line) in log {
            self.write(Event::Noted(Note::ToolLogged { call: call.id, level, line }))?;
        }
        // What the host asks for itself sees less than the step grants.
        if !denied.is_empty() && !matches!(call.id.origin, Origin::Tests(_)) {
            self.write(Event::Noted(Note::Denied { call: call.id, missing: denied }))?;
        }
        if let Some(because) = missed {
            self.write(Event::Noted(Note::CacheMissed { call: call.id, because }))?;
        }
        if let Some(Shared { domain, signer, run }) = shared {
            let call = call.id;
            self.write(Event::Noted(Note::CacheShared { call, domain, signer, run }))?;
        }
        for what in warnings {
            let what = format!("{}: {what}", call.tool);
            self.write(Event::Noted(Note::Warned { what }))?;
        }
        if let Some(note) = cut {
            self.write(Event::Noted(note))?;
        }
        self.hear(Input::CallAnswered { call: call.id, answer, source, usage, digests })
    }

    fn judge(&mut self, call: CallId, patch: String) {
        self.proposed.insert(call, patch.clone());
        let by = By::of(&self.plan);
        self.tasks.spawn_blocking(move || Done::Looked(call, patches::look(&patch, by)));
    }

    /// The gates that need no tool have spoken; the last one may need one.
    pub(super) fn looked(&mut self, call: CallId, looked: Looked) -> Result<(), RunError> {
        match looked {
            Looked::Over(judged) => self.judged(call, *judged),
            Looked::AsksTools(fitting) => {
                let toolbox = Arc::clone(&self.toolbox);
                let at_once = Arc::clone(&self.calls_at_once);
                self.tasks.spawn(async move {
                    let _one_of_a_few = at_once.acquire_owned().await.ok();
                    Done::Looked(call, Looked::over(fitting.ask(&toolbox).await))
                });
                Ok(())
            }
        }
    }

    fn judged(&mut self, call: CallId, mut judged: Judged) -> Result<(), RunError> {
        self.passed = judged.passed.take().or_else(|| self.passed.take());
        self.hear(judged.input(call))
    }

    fn run_tests(&mut self, round: u32, again: u32) {
        let Some(tests) = self.plan.tests.clone() else { return };
        let tree = self.tree_under_test(round);
        let (dir, outputs) = (self.plan.run_dir.join("scratch"), Arc::clone(&self.outputs));
        let place = Place { dir, outputs, round, again };
        self.tests = Some(self.tasks.spawn(async move {
            Done::Tested((round, again), Box::new(scratch::run_tests(tests, tree, place).await))
        }));
    }

    fn tree_under_test(&self, round: u32) -> Snapshot {
        let head = &self.plan.head.snapshot;
        match &self.passed {
            Some(passed) if round > 0 => head.overlay(passed.files.clone()),
            Some(_) | None => head.clone(),
        }
    }

    pub(super) fn tested(
        &mut self,
        (round, again): (u32, u32),
        tested: TestsRun,
    ) -> Result<(), RunError> {
        let TestsRun { ending, reports, facts, cut, warning } = tested;
        if let Some(what) = warning {
            self.write(Event::Noted(Note::Warned { what }))?;
        }
        if let Some(Cut { bytes, shown }) = cut {
            let of = format!("tests {round}");
            let whole = facts.as_ref().filter(|facts| facts.kept_bytes == facts.output_bytes);
            let kept = whole.and_then(|facts| facts.kept.clone());
            self.write(Event::Noted(Note::OutputCut { of, bytes, shown, kept }))?;
        }
        let paths = reports.iter().map(|(path, _)| path.clone()).collect();
        self.keep_reports((round, again), reports)?;
        self.hear(Input::TestsFinished { round, again, ending, reports: paths, facts })
    }

    fn ask(&mut self, ask: Ask) {
        self.job += 1;
        self.give_up = CancellationToken::new();
        let instructions = || prompt::instructions(self.plan.session.goal);
        if self.model.is_none() {
            self.model = Some(Model::start(self.plan.model.clone(), instructions()));
        }
        let host_only = |tool: &ToolSpec| !ask.wrap_up || HostTool::named(&tool.name).is_some();
        let job = Job {
            number: self.job,
            ask,
            replayed_from: self.session.conversation().len() - self.session.replayable().len(),
            conversation: self.session.conversation().to_vec(),
            tools: self.tools.iter().filter(|tool| host_only(tool)).cloned().collect(),
            give_up: self.give_up.clone(),
        };
        if let Some(model) = &self.model {
            model.ask(job);
        }
    }
}

/// What the model may call: the step's tools, then the host's own.
pub(crate) fn offered<E: ToolExecutor>(
    plan: &session::Plan,
    toolbox: &Toolbox<E>,
) -> Vec<ToolSpec> {
    let offered = |name: &str| plan.tools.contains(name);
    let step = toolbox.tools().iter().filter(|tool| offered(&tool.name));
    let mut specs: Vec<ToolSpec> =
        step.map(|tool| tool_spec(&tool.name, &tool.description, tool.schema.clone())).collect();
    if offered(CHANGED_FILES) {
        specs.push(tool_spec(CHANGED_FILES, changes::DESCRIPTION, changes::schema()));
    }
    for tool in [HostTool::SubmitAnalysis, HostTool::ProposePatch] {
        if tool == HostTool::ProposePatch && plan.goal == Goal::Diagnose {
            continue;
        }
        let schema = serde_json::from_str(prompt::schema(tool)).unwrap_or_default();
        specs.push(tool_spec(tool.name(), prompt::description(tool), schema));
    }
    specs
}
