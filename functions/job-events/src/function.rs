//! One invocation, from payload to answer, in the contract's order and time.

use std::sync::OnceLock;
use std::time::Duration;

use api_keys::ApiKeys;
use aws_lambda_events::lambda_function_urls::LambdaFunctionUrlResponse;
use http::StatusCode;
use jobs::event::InvalidEvent;
use jobs::table::JobsTable;
use jobs::{JobEvent, JobId, Received, Timestamp};
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use serde::Serialize;
use serde_json::Value;
use startup::Timeouts;
use startup::logging::with_causes;
use tokio::time::{Instant, timeout_at};

use crate::answer::{Acknowledgement, Outcome, Refusal, Unavailable};
use crate::{function_url, metrics};

/// An API destination gives up on an answer after 5 s; ours leaves within 4, network included.
const TIME_TO_ANSWER: Duration = Duration::from_millis(3500);

/// How long the function's calls to AWS may take: three attempts fit into the time to answer.
pub const TIMEOUTS: Timeouts = Timeouts {
    attempt: Duration::from_millis(900),
    operation: Duration::from_secs(3),
};

/// The function with everything it needs.
#[derive(Debug)]
pub struct JobEvents {
    keys: ApiKeys,
    table: JobsTable,
}

/// An answer in the form the invocation asks for.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Reply {
    Http(LambdaFunctionUrlResponse),
    Direct(Acknowledgement),
}

impl JobEvents {
    /// A function that takes events from callers with one of `keys` and records them in `table`.
    #[must_use]
    pub fn new(keys: ApiKeys, table: JobsTable) -> Self {
        Self { keys, table }
    }

    /// Takes one invocation: a Function URL request, or the event itself.
    ///
    /// AWS sets `requestContext` on every request that comes by URL, and a caller can't leave it
    /// out; without it the caller passed IAM, and needs no key.
    ///
    /// # Errors
    /// A direct invocation's event was not taken; an HTTP request always gets its answer.
    pub async fn invoke(&self, event: LambdaEvent<Value>) -> Result<impl Serialize + use<>, Diagnostic> {
        let LambdaEvent { payload, context } = event;
        let call = Call {
            started: Instant::now(),
            context,
            job_id: OnceLock::new(),
        };
        if payload.get("requestContext").is_none() {
            let answer = call
                .answer(self.record(JobEvent::from_value(&payload), &call))
                .await;
            return answer.map(Reply::Direct).map_err(|refusal| {
                call.log_refused(&refusal, None);
                refusal.into()
            });
        }
        let answer = call.answer(self.request(payload, &call)).await;
        if let Err(refusal) = &answer {
            call.log_refused(refusal, Some(refusal.status()));
        }
        Ok(Reply::Http(function_url::response(&answer)))
    }

    async fn request(&self, mut request: Value, call: &Call) -> Result<Acknowledgement, Refusal> {
        function_url::method(&request)?;
        let body = function_url::body(&mut request)?;
        let accepted = self.keys.accept(function_url::presented_key(&request)).await;
        if !accepted.map_err(Unavailable::from)? {
            return Err(Refusal::Unauthorized);
        }
        let body = body.ok_or(Refusal::NotBase64)?;
        self.record(JobEvent::from_json(&body), call).await
    }

    async fn record(
        &self,
        received: Result<Received, InvalidEvent>,
        call: &Call,
    ) -> Result<Acknowledgement, Refusal> {
        let event = match received? {
            Received::Event(event) => event,
            Received::UnknownStatus { job_id, status } => {
                call.log_ignored(&job_id, &status);
                metrics::event(call.function(), "UNKNOWN", Outcome::Ignored, Timestamp::default());
                return Ok(Acknowledgement::ignored(job_id));
            }
        };
        let job_id = call.job_id.get_or_init(|| event.job_id.clone()).clone();
        let (status, said_at) = (event.change.status(), event.timestamp);
        let recorded = self.table.record_event(event).await.map_err(Unavailable::from)?;
        if let Some(duration_ms) = recorded.ended_after {
            metrics::ended(call.function(), recorded.status, duration_ms);
        }
        let acknowledgement = Acknowledgement::recorded(job_id, recorded);
        call.log_recorded(&acknowledgement, status);
        metrics::event(call.function(), status, acknowledgement.outcome, said_at);
        Ok(acknowledgement)
    }
}

/// The invocation an answer belongs to: when the answer is due, and what the log says of it.
struct Call {
    started: Instant,
    context: Context,
    /// Set once the event is read; kept here because a time-out drops the work that read it.
    job_id: OnceLock<JobId>,
}

impl Call {
    /// The answer, in time.
    async fn answer(
        &self,
        work: impl Future<Output = Result<Acknowledgement, Refusal>>,
    ) -> Result<Acknowledgement, Refusal> {
        timeout_at(self.started + TIME_TO_ANSWER, work)
            .await
            .unwrap_or_else(|_| Err(Unavailable::Late(TIME_TO_ANSWER).into()))
    }

    fn function(&self) -> &str {
        &self.context.env_config.function_name
    }

    fn log_recorded(&self, acknowledgement: &Acknowledgement, event_status: &str) {
        tracing::info!(
            jobId = %acknowledgement.job_id,
            eventStatus = event_status,
            status = acknowledgement.status.map(jobs::Status::as_str),
            outcome = acknowledgement.outcome.as_str(),
            durationMs = self.duration_ms(),
            requestId = self.context.request_id,
            traceId = self.context.xray_trace_id,
            "event recorded"
        );
    }

    fn log_ignored(&self, job_id: &JobId, event_status: &str) {
        tracing::warn!(
            jobId = %job_id,
            eventStatus = event_status,
            outcome = Outcome::Ignored.as_str(),
            durationMs = self.duration_ms(),
            requestId = self.context.request_id,
            traceId = self.context.xray_trace_id,
            "event ignored: its status is unknown to this version"
        );
    }

    /// `http_status` is what the sender got, if it came by HTTP.
    fn log_refused(&self, refusal: &Refusal, http_status: Option<StatusCode>) {
        let job_id = self.job_id.get().map(tracing::field::display);
        let http_status = http_status.map(|status| status.as_u16());
        let duration_ms = self.duration_ms();
        let (request_id, trace_id) = (&self.context.request_id, &self.context.xray_trace_id);
        if matches!(refusal, Refusal::Unauthorized) {
            metrics::rejected_key(self.function());
        }
        // Macros fix the level at compile time.
        if matches!(refusal, Refusal::Unavailable(_)) {
            tracing::error!(
                reason = with_causes(refusal),
                jobId = job_id,
                httpStatus = http_status,
                durationMs = duration_ms,
                requestId = request_id,
                traceId = trace_id,
                "event not recorded"
            );
        } else {
            tracing::warn!(
                reason = with_causes(refusal),
                jobId = job_id,
                httpStatus = http_status,
                durationMs = duration_ms,
                requestId = request_id,
                traceId = trace_id,
                "event refused"
            );
        }
    }

    fn duration_ms(&self) -> u64 {
        self.started.elapsed().as_millis().try_into().unwrap_or(u64::MAX)
    }
}
