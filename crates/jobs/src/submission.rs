//! What is known of a job from creating it.

use std::collections::BTreeMap;

use crate::{JobId, Timestamp};

/// A job as submit-job created it.
///
/// MediaConvert sends no event for it: "SUBMITTED" is seen by whoever calls `CreateJob` alone, so
/// the submission counts as an event of its own, at [`submitted_at`](Self::submitted_at).
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// The id `CreateJob` answered.
    pub job_id: JobId,
    /// When the job was submitted.
    pub submitted_at: Timestamp,
    /// The input's URI, `s3://…` or `https://…`.
    pub input: String,
    /// The profile, where the request chose settings by one.
    pub profile: Option<String>,
    /// The `s3://…/` prefix all outputs lie under.
    pub destination: String,
    /// The key under which the same request starts no second job.
    pub idempotency_key: Option<String>,
    /// The ARN of the queue the job waits in.
    pub queue: Option<String>,
    /// What MediaConvert repeats in every event of the job.
    pub user_metadata: Option<BTreeMap<String, String>>,
}
