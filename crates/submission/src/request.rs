//! What a caller asks for. A [`Request`] that exists has passed every check that needs no more than
//! the request and the stack's settings.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::config::Config;
use crate::definition::JobDefinition;
use crate::input::{InputUri, shown};
use crate::invalid_request::{InvalidRequest, quoted};
use crate::output::OutputKey;
use crate::profile::Profile;
use crate::queue::QueueArn;

/// The fields of a request.
const FIELDS: [&str; 11] = [
    "idempotencyKey",
    "input",
    "jobTemplate",
    "outputKey",
    "priority",
    "profile",
    "queue",
    "settings",
    "statusUpdateInterval",
    "tags",
    "userMetadata",
];

/// The values of [`statusUpdateInterval`], in seconds.
///
/// [`statusUpdateInterval`]: https://docs.aws.amazon.com/mediaconvert/latest/apireference/jobs.html
const INTERVALS: [u16; 15] = [
    10, 12, 15, 20, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600,
];

/// A request to transcode one input.
#[derive(Clone, Debug)]
pub struct Request {
    /// What to transcode.
    pub input: InputUri,
    /// Where the job's settings come from.
    pub source: Source,
    /// Where its outputs go; without one they get a key of their own.
    pub output_key: Option<OutputKey>,
    /// The caller's name for this request, under which it starts one job only.
    pub idempotency_key: Option<String>,
    /// What every event of the job is to repeat.
    pub user_metadata: Option<BTreeMap<String, String>>,
    /// The job's tags.
    pub tags: Option<BTreeMap<String, String>>,
    /// The queue the job waits in.
    pub queue: QueueArn,
    /// The job's place in the queue.
    pub priority: Option<i64>,
    /// How often MediaConvert reports progress.
    pub status_update_interval: Option<String>,
}

/// Where a job's settings come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// One of the function's profiles.
    Profile(Profile),
    /// A job template of the account or of MediaConvert, by name or ARN.
    JobTemplate(String),
    /// The request itself.
    Settings(Box<JobDefinition>),
}

impl Source {
    /// The field of the request that named it.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::Profile(_) => "profile",
            Self::JobTemplate(_) => "jobTemplate",
            Self::Settings(_) => "settings",
        }
    }

    /// The profile, if it is one.
    #[must_use]
    pub fn profile(&self) -> Option<Profile> {
        match self {
            Self::Profile(profile) => Some(*profile),
            Self::JobTemplate(_) | Self::Settings(_) => None,
        }
    }

    /// The job template, if it is one.
    #[must_use]
    pub fn job_template(&self) -> Option<&str> {
        match self {
            Self::JobTemplate(template) => Some(template),
            Self::Profile(_) | Self::Settings(_) => None,
        }
    }
}

impl Request {
    /// Reads a request.
    ///
    /// # Errors
    /// The first field that breaks a rule.
    pub fn parse(json: Value, config: &Config) -> Result<Self, InvalidRequest> {
        let Value::Object(fields) = json else {
            return Err(InvalidRequest::new("request", "must be a JSON object"));
        };
        if let Some(name) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            let known = FIELDS.join(", ");
            return Err(InvalidRequest::new(
                name,
                format!("{} is not a field of a request ({known})", quoted(name)),
            ));
        }
        let mut fields = Fields(fields);
        Ok(Self {
            input: fields.input(config)?,
            source: fields.source(config)?,
            output_key: fields.parsed("outputKey", str::parse)?,
            idempotency_key: fields.parsed("idempotencyKey", idempotency_key)?,
            user_metadata: fields.texts("userMetadata")?,
            tags: fields.tags()?,
            queue: fields
                .parsed("queue", |arn| config.queues.find(arn).cloned())?
                .unwrap_or_else(|| config.queues.own.clone()),
            priority: fields.priority()?,
            status_update_interval: fields.parsed("statusUpdateInterval", status_update_interval)?,
        })
    }
}

/// The fields not read yet. A `null` counts as absent, as many JSON writers put it for "none".
struct Fields(Map<String, Value>);

impl Fields {
    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    fn parsed<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, InvalidRequest> {
        self.take(name)
            .map(|value| match value {
                Value::String(text) => parse(&text),
                other => Err(format!("{} must be a string", quoted(&other.to_string()))),
            })
            .transpose()
            .map_err(|problem| InvalidRequest::new(name, problem))
    }

    fn input(&mut self, config: &Config) -> Result<InputUri, InvalidRequest> {
        let input = self.parsed("input", |uri| {
            let input = config.inputs.parse(uri)?;
            if input.names_no_file() {
                return Err(format!("{} names no file", shown(uri)));
            }
            Ok(input)
        })?;
        input.ok_or_else(|| InvalidRequest::new("input", "is missing; every request names one"))
    }

    fn source(&mut self, config: &Config) -> Result<Source, InvalidRequest> {
        let profile = self.parsed("profile", Profile::from_str)?;
        let template = self.parsed("jobTemplate", job_template)?;
        let settings = self.take("settings");
        match (profile, template, settings) {
            (None, None, None) => Ok(Source::Profile(config.default_profile)),
            (Some(profile), None, None) => Ok(Source::Profile(profile)),
            (None, Some(template), None) => Ok(Source::JobTemplate(template)),
            (None, None, Some(settings)) => {
                let definition = JobDefinition::parse(settings, "settings")?;
                Ok(Source::Settings(Box::new(definition)))
            }
            (profile, template, _) => {
                let (first, second) = match (profile, template) {
                    (Some(_), Some(_)) => ("profile", "jobTemplate"),
                    (Some(_), None) => ("profile", "settings"),
                    _ => ("jobTemplate", "settings"),
                };
                Err(InvalidRequest::new(
                    second,
                    format!("can't go together with {first}; give one of profile, jobTemplate and settings"),
                ))
            }
        }
    }

    fn texts(&mut self, name: &str) -> Result<Option<BTreeMap<String, String>>, InvalidRequest> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let Value::Object(members) = value else {
            return Err(InvalidRequest::new(name, "must be an object of strings"));
        };
        let text = |(key, value)| match value {
            Value::String(text) => Ok((key, text)),
            other => Err(InvalidRequest::new(
                format!("{name}.{key}"),
                format!("{} must be a string", quoted(&other.to_string())),
            )),
        };
        members.into_iter().map(text).collect::<Result<_, _>>().map(Some)
    }

    /// Tags as AWS takes them ([tag limits]).
    ///
    /// [tag limits]: https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
    fn tags(&mut self) -> Result<Option<BTreeMap<String, String>>, InvalidRequest> {
        let tags = self.texts("tags")?;
        for (key, value) in tags.iter().flatten() {
            let problem = if key.is_empty() || key.chars().count() > 128 {
                "must have a key of 1 to 128 characters"
            } else if key.to_ascii_lowercase().starts_with("aws:") {
                "must not start with aws:, which is AWS's own"
            } else if value.chars().count() > 256 {
                "must have a value of at most 256 characters"
            } else {
                continue;
            };
            return Err(InvalidRequest::new("tags", format!("{} {problem}", quoted(key))));
        }
        match tags.as_ref().map_or(0, BTreeMap::len) {
            0..=50 => Ok(tags),
            count => Err(InvalidRequest::new(
                "tags",
                format!("{count} are more than the 50 a job may have"),
            )),
        }
    }

    fn priority(&mut self) -> Result<Option<i64>, InvalidRequest> {
        let Some(value) = self.take("priority") else {
            return Ok(None);
        };
        match value.as_i64() {
            Some(priority @ -50..=50) => Ok(Some(priority)),
            _ => Err(InvalidRequest::new(
                "priority",
                format!(
                    "{} must be a whole number from -50 to 50",
                    quoted(&value.to_string())
                ),
            )),
        }
    }
}

fn idempotency_key(key: &str) -> Result<String, String> {
    // The table keeps it as part of an item's key, which has 2,048 bytes.
    const MAX_LENGTH: usize = 1024;
    if key.is_empty() || key.len() > MAX_LENGTH {
        return Err(format!("{} must have 1 to {MAX_LENGTH} bytes", quoted(key)));
    }
    if key.contains(char::is_control) {
        return Err(format!("{} contains a control character", quoted(key)));
    }
    Ok(key.to_owned())
}

fn job_template(template: &str) -> Result<String, String> {
    let name = template.rsplit_once('/').map_or(template, |(_, name)| name);
    let is_arn = template.starts_with("arn:") && template.contains(":jobTemplates/");
    if name.is_empty() || template.contains(char::is_control) || (name != template && !is_arn) {
        return Err(format!(
            "{} must be the name or the ARN of a job template",
            quoted(template)
        ));
    }
    Ok(template.to_owned())
}

fn status_update_interval(interval: &str) -> Result<String, String> {
    let names = INTERVALS.map(|seconds| format!("SECONDS_{seconds}"));
    if names.iter().any(|name| name == interval) {
        Ok(interval.to_owned())
    } else {
        Err(format!("{} is not one of {}", quoted(interval), names.join(", ")))
    }
}
