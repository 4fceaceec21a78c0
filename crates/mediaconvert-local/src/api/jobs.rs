//! `CreateJob`, `GetJob`, `CancelJob`, `ListJobs` and `SearchJobs`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::answer;
use super::error::ApiError;
use super::service::{Answer, Shared};
use crate::create_job::JobRequest;
use crate::job::Status;
use crate::jobs::Filter;
use crate::quotas::TokenBucket;

/// `TooManyRequestsException` once a quota is used up.
fn admit(quota: &TokenBucket) -> Result<(), ApiError> {
    quota.take().then_some(()).ok_or_else(ApiError::too_many_requests)
}

pub(super) async fn create_job(State(service): Shared, body: Bytes) -> Answer {
    admit(&service.quotas.create)?;
    let request = JobRequest::parse(&body, &service.templates, |queue| service.queues.find(queue))?;
    let (job, is_new) = service.jobs.create(request);
    let body = json!({"job": job.lock().api()});
    if is_new {
        tokio::spawn(Arc::clone(&service.runner).run(job));
    }
    Ok(answer(StatusCode::CREATED, body))
}

pub(super) async fn get_job(State(service): Shared, Path(id): Path<String>) -> Answer {
    admit(&service.quotas.get)?;
    let job = service.jobs.get(&id).ok_or_else(|| no_job(&id))?;
    let body = json!({"job": job.lock().api()});
    Ok(answer(StatusCode::OK, body))
}

/// The service model lists `ConflictException`, "a conflict with the current state of the
/// resource", among `CancelJob`'s errors; a job that has ended is the one such state.
pub(super) async fn cancel_job(State(service): Shared, Path(id): Path<String>) -> Answer {
    admit(&service.quotas.cancel)?;
    let job = service.jobs.get(&id).ok_or_else(|| no_job(&id))?;
    match job.cancel() {
        Ok(()) => Ok(answer(StatusCode::ACCEPTED, json!({}))),
        Err(why) => Err(ApiError::conflict(format!("job {id} cannot be canceled: {why}"))),
    }
}

fn no_job(id: &str) -> ApiError {
    ApiError::not_found(format!("there is no job {id:?}"))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListJobs {
    input_file: Option<String>,
    queue: Option<String>,
    status: Option<String>,
    order: Option<String>,
    max_results: Option<String>,
    next_token: Option<String>,
}

/// `ListJobs`, and `SearchJobs`, which differs from it in `inputFile` alone: the URI of an input, or
/// a part of it.
pub(super) async fn list_jobs(State(service): Shared, Query(query): Query<ListJobs>) -> Answer {
    const LARGEST_PAGE: usize = 20;
    const LONGEST_INPUT_FILE: usize = 300;
    let bad = |field: &str, value: &str| {
        ApiError::bad_request(format!("{field}: {value:?} is not one of its values"))
    };
    let queue_arn = (query.queue)
        .map(|queue| {
            service
                .queues
                .find(Some(&queue))
                .ok_or_else(|| bad("queue", &queue))
        })
        .transpose()?;
    let status: Option<Status> = (query.status)
        .map(|status| serde_json::from_value(json!(status)).map_err(|_| bad("status", &status)))
        .transpose()?;
    let descending = match query.order.as_deref() {
        None | Some("DESCENDING") => true,
        Some("ASCENDING") => false,
        Some(order) => return Err(bad("order", order)),
    };
    let size = match query.max_results {
        None => LARGEST_PAGE,
        Some(text) => (text.parse().ok())
            .filter(|size| (1..=LARGEST_PAGE).contains(size))
            .ok_or_else(|| bad("maxResults", &text))?,
    };
    let input_file = query.input_file;
    if let Some(long) = input_file
        .as_ref()
        .filter(|file| file.chars().count() > LONGEST_INPUT_FILE)
    {
        return Err(ApiError::bad_request(format!(
            "inputFile: {long:?} is longer than {LONGEST_INPUT_FILE} characters"
        )));
    }
    let filter = Filter {
        input_file,
        queue_arn,
        status,
    };
    let mut page = service
        .jobs
        .list(&filter, descending, query.next_token.as_deref(), size + 1);
    let is_last = page.len() <= size;
    page.truncate(size);
    let jobs: Vec<Value> = page.iter().map(|job| job.lock().api()).collect();
    let mut body = json!({"jobs": jobs});
    if let Some(last) = page.last().filter(|_| !is_last) {
        body["nextToken"] = json!(last.lock().id);
    }
    Ok(answer(StatusCode::OK, body))
}
