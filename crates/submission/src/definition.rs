//! What a job is to do, as MediaConvert's own JSON says it: a profile file, a caller's `settings`
//! or a job template. Each is the bare job settings or a whole export that holds them.

use serde_json::{Map, Value};

use crate::invalid_request::{InvalidRequest, quoted};
use crate::json_style::camel_case;

/// The part of `CreateJob` that says what the job does, in the REST API's style.
#[derive(Clone, Debug, PartialEq)]
pub struct JobDefinition {
    /// `settings`, with at least one output group.
    pub settings: Map<String, Value>,
    /// `accelerationSettings`, where an export has them.
    pub acceleration_settings: Option<Value>,
    /// `hopDestinations`, where an export has them.
    pub hop_destinations: Option<Value>,
}

/// The members of `JobSettings`, which tell bare settings from a mistake.
pub(crate) const SETTINGS: [&str; 15] = [
    "adAvailOffset",
    "availBlanking",
    "colorConversion3DLUTSettings",
    "esam",
    "extendedDataServices",
    "followSource",
    "inputs",
    "kantarWatermark",
    "motionImageInserter",
    "motionImageInserters",
    "nielsenConfiguration",
    "nielsenNonLinearWatermark",
    "outputGroups",
    "timecodeConfig",
    "timedMetadataInsertion",
];

/// Members of an export that name its account, its template or what became of its job. Ours apply,
/// so they are left out without a word.
const IGNORED: [&str; 28] = [
    "accelerationStatus",
    "arn",
    "category",
    "clientRequestToken",
    "createdAt",
    "currentPhase",
    "description",
    "errorCode",
    "errorMessage",
    "id",
    "jobEngineVersionUsed",
    "jobPercentComplete",
    "jobTemplate",
    "lastShareDetails",
    "lastUpdated",
    "messages",
    "name",
    "outputGroupDetails",
    "queue",
    "queueTransitions",
    "retryCount",
    "role",
    "shareStatus",
    "status",
    "statusUpdateInterval",
    "timing",
    "type",
    "warnings",
];

impl JobDefinition {
    /// Reads settings or an export; `field` is where they come from.
    ///
    /// # Errors
    /// A member nothing would be done with, which its writer could miss; or no output group.
    pub fn parse(json: Value, field: &str) -> Result<Self, InvalidRequest> {
        Self::read(json, field, refuse_unused)
    }

    /// Reads what `GetJobTemplate` answers. The job names the template as well, so the members left
    /// out here still apply.
    ///
    /// # Errors
    /// No settings or no output group.
    pub fn from_template(json: Value) -> Result<Self, InvalidRequest> {
        Self::read(json, "jobTemplate", |_, _| Ok(()))
    }

    fn read(
        json: Value,
        field: &str,
        check_rest: fn(Map<String, Value>, &str) -> Result<(), InvalidRequest>,
    ) -> Result<Self, InvalidRequest> {
        let mut export = unwrapped(object(camel_case(json, field)?, field)?);
        let definition = match export.remove("settings") {
            None => Self {
                settings: export,
                acceleration_settings: None,
                hop_destinations: None,
            },
            Some(settings) => {
                let definition = Self {
                    settings: object(settings, field)?,
                    acceleration_settings: export.remove("accelerationSettings"),
                    hop_destinations: export.remove("hopDestinations"),
                };
                check_rest(export, field)?;
                definition
            }
        };
        definition.check_settings(field)?;
        Ok(definition)
    }

    fn check_settings(&self, field: &str) -> Result<(), InvalidRequest> {
        if let Some(name) = self
            .settings
            .keys()
            .find(|name| !SETTINGS.contains(&name.as_str()))
        {
            return Err(unknown(field, name, "a member of MediaConvert's job settings"));
        }
        match self.settings.get("outputGroups") {
            Some(Value::Array(groups)) if !groups.is_empty() => Ok(()),
            _ => Err(InvalidRequest::new(
                format!("{field}.outputGroups"),
                "must list at least one output group",
            )),
        }
    }
}

/// An answer of the AWS CLI wraps the job or the template in an object of its own.
fn unwrapped(mut export: Map<String, Value>) -> Map<String, Value> {
    for wrapper in ["job", "jobTemplate"] {
        if export.len() == 1
            && let Some(Value::Object(wrapped)) = export.get_mut(wrapper)
        {
            return std::mem::take(wrapped);
        }
    }
    export
}

/// Refuses what an export says beyond its settings, unless it is the default and says nothing.
fn refuse_unused(export: Map<String, Value>, field: &str) -> Result<(), InvalidRequest> {
    for (name, value) in export {
        let default = match name.as_str() {
            ignored if IGNORED.contains(&ignored) => continue,
            "billingTagsSource" => Value::from("JOB"),
            "priority" => Value::from(0),
            "simulateReservedQueue" => Value::from("DISABLED"),
            "tags" | "userMetadata" => Value::Object(Map::new()),
            _ => {
                return Err(unknown(
                    field,
                    &name,
                    "a member of a MediaConvert export this function reads",
                ));
            }
        };
        if value != default {
            return Err(InvalidRequest::new(
                format!("{field}.{name}"),
                format!(
                    "{} is not taken from an export; leave it out, or give it in the request where the request has such a field",
                    quoted(&value.to_string())
                ),
            ));
        }
    }
    Ok(())
}

fn unknown(field: &str, name: &str, what: &str) -> InvalidRequest {
    InvalidRequest::new(
        format!("{field}.{name}"),
        format!("{} is not {what}", quoted(name)),
    )
}

fn object(value: Value, field: &str) -> Result<Map<String, Value>, InvalidRequest> {
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(InvalidRequest::new(
            field,
            "must be an object of MediaConvert's job settings",
        )),
    }
}
