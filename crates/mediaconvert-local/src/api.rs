//! MediaConvert's HTTP API, as far as it goes here: REST with JSON, wire names in camelCase.
//!
//! Signatures and permissions are not checked. This listens on the loopback interface, and whoever
//! wants them checked puts a gateway in front.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::create_job::{JobRequest, Refused};
use crate::job::Status;
use crate::job_templates::{JobTemplates, TemplateError};
use crate::jobs::{Filter, Jobs};
use crate::model::{self, NotInModel};
use crate::queues::{CreateQueue, QueueError, Queues, UpdateQueue};
use crate::quotas::{Quotas, TokenBucket};
use crate::runner::Runner;
use crate::schedule::Limits;

/// What the handlers share.
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
    fn follow(&self, queue: &Value) {
        let arn = queue["arn"].as_str().unwrap_or_default();
        let concurrent_jobs = queue["concurrentJobs"].as_u64();
        let limits = Limits {
            paused: queue["status"] == "PAUSED",
            concurrent_jobs: concurrent_jobs.and_then(|most| most.try_into().ok()),
        };
        self.runner.schedule.limit(arn, limits);
    }
}

type Shared = State<Arc<Service>>;
type Answer = Result<Response, ApiError>;

/// All routes.
pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/2017-08-29/jobs", get(list_jobs).post(create_job))
        .route("/2017-08-29/jobs/{id}", get(get_job).delete(cancel_job))
        .route("/2017-08-29/search", get(list_jobs))
        .route(
            "/2017-08-29/jobTemplates",
            get(list_job_templates).post(create_job_template),
        )
        .route(
            "/2017-08-29/jobTemplates/{name}",
            get(get_job_template).delete(delete_job_template),
        )
        .route("/2017-08-29/queues", get(list_queues).post(create_queue))
        .route(
            "/2017-08-29/queues/{name}",
            get(get_queue).put(update_queue).delete(delete_queue),
        )
        .route(
            "/health",
            get(|| async { answer(StatusCode::OK, json!({"status": "ok"})) }),
        )
        .fallback(unknown_operation)
        .method_not_allowed_fallback(unknown_operation)
        .with_state(service)
}

/// An error in the shape in which the SDKs look for it.
#[derive(Debug)]
struct ApiError {
    status: StatusCode,
    name: &'static str,
    message: String,
}

impl ApiError {
    fn bad_request(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            name: "BadRequestException",
            message: message.into(),
        }
    }

    fn not_found(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            name: "NotFoundException",
            message: message.into(),
        }
    }

    fn conflict(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::CONFLICT,
            name: "ConflictException",
            message: message.into(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = answer(self.status, json!({"message": self.message}));
        let name = axum::http::HeaderValue::from_static(self.name);
        response.headers_mut().insert("x-amzn-errortype", name);
        response
    }
}

impl From<NotInModel> for ApiError {
    fn from(error: NotInModel) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl From<Refused> for ApiError {
    fn from(error: Refused) -> Self {
        match error {
            Refused::Template(error) => error.into(),
            error => Self::bad_request(error.to_string()),
        }
    }
}

impl From<TemplateError> for ApiError {
    fn from(error: TemplateError) -> Self {
        let message = error.to_string();
        match error {
            TemplateError::BadRequest(_) => Self::bad_request(message),
            TemplateError::NotFound(_) => Self::not_found(message),
            TemplateError::Conflict(_) => Self::conflict(message),
        }
    }
}

impl From<QueueError> for ApiError {
    fn from(error: QueueError) -> Self {
        let message = error.to_string();
        match error {
            QueueError::BadRequest(_) => Self::bad_request(message),
            QueueError::NotFound(_) => Self::not_found(message),
            QueueError::Conflict(_) => Self::conflict(message),
        }
    }
}

fn answer(status: StatusCode, body: Value) -> Response {
    let request_id = [("x-amzn-requestid", Uuid::new_v4().to_string())];
    (status, request_id, axum::Json(body)).into_response()
}

async fn unknown_operation() -> ApiError {
    ApiError {
        status: StatusCode::NOT_FOUND,
        name: "UnknownOperationException",
        message: "mediaconvert-local has no such operation".to_owned(),
    }
}

/// `TooManyRequestsException` once a quota is used up.
fn admit(quota: &TokenBucket) -> Result<(), ApiError> {
    quota.take().then_some(()).ok_or_else(|| ApiError {
        status: StatusCode::TOO_MANY_REQUESTS,
        name: "TooManyRequestsException",
        message: "Too Many Requests".to_owned(),
    })
}

async fn create_job(State(service): Shared, body: Bytes) -> Answer {
    admit(&service.quotas.create)?;
    let request = JobRequest::parse(&body, &service.templates, |queue| service.queues.find(queue))?;
    let (job, is_new) = service.jobs.create(request);
    let body = json!({"job": job.lock().api()});
    if is_new {
        tokio::spawn(Arc::clone(&service.runner).run(job));
    }
    Ok(answer(StatusCode::CREATED, body))
}

async fn get_job(State(service): Shared, Path(id): Path<String>) -> Answer {
    admit(&service.quotas.get)?;
    let job = service.jobs.get(&id).ok_or_else(|| no_job(&id))?;
    let body = json!({"job": job.lock().api()});
    Ok(answer(StatusCode::OK, body))
}

/// The service model lists `ConflictException`, "a conflict with the current state of the
/// resource", among `CancelJob`'s errors; a job that has ended is the one such state.
async fn cancel_job(State(service): Shared, Path(id): Path<String>) -> Answer {
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
struct ListJobs {
    input_file: Option<String>,
    queue: Option<String>,
    status: Option<String>,
    order: Option<String>,
    max_results: Option<String>,
    next_token: Option<String>,
}

/// `ListJobs`, and `SearchJobs`, which differs from it in `inputFile` alone: the URI of an input, or
/// a part of it.
async fn list_jobs(State(service): Shared, Query(query): Query<ListJobs>) -> Answer {
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

async fn create_job_template(State(service): Shared, body: Bytes) -> Answer {
    let request = model::request("CreateJobTemplateRequest", &body)?;
    let template = service.templates.create(request)?;
    Ok(answer(StatusCode::CREATED, json!({"jobTemplate": template})))
}

async fn get_job_template(State(service): Shared, Path(name): Path<String>) -> Answer {
    let template = service.templates.get(&name)?;
    Ok(answer(StatusCode::OK, json!({"jobTemplate": template})))
}

async fn list_job_templates(State(service): Shared) -> Response {
    let templates = service.templates.list();
    answer(StatusCode::OK, json!({"jobTemplates": templates}))
}

async fn delete_job_template(State(service): Shared, Path(name): Path<String>) -> Answer {
    service.templates.delete(&name)?;
    Ok(answer(StatusCode::ACCEPTED, json!({})))
}

async fn get_queue(State(service): Shared, Path(name): Path<String>) -> Answer {
    let queue = service.queues.get(&name, &service.jobs)?;
    Ok(answer(StatusCode::OK, json!({"queue": queue})))
}

async fn list_queues(State(service): Shared) -> Response {
    answer(
        StatusCode::OK,
        json!({"queues": service.queues.list(&service.jobs)}),
    )
}

async fn create_queue(State(service): Shared, body: Bytes) -> Answer {
    let request: CreateQueue = read("CreateQueueRequest", &body)?;
    let queue = service.queues.create(request, &service.jobs)?;
    service.follow(&queue);
    Ok(answer(StatusCode::CREATED, json!({"queue": queue})))
}

async fn update_queue(State(service): Shared, Path(name): Path<String>, body: Bytes) -> Answer {
    let request: UpdateQueue = read("UpdateQueueRequest", &body)?;
    let queue = service.queues.update(&name, request, &service.jobs)?;
    service.follow(&queue);
    Ok(answer(StatusCode::OK, json!({"queue": queue})))
}

fn read<T: DeserializeOwned>(shape: &str, body: &[u8]) -> Result<T, ApiError> {
    let request = model::request(shape, body)?;
    serde_json::from_value(Value::Object(request)).map_err(|error| ApiError::bad_request(error.to_string()))
}

async fn delete_queue(State(service): Shared, Path(name): Path<String>) -> Answer {
    service.queues.delete(&name, &service.jobs)?;
    Ok(answer(StatusCode::ACCEPTED, json!({})))
}

#[cfg(test)]
mod tests;
