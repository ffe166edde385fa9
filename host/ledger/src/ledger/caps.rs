//! The caps that are kept in the ledger.

use crate::database::{Row, Transaction, Value};
use crate::{Cap, LedgerError, MicroDollars, Pattern, Period};

/// How many caps there can be: each reservation is held against all of them.
const CAPS_MAX: usize = 1_000;

/// Sets or replaces a cap.
pub(super) fn set(tx: &mut dyn Transaction, cap: &Cap) -> Result<(), LedgerError> {
    if cap.amount > MicroDollars::MAX {
        return Err(LedgerError::TooMuch { amount: cap.amount });
    }
    remove(tx, &cap.scopes, cap.per)?;
    if all(tx)?.len() >= CAPS_MAX {
        return Err(LedgerError::TooManyCaps { most: CAPS_MAX });
    }
    let sql = "INSERT INTO caps (pattern, per, amount) VALUES ($1, $2, $3)";
    let values = [Value::Text(cap.scopes.to_string()), cap.per.name().into(), cap.amount.into()];
    tx.rows(sql, &values).map(drop)
}

/// Removes a cap; whether there was one.
pub(super) fn remove(
    tx: &mut dyn Transaction,
    scopes: &Pattern,
    per: Period,
) -> Result<bool, LedgerError> {
    let sql = "DELETE FROM caps WHERE pattern = $1 AND per = $2 RETURNING pattern";
    let removed = tx.rows(sql, &[Value::Text(scopes.to_string()), per.name().into()])?;
    Ok(!removed.is_empty())
}

/// All caps. One that cannot be read might be the one that counts, so it is damage.
pub(super) fn all(tx: &mut dyn Transaction) -> Result<Vec<Cap>, LedgerError> {
    let rows = tx.rows("SELECT pattern, per, amount FROM caps ORDER BY pattern, per", &[])?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Cap, LedgerError> {
    let (pattern, per) = (row.text(0)?, row.text(1)?);
    Ok(Cap {
        scopes: pattern
            .parse()
            .map_err(|err: crate::BadPattern| LedgerError::Damaged(err.into()))?,
        per: per.parse().map_err(|_| LedgerError::damaged(format!("a cap is per `{per}`")))?,
        amount: row.amount(2)?,
    })
}
