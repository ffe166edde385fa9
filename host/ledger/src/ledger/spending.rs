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

/// What is to be set aside for a request.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) key: EntryKey,
    pub(super) scopes: &'a Scopes,
    pub(super) most: MicroDollars,
    /// What the step allows its scopes.
    pub(super) caps: &'a Caps,
}

/// Sets the most aside in every scope, or refuses the whole of it.
pub(super) fn reserve(
    tx: &mut dyn Transaction,
    lease: &Lease,
    asked: &Asked<'_>,
) -> Result<Reserved, LedgerError> {
    if asked.most > MicroDollars::MAX {
        return Err(LedgerError::TooMuch { amount: asked.most });
    }
    let holder = leases::holder(tx, lease)?;
    reserve_held(tx, lease, holder, asked)
}

fn reserve_held(
    tx: &mut dyn Transaction,
    lease: &Lease,
    holder: String,
    asked: &Asked<'_>,
) -> Result<Reserved, LedgerError> {
    let Asked { key, scopes, most, caps: given } = *asked;
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

/// Charges what earlier requests cost, and sets the most of the next one aside.
pub(super) fn settle_and_reserve(
    tx: &mut dyn Transaction,
    lease: &Lease,
    settled: &[(EntryKey, Usage)],
    asked: &Asked<'_>,
) -> Result<Reserved, LedgerError> {
    if asked.most > MicroDollars::MAX {
        return Err(LedgerError::TooMuch { amount: asked.most });
    }
    let holder = leases::holder(tx, lease)?;
    let mut open = Vec::new();
    for (key, usage) in settled {
        match entries::find(tx, lease.run(), *key)? {
            Some(Entry { reserved, settlement: None }) => {
                // Named twice it is charged once, by what was said first.
                if open.iter().all(|(entry, _): &(OpenEntry, _)| entry.key != *key) {
                    open.push((reserved, *usage));
                }
            }
            Some(Entry { settlement: Some(_), .. }) => {}
            None => {
                return Err(LedgerError::NotReserved { run: lease.run().clone(), key: *key });
            }
        }
    }
    let others = open.iter().map(|(entry, _)| &entry.scopes);
    let others: Vec<&Scopes> = others.filter(|scopes| *scopes != asked.scopes).collect();
    if !others.is_empty() {
        // A request of yesterday: what both lock is locked at once, in the one order.
        sums::make(tx, asked.scopes)?;
        sums::lock_all(tx, others.into_iter().chain([asked.scopes]))?;
    }
    for (entry, usage) in &open {
        charge(tx, entry, *usage)?;
    }
    reserve_held(tx, lease, holder, asked)
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
