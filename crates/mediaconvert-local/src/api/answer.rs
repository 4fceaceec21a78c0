//! Answers: a status, a request id and a JSON body.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use uuid::Uuid;

pub(super) fn answer(status: StatusCode, body: Value) -> Response {
    let request_id = [("x-amzn-requestid", Uuid::new_v4().to_string())];
    (status, request_id, axum::Json(body)).into_response()
}
