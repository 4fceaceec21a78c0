//! The public door: the parts of an HTTP request that matter, and the answer's envelope.
//!
//! A request is read member by member from its JSON, so that every request gets an answer:
//! `aws_lambda_events`' type rejects requests for members that don't matter here, and for a flood of
//! headers, and the sender would get Lambda's own 502.

use aws_lambda_events::lambda_function_urls::LambdaFunctionUrlResponse;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use serde_json::Value;

use crate::answer::{Acknowledgement, Refusal};

/// EventBridge's own limit for an event, in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// The header the EventBridge connection sends the key in.
const API_KEY: &str = "x-api-key";

/// Refuses everything but a POST; any path will do.
pub(crate) fn method(request: &Value) -> Result<(), Refusal> {
    match request.pointer("/requestContext/http/method") {
        Some(method) if method == Method::POST.as_str() => Ok(()),
        _ => Err(Refusal::MethodNotAllowed),
    }
}

/// The body's bytes, at most [`MAX_BODY`] of them; `None` if it claims to be base64 and isn't.
pub(crate) fn body(request: &mut Value) -> Result<Option<Vec<u8>>, Refusal> {
    let text = match request.get_mut("body").map(Value::take) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    let body = if request.get("isBase64Encoded") == Some(&Value::Bool(true)) {
        BASE64_STANDARD.decode(text).ok()
    } else {
        Some(text.into_bytes())
    };
    match body {
        Some(body) if body.len() > MAX_BODY => Err(Refusal::PayloadTooLarge),
        body => Ok(body),
    }
}

/// The key the sender presents; empty if there is none.
pub(crate) fn presented_key(request: &Value) -> &[u8] {
    let headers = request.get("headers").and_then(Value::as_object);
    headers
        .into_iter()
        .flatten()
        .find(|(name, _)| name.eq_ignore_ascii_case(API_KEY))
        .and_then(|(_, value)| value.as_str())
        .unwrap_or_default()
        .as_bytes()
}

pub(crate) fn response(answer: &Result<Acknowledgement, Refusal>) -> LambdaFunctionUrlResponse {
    let mut response = LambdaFunctionUrlResponse::default();
    let (status, body) = match answer {
        Ok(acknowledgement) => (StatusCode::OK, serde_json::to_string(acknowledgement)),
        Err(refusal) => (refusal.status(), serde_json::to_string(&refusal.body())),
    };
    if matches!(answer, Err(Refusal::MethodNotAllowed)) {
        response.headers.insert(ALLOW, HeaderValue::from_static("POST"));
    }
    response
        .headers
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.status_code = i64::from(status.as_u16());
    response.body = body.ok();
    response
}
