//! Why the ledger did not do what it was asked. After any of these nothing may be sent.

use std::error::Error;

use crate::{BadName, EntryKey, MicroDollars, Moment, Refusal, RunId};

/// What a database or a driver said.
type Cause = Box<dyn Error + Send + Sync>;

/// Why the ledger did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// Another process works on the run.
    #[error("`{by}` works on the run `{run}`; its lease ends at {until} unless it renews it")]
    Held {
        /// The run.
        run: RunId,
        /// Who holds the lease.
        by: String,
        /// When it ends.
        until: Moment,
    },
    /// The lease was taken over or given back.
    #[error("the lease {fence} of the run `{run}` is over: another process may have taken the run")]
    LeaseLost {
        /// The run.
        run: RunId,
        /// The lease's number.
        fence: u64,
    },
    /// It would pass a cap.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The reservation stands there with another amount.
    #[error("{key} of the run `{run}` has {reserved} reserved, not {asked}")]
    OtherAmount {
        /// The run.
        run: RunId,
        /// The request.
        key: EntryKey,
        /// What is set aside.
        reserved: MicroDollars,
        /// What was asked for.
        asked: MicroDollars,
    },
    /// There is no such reservation.
    #[error("{key} of the run `{run}` has nothing reserved")]
    NotReserved {
        /// The run.
        run: RunId,
        /// The request.
        key: EntryKey,
    },
    /// It was paid for, so it cannot be given back.
    #[error("{key} of the run `{run}` is settled already")]
    AlreadySettled {
        /// The run.
        run: RunId,
        /// The request.
        key: EntryKey,
    },
    /// More than one reservation or cap can be.
    #[error("{amount} is more than one amount can be, {}", MicroDollars::MAX)]
    TooMuch {
        /// The amount.
        amount: MicroDollars,
    },
    /// There are as many caps as there can be.
    #[error("there are {most} caps already, which is the most")]
    TooManyCaps {
        /// How many there can be.
        most: usize,
    },
    /// A report of more lines than anyone reads.
    #[error("the answer has more than {most} lines: ask for fewer days or scopes")]
    TooManyLines {
        /// How many there can be.
        most: usize,
    },
    /// The tables are of a newer version of this program.
    #[error("the ledger has schema {found}, and this program knows {known}")]
    NewerSchema {
        /// The version of the tables.
        found: i64,
        /// The version of this program.
        known: i64,
    },
    /// What is at the place is something else.
    #[error("what is there is no ledger: {what}")]
    NotALedger {
        /// What was found.
        what: String,
    },
    /// What is read cannot have been written by us.
    #[error("the ledger is damaged")]
    Damaged(#[source] Cause),
    /// There is no room to write.
    #[error("the ledger's disk is full")]
    Full(#[source] Cause),
    /// Others kept it locked for too long.
    #[error("other processes keep the ledger busy")]
    Busy(#[source] Cause),
    /// It cannot be opened or reached, or has gone away. What was asked may have been done: asking
    /// again with the same key is safe.
    #[error("the ledger cannot be reached")]
    Unreachable(#[source] Cause),
    /// Anything else that the database says.
    #[error("the ledger's database does not do what it is asked")]
    Database(#[source] Cause),
}

impl LedgerError {
    /// A value that cannot be ours.
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into().into())
    }
}

impl From<BadName> for LedgerError {
    /// Names are checked before they are written, so one that is none was not written by us.
    fn from(err: BadName) -> Self {
        Self::Damaged(err.into())
    }
}
