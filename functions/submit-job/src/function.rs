//! One invocation: a request by itself, or a batch of the submit queue.

use std::time::SystemTime;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use dead_letters::DeadLetters;
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde::Serialize;
use serde_json::Value;
use submission::request::Incoming;
use submission::submit::{SubmitError, SubmitJob, SubmittedJob};

use crate::batch::Batches;

/// The function.
#[derive(Clone, Debug)]
pub struct Function {
    submit: SubmitJob,
    batches: Batches,
}

/// An answer in the form the invocation asks for.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Reply {
    Submitted(SubmittedJob),
    Batch(SqsBatchResponse),
}

impl Function {
    /// The function, and where the queued requests go that no retry can cure.
    #[must_use]
    pub fn new(submit: SubmitJob, dead_letters: Option<DeadLetters>) -> Self {
        let batches = Batches::new(submit.clone(), dead_letters);
        Self { submit, batches }
    }

    /// Answers one invocation.
    ///
    /// # Errors
    /// A request by itself whose job there is not. A batch answers which messages are to come again.
    pub async fn invoke(&self, event: LambdaEvent<Value>) -> Result<impl Serialize + use<>, Diagnostic> {
        let LambdaEvent { payload, context } = event;
        let deadline = context.deadline();
        if let Some(batch) = batch(&payload) {
            return Ok(Reply::Batch(self.batches.handle(batch, deadline).await));
        }
        let submitted = self.submit(payload, &context.request_id, deadline).await;
        submitted
            .map(Reply::Submitted)
            .map_err(|error| function_error(&error, &context.request_id))
    }

    async fn submit(
        &self,
        request: Value,
        request_id: &str,
        deadline: SystemTime,
    ) -> Result<SubmittedJob, SubmitError> {
        let incoming = Incoming::from_json(request, request_id)?;
        self.submit.submit(&incoming, deadline).await
    }
}

/// The error as Lambda reports it. A log line of its own says which request it is about.
fn function_error(error: &SubmitError, request_id: &str) -> Diagnostic {
    let error_type = error.error_type();
    tracing::warn!(requestId = request_id, errorType = error_type, %error, "request not submitted");
    Diagnostic {
        error_type: error_type.to_owned(),
        error_message: error.to_string(),
    }
}

/// The batch that Lambda makes of a queue's messages, if the payload is one.
fn batch(payload: &Value) -> Option<SqsEvent> {
    let from_sqs = payload["Records"][0]["eventSource"] == "aws:sqs";
    from_sqs
        .then(|| serde_json::from_value(payload.clone()).ok())
        .flatten()
}
