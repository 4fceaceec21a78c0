//! What job-events counts.

use jobs::{Status, Timestamp};
use metrics::Metric;

use crate::answer::Outcome;

/// An event that was taken: how many, by status and outcome, and how old it was.
pub(crate) fn event(function: &str, status: &str, outcome: Outcome, said_at: Timestamp) {
    let dimensions = [
        ("FunctionName", function),
        ("EventStatus", status),
        ("Outcome", outcome.as_str()),
    ];
    let events = Metric::count("Events", 1);
    match age(said_at, metrics::now()) {
        Some(age) => metrics::emit(&dimensions, &[events, Metric::milliseconds("EventAge", age)]),
        None => metrics::emit(&dimensions, &[events]),
    }
}

/// A job that came to its end: how long it took from its submission.
pub(crate) fn ended(function: &str, status: Status, duration_ms: u64) {
    metrics::emit(
        &[("FunctionName", function), ("EventStatus", status.as_str())],
        &[Metric::milliseconds("JobDuration", duration_ms)],
    );
}

/// A key that was wrong or missing.
pub(crate) fn rejected_key(function: &str) {
    metrics::emit(&[("FunctionName", function)], &[Metric::count("RejectedKeys", 1)]);
}

/// An event without a time has no age, and one from the future only shows that clocks differ.
fn age(said_at: Timestamp, now: u64) -> Option<u64> {
    (said_at != Timestamp::default()).then(|| now.saturating_sub(said_at.as_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_without_a_time_has_no_age_and_one_from_the_future_is_new() {
        assert_eq!(age(Timestamp::default(), 3_500), None);
        assert_eq!(age(Timestamp::from_millis(1_000), 3_500), Some(2_500));
        assert_eq!(age(Timestamp::from_millis(9_000), 3_500), Some(0));
    }
}
