//! How long an invocation goes on trying, and how often.

use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder as _, ExponentialBuilder};

/// The pauses between attempts: longer each time, up to 3 s, and never the same for two callers that
/// were throttled at once.
pub(crate) fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(3))
        .with_jitter()
        .without_max_times()
        .build()
}

/// The time until `deadline`, when Lambda ends the invocation, less what has to come after.
#[must_use]
pub fn time_before(deadline: SystemTime, reserve: Duration) -> Duration {
    let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
    left.saturating_sub(reserve)
}
