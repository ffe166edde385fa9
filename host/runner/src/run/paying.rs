//! Money that others spend, too: a request leaves when its worst case is set aside in the ledger,
//! written in the journal, and both are safe.

use std::sync::Arc;
use std::time::Duration;

use session::budget::{Money, Usage};
use session::event::{Decision, Event, Input, Record};
use tokio::sync::oneshot;

use super::{Done, Run, RunError};
use crate::ledger::{Charge, Entry, LedgerRefusal, RunLedger};
use crate::tools::ToolExecutor;

/// How long the end of a run waits for its last entries to be booked. What is not booked stays
/// reserved at its most, until the next attempt books it.
const SETTLE_TIME_MAX: Duration = Duration::from_secs(2);

/// A request that waits to be let go.
#[derive(Debug)]
pub(super) struct Departure {
    /// The try of the turn.
    pub(super) entry: Entry,
    /// The job that will send it.
    pub(super) job: u64,
    /// Is told when it may.
    pub(super) go: oneshot::Sender<()>,
}

impl Departure {
    /// Lets the request go. A job that was given up meanwhile does not listen.
    pub(super) fn leave(self) {
        let _given_up = self.go.send(());
    }
}

/// The run's side of the ledger.
#[derive(Debug)]
pub(super) struct Paying {
    ledger: Option<Arc<dyn RunLedger>>,
    /// The worst case of the request that is asked for now.
    due: Option<(Entry, Money)>,
    /// What is set aside in the ledger, and not booked.
    open: Option<Entry>,
    /// What was used by the turn that just ended.
    usage: Option<Usage>,
    /// What requests came to, oldest first, that the ledger does not know yet.
    charges: Vec<(Entry, Charge)>,
}

impl Paying {
    pub(super) fn new(ledger: Option<Arc<dyn RunLedger>>) -> Self {
        Self { ledger, due: None, open: None, usage: None, charges: Vec::new() }
    }

    /// Follows the records, those of earlier attempts included.
    pub(super) fn enter(&mut self, record: &Record) {
        match &record.event {
            Event::Heard(Input::TurnCompleted { usage, .. } | Input::TurnFailed { usage, .. }) => {
                self.usage = *usage;
            }
            Event::Heard(Input::TurnRequested { .. }) => self.usage = None,
            Event::Decided(Decision::TurnReserved { turn, try_number, reservation, .. }) => {
                let entry = Entry { turn: *turn, try_number: *try_number };
                self.due = Some((entry, reservation.spend));
            }
            Event::Decided(Decision::TurnCharged { spend, known, .. }) => {
                let usage = self.usage.take().filter(|_| *known);
                if let Some((entry, _)) = self.due.take() {
                    self.open.take_if(|open| *open == entry);
                    self.charges.push((entry, Charge { spend: *spend, usage }));
                }
            }
            Event::Heard(_) | Event::Decided(_) | Event::Noted(_) => {}
        }
    }

    /// What the ledger must be told before the next request: charges to book, and the entry to
    /// give back of which nothing was sent.
    fn news(&mut self, next: Option<Entry>) -> (Vec<(Entry, Charge)>, Option<Entry>) {
        let unsent = self.open.take_if(|open| Some(*open) != next);
        (std::mem::take(&mut self.charges), unsent)
    }
}

async fn tell(
    ledger: &Arc<dyn RunLedger>,
    (charges, unsent): (Vec<(Entry, Charge)>, Option<Entry>),
) -> Result<(), LedgerRefusal> {
    for (entry, charge) in charges {
        ledger.settle(entry, charge).await?;
    }
    match unsent {
        Some(entry) => ledger.release(entry).await,
        None => Ok(()),
    }
}

/// How the run stands with the ledger when it begins.
#[derive(Debug)]
pub(super) enum Leased {
    /// Nobody keeps books.
    NoLedger,
    /// The run is ours, under this number.
    Ours(u64),
    /// Nobody can tell: nothing will be sent, but what needs no model is done.
    Unknown(String),
}

/// Takes the run's lease in the ledger.
///
/// # Errors
/// When another process has it.
pub(super) async fn lease(ledger: Option<&Arc<dyn RunLedger>>) -> Result<Leased, RunError> {
    let Some(ledger) = ledger else { return Ok(Leased::NoLedger) };
    match ledger.begin().await {
        Ok(fence) => Ok(Leased::Ours(fence)),
        Err(LedgerRefusal::LeaseLost(holder)) => Err(RunError::TakenOver { holder }),
        Err(refusal) => Ok(Leased::Unknown(refusal.to_string())),
    }
}

impl Paying {
    /// Tells the ledger what it does not know yet, and gives the lease back. Returns what went
    /// wrong with that.
    pub(super) async fn end(&mut self) -> Option<String> {
        let ledger = self.ledger.clone()?;
        let news = self.news(None);
        let last = async {
            let told = tell(&ledger, news).await;
            ledger.end().await;
            told
        };
        match tokio::time::timeout(SETTLE_TIME_MAX, last).await {
            Ok(Ok(())) => None,
            Ok(Err(refusal)) => Some(refusal.to_string()),
            Err(_) => Some("the ledger took too long".to_owned()),
        }
    }
}

impl<E: ToolExecutor> Run<E> {
    /// A request is ready: its worst case is set aside before it may leave.
    pub(super) fn reserve(&mut self, departure: Departure) -> Result<(), RunError> {
        let due = self.paying.due.filter(|(entry, _)| *entry == departure.entry);
        let (Some(ledger), Some((entry, most))) = (self.paying.ledger.clone(), due) else {
            return self.depart(departure);
        };
        let news = self.paying.news(Some(entry));
        self.paying.open = Some(entry);
        self.tasks.spawn(async move {
            let reserved = match tell(&ledger, news).await {
                Ok(()) => ledger.reserve(entry, most).await,
                Err(refusal) => Err(refusal),
            };
            Done::Reserved(departure, reserved)
        });
        Ok(())
    }

    pub(super) fn reserved(
        &mut self,
        departure: Departure,
        reserved: Result<(), LedgerRefusal>,
    ) -> Result<(), RunError> {
        let turn = departure.entry.turn;
        match reserved {
            // It was given up meanwhile: the entry goes back with the next news.
            _ if departure.job != self.job => Ok(()),
            Ok(()) => self.depart(departure),
            Err(LedgerRefusal::Exhausted { scope, left }) => {
                self.hear(Input::ScopeRefused { turn, scope, left })
            }
            Err(LedgerRefusal::LeaseLost(holder)) => Err(RunError::TakenOver { holder }),
            Err(LedgerRefusal::Failed(message)) => self.hear(Input::LedgerFailed { turn, message }),
        }
    }

    /// Writes down that the request leaves, makes that safe, and lets it go.
    fn depart(&mut self, departure: Departure) -> Result<(), RunError> {
        let Entry { turn, try_number } = departure.entry;
        self.hear(Input::TurnRequested { turn, try_number })?;
        // From here on it may be billed: that must outlive the machine.
        self.journal.sync()?;
        self.carry(Some(departure));
        Ok(())
    }
}
