//! The two ways AWS writes MediaConvert's JSON. The console and the AWS CLI write `FileInput`, the
//! REST API takes `fileInput`; in the whole service model the one is the other with its first letter
//! changed. Keys of maps are the caller's data and stay as they are.

use serde_json::{Map, Value};

use crate::invalid_request::InvalidRequest;

/// Members whose value is a map: its keys are names the caller chose, such as `Audio Selector 1`.
pub(crate) const MAPS: [&str; 4] = [
    "audioSelectorGroups",
    "audioSelectors",
    "captionSelectors",
    "dynamicAudioSelectors",
];

/// Rewrites every member name under `value` in the REST API's style.
///
/// # Errors
/// An object that holds one member in both styles: only one of them could be meant.
pub(crate) fn camel_case(value: Value, path: &str) -> Result<Value, InvalidRequest> {
    match value {
        Value::Object(members) => members
            .into_iter()
            .try_fold(Map::new(), |mut object, (name, value)| {
                let name = lower_first(&name);
                let path = format!("{path}.{name}");
                let value = match value {
                    Value::Object(entries) if MAPS.contains(&name.as_str()) => map(entries, &path)?,
                    value => camel_case(value, &path)?,
                };
                if object.insert(name, value).is_some() {
                    return Err(InvalidRequest::new(
                        path,
                        "appears twice, in upper and in lower case",
                    ));
                }
                Ok(object)
            })
            .map(Value::Object),
        Value::Array(items) => (0..)
            .zip(items)
            .map(|(i, item): (usize, _)| camel_case(item, &format!("{path}[{i}]")))
            .collect::<Result<_, _>>()
            .map(Value::Array),
        scalar => Ok(scalar),
    }
}

fn map(entries: Map<String, Value>, path: &str) -> Result<Value, InvalidRequest> {
    entries
        .into_iter()
        .map(|(key, value)| {
            let value = camel_case(value, &format!("{path}.{key}"))?;
            Ok((key, value))
        })
        .collect::<Result<_, _>>()
        .map(Value::Object)
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map(|first| first.to_ascii_lowercase())
        .into_iter()
        .chain(letters)
        .collect()
}
