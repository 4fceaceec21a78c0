//! One invocation: a batch of the events' dead-letter queue, or the schedule's word that it is time.

use std::time::{Duration, SystemTime};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde::Serialize;
use serde_json::Value;
use startup::logging::with_causes;

use crate::claims::LeftClaims;
use crate::dead_letters::DeadLetters;
use crate::metrics::Tally;
use crate::silent_jobs::SilentJobs;

/// Kept for what is at work when a check's time is over: the last job's calls, each with its retries.
const FOR_THE_LAST: Duration = Duration::from_secs(90);

/// The function.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the parts are what their types say")]
pub struct Function {
    pub dead_letters: DeadLetters,
    pub silent_jobs: SilentJobs,
    pub claims: LeftClaims,
}

/// An answer in the form the invocation asks for.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Reply {
    Batch(SqsBatchResponse),
    Check(Tally),
}

/// What the function was invoked for.
enum Trigger {
    Batch(SqsEvent),
    Schedule,
}

impl Function {
    /// Answers one invocation.
    ///
    /// # Errors
    /// The payload is neither trigger's, or the check had to stop; what it had done by then is done, and
    /// the next one goes on from there.
    pub async fn invoke(&self, event: LambdaEvent<Value>) -> Result<impl Serialize + use<>, Diagnostic> {
        let LambdaEvent { payload, context } = event;
        let function = &context.env_config.function_name;
        let trigger = trigger(payload).map_err(|message| {
            tracing::error!(
                requestId = context.request_id,
                reason = message,
                "invocation refused"
            );
            Diagnostic {
                error_type: "InvalidRequest".to_owned(),
                error_message: message,
            }
        })?;
        match trigger {
            Trigger::Batch(batch) => Ok(Reply::Batch(self.dead_letters.handle(batch, function).await)),
            Trigger::Schedule => {
                let deadline = context.deadline();
                let until = deadline.checked_sub(FOR_THE_LAST).unwrap_or(deadline);
                self.check(until, function, &context.request_id)
                    .await
                    .map(Reply::Check)
            }
        }
    }

    async fn check(&self, until: SystemTime, function: &str, request_id: &str) -> Result<Tally, Diagnostic> {
        let mut tally = Tally::default();
        // The claims first: one that is finished may bring a row that is asked for next. They get half the time.
        let left = until.duration_since(SystemTime::now()).unwrap_or_default();
        let claims = self.claims.settle(until - left / 2, &mut tally).await;
        let jobs = self.silent_jobs.check(until, &mut tally).await;
        tally.emit(function);
        tracing::info!(
            jobsAsked = tally.jobs_asked,
            jobsRecovered = tally.jobs_recovered,
            jobsNotFound = tally.jobs_not_found,
            stuckJobs = tally.stuck_jobs,
            claimsSettled = tally.claims_settled,
            requestId = request_id,
            "open items checked"
        );
        match claims.and(jobs) {
            Ok(()) => Ok(tally),
            Err(stopped) => {
                let reason = with_causes(&stopped);
                tracing::error!(reason, requestId = request_id, "check stopped");
                Err(Diagnostic {
                    error_type: "Unavailable".to_owned(),
                    error_message: reason,
                })
            }
        }
    }
}

/// Whose payload it is. The schedule's is known by the member that EventBridge and its Scheduler give
/// theirs.
fn trigger(payload: Value) -> Result<Trigger, String> {
    if payload["Records"][0]["eventSource"] == "aws:sqs" {
        return serde_json::from_value(payload)
            .map(Trigger::Batch)
            .map_err(|error| format!("the payload is not a batch of SQS messages: {error}"));
    }
    if payload["detail-type"] == "Scheduled Event" {
        return Ok(Trigger::Schedule);
    }
    let members = payload.as_object().map(|payload| {
        let names: Vec<&str> = payload.keys().map(String::as_str).take(10).collect();
        names.join(", ")
    });
    Err(format!(
        "the payload must be a batch of SQS messages (Records[0].eventSource \"aws:sqs\") or a schedule's event \
         (detail-type \"Scheduled Event\"); {}",
        members.map_or_else(
            || "it is no object".to_owned(),
            |names| format!("it has {names:?}")
        )
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_payload_of_unknown_shape_is_named() {
        for (payload, told) in [
            (json!({"all": true, "check": "jobs"}), "it has \"all, check\""),
            (json!([1]), "it is no object"),
            (json!({"Records": []}), "it has \"Records\""),
            (
                json!({"Records": [{"eventSource": "aws:sqs", "body": 1}]}),
                "not a batch of SQS messages: ",
            ),
        ] {
            let error = trigger(payload).err().unwrap();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn schedules_and_batches_are_told_apart() {
        let schedule = json!({"source": "aws.scheduler", "detail-type": "Scheduled Event"});
        assert!(matches!(trigger(schedule), Ok(Trigger::Schedule)));
        let batch = json!({"Records": [{"eventSource": "aws:sqs", "messageId": "m", "body": "{}"}]});
        assert!(matches!(trigger(batch), Ok(Trigger::Batch(_))));
    }
}
