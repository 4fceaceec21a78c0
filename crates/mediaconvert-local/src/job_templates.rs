//! Job templates: named settings that a job fills in.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use serde_json::{Map, Value, json};

use crate::clock::Millis;

/// Members of a template that a job takes over unless it has its own.
const INHERITED: [&str; 5] = [
    "accelerationSettings",
    "hopDestinations",
    "priority",
    "queue",
    "statusUpdateInterval",
];

/// What cannot be done to a template.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TemplateError {
    /// 400.
    #[error("{0}")]
    BadRequest(String),
    /// 404.
    #[error("there is no job template {0:?}")]
    NotFound(String),
    /// 409.
    #[error("there is a job template {0:?} already")]
    Conflict(String),
}

/// The templates of the account, each as the API shows it.
#[derive(Debug)]
pub(crate) struct JobTemplates {
    arn_prefix: String,
    by_name: Mutex<BTreeMap<String, Value>>,
}

impl JobTemplates {
    pub(crate) fn new(region: &str, account_id: &str) -> Self {
        Self {
            arn_prefix: format!("arn:aws:mediaconvert:{region}:{account_id}:jobTemplates/"),
            by_name: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Value>> {
        self.by_name.lock().expect("no change of the templates panics")
    }

    /// `CreateJobTemplate`.
    pub(crate) fn create(&self, request: Map<String, Value>) -> Result<Value, TemplateError> {
        let name = request.get("name").and_then(Value::as_str).unwrap_or_default();
        let name = match name {
            "" => return Err(TemplateError::BadRequest("name: is empty".to_owned())),
            name => name.to_owned(),
        };
        let now = Millis::now().seconds();
        let mut template = request;
        template.remove("tags");
        for (key, value) in [
            ("arn", json!(format!("{}{name}", self.arn_prefix))),
            ("createdAt", json!(now)),
            ("lastUpdated", json!(now)),
            ("type", json!("CUSTOM")),
        ] {
            template.insert(key.to_owned(), value);
        }
        let mut templates = self.lock();
        if templates.contains_key(&name) {
            return Err(TemplateError::Conflict(name));
        }
        let template = Value::Object(template);
        templates.insert(name, template.clone());
        Ok(template)
    }

    /// `GetJobTemplate`, by name or ARN.
    pub(crate) fn get(&self, name_or_arn: &str) -> Result<Value, TemplateError> {
        let template = self.lock().get(self.name(name_or_arn)).cloned();
        template.ok_or_else(|| TemplateError::NotFound(name_or_arn.to_owned()))
    }

    /// `ListJobTemplates`.
    pub(crate) fn list(&self) -> Vec<Value> {
        self.lock().values().cloned().collect()
    }

    /// `DeleteJobTemplate`.
    pub(crate) fn delete(&self, name_or_arn: &str) -> Result<(), TemplateError> {
        match self.lock().remove(self.name(name_or_arn)) {
            Some(_) => Ok(()),
            None => Err(TemplateError::NotFound(name_or_arn.to_owned())),
        }
    }

    fn name<'a>(&self, name_or_arn: &'a str) -> &'a str {
        name_or_arn.strip_prefix(&self.arn_prefix).unwrap_or(name_or_arn)
    }
}

/// A `CreateJob` request with what its template adds. The job's own members win; of the settings,
/// each of the first level is taken whole from either. Inputs are the exception: a template has one
/// at most, without a file, and it completes each input of the job.
pub(crate) fn fill_in(job: &mut Map<String, Value>, template: &Value) {
    for key in INHERITED {
        inherit(job, key, template);
    }
    let settings = job.entry("settings").or_insert_with(|| json!({}));
    let (Value::Object(settings), Value::Object(defaults)) = (settings, &template["settings"]) else {
        return;
    };
    let input = defaults.get("inputs").and_then(|inputs| inputs.get(0));
    let inputs = settings.get_mut("inputs").and_then(Value::as_array_mut);
    if let (Some(Value::Object(defaults)), Some(inputs)) = (input, inputs) {
        for input in inputs.iter_mut().filter_map(Value::as_object_mut) {
            for key in defaults.keys() {
                inherit(input, key, &template["settings"]["inputs"][0]);
            }
        }
    }
    for key in defaults.keys() {
        inherit(settings, key, &template["settings"]);
    }
}

fn inherit(own: &mut Map<String, Value>, key: &str, from: &Value) {
    let is_absent = own.get(key).is_none_or(Value::is_null);
    if let Some(value) = from.get(key).filter(|_| is_absent) {
        own.insert(key.to_owned(), value.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_wins_over_its_template() {
        let template = json!({
            "queue": "slow",
            "priority": 5,
            "settings": {
                "inputs": [{"timecodeSource": "ZEROBASED", "videoSelector": {"rotate": "AUTO"}}],
                "outputGroups": [{"name": "template"}],
            },
        });
        let mut job = json!({
            "queue": "fast",
            "settings": {"inputs": [{"fileInput": "s3://in/clip.mov", "timecodeSource": "EMBEDDED"}]},
        });
        fill_in(job.as_object_mut().unwrap(), &template);

        assert_eq!(
            job,
            json!({
                "queue": "fast",
                "priority": 5,
                "settings": {
                    "inputs": [{
                        "fileInput": "s3://in/clip.mov",
                        "timecodeSource": "EMBEDDED",
                        "videoSelector": {"rotate": "AUTO"},
                    }],
                    "outputGroups": [{"name": "template"}],
                },
            })
        );
    }

    #[test]
    fn templates_are_found_by_name_and_arn_and_only_once_made() {
        let templates = JobTemplates::new("us-east-1", "111122223333");
        let request = json!({"name": "webm", "settings": {}, "tags": {"a": "b"}});
        let request = request.as_object().unwrap();
        let made = templates.create(request.clone()).unwrap();

        assert_eq!(
            made["arn"],
            "arn:aws:mediaconvert:us-east-1:111122223333:jobTemplates/webm"
        );
        assert_eq!(templates.get("webm").unwrap(), made);
        assert_eq!(templates.get(made["arn"].as_str().unwrap()).unwrap(), made);
        assert!(matches!(
            templates.create(request.clone()),
            Err(TemplateError::Conflict(_))
        ));
        templates.delete("webm").unwrap();
        assert!(matches!(templates.get("webm"), Err(TemplateError::NotFound(_))));
    }
}
