//! The calls to MediaConvert, with JSON going in and coming out.
//!
//! The SDK's types neither read nor write a caller's JSON, and they know only the members of the day
//! they were generated; read into them, a newer setting would be lost in silence. So the SDK does
//! what it is good at (signing, endpoints, retries, errors), and the JSON passes by its types.

use std::sync::{Arc, OnceLock};

use aws_sdk_mediaconvert::Client;
use aws_sdk_mediaconvert::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_mediaconvert::config::retry::RetryConfig;
use aws_sdk_mediaconvert::config::{Config, ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_mediaconvert::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_sdk_mediaconvert::operation::get_job::GetJobError;
use aws_sdk_mediaconvert::types::{Job, Order};
use jobs::{InputUri, JobId, QueueArn, Timestamp};
use serde_json::Value;
use startup::logging::with_causes;

use crate::patience::Patience;

/// MediaConvert did not do it.
#[derive(Debug, thiserror::Error)]
pub enum CallFailed {
    /// It refused, and will again. The message is its own.
    #[error("{0}")]
    Rejected(String),
    /// Too many calls at once; later it can work.
    #[error("{0}")]
    Throttled(String),
    /// Out of reach, too slow or out of order; later it can work.
    #[error("{0}")]
    Unavailable(String),
}

impl CallFailed {
    /// Whether the same call can succeed later.
    #[must_use]
    pub fn is_curable(&self) -> bool {
        match self {
            Self::Rejected(_) => false,
            Self::Throttled(_) | Self::Unavailable(_) => true,
        }
    }
}

/// Whether MediaConvert has the job can't be told now, whatever it answered: even a refusal is one of
/// the question and not of the job.
#[derive(Debug, thiserror::Error)]
#[error("can't tell whether the job exists already in {queue}: {reason}")]
pub struct LookUpFailed {
    /// Where it was looked for.
    queue: QueueArn,
    /// What MediaConvert answered, or why it didn't.
    reason: String,
}

/// `CreateJob` came to nothing, as far as is known.
#[derive(Debug)]
pub struct NotCreated {
    /// What the last attempt met.
    pub error: CallFailed,
    /// An attempt ended without a word from MediaConvert on whether it created the job.
    pub uncertain: bool,
}

/// MediaConvert.
#[derive(Clone, Debug)]
pub struct MediaConvert {
    client: Client,
}

impl MediaConvert {
    /// MediaConvert through `client`.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Calls `CreateJob` with `body`, the REST API's JSON; again and again while there is
    /// `patience` and trying again can help.
    ///
    /// # Errors
    /// See [`NotCreated`].
    pub async fn create_job(&self, body: &Value, mut patience: Patience) -> Result<JobId, NotCreated> {
        let mut uncertain = false;
        loop {
            let error = match self.try_create_job(body).await {
                Ok(job_id) => return Ok(job_id),
                Err(error) => error,
            };
            uncertain |= matches!(error, CallFailed::Unavailable(_));
            if !error.is_curable() || !patience.pause().await {
                return Err(NotCreated { error, uncertain });
            }
        }
    }

    async fn try_create_job(&self, body: &Value) -> Result<JobId, CallFailed> {
        let body = body.to_string();
        let created = self
            .client
            .create_job()
            .customize()
            // The SDK would try a few times only, and keep to itself how these ended.
            .config_override(Config::builder().retry_config(RetryConfig::disabled()))
            // Runs before signing.
            .mutate_request(move |request| {
                request
                    .headers_mut()
                    .insert("content-length", body.len().to_string());
                *request.body_mut() = body.as_str().into();
            })
            .send()
            .await
            .map_err(|error| call_failed(&error))?;
        let id = created.job.and_then(|job| job.id).unwrap_or_default();
        id.parse()
            .map_err(|error| CallFailed::Unavailable(format!("MediaConvert answered job id {id:?}: {error}")))
    }

    /// Calls `GetJob`; `None` if MediaConvert does not know the job, or not any more: it forgets one 90 days
    /// after its end.
    ///
    /// # Errors
    /// See [`CallFailed`].
    pub async fn job(&self, id: &JobId) -> Result<Option<Job>, CallFailed> {
        let answer = Box::pin(self.client.get_job().id(id.as_str()).send()).await;
        match answer {
            Ok(answer) => Ok(answer.job),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(GetJobError::is_not_found_exception) =>
            {
                Ok(None)
            }
            Err(error) => Err(call_failed(&error)),
        }
    }

    /// The job that was created under `token` for `input` at `since` or later, if there is one. Calls
    /// `SearchJobs`; MediaConvert shows a job for 90 days after its end.
    ///
    /// # Errors
    /// See [`LookUpFailed`].
    pub async fn find_job(
        &self,
        token: &str,
        input: &InputUri,
        queue: &QueueArn,
        since: Timestamp,
    ) -> Result<Option<JobId>, LookUpFailed> {
        // As long as SearchJobs takes; without it, all of the queue's jobs are looked through.
        const LONGEST_INPUT: usize = 300;
        // The clock that MediaConvert dates jobs by, in whole seconds, may run behind ours.
        const SKEW_SECONDS: u64 = 60;
        let oldest =
            i64::try_from((since.as_millis() / 1000).saturating_sub(SKEW_SECONDS)).unwrap_or(i64::MAX);
        let mut pages = self
            .client
            .search_jobs()
            .queue(queue.as_str())
            .set_input_file((input.as_str().chars().count() <= LONGEST_INPUT).then(|| input.to_string()))
            .order(Order::Descending)
            .into_paginator()
            .send();
        let failed = |reason: String| LookUpFailed {
            queue: queue.clone(),
            reason,
        };
        while let Some(page) = pages
            .try_next()
            .await
            .map_err(|error| failed(call_failed(&error).to_string()))?
        {
            for job in page.jobs() {
                if job.client_request_token() == Some(token) {
                    let id = job.id().unwrap_or_default();
                    let parsed = id
                        .parse()
                        .map_err(|error| failed(format!("job id {id:?}: {error}")));
                    return parsed.map(Some);
                }
                if job.created_at().is_some_and(|created| created.secs() < oldest) {
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }

    /// Calls `GetJobTemplate` for a template's name or ARN; its answer, as JSON.
    ///
    /// # Errors
    /// See [`CallFailed`].
    pub async fn job_template(&self, template: &str) -> Result<Value, CallFailed> {
        let name = template.rsplit_once('/').map_or(template, |(_, name)| name);
        let answer = AnswerBody::default();
        self.client
            .get_job_template()
            .name(name)
            .customize()
            .interceptor(answer.clone())
            .send()
            .await
            .map_err(|error| call_failed(&error))?;
        serde_json::from_slice(answer.0.get().map_or(&[], Vec::as_slice)).map_err(|error| {
            CallFailed::Unavailable(format!(
                "MediaConvert's job template {name:?} is no JSON: {error}"
            ))
        })
    }
}

/// Keeps the bytes of the answer that the SDK has read.
#[derive(Clone, Debug, Default)]
struct AnswerBody(Arc<OnceLock<Vec<u8>>>);

impl Intercept for AnswerBody {
    fn name(&self) -> &'static str {
        "AnswerBody"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        if response.status().is_success() {
            let body = response.body().bytes().unwrap_or_default();
            self.0.get_or_init(|| body.to_vec());
        }
        Ok(())
    }
}

fn call_failed<E>(error: &SdkError<E>) -> CallFailed
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    const TOO_MANY_REQUESTS: u16 = 429;
    let SdkError::ServiceError(refusal) = error else {
        return CallFailed::Unavailable(format!("MediaConvert can't be reached: {}", with_causes(error)));
    };
    let status = refusal.raw().status().as_u16();
    let message = match (refusal.err().message(), refusal.err().code()) {
        (Some(message), _) => message.to_owned(),
        (None, Some(code)) => format!("MediaConvert answered {code}"),
        (None, None) => format!("MediaConvert answered with status {status}"),
    };
    match status {
        TOO_MANY_REQUESTS => CallFailed::Throttled(message),
        500.. => CallFailed::Unavailable(message),
        _ => CallFailed::Rejected(message),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::{Duration, SystemTime};

    use aws_sdk_mediaconvert::config::retry::RetryConfig;
    use aws_sdk_mediaconvert::config::{BehaviorVersion, Config, Credentials, Region};
    use aws_smithy_async::time::StaticTimeSource;
    use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
    use aws_smithy_types::body::SdkBody;
    use serde_json::json;

    use super::*;

    /// Answers the calls in turn, whatever they ask.
    pub(crate) fn answering<const N: usize>(answers: [(u16, Value); N]) -> StaticReplayClient {
        StaticReplayClient::new(
            answers
                .into_iter()
                .map(|(status, body)| {
                    // DynamoDB names its errors in the body, MediaConvert in a header.
                    let error = body["__type"].as_str().unwrap_or(error_type(status));
                    let answer = http::Response::builder()
                        .status(status)
                        .header("x-amzn-ErrorType", error)
                        .body(SdkBody::from(body.to_string()));
                    ReplayEvent::new(http::Request::new(SdkBody::empty()), answer.unwrap())
                })
                .collect(),
        )
    }

    /// The name MediaConvert gives a status in its service model.
    fn error_type(status: u16) -> &'static str {
        match status {
            400 => "BadRequestException",
            403 => "ForbiddenException",
            404 => "NotFoundException",
            409 => "ConflictException",
            429 => "TooManyRequestsException",
            500.. => "InternalServerErrorException",
            _ => "",
        }
    }

    fn patience(seconds: u64) -> Patience {
        Patience::before(SystemTime::now() + Duration::from_secs(seconds), Duration::ZERO)
    }

    pub(crate) fn mediaconvert(http: &StaticReplayClient) -> MediaConvert {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-west-2"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .time_source(StaticTimeSource::new(now))
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
            .http_client(http.clone())
            .build();
        MediaConvert::new(Client::from_conf(config))
    }

    /// What the caller wrote must arrive byte for byte, and MediaConvert must find it signed.
    #[tokio::test]
    async fn create_job_sends_the_json_it_is_given_and_signs_it() {
        let created = (
            201,
            json!({ "job": { "id": "1700000000000-abc123", "status": "SUBMITTED" } }),
        );
        let http = answering([created.clone(), created.clone(), created]);
        let mediaconvert = mediaconvert(&http);
        let body = json!({ "settings": { "aMemberOfNextYear": [1, "ü"] }, "role": "r" });
        let other = json!({ "settings": { "aMemberOfNextYear": [2, "ü"] }, "role": "r" });

        for body in [&body, &body, &other] {
            assert_eq!(
                mediaconvert.create_job(body, patience(0)).await.unwrap().as_str(),
                "1700000000000-abc123"
            );
        }

        let requests: Vec<_> = http.actual_requests().collect();
        assert_eq!(requests[0].method(), "POST");
        assert_eq!(
            requests[0].uri(),
            "https://mediaconvert.eu-west-2.amazonaws.com/2017-08-29/jobs"
        );
        assert_eq!(
            requests[0].headers().get("content-type"),
            Some("application/json")
        );
        let sent = requests[0].body().bytes().unwrap();
        assert_eq!(sent, body.to_string().as_bytes());
        assert_eq!(
            requests[0].headers().get("content-length"),
            Some(sent.len().to_string().as_str())
        );

        let [first, again, other] = [0, 1, 2].map(|i| requests[i].headers().get("authorization").unwrap());
        assert!(first.contains("SignedHeaders=content-length;"), "{first}");
        assert_eq!(first, again);
        assert_ne!(first, other, "the signature covers the body");
    }

    #[tokio::test]
    async fn a_job_template_comes_back_as_mediaconvert_wrote_it() {
        let answer = json!({ "jobTemplate": { "settings": { "aMemberOfNextYear": 1 }, "name": "mine" } });
        for template in [
            "mine",
            "arn:aws:mediaconvert:eu-west-2:111122223333:jobTemplates/mine",
        ] {
            let http = answering([(200, answer.clone())]);
            assert_eq!(mediaconvert(&http).job_template(template).await.unwrap(), answer);
            assert_eq!(
                http.actual_requests().next().unwrap().uri(),
                "https://mediaconvert.eu-west-2.amazonaws.com/2017-08-29/jobTemplates/mine"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_told_apart_by_what_the_caller_does_next() {
        for (status, attempts, message, expected) in [
            (
                400,
                1,
                "/outputGroups: Should be longer",
                "Rejected(\"/outputGroups: Should be longer\")",
            ),
            (403, 1, "not authorized", "Rejected(\"not authorized\")"),
            (404, 1, "no such queue", "Rejected(\"no such queue\")"),
            (409, 1, "conflict", "Rejected(\"conflict\")"),
            (429, 3, "Too Many Requests", "Throttled(\"Too Many Requests\")"),
            (500, 3, "internal", "Unavailable(\"internal\")"),
            (503, 3, "later", "Unavailable(\"later\")"),
        ] {
            let failure = (status, json!({ "message": message }));
            let http = answering([failure.clone()]);
            let failed = mediaconvert(&http)
                .create_job(&json!({}), patience(0))
                .await
                .unwrap_err();
            assert_eq!(format!("{:?}", failed.error), expected);
            assert_eq!(failed.uncertain, status >= 500);

            let created = (201, json!({ "job": { "id": "1700000000000-abc123" } }));
            let http = answering([failure.clone(), failure, created]);
            let created = mediaconvert(&http).create_job(&json!({}), patience(20)).await;
            assert_eq!(created.is_ok(), attempts == 3);
            assert_eq!(http.actual_requests().count(), attempts, "{status}");
        }
    }

    #[tokio::test]
    async fn an_answer_without_a_job_id_is_no_job() {
        let http = answering([(201, json!({ "job": {} }))]);
        let failed = mediaconvert(&http).create_job(&json!({}), patience(0)).await;
        let error = failed.unwrap_err().error;
        assert!(matches!(error, CallFailed::Unavailable(_)), "{error:?}");
    }
}
