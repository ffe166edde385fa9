//! One pass over the records: what each of them adds to the run.

use std::collections::{BTreeMap, VecDeque};

use serde::Deserialize;
use session::budget::{Ceiling, Spent, Work};
use session::event::{CallDigests, CallUsage, Decision, Event, Input, Note, Record};
use session::{Analysis, Answer, CallId, ModelCall, Origin, Phase};
use trace::{Head, Told};

use super::kept::{EVENTS_MAX, Purse};
use super::parts::{
    About, Attempt, Call, CallState, EventLine, Level, LogLine, Proposal, Shared, Span, Stop,
    TestRound, Turn, TurnState, Wait,
};
use super::patch::changes_of;
use super::{Kept, Run, WorkTook};
use crate::words;

/// The most lines of a call's log that are told.
const LOG_LINES_MAX: usize = 100;

/// A run that is being read.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) run: Run,
    pub(super) purse: Purse,
    /// Milliseconds of the attempts before this one.
    before: u64,
    /// The last moment within this attempt.
    at_ms: u64,
    attempt: u32,
    /// Where the step stands, and since when.
    phase: (Phase, u64),
    /// Whether the tests run, or are being read.
    testing: bool,
    /// Where each call stands in the run's list.
    pub(super) calls: BTreeMap<CallId, usize>,
    /// How many calls and rounds of tests belong to the attempts before this one.
    lost: (usize, usize),
    /// Analyses of the last response that the rules have not taken yet.
    pub(super) analyses: VecDeque<Analysis>,
    /// The patch that the model proposed in the last response.
    pub(super) proposed: Option<ModelCall>,
}

/// The arguments of `propose_patch`.
#[derive(Debug, Default, Deserialize)]
struct Proposed {
    #[serde(default)]
    patch: String,
    #[serde(default)]
    why: String,
}

impl Reading {
    pub(super) fn new() -> Self {
        let took = |work| WorkTook { work, time_ms: 0, spent: Spent::default(), ceiling: None };
        let run = Run {
            name: String::new(),
            about: None,
            began_ms: 0,
            end_ms: 0,
            attempts: Vec::new(),
            phases: Vec::new(),
            works: Work::ALL.map(took).to_vec(),
            step_spend: None,
            turns: Vec::new(),
            calls: Vec::new(),
            waits: Vec::new(),
            tests: Vec::new(),
            patches: Vec::new(),
            analysis: None,
            spend: Vec::new(),
            stop: None,
            events: Vec::new(),
            records: 0,
            unknown: 0,
            torn: 0,
            links: 0,
        };
        Self {
            run,
            purse: Purse::new(),
            before: 0,
            at_ms: 0,
            attempt: 0,
            phase: (Phase::Init, 0),
            testing: false,
            calls: BTreeMap::new(),
            lost: (0, 0),
            analyses: VecDeque::new(),
            proposed: None,
        }
    }

    pub(super) fn take(&mut self, told: Told) {
        match told {
            Told::Known(record) => self.record(*record),
            Told::Unknown { head, event, because } => self.unknown(&head, &event, &because),
        }
    }

    pub(super) fn done(mut self, torn: u64) -> Run {
        self.stand(self.phase.0);
        self.run.torn = torn;
        self.run
    }

    fn now(&self) -> u64 {
        self.before.saturating_add(self.at_ms)
    }

    /// Comes to the moment of a record, and says when that is.
    fn advance(&mut self, run: &str, attempt: u32, at_ms: u64, time_ms: u64) -> u64 {
        let was = self.now();
        if self.run.records == 0 {
            run.clone_into(&mut self.run.name);
            self.run.began_ms = time_ms;
        }
        if attempt != self.attempt {
            self.before = was;
            self.attempt = attempt;
            let (begin, seq) = (was, self.run.records);
            self.run.attempts.push(Attempt { number: attempt, begin, time_ms, seq });
            // Its process ended before any of it was over.
            self.testing = false;
            self.at_ms = at_ms;
        }
        // Time does not run backwards, whatever a trace says.
        self.at_ms = self.at_ms.max(at_ms);
        let now = self.now();
        let work = self.work();
        let took = &mut self.run.works[place(work)];
        took.time_ms = took.time_ms.saturating_add(now.saturating_sub(was));
        self.run.records += 1;
        self.run.end_ms = self.run.end_ms.max(time_ms);
        now
    }

    /// Whose ceilings count, as the rules have it.
    fn work(&self) -> Work {
        match self.phase.0 {
            _ if self.testing => Work::Verify,
            Phase::Init => Work::Context,
            Phase::ContextReady => Work::Analyze,
            Phase::Analyzed | Phase::PatchProposed | Phase::Tested | Phase::Done => Work::Patch,
        }
    }

    fn stand(&mut self, phase: Phase) {
        let now = self.now();
        let (what, begin) = std::mem::replace(&mut self.phase, (phase, now));
        self.run.phases.push(Span { what, begin, end: now });
    }

    fn event(&mut self, line: EventLine) {
        if self.run.events.len() < EVENTS_MAX {
            self.run.events.push(line);
        }
    }

    fn unknown(&mut self, head: &Head, event: &str, because: &str) {
        let at = self.advance(&head.run, head.attempt, head.at_ms, head.time_ms);
        self.run.unknown += 1;
        let text = super::kept::beginning(&format!("{because}: {event}"), 400).to_owned();
        let (seq, attempt, kind) = (head.seq, head.attempt, "unknown");
        self.event(EventLine { seq, at, attempt, kind, word: "?", text, level: Level::Warning });
    }

    fn record(&mut self, record: Record) {
        let at = self.advance(&record.run, record.attempt, record.at_ms, record.time_ms);
        let words::Words { kind, word, text, level } = words::of(&record);
        let (seq, attempt) = (record.seq, record.attempt);
        self.event(EventLine { seq, at, attempt, kind, word, text, level });
        match record.event {
            Event::Heard(input) => self.heard(seq, at, input),
            Event::Decided(decision) => self.decided(seq, at, decision, record.phase),
            Event::Noted(note) => self.noted(note),
        }
    }

    fn heard(&mut self, seq: u64, at: u64, input: Input) {
        match input {
            Input::TestsFinished { round, ending, .. } => {
                if let Some(tests) = self.round(round) {
                    (tests.end, tests.ending) = (Some(at), Some(ending));
                }
            }
            Input::CallAnswered { call, answer, source, usage, digests } => {
                self.answered(call, &answer, at);
                if let Some(call) = self.call(call) {
                    (call.source, call.usage, call.digests) = (Some(source), usage, digests);
                }
            }
            Input::TurnRequested { turn, .. } => {
                if let Some(turn) = self.turn(turn) {
                    turn.requested = Some(at);
                }
            }
            Input::CallReceived { turn, .. } => {
                if let Some(turn) = self.turn(turn) {
                    turn.first = turn.first.or(Some(at));
                }
            }
            Input::TurnCompleted { turn, response_id, calls, text, usage, .. } => {
                self.completed(turn, at, response_id, &calls, &text, usage);
            }
            Input::TurnFailed { turn, class, code, message, usage, .. } => {
                if let Some(turn) = self.turn(turn) {
                    turn.end = Some(at);
                    turn.usage = usage;
                    turn.state = TurnState::Failed { class: Some(class), code, message };
                }
            }
            Input::ScopeRefused { turn, scope, left } => {
                let message = format!("the {scope} bears {left} more");
                self.not_sent(turn, at, "scope-refused", message);
            }
            Input::LedgerFailed { turn, message } => {
                self.not_sent(turn, at, "ledger-failed", message);
            }
            Input::TestsJudged { verdict, .. } => {
                if let Some(patch) = self.run.patches.last_mut() {
                    patch.verdicts.push(verdict);
                }
            }
            Input::PatchJudged { call, problem, digest, files, verdicts, bound: _ } => {
                let asked = self.proposed.take();
                let proposed = asked
                    .and_then(|asked| serde_json::from_str::<Proposed>(&asked.arguments).ok())
                    .unwrap_or_default();
                let (why, diff) =
                    (self.purse.keep(&proposed.why), self.purse.keep(&proposed.patch));
                let changes = changes_of(&diff.text);
                self.run.patches.push(Proposal {
                    seq,
                    at,
                    call,
                    why,
                    diff,
                    changes,
                    problem,
                    digest,
                    files,
                    verdicts,
                });
            }
            Input::AttemptStarted { .. } => self.lose(at),
            Input::Approved { .. } | Input::DeadlinePassed { .. } | Input::Cancelled { .. } => {}
        }
    }

    /// What was under way in the process before this one is lost.
    fn lose(&mut self, at: u64) {
        if let Some(turn) = self.run.turns.last_mut().filter(|turn| turn.state == TurnState::Open) {
            let (class, code) = (None, "interrupted".to_owned());
            let message = "its process ended before its response did".to_owned();
            (turn.end, turn.state) = (Some(at), TurnState::Failed { class, code, message });
        }
        let (calls, tests) =
            std::mem::replace(&mut self.lost, (self.run.calls.len(), self.run.tests.len()));
        for call in self.run.calls[calls..].iter_mut().filter(|call| call.end.is_none()) {
            call.end = Some(at);
        }
        for tests in self.run.tests[tests..].iter_mut().filter(|tests| tests.end.is_none()) {
            tests.end = Some(at);
        }
    }

    fn decided(&mut self, seq: u64, at: u64, decision: Decision, phase: Phase) {
        match decision {
            Decision::PhaseEntered { phase } => self.stand(phase),
            Decision::TestsStarted { round, .. } => {
                self.testing = true;
                let (begin, end) = (at, None);
                self.run.tests.push(TestRound { round, seq, begin, end, ending: None, said: None });
            }
            Decision::CallStarted { call } => self.started(seq, at, call),
            Decision::TurnReserved { turn, try_number, reservation, wrap_up, .. } => {
                self.run.turns.push(Turn {
                    number: turn,
                    try_number,
                    seq,
                    begin: at,
                    requested: None,
                    first: None,
                    end: None,
                    state: TurnState::Open,
                    work: reservation.work,
                    reserved_tokens: reservation.tokens,
                    reserved: reservation.spend.0,
                    wrap_up,
                    response_id: None,
                    text: Kept::default(),
                    asked: Vec::new(),
                    usage: None,
                    tokens: 0,
                    spend: 0,
                    known: true,
                });
                self.point(at, 0, 0, reservation.spend.0);
            }
            Decision::TurnCharged { turn, tokens, spend, known, excess } => {
                self.charged(turn, at, tokens, (spend, excess), known);
            }
            Decision::TurnRetried { turn, code, after_ms } => {
                if let Some(turn) = self.turn(turn).filter(|turn| turn.state == TurnState::Open) {
                    let (class, message) = (None, "it was given up, to be tried again".to_owned());
                    turn.end = Some(at);
                    turn.state = TurnState::Failed { class, code: code.clone(), message };
                }
                self.run.waits.push(Wait { turn, code, begin: at, for_ms: after_ms });
            }
            Decision::AnalysisTaken { .. } => {
                if let Some(analysis) = self.analyses.pop_front() {
                    self.run.analysis = Some(analysis);
                }
            }
            Decision::TestsCounted { round, said, .. } => {
                self.testing = false;
                if let Some(tests) = self.round(round) {
                    tests.said = Some(said);
                }
            }
            Decision::Stopped { reason } => {
                let said = reason.to_string();
                self.run.stop = Some(Stop { reason, said, at, phase });
            }
            Decision::Lowered { .. } | Decision::Warned { .. } | Decision::ApprovalVoid { .. } => {}
        }
    }

    fn noted(&mut self, note: Note) {
        match note {
            Note::RunStarted {
                step,
                key,
                version,
                provider,
                model,
                head,
                base,
                tools,
                grants,
                price,
                isolation,
                budgets,
                trust: _,
                pipeline,
            } => {
                self.run.about = Some(About {
                    step,
                    key,
                    version,
                    provider,
                    model,
                    head,
                    base,
                    tools,
                    grants,
                    price,
                    isolation,
                    pipeline: pipeline.map(|pipeline| *pipeline).unwrap_or_default(),
                });
                if let Some(budgets) = budgets {
                    self.run.step_spend = Some(budgets.step_spend.0);
                    for took in &mut self.run.works {
                        let ceiling: &Ceiling = budgets.of(took.work);
                        took.ceiling = Some(*ceiling);
                    }
                }
            }
            Note::LinkOpened { .. } => self.run.links += 1,
            Note::ToolLogged { call, level, line } => {
                let line = self.purse.keep(&line);
                if let Some(call) = self.call(call).filter(|call| call.log.len() < LOG_LINES_MAX) {
                    call.log.push(LogLine { level, line });
                }
            }
            Note::Denied { call, missing } => {
                if let Some(call) = self.call(call) {
                    call.denied = missing;
                }
            }
            Note::CacheMissed { call, because } => {
                if let Some(call) = self.call(call) {
                    call.missed = Some(because);
                }
            }
            Note::CacheShared { call, domain, signer, run } => {
                if let Some(call) = self.call(call) {
                    call.shared = Some(Shared { domain, signer, run });
                }
            }
            Note::Inherited { .. }
            | Note::Resumed { .. }
            | Note::LeaseTaken { .. }
            | Note::FellBack { .. }
            | Note::LinkLost { .. }
            | Note::OutputCut { .. }
            | Note::Warned { .. } => {}
        }
    }

    /// The last try of a turn.
    pub(super) fn turn(&mut self, number: u32) -> Option<&mut Turn> {
        self.run.turns.last_mut().filter(|turn| turn.number == number)
    }

    fn round(&mut self, round: u32) -> Option<&mut TestRound> {
        self.run.tests.last_mut().filter(|tests| tests.round == round)
    }

    fn call(&mut self, id: CallId) -> Option<&mut Call> {
        self.run.calls.get_mut(*self.calls.get(&id)?)
    }

    fn started(&mut self, seq: u64, at: u64, call: session::Call) {
        if let Origin::Turn(number) = call.id.origin
            && let Some(turn) = self.turn(number)
            && let Some(asked) = turn.asked.iter_mut().find(|asked| {
                asked.call.is_none()
                    && asked.tool == call.tool
                    && call.arguments.starts_with(&asked.arguments.text)
            })
        {
            asked.call = Some(call.id);
        }
        if !matches!(call.id.origin, Origin::Tests(_)) {
            let work = self.work();
            let spent = &mut self.run.works[place(work)].spent;
            spent.calls = spent.calls.saturating_add(1);
        }
        self.calls.insert(call.id, self.run.calls.len());
        let arguments = self.purse.keep(&call.arguments);
        self.run.calls.push(Call {
            id: call.id,
            name: call.id.to_string(),
            tool: call.tool,
            arguments,
            seq,
            begin: at,
            end: None,
            state: CallState::Open,
            output: Kept::default(),
            source: None,
            usage: CallUsage::default(),
            digests: CallDigests::default(),
            missed: None,
            shared: None,
            denied: Vec::new(),
            log: Vec::new(),
        });
    }

    fn answered(&mut self, id: CallId, answer: &Answer, at: u64) {
        let (said, state) = match answer {
            Answer::Answered { output } => (output, CallState::Answered),
            Answer::Refused { message } => (message, CallState::Refused),
            Answer::Ended { ending, message } => {
                (message, CallState::Ended { ending: ending.clone() })
            }
        };
        let output = self.purse.keep(said);
        if let Some(call) = self.call(id) {
            (call.end, call.state, call.output) = (Some(at), state, output);
        }
    }
}

pub(super) fn place(work: Work) -> usize {
    match work {
        Work::Context => 0,
        Work::Analyze => 1,
        Work::Patch => 2,
        Work::Verify => 3,
    }
}
