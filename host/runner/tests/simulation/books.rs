//! A ledger that several runs share: it refuses, fails and loses leases as the seed says, and
//! checks itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runner::{Charge, Entry, Later, LedgerRefusal, RunLedger};
use session::budget::Money;
use tokio::time::Instant;

use crate::dice::Dice;
use crate::world::Story;

/// How long a lease is good without being renewed.
const LEASE_TIME: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Books {
    cap: u64,
    /// What other runs have spent and reserved.
    others: u64,
    reserved: BTreeMap<Entry, u64>,
    settled: BTreeMap<Entry, u64>,
    fence: u64,
    holder: Option<(u64, Instant)>,
    /// A promise that was broken.
    broken: Option<String>,
}

impl Books {
    fn reserve(&mut self, entry: Entry, most: Money, story: &Story) -> Result<(), LedgerRefusal> {
        if self.settled.contains_key(&entry) {
            story.fault("paid elsewhere");
            return Err(LedgerRefusal::Settled);
        }
        let held = self.reserved.remove(&entry);
        let mine: u64 = self.reserved.values().chain(self.settled.values()).sum();
        let left = self.cap - self.others - mine;
        if most.0 > left {
            story.fault("ledger refused");
            self.reserved.extend(held.map(|held| (entry, held)));
            let (scope, left) = ("repository".to_owned(), Money(left));
            return Err(LedgerRefusal::Exhausted { scope, left });
        }
        self.reserved.insert(entry, most.0);
        self.check();
        Ok(())
    }

    /// Who claims more than was set aside gets that, as in the real one.
    fn settle(&mut self, entry: Entry, charge: Charge) {
        // An entry that is not there was given back by a process that knew that nothing was sent,
        // and whose journal did not get here.
        if let Some(most) = self.reserved.remove(&entry) {
            self.settled.insert(entry, charge.spend.0.min(most));
        }
        self.check();
    }

    fn check(&mut self) {
        let mine: u64 = self.reserved.values().chain(self.settled.values()).sum();
        if mine + self.others > self.cap {
            self.broken = Some(format!("{mine} + {} is more than {}", self.others, self.cap));
        }
    }
}

/// The ledger itself, which outlives every process.
#[derive(Debug, Clone)]
pub(crate) struct SimLedger(Arc<Mutex<Books>>);

impl SimLedger {
    pub(crate) fn new(cap: u64) -> Self {
        Self(Arc::new(Mutex::new(Books {
            cap,
            others: 0,
            reserved: BTreeMap::new(),
            settled: BTreeMap::new(),
            fence: 0,
            holder: None,
            broken: None,
        })))
    }

    /// Others spend as much as they can, up to `most`.
    pub(crate) fn others_spend(&self, most: u64) {
        let mut books = self.0.lock().unwrap();
        let mine: u64 = books.reserved.values().chain(books.settled.values()).sum();
        books.others += most.min(books.cap - mine - books.others);
        books.check();
    }

    /// The lease of whoever has it is over.
    pub(crate) fn forget_holder(&self) {
        self.0.lock().unwrap().holder = None;
    }

    pub(crate) fn broken(&self) -> Option<String> {
        self.0.lock().unwrap().broken.clone()
    }

    /// What it holds against this run, settled and still reserved: in all, and since it began
    /// under this lease.
    pub(crate) fn totals(&self, account: u64) -> [(u64, u64); 2] {
        let books = self.0.lock().unwrap();
        [None, Some(account)].map(|account| {
            let sum = |entries: &BTreeMap<Entry, u64>| {
                let of = |entry: &&Entry| account.is_none_or(|account| entry.account == account);
                entries.keys().filter(of).map(|entry| entries[entry]).sum()
            };
            (sum(&books.settled), sum(&books.reserved))
        })
    }

    /// What one process sees of it.
    pub(crate) fn of_process(&self, dice: Dice, faults: u64, story: Story) -> Arc<dyn RunLedger> {
        Arc::new(OfProcess { books: self.clone(), fence: Mutex::new(0), dice, faults, story })
    }
}

#[derive(Debug)]
struct OfProcess {
    books: SimLedger,
    fence: Mutex<u64>,
    dice: Dice,
    faults: u64,
    story: Story,
}

impl OfProcess {
    /// Takes its time, and fails now and then.
    async fn wait(&self) -> Result<(), LedgerRefusal> {
        tokio::time::sleep(Duration::from_millis(self.dice.below(30))).await;
        if self.dice.chance(self.faults / 4) {
            self.story.fault("ledger failed");
            return Err(LedgerRefusal::Failed("the disk is on fire".to_owned()));
        }
        Ok(())
    }

    /// A process whose lease another one took may write nothing.
    fn is_mine(&self, books: &mut Books) -> Result<(), LedgerRefusal> {
        let fence = *self.fence.lock().unwrap();
        if fence == 0 {
            return Err(LedgerRefusal::Failed("it could not be opened".to_owned()));
        }
        if books.fence != fence {
            self.story.fault("lease lost");
            return Err(LedgerRefusal::LeaseLost("another process".to_owned()));
        }
        Ok(())
    }
}

impl RunLedger for OfProcess {
    fn begin(&self) -> Later<'_, Result<u64, LedgerRefusal>> {
        Box::pin(async move {
            self.wait().await?;
            let mut books = self.books.0.lock().unwrap();
            if let Some((holder, until)) = books.holder
                && until > Instant::now()
            {
                return Err(LedgerRefusal::LeaseLost(format!("process {holder}")));
            }
            books.fence += 1;
            let fence = books.fence;
            books.holder = Some((fence, Instant::now() + LEASE_TIME));
            *self.fence.lock().unwrap() = fence;
            Ok(fence)
        })
    }

    fn open_entries(&self) -> Later<'_, Result<Vec<Entry>, LedgerRefusal>> {
        Box::pin(async move {
            self.wait().await?;
            Ok(self.books.0.lock().unwrap().reserved.keys().copied().collect())
        })
    }

    fn reserve(&self, entry: Entry, most: Money) -> Later<'_, Result<(), LedgerRefusal>> {
        Box::pin(async move {
            self.wait().await?;
            let mut books = self.books.0.lock().unwrap();
            self.is_mine(&mut books)?;
            books.reserve(entry, most, &self.story)
        })
    }

    fn settle(&self, entry: Entry, charge: Charge) -> Later<'_, Result<(), LedgerRefusal>> {
        Box::pin(async move {
            self.wait().await?;
            let mut books = self.books.0.lock().unwrap();
            self.is_mine(&mut books)?;
            books.settle(entry, charge);
            Ok(())
        })
    }

    fn settle_and_reserve<'a>(
        &'a self,
        charges: &'a [(Entry, Charge)],
        entry: Entry,
        most: Money,
    ) -> Later<'a, Result<(), LedgerRefusal>> {
        Box::pin(async move {
            self.wait().await?;
            {
                let mut books = self.books.0.lock().unwrap();
                self.is_mine(&mut books)?;
                let before = (books.reserved.clone(), books.settled.clone());
                charges.iter().for_each(|(entry, charge)| books.settle(*entry, *charge));
                if let Err(refusal) = books.reserve(entry, most, &self.story) {
                    // All of it or nothing.
                    (books.reserved, books.settled) = before;
                    return Err(refusal);
                }
            }
            // It is done, and nobody hears of it.
            self.wait().await
        })
    }

    fn release(&self, entry: Entry) -> Later<'_, Result<(), LedgerRefusal>> {
        Box::pin(async move {
            self.wait().await?;
            let mut books = self.books.0.lock().unwrap();
            self.is_mine(&mut books)?;
            books.reserved.remove(&entry);
            Ok(())
        })
    }

    fn end(&self) -> Later<'_, ()> {
        Box::pin(async move {
            let mut books = self.books.0.lock().unwrap();
            let fence = *self.fence.lock().unwrap();
            books.holder.take_if(|(holder, _)| *holder == fence);
        })
    }
}
