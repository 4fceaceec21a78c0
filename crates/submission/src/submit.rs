//! From a request to its job, and never to two.
//!
//! The key comes first: one that has its job answers that job, and nothing else is looked at. Then
//! the claim comes, then the job, then what [`crate::finish`] does. An invocation may end after any of
//! these; the next one with the same key finds out how far it came.

use std::time::{Duration, SystemTime};

use jobs::table::JobsTable;
use jobs::{JobId, Status, Submission, Timestamp};
use serde::Serialize;
use startup::logging::with_causes;
use uuid::Uuid;

use crate::claims::{Claim, ClaimError, Claims};
use crate::create_job::CreateJob;
use crate::definition::JobDefinition;
use crate::finish::{Finish, Finished};
use crate::invalid_request::{InvalidRequest, quoted};
use crate::mediaconvert::{CallFailed, LookUpFailed, MediaConvert};
use crate::output::Outputs;
use crate::patience::Patience;
use crate::request::{Incoming, Request, Source};
use crate::rules::Rules;

#[cfg(test)]
pub(crate) mod tests;

/// What has to come after the last attempt at `CreateJob` has begun: its end, two writes, the answer.
pub const AFTER_CREATE_JOB: Duration = Duration::from_secs(12);

/// Submits requests.
#[derive(Clone, Debug)]
pub struct SubmitJob {
    rules: Rules,
    mediaconvert: MediaConvert,
    claims: Claims,
    finish: Finish,
}

/// What the caller learns of the job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubmittedJob {
    /// The job's id, which is its row's key.
    pub job_id: JobId,
    /// The status every job starts with.
    pub status: Status,
    /// The `s3://…/` prefix its outputs lie under.
    pub destination: String,
    /// Whether an earlier request had started the job.
    pub idempotent: bool,
    /// Whether claim and row say so, too. The job exists in any case, so this is not a failure to
    /// whoever gets this answer; whoever doesn't may let the request come again, which writes both.
    #[serde(skip)]
    pub recorded: bool,
}

/// Why there is no job.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The request breaks a rule.
    #[error(transparent)]
    InvalidRequest(#[from] InvalidRequest),
    /// MediaConvert did not create the job.
    #[error(transparent)]
    MediaConvert(#[from] CallFailed),
    /// Whether MediaConvert has the job already can't be told.
    #[error(transparent)]
    LookUp(#[from] LookUpFailed),
    /// Whether the job exists already can't be told from the table.
    #[error("{}", with_causes(.0))]
    Claim(#[from] ClaimError),
    /// Another invocation has the key, and kept it for too long.
    #[error("idempotencyKey: {} is being submitted by another request; try again", quoted(.0))]
    Busy(String),
}

impl SubmitError {
    /// The type callers tell the errors apart by.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "InvalidRequest",
            Self::Claim(error) if !error.is_curable() => "InvalidRequest",
            Self::MediaConvert(CallFailed::Rejected(_)) => "Rejected",
            Self::MediaConvert(CallFailed::Throttled(_)) => "Throttled",
            Self::MediaConvert(CallFailed::Unavailable(_))
            | Self::LookUp(_)
            | Self::Claim(_)
            | Self::Busy(_) => "Unavailable",
        }
    }

    /// Whether the same request can succeed later.
    #[must_use]
    pub fn is_curable(&self) -> bool {
        match self {
            Self::InvalidRequest(_) => false,
            Self::MediaConvert(failed) => failed.is_curable(),
            Self::Claim(error) => error.is_curable(),
            Self::LookUp(_) | Self::Busy(_) => true,
        }
    }
}

impl SubmittedJob {
    fn of(finished: Finished, idempotent: bool) -> Self {
        Self {
            job_id: finished.job_id,
            status: Status::Submitted,
            destination: finished.destination,
            idempotent,
            recorded: finished.recorded,
        }
    }
}

impl SubmitJob {
    /// With the stack's rules and what it calls.
    #[must_use]
    pub fn new(rules: Rules, mediaconvert: MediaConvert, claims: Claims, jobs: JobsTable) -> Self {
        let queues = rules.queues.all().cloned().collect();
        let finish = Finish::new(mediaconvert.clone(), claims.clone(), jobs, queues);
        Self {
            rules,
            mediaconvert,
            claims,
            finish,
        }
    }

    /// Where its jobs write.
    #[must_use]
    pub fn outputs(&self) -> &Outputs {
        &self.rules.outputs
    }

    /// Sees to it that the job of one request exists; `deadline` is when Lambda ends the invocation.
    ///
    /// # Errors
    /// There is no job, or none that is known; see [`SubmitError`].
    pub async fn submit(
        &self,
        incoming: &Incoming,
        deadline: SystemTime,
    ) -> Result<SubmittedJob, SubmitError> {
        let claimant = Uuid::new_v4().simple().to_string();
        let until = Timestamp::from(deadline);
        let mut patience = Patience::before(deadline, AFTER_CREATE_JOB);
        loop {
            let now = Timestamp::from(SystemTime::now());
            match self.claims.find(&incoming.key, now).await? {
                None => {
                    let (job, submission) = self.prepare(incoming, &claimant).await?;
                    let claim = Claim::new(incoming, &claimant, until, submission);
                    if let Some(claim) = self.claims.take(claim, now).await? {
                        return self.create(claim, &job, deadline).await;
                    }
                }
                // Left by an invocation that ended: whether there is a job has to be found out.
                Some(claim) if claim.claimed_job_id.is_none() && claim.is_over(now) => {
                    if let Some(claim) = self.claims.take_over(claim, &claimant, until).await? {
                        return self.resume(claim, incoming, deadline).await;
                    }
                }
                Some(claim) if !claim.is_for(incoming) => return Err(used_already(incoming, &claim).into()),
                Some(claim) => {
                    if let Some(job_id) = claim.claimed_job_id.clone() {
                        let finished = self.finish.record(claim, job_id, deadline).await;
                        return Ok(SubmittedJob::of(finished, true));
                    }
                }
            }
            // Somebody else has the key now, and may soon be done.
            if !patience.pause().await {
                return Err(SubmitError::Busy(incoming.key.clone()));
            }
        }
    }

    /// The job that is asked for, created under `token`, and what will be recorded of it.
    async fn prepare(
        &self,
        incoming: &Incoming,
        token: &str,
    ) -> Result<(CreateJob, Submission), SubmitError> {
        let request = incoming.check(&self.rules)?;
        let definition = self.definition(&request.source).await?;
        let job = CreateJob::new(&request, definition, token, &self.rules)?;
        let submission = submission(&request, &job);
        Ok((job, submission))
    }

    async fn definition(&self, source: &Source) -> Result<JobDefinition, SubmitError> {
        match source {
            Source::Profile(profile) => Ok(profile.definition()?),
            Source::Settings(definition) => Ok((**definition).clone()),
            Source::JobTemplate(template) => {
                let answer = self.mediaconvert.job_template(template).await?;
                Ok(JobDefinition::from_template(answer)?)
            }
        }
    }

    /// Goes on under a claim that was left by an invocation that ended, and may have created the job
    /// without having time to say so.
    async fn resume(
        &self,
        mut claim: Claim,
        incoming: &Incoming,
        deadline: SystemTime,
    ) -> Result<SubmittedJob, SubmitError> {
        if let Some(job_id) = self.finish.look_up(&claim).await? {
            let used = (!claim.is_for(incoming)).then(|| used_already(incoming, &claim));
            let finished = self.finish.finish(claim, job_id, deadline).await;
            return used.map_or(Ok(SubmittedJob::of(finished, true)), |used| Err(used.into()));
        }
        claim.hand_to(incoming);
        let (job, submission) = match self.prepare(incoming, &claim.client_request_token).await {
            Ok(prepared) => prepared,
            Err(refused) => {
                if !refused.is_curable() {
                    self.claims.give_up(&claim).await;
                }
                return Err(refused);
            }
        };
        claim.submission = submission;
        if !self.claims.update(&claim).await? {
            return Err(SubmitError::Busy(incoming.key.clone()));
        }
        self.create(claim, &job, deadline).await
    }

    async fn create(
        &self,
        claim: Claim,
        job: &CreateJob,
        deadline: SystemTime,
    ) -> Result<SubmittedJob, SubmitError> {
        let patience = Patience::before(deadline, AFTER_CREATE_JOB);
        match self.mediaconvert.create_job(&job.body, patience).await {
            Ok(job_id) => {
                tracing::info!(jobId = %job_id, destination = job.destination, "job created");
                let finished = self.finish.finish(claim, job_id, deadline).await;
                Ok(SubmittedJob::of(finished, false))
            }
            Err(failed) => {
                // An earlier attempt under the same token was looked up before.
                let hopeless = claim.is_first() || !failed.error.is_curable();
                if !failed.uncertain && hopeless {
                    self.claims.give_up(&claim).await;
                }
                Err(failed.error.into())
            }
        }
    }
}

/// The key has come back for something else. Its job, if there is one, is not what is asked for.
fn used_already(incoming: &Incoming, claim: &Claim) -> InvalidRequest {
    InvalidRequest::new(
        "idempotencyKey",
        format!(
            "{} was used for another request, whose input is {}; use a new key for a new request",
            quoted(&incoming.key),
            quoted(claim.submission.input.as_str())
        ),
    )
}

fn submission(request: &Request, job: &CreateJob) -> Submission {
    Submission {
        // Read before the job is created, so that the submission is older than the job's first event.
        submitted_at: SystemTime::now().into(),
        input: request.input.clone(),
        profile: request.source.profile().map(|profile| profile.name().to_owned()),
        destination: job.destination.clone(),
        idempotency_key: Some(request.idempotency_key.clone()),
        queue: Some(request.queue.clone()),
        user_metadata: request.user_metadata.clone(),
    }
}
