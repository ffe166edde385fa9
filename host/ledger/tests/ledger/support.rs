//! Places for ledgers, and words for what is done with them.

use std::time::Duration;

use ledger::{
    Cap, Caps, Clock, EntryKey, Lease, Ledger, LedgerError, MicroDollars, Moment, Period, Place,
    Reserved, RunId, Scopes, Settlement, Tokens, Usage,
};

use crate::postgres;

/// When clocks of tests begin: some day in 2026.
pub(crate) const START: Moment = Moment(1_795_500_000_000);

/// How long leases of tests last.
pub(crate) const TTL: Duration = Duration::from_secs(60);

/// A place of its own for one test, and a clock.
pub(crate) struct World {
    /// What a person would write behind `--ledger`.
    pub(crate) place: String,
    pub(crate) clock: Clock,
    _folder: Option<tempfile::TempDir>,
}

impl World {
    pub(crate) fn of_a_file() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("state/ledger.sqlite").display().to_string();
        Self { place, clock: Clock::by_hand(START), _folder: Some(folder) }
    }

    /// `None` where there is no PostgreSQL.
    pub(crate) fn of_a_server() -> Option<Self> {
        let place = postgres::database()?;
        Some(Self { place, clock: Clock::by_hand(START), _folder: None })
    }

    /// Another process's view of the same ledger.
    pub(crate) async fn open(&self) -> Ledger {
        self.try_open().await.unwrap()
    }

    pub(crate) async fn try_open(&self) -> Result<Ledger, LedgerError> {
        let place: Place = self.place.parse().unwrap();
        Ledger::open_with(&place, self.clock.clone()).await
    }
}

/// A runtime as the product has one.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

/// Makes a test of each function for each kind of place.
macro_rules! on_each_place {
    ($($name:ident),* $(,)?) => {
        mod file {
            $(#[test]
            fn $name() {
                let world = crate::support::World::of_a_file();
                crate::support::block_on(super::$name(&world));
            })*
        }
        mod server {
            $(#[test]
            fn $name() {
                if let Some(world) = crate::support::World::of_a_server() {
                    crate::support::block_on(super::$name(&world));
                }
            })*
        }
    };
}
pub(crate) use on_each_place;

pub(crate) fn run(name: &str) -> RunId {
    RunId::new(name).unwrap()
}

pub(crate) fn key(turn: u32) -> EntryKey {
    EntryKey { began: 1, turn, retry: 0 }
}

/// A request of pull request 17 of `acme/shop`.
pub(crate) fn scopes() -> Scopes {
    Scopes {
        step: "triage".parse().unwrap(),
        repository: "acme/shop".parse().unwrap(),
        pull_request: Some("17".parse().unwrap()),
        branch: Some("main".parse().unwrap()),
        workflow: None,
        day: "2026-11-24".parse().unwrap(),
    }
}

pub(crate) fn known(spent: u64) -> Usage {
    let tokens = Tokens { input: spent, cached: 0, output: 1 };
    Usage::Known { spent: MicroDollars(spent), tokens }
}

pub(crate) fn settled(charged: u64, excess: u64, known: bool) -> Settlement {
    Settlement { charged: MicroDollars(charged), excess: MicroDollars(excess), known }
}

pub(crate) fn cap(pattern: &str, per: Period, amount: u64) -> Cap {
    Cap { scopes: pattern.parse().unwrap(), per, amount: MicroDollars(amount) }
}

pub(crate) async fn take(ledger: &Ledger, name: &str) -> Lease {
    ledger.take_lease(&run(name), &"somebody".parse().unwrap(), TTL).await.unwrap()
}

pub(crate) async fn reserve(
    ledger: &Ledger,
    lease: &Lease,
    turn: u32,
    most: u64,
) -> Result<Reserved, LedgerError> {
    ledger.reserve(lease, key(turn), &scopes(), MicroDollars(most), &Caps::none()).await
}
