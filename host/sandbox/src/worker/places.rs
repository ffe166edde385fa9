//! Places that threads wait for.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// So many places.
#[derive(Debug)]
pub(super) struct Places {
    free: Mutex<usize>,
    came_back: Condvar,
}

/// One of them, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place<'a>(&'a Places);

impl Places {
    pub(super) fn new(places: usize) -> Self {
        Self { free: Mutex::new(places), came_back: Condvar::new() }
    }

    /// Waits until there is one.
    pub(super) fn take(&self) -> Place<'_> {
        let waited = self.came_back.wait_while(self.held(), |free| *free == 0);
        *waited.unwrap_or_else(PoisonError::into_inner) -= 1;
        Place(self)
    }

    fn held(&self) -> MutexGuard<'_, usize> {
        // Nothing is half done while it is held.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.held() += 1;
        self.0.came_back.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn no_more_have_a_place_than_there_are_and_everybody_gets_one() {
        let (places, now) = (Places::new(2), AtomicUsize::new(0));
        let visit = || {
            let _place = places.take();
            assert!(now.fetch_add(1, Ordering::SeqCst) < 2);
            thread::yield_now();
            now.fetch_sub(1, Ordering::SeqCst);
        };
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..100).for_each(|_| visit()));
            }
        });
        assert_eq!(*places.held(), 2);
    }
}
