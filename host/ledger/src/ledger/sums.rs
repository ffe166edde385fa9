//! What each scope has cost: the rows that caps are held against, changed with every entry.

use std::fmt::Write as _;

use crate::cap::Sum;
use crate::database::{Row, Transaction, Value};
use crate::{Dimension, LedgerError, MicroDollars, Period, Scope, Scopes};

/// By how much the sums of a request's scopes change.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    /// So much more is reserved.
    Reserve(MicroDollars),
    /// A reservation ends, and so much of it is spent.
    Settle { reserved: MicroDollars, charged: MicroDollars },
}

/// A row of the table, in the order of its key.
struct Key {
    scope: Scope,
    /// Empty for the sum over all days.
    day: String,
}

/// Columns of the key.
const WIDTH: usize = 4;

/// The sums of all scopes of a request, locked until the end of the transaction.
pub(super) fn lock(tx: &mut dyn Transaction, scopes: &Scopes) -> Result<Vec<Sum>, LedgerError> {
    let keys = keys(scopes);
    let rows = locked(tx, &keys)?;
    let sum = |key: &Key| {
        let row = rows.iter().find(|row| is_of(row, key));
        let row = row.ok_or_else(|| LedgerError::damaged(format!("{} has no sum", key.scope)))?;
        Ok(Sum {
            scope: key.scope.clone(),
            per: if key.day.is_empty() { Period::Total } else { Period::Day },
            reserved: row.amount(4)?,
            settled: row.amount(5)?,
        })
    };
    keys.iter().map(sum).collect()
}

/// The same for several requests, all that is there: at once, so that nobody who locks some of it
/// waits for the rest in another order.
pub(super) fn lock_all<'a>(
    tx: &mut dyn Transaction,
    all: impl Iterator<Item = &'a Scopes>,
) -> Result<(), LedgerError> {
    let keys: Vec<Key> = all.flat_map(keys).collect();
    locked(tx, &keys).map(drop)
}

fn locked(tx: &mut dyn Transaction, keys: &[Key]) -> Result<Vec<Row>, LedgerError> {
    let (tuples, values) = parameters(keys, Vec::new());
    let sql = format!(
        "SELECT dimension, repository, name, day, reserved, settled FROM sums
         WHERE (dimension, repository, name, day) IN (VALUES {tuples})
         ORDER BY dimension, repository, name, day"
    );
    tx.locked_rows(&sql, &values)
}

/// Makes the rows that are missing, so that there is something to lock.
pub(super) fn make(tx: &mut dyn Transaction, scopes: &Scopes) -> Result<(), LedgerError> {
    let keys = keys(scopes);
    let (tuples, values) = parameters(&keys, vec![scopes.day.as_str().into()]);
    let rows = tuples.replace(')', ", 0, 0, $1)");
    let sql = format!(
        "INSERT INTO sums (dimension, repository, name, day, reserved, settled, used)
         VALUES {rows} ON CONFLICT (dimension, repository, name, day) DO NOTHING"
    );
    tx.rows(&sql, &values).map(drop)
}

/// Changes the sums of all scopes of a request, which are locked.
pub(super) fn change(
    tx: &mut dyn Transaction,
    scopes: &Scopes,
    change: Change,
) -> Result<(), LedgerError> {
    let (more, less, charged) = match change {
        Change::Reserve(most) => (most, MicroDollars::ZERO, MicroDollars::ZERO),
        Change::Settle { reserved, charged } => (MicroDollars::ZERO, reserved, charged),
    };
    let first = vec![more.into(), less.into(), charged.into(), scopes.day.as_str().into()];
    let keys = keys(scopes);
    let (tuples, values) = parameters(&keys, first);
    let sql = format!(
        "UPDATE sums SET reserved = reserved + $1 - $2, settled = settled + $3,
             used = CASE WHEN used < $4 THEN $4 ELSE used END
         WHERE (dimension, repository, name, day) IN (VALUES {tuples})
         RETURNING dimension"
    );
    if tx.rows(&sql, &values)?.len() == keys.len() {
        Ok(())
    } else {
        Err(LedgerError::damaged("a scope has no sum"))
    }
}

/// Every row that a request counts in: two for each scope, one for a day.
fn keys(scopes: &Scopes) -> Vec<Key> {
    let found = Dimension::ALL.into_iter().filter_map(|dimension| scopes.of(dimension));
    let mut keys = Vec::new();
    for scope in found {
        if scope.dimension() != Dimension::Day {
            keys.push(Key { scope: scope.clone(), day: scopes.day.as_str().to_owned() });
        }
        keys.push(Key { scope, day: String::new() });
    }
    // All that add rows add them in one order, and so never wait for each other in a circle.
    keys.sort_by(|a, b| columns(a).cmp(&columns(b)));
    keys
}

fn columns(key: &Key) -> [&str; WIDTH] {
    [key.scope.dimension.name(), &key.scope.repository, &key.scope.name, &key.day]
}

/// The keys as `($1, $2, $3, $4), …`, with their values behind those that come first.
fn parameters(keys: &[Key], first: Vec<Value>) -> (String, Vec<Value>) {
    let mut values = first;
    let mut tuples = String::new();
    for key in keys {
        let at = values.len();
        let comma = if tuples.is_empty() { "" } else { ", " };
        write!(tuples, "{comma}(${}, ${}, ${}, ${})", at + 1, at + 2, at + 3, at + 4)
            .expect("a string takes all that is written");
        values.extend(columns(key).map(Value::from));
    }
    (tuples, values)
}

fn is_of(row: &Row, key: &Key) -> bool {
    columns(key).into_iter().enumerate().all(|(at, text)| row.text(at).is_ok_and(|is| is == text))
}
