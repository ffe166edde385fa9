//! How much is kept, and making room.

use rusqlite::{Connection, Transaction, TransactionBehavior};
use snapshot::Digest;

use super::records::ROW_BYTES;
use super::{read, stored};
use crate::Stat;

/// The bytes that were written since the last eviction, and those that were left by it.
pub(crate) fn bytes_reckoned(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row("SELECT bytes FROM totals", [], |row| row.get(0)).map(read)
}

/// How much is kept.
pub(crate) fn stat(connection: &Connection) -> rusqlite::Result<Stat> {
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get(0)).map(read);
    Ok(Stat {
        calls: count("SELECT count(DISTINCT call) FROM sets")?,
        sets: count("SELECT count(*) FROM sets")?,
        entries: count("SELECT count(*) FROM records")?,
        foreign: count("SELECT count(*) FROM records WHERE domain IS NOT NULL")?,
        blobs: count("SELECT count(*) FROM blobs")?,
        bytes: count("SELECT coalesce(sum(bytes), 0) FROM blobs")?,
        volatile: count("SELECT count(*) FROM volatile")?,
    })
}

/// Forgets the records that were of no use for longest, until what is left is at most `low`
/// bytes. Returns the blobs that nothing refers to any more.
pub(crate) fn shrink(connection: &mut Connection, low: u64) -> rusqlite::Result<Vec<Digest>> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut unused = Vec::new();
    let mut kept = take_unused(&tx, &mut unused)?;
    while kept > stored(low) {
        // A tenth at a time: the sums below are taken over all rows.
        let gone = tx.execute(
            "DELETE FROM records WHERE observed IN (SELECT observed FROM records ORDER BY used
             LIMIT (SELECT 1 + count(*) / 10 FROM records))",
            [],
        )?;
        if gone == 0 {
            break;
        }
        kept = take_unused(&tx, &mut unused)?;
    }
    tx.execute("UPDATE totals SET bytes = ?1", [kept])?;
    tx.commit()?;
    Ok(unused)
}

/// Forgets sets without records and what has neither; returns the bytes that are left.
fn take_unused(tx: &Transaction<'_>, unused: &mut Vec<Digest>) -> rusqlite::Result<i64> {
    tx.execute(
        "DELETE FROM sets WHERE NOT EXISTS (SELECT 1 FROM records
         WHERE records.call = sets.call AND records.questions = sets.questions)",
        [],
    )?;
    tx.execute("DELETE FROM calls WHERE call NOT IN (SELECT call FROM sets)", [])?;
    let mut gone = tx.prepare_cached(
        "DELETE FROM blobs WHERE NOT EXISTS (SELECT 1 FROM records WHERE output = digest)
         AND NOT EXISTS (SELECT 1 FROM sets WHERE questions = digest) RETURNING digest",
    )?;
    let rows = gone.query_map([], |row| Ok(Digest::from_bytes(row.get(0)?)))?;
    for digest in rows {
        unused.push(digest?);
    }
    tx.query_row(
        "SELECT (SELECT coalesce(sum(bytes), 0) FROM blobs)
              + (SELECT coalesce(sum(length(answers)), 0) FROM sets)
              + ?1 * (SELECT count(*) FROM records)",
        [ROW_BYTES],
        |row| row.get(0),
    )
}

/// Whether the index knows the blob.
pub(crate) fn knows_blob(connection: &Connection, digest: Digest) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM blobs WHERE digest = ?1")?.exists([digest.as_bytes()])
}

/// Forgets everything but what the blobs are, which the next eviction takes.
pub(crate) fn clear(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "BEGIN IMMEDIATE; DELETE FROM records; DELETE FROM sets; DELETE FROM calls;
         DELETE FROM volatile; DELETE FROM tools; COMMIT",
    )
}

/// Brings SQLite's log into the index, and gives back what the index does not need.
pub(crate) fn settle(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.execute_batch("VACUUM")?;
    // Where somebody else reads, the log stays as it is: no failure.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}
