//! Errors in the shape in which the SDKs look for them.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::answer::answer;
use crate::create_job::Refused;
use crate::job_templates::TemplateError;
use crate::model::NotInModel;
use crate::queues::QueueError;

/// An error in the shape in which the SDKs look for it.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    name: &'static str,
    message: String,
}

impl ApiError {
    pub(super) fn unknown_operation() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            name: "UnknownOperationException",
            message: "mediaconvert-local has no such operation".to_owned(),
        }
    }

    pub(super) fn too_many_requests() -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            name: "TooManyRequestsException",
            message: "Too Many Requests".to_owned(),
        }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            name: "BadRequestException",
            message: message.into(),
        }
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            name: "NotFoundException",
            message: message.into(),
        }
    }

    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::CONFLICT,
            name: "ConflictException",
            message: message.into(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = answer(self.status, json!({"message": self.message}));
        let name = axum::http::HeaderValue::from_static(self.name);
        response.headers_mut().insert("x-amzn-errortype", name);
        response
    }
}

impl From<NotInModel> for ApiError {
    fn from(error: NotInModel) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl From<Refused> for ApiError {
    fn from(error: Refused) -> Self {
        match error {
            Refused::Template(error) => error.into(),
            error => Self::bad_request(error.to_string()),
        }
    }
}

impl From<TemplateError> for ApiError {
    fn from(error: TemplateError) -> Self {
        let message = error.to_string();
        match error {
            TemplateError::BadRequest(_) => Self::bad_request(message),
            TemplateError::NotFound(_) => Self::not_found(message),
            TemplateError::Conflict(_) => Self::conflict(message),
        }
    }
}

impl From<QueueError> for ApiError {
    fn from(error: QueueError) -> Self {
        let message = error.to_string();
        match error {
            QueueError::BadRequest(_) => Self::bad_request(message),
            QueueError::NotFound(_) => Self::not_found(message),
            QueueError::Conflict(_) => Self::conflict(message),
        }
    }
}
