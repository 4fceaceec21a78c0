//! An event of a job, as it goes onto the bus.

use serde_json::Value;

use crate::clock::Millis;

/// One event of one job.
#[derive(Debug, Clone)]
pub(crate) struct JobEvent {
    /// The event's only resource.
    pub(crate) job_arn: String,
    /// When it arose.
    pub(crate) time: Millis,
    /// Its `detail`.
    pub(crate) detail: Value,
}

impl JobEvent {
    /// Its `detail.status`.
    pub(crate) fn status(&self) -> &str {
        self.detail["status"].as_str().unwrap_or_default()
    }
}
