//! What the sender is told, over HTTP and by function result alike.
//!
//! The status codes are chosen by what an API destination does with them: it retries 401, 429 and
//! 5xx for a day and drops every other 4xx into the dead-letter queue ([retries]). So 503 is for what
//! trying again can cure, 400 for what it can't, and 200 for what needs no cure.
//!
//! [retries]: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html

use std::time::Duration;

use api_keys::KeysUnavailable;
use http::StatusCode;
use jobs::event::InvalidEvent;
use jobs::table::{Recorded, StoreError};
use jobs::{JobId, Status, table};
use lambda_runtime::Diagnostic;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use startup::logging::with_causes;

/// The event was taken.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Acknowledgement {
    pub(crate) job_id: JobId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<Status>,
    pub(crate) outcome: Outcome,
}

/// What became of an event that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Recorded(table::Outcome),
    /// Its status is unknown to this version: there is nothing to write.
    Ignored,
}

impl Acknowledgement {
    pub(crate) fn recorded(job_id: JobId, recorded: Recorded) -> Self {
        Self {
            job_id,
            status: Some(recorded.status),
            outcome: Outcome::Recorded(recorded.outcome),
        }
    }

    pub(crate) fn ignored(job_id: JobId) -> Self {
        Self {
            job_id,
            status: None,
            outcome: Outcome::Ignored,
        }
    }
}

impl Outcome {
    /// In lower case, as answers, logs and metrics write it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Recorded(outcome) => outcome.as_str(),
            Self::Ignored => "ignored",
        }
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The event was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the method is not POST")]
    MethodNotAllowed,
    #[error("the body is longer than an event can be")]
    PayloadTooLarge,
    #[error("the key is missing or wrong")]
    Unauthorized,
    #[error("the body is not base64")]
    NotBase64,
    #[error(transparent)]
    InvalidEvent(#[from] InvalidEvent),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why an event was not taken that may be taken later.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unavailable {
    #[error(transparent)]
    Keys(#[from] KeysUnavailable),
    #[error(transparent)]
    Table(#[from] StoreError),
    #[error("no answer within {} ms", .0.as_millis())]
    Late(Duration),
}

impl Refusal {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NotBase64 | Self::InvalidEvent(_) => StatusCode::BAD_REQUEST,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error(&self) -> &'static str {
        match self {
            Self::MethodNotAllowed => "method_not_allowed",
            Self::PayloadTooLarge => "payload_too_large",
            Self::Unauthorized => "unauthorized",
            Self::NotBase64 | Self::InvalidEvent(_) => "invalid_event",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// What a stranger may read. Why a dependency fails is for the log alone.
    pub(crate) fn body(&self) -> Value {
        match self {
            Self::NotBase64 | Self::InvalidEvent(_) => {
                json!({"error": self.error(), "message": self.to_string()})
            }
            _ => json!({"error": self.error()}),
        }
    }
}

/// What a direct invocation is told.
impl From<Refusal> for Diagnostic {
    fn from(refusal: Refusal) -> Self {
        Self {
            error_type: refusal.error().to_owned(),
            error_message: with_causes(&refusal),
        }
    }
}
