//! Who may work on a run. The row of a lease is also what all acts on one run lock first.

use std::time::Duration;

use crate::database::{Transaction, Value};
use crate::{Lease, LedgerError, Moment, Name, RunId, TTL_MAX};

/// Takes the lease, unless somebody's has not ended who is not known to be gone.
pub(super) fn take(
    tx: &mut dyn Transaction,
    run: &RunId,
    holder: &Name,
    ttl: Duration,
    seat: Option<&Name>,
) -> Result<Lease, LedgerError> {
    let now = tx.now()?;
    // There must be a row to lock: of two that come first, one waits here for the other.
    let row = "INSERT INTO leases (run, fence, holder, until_ms) VALUES ($1, 0, '', NULL)
        ON CONFLICT (run) DO NOTHING";
    tx.rows(row, &[run.as_str().into()])?;
    if let Some(held) = read(tx, run)?
        && let Some(until) = held.until
        && now < until
        && until <= now.after(TTL_MAX)
        && !seat.is_some_and(|seat| held.holder.ends_with(seat.as_str()))
    {
        return Err(LedgerError::Held { run: run.clone(), by: held.holder, until });
    }
    let count = tx.rows("UPDATE meta SET fence = fence + 1 WHERE id = 1 RETURNING fence", &[])?;
    let Some(count) = count.first() else {
        return Err(LedgerError::damaged("the table `meta` has no row"));
    };
    let fence = count.number(0)?;
    let taken = "UPDATE leases SET fence = $1, holder = $2, until_ms = $3 WHERE run = $4";
    let values =
        [fence.into(), holder.as_str().into(), end(now, ttl).0.into(), run.as_str().into()];
    tx.rows(taken, &values)?;
    Ok(Lease::new(run.clone(), fence))
}

/// Moves the end of a lease.
pub(super) fn renew(
    tx: &mut dyn Transaction,
    lease: &Lease,
    ttl: Duration,
) -> Result<(), LedgerError> {
    holder(tx, lease)?;
    let until = end(tx.now()?, ttl);
    let renewed = "UPDATE leases SET until_ms = $1 WHERE run = $2 AND fence = $3";
    tx.rows(renewed, &[until.0.into(), lease.run().as_str().into(), lease.fence().into()])?;
    Ok(())
}

/// Ends a lease, if it is still the last one.
pub(super) fn release(tx: &mut dyn Transaction, lease: &Lease) -> Result<(), LedgerError> {
    let released = "UPDATE leases SET until_ms = NULL WHERE run = $1 AND fence = $2";
    tx.rows(released, &[lease.run().as_str().into(), lease.fence().into()])?;
    Ok(())
}

/// Who holds the lease, which is locked until the end of the transaction.
///
/// A lease whose time is over is good until somebody takes it: who takes it sees all that was
/// reserved under it.
pub(super) fn holder(tx: &mut dyn Transaction, lease: &Lease) -> Result<String, LedgerError> {
    match read(tx, lease.run())? {
        Some(held) if held.fence == lease.fence() && held.until.is_some() => Ok(held.holder),
        Some(_) | None => {
            Err(LedgerError::LeaseLost { run: lease.run().clone(), fence: lease.fence() })
        }
    }
}

/// A row of the table.
struct Held {
    fence: u64,
    holder: String,
    /// `None` once it was given back.
    until: Option<Moment>,
}

fn read(tx: &mut dyn Transaction, run: &RunId) -> Result<Option<Held>, LedgerError> {
    let sql = "SELECT fence, holder, until_ms FROM leases WHERE run = $1";
    let rows = tx.locked_rows(sql, &[Value::from(run.as_str())])?;
    let held = rows.first().map(|row| {
        Ok(Held {
            fence: row.number(0)?,
            holder: row.text(1)?.to_owned(),
            until: row.optional_number(2)?.map(Moment),
        })
    });
    held.transpose()
}

fn end(now: Moment, ttl: Duration) -> Moment {
    now.after(ttl.min(TTL_MAX))
}
