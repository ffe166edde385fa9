//! The task that talks to the model: it owns the link, and lives as long as the run.
//!
//! A job is one try of one turn. The task says when it is ready to send, waits until that is
//! written down, sends, and reports what comes. Giving a job up drops the link: the protocol has
//! no other way to cancel.

mod failure;

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use session::budget::Usage;
use session::event::{Input, Note};
use session::{Ask, FailureClass, Item, ModelCall, QueuePeak};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wire::{Completed, HttpMayDo, InputItem, Link, ModelEvent, Request, ToolSpec, Transport};

use self::failure::{
    Failure, PREVIOUS_LOST, TOO_OLD, failed, link_failure, lost, not_connected, with_causes,
};
use crate::plan::{ModelPlan, Way};

/// Messages that wait for the loop. When it is slow the link is not read.
const SAID_MAX: usize = 64;

/// How often an upgrade that is dropped without an answer is tried as one. Then HTTP is, while the
/// budget of tries has one left.
const DROPPED_UPGRADES_MAX: u32 = 2;

/// What the task says about a job.
#[derive(Debug)]
pub(crate) enum Said {
    /// There is a link; the request may leave when this has been answered.
    Ready {
        /// The turn, and which try of it.
        asked: (u32, u32),
        /// Is told when that is written down.
        go: oneshot::Sender<()>,
    },
    /// What the rules must hear.
    Heard(Input),
    /// The response got on.
    Progress,
    /// The model writes.
    Text(String),
    /// For readers only.
    Noted(Note),
}

/// One try of one turn.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) number: u64,
    pub(crate) ask: Ask,
    pub(crate) conversation: Vec<Item>,
    /// Where a request begins that brings everything: what stands before is in a compaction.
    pub(crate) replayed_from: usize,
    pub(crate) tools: Vec<ToolSpec>,
    pub(crate) give_up: CancellationToken,
}

/// The loop's end of the task. Dropping it ends the task.
#[derive(Debug)]
pub(crate) struct Model {
    jobs: mpsc::Sender<Job>,
    said: mpsc::Receiver<(u64, Said)>,
    /// The most that waited in it.
    said_peak: usize,
    task: JoinHandle<()>,
}

impl Model {
    pub(crate) fn start(plan: ModelPlan, instructions: String) -> Self {
        let (jobs, to_do) = mpsc::channel(1);
        let (say, said) = mpsc::channel(SAID_MAX);
        let transport = match plan.way {
            Way::WebSocketOrHttp | Way::WebSocket => Transport::WebSocket,
            Way::Http => Transport::Http,
        };
        let task = Task {
            plan,
            instructions,
            transport,
            link: None,
            held: None,
            links: 0,
            dropped_upgrades: 0,
            told_of_tier: false,
            began: false,
            say,
        };
        let task = tokio::spawn(task.run(to_do));
        Self { jobs, said, said_peak: 0, task }
    }

    /// Hands a job over. One at a time: the session asks for the next when this one is over.
    pub(crate) fn ask(&self, job: Job) {
        // The queue has room for the job after one that was given up; the task is alive for as
        // long as this value is.
        let _sent = self.jobs.try_send(job);
    }

    /// What the task says next, and about which job. Cancel-safe.
    pub(crate) async fn said(&mut self) -> Option<(u64, Said)> {
        let said = self.said.recv().await;
        self.said_peak = self.said_peak.max(self.said.len() + usize::from(said.is_some()));
        said
    }

    /// How full the queue was in which it says something.
    pub(crate) fn said_peak(&self) -> QueuePeak {
        QueuePeak { peak: self.said_peak as u64, bound: SAID_MAX as u64 }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the server holds for us: the last response on this link, and how much of the
/// conversation it covers.
struct Held {
    response_id: String,
    items: usize,
}

struct Task {
    plan: ModelPlan,
    instructions: String,
    /// Once it is HTTP it stays that: a server that has no WebSocket now has none later.
    transport: Transport,
    link: Option<Link>,
    held: Option<Held>,
    links: u32,
    /// Upgrades that came to nothing, before there was any WebSocket.
    dropped_upgrades: u32,
    /// Whether it was said that the server bills for another service tier.
    told_of_tier: bool,
    /// Whether the response that is asked for has begun.
    began: bool,
    say: mpsc::Sender<(u64, Said)>,
}

/// The loop is gone: nobody listens any more.
struct Gone;

impl Task {
    async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(job) = jobs.recv().await {
            let give_up = job.give_up.clone();
            let done = tokio::select! {
                biased;
                () = give_up.cancelled() => {
                    // No response of this link can be waited for any more.
                    self.link = None;
                    self.held = None;
                    Ok(())
                }
                done = self.carry_out(job) => done,
            };
            if done.is_err() {
                return;
            }
        }
    }

    async fn carry_out(&mut self, job: Job) -> Result<(), Gone> {
        let (number, turn) = (job.number, job.ask.turn);
        match self.converse(job).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Failure { class, code, message, sent, usage, retry_after })) => {
                self.link = None;
                self.held = None;
                let retry_after_ms =
                    retry_after.map(|d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
                let failed =
                    Input::TurnFailed { turn, class, code, message, sent, usage, retry_after_ms };
                self.say(number, Said::Heard(failed)).await
            }
            Err(Gone) => Err(Gone),
        }
    }

    async fn say(&self, number: u64, said: Said) -> Result<(), Gone> {
        self.say.send((number, said)).await.map_err(|_| Gone)
    }

    async fn converse(&mut self, job: Job) -> Result<Result<(), Failure>, Gone> {
        tokio::time::sleep(Duration::from_millis(job.ask.after_ms)).await;
        if let Err(failure) = self.connect(job.number).await? {
            return Ok(Err(failure));
        }
        let (go, written_down) = oneshot::channel();
        let asked = (job.ask.turn, job.ask.try_number);
        self.say(job.number, Said::Ready { asked, go }).await?;
        if written_down.await.is_err() {
            // The request may not leave: the rules know, and give this job up.
            return Ok(Ok(()));
        }
        let mut whole = false;
        let mut too_old = false;
        loop {
            let Err(failure) = self.exchange(&job, whole).await? else { return Ok(Ok(())) };
            // Each of these once: the server did no work, and the same request is still due.
            // A response that had begun may be billed, whatever it ends with.
            if self.began {
                return Ok(Err(failure));
            } else if failure.code == PREVIOUS_LOST && !whole {
                whole = true;
            } else if failure.code == TOO_OLD && !too_old {
                too_old = true;
                self.link = None;
                if let Err(failure) = self.connect(job.number).await? {
                    return Ok(Err(failure));
                }
            } else {
                return Ok(Err(failure));
            }
        }
    }

    /// Opens a link, unless there is one that will last for another response.
    async fn connect(&mut self, number: u64) -> Result<Result<(), Failure>, Gone> {
        if let Some(link) = &self.link {
            let old = link.age() >= self.plan.endpoint.rollover_after();
            if link.is_open() && !old {
                return Ok(Ok(()));
            }
            self.link = None;
            let why = if old {
                "it is about to grow too old: another one takes its place"
            } else {
                "the server closed it between two turns"
            };
            self.say(number, Said::Noted(Note::LinkLost { why: why.to_owned() })).await?;
        }
        self.held = None;
        loop {
            match Link::connect(&self.plan.endpoint, self.transport, self.plan.connect).await {
                Ok(link) => return self.connected(number, link).await.map(Ok),
                Err(err) if self.may_fall_back(&err) => {
                    self.transport = Transport::Http;
                    let why = with_causes(&err);
                    self.say(number, Said::Noted(Note::FellBack { why })).await?;
                }
                Err(err) => return Ok(Err(not_connected(&err))),
            }
        }
    }

    async fn connected(&mut self, number: u64, link: Link) -> Result<(), Gone> {
        self.link = Some(link);
        self.links += 1;
        let endpoint = match self.transport {
            Transport::WebSocket => self.plan.shown.clone(),
            Transport::Http => format!("{} (HTTP)", self.plan.shown),
        };
        let note = Note::LinkOpened { number: self.links, endpoint };
        self.say(number, Said::Noted(note)).await
    }

    /// Whether HTTP is to do where a WebSocket did not come about.
    fn may_fall_back(&mut self, err: &wire::ConnectError) -> bool {
        if self.plan.way != Way::WebSocketOrHttp || self.transport == Transport::Http {
            return false;
        }
        match err.http_may_do() {
            HttpMayDo::Yes => true,
            // Where there was a WebSocket there is a way for one.
            HttpMayDo::IfAgain if self.links == 0 => {
                self.dropped_upgrades += 1;
                self.dropped_upgrades >= DROPPED_UPGRADES_MAX
            }
            HttpMayDo::IfAgain | HttpMayDo::No => false,
        }
    }

    /// Sends the request and reports its response.
    async fn exchange(&mut self, job: &Job, whole: bool) -> Result<Result<(), Failure>, Gone> {
        let request = match self.request(job, whole) {
            Ok(request) => request,
            Err(message) => {
                return Ok(Err(Failure {
                    class: FailureClass::Request,
                    code: "bad-conversation".to_owned(),
                    message,
                    sent: false,
                    usage: None,
                    retry_after: None,
                }));
            }
        };
        self.began = false;
        let Some(link) = &mut self.link else { return Ok(Err(link_failure("no link", true))) };
        let before = link.bytes_sent();
        if let Err(err) = link.ask(&request).await {
            let nothing_left = link.bytes_sent() == before;
            let failure = lost(&err);
            return Ok(Err(Failure { sent: failure.sent && !nothing_left, ..failure }));
        }
        loop {
            let Some(link) = &mut self.link else { return Ok(Err(link_failure("no link", true))) };
            let event = match link.next().await {
                Ok(event) => event,
                Err(err) => return Ok(Err(lost(&err))),
            };
            if let Some(ended) = self.report(job, event).await? {
                return Ok(ended);
            }
        }
    }

    /// Says once that a response was served, and is billed, in another tier than was asked for.
    async fn compare_tiers(&mut self, number: u64, used: Option<&str>) -> Result<(), Gone> {
        let (Some(asked), Some(used)) = (self.plan.service_tier.as_deref(), used) else {
            return Ok(());
        };
        if self.told_of_tier || asked == "auto" || standard(asked) == standard(used) {
            return Ok(());
        }
        self.told_of_tier = true;
        let what = format!(
            "the service tier `{asked}` was asked for and `{used}` was used: it is charged here at \
             the price of the first"
        );
        self.say(number, Said::Noted(Note::Warned { what })).await
    }

    fn request(&mut self, job: &Job, whole: bool) -> Result<Request, String> {
        // Over HTTP nothing is held for us, and each request brings everything.
        let held = self.held.take().filter(|_| !whole && self.transport == Transport::WebSocket);
        let first = held.as_ref().map_or(job.replayed_from, |held| held.items);
        let new = job.conversation.get(first..).unwrap_or_default();
        let mut request = Request::new(
            self.plan.model.clone(),
            u32::try_from(job.ask.max_output_tokens).unwrap_or(u32::MAX),
        );
        request.instructions.clone_from(&self.instructions);
        request.previous_response_id = held.map(|held| held.response_id);
        request.input = new.iter().map(input_item).collect::<Result<_, _>>()?;
        request.tools.clone_from(&job.tools);
        request.effort.clone_from(&self.plan.effort);
        request.service_tier.clone_from(&self.plan.service_tier);
        request.compact_at = job.ask.compact_at;
        request.prompt_cache_key = Some(self.plan.prompt_cache_key.clone());
        Ok(request)
    }

    /// Reports an event of the response; `Some` when it was the last one.
    async fn report(
        &mut self,
        job: &Job,
        event: ModelEvent,
    ) -> Result<Option<Result<(), Failure>>, Gone> {
        let (number, turn) = (job.number, job.ask.turn);
        self.began |= matches!(event, ModelEvent::InProgress);
        if event.is_progress() || matches!(event, ModelEvent::Created { .. }) {
            self.began = true;
            self.say(number, Said::Progress).await?;
        }
        match event {
            ModelEvent::TextDelta { delta, .. } => self.say(number, Said::Text(delta)).await?,
            ModelEvent::CallReady(call) => {
                let call = model_call(call);
                self.say(number, Said::Heard(Input::CallReceived { turn, call })).await?;
            }
            ModelEvent::Completed(response) => {
                let items = job.conversation.len() + response.output.len();
                self.held = Some(Held { response_id: response.response_id.clone(), items });
                self.compare_tiers(number, response.service_tier.as_deref()).await?;
                self.say(number, Said::Heard(completed(turn, response))).await?;
                return Ok(Some(Ok(())));
            }
            ModelEvent::Incomplete { reason, response } => {
                let message = "the response ended before it was complete".to_owned();
                return Ok(Some(Err(Failure {
                    class: FailureClass::Request,
                    code: reason,
                    message,
                    sent: true,
                    usage: response.usage.map(usage),
                    retry_after: None,
                })));
            }
            ModelEvent::Failed { error, usage } => {
                // What is billed had begun, whatever was told of it.
                self.began |= usage.is_some();
                return Ok(Some(Err(failed(error, usage, self.began))));
            }
            ModelEvent::Created { .. }
            | ModelEvent::InProgress
            | ModelEvent::ItemAdded { .. }
            | ModelEvent::ReasoningDelta { .. }
            | ModelEvent::ArgumentsDelta { .. }
            | ModelEvent::ItemDone { .. }
            | ModelEvent::Structure { .. }
            | ModelEvent::Compacting { .. }
            | ModelEvent::SteerAccepted { .. }
            | ModelEvent::SteerPending { .. }
            | ModelEvent::SteerFailed { .. }
            | ModelEvent::Unknown { .. } => {}
        }
        Ok(None)
    }
}

/// One name for tiers that have two.
fn standard(tier: &str) -> &str {
    if tier == "fast" { "priority" } else { tier }
}

pub(crate) fn input_item(item: &Item) -> Result<InputItem, String> {
    Ok(match item {
        Item::User(text) => InputItem::Message { role: "user".to_owned(), text: text.clone() },
        Item::ContextCall(ModelCall { call_id, tool, arguments }) => InputItem::FunctionCall {
            call_id: call_id.clone(),
            name: tool.clone(),
            arguments: arguments.clone(),
        },
        Item::Output(raw) => {
            let raw = RawValue::from_string(raw.clone());
            InputItem::Verbatim(raw.map_err(|err| format!("an item of the journal: {err}"))?)
        }
        Item::CallOutput { call_id, output } => {
            InputItem::FunctionCallOutput { call_id: call_id.clone(), output: output.clone() }
        }
    })
}

fn model_call(call: wire::FunctionCall) -> ModelCall {
    ModelCall { call_id: call.call_id, tool: call.name, arguments: call.arguments }
}

fn completed(turn: u32, response: Completed) -> Input {
    let usage = response.usage.map(usage);
    let compacted_at = response.output.iter().rposition(|raw| is_compaction(raw));
    Input::TurnCompleted {
        compacted_at: compacted_at.and_then(|at| u32::try_from(at).ok()),
        turn,
        response_id: response.response_id,
        items: response.output.iter().map(|raw| raw.get().to_owned()).collect(),
        calls: response.calls.into_iter().map(model_call).collect(),
        text: response.refusal.unwrap_or(response.text),
        usage,
    }
}

fn usage(usage: wire::Usage) -> Usage {
    Usage {
        input: usage.input_tokens,
        cached_input: usage.cached_tokens,
        cache_write: usage.cache_write_tokens,
        output: usage.output_tokens,
        reasoning: usage.reasoning_tokens,
    }
}

/// Whether an item stands for everything before it.
fn is_compaction(item: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Tag<'a> {
        #[serde(rename = "type", borrow)]
        kind: Cow<'a, str>,
    }
    serde_json::from_str::<Tag<'_>>(item.get()).is_ok_and(|tag| tag.kind == "compaction")
}

#[cfg(test)]
mod tests;
