//! The loop: one `select!` makes inputs, one `match` carries out effects, the journal stands
//! between the two.

mod books;
mod resume;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use session::event::{Decision, Event, Input, Note, Record};
use session::{
    Accounting, Answer, Ask, Call, CallId, Deadline, Effect, HostTool, Origin, RunResult, Session,
    Signal, StopReason, prompt,
};
use snapshot::{FileContent, Grant, RepoPath, Snapshot};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use wire::ToolSpec;

use crate::artifacts::{self, ArtifactError, Leaving};
use crate::changes;
use crate::journal::{Journal, JournalError};
use crate::lease::{Lease, LeaseError};
use crate::model::{Job, Model, Said};
use crate::patches::{self, Judged, Passed};
use crate::plan::{RunPlan, TestCommand};
use crate::scratch::{self, SHOWN_REPORTS, TestsRun};
use crate::sink::Sink;
use crate::text::cut;
use crate::tools::{CHANGED_FILES, Called, ToolExecutor, Toolbox, Trees};
use books::Books;

/// A run that could not be carried on. What it had done is in its journal.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Another process has the run.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// The journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal says something else than the rules make of it.
    #[error("the journal does not fit this program at record {seq}: {what}")]
    Diverged {
        /// The record.
        seq: u64,
        /// How it shows.
        what: String,
    },
    /// A sink cannot take a record, or a file of the run cannot be used.
    #[error("cannot use `{}`", path.display())]
    Io {
        /// The file or sink.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An artifact cannot be written.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// A part of ours failed.
    #[error("a task of the runner failed: {0}")]
    Task(#[from] JoinError),
}

/// A run that came to its end.
#[derive(Debug, Clone)]
pub struct Ended {
    /// What came out.
    pub result: RunResult,
    /// What it took.
    pub accounting: Accounting,
}

/// What a task of the run hands back.
enum Done {
    Called(Call, Called),
    Judged(CallId, Judged),
    Tested(u32, TestsRun),
}

/// What makes the loop turn.
enum Turned {
    Signal(Signal),
    Late(Deadline),
    Task(Result<Done, JoinError>),
    Said(u64, Said),
    ModelGone,
}

struct Run<E> {
    plan: RunPlan,
    toolbox: Arc<Toolbox<E>>,
    sinks: Vec<Box<dyn Sink>>,
    journal: Journal,
    session: Session,
    books: Books,
    trees: Trees,
    /// Reports of test runs, which the tools see as files.
    reports: BTreeMap<RepoPath, Option<FileContent>>,
    /// Patches as proposed, by the call that did.
    proposed: BTreeMap<CallId, String>,
    passed: Option<Passed>,
    tools: Vec<ToolSpec>,
    tasks: JoinSet<Done>,
    /// The run of the step's own tests that is under way.
    tests: Option<AbortHandle>,
    model: Option<Model>,
    job: u64,
    give_up: CancellationToken,
    effects: VecDeque<Effect>,
    finished: Option<StopReason>,
}

/// Runs a step to its end: from the beginning, or from where its journal ends.
///
/// `fresh` forgets an unfinished run. A `signal` ends the run at the next turn of the loop, with
/// all its artifacts.
///
/// # Errors
/// When the run cannot be written down, or its artifacts cannot: a run nobody can audit must not
/// go on. Everything that can go wrong in a step is an ending, not an error.
pub async fn run<E: ToolExecutor>(
    plan: RunPlan,
    toolbox: Arc<Toolbox<E>>,
    sinks: Vec<Box<dyn Sink>>,
    fresh: bool,
    mut signals: mpsc::Receiver<Signal>,
) -> Result<Ended, RunError> {
    let dir = plan.run_dir.clone();
    let unusable = |source| RunError::Io { path: dir.clone(), source };
    std::fs::create_dir_all(&dir).map_err(unusable)?;
    let _lease = Lease::take(&dir)?;
    resume::set_aside(&plan, fresh)?;
    resume::forget_old_runs(&plan);
    let (journal, records) = Journal::open(&dir, &plan.key.run_name())?;
    scratch::clear(&dir.join("scratch")).map_err(unusable)?;

    let trees = Trees {
        head: plan.head.snapshot.clone(),
        base: plan.base.as_ref().map(|base| base.snapshot.clone()),
        names: (plan.head.name.clone(), plan.base.as_ref().map(|base| base.name.clone())),
    };
    let session = Session::new(plan.session.clone());
    let tools = offered(&plan, &toolbox);
    let mut run = Run {
        books: Books::new(plan.isolation.clone()),
        plan,
        toolbox,
        sinks,
        journal,
        session,
        trees,
        reports: BTreeMap::new(),
        proposed: BTreeMap::new(),
        passed: None,
        tools,
        tasks: JoinSet::new(),
        tests: None,
        model: None,
        job: 0,
        give_up: CancellationToken::new(),
        effects: VecDeque::new(),
        finished: None,
    };
    run.take_up(records)?;
    run.carry_out_effects()?;
    while run.finished.is_none() {
        let turned = run.next(&mut signals).await;
        run.turn(turned).await?;
        run.carry_out_effects()?;
    }
    run.finish()
}

impl<E: ToolExecutor> Run<E> {
    async fn next(&mut self, signals: &mut mpsc::Receiver<Signal>) -> Turned {
        let deadline = self.session.deadline();
        let now = self.journal.now();
        let late = |work: bool| async move {
            match deadline {
                Some((at, deadline)) if work == (deadline == Deadline::Work) => {
                    tokio::time::sleep(Duration::from_millis(at.saturating_sub(now))).await;
                    deadline
                }
                Some(_) | None => std::future::pending().await,
            }
        };
        let said = async {
            match &mut self.model {
                Some(model) => model.said().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // Every arm is cancel-safe. A stop goes first, then answers, then new questions.
            biased;

            Some(signal) = signals.recv() => Turned::Signal(signal),
            deadline = late(true) => Turned::Late(deadline),
            Some(done) = self.tasks.join_next() => Turned::Task(done),
            said = said => said.map_or(Turned::ModelGone, |(job, said)| Turned::Said(job, said)),
            // Last: an answer that has come already is not late, however slow this loop was.
            deadline = late(false) => Turned::Late(deadline),
        }
    }

    async fn turn(&mut self, turned: Turned) -> Result<(), RunError> {
        match turned {
            Turned::Signal(signal) => self.hear(Input::Cancelled { signal }),
            Turned::Late(deadline) => self.hear(Input::DeadlinePassed { deadline }),
            // Tests that were given up.
            Turned::Task(Err(err)) if err.is_cancelled() => Ok(()),
            Turned::Task(done) => match done? {
                Done::Called(call, called) => self.called(&call, called),
                Done::Judged(call, judged) => self.judged(call, judged),
                Done::Tested(round, tested) => self.tested(round, tested),
            },
            // What a job says after it was given up comes too late.
            Turned::Said(job, _) if job != self.job => Ok(()),
            Turned::Said(_, said) => self.said(said),
            Turned::ModelGone => {
                let source = io::Error::other("the task that talks to the model ended");
                Err(RunError::Io { path: self.journal.path().to_owned(), source })
            }
        }
    }

    fn said(&mut self, said: Said) -> Result<(), RunError> {
        match said {
            Said::Ready { asked: (turn, try_number), go } => {
                self.hear(Input::TurnRequested { turn, try_number })?;
                // From here on it may be billed: that must outlive the machine.
                self.journal.sync()?;
                // A job that was given up meanwhile does not listen.
                let _given_up = go.send(());
                Ok(())
            }
            Said::Heard(input) => self.hear(input),
            Said::Progress => {
                self.session.progress(self.journal.now());
                Ok(())
            }
            Said::Text(piece) => {
                let at_ms = self.journal.now();
                let path = self.journal.path().to_owned();
                let fail = |source| RunError::Io { path, source };
                self.sinks.iter_mut().try_for_each(|sink| sink.text(at_ms, &piece)).map_err(fail)
            }
            Said::Noted(note) => self.write(Event::Noted(note)).map(|_| ()),
        }
    }

    /// Writes an input down, then tells the rules.
    fn hear(&mut self, input: Input) -> Result<(), RunError> {
        let record = self.write(Event::Heard(input.clone()))?;
        self.effects.extend(self.session.handle(record.at_ms, input));
        Ok(())
    }

    fn write(&mut self, event: Event) -> Result<Record, RunError> {
        let record = self.journal.append(self.session.phase(), event)?;
        self.books.enter(&record);
        let path = self.journal.path().to_owned();
        let fail = |source| RunError::Io { path, source };
        self.sinks.iter_mut().try_for_each(|sink| sink.record(&record)).map_err(fail)?;
        if self.plan.kill_after.is_some_and(|after| record.seq + 1 >= after) {
            let me = rustix::process::getpid();
            let _killed = rustix::process::kill_process(me, rustix::process::Signal::KILL);
        }
        Ok(record)
    }

    fn carry_out_effects(&mut self) -> Result<(), RunError> {
        while let Some(effect) = self.effects.pop_front() {
            match effect {
                Effect::Emit(decision) => {
                    self.write(Event::Decided(decision))?;
                }
                Effect::RunTests { round } => self.run_tests(round),
                Effect::Call(call) => self.call(call),
                Effect::Judge { call, patch } => self.judge(call, patch),
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
        Ok(())
    }

    fn call(&mut self, call: Call) {
        let (toolbox, trees) = (Arc::clone(&self.toolbox), self.trees.clone());
        self.tasks.spawn(async move {
            // The host reads the reports of the step's own tests whatever the step grants.
            let granted = match call.id.origin {
                Origin::Tests(_) => Grant::read(&[format!("{SHOWN_REPORTS}**")]).ok(),
                Origin::Context | Origin::Turn(_) => None,
            };
            let (tool, arguments) = (&call.tool, &call.arguments);
            let called = toolbox.call_granted(tool, arguments, &trees, granted).await;
            Done::Called(call, called)
        });
    }

    fn called(&mut self, call: &Call, called: Called) -> Result<(), RunError> {
        let Called { answer, source, usage, log, missed, warnings } = called;
        for (level, line) in log {
            self.write(Event::Noted(Note::ToolLogged { call: call.id, level, line }))?;
        }
        if let Some(because) = missed {
            self.write(Event::Noted(Note::CacheMissed { call: call.id, because }))?;
        }
        for what in warnings {
            let what = format!("{}: {what}", call.tool);
            self.write(Event::Noted(Note::Warned { what }))?;
        }
        let answer = match call.id.origin {
            Origin::Context | Origin::Turn(_) => shortened(answer, self.plan.answer_bytes),
            Origin::Tests(_) => answer,
        };
        self.hear(Input::CallAnswered { call: call.id, answer, source, usage })
    }

    fn judge(&mut self, call: CallId, patch: String) {
        self.proposed.insert(call, patch.clone());
        let (head, rules) = (self.plan.head.snapshot.clone(), self.plan.rules.clone());
        self.tasks.spawn_blocking(move || {
            Done::Judged(call, patches::judge(call, &patch, &head, &rules))
        });
    }

    fn judged(&mut self, _call: CallId, judged: Judged) -> Result<(), RunError> {
        if let Some(passed) = judged.passed {
            self.passed = Some(passed);
        }
        self.hear(judged.input)
    }

    fn run_tests(&mut self, round: u32) {
        let Some(tests) = self.plan.tests.clone() else { return };
        let tree = self.tree_under_test(round);
        let dir = self.plan.run_dir.join("scratch");
        self.tests = Some(self.tasks.spawn(tested(tests, tree, dir, round)));
    }

    fn tree_under_test(&self, round: u32) -> Snapshot {
        let head = &self.plan.head.snapshot;
        match &self.passed {
            Some(passed) if round > 0 => head.overlay(passed.files.clone()),
            Some(_) | None => head.clone(),
        }
    }

    fn tested(&mut self, round: u32, tested: TestsRun) -> Result<(), RunError> {
        let TestsRun { ending, reports, warning } = tested;
        if let Some(what) = warning {
            self.write(Event::Noted(Note::Warned { what }))?;
        }
        let paths = reports.iter().map(|(path, _)| path.clone()).collect();
        self.keep_reports(round, reports)?;
        self.hear(Input::TestsFinished { round, ending, reports: paths })
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
            conversation: self.session.conversation().to_vec(),
            tools: self.tools.iter().filter(|tool| host_only(tool)).cloned().collect(),
            give_up: self.give_up.clone(),
        };
        if let Some(model) = &self.model {
            model.ask(job);
        }
    }

    /// Writes the artifacts. The run is over, whatever still runs is dropped.
    fn finish(mut self) -> Result<Ended, RunError> {
        self.tasks.abort_all();
        self.model = None;
        let reason = self.finished.clone().unwrap_or(StopReason::NoUsefulResult);
        self.journal.sync()?;
        let RunPlan { step, head, base, run_dir, .. } = &self.plan;
        let base = base.as_ref().map(|base| base.name.as_str());
        let result = self.session.result(step, &head.name, base, reason);
        let accounting = self.books.close(self.session.accounting());
        // Only a patch that left the gates is left for the pipeline.
        let patch =
            result.patch.as_ref().and(self.passed.as_ref()).map(|passed| passed.diff.as_str());
        artifacts::write(
            &self.plan.out_dir,
            Leaving {
                result: &result,
                accounting: &accounting,
                patch,
                journal: self.journal.path(),
            },
        )?;
        // Until here the same command still has artifacts to write.
        resume::mark_left(&self.plan)?;
        // What cannot be removed now is removed by the next attempt.
        let _left = scratch::clear(&run_dir.join("scratch"));
        Ok(Ended { result, accounting })
    }
}

async fn tested(tests: TestCommand, tree: Snapshot, dir: PathBuf, round: u32) -> Done {
    Done::Tested(round, scratch::run_tests(tests, tree, dir, round).await)
}

/// What the model may call: the step's tools, then the host's own.
fn offered<E: ToolExecutor>(plan: &RunPlan, toolbox: &Toolbox<E>) -> Vec<ToolSpec> {
    let spec = |name: &str, description: &str, parameters: serde_json::Value| ToolSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        parameters,
        strict: false,
    };
    let offered = |name: &str| plan.session.tools.contains(name);
    let step = toolbox.tools().iter().filter(|tool| offered(&tool.name));
    let mut specs: Vec<ToolSpec> =
        step.map(|tool| spec(&tool.name, &tool.description, tool.schema.clone())).collect();
    if offered(CHANGED_FILES) {
        specs.push(spec(CHANGED_FILES, changes::DESCRIPTION, changes::schema()));
    }
    for tool in [HostTool::SubmitAnalysis, HostTool::ProposePatch] {
        if tool == HostTool::ProposePatch && plan.session.goal == session::Goal::Diagnose {
            continue;
        }
        let schema = serde_json::from_str(prompt::schema(tool)).unwrap_or_default();
        specs.push(spec(tool.name(), prompt::description(tool), schema));
    }
    specs
}

/// An answer that fits the conversation: the head of a long one, and what was left out.
fn shortened(answer: Answer, most: usize) -> Answer {
    match answer {
        Answer::Answered { output } if output.len() > most => {
            let shown = serde_json::json!({
                "cut": true,
                "bytes": output.len(),
                "shown_bytes": most,
                "note": "the answer is longer than the step allows: ask for less of it",
                "head": cut(&output, most),
            });
            Answer::Answered { output: shown.to_string() }
        }
        Answer::Answered { .. } | Answer::Refused { .. } | Answer::Ended { .. } => answer,
    }
}

/// Whether a decision is due for writing; used where a journal ended between an input and what
/// the rules made of it.
fn is_decision(effect: &Effect) -> Option<&Decision> {
    match effect {
        Effect::Emit(decision) => Some(decision),
        Effect::RunTests { .. }
        | Effect::Call(_)
        | Effect::Judge { .. }
        | Effect::Ask(_)
        | Effect::AbortTurn
        | Effect::AbortTests
        | Effect::Finish(_) => None,
    }
}

#[cfg(test)]
mod tests;
