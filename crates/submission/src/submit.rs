//! From a request to its job, and never to two.
//!
//! The claim comes first, then the job, then the claim says which job, then the job has a row. An
//! invocation may end after any of these; the next one with the same key finds out how far it came.

use std::error::Error;
use std::time::{Duration, SystemTime};

use jobs::table::JobsTable;
use jobs::{JobId, Submission, Timestamp};
use serde::Serialize;
use serde_json::Value;
use startup::logging::with_causes;
use uuid::Uuid;

use crate::claims::{Claim, ClaimError, Claims, Taken};
use crate::config::Config;
use crate::create_job::CreateJob;
use crate::definition::JobDefinition;
use crate::invalid_request::{InvalidRequest, quoted};
use crate::mediaconvert::{CallFailed, MediaConvert};
use crate::output::Outputs;
use crate::patience::{pauses, time_before};
use crate::request::{Request, Source};

/// What the answer takes.
const FOR_THE_ANSWER: Duration = Duration::from_secs(1);
/// What has to come after the last attempt at `CreateJob` has begun: its end, two writes, the answer.
pub const AFTER_CREATE_JOB: Duration = Duration::from_secs(12);

/// Submits requests.
#[derive(Clone, Debug)]
pub struct SubmitJob {
    config: Config,
    mediaconvert: MediaConvert,
    claims: Claims,
    jobs: JobsTable,
}

/// What the caller learns of the job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Submitted {
    /// The job's id, which is its row's key.
    pub job_id: JobId,
    /// `SUBMITTED`, the status every job starts with.
    pub status: &'static str,
    /// The `s3://…/` prefix its outputs lie under.
    pub destination: String,
    /// Whether an earlier request had started the job.
    pub idempotent: bool,
    /// Whether claim and row say so, too. The job exists in any case, so this is no failure to who
    /// gets this answer; who doesn't may let the request come again, which writes both.
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
    /// Whether the job exists already can't be told.
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
            Self::MediaConvert(CallFailed::Rejected(_)) => "Rejected",
            Self::MediaConvert(CallFailed::Throttled(_)) => "Throttled",
            Self::MediaConvert(CallFailed::Unavailable(_)) | Self::Claim(_) | Self::Busy(_) => "Unavailable",
        }
    }

    /// Whether the same request can succeed later.
    #[must_use]
    pub fn is_curable(&self) -> bool {
        match self {
            Self::InvalidRequest(_) => false,
            Self::MediaConvert(failed) => failed.is_curable(),
            Self::Claim(_) | Self::Busy(_) => true,
        }
    }
}

impl SubmitJob {
    /// With the stack's settings and what it calls.
    #[must_use]
    pub fn new(config: Config, mediaconvert: MediaConvert, claims: Claims, jobs: JobsTable) -> Self {
        Self {
            config,
            mediaconvert,
            claims,
            jobs,
        }
    }

    /// Where its jobs write.
    #[must_use]
    pub fn outputs(&self) -> &Outputs {
        &self.config.outputs
    }

    /// Sees to it that the job of one request exists. `default_key` is the idempotency key of a
    /// request that brings none; `deadline` is when Lambda ends the invocation.
    ///
    /// # Errors
    /// There is no job, or none that is known; see [`SubmitError`].
    pub async fn submit(
        &self,
        request: Value,
        default_key: &str,
        deadline: SystemTime,
    ) -> Result<Submitted, SubmitError> {
        let mut request = Request::parse(request, &self.config)?;
        let key = request
            .idempotency_key
            .get_or_insert_with(|| default_key.to_owned())
            .clone();
        let definition = self.definition(&request.source).await?;
        let job = |token: &str| CreateJob::new(&request, definition.clone(), token, &self.config);

        let token = Uuid::new_v4().simple().to_string();
        let new = job(&token)?;
        let claim = Claim::new(&key, &token, timestamp(deadline), submission(&request, &new));
        match self.take(&claim, deadline).await? {
            Taken::New(claim) => self.create(claim, &new, deadline).await,
            Taken::Over(mut claim) => {
                if let Some(job_id) = self.find(&claim).await? {
                    return Ok(self.finish(claim, job_id, true, deadline).await);
                }
                // What an earlier request under this key asked for was not created; this is.
                let new = job(&claim.client_request_token)?;
                claim.submission = submission(&request, &new);
                if self.claims.update(&claim).await? {
                    self.create(claim, &new, deadline).await
                } else {
                    Err(SubmitError::Busy(key))
                }
            }
            Taken::Done(job_id, submission) => Ok(self.record(job_id, submission, true, deadline).await),
            Taken::Busy => Err(SubmitError::Busy(key)),
        }
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

    /// Claims the key, waiting for whoever has it now.
    async fn take(&self, claim: &Claim, deadline: SystemTime) -> Result<Taken, ClaimError> {
        let mut pauses = pauses();
        loop {
            let taken = self.claims.take(claim, timestamp(SystemTime::now())).await?;
            let pause = pauses.next().unwrap_or_default();
            if taken != Taken::Busy || time_before(deadline, AFTER_CREATE_JOB) < pause {
                return Ok(taken);
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// The job that an earlier attempt created without having time to say so.
    async fn find(&self, claim: &Claim) -> Result<Option<JobId>, CallFailed> {
        let Submission {
            input, submitted_at, ..
        } = &claim.submission;
        // It may have hopped to another queue since.
        for queue in self.config.queues.all() {
            let found = self
                .mediaconvert
                .find_job(&claim.client_request_token, input, queue, *submitted_at);
            if let Some(job_id) = found.await? {
                return Ok(Some(job_id));
            }
        }
        Ok(None)
    }

    async fn create(
        &self,
        claim: Claim,
        job: &CreateJob,
        deadline: SystemTime,
    ) -> Result<Submitted, SubmitError> {
        let patience = time_before(deadline, AFTER_CREATE_JOB);
        match self.mediaconvert.create_job(&job.body, patience).await {
            Ok(job_id) => {
                tracing::info!(jobId = %job_id, destination = job.destination, "job created");
                Ok(self.finish(claim, job_id, false, deadline).await)
            }
            Err(failed) => {
                if claim.is_first() && !failed.uncertain {
                    self.claims.give_up(&claim).await;
                }
                Err(failed.error.into())
            }
        }
    }

    /// Writes which job the claim stands for, then the job's row.
    async fn finish(
        &self,
        mut claim: Claim,
        job_id: JobId,
        idempotent: bool,
        deadline: SystemTime,
    ) -> Submitted {
        claim.claimed_job_id = Some(job_id.clone());
        // Whoever took the claim over in the meantime finds the same job.
        let claimed = keep_trying(&job_id, deadline, || self.claims.update(&claim)).await;
        let submitted = self.record(job_id, claim.submission, idempotent, deadline).await;
        Submitted {
            recorded: submitted.recorded && claimed,
            ..submitted
        }
    }

    async fn record(
        &self,
        job_id: JobId,
        submission: Submission,
        idempotent: bool,
        deadline: SystemTime,
    ) -> Submitted {
        let write = || self.jobs.record_submission(job_id.clone(), submission.clone());
        let recorded = keep_trying(&job_id, deadline, write).await;
        Submitted {
            job_id,
            status: "SUBMITTED",
            destination: submission.destination,
            idempotent,
            recorded,
        }
    }
}

fn submission(request: &Request, job: &CreateJob) -> Submission {
    Submission {
        // Read before the job is created, so that the submission is older than the job's first event.
        submitted_at: timestamp(SystemTime::now()),
        input: request.input.as_str().to_owned(),
        profile: request.source.profile().map(|profile| profile.name().to_owned()),
        destination: job.destination.clone(),
        idempotency_key: request.idempotency_key.clone(),
        queue: Some(request.queue.as_str().to_owned()),
        user_metadata: request.user_metadata.clone(),
    }
}

/// Writes for as long as the invocation lasts, and says whether that was long enough.
///
/// Failing is no error of the request: the job runs, and its events make its row. What its submission
/// alone knows is missing from there until the request comes again.
async fn keep_trying<T, E: Error + 'static>(
    job_id: &JobId,
    deadline: SystemTime,
    write: impl AsyncFn() -> Result<T, E>,
) -> bool {
    for pause in pauses() {
        let Err(error) = write().await else {
            return true;
        };
        let error = with_causes(&error);
        if time_before(deadline, FOR_THE_ANSWER) < pause {
            tracing::error!(jobId = %job_id, error, "submission not recorded; the job runs");
            break;
        }
        tracing::warn!(jobId = %job_id, error, "submission not recorded yet");
        tokio::time::sleep(pause).await;
    }
    false
}

fn timestamp(time: SystemTime) -> Timestamp {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
pub(crate) mod tests {
    use aws_sdk_dynamodb::config::retry::RetryConfig;
    use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
    use aws_smithy_http_client::test_util::StaticReplayClient;
    use jobs::Retention;
    use serde_json::json;

    use super::*;
    use crate::create_job::tests::config;
    use crate::mediaconvert::tests::{answering, mediaconvert};

    const JOB: &str = "1700000000000-abc123";
    const REQUEST_ID: &str = "8f507cfc-xmpl-4697-b07a-ac58fc914c95";

    pub(crate) fn dynamodb(http: &StaticReplayClient) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-west-2"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .http_client(http.clone())
            .build();
        aws_sdk_dynamodb::Client::from_conf(config)
    }

    /// Submits with `left` until the deadline.
    async fn submit_within(
        left: Duration,
        request: Value,
        mediaconvert_http: &StaticReplayClient,
        dynamodb_http: &StaticReplayClient,
    ) -> Result<Submitted, SubmitError> {
        let dynamodb = dynamodb(dynamodb_http);
        let function = SubmitJob::new(
            config(),
            mediaconvert(mediaconvert_http),
            Claims::new(dynamodb.clone(), "jobs".to_owned(), Retention::default()),
            JobsTable::new(dynamodb, "jobs".to_owned(), Retention::default()),
        );
        let deadline = SystemTime::now() + left;
        function.submit(request, REQUEST_ID, deadline).await
    }

    async fn submit(
        request: Value,
        mediaconvert: &StaticReplayClient,
        dynamodb: &StaticReplayClient,
    ) -> Result<Submitted, SubmitError> {
        submit_within(Duration::from_secs(30), request, mediaconvert, dynamodb).await
    }

    fn created() -> (u16, Value) {
        (201, json!({ "job": { "id": JOB } }))
    }

    pub(crate) fn written() -> (u16, Value) {
        (200, json!({}))
    }

    /// The claim, the job the claim stands for, the row.
    fn writing() -> StaticReplayClient {
        answering([written(), written(), written()])
    }

    pub(crate) fn refused(claim: &Value) -> (u16, Value) {
        let refusal = json!({
            "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
            "message": "The conditional request failed",
            "Item": claim,
        });
        (400, refusal)
    }

    /// An earlier claim on `k`, good until `until`.
    pub(crate) fn claim(until: u64, job: Option<&str>) -> Value {
        let mut item = json!({
            "jobId": { "S": "idempotency#k" },
            "claimant": { "S": "earlier" },
            "claimedUntil": { "N": until.to_string() },
            "clientRequestToken": { "S": "earlier" },
            "submission": { "M": {
                "submittedAt": { "N": "1700000000000" },
                "input": { "S": "s3://uploads/first.mov" },
                "destination": { "S": "s3://media/transcoded/first/" },
            } },
        });
        if let Some(job) = job {
            item["claimedJobId"] = json!({ "S": job });
        }
        item
    }

    fn bodies(http: &StaticReplayClient) -> Vec<Value> {
        let requests = http.actual_requests();
        requests
            .map(|request| serde_json::from_slice(request.body().bytes().unwrap()).unwrap())
            .collect()
    }

    #[tokio::test]
    async fn a_request_becomes_a_claim_a_job_and_its_row() {
        let (mediaconvert, dynamodb) = (answering([created()]), writing());
        let request = json!({
            "input": "s3://uploads/clip.mov", "profile": "webm", "outputKey": "media/42",
            "idempotencyKey": "media-42-v3", "userMetadata": { "mediaId": "42" },
        });
        let answer = submit(request, &mediaconvert, &dynamodb).await.unwrap();

        assert_eq!(
            serde_json::to_value(answer).unwrap(),
            json!({
                "jobId": JOB,
                "status": "SUBMITTED",
                "destination": "s3://media/transcoded/media/42/",
                "idempotent": false,
            })
        );
        let token = &bodies(&mediaconvert)[0]["clientRequestToken"];
        let [claim, claimed, update] = &bodies(&dynamodb)[..] else {
            panic!("three writes")
        };
        assert_eq!(claim["Item"]["jobId"], json!({ "S": "idempotency#media-42-v3" }));
        assert_eq!(claim["Item"]["clientRequestToken"], json!({ "S": token }));
        assert!(claim["Item"].get("claimedJobId").is_none());
        assert_eq!(claimed["Item"]["claimedJobId"], json!({ "S": JOB }));
        assert!(claimed["Item"].get("status").is_none());
        assert_eq!(update["TableName"], "jobs");
        assert_eq!(update["Key"], json!({ "jobId": { "S": JOB } }));
        let values = update["ExpressionAttributeValues"].as_object().unwrap();
        for expected in [
            json!({ "S": "SUBMITTED" }),
            json!({ "S": "s3://uploads/clip.mov" }),
            json!({ "S": "webm" }),
            json!({ "S": "s3://media/transcoded/media/42/" }),
            json!({ "S": "media-42-v3" }),
            json!({ "M": { "mediaId": { "S": "42" } } }),
        ] {
            assert!(
                values.values().any(|value| *value == expected),
                "{expected} in {values:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_request_without_a_key_goes_by_the_one_it_came_with() {
        let dynamodb = writing();
        let request = json!({ "input": "s3://uploads/clip.mov" });
        submit(request, &answering([created()]), &dynamodb).await.unwrap();
        assert_eq!(
            bodies(&dynamodb)[0]["Item"]["jobId"],
            json!({ "S": format!("idempotency#{REQUEST_ID}") })
        );
    }

    #[tokio::test]
    async fn a_key_that_stands_for_a_job_starts_none_and_mends_its_row() {
        let (mediaconvert, dynamodb) = (
            answering([]),
            answering([refused(&claim(0, Some(JOB))), written()]),
        );
        let request = json!({ "input": "s3://uploads/second.mov", "idempotencyKey": "k" });
        let answer = submit(request, &mediaconvert, &dynamodb).await.unwrap();
        assert_eq!((answer.job_id.as_str(), answer.idempotent), (JOB, true));
        assert_eq!(answer.destination, "s3://media/transcoded/first/");
        let row = &bodies(&dynamodb)[1];
        assert_eq!(row["Key"], json!({ "jobId": { "S": JOB } }));
        assert!(row.to_string().contains("s3://uploads/first.mov"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_somebody_has_is_waited_for() {
        let busy = refused(&claim(u64::MAX / 2, None));
        let done = refused(&claim(u64::MAX / 2, Some(JOB)));
        let request = json!({ "input": "s3://uploads/clip.mov", "idempotencyKey": "k" });
        let dynamodb = answering([busy.clone(), busy.clone(), done, written()]);
        let answer = submit(request.clone(), &answering([]), &dynamodb).await.unwrap();
        assert_eq!((answer.job_id.as_str(), answer.idempotent), (JOB, true));

        let (no_time, dynamodb) = (Duration::ZERO, answering([busy]));
        let error = submit_within(no_time, request, &answering([]), &dynamodb)
            .await
            .unwrap_err();
        assert_eq!(error.error_type(), "Unavailable");
        assert_eq!(
            error.to_string(),
            "idempotencyKey: \"k\" is being submitted by another request; try again"
        );
    }

    #[tokio::test]
    async fn a_job_that_nobody_could_write_down_is_found_again() {
        let found = json!({ "jobs": [
            { "id": "1700000000001-other0", "clientRequestToken": "other", "createdAt": 1_700_000_001 },
            { "id": JOB, "clientRequestToken": "earlier", "createdAt": 1_700_000_000 },
        ] });
        let (mediaconvert, dynamodb) = (
            answering([(200, found)]),
            answering([refused(&claim(1, None)), written(), written(), written()]),
        );
        let request = json!({ "input": "s3://uploads/second.mov", "idempotencyKey": "k" });
        let answer = submit(request, &mediaconvert, &dynamodb).await.unwrap();
        assert_eq!((answer.job_id.as_str(), answer.idempotent), (JOB, true));
        assert_eq!(answer.destination, "s3://media/transcoded/first/");

        let search = mediaconvert.actual_requests().next().unwrap().uri().to_owned();
        for parameter in [
            "/2017-08-29/search?",
            "inputFile=s3%3A%2F%2Fuploads%2Ffirst.mov",
            "queues%2FDefault",
        ] {
            assert!(search.contains(parameter), "{parameter} in {search}");
        }
    }

    #[tokio::test]
    async fn a_claim_left_without_a_job_is_created_under_the_old_token() {
        let none = (
            200,
            json!({ "jobs": [
            { "id": "1600000000001-other0", "clientRequestToken": "other", "createdAt": 1_600_000_000 },
        ], "nextToken": "older ones, which need no look" }),
        );
        let (mediaconvert, dynamodb) = (
            answering([none.clone(), none, created()]),
            answering([
                refused(&claim(1, None)),
                written(),
                written(),
                written(),
                written(),
            ]),
        );
        let request =
            json!({ "input": "s3://uploads/second.mov", "idempotencyKey": "k", "outputKey": "second" });
        let answer = submit(request, &mediaconvert, &dynamodb).await.unwrap();
        assert!(!answer.idempotent);
        assert_eq!(answer.destination, "s3://media/transcoded/second/");
        let job = mediaconvert.actual_requests().nth(2).unwrap();
        let job: Value = serde_json::from_slice(job.body().bytes().unwrap()).unwrap();
        assert_eq!(job["clientRequestToken"], "earlier");
    }

    #[tokio::test]
    async fn a_refused_request_calls_nothing() {
        let (mediaconvert, dynamodb) = (answering([]), answering([]));
        let request = json!({ "input": "s3://other/clip.mov" });
        let error = submit(request, &mediaconvert, &dynamodb).await.unwrap_err();
        assert_eq!(error.error_type(), "InvalidRequest");
        assert_eq!(
            error.to_string(),
            "input: \"s3://other/clip.mov\" names bucket \"other\", which is not one of INPUT_BUCKETS (media, uploads)"
        );
    }

    #[tokio::test]
    async fn mediaconverts_refusal_comes_back_verbatim_and_frees_the_key_if_there_is_certainly_no_job() {
        let message = "/outputGroups/0: The role can't be assumed";
        for (status, error_type, frees) in [
            (400, "Rejected", true),
            (429, "Throttled", true),
            (500, "Unavailable", false),
        ] {
            let mediaconvert = answering([(status, json!({ "message": message }))]);
            let dynamodb = answering([written(), written()]);
            let request = json!({ "input": "s3://uploads/clip.mov" });
            let error = submit_within(Duration::ZERO, request, &mediaconvert, &dynamodb)
                .await
                .unwrap_err();
            assert_eq!(error.error_type(), error_type);
            assert_eq!(error.to_string(), message);
            let targets: Vec<_> = dynamodb
                .actual_requests()
                .map(|request| request.headers().get("x-amz-target").unwrap().to_owned())
                .collect();
            let expected: &[_] = if frees {
                &["DynamoDB_20120810.PutItem", "DynamoDB_20120810.DeleteItem"]
            } else {
                &["DynamoDB_20120810.PutItem"]
            };
            assert_eq!(targets, expected, "{status}");
        }
    }

    #[tokio::test]
    async fn without_a_claim_no_job_is_created() {
        let mediaconvert = answering([]);
        let request = json!({ "input": "s3://uploads/clip.mov" });
        let error = submit(request, &mediaconvert, &answering([])).await.unwrap_err();
        assert_eq!(error.error_type(), "Unavailable");
        assert!(
            error
                .to_string()
                .starts_with("can't write item \"idempotency#8f507cfc"),
            "{error:?}"
        );
    }

    #[tokio::test]
    async fn a_job_template_is_looked_up_first() {
        let template = json!({ "jobTemplate": { "settings": { "outputGroups": [
            { "outputGroupSettings": { "type": "FILE_GROUP_SETTINGS" } },
        ] } } });
        let mediaconvert = answering([(200, template), created()]);
        let request = json!({ "input": "s3://uploads/clip.mov", "jobTemplate": "mine", "outputKey": "k" });
        submit(request, &mediaconvert, &writing()).await.unwrap();

        let job = mediaconvert.actual_requests().nth(1).unwrap();
        let job: Value = serde_json::from_slice(job.body().bytes().unwrap()).unwrap();
        let group = &job["settings"]["outputGroups"][0]["outputGroupSettings"];
        assert_eq!(
            group["fileGroupSettings"]["destination"],
            "s3://media/transcoded/k/"
        );
    }

    /// An error would make the caller start a second job.
    #[tokio::test(start_paused = true)]
    async fn what_can_not_be_written_is_tried_again_and_loses_no_job() {
        let failure = (500, json!({ "__type": "InternalServerError" }));
        let dynamodb = answering([written(), failure.clone(), written(), failure, written()]);
        let request = json!({ "input": "s3://uploads/clip.mov" });
        let answer = submit(request.clone(), &answering([created()]), &dynamodb)
            .await
            .unwrap();
        assert!(answer.recorded);
        assert_eq!(bodies(&dynamodb).len(), 5);

        let lost = answering([written()]);
        let answer = submit_within(Duration::ZERO, request, &answering([created()]), &lost)
            .await
            .unwrap();
        assert_eq!(answer.job_id.as_str(), JOB);
        assert!(!answer.recorded);
    }
}
