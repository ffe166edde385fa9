//! The loop: one `select!` makes inputs, one `match` carries out effects, the journal stands
//! between the two.

pub(crate) mod books;
pub(crate) mod carrying;
pub(crate) mod effects;
mod inherit;
mod paying;
pub(crate) mod resume;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use session::event::{Event, Input, Note, Record};
use session::{
    Accounting, Call, CallId, Deadline, Effect, RunResult, Session, Signal, StopReason, Verdict,
};
use snapshot::{FileContent, RepoPath};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use wire::ToolSpec;

use crate::artifacts::{self, ArtifactError, Leaving};
use crate::journal::{Journal, JournalError};
use crate::lease::{Lease, LeaseError};
use crate::model::{Model, Said};
use crate::outlet::{Outlet, Outlets};
use crate::outputs::{OUTPUTS, Outputs};
use crate::patches::{Looked, Passed};
use crate::plan::RunPlan;
use crate::scratch::{self, TestsRun};
use crate::tools::{Called, ToolExecutor, Toolbox, Trees};
use books::Books;
use carrying::{Carried, Carrying};
use paying::{Departure, Known, Leased, Paying, Reserved};

/// How long the end of a run waits for what is given up: a thread cannot be ended from outside.
const GIVE_UP_TIME_MAX: Duration = Duration::from_secs(1);

/// How long the end of a run may take to share what it has computed, and where it was stopped.
const SHARE_TIME_MAX: Duration = Duration::from_secs(10);
const SHARE_TIME_STOPPED_MAX: Duration = Duration::from_secs(2);

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
    /// Another process has gone on with the run.
    #[error("{holder} has gone on with this run")]
    TakenOver {
        /// Who, as far as is known.
        holder: String,
    },
    /// What other machines have done of the run cannot be told.
    #[error("the store of runs cannot be used: {what}")]
    Carrier {
        /// What it said.
        what: String,
    },
    /// A file of the run cannot be used.
    #[error("cannot use `{}`", path.display())]
    Io {
        /// The file.
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
    Called(Box<Answered>),
    Looked(CallId, Looked),
    Weighed(u32, Verdict),
    /// Of a round, and how often its command had run before.
    Tested((u32, u32), Box<TestsRun>),
    Reserved(Reserved),
    Carried(Carried),
}

/// A call that came back.
struct Answered {
    call: Call,
    called: Called,
    /// What was cut of its output.
    cut: Option<Note>,
    /// Its place among the few, until the loop has taken it.
    _one_of_a_few: Option<OwnedSemaphorePermit>,
}

/// What makes the loop turn.
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
enum Turned {
    Signal(Signal),
    Late(Deadline),
    Task(Result<Done, JoinError>),
    Said(u64, Said),
    ModelGone,
    CaughtUp,
}

struct Run<E> {
    plan: RunPlan,
    toolbox: Arc<Toolbox<E>>,
    outlets: Outlets,
    journal: Journal,
    session: Session,
    books: Books,
    paying: Paying,
    carrying: Carrying,
    trees: Trees,
    /// Reports of test runs, which the tools see as files.
    reports: BTreeMap<RepoPath, Option<FileContent>>,
    /// Patches as proposed, by the call that did.
    proposed: BTreeMap<CallId, String>,
    passed: Option<Passed>,
    tools: Vec<ToolSpec>,
    tasks: JoinSet<Done>,
    calls_at_once: Arc<Semaphore>,
    outputs: Arc<Outputs>,
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
    mut plan: RunPlan,
    toolbox: Arc<Toolbox<E>>,
    outlets: Vec<Outlet>,
    fresh: bool,
    mut signals: mpsc::Receiver<Signal>,
) -> Result<Ended, RunError> {
    let dir = plan.run_dir.clone();
    let unusable = |source| RunError::Io { path: dir.clone(), source };
    std::fs::create_dir_all(&dir).map_err(unusable)?;
    let _lease = Lease::take(&dir)?;
    let began = Instant::now();
    let mut stop = None;
    let leased = match unless(&mut stop, &mut signals, paying::lease(plan.ledger.as_ref())).await {
        Some(leased) => leased?,
        None => Leased::Unknown("the ledger had not answered when the run was stopped".to_owned()),
    };
    resume::set_aside(&plan, fresh)?;
    resume::forget_old_runs(&plan);
    let inherits = !fresh && inherit::inherit(&plan, &toolbox)?;
    let take_over = Box::pin(carrying::take_over(&plan, fresh));
    let taken = unless(&mut stop, &mut signals, take_over).await;
    let known = Known::after(taken.is_some() || plan.carrier.is_none());
    // Nothing is sent any more without: the next attempt looks what others have done.
    let carrying = taken.unwrap_or_else(|| Ok(Carrying::new(None, plan.key.run_name())))?;
    let (journal, records) = Journal::open(&plan.machine, &dir, &plan.key.run_name())?;
    scratch::clear(&dir.join("scratch")).map_err(unusable)?;
    let outputs = Outputs::of(&dir, records.is_empty()).map_err(unusable)?;

    let trees = seen(&plan);
    // The attempt begins now; the job did before the ledger and the store were waited for.
    let waited = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    plan.session.job_ms = plan.session.job_ms.map(|job_ms| job_ms.saturating_sub(waited));
    let session = Session::new(plan.session.clone());
    let tools = effects::offered(&plan.session, &toolbox);
    let calls_at_once = Arc::new(Semaphore::new(plan.calls_at_once.max(1) as usize));
    let mut run = Run {
        books: Books::new(plan.isolation.clone()),
        paying: Paying::new(plan.ledger.clone(), known),
        carrying,
        reports: plan.shown.clone(),
        plan,
        toolbox,
        outlets: Outlets::new(outlets),
        journal,
        session,
        trees,
        proposed: BTreeMap::new(),
        passed: None,
        tools,
        tasks: JoinSet::new(),
        calls_at_once,
        outputs: Arc::new(outputs),
        tests: None,
        model: None,
        job: 0,
        give_up: CancellationToken::new(),
        effects: VecDeque::new(),
        finished: None,
    };
    // What the store holds counts more than what was inherited, and may have taken its place.
    let is_inherited =
        |record: &&Record| inherits && matches!(record.event, Event::Noted(Note::Inherited { .. }));
    if let Some(record) = records.get(1).filter(is_inherited) {
        run.outlets.record(record.clone());
    }
    run.look_ahead(records.is_empty());
    run.take_up(records, leased)?;
    // A run that is over as soon as it is taken up hears nothing more.
    if let Some(signal) = stop.filter(|_| run.session.stopped().is_none()) {
        run.hear(Input::Cancelled { signal })?;
    }
    if let Err(err) = run.go_on(&mut signals).await {
        run.give_up_tasks().await;
        return Err(err);
    }
    Box::pin(run.finish()).await
}

/// Waits for `what`, which may hang, but not once a signal asks for the end: that is kept in
/// `stop`.
async fn unless<T>(
    stop: &mut Option<Signal>,
    signals: &mut mpsc::Receiver<Signal>,
    what: impl Future<Output = T>,
) -> Option<T> {
    if stop.is_some() {
        return None;
    }
    tokio::select! {
        biased;

        Some(signal) = signals.recv() => {
            *stop = Some(signal);
            None
        }
        done = what => Some(done),
    }
}

/// The trees as tools see them before any tests have run.
fn seen(plan: &RunPlan) -> Trees {
    let head = &plan.head.snapshot;
    Trees {
        head: match plan.shown.is_empty() {
            true => head.clone(),
            false => head.overlay(plan.shown.clone()),
        },
        base: plan.base.as_ref().map(|base| base.snapshot.clone()),
        names: (plan.head.name.clone(), plan.base.as_ref().map(|base| base.name.clone())),
    }
}

impl<E: ToolExecutor> Run<E> {
    /// Asks where others share their answers for all calls of the context at once, while the step
    /// begins.
    fn look_ahead(&self, is_first: bool) {
        if !is_first || self.toolbox.cache().and_then(cache::Cache::remote).is_none() {
            return;
        }
        let (toolbox, calls) = (Arc::clone(&self.toolbox), self.plan.session.context.clone());
        tokio::spawn(async move {
            let calls: Vec<_> =
                calls.iter().map(|call| (call.tool.as_str(), call.arguments.as_str())).collect();
            toolbox.prefetch(&calls).await;
        });
    }

    /// Until the run is finished, and all of it is written down.
    async fn go_on(&mut self, signals: &mut mpsc::Receiver<Signal>) -> Result<(), RunError> {
        self.carry_out_effects();
        while self.finished.is_none() {
            let turned = self.next(signals).await;
            self.turn(turned)?;
            self.carry_out_effects();
        }
        Ok(self.journal.sync()?)
    }

    /// The processes of the step's own tests end with their task: were this process to end first,
    /// they would stay.
    async fn give_up_tasks(&mut self) {
        let given_up = timeout(GIVE_UP_TIME_MAX, self.tasks.shutdown());
        let _in_time = given_up.await;
    }

    async fn next(&mut self, signals: &mut mpsc::Receiver<Signal>) -> Turned {
        // While a sink is behind, the model waits: its queue fills, and the link is not read. And
        // while a request waits for the store, the model has not been asked. The work's time and
        // the job's go on.
        let behind = self.outlets.are_behind();
        let deadline = if behind || self.carrying.is_waited_for() {
            self.session.deadline_beside_turn()
        } else {
            self.session.deadline()
        };
        let now = self.journal.now();
        let late = |of_turn: bool| async move {
            match deadline {
                Some((at, deadline)) if of_turn == is_of_turn(deadline) => {
                    tokio::time::sleep(Duration::from_millis(at.saturating_sub(now))).await;
                    deadline
                }
                Some(_) | None => std::future::pending().await,
            }
        };
        let said = async {
            match &mut self.model {
                Some(model) if !behind => model.said().await,
                Some(_) | None => std::future::pending().await,
            }
        };
        tokio::select! {
            // Every arm is cancel-safe. A stop goes first, then answers, then new questions.
            biased;

            Some(signal) = signals.recv() => Turned::Signal(signal),
            deadline = late(false) => Turned::Late(deadline),
            Some(done) = self.tasks.join_next() => Turned::Task(done),
            said = said => said.map_or(Turned::ModelGone, |(job, said)| Turned::Said(job, said)),
            () = self.outlets.catch_up() => Turned::CaughtUp,
            // Last: an answer that has come already is not late, however slow this loop was.
            deadline = late(true) => Turned::Late(deadline),
        }
    }

    fn turn(&mut self, turned: Turned) -> Result<(), RunError> {
        match turned {
            Turned::Signal(signal) => self.hear(Input::Cancelled { signal }),
            Turned::Late(deadline) => self.hear(Input::DeadlinePassed { deadline }),
            // Tests that were given up.
            Turned::Task(Err(err)) if err.is_cancelled() => Ok(()),
            Turned::Task(done) => match done? {
                Done::Called(answered) => self.called(*answered),
                Done::Looked(call, looked) => self.looked(call, looked),
                Done::Weighed(round, verdict) => self.hear(Input::TestsJudged { round, verdict }),
                Done::Tested(round, tested) => self.tested(round, *tested),
                Done::Reserved(reserved) => self.reserved(reserved),
                Done::Carried(carried) => self.carried(carried),
            },
            Turned::CaughtUp => {
                if !self.outlets.are_behind() {
                    // The wait was ours, not the model's.
                    self.session.progress(self.journal.now());
                }
                Ok(())
            }
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
                let entry = self.paying.entry(turn, try_number);
                self.reserve(Departure { entry, job: self.job, go })
            }
            Said::Heard(input) => {
                let whole = matches!(input, Input::TurnCompleted { .. });
                self.hear(input)?;
                if whole {
                    // Paid for: other machines should know soon.
                    self.carry(None);
                }
                Ok(())
            }
            Said::Progress => {
                self.session.progress(self.journal.now());
                Ok(())
            }
            Said::Text(piece) => {
                self.outlets.text(self.journal.now(), &piece);
                Ok(())
            }
            Said::Noted(note) => self.write(Event::Noted(note)),
        }
    }

    /// Writes an input down, tells the rules, and writes down what they decide: the two stand
    /// together, whatever is heard, noted or carried next.
    fn hear(&mut self, input: Input) -> Result<(), RunError> {
        let at_ms = self.append(Event::Heard(input.clone()))?.at_ms;
        for effect in self.session.handle(at_ms, input) {
            if let Effect::Emit(decision) = effect {
                self.write(Event::Decided(decision))?;
            } else {
                self.effects.push_back(effect);
            }
        }
        Ok(())
    }

    fn write(&mut self, event: Event) -> Result<(), RunError> {
        self.append(event).map(|_| ())
    }

    fn append(&mut self, event: Event) -> Result<Arc<Record>, RunError> {
        let (record, line) = self.journal.append(self.session.phase(), event)?;
        self.books.enter(&record);
        self.paying.enter(&record);
        self.carrying.line(record.seq, &line);
        Ok(self.outlets.record(record))
    }

    /// Writes the artifacts. The run is over, whatever still runs is dropped.
    async fn finish(mut self) -> Result<Ended, RunError> {
        let said = self.model.take().map(|model| ("said".to_owned(), model.said_peak()));
        let reason = self.finished.clone().unwrap_or(StopReason::NoUsefulResult);
        let outlets = std::mem::take(&mut self.outlets);
        let queues = outlets.peaks().into_iter().chain(said).collect();
        // As in `give_up_tasks`, beside the rest.
        let given_up = timeout(GIVE_UP_TIME_MAX, self.tasks.shutdown());
        let name = self.plan.key.run_name();
        let shared = timeout(share_time(&reason), self.toolbox.publish(&name));
        let (unbooked, all_carried, missed, shared, _in_time) =
            tokio::join!(self.paying.end(), self.carrying.end(), outlets.flush(), shared, given_up);
        let unshared = shared.unwrap_or_else(|_elapsed| vec!["there was no time left".to_owned()]);
        let RunPlan { step, head, base, run_dir, .. } = &self.plan;
        let base = base.as_ref().map(|base| base.name.as_str());
        let result = self.session.result(step, &head.name, base, reason);
        let resume = self.plan.resume.as_ref().and_then(|resume| resume.after(&result.stop_reason));
        let counted = self.books.close(self.session.accounting());
        let accounting = Accounting { unbooked, unshared, missed, queues, resume, ..counted };
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
                outputs: &run_dir.join(OUTPUTS),
            },
        )?;
        // Until here the same command still has artifacts to write.
        if result.stop_reason == StopReason::Done {
            if all_carried {
                self.carrying.leave().await;
            }
            resume::mark_left(&self.plan)?;
        }
        // What cannot be removed now is removed by the next attempt.
        let _left = scratch::clear(&run_dir.join("scratch"));
        Ok(Ended { result, accounting })
    }
}

/// Less where somebody waits for the end.
fn share_time(reason: &StopReason) -> Duration {
    if *reason == StopReason::Done { SHARE_TIME_MAX } else { SHARE_TIME_STOPPED_MAX }
}

/// Whether it is about the response that is waited for.
fn is_of_turn(deadline: Deadline) -> bool {
    match deadline {
        Deadline::FirstEvent | Deadline::Idle => true,
        Deadline::Work | Deadline::Job | Deadline::Check => false,
    }
}

#[cfg(test)]
mod tests;
