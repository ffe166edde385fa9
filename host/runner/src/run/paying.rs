//! Money that others spend, too: a request leaves when its worst case is set aside in the ledger,
//! written in the journal, and both are safe.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use session::FailureClass;
use session::budget::{Money, Usage};
use session::event::{Decision, Event, Input, Note, Record};
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

/// Whether the journal speaks of all that was sent, as far as the store has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// It does: what it does not speak of was not sent.
    All,
    /// The store was not heard out. Another machine may have sent what this journal calls unsent:
    /// the ledger is told nothing, and learns it from the next attempt.
    OursAlone,
}

impl Known {
    /// After the store, where there is one, was heard out or not.
    pub(super) fn after(heard_out: bool) -> Self {
        if heard_out { Self::All } else { Self::OursAlone }
    }
}

/// The run's side of the ledger.
#[derive(Debug)]
pub(super) struct Paying {
    journal: Known,
    ledger: Option<Arc<dyn RunLedger>>,
    /// The lease under which the run began; none before there is one.
    account: Option<u64>,
    /// The worst case of the request that is asked for now.
    due: Option<(Entry, Money)>,
    /// What was used by the turn that just ended.
    usage: Option<Usage>,
    /// Every entry that the journal speaks of.
    known: BTreeSet<Entry>,
    news: News,
}

/// What the ledger does not know yet. To say it twice does no harm.
#[derive(Debug, Clone, Default)]
pub(super) struct News {
    /// What requests came to, oldest first.
    charges: Vec<(Entry, Charge)>,
    /// What may be set aside there, and was not sent.
    unsent: Vec<Entry>,
}

impl Paying {
    pub(super) fn new(ledger: Option<Arc<dyn RunLedger>>, journal: Known) -> Self {
        Self {
            journal,
            ledger,
            account: None,
            due: None,
            usage: None,
            known: BTreeSet::new(),
            news: News::default(),
        }
    }

    /// Follows the records, those of earlier attempts included.
    pub(super) fn enter(&mut self, record: &Record) {
        match &record.event {
            Event::Heard(Input::TurnCompleted { usage, .. } | Input::TurnFailed { usage, .. }) => {
                self.usage = *usage;
            }
            Event::Heard(Input::TurnRequested { .. }) => self.usage = None,
            Event::Decided(Decision::TurnReserved { turn, try_number, reservation, .. }) => {
                let entry = self.entry(*turn, *try_number);
                self.known.insert(entry);
                let before = self.due.replace((entry, reservation.spend));
                let before = before.map(|(before, _)| before);
                self.news.unsent.extend(before.filter(|before| *before != entry));
            }
            Event::Decided(Decision::TurnCharged { spend, known, excess, .. }) => {
                // What no budget of the step had left, those of its scopes may have.
                let spend = Money(spend.0.saturating_add(excess.0));
                let usage = self.usage.take().filter(|_| *known);
                if let Some((entry, _)) = self.due.take() {
                    self.news.charges.push((entry, Charge { spend, usage }));
                }
            }
            Event::Noted(Note::LeaseTaken { fence }) => {
                self.account.get_or_insert(*fence);
            }
            Event::Heard(_) | Event::Decided(_) | Event::Noted(_) => {}
        }
    }

    /// What a process set aside that died with it: its journal would speak of a request that left.
    pub(super) fn give_back(&mut self, open: Vec<Entry>) {
        let account = self.account;
        let lost = open
            .into_iter()
            .filter(|entry| Some(entry.account) == account && !self.known.contains(entry));
        self.news.unsent.extend(lost);
    }

    pub(super) fn entry(&self, turn: u32, try_number: u32) -> Entry {
        Entry { account: self.account.unwrap_or_default(), turn, try_number }
    }

    /// The ledger was told.
    fn told(&mut self, news: &News) {
        self.news.charges.retain(|charge| !news.charges.contains(charge));
        self.news.unsent.retain(|entry| !news.unsent.contains(entry));
    }
}

async fn tell(ledger: &Arc<dyn RunLedger>, news: &News) -> Result<(), LedgerRefusal> {
    for (entry, charge) in &news.charges {
        ledger.settle(*entry, *charge).await?;
    }
    for entry in &news.unsent {
        ledger.release(*entry).await?;
    }
    Ok(())
}

/// Tells the news and asks for a reservation; what was told, and what came of asking.
async fn tell_and_reserve(
    ledger: &Arc<dyn RunLedger>,
    news: News,
    entry: Entry,
    most: Money,
) -> (News, Result<(), LedgerRefusal>) {
    if news.unsent.is_empty() && !news.charges.is_empty() {
        match ledger.settle_and_reserve(&news.charges, entry, most).await {
            Ok(()) => return (news, Ok(())),
            Err(lost @ LedgerRefusal::LeaseLost(_)) => return (News::default(), Err(lost)),
            // A refused reservation must not keep what was charged from being booked.
            Err(
                LedgerRefusal::Exhausted { .. } | LedgerRefusal::Settled | LedgerRefusal::Failed(_),
            ) => {}
        }
    }
    match tell(ledger, &news).await {
        Ok(()) => (news, ledger.reserve(entry, most).await),
        Err(refusal) => (News::default(), Err(refusal)),
    }
}

/// What came of asking the ledger.
#[derive(Debug)]
pub(super) struct Reserved {
    departure: Departure,
    /// What it was told on the way.
    told: News,
    outcome: Result<(), LedgerRefusal>,
}

/// How the run stands with the ledger when it begins.
#[derive(Debug)]
pub(super) enum Leased {
    /// Nobody keeps books.
    NoLedger,
    /// The run is ours.
    Ours {
        /// Under this number.
        fence: u64,
        /// What is set aside for it already.
        open: Vec<Entry>,
    },
    /// Nobody can tell: nothing will be sent, but what needs no model is done.
    Unknown(String),
}

/// Takes the run's lease in the ledger.
///
/// # Errors
/// When another process has it.
pub(super) async fn lease(ledger: Option<&Arc<dyn RunLedger>>) -> Result<Leased, RunError> {
    let Some(ledger) = ledger else { return Ok(Leased::NoLedger) };
    let begun = match ledger.begin().await {
        Ok(fence) => match ledger.open_entries().await {
            Ok(open) => Ok(Leased::Ours { fence, open }),
            Err(refusal) => {
                // The run does not know its number, and must not reserve under another.
                ledger.end().await;
                Err(refusal)
            }
        },
        Err(refusal) => Err(refusal),
    };
    match begun {
        Ok(leased) => Ok(leased),
        Err(LedgerRefusal::LeaseLost(holder)) => Err(RunError::TakenOver { holder }),
        Err(refusal) => Ok(Leased::Unknown(refusal.to_string())),
    }
}

impl Paying {
    /// Tells the ledger what it does not know yet, and gives the lease back. Returns what went
    /// wrong with that.
    pub(super) async fn end(&mut self) -> Option<String> {
        let ledger = self.ledger.clone()?;
        let unsent = self.due.take().map(|(entry, _)| entry);
        self.news.unsent.extend(unsent);
        let last = async {
            let told = match self.journal {
                Known::All => tell(&ledger, &self.news).await,
                Known::OursAlone => Ok(()),
            };
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
        let Some(ledger) = self.paying.ledger.clone() else { return self.depart(departure) };
        let entry = departure.entry;
        let sure = self.paying.journal == Known::All;
        let due = self.paying.due.filter(|(due, _)| *due == entry && sure);
        let Some((_, most)) = due else {
            let message = format!("turn {} cannot be reserved", entry.turn);
            return self.hear(Input::LedgerFailed { turn: entry.turn, message });
        };
        let news = self.paying.news.clone();
        self.tasks.spawn(async move {
            let (told, outcome) = tell_and_reserve(&ledger, news, entry, most).await;
            Done::Reserved(Reserved { departure, told, outcome })
        });
        Ok(())
    }

    pub(super) fn reserved(&mut self, reserved: Reserved) -> Result<(), RunError> {
        let Reserved { departure, told, outcome } = reserved;
        self.paying.told(&told);
        let turn = departure.entry.turn;
        match outcome {
            // It was given up meanwhile, and goes back with the next news.
            _ if departure.job != self.job => Ok(()),
            Ok(()) => self.depart(departure),
            Err(LedgerRefusal::Exhausted { scope, left }) => {
                self.hear(Input::ScopeRefused { turn, scope, left })
            }
            Err(LedgerRefusal::LeaseLost(holder)) => Err(RunError::TakenOver { holder }),
            // This try is over, and the next one has an entry of its own.
            Err(refusal @ LedgerRefusal::Settled) => self.hear(Input::TurnFailed {
                turn,
                class: FailureClass::Provider,
                code: "paid-elsewhere".to_owned(),
                message: refusal.to_string(),
                sent: false,
                usage: None,
                retry_after_ms: Some(0),
            }),
            Err(LedgerRefusal::Failed(message)) => self.hear(Input::LedgerFailed { turn, message }),
        }
    }

    /// Writes down that the request leaves, makes that safe, and lets it go.
    fn depart(&mut self, departure: Departure) -> Result<(), RunError> {
        let Entry { turn, try_number, .. } = departure.entry;
        self.hear(Input::TurnRequested { turn, try_number })?;
        // From here on it may be billed: that must outlive the machine.
        self.journal.sync()?;
        self.carry(Some(departure));
        Ok(())
    }
}
