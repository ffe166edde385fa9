//! Finding an output wherever it may be: here, then where others share theirs; and seeing to it
//! that only one computes what is nowhere.

use std::sync::Arc;

use snapshot::View;
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::{Cache, Call, Flight, Hit, Lookup, Why};

/// What came of looking everywhere.
#[derive(Debug)]
pub enum Found {
    /// An output.
    Hit(Hit),
    /// None. Whoever asked computes it, and drops the flight when it is stored.
    Miss {
        /// Why there is none.
        why: Why,
        /// Others who want the same output wait for this to be dropped.
        flight: Flight,
    },
}

impl Cache {
    /// The output of the call from wherever there is one. A miss is the caller's to compute.
    pub async fn find(&self, call: &Call, view: &Arc<View>) -> Found {
        let why = match blocking(|| self.lookup(call, view)) {
            Lookup::Hit(hit) => return Found::Hit(hit),
            Lookup::Miss(why) => why,
        };
        let flight = self.flights.join(call.key()).await;
        if flight.has_waited()
            && let Lookup::Hit(hit) = blocking(|| self.lookup(call, view))
        {
            return Found::Hit(hit);
        }
        if why != Why::Volatile
            && let Some(remote) = self.remote()
            && let Some(hit) = remote.look(self, call, view).await
        {
            return Found::Hit(hit);
        }
        Found::Miss { why, flight }
    }
}

/// Does what may take a while, without keeping the other tasks of this thread.
pub(crate) fn blocking<T>(act: impl FnOnce() -> T) -> T {
    let flavor = Handle::try_current().map(|runtime| runtime.runtime_flavor());
    if flavor.is_ok_and(|flavor| flavor == RuntimeFlavor::MultiThread) {
        tokio::task::block_in_place(act)
    } else {
        act()
    }
}
