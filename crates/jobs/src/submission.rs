//! What is known of a job from creating it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{InputUri, QueueArn, Timestamp};

/// What submit-job knows of a job it creates, but for the id that `CreateJob` answers.
///
/// MediaConvert sends no event for it: only the caller of `CreateJob` sees "SUBMITTED", so
/// the submission counts as an event of its own, at [`submitted_at`](Self::submitted_at).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Submission {
    /// When the job was submitted.
    pub submitted_at: Timestamp,
    /// What the job reads.
    pub input: InputUri,
    /// The profile, where the request chose settings by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The `s3://…/` prefix all outputs lie under.
    pub destination: String,
    /// The key under which the same request starts no second job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The queue the job waits in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueArn>,
    /// What MediaConvert repeats in every event of the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_metadata: Option<BTreeMap<String, String>>,
}
