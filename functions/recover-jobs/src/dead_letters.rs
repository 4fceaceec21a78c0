//! The events' dead-letter queue: what EventBridge could not deliver for a day.
//!
//! Each message's body is the event, and is merged as if it had come in time. What can't be applied,
//! now or later, goes to a queue of its own with the reason; what may work later comes again.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use dead_letters::{DeadLetters as Queue, Reason};
use jobs::event::InvalidEvent;
use jobs::table::{JobsTable, StoreError};
use jobs::{JobEvent, Received};
use startup::logging::with_causes;

use crate::metrics;

/// Takes batches of dead letters.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    /// Where the events go.
    pub jobs: JobsTable,
    /// Where those go that can't be applied; without it they come again until their queue gives them up.
    pub unapplied: Option<Queue>,
}

/// Why an event was not applied.
#[derive(Debug, thiserror::Error)]
enum NotApplied {
    #[error(transparent)]
    InvalidEvent(#[from] InvalidEvent),
    #[error(transparent)]
    Table(#[from] StoreError),
}

impl NotApplied {
    fn is_curable(&self) -> bool {
        match self {
            Self::InvalidEvent(_) => false,
            Self::Table(error) => error.is_curable(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::InvalidEvent(_) => "InvalidEvent",
            Self::Table(StoreError::Unreadable { .. }) => "UnreadableRow",
            Self::Table(StoreError::Unavailable { .. }) => "Refused",
        }
    }
}

impl DeadLetters {
    /// Applies the messages, and answers which of them are to come again.
    pub(crate) async fn handle(&self, batch: SqsEvent, function: &str) -> SqsBatchResponse {
        let mut response = SqsBatchResponse::default();
        for message in batch.records {
            let id = message.message_id.clone().unwrap_or_default();
            if let Some(outcome) = self.outcome(&id, &message).await {
                metrics::dead_letter(function, outcome);
            } else {
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = id;
                response.batch_item_failures.push(failure);
            }
        }
        response
    }

    /// What became of the message, if it need not come again.
    async fn outcome(&self, id: &str, message: &SqsMessage) -> Option<&'static str> {
        let body = message.body.as_deref().unwrap_or_default();
        match self.apply(id, body).await {
            Ok(outcome) => Some(outcome),
            Err(error) if error.is_curable() => {
                tracing::warn!(
                    messageId = id,
                    reason = with_causes(&error),
                    "dead letter to be tried again"
                );
                None
            }
            Err(error) => self.set_aside(id, body, &error).await,
        }
    }

    async fn apply(&self, id: &str, body: &str) -> Result<&'static str, NotApplied> {
        match JobEvent::from_json(body.as_bytes())? {
            Received::Event(event) => {
                let (job_id, event_status) = (event.job_id.clone(), event.change.status());
                let recorded = self.jobs.record_event(event).await?;
                let outcome = recorded.outcome.as_str();
                let status = recorded.status.as_str();
                tracing::info!(messageId = id, jobId = %job_id, eventStatus = event_status, status, outcome, "dead letter applied");
                Ok(outcome)
            }
            Received::UnknownStatus { job_id, status } => {
                tracing::warn!(messageId = id, jobId = %job_id, eventStatus = status, "dead letter ignored: its status is unknown to this version");
                Ok("ignored")
            }
        }
    }

    async fn set_aside(&self, id: &str, body: &str, error: &NotApplied) -> Option<&'static str> {
        let (code, message) = (error.code(), with_causes(error));
        tracing::error!(
            messageId = id,
            code,
            reason = message,
            "dead letter can't be applied"
        );
        let reason = Reason {
            code,
            message: &message,
        };
        match self.unapplied.as_ref()?.send(id, body, reason).await {
            Ok(()) => Some("unapplied"),
            Err(error) => {
                tracing::warn!(
                    messageId = id,
                    reason = with_causes(&error),
                    "dead letter not set aside; to be tried again"
                );
                None
            }
        }
    }
}
