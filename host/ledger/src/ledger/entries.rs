//! Entries as rows.

use super::reports::LINES_MAX;
use crate::database::{Row, Transaction, Value};
use crate::{
    EntryKey, LedgerError, MicroDollars, Moment, Name, OpenEntry, RunId, Scopes, Settlement,
};

/// What is read of an entry, in this order.
const COLUMNS: &str = "run, turn, retry, fence, holder, most, reserved_ms, step, repository,
    pull_request, branch, workflow, day, settled_ms, charged, excess, known, began";

/// A request that may have been sent.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) reserved: OpenEntry,
    /// `None` while it is open.
    pub(super) settlement: Option<Settlement>,
}

impl Entry {
    fn read(row: &Row) -> Result<Self, LedgerError> {
        let name = |column| row.text(column).map(str::to_owned).and_then(|it| Ok(Name::new(it)?));
        let optional = |column| match row.text(column) {
            Ok("") => Ok(None),
            Ok(_) | Err(_) => name(column).map(Some),
        };
        let day = row.text(12)?.parse();
        let scopes = Scopes {
            step: name(7)?,
            repository: name(8)?,
            pull_request: optional(9)?,
            branch: optional(10)?,
            workflow: optional(11)?,
            day: day.map_err(|err: crate::BadDay| LedgerError::Damaged(err.into()))?,
        };
        let reserved = OpenEntry {
            run: RunId::new(row.text(0)?)?,
            key: EntryKey {
                began: row.number(17)?,
                turn: row.small_number(1)?,
                retry: row.small_number(2)?,
            },
            fence: row.number(3)?,
            holder: row.text(4)?.to_owned(),
            most: row.amount(5)?,
            since: Moment(row.number(6)?),
            scopes,
        };
        let settlement = match row.optional_number(13)? {
            None => None,
            Some(_) => Some(Settlement {
                charged: row.amount(14)?,
                excess: row.amount(15)?,
                known: row.number(16)? != 0,
            }),
        };
        Ok(Self { reserved, settlement })
    }
}

/// The entry of a request. Its run's lease is locked, so nobody else changes it.
pub(super) fn find(
    tx: &mut dyn Transaction,
    run: &RunId,
    key: EntryKey,
) -> Result<Option<Entry>, LedgerError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM entries
         WHERE run = $1 AND began = $2 AND turn = $3 AND retry = $4"
    );
    let values = [run.as_str().into(), key.began.into(), key.turn.into(), key.retry.into()];
    tx.rows(&sql, &values)?.first().map(Entry::read).transpose()
}

/// The entries nobody settled, of one run or of all.
pub(super) fn open(
    tx: &mut dyn Transaction,
    run: Option<&RunId>,
) -> Result<Vec<OpenEntry>, LedgerError> {
    let (of, values): (_, Vec<Value>) = match run {
        Some(run) => ("AND run = $1", vec![run.as_str().into()]),
        None => ("", Vec::new()),
    };
    let rows = tx.rows(
        &format!(
            "SELECT {COLUMNS} FROM entries WHERE settled_ms IS NULL {of}
             ORDER BY reserved_ms, run, began, turn, retry LIMIT {}",
            LINES_MAX + 1
        ),
        &values,
    )?;
    if rows.len() > LINES_MAX {
        return Err(LedgerError::TooManyLines { most: LINES_MAX });
    }
    rows.iter().map(|row| Entry::read(row).map(|entry| entry.reserved)).collect()
}

/// The open entries of a day.
pub(super) fn open_on(tx: &mut dyn Transaction, day: &str) -> Result<Vec<OpenEntry>, LedgerError> {
    let sql = format!("SELECT {COLUMNS} FROM entries WHERE settled_ms IS NULL AND day = $1");
    let rows = tx.rows(&sql, &[day.into()])?;
    rows.iter().map(|row| Entry::read(row).map(|entry| entry.reserved)).collect()
}

/// Writes a new reservation.
pub(super) fn add(tx: &mut dyn Transaction, entry: &OpenEntry) -> Result<(), LedgerError> {
    let OpenEntry { run, key, most, fence, holder, since, scopes } = entry;
    let Scopes { step, repository, pull_request, branch, workflow, day } = scopes;
    let optional = |name: &Option<Name>| Value::from(name.as_ref().map_or("", Name::as_str));
    let sql = "INSERT INTO entries (run, turn, retry, fence, holder, most, reserved_ms, step,
            repository, pull_request, branch, workflow, day, began)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    let values = [
        run.as_str().into(),
        key.turn.into(),
        key.retry.into(),
        (*fence).into(),
        holder.as_str().into(),
        (*most).into(),
        since.0.into(),
        step.as_str().into(),
        repository.as_str().into(),
        optional(pull_request),
        optional(branch),
        optional(workflow),
        day.as_str().into(),
        key.began.into(),
    ];
    tx.rows(sql, &values).map(drop)
}

/// Writes what was charged.
pub(super) fn close(
    tx: &mut dyn Transaction,
    entry: &OpenEntry,
    settlement: Settlement,
    tokens: crate::Tokens,
) -> Result<(), LedgerError> {
    let now = tx.now()?;
    let sql = "UPDATE entries SET settled_ms = $1, charged = $2, excess = $3, known = $4,
            input = $5, cached = $6, output = $7
        WHERE run = $8 AND began = $9 AND turn = $10 AND retry = $11";
    let bounded = |tokens: u64| Value::from(tokens.min(TOKENS_MAX));
    let values = [
        now.0.into(),
        settlement.charged.into(),
        settlement.excess.min(MicroDollars::MAX).into(),
        u64::from(settlement.known).into(),
        bounded(tokens.input),
        bounded(tokens.cached),
        bounded(tokens.output),
        entry.run.as_str().into(),
        entry.key.began.into(),
        entry.key.turn.into(),
        entry.key.retry.into(),
    ];
    tx.rows(sql, &values).map(drop)
}

/// More tokens than any model takes in one request: a server that says more is not believed, and
/// sums of very many still fit the database's numbers.
const TOKENS_MAX: u64 = 1_000_000_000;

/// Takes a reservation out again.
pub(super) fn remove(tx: &mut dyn Transaction, entry: &OpenEntry) -> Result<(), LedgerError> {
    let sql = "DELETE FROM entries WHERE run = $1 AND began = $2 AND turn = $3 AND retry = $4";
    let key = entry.key;
    let values = [entry.run.as_str().into(), key.began.into(), key.turn.into(), key.retry.into()];
    tx.rows(sql, &values).map(drop)
}
