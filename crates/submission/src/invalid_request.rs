//! What is wrong with a request, in words its sender can act on: the field, its value and the rule
//! the value breaks.

use std::fmt;

/// A request no job can be made of. Sending it again can't help.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{field}: {problem}")]
pub struct InvalidRequest {
    field: String,
    problem: String,
}

impl InvalidRequest {
    /// `field` is the path to the member, `problem` its value and the rule.
    pub fn new(field: impl Into<String>, problem: impl fmt::Display) -> Self {
        Self {
            field: field.into(),
            problem: problem.to_string(),
        }
    }
}

/// A value as a message shows it: in quotes, without control characters, not longer than a line of a
/// log bears, and without what opens doors: the credentials and signatures of a URL.
#[must_use]
pub fn quoted(value: &str) -> String {
    const SHOWN: usize = 200;
    let value = match value.split_once("://") {
        Some((scheme, rest)) if scheme != "s3" => {
            let rest = rest.split(['?', '#']).next().unwrap_or_default();
            let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
            &*format!("{scheme}://{rest}")
        }
        _ => value,
    };
    match value.char_indices().nth(SHOWN) {
        None => format!("{value:?}"),
        Some((end, _)) => format!("{:?} (cut)", &value[..end]),
    }
}
