//! What a caller asks for. An [`Incoming`] request has a key and nothing else that is sure; a
//! [`Request`] that exists has passed every check that needs no more than the request and the stack's
//! rules.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use jobs::{InputUri, QueueArn};
use serde_json::{Map, Value};

use crate::definition::JobDefinition;
use crate::fingerprint::Fingerprint;
use crate::invalid_request::{InvalidRequest, quoted};
use crate::output::OutputKey;
use crate::profile::Profile;
use crate::rules::Rules;

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

/// A request as it came. Its key can be looked at before anything else is checked, because a key that
/// has its job answers it whatever has become of the rules since.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The key under which it starts one job only: its own, or one that its way here gave it.
    pub key: String,
    /// What it asks for.
    pub fingerprint: Fingerprint,
    fields: Fields,
}

impl Incoming {
    /// A request as callers write it. `default_key` is the key of one that brings none.
    ///
    /// # Errors
    /// It is not an object, or its key can't be used.
    pub fn from_json(request: Value, default_key: &str) -> Result<Self, InvalidRequest> {
        let Value::Object(fields) = request else {
            return Err(InvalidRequest::new("request", "must be a JSON object"));
        };
        let mut fields = Fields(fields);
        let key = match fields.text("idempotencyKey")? {
            Some(key) => idempotency_key(key)?,
            None => default_key.to_owned(),
        };
        Ok(Self::new(key, fields))
    }

    /// The request to make a job of the default profile of `input`.
    #[must_use]
    pub fn of_input(input: String, key: String) -> Self {
        let fields = Map::from_iter([("input".to_owned(), input.into())]);
        Self::new(key, Fields(fields))
    }

    /// Its input, as its sender wrote it.
    #[must_use]
    pub fn input(&self) -> Option<&str> {
        self.fields.0.get("input")?.as_str()
    }

    fn new(key: String, fields: Fields) -> Self {
        Self {
            key,
            fingerprint: Fingerprint::of(&fields.0),
            fields,
        }
    }

    /// Checks the whole request.
    ///
    /// # Errors
    /// The first field that breaks a rule.
    pub fn check(&self, rules: &Rules) -> Result<Request, InvalidRequest> {
        let mut fields = self.fields.clone();
        if let Some(name) = fields.0.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            let known = FIELDS.join(", ");
            return Err(InvalidRequest::new(
                name,
                format!("{} is not a field of a request ({known})", quoted(name)),
            ));
        }
        Ok(Request {
            input: fields.input(rules)?,
            source: fields.source(rules)?,
            output_key: fields.parsed("outputKey", str::parse)?,
            idempotency_key: self.key.clone(),
            user_metadata: fields.user_metadata()?,
            tags: fields.tags()?,
            queue: fields
                .parsed("queue", |arn| rules.queues.find(arn).cloned())?
                .unwrap_or_else(|| rules.queues.own.clone()),
            priority: fields.priority()?,
            status_update_interval: fields.status_update_interval()?,
        })
    }
}

/// A request to transcode one input.
#[derive(Clone, Debug)]
pub struct Request {
    /// What to transcode.
    pub input: InputUri,
    /// Where the job's settings come from.
    pub source: Source,
    /// Where its outputs go; without one they get a key of their own.
    pub output_key: Option<OutputKey>,
    /// The key under which it starts one job only.
    pub idempotency_key: String,
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

/// The fields not read yet. A `null` counts as absent, as many JSON writers put it for "none".
#[derive(Clone, Debug)]
struct Fields(Map<String, Value>);

impl Fields {
    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, InvalidRequest> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(InvalidRequest::new(name, not_a_string(&other))),
        }
    }

    fn parsed<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, InvalidRequest> {
        let parsed = self.text(name)?.map(|text| parse(&text)).transpose();
        parsed.map_err(|problem| InvalidRequest::new(name, problem))
    }

    fn input(&mut self, rules: &Rules) -> Result<InputUri, InvalidRequest> {
        let input = self.parsed("input", |uri| rules.inputs.parse_file(uri))?;
        input.ok_or_else(|| InvalidRequest::new("input", "is missing; every request names one"))
    }

    fn source(&mut self, rules: &Rules) -> Result<Source, InvalidRequest> {
        let profile = self.parsed("profile", Profile::from_str)?;
        let template = self.job_template()?;
        let settings = self.take("settings");
        match (profile, template, settings) {
            (None, None, None) => Ok(Source::Profile(rules.default_profile)),
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

    fn job_template(&mut self) -> Result<Option<String>, InvalidRequest> {
        let Some(template) = self.text("jobTemplate")? else {
            return Ok(None);
        };
        let name = template.rsplit_once('/').map_or(&*template, |(_, name)| name);
        let is_arn = template.starts_with("arn:") && template.contains(":jobTemplates/");
        if name.is_empty() || template.contains(char::is_control) || (name != template && !is_arn) {
            return Err(InvalidRequest::new(
                "jobTemplate",
                format!(
                    "{} must be the name or the ARN of a job template",
                    quoted(&template)
                ),
            ));
        }
        Ok(Some(template))
    }

    fn status_update_interval(&mut self) -> Result<Option<String>, InvalidRequest> {
        let Some(interval) = self.text("statusUpdateInterval")? else {
            return Ok(None);
        };
        let names = INTERVALS.map(|seconds| format!("SECONDS_{seconds}"));
        if !names.contains(&interval) {
            return Err(InvalidRequest::new(
                "statusUpdateInterval",
                format!("{} is not one of {}", quoted(&interval), names.join(", ")),
            ));
        }
        Ok(Some(interval))
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
            other => Err(InvalidRequest::new(format!("{name}.{key}"), not_a_string(&other))),
        };
        members.into_iter().map(text).collect::<Result<_, _>>().map(Some)
    }

    /// Metadata as MediaConvert takes it ([restrictions]).
    ///
    /// [restrictions]: https://docs.aws.amazon.com/mediaconvert/latest/ug/user-metadata-tags.html
    fn user_metadata(&mut self) -> Result<Option<BTreeMap<String, String>>, InvalidRequest> {
        const NAME: &str = "userMetadata";
        let metadata = self.texts(NAME)?;
        for (key, value) in metadata.iter().flatten() {
            check_length(NAME, key, value)?;
            let foreign = |c: &char| !c.is_alphanumeric() && !" _.:/=+-@".contains(*c);
            if let Some(c) = key.chars().chain(value.chars()).find(foreign) {
                let rule = "may hold letters, digits, spaces and _ . : / = + - @ only, in key and value";
                return Err(InvalidRequest::new(
                    format!("{NAME}.{}", quoted(key)),
                    format!("holds {c:?}; it {rule}"),
                ));
            }
        }
        check_count(NAME, metadata.as_ref(), 10)?;
        Ok(metadata)
    }

    /// Tags as AWS takes them ([tag limits]).
    ///
    /// [tag limits]: https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
    fn tags(&mut self) -> Result<Option<BTreeMap<String, String>>, InvalidRequest> {
        const NAME: &str = "tags";
        let tags = self.texts(NAME)?;
        for (key, value) in tags.iter().flatten() {
            check_length(NAME, key, value)?;
            if key.to_ascii_lowercase().starts_with("aws:") {
                let rule = "must not start with aws:, which is AWS's own";
                return Err(InvalidRequest::new(NAME, format!("{} {rule}", quoted(key))));
            }
        }
        check_count(NAME, tags.as_ref(), 50)?;
        Ok(tags)
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

/// A list or an object may hold anything, so only its kind is shown.
fn not_a_string(value: &Value) -> String {
    let shown = match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        scalar => quoted(&scalar.to_string()),
    };
    format!("{shown} must be a string")
}

/// What AWS says of keys and values, of tags and metadata alike.
fn check_length(name: &str, key: &str, value: &str) -> Result<(), InvalidRequest> {
    let rule = if key.is_empty() || key.chars().count() > 128 {
        "must have a key of 1 to 128 characters"
    } else if value.chars().count() > 256 {
        "must have a value of at most 256 characters"
    } else {
        return Ok(());
    };
    Err(InvalidRequest::new(name, format!("{} {rule}", quoted(key))))
}

fn check_count(
    name: &str,
    pairs: Option<&BTreeMap<String, String>>,
    most: usize,
) -> Result<(), InvalidRequest> {
    match pairs.map_or(0, BTreeMap::len) {
        count if count > most => Err(InvalidRequest::new(
            name,
            format!("{count} are more than the {most} a job may have"),
        )),
        _ => Ok(()),
    }
}

fn idempotency_key(key: String) -> Result<String, InvalidRequest> {
    // The table keeps it as part of an item's key, which has 2,048 bytes.
    const MAX_LENGTH: usize = 1024;
    let rule = if key.is_empty() || key.len() > MAX_LENGTH {
        format!("must have 1 to {MAX_LENGTH} bytes")
    } else if key.contains(char::is_control) {
        "contains a control character".to_owned()
    } else {
        return Ok(key);
    };
    Err(InvalidRequest::new(
        "idempotencyKey",
        format!("{} {rule}", quoted(&key)),
    ))
}
