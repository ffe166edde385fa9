//! Waiting for a moment without going to sleep. To sleep and to be woken, mostly on another processor,
//! costs more than most words between a worker and the process of its step take; but where others
//! want the processors too, to give way costs a whole turn of theirs.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

/// How long is looked again and again, with others let through in between, in microseconds.
const PATIENCE: u64 = 100;

/// Whoever gives way for so many microseconds has met a crowd.
const CROWD: u64 = 1_000;

/// For how many microseconds nobody is patient after that.
const RUSH: u64 = 1_000_000;

static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

/// When the rush is over, in microseconds from the beginning.
static RUSH_ENDS: AtomicU64 = AtomicU64::new(0);

/// Looks until there is something to see, or patience ends. The first look is always taken.
pub(super) fn patiently<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let mut end = None;
    loop {
        if let Some(seen) = look() {
            return Some(seen);
        }
        let now = micros();
        if now >= *end.get_or_insert(now + PATIENCE) || now < RUSH_ENDS.load(Ordering::Relaxed) {
            return None;
        }
        thread::yield_now();
        let back = micros();
        if back - now >= CROWD {
            RUSH_ENDS.store(back + RUSH, Ordering::Relaxed);
        }
    }
}

fn micros() -> u64 {
    u64::try_from(BEGINNING.elapsed().as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_seen_and_what_never_comes_is_not_waited_for() {
        let mut looks = 0;
        let seen = patiently(|| {
            looks += 1;
            Some(looks)
        });
        assert_eq!(seen, Some(1));
        assert_eq!(patiently(|| None::<()>), None);
    }

    #[test]
    fn in_a_rush_there_is_one_look() {
        let before = RUSH_ENDS.swap(u64::MAX, Ordering::Relaxed);
        let mut looks = 0;
        let seen = patiently(|| {
            looks += 1;
            (looks > 1).then_some(())
        });
        assert_eq!(seen, None);
        RUSH_ENDS.store(before, Ordering::Relaxed);
        assert_eq!(looks, 1);
    }
}
