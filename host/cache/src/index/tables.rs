//! What is read from and written to the index, as rows with names.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use snapshot::Digest;

use crate::observed::Answers;
use crate::{Output, Stat, Stored};

/// Sets of questions kept for one call. A tool that asks in more ways than this explores, and
/// asking all of them again would cost more than it saves.
pub(crate) const SETS_MAX: usize = 8;

/// What a row of the index is reckoned at, beside the answers in it.
const ROW_BYTES: i64 = 512;

/// What is known of a call.
#[derive(Debug, Default)]
pub(crate) struct Call {
    pub(crate) is_volatile: bool,
    /// The one that was of use last comes first.
    pub(crate) sets: Vec<Set>,
}

/// A set of questions, and the answers to them when a call was last kept.
#[derive(Debug)]
pub(crate) struct Set {
    pub(crate) digest: Digest,
    pub(crate) answers: Answers,
}

/// Which output belongs to which answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) output: Digest,
    pub(crate) kind: Output,
    pub(crate) cost_us: u64,
}

/// A record to be, with all that it refers to.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) call: Digest,
    pub(crate) set: Digest,
    pub(crate) set_bytes: usize,
    pub(crate) answers: &'a Answers,
    pub(crate) observed: Digest,
    pub(crate) kept: Kept,
    pub(crate) output_bytes: usize,
}

impl Call {
    pub(crate) fn read(connection: &Connection, call: Digest) -> rusqlite::Result<Self> {
        let mut volatile = connection.prepare_cached("SELECT 1 FROM volatile WHERE call = ?1")?;
        if volatile.exists([call.as_bytes()])? {
            return Ok(Self { is_volatile: true, sets: Vec::new() });
        }
        let mut sets = connection.prepare_cached(
            "SELECT questions, answers FROM sets WHERE call = ?1 ORDER BY used DESC LIMIT ?2",
        )?;
        let most = i64::try_from(SETS_MAX).unwrap_or(i64::MAX);
        let rows = sets.query_map(params![call.as_bytes(), most], |row| {
            Ok(Set { digest: Digest::from_bytes(row.get(0)?), answers: Answers(row.get(1)?) })
        })?;
        Ok(Self { is_volatile: false, sets: rows.collect::<rusqlite::Result<_>>()? })
    }

    /// Forgets one of its sets, and every output under it.
    pub(crate) fn forget_set(
        connection: &Connection,
        call: Digest,
        set: Digest,
    ) -> rusqlite::Result<()> {
        let keys = [call.as_bytes(), set.as_bytes()];
        connection.execute("DELETE FROM records WHERE call = ?1 AND questions = ?2", keys)?;
        connection.execute("DELETE FROM sets WHERE call = ?1 AND questions = ?2", keys)?;
        Ok(())
    }
}

impl Kept {
    /// The record under `observed`: `Some(None)` if there is one that is not as it was written.
    pub(crate) fn read(
        connection: &Connection,
        observed: Digest,
    ) -> rusqlite::Result<Option<Option<Self>>> {
        let mut record = connection
            .prepare_cached("SELECT output, kind, cost, seal FROM records WHERE observed = ?1")?;
        record
            .query_row([observed.as_bytes()], |row| {
                let (kind, cost): (i64, i64) = (row.get(1)?, row.get(2)?);
                let kept = Self {
                    output: Digest::from_bytes(row.get(0)?),
                    kind: if kind == 0 { Output::Answer } else { Output::Refusal },
                    cost_us: u64::try_from(cost).unwrap_or(0),
                };
                let seal = Digest::from_bytes(row.get(3)?);
                Ok(Some(kept)
                    .filter(|kept| kept.kind_number() == kind && kept.seal(observed) == seal))
            })
            .optional()
    }

    /// Forgets the record under `observed`.
    pub(crate) fn forget(connection: &Connection, observed: Digest) -> rusqlite::Result<()> {
        connection.execute("DELETE FROM records WHERE observed = ?1", [observed.as_bytes()])?;
        Ok(())
    }

    /// Marks the record and its set as the ones that were of use last.
    pub(crate) fn touch(
        connection: &mut Connection,
        call: Digest,
        set: Digest,
        observed: Digest,
    ) -> rusqlite::Result<()> {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let tick = tick(&tx)?;
        tx.execute(
            "UPDATE records SET used = ?1 WHERE observed = ?2",
            params![tick, observed.as_bytes()],
        )?;
        tx.execute(
            "UPDATE sets SET used = ?1 WHERE call = ?2 AND questions = ?3",
            params![tick, call.as_bytes(), set.as_bytes()],
        )?;
        tx.commit()
    }

    /// Ties what a record says together, so that one flipped bit is not another output.
    fn seal(&self, observed: Digest) -> Digest {
        let parts: [&[u8]; 4] = [
            observed.as_bytes(),
            self.output.as_bytes(),
            &self.kind_number().to_le_bytes(),
            &self.cost_us.to_le_bytes(),
        ];
        Digest::derive("stepwell 2026-11 record v1", &parts)
    }

    fn kind_number(&self) -> i64 {
        match self.kind {
            Output::Answer => 0,
            Output::Refusal => 1,
        }
    }
}

impl Entry<'_> {
    /// Writes the record, unless its call is volatile or turns out to be.
    pub(crate) fn keep(&self, connection: &mut Connection) -> rusqlite::Result<Stored> {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if tx
            .prepare_cached("SELECT 1 FROM volatile WHERE call = ?1")?
            .exists([self.call.as_bytes()])?
        {
            return Ok(Stored::Volatile);
        }
        let stored = match Kept::read(&tx, self.observed)?.flatten() {
            None => Stored::New,
            Some(known) if (known.output, known.kind) == (self.kept.output, self.kept.kind) => {
                Stored::Known
            }
            Some(_) => {
                self.give_up(&tx)?;
                tx.commit()?;
                return Ok(Stored::Volatile);
            }
        };
        self.write(&tx)?;
        tx.commit()?;
        Ok(stored)
    }

    /// Two outputs for the same answers: the call is not served any more, under any answers.
    fn give_up(&self, tx: &Transaction<'_>) -> rusqlite::Result<()> {
        let call = [self.call.as_bytes()];
        tx.execute("INSERT OR IGNORE INTO volatile VALUES (?1)", call)?;
        tx.execute("DELETE FROM records WHERE call = ?1", call)?;
        tx.execute("DELETE FROM sets WHERE call = ?1", call)?;
        Ok(())
    }

    fn write(&self, tx: &Transaction<'_>) -> rusqlite::Result<()> {
        let tick = tick(tx)?;
        let cost = i64::try_from(self.kept.cost_us).unwrap_or(i64::MAX);
        let kept = Kept { cost_us: u64::try_from(cost).unwrap_or(0), ..self.kept };
        tx.execute(
            "INSERT OR REPLACE INTO records VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                self.observed.as_bytes(),
                self.call.as_bytes(),
                self.set.as_bytes(),
                kept.output.as_bytes(),
                kept.kind_number(),
                cost,
                kept.seal(self.observed).as_bytes(),
                tick,
            ],
        )?;
        tx.execute(
            "INSERT OR REPLACE INTO sets VALUES (?1, ?2, ?3, ?4)",
            params![self.call.as_bytes(), self.set.as_bytes(), self.answers.0, tick],
        )?;
        let mut grown = ROW_BYTES + length(self.answers.0.len());
        for (digest, bytes) in [(self.set, self.set_bytes), (kept.output, self.output_bytes)] {
            let row = params![digest.as_bytes(), length(bytes)];
            if tx.execute("INSERT OR IGNORE INTO blobs VALUES (?1, ?2)", row)? == 1 {
                grown += length(bytes);
            }
        }
        tx.execute("UPDATE totals SET bytes = bytes + ?1", [grown])?;
        self.drop_oldest_sets(tx)
    }

    fn drop_oldest_sets(&self, tx: &Transaction<'_>) -> rusqlite::Result<()> {
        let sets = Call::read_all_sets(tx, self.call)?;
        for set in sets.into_iter().skip(SETS_MAX) {
            Call::forget_set(tx, self.call, set)?;
        }
        Ok(())
    }
}

impl Call {
    fn read_all_sets(tx: &Transaction<'_>, call: Digest) -> rusqlite::Result<Vec<Digest>> {
        let mut sets =
            tx.prepare_cached("SELECT questions FROM sets WHERE call = ?1 ORDER BY used DESC")?;
        let rows = sets.query_map([call.as_bytes()], |row| Ok(Digest::from_bytes(row.get(0)?)))?;
        rows.collect()
    }
}

/// A number larger than all before it: the order of use, without a clock.
fn tick(tx: &Transaction<'_>) -> rusqlite::Result<i64> {
    tx.query_row("UPDATE totals SET tick = tick + 1 RETURNING tick", [], |row| row.get(0))
}

fn length(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// The bytes that were written since the last eviction, and those that were left by it.
pub(crate) fn bytes_reckoned(connection: &Connection) -> rusqlite::Result<u64> {
    let bytes: i64 = connection.query_row("SELECT bytes FROM totals", [], |row| row.get(0))?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

/// How much is kept.
pub(crate) fn stat(connection: &Connection) -> rusqlite::Result<Stat> {
    let count = |sql: &str| -> rusqlite::Result<u64> {
        let number: i64 = connection.query_row(sql, [], |row| row.get(0))?;
        Ok(u64::try_from(number).unwrap_or(0))
    };
    Ok(Stat {
        calls: count("SELECT count(DISTINCT call) FROM sets")?,
        sets: count("SELECT count(*) FROM sets")?,
        entries: count("SELECT count(*) FROM records")?,
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
    while kept > length(usize::try_from(low).unwrap_or(usize::MAX)) {
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

/// Forgets sets without records and blobs without either; returns the bytes that are left.
fn take_unused(tx: &Transaction<'_>, unused: &mut Vec<Digest>) -> rusqlite::Result<i64> {
    tx.execute(
        "DELETE FROM sets WHERE NOT EXISTS (SELECT 1 FROM records
         WHERE records.call = sets.call AND records.questions = sets.questions)",
        [],
    )?;
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
