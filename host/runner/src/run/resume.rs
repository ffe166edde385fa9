//! Where a run begins: at its beginning, or where its journal ends.
//!
//! The journal's inputs are told to the rules again, and what the rules decide must be what the
//! journal says they decided. What was under way is done again; what was finished is not.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::time::SystemTime;

use session::event::{Decision, Event, Input, Note, Record, ToolGrants};
use session::{Approval, Effect, StopReason};
use snapshot::{FileContent, RepoPath};

use super::paying::Leased;
use super::{Run, RunError, inherit};
use crate::journal::{JOURNAL, Journal};
use crate::lease::Lease;
use crate::patches;
use crate::plan::RunPlan;
use crate::tools::{ToolExecutor, Toolbox};

/// How many runs of a repository are kept, the present one included: enough for the branches that
/// somebody works on.
pub(super) const RUNS_KEPT_MAX: usize = 20;

/// Removes the runs that were worked on longest ago. One that another process has is left alone.
pub(super) fn forget_old_runs(plan: &RunPlan) {
    let Some(dir) = plan.run_dir.parent() else { return };
    let changed = |entry: &fs::DirEntry| {
        let journal = entry.path().join(JOURNAL);
        fs::metadata(journal).and_then(|found| found.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
    };
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let others = entries.filter(|entry| entry.path().is_dir() && entry.path() != plan.run_dir);
    let mut others: Vec<_> = others.map(|entry| (changed(&entry), entry.path())).collect();
    others.sort();
    let over = (others.len() + 1).saturating_sub(RUNS_KEPT_MAX);
    for (_, old) in others.into_iter().take(over) {
        if let Ok(_lease) = Lease::take(&old) {
            // What cannot be removed now is removed by a later run.
            let _left = fs::remove_dir_all(old);
        }
    }
}

/// Where the reports of the step's own tests are kept, beside the journal.
pub(crate) const REPORTS: &str = "reports";

/// Stands beside a journal when everything that its run had to leave is left.
pub(crate) const LEFT: &str = "left";

/// The journal that was set aside last, beside the one that is written.
pub(super) const PREVIOUS: &str = "journal.previous.jsonl";

/// Notes that the artifacts of a run that is done are written: from now on it is over.
pub(super) fn mark_left(plan: &RunPlan) -> Result<(), RunError> {
    let path = plan.run_dir.join(LEFT);
    fs::write(&path, "").map_err(|source| RunError::Io { path, source })
}

/// Sets a journal aside that must not be gone on with: of a run that is done and has left its
/// artifacts, or that the operator wants to forget. The last one set aside is kept.
pub(super) fn set_aside(plan: &RunPlan, fresh: bool) -> Result<(), RunError> {
    let path = plan.run_dir.join(JOURNAL);
    if !path.exists() {
        return Ok(());
    }
    if !fresh {
        let (_, records) = Journal::open(&plan.machine, &plan.run_dir, &plan.key.run_name())?;
        let done = Event::Decided(Decision::Stopped { reason: StopReason::Done });
        let is_done = records.last().is_some_and(|record| record.event == done);
        if !is_done || !plan.run_dir.join(LEFT).exists() {
            return Ok(());
        }
    }
    put_aside(plan)
}

/// Sets the journal aside, in the place of the one before.
pub(super) fn put_aside(plan: &RunPlan) -> Result<(), RunError> {
    let path = plan.run_dir.join(JOURNAL);
    // First: a journal without this mark is gone on with.
    let _none = fs::remove_file(plan.run_dir.join(LEFT));
    let aside = plan.run_dir.join(PREVIOUS);
    fs::rename(&path, aside).map_err(|source| RunError::Io { path, source })
}

fn remember(plan: &RunPlan) -> io::Result<()> {
    inherit::remember(plan)?;
    // Not before the run is ours: another process may be at work on it, begun otherwise.
    if let Some(begun) = plan.resume.as_ref().and_then(|resume| resume.begun.as_ref()) {
        let path = plan.run_dir.join(begun.name);
        let new = path.with_extension("new");
        fs::write(&new, &begun.bytes)?;
        fs::rename(&new, &path)?;
    }
    let Some(dir) = plan.run_dir.parent() else { return Ok(()) };
    // What a run keeps is not the repository's.
    let ignore = dir.join(".gitignore");
    if !ignore.exists() {
        fs::write(ignore, "*\n")?;
    }
    Ok(())
}

/// What a run is about.
pub(super) fn started<E: ToolExecutor>(plan: &RunPlan, toolbox: &Toolbox<E>) -> Note {
    let tools = toolbox.tools().iter();
    let grants = toolbox.tools().iter().map(|tool| {
        let (read, asks) = tool.grant.patterns();
        ToolGrants {
            tool: tool.name.clone(),
            read: read.map(<[String]>::to_vec),
            asks: asks.map(<[String]>::to_vec),
            environment: tool.grant.variables().keys().cloned().collect(),
        }
    });
    Note::RunStarted {
        grants: grants.collect(),
        step: plan.step.clone(),
        key: plan.key.digest().to_string(),
        version: plan.version.clone(),
        provider: plan.model.provider.clone(),
        model: plan.model.model.clone(),
        head: plan.head.name.clone(),
        base: plan.base.as_ref().map(|base| base.name.clone()),
        tools: tools.map(|tool| (tool.name.clone(), tool.component.to_string())).collect(),
        price: plan.session.price,
        isolation: plan.isolation.clone(),
        budgets: Some(Box::new(plan.session.budgets)),
        trust: plan.trust,
        pipeline: plan.pipeline.clone().map(Box::new),
    }
}

impl<E: ToolExecutor> Run<E> {
    /// Brings the rules to where the journal ends, and begins an attempt there.
    pub(super) fn take_up(&mut self, records: Vec<Record>, leased: Leased) -> Result<(), RunError> {
        let first = records.is_empty();
        // Decisions that the process before did not live to write down.
        for decision in self.replay(records)? {
            self.write(Event::Decided(decision))?;
        }
        self.journal.begin_attempt();
        if first {
            self.write(Event::Noted(started(&self.plan, &self.toolbox)))?;
            if let Some(changed) = inherit::changed_since_last(&self.plan) {
                let what = format!(
                    "starting fresh: other than in the last run are {}",
                    changed.join(", ")
                );
                self.write(Event::Noted(Note::Warned { what }))?;
            }
        }
        match leased {
            Leased::NoLedger => {}
            Leased::Ours { fence, open } => {
                self.write(Event::Noted(Note::LeaseTaken { fence }))?;
                self.paying.give_back(open);
            }
            Leased::Unknown(what) => {
                self.write(Event::Noted(Note::Warned { what }))?;
            }
        }
        let dir = self.plan.run_dir.clone();
        remember(&self.plan).map_err(|source| RunError::Io { path: dir, source })?;
        let (turns, calls, spend) = self.books.done();
        if !first {
            self.write(Event::Noted(Note::Resumed { turns, calls, spend }))?;
        }
        for Approval { check, by, bound } in self.plan.approved.clone() {
            self.hear(Input::Approved { check, by, bound })?;
        }
        let attempt = self.journal.attempt();
        self.hear(Input::AttemptStarted { attempt })
    }

    /// Tells the rules what the journal heard; returns the decisions that it lacks at its end.
    fn replay(&mut self, records: Vec<Record>) -> Result<VecDeque<Decision>, RunError> {
        let mut due: VecDeque<Decision> = VecDeque::new();
        for record in records {
            self.books.enter(&record);
            self.paying.enter(&record);
            let seq = record.seq;
            match record.event {
                Event::Noted(_) => {}
                Event::Decided(decision) => match due.pop_front() {
                    Some(expected) if expected == decision => {}
                    expected => {
                        let what = format!("it has {decision:?}, the rules say {expected:?}");
                        return Err(RunError::Diverged { seq, what });
                    }
                },
                Event::Heard(input) => {
                    if let Some(missing) = due.front() {
                        let what = format!("the decision {missing:?} is missing before it");
                        return Err(RunError::Diverged { seq, what });
                    }
                    let effects = self.retell(record.at_ms, input)?;
                    due.extend(effects.iter().filter_map(is_decision).cloned());
                }
            }
        }
        Ok(due)
    }

    /// Tells one input again, and gets back what it stood for: files, patches.
    fn retell(&mut self, at_ms: u64, input: Input) -> Result<Vec<Effect>, RunError> {
        match &input {
            Input::TestsFinished { round, again, reports, .. } => {
                self.load_reports((*round, *again), reports)?;
            }
            Input::PatchJudged { call, problem: None, .. } => {
                let text = self.proposed.get(call).cloned().unwrap_or_default();
                let passed = patches::again(&text, &self.plan.head.snapshot);
                self.passed = passed.or_else(|| self.passed.take());
            }
            Input::AttemptStarted { .. }
            | Input::CallAnswered { .. }
            | Input::TurnRequested { .. }
            | Input::CallReceived { .. }
            | Input::TurnCompleted { .. }
            | Input::TurnFailed { .. }
            | Input::PatchJudged { .. }
            | Input::TestsJudged { .. }
            | Input::ScopeRefused { .. }
            | Input::LedgerFailed { .. }
            | Input::Approved { .. }
            | Input::DeadlinePassed { .. }
            | Input::Cancelled { .. } => {}
        }
        let effects = self.session.handle(at_ms, input);
        for effect in &effects {
            if let Effect::Judge { call, patch } = effect {
                self.proposed.insert(*call, patch.clone());
            }
        }
        Ok(effects)
    }

    /// Keeps the reports of a round beside the journal, and shows them to the tools.
    pub(super) fn keep_reports(
        &mut self,
        round: (u32, u32),
        reports: Vec<(String, Vec<u8>)>,
    ) -> Result<(), RunError> {
        let dir = self.plan.run_dir.join(REPORTS);
        let fail = |path: &Path| {
            let path = path.to_owned();
            move |source| RunError::Io { path, source }
        };
        fs::create_dir_all(&dir).map_err(fail(&dir))?;
        for (number, (path, bytes)) in reports.into_iter().enumerate() {
            let name = report_name(round, number);
            let file = dir.join(&name);
            // Their record follows, and must not outlive them.
            let written = File::create(&file).and_then(|mut new| {
                new.write_all(&bytes)?;
                new.sync_all()
            });
            written.map_err(fail(&file))?;
            self.carrying.file(&name, &bytes);
            self.show(&path, bytes);
        }
        File::open(&dir).and_then(|dir| dir.sync_all()).map_err(fail(&dir))?;
        self.trees.head = self.plan.head.snapshot.overlay(self.reports.clone());
        Ok(())
    }

    fn load_reports(&mut self, round: (u32, u32), paths: &[String]) -> Result<(), RunError> {
        for (number, path) in paths.iter().enumerate() {
            let name = report_name(round, number);
            let file = self.plan.run_dir.join(REPORTS).join(name);
            let bytes = fs::read(&file).map_err(|source| RunError::Io { path: file, source })?;
            self.show(path, bytes);
        }
        self.trees.head = self.plan.head.snapshot.overlay(self.reports.clone());
        Ok(())
    }

    fn show(&mut self, path: &str, bytes: Vec<u8>) {
        if let Ok(path) = RepoPath::parse(path) {
            self.reports.insert(path, Some(FileContent { bytes, executable: false }));
        }
    }
}

/// The name of a report of a round whose command had run before so often.
pub(crate) fn report_name((round, again): (u32, u32), number: usize) -> String {
    match again {
        0 => format!("{round}-{number}"),
        _ => format!("{round}.{again}-{number}"),
    }
}

/// Whether a decision is due for writing; used where a journal ended between an input and what
/// the rules made of it.
pub(crate) fn is_decision(effect: &Effect) -> Option<&Decision> {
    match effect {
        Effect::Emit(decision) => Some(decision),
        Effect::RunTests { .. }
        | Effect::Call(_)
        | Effect::Judge { .. }
        | Effect::JudgeTests { .. }
        | Effect::Ask(_)
        | Effect::AbortTurn
        | Effect::AbortTests
        | Effect::Finish(_) => None,
    }
}
