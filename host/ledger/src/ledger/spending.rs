//! Reserve, settle, release. Each locks the run's lease first, then the sums of its scopes.

use super::entries::{self, Entry};
use super::sums::{self, Change};
use super::{caps, leases};
use crate::cap::judge;
use crate::database::Transaction;
use crate::{
    Caps, EntryKey, Lease, LedgerError, MicroDollars, OpenEntry, Reserved, Scopes, Settlement,
    Tokens, Usage,
};

/// Sets `most` aside in every scope, or refuses the whole of it.
pub(super) fn reserve(
    tx: &mut dyn Transaction,
    lease: &Lease,
    key: EntryKey,
    scopes: &Scopes,
    most: MicroDollars,
    given: &Caps,
) -> Result<Reserved, LedgerError> {
    if most > MicroDollars::MAX {
        return Err(LedgerError::TooMuch { amount: most });
    }
    let holder = leases::holder(tx, lease)?;
    if let Some(entry) = entries::find(tx, lease.run(), key)? {
        return again(lease, &entry, most);
    }
    let kept = caps::all(tx)?;
    sums::make(tx, scopes)?;
    judge(&sums::lock(tx, scopes)?, given, &kept, most)?;
    sums::change(tx, scopes, Change::Reserve(most))?;
    let since = tx.now()?;
    let (run, scopes) = (lease.run().clone(), scopes.clone());
    let entry = OpenEntry { run, key, most, fence: lease.fence(), holder, since, scopes };
    entries::add(tx, &entry)?;
    Ok(Reserved::New { most })
}

/// What asking twice for a reservation comes to.
fn again(lease: &Lease, entry: &Entry, asked: MicroDollars) -> Result<Reserved, LedgerError> {
    let OpenEntry { key, most, fence, .. } = entry.reserved;
    match entry.settlement {
        Some(settlement) => Ok(Reserved::Settled(settlement)),
        None if most == asked => Ok(Reserved::Again { most, fence }),
        None => {
            Err(LedgerError::OtherAmount { run: lease.run().clone(), key, reserved: most, asked })
        }
    }
}

/// Charges what a request cost. What is beyond its reservation is kept apart, and counts, too.
pub(super) fn settle(
    tx: &mut dyn Transaction,
    lease: &Lease,
    key: EntryKey,
    usage: Usage,
) -> Result<Settlement, LedgerError> {
    let ours = match leases::holder(tx, lease) {
        Err(lost @ LedgerError::LeaseLost { .. }) => Err(lost),
        held => Ok(held.map(drop)?),
    };
    match entries::find(tx, lease.run(), key)? {
        // To be told again what was charged changes nothing, whoever holds the lease now.
        Some(Entry { settlement: Some(settlement), .. }) => Ok(settlement),
        Some(Entry { reserved, settlement: None }) => {
            ours?;
            charge(tx, &reserved, usage)
        }
        None => {
            ours?;
            Err(LedgerError::NotReserved { run: lease.run().clone(), key })
        }
    }
}

/// Charges an open entry.
pub(super) fn charge(
    tx: &mut dyn Transaction,
    entry: &OpenEntry,
    usage: Usage,
) -> Result<Settlement, LedgerError> {
    let (spent, known, tokens) = match usage {
        Usage::Known { spent, tokens } => (spent, true, tokens),
        Usage::Unknown => (entry.most, false, Tokens::default()),
    };
    let charged = spent.min(entry.most);
    let excess = spent.minus(charged).min(MicroDollars::MAX);
    let settlement = Settlement { charged, excess, known };
    sums::lock(tx, &entry.scopes)?;
    let change = Change::Settle { reserved: entry.most, charged: settlement.spent() };
    sums::change(tx, &entry.scopes, change)?;
    entries::close(tx, entry, settlement, tokens)?;
    Ok(settlement)
}

/// Gives back what was set aside for a request that was not sent.
pub(super) fn release(
    tx: &mut dyn Transaction,
    lease: &Lease,
    key: EntryKey,
) -> Result<(), LedgerError> {
    leases::holder(tx, lease)?;
    match entries::find(tx, lease.run(), key)? {
        None => Ok(()),
        Some(Entry { settlement: Some(_), .. }) => {
            Err(LedgerError::AlreadySettled { run: lease.run().clone(), key })
        }
        Some(Entry { reserved, settlement: None }) => {
            let charged = MicroDollars::ZERO;
            sums::lock(tx, &reserved.scopes)?;
            let change = Change::Settle { reserved: reserved.most, charged };
            sums::change(tx, &reserved.scopes, change)?;
            entries::remove(tx, &reserved)
        }
    }
}
