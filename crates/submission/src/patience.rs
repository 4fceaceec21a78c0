//! How long an invocation goes on trying, and how often.

use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

/// One rule for everything that is tried again: while there is time, after pauses that grow.
#[derive(Debug)]
pub struct Patience {
    until: SystemTime,
    pauses: ExponentialBackoff,
}

impl Patience {
    /// Ends before `deadline`, when Lambda ends the invocation, by what has to come after.
    #[must_use]
    pub fn before(deadline: SystemTime, reserve: Duration) -> Self {
        Self {
            until: deadline.checked_sub(reserve).unwrap_or(deadline),
            // Never the same for two callers that were throttled at once.
            pauses: ExponentialBuilder::default()
                .with_min_delay(Duration::from_millis(100))
                .with_max_delay(Duration::from_secs(3))
                .with_jitter()
                .without_max_times()
                .build(),
        }
    }

    /// What is left of it.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.until.duration_since(SystemTime::now()).unwrap_or_default()
    }

    /// Waits before the next attempt. False, at once, where there is no time for one.
    pub async fn pause(&mut self) -> bool {
        let pause = self.pauses.next().filter(|pause| *pause <= self.left());
        match pause {
            Some(pause) => {
                tokio::time::sleep(pause).await;
                true
            }
            None => false,
        }
    }
}
