//! Where the runner and the ledger meet: neither knows the other.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ledger::{
    Caps, Day, EntryKey, Ledger, LedgerError, MicroDollars, Name, Place, RunId, Scopes, Tokens,
    Usage,
};
use runner::{Charge, Entry, Later, LedgerRefusal, RunLedger};
use session::budget::Money;
use tokio::sync::Mutex;
use tokio::task::AbortHandle;

/// How long a process may be gone before another one may take its run.
const LEASE_TIME: Duration = Duration::from_secs(90);
/// How often a lease is renewed: twice it may fail.
const RENEWED_EVERY: Duration = Duration::from_secs(30);

/// What a run spends is entered here.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// The run.
    pub(crate) run: RunId,
    /// Who works on it, for whoever comes next.
    pub(crate) holder: Name,
    /// Where it is kept. Who has its lease on this machine is the only one at work there.
    pub(crate) dir: PathBuf,
    /// What the run counts against; the day is that of each request.
    pub(crate) scopes: Scopes,
    /// What the step allows its scopes.
    pub(crate) caps: Caps,
}

/// The ledger, as one run sees it. It is opened when it is first asked, so that a ledger that
/// cannot be opened stops what costs, and nothing else.
#[derive(Debug)]
pub(crate) struct RunBooks {
    place: Place,
    account: Account,
    open: Mutex<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    ledger: Ledger,
    lease: ledger::Lease,
    renewal: Renewal,
}

/// Keeps a lease alive for as long as it lives itself.
#[derive(Debug)]
struct Renewal(AbortHandle);

impl Drop for Renewal {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl RunBooks {
    pub(crate) fn new(place: Place, account: Account) -> Arc<Self> {
        Arc::new(Self { place, account, open: Mutex::new(None) })
    }

    async fn take(&self) -> Result<Open, LedgerError> {
        let ledger = Ledger::open(&self.place).await?;
        let Account { run, holder, dir, .. } = &self.account;
        let seated = seat(dir).and_then(|seat| {
            let holder = Name::new(format!("{holder} at {seat}")).ok()?;
            Some((seat, holder))
        });
        let lease = match seated {
            Some((seat, holder)) => ledger.take_lease_at(&seat, run, &holder, LEASE_TIME).await?,
            None => ledger.take_lease(run, holder, LEASE_TIME).await?,
        };
        let (books, kept) = (ledger.clone(), lease.clone());
        let renewing = tokio::spawn(async move {
            loop {
                tokio::time::sleep(RENEWED_EVERY).await;
                // A lease that is lost shows at the next entry.
                let _lost = books.renew(&kept, LEASE_TIME).await;
            }
        });
        Ok(Open { ledger, lease, renewal: Renewal(renewing.abort_handle()) })
    }

    fn scopes(&self) -> Scopes {
        Scopes { day: Day::of(SystemTime::now()), ..self.account.scopes.clone() }
    }
}

/// What names the directory `dir` of a run among those of all machines since they were started:
/// the runner has locked it by now, so who had it before and did not give its lease back is gone.
/// None where the system does not tell.
fn seat(dir: &Path) -> Option<Name> {
    let started = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let about = std::fs::metadata(dir).ok()?;
    let part = started.split('-').next().unwrap_or_default();
    Name::new(format!("{part}-{:x}-{:x}", about.dev(), about.ino())).ok()
}

fn key(entry: Entry) -> EntryKey {
    let Entry { account, turn, try_number } = entry;
    EntryKey { began: account, turn, retry: try_number.saturating_sub(1) }
}

fn usage(charge: Charge) -> Usage {
    let Charge { spend, usage } = charge;
    let Some(usage) = usage else { return Usage::Unknown };
    Usage::Known {
        spent: MicroDollars(spend.0),
        tokens: Tokens { input: usage.input, cached: usage.cached_input, output: usage.output },
    }
}

/// Whether a request may be sent for which so much is booked.
fn booked(reserved: ledger::Reserved) -> Result<(), LedgerRefusal> {
    match reserved {
        ledger::Reserved::New { .. } | ledger::Reserved::Again { .. } => Ok(()),
        ledger::Reserved::Settled(_) => Err(LedgerRefusal::Settled),
    }
}

fn refusal(err: &LedgerError) -> LedgerRefusal {
    if let LedgerError::Held { by, .. } = err {
        return LedgerRefusal::LeaseLost(by.clone());
    }
    if let LedgerError::LeaseLost { .. } = err {
        return LedgerRefusal::LeaseLost("another process".to_owned());
    }
    if let LedgerError::Refused(refused) = err {
        let (scope, left) = (refused.scope.to_string(), Money(refused.left.0));
        return LedgerRefusal::Exhausted { scope, left };
    }
    let mut text = err.to_string();
    let mut cause = std::error::Error::source(err);
    while let Some(err) = cause {
        text = format!("{text}: {err}");
        cause = err.source();
    }
    LedgerRefusal::Failed(text)
}

const CLOSED: &str = "it could not be opened";

impl RunLedger for RunBooks {
    fn begin(&self) -> Later<'_, Result<u64, LedgerRefusal>> {
        Box::pin(async move {
            let taken = self.take().await.map_err(|err| refusal(&err))?;
            let fence = taken.lease.fence();
            *self.open.lock().await = Some(taken);
            Ok(fence)
        })
    }

    fn open_entries(&self) -> Later<'_, Result<Vec<Entry>, LedgerRefusal>> {
        Box::pin(async move {
            let open = self.open.lock().await;
            let Some(Open { ledger, .. }) = open.as_ref() else {
                return Err(LedgerRefusal::Failed(CLOSED.to_owned()));
            };
            let entries = ledger.open_entries(Some(&self.account.run)).await;
            let entries = entries.map_err(|err| refusal(&err))?;
            let of = |key: EntryKey| Entry {
                account: key.began,
                turn: key.turn,
                try_number: key.retry.saturating_add(1),
            };
            Ok(entries.into_iter().map(|entry| of(entry.key)).collect())
        })
    }

    fn reserve(&self, entry: Entry, most: Money) -> Later<'_, Result<(), LedgerRefusal>> {
        Box::pin(async move {
            let open = self.open.lock().await;
            let Some(Open { ledger, lease, .. }) = open.as_ref() else {
                return Err(LedgerRefusal::Failed(CLOSED.to_owned()));
            };
            let (key, most, scopes) = (key(entry), MicroDollars(most.0), self.scopes());
            let ask = || ledger.reserve(lease, key, &scopes, most, &self.account.caps);
            let reserved = match ask().await {
                // An earlier process set it aside and did not send it: its journal would say so.
                Err(LedgerError::OtherAmount { .. }) => {
                    let freed = ledger.release_entry(lease, key).await;
                    freed.map_err(|err| refusal(&err))?;
                    ask().await
                }
                reserved => reserved,
            };
            booked(reserved.map_err(|err| refusal(&err))?)
        })
    }

    fn settle(&self, entry: Entry, charge: Charge) -> Later<'_, Result<(), LedgerRefusal>> {
        Box::pin(async move {
            let open = self.open.lock().await;
            let Some(Open { ledger, lease, .. }) = open.as_ref() else {
                return Err(LedgerRefusal::Failed(CLOSED.to_owned()));
            };
            match ledger.settle(lease, key(entry), usage(charge)).await {
                // An entry of a time when there was no ledger, or another one.
                Ok(_) | Err(LedgerError::NotReserved { .. }) => Ok(()),
                Err(err) => Err(refusal(&err)),
            }
        })
    }

    fn settle_and_reserve<'a>(
        &'a self,
        charges: &'a [(Entry, Charge)],
        entry: Entry,
        most: Money,
    ) -> Later<'a, Result<(), LedgerRefusal>> {
        Box::pin(async move {
            let open = self.open.lock().await;
            let Some(Open { ledger, lease, .. }) = open.as_ref() else {
                return Err(LedgerRefusal::Failed(CLOSED.to_owned()));
            };
            let settled = charges.iter().map(|(entry, charge)| (key(*entry), usage(*charge)));
            let settled: Vec<_> = settled.collect();
            let (key, most, scopes) = (key(entry), MicroDollars(most.0), self.scopes());
            let caps = &self.account.caps;
            let asked = ledger.settle_and_reserve(lease, &settled, key, &scopes, most, caps).await;
            booked(asked.map_err(|err| refusal(&err))?)
        })
    }

    fn release(&self, entry: Entry) -> Later<'_, Result<(), LedgerRefusal>> {
        Box::pin(async move {
            let open = self.open.lock().await;
            let Some(Open { ledger, lease, .. }) = open.as_ref() else { return Ok(()) };
            match ledger.release_entry(lease, key(entry)).await {
                Ok(()) | Err(LedgerError::AlreadySettled { .. }) => Ok(()),
                Err(err) => Err(refusal(&err)),
            }
        })
    }

    fn end(&self) -> Later<'_, ()> {
        Box::pin(async move {
            let Some(Open { ledger, lease, renewal }) = self.open.lock().await.take() else {
                return;
            };
            drop(renewal);
            // A lease that is not given back ends by itself.
            let _ends = ledger.release(&lease).await;
        })
    }
}
