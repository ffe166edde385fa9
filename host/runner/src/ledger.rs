//! What others spend beside this run, as the run sees it: one question before each request, and
//! one answer after it.

use std::fmt;
use std::pin::Pin;

use session::budget::{Money, Usage};

/// A wait for somebody else's answer.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One request of a run, as a ledger books it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// The lease under which the run began: a run of the same step on the same commit that begins
    /// again pays again.
    pub account: u64,
    /// Which turn.
    pub turn: u32,
    /// Which try of it, counted from 1.
    pub try_number: u32,
}

/// What a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// Money.
    pub spend: Money,
    /// The tokens behind it; none where nobody said, and `spend` is the most it can have been.
    pub usage: Option<Usage>,
}

/// Why a ledger does not take an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerRefusal {
    /// A scope cannot bear it.
    #[error("the {scope} can bear {left} more")]
    Exhausted {
        /// Which: `pull-request`, `repository`, `day`, …
        scope: String,
        /// What it can bear.
        left: Money,
    },
    /// Somebody else has the run.
    #[error("another process has taken over this run: {0}")]
    LeaseLost(String),
    /// The entry is paid for: another machine got that far, and its journal did not get here.
    #[error("another machine has paid for this request")]
    Settled,
    /// It cannot be read or written; nothing may be sent.
    #[error("the ledger cannot be used: {0}")]
    Failed(String),
}

/// The books that several runs share. One value is for one run.
///
/// Every operation may be repeated: an entry is reserved once and settled once, however often
/// that is said.
pub trait RunLedger: fmt::Debug + Send + Sync {
    /// Takes the lease of the run, and keeps it until [`RunLedger::end`]; returns its fencing
    /// number, which is higher than any before.
    ///
    /// # Errors
    /// [`LedgerRefusal::LeaseLost`] when another process has it.
    fn begin(&self) -> Later<'_, Result<u64, LedgerRefusal>>;

    /// The entries of this run that are set aside, whichever process did that.
    ///
    /// # Errors
    /// When nobody can tell.
    fn open_entries(&self) -> Later<'_, Result<Vec<Entry>, LedgerRefusal>>;

    /// Sets the most that an entry can come to aside, in every scope at once.
    ///
    /// # Errors
    /// When a scope cannot bear it, the lease is lost, or nobody can tell. Nothing is set aside
    /// then.
    fn reserve(&self, entry: Entry, most: Money) -> Later<'_, Result<(), LedgerRefusal>>;

    /// Books what an entry came to.
    ///
    /// # Errors
    /// When it cannot be written: it stays reserved at its most.
    fn settle(&self, entry: Entry, charge: Charge) -> Later<'_, Result<(), LedgerRefusal>>;

    /// Books what earlier entries came to and sets the most of the next one aside: in one step
    /// where the books can, since each may cost a wait for a disk.
    ///
    /// # Errors
    /// When not all of it was done. What was may be said again: ask for each by itself.
    fn settle_and_reserve<'a>(
        &'a self,
        charges: &'a [(Entry, Charge)],
        entry: Entry,
        most: Money,
    ) -> Later<'a, Result<(), LedgerRefusal>> {
        Box::pin(async move {
            for (settled, charge) in charges {
                self.settle(*settled, *charge).await?;
            }
            self.reserve(entry, most).await
        })
    }

    /// Gives an entry back of which nothing was sent.
    ///
    /// # Errors
    /// When it cannot be written: it stays reserved.
    fn release(&self, entry: Entry) -> Later<'_, Result<(), LedgerRefusal>>;

    /// Gives the lease back.
    fn end(&self) -> Later<'_, ()>;
}
