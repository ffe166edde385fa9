//! What time it is. Leases end by it, and by nothing else.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A point in time, in milliseconds since 1970 (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub u64);

impl Moment {
    /// The moment `span` later.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The same for who speaks of time to the system.
    pub fn to_system(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Beyond the year 9999 there is no such text.
        const LAST: u64 = 253_402_300_799_000;
        write!(f, "{}", humantime::format_rfc3339_seconds(Self(self.0.min(LAST)).to_system()))
    }
}

/// Who says what time it is.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<AtomicU64>>);

impl Clock {
    /// The clock of the place: the database server's, which all machines share, or for a file this
    /// machine's.
    pub fn of_the_place() -> Self {
        Self(None)
    }

    /// A clock that stands at `start` until it is moved by hand. Clones are the same clock.
    pub fn by_hand(start: Moment) -> Self {
        Self(Some(Arc::new(AtomicU64::new(start.0))))
    }

    /// Moves a clock by hand; one of the place cannot be moved.
    pub fn advance(&self, span: Duration) {
        if let Some(hand) = &self.0 {
            let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
            hand.fetch_add(millis, Ordering::SeqCst);
        }
    }

    /// The time, if this clock says it and not the place.
    pub(crate) fn by_its_hand(&self) -> Option<Moment> {
        self.0.as_ref().map(|hand| Moment(hand.load(Ordering::SeqCst)))
    }
}

/// The time of this machine.
#[expect(clippy::disallowed_methods, reason = "the one look at the machine's clock")]
pub(crate) fn machine_time() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
