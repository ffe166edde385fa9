//! The ledger from outside: the same promises for a SQLite file and for a PostgreSQL server that
//! the test starts.

mod contention;
mod damage;
mod leases;
mod model;
mod postgres;
mod reports;
mod spending;
mod support;
