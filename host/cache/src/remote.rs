//! Outputs that machines share, in stores that are read as strangers'.
//!
//! A domain is a place in a store with the keys of those who may vouch for what lies there. Who
//! may write to it is decided by the store's credentials, not here. Two round trips make a hit:
//! how the call has asked, then the record for the answers that are given now.

mod form;
mod health;
mod look;
mod publish;
mod visit;

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use snapshot::Digest;
use store::{Patience, Store};

use crate::cache::lock;
use crate::{Cache, Signer};

use form::CallList;
use health::Health;
pub use publish::Published;
pub use visit::{Visited, Visitor};

/// What one lookup may wait for stores, unless the policy says otherwise.
pub const LOOKUP_WAIT: Duration = Duration::from_millis(300);

/// What sharing a run's outputs may take, unless the policy says otherwise.
pub const PUBLISH_WAIT: Duration = Duration::from_secs(10);

/// Attempts of a request after the first, when outputs are shared. A dead store costs them all, and
/// with their pauses less than a second.
const PUBLISH_RETRIES_MAX: usize = 3;

/// The pause before the first of them; each later one is twice as long.
const PAUSE: Duration = Duration::from_millis(50);

/// Lists that are fetched ahead: the calls that a step makes before the model is asked.
const PREFETCHED_MAX: usize = 64;

/// A place in a store, under the name that [`crate::Trust`] knows it by.
#[derive(Debug, Clone)]
pub struct Domain {
    /// Its name.
    pub name: String,
    /// Where its records lie.
    pub store: Store,
}

/// The domains of a run.
#[derive(Debug)]
pub struct Remote {
    reads: Vec<Source>,
    writes: Option<(Domain, Signer)>,
    lookup: Duration,
    publish: Duration,
    /// What was fetched ahead, by call: the lists in the order of `reads`.
    ahead: Mutex<HashMap<Digest, Vec<(usize, CallList)>>>,
}

#[derive(Debug)]
struct Source {
    /// For lookups.
    domain: Domain,
    /// The same store for those who go through all of it, and have time.
    patient: Store,
    health: Health,
}

impl Remote {
    /// Reads `reads`, the first one first, and writes `writes`. A lookup waits for stores for
    /// `lookup` at most, sharing what a run has made for `publish`.
    pub fn new(
        reads: Vec<Domain>,
        writes: Option<(Domain, Signer)>,
        lookup: Duration,
        publish: Duration,
    ) -> Self {
        let source = |domain: Domain| Source {
            patient: domain.store.clone(),
            domain: hasty(domain, lookup),
            health: Health::default(),
        };
        Self {
            reads: reads.into_iter().map(source).collect(),
            writes: writes.map(|(domain, signer)| (steady(domain, publish), signer)),
            lookup,
            publish,
            ahead: Mutex::default(),
        }
    }

    /// What the operator should read of the stores, each thing once.
    pub fn said(&self) -> Vec<String> {
        self.reads.iter().flat_map(|source| source.health.unsaid()).collect()
    }

    /// The domains that are read.
    pub fn reads(&self) -> impl Iterator<Item = &Domain> {
        self.reads.iter().map(|source| &source.domain)
    }

    /// The domain that is written to.
    pub fn writes(&self) -> Option<&Domain> {
        self.writes.as_ref().map(|(domain, _)| domain)
    }

    fn take_ahead(&self, call: Digest) -> Option<Vec<(usize, CallList)>> {
        lock(&self.ahead).remove(&call)
    }
}

/// Nobody waits for a second attempt of a lookup: a miss is cheaper.
fn hasty(domain: Domain, wait: Duration) -> Domain {
    with_retries(domain, wait, 0)
}

/// A service that says "later" is asked again: what is not shared others compute again.
fn steady(domain: Domain, wait: Duration) -> Domain {
    with_retries(domain, wait, PUBLISH_RETRIES_MAX)
}

fn with_retries(domain: Domain, wait: Duration, retries_max: usize) -> Domain {
    let patience = Patience { attempt: wait, call: wait, retries_max, pause: PAUSE };
    Domain { store: domain.store.with_patience(patience), ..domain }
}

impl Cache {
    /// The same cache, with what others share.
    #[must_use]
    pub fn with_remote(mut self, remote: Remote) -> Self {
        self.remote = Some(remote);
        self
    }

    /// What others share, where there is such a place.
    pub fn remote(&self) -> Option<&Remote> {
        self.remote.as_ref()
    }
}
