//! Why a step failed, by what somebody has to do about it.

use std::error::Error;

use lambda_runtime::Diagnostic;
use startup::logging::with_causes;

/// A step that failed. Each is a function error, whose type is the variant's name.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RotationError {
    /// Not a rotation of this function's secret. Trying again changes nothing.
    #[error("{0}")]
    InvalidRequest(String),
    /// The secret holds no key to roll. Somebody has to mend it.
    #[error("{0}")]
    InvalidSecret(String),
    /// AWS didn't do what it was asked for. Trying again may help.
    #[error("can't {call}: {reason}")]
    Unavailable { call: &'static str, reason: String },
    /// EventBridge has the key and doesn't use the connection.
    #[error("connection {name} is {state} where it should become AUTHORIZED{reason}")]
    NotAuthorized {
        name: String,
        state: String,
        reason: String,
    },
    /// The webhook doesn't take the key.
    #[error("the webhook didn't take the new key within {seconds} s; the last time it answered: {answer}")]
    NotAccepted { seconds: u64, answer: String },
    /// The step failed, and the connection may be left with the new key.
    #[error("{failure}; and the connection couldn't be given the present key back: {reason}")]
    NotPutBack {
        failure: Box<RotationError>,
        reason: Box<RotationError>,
    },
}

impl RotationError {
    /// A failed call to AWS; `call` says what it was for.
    pub(crate) fn unavailable(call: &'static str, error: &(dyn Error + 'static)) -> Self {
        let reason = with_causes(error);
        Self::Unavailable { call, reason }
    }

    fn error_type(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "InvalidRequest",
            Self::InvalidSecret(_) => "InvalidSecret",
            Self::Unavailable { .. } => "Unavailable",
            Self::NotAuthorized { .. } => "NotAuthorized",
            Self::NotAccepted { .. } => "NotAccepted",
            Self::NotPutBack { .. } => "NotPutBack",
        }
    }
}

impl From<&RotationError> for Diagnostic {
    fn from(error: &RotationError) -> Self {
        Self {
            error_type: error.error_type().to_owned(),
            error_message: error.to_string(),
        }
    }
}
