//! What recover-jobs counts.

use metrics::Metric;

/// What a check of the open jobs came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// Jobs that MediaConvert was asked for.
    pub jobs_asked: u64,
    /// Those whose row changed by what it said.
    pub jobs_recovered: u64,
    /// Those that it does not know any more.
    pub jobs_not_found: u64,
    /// Those that it has had for over a day and not ended, and whatever can't be brought to its end.
    pub stuck_jobs: u64,
    /// Claims that had been left behind, and are finished or given up now.
    pub claims_settled: u64,
}

impl Tally {
    /// Writes it down.
    pub(crate) fn emit(self, function: &str) {
        metrics::emit(
            &[("FunctionName", function)],
            &[
                Metric::count("JobsAsked", self.jobs_asked),
                Metric::count("JobsRecovered", self.jobs_recovered),
                Metric::count("JobsNotFound", self.jobs_not_found),
                Metric::count("StuckJobs", self.stuck_jobs),
                Metric::count("ClaimsSettled", self.claims_settled),
            ],
        );
    }
}

/// A dead letter, and what became of it.
pub(crate) fn dead_letter(function: &str, outcome: &str) {
    metrics::emit(
        &[("FunctionName", function), ("Outcome", outcome)],
        &[Metric::count("DeadLetters", 1)],
    );
}
