//! What one request reserves and costs.

use std::fmt;

use crate::{MicroDollars, Moment, RunId, Scopes};

/// Which request of a run. The run is the lease's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryKey {
    /// The fence of the lease under which the run began: the same step on the same commit may begin
    /// again, and then pays again.
    pub began: u64,
    /// Which turn.
    pub turn: u32,
    /// Which sending of that turn; 0 for the first.
    pub retry: u32,
}

impl fmt::Display for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.retry {
            0 => write!(f, "turn {}", self.turn),
            retry => write!(f, "turn {}, retry {retry}", self.turn),
        }
    }
}

/// Tokens of one request, as the provider counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    /// All tokens sent, cached ones included.
    pub input: u64,
    /// Those of them that the provider had cached.
    pub cached: u64,
    /// All tokens made, reasoning included.
    pub output: u64,
}

/// What is known of what a request cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// The provider said it.
    Known {
        /// What it cost.
        spent: MicroDollars,
        /// What it took.
        tokens: Tokens,
    },
    /// Nobody said it, or it is not known whether the request arrived: charged at what was
    /// reserved.
    Unknown,
}

/// What came of asking for a reservation. What cannot be had is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserved {
    /// It was made now.
    New {
        /// How much is set aside.
        most: MicroDollars,
    },
    /// It stood there already, and is open. With another `fence` than the lease's another process
    /// made it, and may have sent the request: settle it as [`Usage::Unknown`], and reserve the
    /// next retry.
    Again {
        /// How much is set aside.
        most: MicroDollars,
        /// The lease under which it was made.
        fence: u64,
    },
    /// The request was made and paid for already: there is nothing to send.
    Settled(Settlement),
}

/// What was charged for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    /// What was charged; never more than was reserved.
    pub charged: MicroDollars,
    /// What the request is said to have cost beyond its reservation. It counts against the caps
    /// like what was charged, and may pass them: then nothing more is sent.
    pub excess: MicroDollars,
    /// Whether somebody said what it cost; if not, it was charged at what was reserved.
    pub known: bool,
}

impl Settlement {
    /// All that the request is said to have cost.
    #[must_use]
    pub fn spent(&self) -> MicroDollars {
        self.charged.plus(self.excess)
    }
}

/// A reservation that nobody settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenEntry {
    /// The run.
    pub run: RunId,
    /// The request.
    pub key: EntryKey,
    /// What is set aside.
    pub most: MicroDollars,
    /// The lease under which it was made.
    pub fence: u64,
    /// Who held it.
    pub holder: String,
    /// When it was made.
    pub since: Moment,
    /// What it counts against.
    pub scopes: Scopes,
}
