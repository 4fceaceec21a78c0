//! On-demand queues. A paused one keeps its jobs waiting, and each runs a limited number at once.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::Millis;
use crate::job::Status;
use crate::jobs::Jobs;

/// The queue every account has.
const DEFAULT: &str = "Default";

/// Whether a queue's jobs run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum QueueStatus {
    /// They do.
    #[default]
    Active,
    /// They wait; those that run go on.
    Paused,
}

/// The body of `CreateQueue`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateQueue {
    name: String,
    description: Option<String>,
    #[serde(default)]
    status: QueueStatus,
    concurrent_jobs: Option<i64>,
    pricing_plan: Option<String>,
}

/// The body of `UpdateQueue`. What it lacks stays.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpdateQueue {
    description: Option<String>,
    status: Option<QueueStatus>,
    concurrent_jobs: Option<i64>,
}

/// What cannot be done to a queue.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueueError {
    /// 400.
    #[error("{0}")]
    BadRequest(String),
    /// 404.
    #[error("there is no queue {0:?}")]
    NotFound(String),
    /// 409.
    #[error("{0}")]
    Conflict(String),
}

#[derive(Debug, Clone)]
struct Queue {
    description: Option<String>,
    status: QueueStatus,
    concurrent_jobs: Option<u32>,
    created_at: Millis,
    updated_at: Millis,
}

impl Queue {
    fn new(description: Option<String>, status: QueueStatus, concurrent_jobs: Option<u32>) -> Self {
        let now = Millis::now();
        Self {
            description,
            status,
            concurrent_jobs,
            created_at: now,
            updated_at: now,
        }
    }
}

/// The queues of the account.
#[derive(Debug)]
pub(crate) struct Queues {
    arn_prefix: String,
    by_name: Mutex<BTreeMap<String, Queue>>,
}

impl Queues {
    pub(crate) fn new(region: &str, account_id: &str) -> Self {
        let default = Queue::new(None, QueueStatus::Active, None);
        Self {
            arn_prefix: format!("arn:aws:mediaconvert:{region}:{account_id}:queues/"),
            by_name: Mutex::new(BTreeMap::from([(DEFAULT.to_owned(), default)])),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Queue>> {
        self.by_name.lock().expect("no change of the queues panics")
    }

    /// The ARN of a queue given by name, by ARN or, as the default one, not at all.
    pub(crate) fn find(&self, name_or_arn: Option<&str>) -> Option<String> {
        let name = self.name(name_or_arn.unwrap_or(DEFAULT));
        self.lock().contains_key(name).then(|| self.arn(name))
    }

    /// `GetQueue`.
    pub(crate) fn get(&self, name: &str, jobs: &Jobs) -> Result<Value, QueueError> {
        let queue = self.lock().get(self.name(name)).cloned();
        let queue = queue.ok_or_else(|| QueueError::NotFound(name.to_owned()))?;
        Ok(self.api(self.name(name), &queue, jobs))
    }

    /// `ListQueues`.
    pub(crate) fn list(&self, jobs: &Jobs) -> Vec<Value> {
        let queues = self.lock().clone();
        (queues.iter())
            .map(|(name, queue)| self.api(name, queue, jobs))
            .collect()
    }

    /// `CreateQueue`.
    pub(crate) fn create(&self, request: CreateQueue, jobs: &Jobs) -> Result<Value, QueueError> {
        let refuse = |message: String| Err(QueueError::BadRequest(message));
        let CreateQueue {
            name,
            description,
            status,
            concurrent_jobs: most,
            pricing_plan,
        } = request;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_ ".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_name) {
            return refuse(format!(
                "name: {name:?} is not made of letters, digits, spaces, - and _"
            ));
        }
        if let Some(plan) = pricing_plan.filter(|plan| plan != "ON_DEMAND") {
            return refuse(format!(
                "pricingPlan: {plan} is not supported by mediaconvert-local"
            ));
        }
        let queue = Queue::new(description, status, concurrent_jobs(most)?);
        {
            let mut queues = self.lock();
            if queues.contains_key(&name) {
                return Err(QueueError::Conflict(format!("there is a queue {name:?} already")));
            }
            queues.insert(name.clone(), queue.clone());
        }
        Ok(self.api(&name, &queue, jobs))
    }

    /// `UpdateQueue`.
    pub(crate) fn update(&self, name: &str, request: UpdateQueue, jobs: &Jobs) -> Result<Value, QueueError> {
        let name = self.name(name);
        let most = concurrent_jobs(request.concurrent_jobs)?;
        let queue = {
            let mut queues = self.lock();
            let queue = queues.get_mut(name);
            let queue = queue.ok_or_else(|| QueueError::NotFound(name.to_owned()))?;
            queue.status = request.status.unwrap_or(queue.status);
            queue.concurrent_jobs = most.or(queue.concurrent_jobs);
            queue.description = request.description.or_else(|| queue.description.take());
            queue.updated_at = Millis::now();
            queue.clone()
        };
        Ok(self.api(name, &queue, jobs))
    }

    /// `DeleteQueue`. "You can't delete the default queue", nor one that has jobs to do.
    pub(crate) fn delete(&self, name: &str, jobs: &Jobs) -> Result<(), QueueError> {
        let name = self.name(name);
        if name == DEFAULT {
            return Err(QueueError::BadRequest(
                "the default queue cannot be deleted".to_owned(),
            ));
        }
        let arn = self.arn(name);
        let open = jobs.count(&arn, Status::Submitted) + jobs.count(&arn, Status::Progressing);
        if open > 0 {
            return Err(QueueError::Conflict(format!(
                "queue {name:?} has {open} jobs to do"
            )));
        }
        match self.lock().remove(name) {
            Some(_) => Ok(()),
            None => Err(QueueError::NotFound(name.to_owned())),
        }
    }

    fn name<'a>(&self, name_or_arn: &'a str) -> &'a str {
        name_or_arn.strip_prefix(&self.arn_prefix).unwrap_or(name_or_arn)
    }

    fn arn(&self, name: &str) -> String {
        format!("{}{name}", self.arn_prefix)
    }

    fn api(&self, name: &str, queue: &Queue, jobs: &Jobs) -> Value {
        let arn = self.arn(name);
        let mut value = json!({
            "createdAt": queue.created_at.seconds(),
            "lastUpdated": queue.updated_at.seconds(),
            "name": name,
            "pricingPlan": "ON_DEMAND",
            "progressingJobsCount": jobs.count(&arn, Status::Progressing),
            "status": queue.status,
            "submittedJobsCount": jobs.count(&arn, Status::Submitted),
            "type": if name == DEFAULT { "SYSTEM" } else { "CUSTOM" },
            "arn": arn,
        });
        if let Some(description) = &queue.description {
            value["description"] = json!(description);
        }
        if let Some(most) = queue.concurrent_jobs {
            value["concurrentJobs"] = json!(most);
        }
        value
    }
}

fn concurrent_jobs(most: Option<i64>) -> Result<Option<u32>, QueueError> {
    let refuse = |most| QueueError::BadRequest(format!("concurrentJobs: {most} is not a number from 1"));
    most.map(|most| {
        let number = u32::try_from(most).ok().filter(|number| *number > 0);
        number.ok_or_else(|| refuse(most))
    })
    .transpose()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::events::EventBus;

    #[test]
    fn queues_are_found_by_name_and_arn_and_only_once_made() {
        let queues = Queues::new("us-east-1", "111122223333");
        let jobs = Jobs::new(
            "us-east-1",
            "111122223333",
            EventBus::detached(),
            Duration::from_mins(1),
        );
        let arn = "arn:aws:mediaconvert:us-east-1:111122223333:queues/site";
        let request = || CreateQueue {
            name: "site".into(),
            description: None,
            status: QueueStatus::Paused,
            concurrent_jobs: Some(2),
            pricing_plan: None,
        };

        assert!(queues.find(None).unwrap().ends_with(":queues/Default"));
        assert_eq!(queues.find(Some(arn)), None);
        assert_eq!(queues.create(request(), &jobs).unwrap()["arn"], arn);
        assert_eq!(queues.find(Some("site")).as_deref(), Some(arn));
        assert_eq!(queues.get("site", &jobs).unwrap()["status"], "PAUSED");
        let active = UpdateQueue {
            description: None,
            status: Some(QueueStatus::Active),
            concurrent_jobs: None,
        };
        let updated = queues.update(arn, active, &jobs).unwrap();
        assert_eq!(
            (&updated["status"], &updated["concurrentJobs"]),
            (&json!("ACTIVE"), &json!(2))
        );
        assert_eq!(queues.find(Some(arn)).as_deref(), Some(arn));
        assert!(matches!(
            queues.create(request(), &jobs),
            Err(QueueError::Conflict(_))
        ));
        queues.delete("site", &jobs).unwrap();
        assert!(matches!(queues.get("site", &jobs), Err(QueueError::NotFound(_))));
    }
}
