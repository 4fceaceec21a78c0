//! Every URI in job settings: those MediaConvert reads keep the rules for inputs, those it writes
//! lie under our prefix.
//!
//! A member counts as a URI when MediaConvert's service model says so, or when its value looks like
//! one: what a later MediaConvert adds is then refused rather than let through unseen.

use serde_json::Value;

use crate::input::{InputRules, InvalidInput};
use crate::invalid_request::InvalidRequest;
use crate::output::{InvalidOutput, Outputs};

/// Members MediaConvert reads from: media, captions, images, fonts, key and watermark servers.
pub(crate) const READ: [&str; 17] = [
    "adiFilename",
    "availBlankingImage",
    "dolbyVisionMetadataXml",
    "externalAudioFileInput",
    "fileInput",
    "fontFileBold",
    "fontFileBoldItalic",
    "fontFileItalic",
    "fontFileRegular",
    "imageInput",
    "imageInserterInput",
    "input",
    "kantarServerUrl",
    "sourceFile",
    "supplementalImps",
    "ticServerUrl",
    "url",
];

/// Members MediaConvert writes to.
pub(crate) const WRITTEN: [&str; 3] = ["destination", "logDestination", "metadataDestination"];

/// Members whose text goes into manifests and segments as it is. Nothing is fetched from there.
pub(crate) const TEXT: [&str; 3] = ["baseUrl", "timedMetadataSchemeIdUri", "timedMetadataValue"];

/// Checks all URIs under `settings`, whose destinations are complete already.
///
/// # Errors
/// The first URI that breaks a rule, by its path.
pub(crate) fn check(
    settings: &Value,
    field: &str,
    inputs: &InputRules,
    outputs: &Outputs,
) -> Result<(), InvalidRequest> {
    walk(settings, "", field, &|member, text| {
        if WRITTEN.contains(&member) {
            Ok(outputs.check(text)?)
        } else if READ.contains(&member) || (looks_like_a_uri(text) && !TEXT.contains(&member)) {
            inputs.parse(text)?;
            Ok(())
        } else {
            Ok(())
        }
    })
}

/// A URI that breaks the rule for what its member does.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
enum InvalidUri {
    Read(#[from] InvalidInput),
    Written(#[from] InvalidOutput),
}

/// Calls `check` with every text and the member it belongs to; a list's items belong to the list's.
fn walk(
    value: &Value,
    member: &str,
    path: &str,
    check: &dyn Fn(&str, &str) -> Result<(), InvalidUri>,
) -> Result<(), InvalidRequest> {
    match value {
        Value::Object(members) => members
            .iter()
            .try_for_each(|(name, value)| walk(value, name, &format!("{path}.{name}"), check)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(i, item)| walk(item, member, &format!("{path}[{i}]"), check)),
        Value::String(text) => check(member, text).map_err(|problem| InvalidRequest::new(path, problem)),
        _ => Ok(()),
    }
}

/// Whether a text starts with a scheme and `://`, after whatever a lenient reader would skip.
fn looks_like_a_uri(text: &str) -> bool {
    text.trim_start_matches(|c: char| c.is_whitespace() || c.is_control())
        .split_once("://")
        .is_some_and(|(scheme, _)| {
            !scheme.is_empty()
                && scheme
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        })
}
