//! The ledger: what each of its acts does, in one transaction.

mod caps;
mod entries;
mod leases;
mod prune;
mod reports;
mod spending;
mod sums;

use std::panic;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Mutex;

pub use self::prune::{DAILY_DAYS, ENTRY_DAYS, Pruned};
use self::spending::Asked;
use crate::database::{Access, Database, Transaction};
use crate::{
    Cap, Caps, Clock, Day, EntryKey, Filter, Lease, LedgerError, Line, MicroDollars, Name,
    OpenEntry, Pattern, Period, Place, Reserved, RunId, Scopes, Settlement, Usage,
};

/// An open ledger. Clones share it; each act waits for the one before it.
///
/// An act whose future is dropped still takes place: ask again with the same key to learn how it
/// went.
#[derive(Debug, Clone)]
pub struct Ledger {
    database: Arc<Mutex<Database>>,
}

impl Ledger {
    /// Opens the ledger at `place`, and makes it if there is none. Leases end by the place's clock.
    ///
    /// # Errors
    /// When it cannot be reached or read, or is not a ledger that this program knows.
    pub async fn open(place: &Place) -> Result<Self, LedgerError> {
        Self::open_with(place, Clock::of_the_place()).await
    }

    /// Opens the ledger at `place`, with a clock for leases.
    ///
    /// # Errors
    /// As for [`Ledger::open`].
    pub async fn open_with(place: &Place, clock: Clock) -> Result<Self, LedgerError> {
        let (place, runtime) = (place.clone(), Handle::current());
        let database = blocking(move || Database::open(&place, clock, runtime)).await?;
        Ok(Self { database: Arc::new(Mutex::new(database)) })
    }

    /// Takes the lease of a run for `ttl`, at most [`crate::TTL_MAX`]. `holder` is who: shown to
    /// whoever comes next.
    ///
    /// # Errors
    /// [`LedgerError::Held`] while somebody else's lease has not ended; or the ledger fails.
    pub async fn take_lease(
        &self,
        run: &RunId,
        holder: &Name,
        ttl: Duration,
    ) -> Result<Lease, LedgerError> {
        let (run, holder) = (run.clone(), holder.clone());
        self.act(Access::Write, move |tx| leases::take(tx, &run, &holder, ttl, None)).await
    }

    /// The same for a caller who knows that whoever had the run at this `seat` before is gone: a
    /// lease whose holder's name ends with it has not to be waited for. `holder` should end with
    /// it, too.
    ///
    /// # Errors
    /// As for [`Ledger::take_lease`].
    pub async fn take_lease_at(
        &self,
        seat: &Name,
        run: &RunId,
        holder: &Name,
        ttl: Duration,
    ) -> Result<Lease, LedgerError> {
        let (seat, run, holder) = (seat.clone(), run.clone(), holder.clone());
        let take =
            move |tx: &mut dyn Transaction| leases::take(tx, &run, &holder, ttl, Some(&seat));
        self.act(Access::Write, take).await
    }

    /// Gives a lease another `ttl` from now. One that ended and that nobody took is still its
    /// holder's.
    ///
    /// # Errors
    /// [`LedgerError::LeaseLost`] when another process took it; or the ledger fails.
    pub async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<(), LedgerError> {
        let lease = lease.clone();
        self.act(Access::Write, move |tx| leases::renew(tx, &lease, ttl)).await
    }

    /// Gives a lease back, so that nobody has to wait for its end. One that is lost is not ours to
    /// give.
    ///
    /// # Errors
    /// When the ledger fails: the lease then ends by itself.
    pub async fn release(&self, lease: &Lease) -> Result<(), LedgerError> {
        let lease = lease.clone();
        self.act(Access::Write, move |tx| leases::release(tx, &lease)).await
    }

    /// Sets `most` aside for a request, before it is sent, in every scope at once. The same key
    /// gives what is there already.
    ///
    /// # Errors
    /// [`LedgerError::Refused`] when a cap of the step or of the ledger would be passed;
    /// [`LedgerError::LeaseLost`]; [`LedgerError::OtherAmount`] for a key that is there with
    /// another amount; or the ledger fails. Nothing may be sent then.
    pub async fn reserve(
        &self,
        lease: &Lease,
        key: EntryKey,
        scopes: &Scopes,
        most: MicroDollars,
        caps: &Caps,
    ) -> Result<Reserved, LedgerError> {
        let (lease, scopes, caps) = (lease.clone(), scopes.clone(), caps.clone());
        let act = move |tx: &mut dyn Transaction| {
            spending::reserve(tx, &lease, &Asked { key, scopes: &scopes, most, caps: &caps })
        };
        self.act(Access::Write, act).await
    }

    /// Charges for a request what it cost, and frees the rest of its reservation. One that is
    /// settled stays as it was settled first.
    ///
    /// # Errors
    /// [`LedgerError::NotReserved`]; [`LedgerError::LeaseLost`]; or the ledger fails: the
    /// reservation then stands.
    pub async fn settle(
        &self,
        lease: &Lease,
        key: EntryKey,
        usage: Usage,
    ) -> Result<Settlement, LedgerError> {
        let lease = lease.clone();
        self.act(Access::Write, move |tx| spending::settle(tx, &lease, key, usage)).await
    }

    /// Charges for requests that are over and sets `most` aside for the next one, in one act: one
    /// wait for the disk or the server instead of several.
    ///
    /// # Errors
    /// As for [`Ledger::settle`] and [`Ledger::reserve`]. Nothing of it is done then, what could
    /// be settled neither.
    pub async fn settle_and_reserve(
        &self,
        lease: &Lease,
        settled: &[(EntryKey, Usage)],
        key: EntryKey,
        scopes: &Scopes,
        most: MicroDollars,
        caps: &Caps,
    ) -> Result<Reserved, LedgerError> {
        let (lease, scopes, caps) = (lease.clone(), scopes.clone(), caps.clone());
        let settled = settled.to_vec();
        let act = move |tx: &mut dyn Transaction| {
            let asked = Asked { key, scopes: &scopes, most, caps: &caps };
            spending::settle_and_reserve(tx, &lease, &settled, &asked)
        };
        self.act(Access::Write, act).await
    }

    /// Gives a reservation back: its request was certainly not sent. What is not there is given
    /// back already.
    ///
    /// # Errors
    /// [`LedgerError::AlreadySettled`]; [`LedgerError::LeaseLost`]; or the ledger fails.
    pub async fn release_entry(&self, lease: &Lease, key: EntryKey) -> Result<(), LedgerError> {
        let lease = lease.clone();
        self.act(Access::Write, move |tx| spending::release(tx, &lease, key)).await
    }

    /// The reservations that nobody settled: of one run, or of all. Oldest first.
    ///
    /// # Errors
    /// When there are more than a report has lines, or the ledger fails.
    pub async fn open_entries(&self, run: Option<&RunId>) -> Result<Vec<OpenEntry>, LedgerError> {
        let run = run.cloned();
        self.act(Access::Read, move |tx| entries::open(tx, run.as_ref())).await
    }

    /// What was spent, by the given dimensions, in their order; of one line where there are none.
    ///
    /// # Errors
    /// When it would have too many lines, or the ledger fails.
    pub async fn report(
        &self,
        by: &[crate::Dimension],
        filter: &Filter,
    ) -> Result<Vec<Line>, LedgerError> {
        let (by, filter) = (by.to_vec(), filter.clone());
        self.act(Access::Read, move |tx| reports::report(tx, &by, &filter)).await
    }

    /// Sets a cap, for everyone who uses this ledger and from now on. One for the same scopes and
    /// period is replaced.
    ///
    /// # Errors
    /// When there are too many caps, the amount is too large, or the ledger fails.
    pub async fn set_cap(&self, cap: &Cap) -> Result<(), LedgerError> {
        let cap = cap.clone();
        // Alone: a reservation that has read the caps must not come after a lower one.
        self.act(Access::Alone, move |tx| caps::set(tx, &cap)).await
    }

    /// Removes a cap; whether there was one.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn remove_cap(&self, scopes: &Pattern, per: Period) -> Result<bool, LedgerError> {
        let scopes = scopes.clone();
        self.act(Access::Alone, move |tx| caps::remove(tx, &scopes, per)).await
    }

    /// The caps that are kept in the ledger.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn caps(&self) -> Result<Vec<Cap>, LedgerError> {
        self.act(Access::Read, |tx| caps::all(tx)).await
    }

    /// Adds requests up that are older than [`ENTRY_DAYS`] days, and removes what is older than
    /// [`DAILY_DAYS`]. Reservations that nobody settled in all that time are charged in full. Sums
    /// that caps are held against stay right.
    ///
    /// # Errors
    /// When the ledger fails. What was done until then is done.
    pub async fn prune(&self, today: &Day) -> Result<Pruned, LedgerError> {
        let mut pruned = Pruned::default();
        let oldest = today.before(ENTRY_DAYS);
        // A day at a time: others wait meanwhile.
        for _ in 0..prune::FOLDS_MAX {
            let oldest = oldest.clone();
            let folded = self.act(Access::Alone, move |tx| prune::fold_a_day(tx, &oldest)).await?;
            let Some(folded) = folded else { break };
            pruned.requests += folded.requests;
            pruned.charged_in_full += folded.charged_in_full;
        }
        let today = today.clone();
        self.act(Access::Alone, move |tx| prune::forget(tx, &today)).await?;
        Ok(pruned)
    }

    /// Does one act. It waits without a thread until the acts before it are over.
    async fn act<T: Send + 'static>(
        &self,
        access: Access,
        act: impl FnMut(&mut dyn Transaction) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let mut database = Arc::clone(&self.database).lock_owned().await;
        blocking(move || database.transact(access, act)).await
    }
}

/// Does what blocks where it disturbs nobody.
async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, LedgerError> + Send + 'static,
) -> Result<T, LedgerError> {
    match tokio::task::spawn_blocking(act).await {
        Ok(done) => done,
        Err(err) => match err.try_into_panic() {
            Ok(panic) => panic::resume_unwind(panic),
            Err(cancelled) => Err(LedgerError::Unreachable(cancelled.into())),
        },
    }
}
