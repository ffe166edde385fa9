//! The ledger from outside: the same promises for a SQLite file and for a PostgreSQL server that
//! the test starts.
#![expect(clippy::unwrap_used, reason = "a test's helper fails the test")]
#![expect(clippy::print_stdout, reason = "how a process tells its test what it did")]

mod contention;
mod damage;
mod leases;
mod model;
mod postgres;
mod reports;
mod spending;
mod support;
