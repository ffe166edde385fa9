//! Rows of outputs: reading one, and writing one with all that it refers to.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use snapshot::Digest;

use super::calls::{Known, Set, is_volatile, volatile_seal};
use super::{read, stored, tick};
use crate::machine::MachineKey;
use crate::trust::{Origin, Trust};
use crate::{Call, Output, Proof, Record, Stored};

/// What a row of the index is reckoned at, beside the answers in it.
pub(super) const ROW_BYTES: i64 = 1024;

const COLUMNS: &str =
    "observed, call, questions, output, bytes, kind, cost, domain, proof, seal, shared";

/// What decides whether a row is believed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beliefs<'a> {
    pub(crate) key: &'a MachineKey,
    pub(crate) trust: &'a Trust,
}

/// A row as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) record: Record,
    /// Where it came from, if not from a call of this machine.
    pub(crate) origin: Option<Origin>,
    /// Whether this machine wrote it.
    pub(crate) is_ours: bool,
    /// The domain that it was last shared with; empty if with none.
    pub(crate) shared: String,
}

/// Whether a row may be served.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "it lives for one match")]
pub(crate) enum Served {
    Yes(Kept),
    /// Somebody kept it who is not believed.
    Unproven,
    Missing,
}

/// A record to be, with all that it refers to.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) call: &'a Call,
    pub(crate) record: Record,
    pub(crate) origin: Option<&'a Origin>,
    pub(crate) set: &'a Set,
    pub(crate) set_bytes: u64,
}

impl Kept {
    /// The row under `observed`.
    pub(crate) fn read(
        connection: &Connection,
        observed: Digest,
        beliefs: Beliefs<'_>,
    ) -> rusqlite::Result<Option<Self>> {
        let mut query = connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM records WHERE observed = ?1"))?;
        query.query_row([observed.as_bytes()], |row| Self::of_row(row, beliefs)).optional()
    }

    /// The row under `observed`, if it may be served for the call.
    pub(crate) fn serve(
        connection: &Connection,
        observed: Digest,
        component: Digest,
        beliefs: Beliefs<'_>,
    ) -> rusqlite::Result<Served> {
        Ok(match Self::read(connection, observed, beliefs)? {
            None => Served::Missing,
            Some(kept) if kept.is_believed(component, beliefs) => Served::Yes(kept),
            Some(_) => Served::Unproven,
        })
    }

    /// Every row, in the order of their keys, `most` of them after `after`.
    pub(crate) fn page(
        connection: &Connection,
        after: Option<Digest>,
        most: u32,
        beliefs: Beliefs<'_>,
    ) -> rusqlite::Result<Vec<Self>> {
        let mut query = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM records WHERE observed > ?1 ORDER BY observed LIMIT ?2"
        ))?;
        let after = after.map_or_else(Vec::new, |digest| digest.as_bytes().to_vec());
        let rows = query.query_map(params![after, most], |row| Self::of_row(row, beliefs))?;
        rows.collect()
    }

    /// Whether it may be served as the output of a call of this component.
    pub(crate) fn is_believed(&self, component: Digest, beliefs: Beliefs<'_>) -> bool {
        let trust = beliefs.trust;
        match (&self.origin, self.is_ours) {
            (None, is_ours) => is_ours && !trust.revoked.components.contains(&component),
            (Some(origin), true) => trust.still_believes(origin, component),
            (Some(origin), false) => {
                trust.believes_anywhere(&self.record, &origin.proof, component)
            }
        }
    }

    fn of_row(row: &Row<'_>, beliefs: Beliefs<'_>) -> rusqlite::Result<Self> {
        let digest = |at: usize| row.get(at).map(Digest::from_bytes);
        let kind: i64 = row.get(5)?;
        let (domain, proof): (Option<String>, Option<String>) = (row.get(7)?, row.get(8)?);
        let proof = proof.and_then(|proof| serde_json::from_str::<Proof>(&proof).ok());
        let record = Record {
            observed: digest(0)?,
            call: digest(1)?,
            questions: digest(2)?,
            output: digest(3)?,
            bytes: read(row.get(4)?),
            kind: if kind == 0 { Output::Answer } else { Output::Refusal },
            cost_us: read(row.get(6)?),
        };
        let origin = domain.zip(proof).map(|(domain, proof)| Origin { domain, proof });
        let is_ours = i64::from(record.kind.number()) == kind
            && seal(&record, origin.as_ref(), beliefs) == digest(9)?;
        Ok(Self { record, origin, is_ours, shared: row.get(10)? })
    }

    /// Forgets the row under `observed`.
    pub(crate) fn forget(connection: &Connection, observed: Digest) -> rusqlite::Result<()> {
        connection.execute("DELETE FROM records WHERE observed = ?1", [observed.as_bytes()])?;
        Ok(())
    }

    /// Notes with which domain the row under `observed` was shared.
    pub(crate) fn note_shared(
        connection: &Connection,
        observed: Digest,
        domain: &str,
    ) -> rusqlite::Result<()> {
        connection.execute(
            "UPDATE records SET shared = ?1 WHERE observed = ?2",
            params![domain, observed.as_bytes()],
        )?;
        Ok(())
    }

    /// Marks a row and its set as the ones that were of use last.
    pub(crate) fn touch(tx: &Transaction<'_>, record: &Record) -> rusqlite::Result<()> {
        let tick = tick(tx)?;
        tx.prepare_cached("UPDATE records SET used = ?1 WHERE observed = ?2")?
            .execute(params![tick, record.observed.as_bytes()])?;
        tx.prepare_cached("UPDATE sets SET used = ?1 WHERE call = ?2 AND questions = ?3")?
            .execute(params![tick, record.call.as_bytes(), record.questions.as_bytes()])?;
        Ok(())
    }
}

/// Ties what a row says together, so that a flipped bit or a stranger's row is not another output.
fn seal(record: &Record, origin: Option<&Origin>, beliefs: Beliefs<'_>) -> Digest {
    let record = record.digest();
    let context = "stepwell 2026-11 record row v2";
    match origin {
        None => beliefs.key.seal(context, &[record.as_bytes()]),
        Some(Origin { domain, proof }) => {
            let signer = proof.signer.to_string();
            let parts: [&[u8]; 4] =
                [record.as_bytes(), domain.as_bytes(), signer.as_bytes(), proof.run.as_bytes()];
            beliefs.key.seal(context, &parts)
        }
    }
}

impl Entry<'_> {
    /// Writes the record, unless its tool is volatile or turns out to be.
    pub(crate) fn keep(
        &self,
        connection: &mut Connection,
        beliefs: Beliefs<'_>,
    ) -> rusqlite::Result<Stored> {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let component = self.call.identity().component;
        if is_volatile(&tx, self.call.tool(), beliefs)? {
            return Ok(Stored::Volatile);
        }
        let known = Kept::serve(&tx, self.record.observed, component, beliefs)?;
        let stored = match known {
            Served::Missing | Served::Unproven => Stored::New,
            Served::Yes(Kept { record, .. })
                if (record.output, record.kind) == (self.record.output, self.record.kind) =>
            {
                Stored::Known
            }
            // A stranger's word does not end the service of what was computed here.
            Served::Yes(_) if let Some(origin) = self.origin => {
                return Ok(Stored::Contradicted(Box::new(origin.clone())));
            }
            // Who computed it here knows better than who was believed for it.
            Served::Yes(Kept { origin: Some(origin), .. }) => {
                self.write(&tx, beliefs)?;
                tx.commit()?;
                return Ok(Stored::Contradicted(Box::new(origin)));
            }
            Served::Yes(_) => {
                self.give_up(&tx, beliefs)?;
                tx.commit()?;
                return Ok(Stored::Volatile);
            }
        };
        self.write(&tx, beliefs)?;
        tx.commit()?;
        Ok(stored)
    }

    /// Two outputs for the same answers: nothing of the tool is served any more.
    fn give_up(&self, tx: &Transaction<'_>, beliefs: Beliefs<'_>) -> rusqlite::Result<()> {
        let tool = self.call.tool();
        tx.execute(
            "INSERT OR REPLACE INTO volatile VALUES (?1, ?2)",
            params![tool.as_bytes(), volatile_seal(tool, beliefs).as_bytes()],
        )?;
        let of_tool = "call IN (SELECT call FROM calls WHERE tool = ?1)";
        for table in ["records", "sets", "calls"] {
            tx.execute(&format!("DELETE FROM {table} WHERE {of_tool}"), [tool.as_bytes()])?;
        }
        Ok(())
    }

    fn write(&self, tx: &Transaction<'_>, beliefs: Beliefs<'_>) -> rusqlite::Result<()> {
        let tick = tick(tx)?;
        // What SQLite cannot hold is cut, and sealed as cut.
        let cut = |number: u64| read(stored(number));
        let record = Record {
            bytes: cut(self.record.bytes),
            cost_us: cut(self.record.cost_us),
            ..self.record
        };
        let origin = self.origin;
        let proof = origin.map(|origin| serde_json::to_string(&origin.proof));
        let proof = proof.transpose().expect("a proof is plain data");
        tx.prepare_cached(&format!(
            "INSERT OR REPLACE INTO records ({COLUMNS}, used)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
        ))?
        .execute(params![
            record.observed.as_bytes(),
            record.call.as_bytes(),
            record.questions.as_bytes(),
            record.output.as_bytes(),
            stored(record.bytes),
            i64::from(record.kind.number()),
            stored(record.cost_us),
            origin.map(|origin| &origin.domain),
            proof,
            seal(&record, origin, beliefs).as_bytes(),
            origin.map_or("", |origin| &origin.domain),
            tick,
        ])?;
        let Set { digest, answers } = self.set;
        tx.prepare_cached("INSERT OR REPLACE INTO sets VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(
            params![
                record.call.as_bytes(),
                digest.as_bytes(),
                answers.0,
                tick,
                self.set.seal(record.call, beliefs).as_bytes()
            ],
        )?;
        self.write_call(tx)?;
        self.reckon(tx)?;
        Known::drop_oldest_sets(tx, record.call)
    }

    fn write_call(&self, tx: &Transaction<'_>) -> rusqlite::Result<()> {
        let identity =
            serde_json::to_string(self.call.identity()).expect("an identity is plain data");
        // Replaced, because a damaged one is of no use to anybody.
        tx.prepare_cached("INSERT OR REPLACE INTO calls VALUES (?1, ?2, ?3)")?.execute(params![
            self.call.key().digest().as_bytes(),
            self.call.tool().as_bytes(),
            identity
        ])?;
        Ok(())
    }

    fn reckon(&self, tx: &Transaction<'_>) -> rusqlite::Result<()> {
        let mut grown = ROW_BYTES + stored(self.set.answers.0.len() as u64);
        let blobs = [(self.set.digest, self.set_bytes), (self.record.output, self.record.bytes)];
        for (digest, bytes) in blobs {
            let row = params![digest.as_bytes(), stored(bytes)];
            let new =
                tx.prepare_cached("INSERT OR IGNORE INTO blobs VALUES (?1, ?2)")?.execute(row)?;
            if new == 1 {
                grown += stored(bytes);
            }
        }
        tx.prepare_cached("UPDATE totals SET bytes = bytes + ?1")?.execute([grown])?;
        Ok(())
    }
}
