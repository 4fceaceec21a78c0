//! What the entry points share.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use super::error::ApiError;
use crate::job_templates::JobTemplates;
use crate::jobs::Jobs;
use crate::queues::Queues;
use crate::quotas::Quotas;
use crate::runner::Runner;
use crate::schedule::Limits;

/// The jobs, queues and templates, and what runs the jobs.
#[derive(Debug)]
pub(crate) struct Service {
    /// The jobs.
    pub(crate) jobs: Jobs,
    /// The job templates.
    pub(crate) templates: JobTemplates,
    /// The queues.
    pub(crate) queues: Queues,
    /// How often operations may be called.
    pub(crate) quotas: Quotas,
    /// Runs the jobs.
    pub(crate) runner: Arc<Runner>,
}

impl Service {
    /// Lets a queue's jobs run or wait, as its status and its number of concurrent jobs say.
    pub(super) fn follow(&self, queue: &Value) {
        let arn = queue["arn"].as_str().unwrap_or_default();
        let concurrent_jobs = queue["concurrentJobs"].as_u64();
        let limits = Limits {
            paused: queue["status"] == "PAUSED",
            concurrent_jobs: concurrent_jobs.and_then(|most| most.try_into().ok()),
        };
        self.runner.schedule.limit(arn, limits);
    }
}

pub(super) type Shared = State<Arc<Service>>;
pub(super) type Answer = Result<Response, ApiError>;
