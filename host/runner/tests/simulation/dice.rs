//! Everything that is left to chance, from one seed.

use std::sync::{Arc, Mutex};

/// A source of chance. Each part of the world has its own, so that one more throw in one part
/// does not change the fate of another.
#[derive(Debug, Clone)]
pub(crate) struct Dice(Arc<Mutex<fastrand::Rng>>);

impl Dice {
    pub(crate) fn new(seed: u64, part: &str) -> Self {
        let part = part.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte));
        Self(Arc::new(Mutex::new(fastrand::Rng::with_seed(seed ^ (part << 20)))))
    }

    /// A number below `n`.
    pub(crate) fn below(&self, n: u64) -> u64 {
        self.0.lock().unwrap().u64(0..n.max(1))
    }

    pub(crate) fn between(&self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True `percent` times of a hundred.
    pub(crate) fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<T: Clone>(&self, all: &[T]) -> T {
        let place = usize::try_from(self.below(all.len() as u64)).unwrap();
        all[place].clone()
    }
}
