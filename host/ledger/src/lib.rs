//! What requests to a model cost, over many runs, processes and machines; and who may work on a
//! run.
//!
//! Money is reserved before a request leaves, at the most it can cost, and settled when it is known
//! what it did cost. A reservation counts against every scope of the run at once (step, pull
//! request, repository, branch, workflow, day), in one transaction with the check of their caps: at
//! every moment settled + reserved is at most the cap, whoever else reserves. A [`Lease`] with a
//! number that only grows keeps two processes from the same run; who lost it can neither reserve
//! nor settle.
//!
//! A ledger is a SQLite file, or a PostgreSQL database where machines share it ([`Place`]). The
//! rules are written once (`ledger`), over transactions that either of them gives (`database`). A
//! ledger that cannot be used is an error, and nothing is assumed: the caller then sends nothing.
//!
//! Reading order: [`Ledger`], [`Scopes`], [`Cap`], [`Lease`], then `database`.
//!
//! This crate must not know sessions, models, the wire, the terminal or the environment.

mod cap;
mod clock;
mod database;
mod entry;
mod error;
mod lease;
mod ledger;
mod money;
mod name;
mod place;
mod report;
mod scope;

pub use cap::{Cap, Caps, Period, Refusal};
pub use clock::{Clock, Moment};
pub use entry::{EntryKey, OpenEntry, Reserved, Settlement, Tokens, Usage};
pub use error::LedgerError;
pub use lease::{Lease, TTL_MAX};
pub use ledger::{DAILY_DAYS, ENTRY_DAYS, Ledger, Pruned};
pub use money::{BadAmount, MicroDollars};
pub use name::{BadName, Name, RunId};
pub use place::{BadPlace, BadUrl, Place, PostgresUrl};
pub use report::{Filter, Line, Totals};
pub use scope::{BadDay, BadPattern, Day, Dimension, Pattern, Scope, Scopes};
