//! Between the run and its sinks: each sink has a bounded queue and a thread or task of its own,
//! so that a slow one holds the link back, and never a deadline.
//!
//! While a sink is behind, the run does not read the model. What happens all the same (answers,
//! deadlines, signals) waits in a backlog; when that is full, too, what says least goes first: the
//! model's text, then the status of things that go well. Status that only repeats what was just
//! shown is dropped at once. Whatever is dropped is counted, and stands in the trace.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use futures_util::future::select_all;
use session::event::{Decision, Event, Input, Note, Record};
use session::{Answer, Missed, QueuePeak};
use tokio::sync::{mpsc, oneshot};

use crate::sampling::Sampling;
use crate::sink::Sink;

/// What waits for a sink before the model is held back.
const QUEUE_MAX: usize = 256;
/// What happens all the same while a sink is behind, and is kept for it: more than the calls of
/// one turn and the decisions on them make.
const BACKLOG_MAX: usize = 1_024;
/// Bytes of one piece of the model's text, and of several that are joined into one: more than any
/// sink shows of it.
const TEXT_BYTES_MAX: usize = 4_096;
/// How long the end of a run waits for a sink to catch up.
const FLUSH_TIME_MAX: Duration = Duration::from_secs(1);

/// What is shown by a sink.
#[derive(Debug, Clone)]
pub enum Shown {
    /// A record.
    Record(Arc<Record>),
    /// A piece of text that the model is just writing.
    Text {
        /// When, in milliseconds since this attempt began.
        at_ms: u64,
        /// What.
        piece: String,
    },
    /// The sink was behind, and so many records were left out.
    Suppressed {
        /// How many.
        records: u64,
        /// The first of them, by its number.
        first: u64,
        /// The last of them.
        last: u64,
    },
}

/// The run's end of a sink.
#[derive(Debug)]
pub struct Outlet {
    name: &'static str,
    sampling: Sampling,
    queue: mpsc::Sender<Shown>,
    over: oneshot::Receiver<()>,
    backlog: VecDeque<Shown>,
    /// The record that was passed on last.
    last: Option<Arc<Record>>,
    /// Records after it that said the same.
    repeats: Option<LeftOut>,
    /// Records that the backlog had no room for.
    suppressed: Option<LeftOut>,
    missed: Missed,
    /// The most that waited in the queue, and in the backlog.
    queue_peak: usize,
    backlog_peak: usize,
}

/// Records that were left out since somebody was last told.
#[derive(Debug, Clone, Copy)]
struct LeftOut {
    records: u64,
    first: u64,
    last: u64,
}

impl LeftOut {
    fn one_more(before: Option<Self>, seq: u64) -> Option<Self> {
        let Self { records, first, .. } =
            before.unwrap_or(Self { records: 0, first: seq, last: 0 });
        Some(Self { records: records + 1, first, last: seq })
    }

    fn shown(self) -> Shown {
        let Self { records, first, last } = self;
        Shown::Suppressed { records, first, last }
    }
}

/// Ends with the queue; tells the run that everything was shown.
#[derive(Debug)]
pub struct Intake {
    queue: mpsc::Receiver<Shown>,
    _over: oneshot::Sender<()>,
}

impl Intake {
    /// What is to be shown next; none when the run is over. Cancel-safe.
    pub async fn next(&mut self) -> Option<Shown> {
        self.queue.recv().await
    }
}

impl Outlet {
    /// An outlet whose other end somebody reads; `name` is for the accounting.
    pub fn new(name: &'static str) -> (Self, Intake) {
        let (queue, shown) = mpsc::channel(QUEUE_MAX);
        let (done, over) = oneshot::channel();
        let outlet = Self {
            name,
            sampling: Sampling::default(),
            queue,
            over,
            backlog: VecDeque::new(),
            last: None,
            repeats: None,
            suppressed: None,
            missed: Missed::default(),
            queue_peak: 0,
            backlog_peak: 0,
        };
        (outlet, Intake { queue: shown, _over: done })
    }

    /// An outlet to a sink that may block, on a thread of its own, which is shown what `sampling`
    /// says. A sink that fails gets nothing more: the journal has everything.
    pub fn to(name: &'static str, sampling: Sampling, mut sink: Box<dyn Sink>) -> Self {
        let (outlet, mut intake) = Self::new(name);
        let silence = sampling.silence;
        thread::spawn(move || {
            // It takes the whole intake with it: the run waits for that.
            let Ok(clock) = tokio::runtime::Builder::new_current_thread().enable_time().build()
            else {
                return;
            };
            let mut next =
                || clock.block_on(async { tokio::time::timeout(silence, intake.next()).await });
            loop {
                let taken = match next() {
                    Err(_) => sink.silent(silence),
                    Ok(None) => break,
                    Ok(Some(Shown::Record(record))) => sink.record(&record),
                    Ok(Some(Shown::Text { at_ms, piece })) => sink.text(at_ms, &piece),
                    Ok(Some(Shown::Suppressed { records, first, last })) => {
                        sink.suppressed(records, first, last)
                    }
                };
                if taken.is_err() {
                    break;
                }
            }
        });
        Self { sampling, ..outlet }
    }

    /// Whether the sink is behind.
    fn is_behind(&self) -> bool {
        !self.backlog.is_empty()
    }

    fn record(&mut self, record: &Arc<Record>) {
        if self.sampling.leaves_out(&record.event) {
            self.missed.left_out_lines += 1;
            return;
        }
        let said = self.last.as_ref().is_some_and(|last| last.event == record.event);
        if said && !self.sampling.repeats && !is_important(&record.event) {
            self.missed.repeated += 1;
            self.repeats = LeftOut::one_more(self.repeats, record.seq);
            return;
        }
        self.tell_repeats();
        self.last = Some(Arc::clone(record));
        self.show(Shown::Record(Arc::clone(record)));
    }

    fn tell_repeats(&mut self) {
        if let Some(repeats) = self.repeats.take() {
            self.show(repeats.shown());
        }
    }

    fn text(&mut self, at_ms: u64, piece: &str) {
        if !self.sampling.model_text {
            self.missed.left_out_text_bytes += piece.len() as u64;
            return;
        }
        let kept = &piece[..piece.floor_char_boundary(TEXT_BYTES_MAX)];
        self.missed.text_bytes += (piece.len() - kept.len()) as u64;
        self.show(Shown::Text { at_ms, piece: kept.to_owned() });
    }

    fn show(&mut self, shown: Shown) {
        let shown = if self.is_behind() { Some(shown) } else { self.try_send(shown) };
        if let Some(shown) = shown {
            self.keep(shown);
        }
        let waiting = self.queue.max_capacity().saturating_sub(self.queue.capacity());
        self.queue_peak = self.queue_peak.max(waiting);
        self.backlog_peak = self.backlog_peak.max(self.backlog.len());
    }

    fn peaks(&self) -> [(String, QueuePeak); 2] {
        let of = |peak: usize, bound: usize| QueuePeak { peak: peak as u64, bound: bound as u64 };
        [
            (self.name.to_owned(), of(self.queue_peak, QUEUE_MAX)),
            (format!("{}-backlog", self.name), of(self.backlog_peak, BACKLOG_MAX)),
        ]
    }

    /// Gives it back where there is no room. A sink that is gone misses nothing.
    fn try_send(&self, shown: Shown) -> Option<Shown> {
        match self.queue.try_send(shown) {
            Err(mpsc::error::TrySendError::Full(shown)) => Some(shown),
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => None,
        }
    }

    fn keep(&mut self, shown: Shown) {
        if let Shown::Text { piece, .. } = &shown
            && let Some(Shown::Text { piece: last, .. }) = self.backlog.back_mut()
            && last.len() + piece.len() <= TEXT_BYTES_MAX
        {
            last.push_str(piece);
            return;
        }
        if self.backlog.len() >= BACKLOG_MAX {
            self.make_room();
        }
        self.backlog.push_back(shown);
    }

    /// Drops what says least: text, then what went well, then the oldest.
    fn make_room(&mut self) {
        let text = self.backlog.iter().position(|shown| matches!(shown, Shown::Text { .. }));
        let is_status = |shown: &Shown| match shown {
            Shown::Record(record) => !is_important(&record.event),
            Shown::Text { .. } | Shown::Suppressed { .. } => true,
        };
        let status = || self.backlog.iter().position(is_status);
        let place = text.or_else(status).unwrap_or(0);
        match self.backlog.remove(place) {
            Some(Shown::Text { piece, .. }) => self.missed.text_bytes += piece.len() as u64,
            Some(Shown::Record(record)) => {
                self.missed.records += 1;
                self.suppressed = LeftOut::one_more(self.suppressed, record.seq);
            }
            Some(Shown::Suppressed { .. }) | None => {}
        }
    }

    /// Waits until the sink takes something, if it is behind. Cancel-safe.
    async fn catch_up(&mut self) {
        if !self.is_behind() {
            std::future::pending::<()>().await;
        }
        match self.queue.clone().reserve_owned().await {
            Ok(room) => {
                let next = self.suppressed.take().map(LeftOut::shown);
                if let Some(shown) = next.or_else(|| self.backlog.pop_front()) {
                    room.send(shown);
                }
            }
            // The sink is gone, and misses nothing.
            Err(_) => self.backlog.clear(),
        }
    }

    async fn flush(mut self) -> (&'static str, Missed) {
        self.tell_repeats();
        let everything = async {
            while self.is_behind() {
                self.catch_up().await;
            }
            let Self { queue, over, .. } = &mut self;
            // The intake ends when no sender is left.
            *queue = mpsc::channel(1).0;
            let _gone = over.await;
        };
        let caught_up = tokio::time::timeout(FLUSH_TIME_MAX, everything).await.is_ok();
        self.missed.behind_at_end = !caught_up;
        (self.name, self.missed)
    }
}

/// Whether a person must see it however far behind the sink is: what ended, failed or was decided,
/// against the status of things that go well.
fn is_important(event: &Event) -> bool {
    match event {
        Event::Heard(input) => {
            matches!(
                input,
                Input::TurnFailed { .. }
                    | Input::CallAnswered { answer: Answer::Ended { .. }, .. }
                    | Input::PatchJudged { .. }
                    | Input::ScopeRefused { .. }
                    | Input::LedgerFailed { .. }
                    | Input::DeadlinePassed { .. }
                    | Input::Cancelled { .. }
            )
        }
        Event::Decided(decision) => !matches!(
            decision,
            Decision::CallStarted { .. }
                | Decision::TurnReserved { .. }
                | Decision::TurnCharged { .. }
        ),
        Event::Noted(note) => {
            matches!(
                note,
                Note::RunStarted { .. }
                    | Note::Inherited { .. }
                    | Note::Resumed { .. }
                    | Note::FellBack { .. }
                    | Note::Warned { .. }
            )
        }
    }
}

/// All sinks of a run.
#[derive(Debug, Default)]
pub(crate) struct Outlets(Vec<Outlet>);

impl Outlets {
    pub(crate) fn new(outlets: Vec<Outlet>) -> Self {
        Self(outlets)
    }

    /// Whether the model must be held back.
    pub(crate) fn are_behind(&self) -> bool {
        self.0.iter().any(Outlet::is_behind)
    }

    pub(crate) fn record(&mut self, record: Record) -> Arc<Record> {
        let record = Arc::new(record);
        self.0.iter_mut().for_each(|outlet| outlet.record(&record));
        record
    }

    pub(crate) fn text(&mut self, at_ms: u64, piece: &str) {
        self.0.iter_mut().for_each(|outlet| outlet.text(at_ms, piece));
    }

    /// Waits until a sink that is behind took something. Cancel-safe.
    pub(crate) async fn catch_up(&mut self) {
        let behind = self.0.iter_mut().filter(|outlet| outlet.is_behind());
        let waiting: Vec<_> = behind.map(|outlet| Box::pin(outlet.catch_up())).collect();
        if waiting.is_empty() {
            return std::future::pending().await;
        }
        select_all(waiting).await;
    }

    /// How full their queues were.
    pub(crate) fn peaks(&self) -> BTreeMap<String, QueuePeak> {
        self.0.iter().flat_map(Outlet::peaks).collect()
    }

    /// Lets the sinks catch up, side by side and not for long; returns what they missed.
    pub(crate) async fn flush(self) -> BTreeMap<String, Missed> {
        let mut tasks: tokio::task::JoinSet<_> = self.0.into_iter().map(Outlet::flush).collect();
        let mut all = BTreeMap::new();
        while let Some(Ok((name, missed))) = tasks.join_next().await {
            if missed != Missed::default() {
                all.insert(name.to_owned(), missed);
            }
        }
        all
    }
}

#[cfg(test)]
mod tests;
