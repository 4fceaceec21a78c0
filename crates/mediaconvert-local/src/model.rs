//! Requests that keep the rules of AWS's own model of the service. Every client gets the same words,
//! whatever it checks by itself before it sends.

use serde_json::{Map, Value};

/// How many violations one answer names.
const NAMED: usize = 10;

/// Why a request breaks the rules of its shape.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotInModel {
    /// It is not even JSON.
    #[error("the request body is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// Members break rules.
    #[error("{0}")]
    Violations(String),
}

/// Reads the body of a request of that shape.
pub(crate) fn request(shape: &str, body: &[u8]) -> Result<Map<String, Value>, NotInModel> {
    let body: Value = serde_json::from_slice(body)?;
    let violations = mediaconvert_model::violations(shape, &body);
    match body {
        Value::Object(members) if violations.is_empty() => Ok(members),
        _ => {
            let named: Vec<_> = violations.iter().take(NAMED).map(ToString::to_string).collect();
            let more = match violations.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!("; and {more} more"),
            };
            Err(NotInModel::Violations(format!("{}{more}", named.join("; "))))
        }
    }
}
