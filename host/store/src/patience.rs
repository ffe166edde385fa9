//! How long one call may take, and the one layer that retries.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use tokio::time::timeout;

use crate::place::Trouble;

/// Longest pause before another attempt. A service that is overloaded asks for about this much.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// How long to wait for a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// One attempt, connecting included.
    pub attempt: Duration,
    /// All attempts of one call, and the pauses between them.
    pub call: Duration,
    /// Attempts after the first.
    pub retries_max: usize,
    /// The pause before the first of them; each later one is twice as long, up to 5 s, plus
    /// a random part, so that machines do not come back together.
    pub pause: Duration,
}

impl Default for Patience {
    /// Enough for an object of the largest size over a slow line, and for a service to restart.
    fn default() -> Self {
        Self {
            attempt: Duration::from_secs(60),
            call: Duration::from_secs(120),
            retries_max: 4,
            pause: Duration::from_millis(200),
        }
    }
}

impl Patience {
    /// Makes attempts until one succeeds, fails for good, or patience is at an end.
    pub(crate) async fn persist<T, F>(&self, mut attempt: impl FnMut() -> F) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, Trouble>>,
    {
        let bounded = || {
            let under_way = timeout(self.attempt, attempt());
            async { under_way.await.unwrap_or_else(|_elapsed| Err(no_answer(self.attempt))) }
        };
        let all = bounded.retry(self.pauses()).when(Trouble::may_pass);
        timeout(self.call, all).await.unwrap_or_else(|_elapsed| Err(no_answer(self.call)))
    }

    fn pauses(&self) -> ExponentialBuilder {
        ExponentialBuilder::default()
            .with_factor(2.0)
            .with_min_delay(self.pause)
            .with_max_delay(PAUSE_MAX.max(self.pause))
            .with_max_times(self.retries_max)
            .with_jitter()
    }
}

fn no_answer(waited: Duration) -> Trouble {
    Trouble::Passing(format!("no answer within {}", humantime::format_duration(waited)))
}

#[cfg(test)]
mod tests;
