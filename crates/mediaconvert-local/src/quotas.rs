//! How often each operation may be called: MediaConvert's own rates and bursts ([quotas]).
//!
//! [quotas]: https://docs.aws.amazon.com/general/latest/gr/mediaconvert.html

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// The quotas of the operations on jobs that have one here.
#[derive(Debug)]
pub(crate) struct Quotas {
    pub(crate) create: TokenBucket,
    pub(crate) get: TokenBucket,
    pub(crate) cancel: TokenBucket,
}

impl Quotas {
    /// With every rate multiplied by `factor`. The bursts stay.
    pub(crate) fn new(factor: f64) -> Self {
        Self {
            create: TokenBucket::new(5.0 * factor, 100.0),
            get: TokenBucket::new(2.0 * factor, 100.0),
            cancel: TokenBucket::new(2.0 * factor, 100.0),
        }
    }
}

/// Calls left, refilled at a rate per second up to the burst.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    per_second: f64,
    burst: f64,
    left: Mutex<(f64, Instant)>,
}

impl TokenBucket {
    fn new(per_second: f64, burst: f64) -> Self {
        Self {
            per_second,
            burst,
            left: Mutex::new((burst, Instant::now())),
        }
    }

    /// Takes a call, if one is left.
    pub(crate) fn take(&self) -> bool {
        self.take_at(Instant::now())
    }

    fn take_at(&self, now: Instant) -> bool {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let (calls, since) = *left;
        let back = now.saturating_duration_since(since).as_secs_f64() * self.per_second;
        let calls = (calls + back).min(self.burst);
        let taken = calls >= 1.0;
        *left = (if taken { calls - 1.0 } else { calls }, now);
        taken
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_is_let_through_and_then_the_rate() {
        let quota = Quotas::new(2.0).create;
        let start = Instant::now();
        let taken = |from: Duration| (0..200).filter(|_| quota.take_at(start + from)).count();
        assert_eq!(taken(Duration::from_secs(1)), 100);
        assert_eq!(taken(Duration::from_secs(2)), 10);
        assert_eq!(
            taken(Duration::from_mins(2)),
            100,
            "no more than the burst is kept"
        );
    }
}
