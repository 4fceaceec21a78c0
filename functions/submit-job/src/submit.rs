//! One invocation: read the request, create the job, write its row.

use std::time::{Duration, SystemTime};

use jobs::table::{JobsTable, StoreError};
use jobs::{JobId, Submission, Timestamp};
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use startup::logging::with_causes;

use crate::config::Config;
use crate::create_job::CreateJob;
use crate::definition::JobDefinition;
use crate::invalid_request::InvalidRequest;
use crate::mediaconvert::{CallFailed, MediaConvert};
use crate::request::{Request, Source};

/// The function.
#[derive(Clone, Debug)]
pub struct SubmitJob {
    config: Config,
    mediaconvert: MediaConvert,
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
}

/// Why there is no job. Lambda reports the variant as the function error's type.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The request breaks a rule.
    #[error(transparent)]
    InvalidRequest(#[from] InvalidRequest),
    /// MediaConvert did not create the job.
    #[error(transparent)]
    MediaConvert(#[from] CallFailed),
}

impl SubmitError {
    /// The type callers tell the errors apart by.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "InvalidRequest",
            Self::MediaConvert(CallFailed::Rejected(_)) => "Rejected",
            Self::MediaConvert(CallFailed::Throttled(_)) => "Throttled",
            Self::MediaConvert(CallFailed::Unavailable(_)) => "Unavailable",
        }
    }

    /// Whether the same request can succeed later.
    #[must_use]
    pub fn is_curable(&self) -> bool {
        match self {
            Self::InvalidRequest(_) | Self::MediaConvert(CallFailed::Rejected(_)) => false,
            Self::MediaConvert(CallFailed::Throttled(_) | CallFailed::Unavailable(_)) => true,
        }
    }
}

impl From<SubmitError> for Diagnostic {
    fn from(error: SubmitError) -> Self {
        Self {
            error_type: error.error_type().to_owned(),
            error_message: error.to_string(),
        }
    }
}

impl SubmitJob {
    /// The function with its settings and what it calls.
    #[must_use]
    pub fn new(config: Config, mediaconvert: MediaConvert, jobs: JobsTable) -> Self {
        Self {
            config,
            mediaconvert,
            jobs,
        }
    }

    /// Answers one invocation. Failures are logged by the Lambda runtime.
    ///
    /// # Errors
    /// There is no job; see [`SubmitError`].
    pub async fn invoke(&self, event: LambdaEvent<Value>) -> Result<Submitted, SubmitError> {
        let LambdaEvent { payload, context } = event;
        self.submit(payload, &context.request_id, context.deadline())
            .await
    }

    /// Creates the job of one request. `default_key` is the idempotency key of a request that brings
    /// none; `deadline` is when Lambda ends the invocation.
    ///
    /// # Errors
    /// There is no job; see [`SubmitError`].
    pub async fn submit(
        &self,
        request: Value,
        default_key: &str,
        deadline: SystemTime,
    ) -> Result<Submitted, SubmitError> {
        let request = Request::parse(request, &self.config)?;
        let definition = self.definition(&request.source).await?;
        let key = request.idempotency_key.as_deref();
        let token = client_request_token(key.unwrap_or(default_key));
        let job = CreateJob::new(&request, definition, &token, &self.config)?;

        // Read before the call, so that the submission is older than the job's first event.
        let submitted_at = now();
        let job_id = self.mediaconvert.create_job(&job.body).await?;
        let submission = Submission {
            job_id: job_id.clone(),
            submitted_at,
            input: request.input.as_str().to_owned(),
            profile: request.source.profile().map(|profile| profile.name().to_owned()),
            destination: job.destination.clone(),
            idempotency_key: request.idempotency_key,
            queue: Some(request.queue.as_str().to_owned()),
            user_metadata: request.user_metadata,
        };
        tracing::info!(jobId = %job_id, destination = job.destination, "job created");
        self.record(submission, time_left(deadline)).await;
        Ok(Submitted {
            job_id,
            status: "SUBMITTED",
            destination: job.destination,
            idempotent: false,
        })
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

    /// Writes the job's row, trying again for as long as the invocation lasts.
    ///
    /// Failing is no error of the request: the job runs, its events make the row, and an error would
    /// have the caller start a second job. What only the submission knows (input, profile,
    /// destination, idempotency key) is then missing from the row, and the log has it instead.
    async fn record(&self, submission: Submission, time_left: Duration) {
        let tries = async {
            let mut pause = Duration::from_millis(100);
            loop {
                match self.jobs.record_submission(submission.clone()).await {
                    Err(error @ StoreError::Unavailable { .. }) => {
                        tracing::warn!(jobId = %submission.job_id, error = with_causes(&error), "submission not recorded yet");
                    }
                    other => break other,
                }
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
        };
        let error = match tokio::time::timeout(time_left, tries).await {
            Ok(Ok(_)) => return,
            Ok(Err(error)) => with_causes(&error),
            Err(elapsed) => elapsed.to_string(),
        };
        tracing::error!(
            jobId = %submission.job_id,
            input = submission.input,
            profile = submission.profile,
            destination = submission.destination,
            idempotencyKey = submission.idempotency_key,
            error,
            "submission not recorded; the job runs, and its events will make the row"
        );
    }
}

/// MediaConvert's `ClientRequestToken`: under one token it makes one job a minute, so an attempt
/// whose answer was lost is safe to repeat. It takes 64 ASCII characters, a key may be longer.
fn client_request_token(key: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(key).iter().fold(String::new(), |mut token, byte| {
        // Writing to a String can't fail.
        let _ = write!(token, "{byte:02x}");
        token
    })
}

fn now() -> Timestamp {
    let since_epoch = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}

/// The time until Lambda ends the invocation, less what the answer takes; enough for one write where
/// clocks disagree.
fn time_left(deadline: SystemTime) -> Duration {
    const FOR_THE_ANSWER: Duration = Duration::from_secs(1);
    const ONE_WRITE: Duration = Duration::from_secs(3);
    let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
    left.saturating_sub(FOR_THE_ANSWER).max(ONE_WRITE)
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::config::retry::RetryConfig;
    use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
    use aws_smithy_http_client::test_util::StaticReplayClient;
    use lambda_runtime::Context;
    use serde_json::json;

    use super::*;
    use crate::create_job::tests::config;
    use crate::mediaconvert::tests::{answering, mediaconvert};

    fn jobs_table(http: &StaticReplayClient) -> JobsTable {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-west-2"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .http_client(http.clone())
            .build();
        JobsTable::new(
            aws_sdk_dynamodb::Client::from_conf(config),
            "jobs".to_owned(),
            jobs::job::Retention::default(),
        )
    }

    async fn invoke(
        request: Value,
        mediaconvert_http: &StaticReplayClient,
        dynamodb_http: &StaticReplayClient,
    ) -> Result<Submitted, Diagnostic> {
        let function = SubmitJob::new(
            config(),
            mediaconvert(mediaconvert_http),
            jobs_table(dynamodb_http),
        );
        let mut context = Context::default();
        "8f507cfc-xmpl-4697-b07a-ac58fc914c95".clone_into(&mut context.request_id);
        let event = LambdaEvent::new(request, context);
        function.invoke(event).await.map_err(Diagnostic::from)
    }

    fn created() -> (u16, Value) {
        (201, json!({ "job": { "id": "1700000000000-abc123" } }))
    }

    fn bodies(http: &StaticReplayClient) -> Vec<Value> {
        let requests = http.actual_requests();
        requests
            .map(|request| serde_json::from_slice(request.body().bytes().unwrap()).unwrap())
            .collect()
    }

    #[tokio::test]
    async fn a_request_becomes_a_job_and_its_row() {
        let (mediaconvert, dynamodb) = (answering([created()]), answering([(200, json!({}))]));
        let request = json!({
            "input": "s3://uploads/clip.mov", "profile": "webm", "outputKey": "media/42",
            "idempotencyKey": "media-42-v3", "userMetadata": { "mediaId": "42" },
        });
        let answer = invoke(request, &mediaconvert, &dynamodb).await.unwrap();

        assert_eq!(
            serde_json::to_value(answer).unwrap(),
            json!({
                "jobId": "1700000000000-abc123",
                "status": "SUBMITTED",
                "destination": "s3://media/transcoded/media/42/",
                "idempotent": false,
            })
        );
        // `printf media-42-v3 | sha256sum`
        assert_eq!(
            bodies(&mediaconvert)[0]["clientRequestToken"],
            "aa050f359dc027b2387ab85a450a495557f9f299385f8234b5c1934b80c84a5f"
        );
        let [update] = &bodies(&dynamodb)[..] else {
            panic!("one write")
        };
        assert_eq!(update["TableName"], "jobs");
        assert_eq!(update["Key"], json!({ "jobId": { "S": "1700000000000-abc123" } }));
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

    /// Lambda repeats an asynchronous invocation under the same request id.
    #[tokio::test]
    async fn an_invocation_tried_again_is_the_same_job_to_mediaconvert() {
        let mediaconvert = answering([created(), created()]);
        let dynamodb = answering([(200, json!({})), (200, json!({}))]);
        for _ in 0..2 {
            let request = json!({ "input": "s3://uploads/clip.mov" });
            invoke(request, &mediaconvert, &dynamodb).await.unwrap();
        }
        let [first, again] = &bodies(&mediaconvert)[..] else {
            panic!("two calls")
        };
        assert_eq!(first, again);
    }

    #[tokio::test]
    async fn a_refused_request_calls_nothing() {
        let (mediaconvert, dynamodb) = (answering([]), answering([]));
        let request = json!({ "input": "s3://other/clip.mov" });
        let error = invoke(request, &mediaconvert, &dynamodb).await.unwrap_err();
        assert_eq!(error.error_type, "InvalidRequest");
        assert_eq!(
            error.error_message,
            "input: \"s3://other/clip.mov\" names bucket \"other\", which is not one of INPUT_BUCKETS (media, uploads)"
        );
    }

    #[tokio::test]
    async fn mediaconverts_refusal_comes_back_verbatim_and_writes_nothing() {
        let message = "/outputGroups/0: The role can't be assumed";
        for (status, error_type) in [(400, "Rejected"), (429, "Throttled"), (500, "Unavailable")] {
            let answer = (status, json!({ "message": message }));
            let mediaconvert = answering([answer.clone(), answer.clone(), answer]);
            let request = json!({ "input": "s3://uploads/clip.mov" });
            let error = invoke(request, &mediaconvert, &answering([])).await.unwrap_err();
            assert_eq!(error.error_type, error_type);
            assert_eq!(error.error_message, message);
        }
    }

    #[tokio::test]
    async fn a_job_template_is_looked_up_first() {
        let template = json!({ "jobTemplate": { "settings": { "outputGroups": [
            { "outputGroupSettings": { "type": "FILE_GROUP_SETTINGS" } },
        ] } } });
        let mediaconvert = answering([(200, template), created()]);
        let request = json!({ "input": "s3://uploads/clip.mov", "jobTemplate": "mine", "outputKey": "k" });
        invoke(request, &mediaconvert, &answering([(200, json!({}))]))
            .await
            .unwrap();

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
    async fn a_row_that_can_not_be_written_is_tried_again_and_loses_no_job() {
        let failure = (500, json!({ "__type": "InternalServerError" }));
        let (mediaconvert, dynamodb) = (answering([created()]), answering([failure, (200, json!({}))]));
        let request = json!({ "input": "s3://uploads/clip.mov" });
        invoke(request, &mediaconvert, &dynamodb).await.unwrap();
        assert_eq!(bodies(&dynamodb).len(), 2);

        let unreachable = answering([]);
        let request = json!({ "input": "s3://uploads/clip.mov" });
        let answer = invoke(request, &answering([created()]), &unreachable)
            .await
            .unwrap();
        assert_eq!(answer.job_id.as_str(), "1700000000000-abc123");
    }
}
