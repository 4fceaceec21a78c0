//! What MediaConvert says of a job, as the event that would have said the same.
//!
//! `GetJob` has the job's times in whole seconds, and of what it wrote the lengths and sizes but not the
//! paths; those are looked for where they must lie.

use aws_sdk_mediaconvert::primitives::DateTime;
use aws_sdk_mediaconvert::types::{Job, JobStatus};
use jobs::{JobEvent, JobId, Received, Timestamp};
use serde_json::{Map, Value, json};

use crate::outputs::{OutputsUnavailable, StoredOutputs};

/// A job as `GetJob` shows it.
#[derive(Debug)]
pub struct Answer<'a> {
    job: &'a Job,
    asked_at: Timestamp,
}

impl<'a> Answer<'a> {
    /// What was answered at `asked_at`.
    #[must_use]
    pub fn new(job: &'a Job, asked_at: Timestamp) -> Self {
        Self { job, asked_at }
    }

    /// Whether nothing comes after it.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        let ended = [JobStatus::Complete, JobStatus::Error, JobStatus::Canceled];
        self.job.status().is_some_and(|status| ended.contains(status))
    }

    /// Whether MediaConvert has had the job for so long that somebody should look.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        const A_DAY_MS: u64 = 24 * 60 * 60 * 1000;
        let created_at = self.job.created_at().map_or(self.asked_at, millis);
        !self.has_ended() && self.asked_at.as_millis() > created_at.as_millis() + A_DAY_MS
    }

    /// The event that would have said the same; none for a job that waits, of which there is nothing to say.
    ///
    /// # Errors
    /// What the job wrote can't be told now.
    pub async fn event(
        &self,
        job_id: &JobId,
        stored: &StoredOutputs,
    ) -> Result<Option<JobEvent>, OutputsUnavailable> {
        let times = self.job.timing();
        let started_at = times.and_then(|times| times.start_time());
        let finished_at = times.and_then(|times| times.finish_time());
        let (status, at, details) = match self.job.status() {
            // Without the time of its start it would be news at every check.
            Some(JobStatus::Progressing) if started_at.is_some() => ("PROGRESSING", started_at, json!({})),
            Some(JobStatus::Canceled) => ("CANCELED", finished_at, json!({})),
            Some(JobStatus::Error) => ("ERROR", finished_at, self.failure()),
            Some(JobStatus::Complete) => {
                let groups = stored.of(self.job).await?;
                ("COMPLETE", finished_at, json!({ "outputGroupDetails": groups }))
            }
            _ => return Ok(None),
        };
        let mut detail = json!({
            "jobId": job_id,
            "status": status,
            "timestamp": at.map_or(self.asked_at, millis),
        });
        if let Value::Object(members) = &mut detail {
            members.extend(self.repeated());
            members.extend(details.as_object().cloned().unwrap_or_default());
        }
        match JobEvent::from_value(&json!({ "detail": detail })) {
            Ok(Received::Event(event)) => Ok(Some(event)),
            Ok(Received::UnknownStatus { .. }) | Err(_) => Ok(None),
        }
    }

    /// What every event repeats.
    fn repeated(&self) -> Map<String, Value> {
        let mut members = Map::new();
        if let Some(queue) = self.job.queue() {
            members.insert("queue".to_owned(), queue.into());
        }
        let metadata = self.job.user_metadata().cloned().unwrap_or_default();
        members.insert("userMetadata".to_owned(), json!(metadata));
        members
    }

    fn failure(&self) -> Value {
        let mut failure = Map::new();
        if let Some(code) = self.job.error_code() {
            failure.insert("errorCode".to_owned(), code.into());
        }
        if let Some(message) = self.job.error_message() {
            failure.insert("errorMessage".to_owned(), message.into());
        }
        failure.into()
    }
}

fn millis(time: &DateTime) -> Timestamp {
    Timestamp::from_millis(
        time.to_millis()
            .ok()
            .and_then(|ms| ms.try_into().ok())
            .unwrap_or(0),
    )
}
