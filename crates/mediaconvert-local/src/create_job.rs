//! `CreateJob`'s request, checked as far as MediaConvert checks it before it answers.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::job_templates::{JobTemplates, TemplateError, fill_in};
use crate::model::{self, NotInModel};
use crate::settings::{JobSettings, SettingsError};

/// The body of `CreateJob`. What is not here does not change what this program does.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    role: String,
    settings: Value,
    queue: Option<String>,
    #[serde(default)]
    user_metadata: Map<String, Value>,
    client_request_token: Option<String>,
    #[serde(default)]
    priority: i32,
    status_update_interval: Option<String>,
    job_template: Option<String>,
    hop_destinations: Option<Vec<Hop>>,
}

/// One of `hopDestinations`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hop {
    queue: Option<String>,
    priority: Option<i32>,
    wait_minutes: Option<i64>,
}

/// A job that can be accepted.
#[derive(Debug, Clone)]
pub(crate) struct JobRequest {
    /// The role to assume.
    pub(crate) role: String,
    /// Its queue, as an ARN.
    pub(crate) queue_arn: String,
    /// The job template it names, whose settings are already filled in.
    pub(crate) job_template: Option<String>,
    /// The settings as they were sent, which `GetJob` echoes.
    pub(crate) settings_json: Value,
    /// The settings as they are carried out, or why they cannot be.
    pub(crate) settings: Result<JobSettings, SettingsError>,
    /// Echoed in every event.
    pub(crate) user_metadata: Map<String, Value>,
    /// Makes a repeated request find the first one's job.
    pub(crate) client_request_token: Option<String>,
    /// -50 to 50.
    pub(crate) priority: i32,
    /// How often it reports.
    pub(crate) status_update_interval: StatusUpdateInterval,
    /// Where it goes when it waits too long in its queue, one after the other.
    pub(crate) hop_destinations: Vec<HopDestination>,
}

/// A queue to hop to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HopDestination {
    /// An ARN.
    #[serde(rename = "queue")]
    pub(crate) queue_arn: String,
    /// The priority there, if it is another than before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) priority: Option<i32>,
    /// How long the job waits before it hops, 1 to 4320.
    pub(crate) wait_minutes: u32,
}

/// Seconds between two `STATUS_UPDATE` events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StatusUpdateInterval(u32);

impl StatusUpdateInterval {
    /// "Approximately one minute."
    const DEFAULT: Self = Self(60);

    fn parse(text: &str) -> Option<Self> {
        text.strip_prefix("SECONDS_")?.parse().ok().map(Self)
    }

    /// `SECONDS_60`.
    pub(crate) fn name(self) -> String {
        format!("SECONDS_{}", self.0)
    }

    /// How many of MediaConvert's usual minutes.
    pub(crate) fn minutes(self) -> f64 {
        f64::from(self.0) / 60.0
    }
}

/// Why a request is refused. MediaConvert answers 400 `BadRequestException` to all but the last.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// It breaks the rules of the service model.
    #[error(transparent)]
    Model(#[from] NotInModel),
    /// Right by the model, but not what this program understands by it.
    #[error("the request body cannot be read: {0}")]
    Body(#[from] serde_json::Error),
    /// One field breaks a rule.
    #[error("{field}: {rule}")]
    Field {
        /// Which.
        field: String,
        /// The rule, with the value where there is one.
        rule: String,
    },
    /// The settings break a rule.
    #[error(transparent)]
    Settings(SettingsError),
    /// There is no such job template.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl Refused {
    fn field(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::Field {
            field: field.into(),
            rule: rule.into(),
        }
    }
}

impl JobRequest {
    /// Whether the URI of an input holds `file`.
    pub(crate) fn reads(&self, file: &str) -> bool {
        let inputs = self.settings_json["inputs"].as_array();
        let mut uris = inputs
            .into_iter()
            .flatten()
            .filter_map(|input| input["fileInput"].as_str());
        uris.any(|uri| uri.contains(file))
    }

    /// Reads a request. `find_queue` turns a queue's name or ARN, or nothing, into the ARN of a
    /// queue that is there.
    pub(crate) fn parse(
        body: &[u8],
        templates: &JobTemplates,
        find_queue: impl Fn(Option<&str>) -> Option<String>,
    ) -> Result<Self, Refused> {
        let mut body = model::request("CreateJobRequest", body)?;
        if let Some(Value::String(template)) = body.get("jobTemplate") {
            let template = templates.get(template)?;
            fill_in(&mut body, &template);
        }
        let body: Body = serde_json::from_value(Value::Object(body))?;
        let settings = match JobSettings::parse(&body.settings) {
            Err(error @ SettingsError::Malformed { .. }) => return Err(Refused::Settings(error)),
            settings => settings,
        };
        let queue = |field: &str, queue: Option<&str>| {
            find_queue(queue).ok_or_else(|| {
                let queue = queue.unwrap_or_default();
                Refused::field(field, format!("there is no queue {queue:?}"))
            })
        };
        let queue_arn = queue("queue", body.queue.as_deref())?;
        let hops = body.hop_destinations.unwrap_or_default().into_iter().enumerate();
        let hop_destinations = hops.map(|(i, hop)| {
            let at = format!("hopDestinations[{i}]");
            let destination = queue(&format!("{at}.queue"), hop.queue.as_deref())?;
            hop_destination(&at, &hop, &queue_arn, destination)
        });
        Ok(Self {
            role: role(body.role)?,
            hop_destinations: hop_destinations.collect::<Result<_, _>>()?,
            queue_arn,
            job_template: body.job_template,
            settings_json: body.settings,
            settings,
            user_metadata: body.user_metadata,
            client_request_token: body.client_request_token,
            priority: body.priority,
            status_update_interval: (body.status_update_interval.as_deref())
                .and_then(StatusUpdateInterval::parse)
                .unwrap_or(StatusUpdateInterval::DEFAULT),
        })
    }
}

fn role(arn: String) -> Result<String, Refused> {
    if arn.starts_with("arn:") && arn.contains(":role/") {
        return Ok(arn);
    }
    let rule = format!("{arn:?} is not the ARN of a role");
    Err(Refused::field("role", rule))
}

/// "This queue cannot be the original queue"; without one it is the default queue.
fn hop_destination(at: &str, hop: &Hop, from: &str, to: String) -> Result<HopDestination, Refused> {
    const LONGEST_WAIT: u32 = 4320;
    if to == from {
        let rule = format!("{to} is the queue that the job is submitted to");
        return Err(Refused::field(format!("{at}.queue"), rule));
    }
    let minutes = hop.wait_minutes.map(|minutes| (minutes, u32::try_from(minutes)));
    let rule = match minutes {
        Some((_, Ok(wait_minutes @ 1..=LONGEST_WAIT))) => {
            return Ok(HopDestination {
                queue_arn: to,
                priority: hop.priority,
                wait_minutes,
            });
        }
        Some((minutes, _)) => format!("{minutes} is not from 1 to {LONGEST_WAIT}"),
        None => "is required".to_owned(),
    };
    Err(Refused::field(format!("{at}.waitMinutes"), rule))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixtures::requests::{body, request};

    fn parse(body: &Value) -> Result<JobRequest, Refused> {
        let default = "arn:aws:mediaconvert:us-east-1:111122223333:queues/Default";
        let templates = JobTemplates::new("us-east-1", "111122223333");
        JobRequest::parse(body.to_string().as_bytes(), &templates, |queue| {
            queue
                .is_none_or(|queue| queue == "Default")
                .then(|| default.to_owned())
        })
    }

    #[test]
    fn a_small_request_gets_mediaconverts_defaults() {
        let request = request();
        assert_eq!(request.status_update_interval.name(), "SECONDS_60");
        assert_eq!(request.priority, 0);
        assert!(request.queue_arn.ends_with("queues/Default"));
        assert!(request.settings.is_ok());
    }

    #[test]
    fn bad_requests_are_refused_by_field() {
        let refused: [(&str, Value, &str); 8] = [
            ("role", Value::Null, "role: is required"),
            (
                "role",
                json!("MyRole"),
                "role: \"MyRole\" is not the ARN of a role",
            ),
            ("settings", Value::Null, "settings: is required"),
            (
                "settings",
                json!({"inputs": []}),
                "settings.outputGroups: at least one output group is required",
            ),
            ("queue", json!("Nowhere"), "queue: there is no queue \"Nowhere\""),
            ("priority", json!(51), "priority: 51 is not from -50 to 50"),
            (
                "statusUpdateInterval",
                json!("SECONDS_5"),
                "statusUpdateInterval: \"SECONDS_5\" is not one of SECONDS_10, SECONDS_12, SECONDS_15, SECONDS_20, \
                 SECONDS_30, SECONDS_60, SECONDS_120, SECONDS_180, SECONDS_240, SECONDS_300, SECONDS_360, SECONDS_420, \
                 SECONDS_480, SECONDS_540, SECONDS_600",
            ),
            (
                "userMetadata",
                json!({"id": 42}),
                "userMetadata.id: 42 is not a string",
            ),
        ];
        for (field, value, message) in refused {
            let mut body = body();
            body[field] = value;
            assert_eq!(parse(&body).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn a_job_template_that_nobody_made_is_named() {
        let mut body = body();
        body["jobTemplate"] = json!("nobody-made-it");
        let error = parse(&body).unwrap_err();
        assert!(matches!(error, Refused::Template(_)));
        assert_eq!(error.to_string(), "there is no job template \"nobody-made-it\"");
    }

    #[test]
    fn a_job_hops_to_another_queue_after_a_while() {
        let hopping = |hop: Value| {
            let mut body = body();
            body["hopDestinations"] = json!([hop]);
            let name = |queue: Option<&str>| format!("arn:q/{}", queue.unwrap_or("Default"));
            let templates = JobTemplates::new("us-east-1", "111122223333");
            let request =
                JobRequest::parse(body.to_string().as_bytes(), &templates, |queue| Some(name(queue)));
            request
                .map(|request| json!(request.hop_destinations))
                .map_err(|error| error.to_string())
        };
        let hop = json!({"queue": "night", "waitMinutes": 4320, "priority": -1});
        let expected = json!([{"queue": "arn:q/night", "waitMinutes": 4320, "priority": -1}]);
        assert_eq!(hopping(hop), Ok(expected));
        for (hop, refusal) in [
            (
                json!({"waitMinutes": 1}),
                "hopDestinations[0].queue: arn:q/Default is the queue that the job is submitted to",
            ),
            (
                json!({"queue": "night"}),
                "hopDestinations[0].waitMinutes: is required",
            ),
            (
                json!({"queue": "night", "waitMinutes": 0}),
                "hopDestinations[0].waitMinutes: 0 is not from 1 to 4320",
            ),
        ] {
            assert_eq!(hopping(hop), Err(refusal.to_owned()));
        }
    }

    #[test]
    fn the_models_rules_come_first_and_are_its_own() {
        let output = "/settings/outputGroups/0/outputs/0";
        let h264 = |settings: Value| json!({"codecSettings": {"codec": "H_264", "h264Settings": settings}});
        let at = "settings.outputGroups[0].outputs[0]";
        let settings = format!("{at}.videoDescription.codecSettings.h264Settings");
        for (pointer, value, message) in [
            (
                "videoDescription",
                h264(json!({"rateControlMode": "CBR", "bitrate": 1_300_000_000})),
                format!("{settings}.bitrate: 1300000000 is not from 1000 to 1152000000"),
            ),
            (
                "videoDescription",
                h264(json!({"maxBitrate": 5000, "numberBFramesBetweenReferenceFrames": 8})),
                format!("{settings}.numberBFramesBetweenReferenceFrames: 8 is not from 0 to 7"),
            ),
            (
                "videoDescription",
                h264(json!({"maxBitrate": 5000, "qvbrSettings": {"qvbrQualityLevelFineTune": 1.5}})),
                format!("{settings}.qvbrSettings.qvbrQualityLevelFineTune: 1.5 is not from 0 to 1"),
            ),
            (
                "videoDescription",
                h264(json!({"maxBitrate": 5000, "gopSize": -0.5})),
                format!("{settings}.gopSize: -0.5 is less than 0"),
            ),
            (
                "videoDescription",
                json!({"width": 7}),
                format!("{at}.videoDescription.width: 7 is not from 32 to 8192"),
            ),
            (
                "nameModifier",
                json!(3),
                format!("{at}.nameModifier: 3 is not a string"),
            ),
            (
                "audioDescriptions",
                json!({}),
                format!("{at}.audioDescriptions: {{}} is not a list"),
            ),
        ] {
            let mut body = body();
            body.pointer_mut(output).unwrap()[pointer] = value;
            assert_eq!(parse(&body).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn numbers_that_only_this_program_does_not_support_are_accepted_and_fail_later() {
        for (pointer, value) in [
            (
                "/settings/inputs/0",
                json!({"fileInput": "s3://in/clip.mov", "audioSelectors": {"a": {"offset": 40}}}),
            ),
            (
                "/settings/outputGroups/0/outputGroupSettings",
                json!({"type": "HLS_GROUP_SETTINGS", "hlsGroupSettings": {
                    "destination": "s3://out/", "timestampDeltaMilliseconds": 1000,
                }}),
            ),
        ] {
            let mut body = body();
            *body.pointer_mut(pointer).unwrap() = value;
            let settings = parse(&body).unwrap().settings;
            assert!(
                matches!(settings, Err(SettingsError::Unsupported { .. })),
                "{settings:?}"
            );
        }
    }

    #[test]
    fn settings_that_only_this_program_lacks_are_accepted_and_fail_later() {
        let mut body = body();
        body["settings"]["outputGroups"][0]["outputGroupSettings"]["type"] =
            json!("MS_SMOOTH_GROUP_SETTINGS");

        let settings = parse(&body).unwrap().settings;
        assert!(
            matches!(settings, Err(SettingsError::Unsupported { .. })),
            "{settings:?}"
        );
    }
}
