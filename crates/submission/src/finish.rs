//! What comes after the job: its claim says which job it is, the job gets its row, and the claim says
//! that it has.
//!
//! An invocation may end before or in between. The next request with the key does the rest
//! ([`crate::submit`]); where none comes, whoever looks after open claims does ([`Finish::left_behind`]).

use std::error::Error;
use std::time::{Duration, SystemTime};

use jobs::table::{JobsTable, StoreError};
use jobs::{JobId, QueueArn, Submission, Timestamp};
use startup::logging::with_causes;
use uuid::Uuid;

use crate::claims::{Claim, ClaimError, Claims};
use crate::mediaconvert::{LookUpFailed, MediaConvert};
use crate::patience::Patience;

/// MediaConvert doesn't say how long it takes to show a job that was created.
const SHOWN_AFTER_MS: u64 = 30 * 60 * 1000;
/// For so long it shows one after its end.
const SHOWN_FOR_MS: u64 = 90 * 24 * 60 * 60 * 1000;

/// What the answer takes.
const FOR_THE_ANSWER: Duration = Duration::from_secs(1);

/// Finishes submissions.
#[derive(Clone, Debug)]
pub struct Finish {
    mediaconvert: MediaConvert,
    claims: Claims,
    jobs: JobsTable,
    queues: Vec<QueueArn>,
}

/// A submission that has its job.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) job_id: JobId,
    pub(crate) destination: String,
    /// Whether claim and row say so, too.
    pub(crate) recorded: bool,
}

/// What has become of a claim that was left behind.
#[derive(Debug, PartialEq, Eq)]
pub enum LeftBehind {
    /// It stands for this job, which has its row.
    Finished(JobId),
    /// It stands for this job, but claim or row could not be written.
    Unrecorded(JobId),
    /// There is no job, and the claim is gone.
    GivenUp,
    /// Somebody works under it, has finished it, or has given it up; or it is too early to tell.
    NotLeft,
}

impl From<Finished> for LeftBehind {
    fn from(finished: Finished) -> Self {
        if finished.recorded {
            Self::Finished(finished.job_id)
        } else {
            Self::Unrecorded(finished.job_id)
        }
    }
}

/// What a claim that was left behind stands for can't be told now.
#[derive(Debug, thiserror::Error)]
pub enum NotFinished {
    /// The table doesn't say.
    #[error("{}", with_causes(.0))]
    Claim(#[from] ClaimError),
    /// MediaConvert doesn't say.
    #[error(transparent)]
    LookUp(#[from] LookUpFailed),
}

impl NotFinished {
    /// Whether it is this claim that is wrong, and others may be in order.
    #[must_use]
    pub fn is_of_one_claim(&self) -> bool {
        match self {
            Self::Claim(ClaimError::Unread { .. } | ClaimError::Unwritten { .. }) => false,
            Self::Claim(ClaimError::Refused { .. } | ClaimError::Unreadable { .. }) | Self::LookUp(_) => true,
        }
    }
}

impl Finish {
    /// With what it calls, and the stack's queues.
    #[must_use]
    pub fn new(mediaconvert: MediaConvert, claims: Claims, jobs: JobsTable, queues: Vec<QueueArn>) -> Self {
        Self {
            mediaconvert,
            claims,
            jobs,
            queues,
        }
    }

    /// Finishes the submission under the claim `item`, or gives it up; `deadline` is when Lambda ends the
    /// invocation. The request may come again at any time, so it goes about it as that would: under a
    /// claim of its own. A claim is given up once MediaConvert must show every job that was created under it,
    /// or can't show any more.
    ///
    /// # Errors
    /// See [`NotFinished`].
    pub async fn left_behind(&self, item: &str, deadline: SystemTime) -> Result<LeftBehind, NotFinished> {
        let now = Timestamp::from(SystemTime::now());
        let Some(claim) = self.claims.find_item(item, now).await? else {
            return Ok(LeftBehind::NotLeft);
        };
        if claim.recorded || !claim.is_over(now) {
            return Ok(LeftBehind::NotLeft);
        }
        if let Some(job_id) = claim.claimed_job_id.clone() {
            if claim.is_settled(now) {
                self.mark_recorded(&claim.settled(), deadline).await;
                return Ok(LeftBehind::NotLeft);
            }
            return Ok(self.record(claim, job_id, deadline).await.into());
        }
        let claimant = Uuid::new_v4().simple().to_string();
        let taken = self.claims.take_over(claim, &claimant, deadline.into()).await?;
        let Some(claim) = taken else {
            return Ok(LeftBehind::NotLeft);
        };
        let age = now
            .as_millis()
            .saturating_sub(claim.submission.submitted_at.as_millis());
        match self.look_up(&claim).await {
            Ok(Some(job_id)) => return Ok(self.finish(claim, job_id, deadline).await.into()),
            Ok(None) if age < SHOWN_AFTER_MS => return Ok(LeftBehind::NotLeft),
            Err(failed) if age < SHOWN_FOR_MS => return Err(failed.into()),
            Ok(None) | Err(_) => {}
        }
        self.claims.give_up(&claim).await;
        Ok(LeftBehind::GivenUp)
    }

    /// The job that was created under the claim's token, if there is one.
    pub(crate) async fn look_up(&self, claim: &Claim) -> Result<Option<JobId>, LookUpFailed> {
        let Submission {
            input,
            submitted_at,
            queue,
            ..
        } = &claim.submission;
        // The stack's queues may have changed since, and the job may have hopped to another.
        let others = self.queues.iter().filter(|other| queue.as_ref() != Some(*other));
        for queue in queue.iter().chain(others) {
            let token = &claim.client_request_token;
            let found = self.mediaconvert.find_job(token, input, queue, *submitted_at);
            if let Some(job_id) = found.await? {
                return Ok(Some(job_id));
            }
        }
        Ok(None)
    }

    /// Writes which job the claim stands for, then the job's row.
    pub(crate) async fn finish(&self, mut claim: Claim, job_id: JobId, deadline: SystemTime) -> Finished {
        claim.claimed_job_id = Some(job_id.clone());
        // Whoever took the claim over in the meantime finds the same job.
        let update = || self.claims.update(&claim);
        let claimed = keep_trying(&job_id, deadline, update, ClaimError::is_curable).await;
        let finished = self.record(claim, job_id, deadline).await;
        Finished {
            recorded: finished.recorded && claimed,
            ..finished
        }
    }

    /// Sees to it that the job of `claim` has a row with its submission.
    pub(crate) async fn record(&self, mut claim: Claim, job_id: JobId, deadline: SystemTime) -> Finished {
        if claim.is_settled(SystemTime::now().into()) {
            claim.recorded = true;
        } else {
            let write = || {
                self.jobs
                    .record_submission(job_id.clone(), claim.submission.clone())
            };
            claim.recorded = keep_trying(&job_id, deadline, write, StoreError::is_curable).await;
            if claim.recorded {
                self.mark_recorded(&claim, deadline).await;
            }
        }
        Finished {
            job_id,
            destination: claim.submission.destination,
            recorded: claim.recorded,
        }
    }

    /// Without the mark, the row is only written once more when the request comes again.
    async fn mark_recorded(&self, claim: &Claim, deadline: SystemTime) {
        let left = Patience::before(deadline, FOR_THE_ANSWER).left();
        let error = match tokio::time::timeout(left, self.claims.update(claim)).await {
            Ok(Ok(_)) => return,
            Ok(Err(error)) => with_causes(&error),
            Err(late) => late.to_string(),
        };
        tracing::warn!(error, "claim doesn't say that its job is recorded");
    }
}

/// Writes for as long as the invocation lasts and trying again can help, and says whether it did.
///
/// Failing is not an error of the request: the job runs, and its events make its row. What its submission
/// alone knows is missing from there until the request comes again.
async fn keep_trying<T, E: Error + 'static>(
    job_id: &JobId,
    deadline: SystemTime,
    write: impl AsyncFn() -> Result<T, E>,
    is_curable: impl Fn(&E) -> bool,
) -> bool {
    let mut patience = Patience::before(deadline, FOR_THE_ANSWER);
    while let Err(error) = write().await {
        let can_help = is_curable(&error);
        let error = with_causes(&error);
        tracing::warn!(jobId = %job_id, error, "submission not recorded yet");
        if !can_help || !patience.pause().await {
            tracing::error!(jobId = %job_id, error, "submission not recorded; the job runs");
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use aws_smithy_http_client::test_util::StaticReplayClient;
    use jobs::Retention;
    use serde_json::{Value, json};

    use super::*;
    use crate::create_job::tests::rules;
    use crate::mediaconvert::tests::{answering, mediaconvert};
    use crate::submit::tests::{bodies, claim, dynamodb, written};

    const JOB: &str = "1700000000000-abc123";

    async fn left_behind(
        left: &Value,
        mediaconvert_http: &StaticReplayClient,
        writes: usize,
    ) -> (Result<LeftBehind, NotFinished>, Vec<Value>) {
        let found = (200, json!({ "Item": left }));
        let http = answering([found, written(), written(), written(), written()]);
        let claims = Claims::new(dynamodb(&http), "jobs".to_owned(), Retention::default());
        let jobs = JobsTable::new(dynamodb(&http), "jobs".to_owned(), Retention::default());
        let finish = Finish::new(
            mediaconvert(mediaconvert_http),
            claims,
            jobs,
            rules().queues.all().cloned().collect(),
        );
        let deadline = SystemTime::now() + Duration::from_secs(30);
        let outcome = finish.left_behind("idempotency#k", deadline).await;
        let calls = bodies(&http);
        assert_eq!(calls.len(), 1 + writes, "{calls:#?}");
        (outcome, calls)
    }

    fn job() -> StaticReplayClient {
        answering([(
            200,
            json!({ "jobs": [{ "id": JOB, "clientRequestToken": "earlier" }] }),
        )])
    }

    fn recent() -> u64 {
        Timestamp::from(SystemTime::now()).as_millis() - 60_000
    }

    #[tokio::test]
    async fn a_job_that_nobody_came_back_for_gets_its_claim_and_its_row() {
        let (outcome, calls) = left_behind(&claim(recent(), None), &job(), 4).await;
        assert_eq!(outcome.unwrap(), LeftBehind::Finished(JOB.parse().unwrap()));
        let [_, over, named, row, recorded] = &calls[..] else {
            panic!("{calls:#?}")
        };
        assert_eq!(over["Item"]["openItem"], json!({ "S": "claim" }));
        assert_eq!(over["Item"]["checkedAt"], over["Item"]["claimedUntil"]);
        assert_eq!(named["Item"]["claimedJobId"], json!({ "S": JOB }));
        assert_eq!(row["Key"], json!({ "jobId": { "S": JOB } }));
        assert_eq!(recorded["Item"]["recorded"], json!({ "BOOL": true }));
        let keys = ["openItem", "checkedAt"].map(|key| recorded["Item"].get(key));
        assert_eq!(keys, [None, None], "a finished claim leaves the index");
    }

    fn submitted(mut claim: Value, days_ago: f64) -> Value {
        let now = Timestamp::from(SystemTime::now()).as_millis();
        let ago = Duration::from_secs_f64(days_ago * 86_400.0).as_millis();
        let at = u128::from(now) - ago;
        claim["submission"]["M"]["submittedAt"] = json!({ "N": at.to_string() });
        claim
    }

    #[tokio::test]
    async fn a_claim_that_came_to_no_job_is_given_up_once_mediaconvert_must_show_every_job() {
        let nothing = || {
            let nothing = json!({ "jobs": [] });
            answering([(200, nothing.clone()), (200, nothing)])
        };
        let early = submitted(claim(recent(), None), 0.01);
        let (outcome, _) = left_behind(&early, &nothing(), 1).await;
        assert_eq!(outcome.unwrap(), LeftBehind::NotLeft);

        let late = submitted(claim(recent(), None), 0.03);
        let (outcome, calls) = left_behind(&late, &nothing(), 2).await;
        assert_eq!(outcome.unwrap(), LeftBehind::GivenUp);
        assert_eq!(calls[2]["Key"], json!({ "jobId": { "S": "idempotency#k" } }));
        assert_eq!(calls[2]["ConditionExpression"], "claimant = :claimant");
    }

    #[tokio::test]
    async fn a_claim_is_kept_while_mediaconvert_could_say_whether_it_has_the_job() {
        let refusing = || answering([(403, json!({ "message": "no" }))]);
        let recent_claim = submitted(claim(recent(), None), 89.0);
        let (outcome, _) = left_behind(&recent_claim, &refusing(), 1).await;
        assert!(matches!(outcome, Err(NotFinished::LookUp(_))), "{outcome:?}");

        let forgotten = submitted(claim(recent(), None), 91.0);
        let (outcome, _) = left_behind(&forgotten, &refusing(), 2).await;
        assert_eq!(outcome.unwrap(), LeftBehind::GivenUp);
    }

    #[tokio::test]
    async fn a_row_that_was_not_written_is_written_and_an_expired_one_never_again() {
        let (outcome, calls) = left_behind(&claim(recent(), Some(JOB)), &answering([]), 2).await;
        assert_eq!(outcome.unwrap(), LeftBehind::Finished(JOB.parse().unwrap()));
        assert_eq!(calls[1]["Key"], json!({ "jobId": { "S": JOB } }));

        let (outcome, calls) = left_behind(&claim(1, Some(JOB)), &answering([]), 1).await;
        assert_eq!(outcome.unwrap(), LeftBehind::NotLeft);
        assert_eq!(calls[1]["Item"]["recorded"], json!({ "BOOL": true }));
    }

    #[tokio::test]
    async fn a_claim_that_somebody_works_under_is_left_alone() {
        let (outcome, _) = left_behind(&claim(u64::MAX / 2, None), &answering([]), 0).await;
        assert_eq!(outcome.unwrap(), LeftBehind::NotLeft);
        let mut done = claim(recent(), Some(JOB));
        done["recorded"] = json!({ "BOOL": true });
        let (outcome, _) = left_behind(&done, &answering([]), 0).await;
        assert_eq!(outcome.unwrap(), LeftBehind::NotLeft);
    }
}
