//! The index: which sets of questions were asked for a call, and which output belongs to which
//! answers. A SQLite file, which several processes use at once.

mod calls;
mod records;
mod room;
mod schema;
mod tools;

pub(crate) use calls::{Known, Set, identity};
pub(crate) use records::{Beliefs, Entry, Kept, Served};
pub(crate) use room::{bytes_reckoned, clear, knows_blob, settle, shrink, stat};
pub(crate) use schema::Index;
pub(crate) use tools::{Tally, by_tool, expected_us};

use rusqlite::Transaction;

/// A number larger than all before it: the order of use, without a clock.
fn tick(tx: &Transaction<'_>) -> rusqlite::Result<i64> {
    tx.query_row("UPDATE totals SET tick = tick + 1 RETURNING tick", [], |row| row.get(0))
}

/// A number as SQLite has it.
fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number as SQLite gave it back.
fn read(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
