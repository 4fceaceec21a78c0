//! What the sender is told, over HTTP and by function result alike.
//!
//! The status codes are chosen by what an API destination does with them: it retries 401, 429 and
//! 5xx for a day and drops every other 4xx into the dead-letter queue ([retries]). So 503 is for what
//! trying again can cure, 400 for what it can't, and 200 for what needs no cure.
//!
//! [retries]: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html

use http::StatusCode;
use jobs::table::Recorded;
use jobs::{JobId, Status};
use lambda_runtime::Diagnostic;
use serde::Serialize;
use serde_json::{Value, json};

/// The event was taken.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Taken {
    pub(crate) job_id: JobId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<Status>,
    pub(crate) outcome: &'static str,
}

impl Taken {
    pub(crate) fn recorded(job_id: JobId, recorded: Recorded) -> Self {
        Self {
            job_id,
            status: Some(recorded.status),
            outcome: recorded.outcome.as_str(),
        }
    }

    /// A status this version does not know: there is nothing to write.
    pub(crate) fn ignored(job_id: JobId) -> Self {
        Self {
            job_id,
            status: None,
            outcome: "ignored",
        }
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
    #[error("{0}")]
    InvalidEvent(String),
    #[error("{0}")]
    Unavailable(String),
}

impl Refusal {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::InvalidEvent(_) => StatusCode::BAD_REQUEST,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error(&self) -> &'static str {
        match self {
            Self::MethodNotAllowed => "method_not_allowed",
            Self::PayloadTooLarge => "payload_too_large",
            Self::Unauthorized => "unauthorized",
            Self::InvalidEvent(_) => "invalid_event",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// What a stranger may read. Why a dependency fails is for the log alone.
    pub(crate) fn body(&self) -> Value {
        match self {
            Self::InvalidEvent(message) => json!({"error": self.error(), "message": message}),
            _ => json!({"error": self.error()}),
        }
    }
}

/// For who invokes the function directly.
impl From<Refusal> for Diagnostic {
    fn from(refusal: Refusal) -> Self {
        Self {
            error_type: refusal.error().to_owned(),
            error_message: refusal.to_string(),
        }
    }
}
