//! From a request to the body of `CreateJob`. Nothing here reads a clock, the environment or a
//! random source: the same request under the same token is the same body, byte for byte.

use jobs::InputUri;
use serde_json::{Map, Value, json};

use crate::definition::JobDefinition;
use crate::invalid_request::{InvalidRequest, quoted};
use crate::media_uris;
use crate::output::OutputKey;
use crate::request::Request;
use crate::rules::Rules;

#[cfg(test)]
mod refused;
#[cfg(test)]
pub(crate) mod tests;

/// A job ready to be created.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateJob {
    /// The REST API's JSON.
    pub body: Value,
    /// The `s3://…/` prefix its outputs lie under.
    pub destination: String,
}

impl CreateJob {
    /// The job that `request` asks for. `definition` is what its [`Source`] stands for.
    ///
    /// # Errors
    /// The definition reads or writes where it may not, or hops to a queue that isn't ours.
    pub fn new(
        request: &Request,
        definition: JobDefinition,
        client_request_token: &str,
        rules: &Rules,
    ) -> Result<Self, InvalidRequest> {
        let field = request.source.field();
        let key = request.output_key.clone();
        let key = key.unwrap_or_else(|| OutputKey::unique(client_request_token));
        let destination = rules.outputs.destination(&key);
        let JobDefinition {
            mut settings,
            acceleration_settings,
            hop_destinations,
        } = definition;

        set_input(&mut settings, &request.input, field)?;
        complete_destinations(&mut settings, field, &destination, rules)?;
        let settings = Value::Object(settings);
        media_uris::check(&settings, field, &rules.inputs, &rules.outputs)?;
        if let Some(hops) = &hop_destinations {
            check_hops(hops, field, rules)?;
        }

        let mut body = json!({
            "clientRequestToken": client_request_token,
            "queue": request.queue.as_str(),
            "role": rules.role_arn,
            "settings": settings,
        });
        let optional = [
            ("accelerationSettings", acceleration_settings),
            ("hopDestinations", hop_destinations),
            ("jobTemplate", request.source.job_template().map(Value::from)),
            ("priority", request.priority.map(Value::from)),
            (
                "statusUpdateInterval",
                request.status_update_interval.clone().map(Value::from),
            ),
            ("tags", request.tags.as_ref().map(|tags| json!(tags))),
            (
                "userMetadata",
                request.user_metadata.as_ref().map(|data| json!(data)),
            ),
        ];
        for (member, value) in optional {
            if let Some(value) = value {
                body[member] = value;
            }
        }
        Ok(Self { body, destination })
    }
}

/// Makes `input` the first input's file. Settings without inputs get one that takes the default
/// sound track and turns the picture upright, as a job made in the console would start from.
fn set_input(settings: &mut Map<String, Value>, input: &InputUri, field: &str) -> Result<(), InvalidRequest> {
    let inputs = settings.entry("inputs").or_insert(Value::Null);
    if inputs.is_null() || *inputs == json!([]) {
        *inputs = json!([{
            "audioSelectors": { "Audio Selector 1": { "defaultSelection": "DEFAULT" } },
            "videoSelector": { "rotate": "AUTO" },
            "timecodeSource": "ZEROBASED",
        }]);
    }
    let Some(Value::Object(first)) = inputs.get_mut(0) else {
        return Err(InvalidRequest::new(
            format!("{field}.inputs"),
            "must be a list of inputs",
        ));
    };
    let file = first.entry("fileInput").or_insert(Value::Null);
    match file {
        Value::Null => *file = input.as_str().into(),
        Value::String(uri) if uri == input.as_str() => {}
        other => {
            let other = other.as_str().map_or_else(|| other.to_string(), quoted);
            return Err(InvalidRequest::new(
                format!("{field}.inputs[0].fileInput"),
                format!(
                    "{other} must be absent or the request's input ({})",
                    quoted(input.as_str())
                ),
            ));
        }
    }
    Ok(())
}

/// Gives each output group the destination its own type keeps, under the job's.
fn complete_destinations(
    settings: &mut Map<String, Value>,
    field: &str,
    job: &str,
    rules: &Rules,
) -> Result<(), InvalidRequest> {
    let groups = settings.get_mut("outputGroups").and_then(Value::as_array_mut);
    for (i, group) in groups.into_iter().flatten().enumerate() {
        let path = format!("{field}.outputGroups[{i}].outputGroupSettings");
        let group = group
            .get_mut("outputGroupSettings")
            .and_then(Value::as_object_mut);
        let group_type = group.as_ref().and_then(|group| group.get("type")?.as_str());
        let (Some(member), Some(group)) = (group_type.map(settings_member), group) else {
            return Err(InvalidRequest::new(
                path,
                "must name the group's type, such as FILE_GROUP_SETTINGS",
            ));
        };
        let path = format!("{path}.{member}");
        let Value::Object(group) = group.entry(member).or_insert_with(|| json!({})) else {
            return Err(InvalidRequest::new(path, "must be an object"));
        };
        let path = format!("{path}.destination");
        let written = match group.get("destination") {
            None | Some(Value::Null) => "",
            Some(Value::String(written)) => written,
            Some(other) => return Err(InvalidRequest::new(path, format!("{other} must be a string"))),
        };
        let complete = rules
            .outputs
            .complete(written, job)
            .map_err(|problem| InvalidRequest::new(path, problem))?;
        group.insert("destination".to_owned(), complete.into());
    }
    Ok(())
}

/// The member that holds the settings of an output group's type: `fileGroupSettings` for
/// `FILE_GROUP_SETTINGS`.
fn settings_member(group_type: &str) -> String {
    let mut words = group_type.split('_').map(str::to_ascii_lowercase);
    let first = words.next().unwrap_or_default();
    words.fold(first, |member, mut word| {
        word.get_mut(..1).map(str::make_ascii_uppercase);
        member + &word
    })
}

/// Every hop must name one of our queues: without a name, MediaConvert moves the job to the
/// account's default queue, whose events this stack may not follow.
fn check_hops(hops: &Value, field: &str, rules: &Rules) -> Result<(), InvalidRequest> {
    let path = format!("{field}.hopDestinations");
    let Value::Array(hops) = hops else {
        return Err(InvalidRequest::new(path, "must be a list"));
    };
    for (i, hop) in hops.iter().enumerate() {
        let queue = hop.get("queue").and_then(Value::as_str).unwrap_or_default();
        rules
            .queues
            .find(queue)
            .map_err(|problem| InvalidRequest::new(format!("{path}[{i}].queue"), problem))?;
    }
    Ok(())
}
