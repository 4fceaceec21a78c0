//! A batch of the submit queue: each message is a request, or tells of an upload.

use std::time::SystemTime;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use dead_letters::{DeadLetters, Reason};
use serde_json::Value;
use startup::logging::with_causes;
use submission::invalid_request::InvalidRequest;
use submission::patience::Patience;
use submission::request::Incoming;
use submission::submit::{AFTER_CREATE_JOB, SubmitError, SubmitJob, SubmittedJob};

use crate::upload::Upload;

/// Takes batches.
#[derive(Clone, Debug)]
pub struct Batches {
    submit: SubmitJob,
    dead_letters: Option<DeadLetters>,
}

impl Batches {
    /// Batches whose requests go to `submit`. Without `dead_letters`, requests that no retry can cure
    /// are tried until the queue itself gives them up.
    #[must_use]
    pub fn new(submit: SubmitJob, dead_letters: Option<DeadLetters>) -> Self {
        Self { submit, dead_letters }
    }

    /// Handles the messages in their order, and answers which of them are to come again. Those that
    /// there is no time for are not begun.
    pub(crate) async fn handle(&self, batch: SqsEvent, deadline: SystemTime) -> SqsBatchResponse {
        let mut response = SqsBatchResponse::default();
        for message in batch.records {
            let id = message.message_id.clone().unwrap_or_default();
            let in_time = !Patience::before(deadline, AFTER_CREATE_JOB).left().is_zero();
            if !in_time {
                tracing::warn!(messageId = id, "message left for later: no time");
            }
            if !in_time || !self.is_done(&id, &message, deadline).await {
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = id;
                response.batch_item_failures.push(failure);
            }
        }
        response
    }

    /// Whether the message need not come again.
    async fn is_done(&self, id: &str, message: &SqsMessage, deadline: SystemTime) -> bool {
        let body = message.body.as_deref().unwrap_or_default();
        match self.submit(id, body, deadline).await {
            Ok(None) => {
                tracing::info!(
                    messageId = id,
                    "upload is a folder or an output, and not submitted"
                );
                true
            }
            Ok(Some(submitted)) => {
                tracing::info!(messageId = id, jobId = %submitted.job_id, idempotent = submitted.idempotent, "message submitted");
                // Who sent the message learns the job from its claim alone.
                submitted.recorded
            }
            Err(error) if error.is_curable() => {
                tracing::warn!(messageId = id, errorType = error.error_type(), error = %error, "message to be tried again");
                false
            }
            Err(error) => self.bury(id, body, &error).await,
        }
    }

    async fn submit(
        &self,
        id: &str,
        body: &str,
        deadline: SystemTime,
    ) -> Result<Option<SubmittedJob>, SubmitError> {
        let body: Value = serde_json::from_str(body)
            .map_err(|error| InvalidRequest::new("request", format!("must be JSON: {error}")))?;
        let incoming = if Upload::is_event(&body) {
            let upload: Upload = serde_json::from_value(body).map_err(|error| {
                InvalidRequest::new("detail", format!("is not that of an upload: {error}"))
            })?;
            if !upload.is_input(self.submit.outputs()) {
                return Ok(None);
            }
            Incoming::of_input(upload.uri(), upload.key())
        } else {
            Incoming::from_json(body, id)?
        };
        self.submit.submit(&incoming, deadline).await.map(Some)
    }

    async fn bury(&self, id: &str, body: &str, error: &SubmitError) -> bool {
        tracing::error!(messageId = id, errorType = error.error_type(), error = %error, "message can't be submitted");
        let Some(dead_letters) = &self.dead_letters else {
            return false;
        };
        let reason = Reason {
            code: error.error_type(),
            message: &error.to_string(),
        };
        let sent = dead_letters.send(id, body, reason).await;
        if let Err(error) = &sent {
            tracing::warn!(
                messageId = id,
                error = with_causes(error),
                "no dead letter yet; message to be tried again"
            );
        }
        sent.is_ok()
    }
}
