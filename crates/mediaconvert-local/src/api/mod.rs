//! The part of MediaConvert's HTTP API that is served here: REST with JSON, wire names in camelCase.
//!
//! Signatures and permissions are not checked. This listens on the loopback interface, and a gateway
//! in front of it can check them.

mod answer;
mod error;
mod job_templates;
mod jobs;
mod queues;
mod service;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::json;

use answer::answer;
use error::ApiError;

pub(crate) use service::Service;

/// All routes.
pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/2017-08-29/jobs", get(jobs::list_jobs).post(jobs::create_job))
        .route(
            "/2017-08-29/jobs/{id}",
            get(jobs::get_job).delete(jobs::cancel_job),
        )
        .route("/2017-08-29/search", get(jobs::list_jobs))
        .route(
            "/2017-08-29/jobTemplates",
            get(job_templates::list_job_templates).post(job_templates::create_job_template),
        )
        .route(
            "/2017-08-29/jobTemplates/{name}",
            get(job_templates::get_job_template).delete(job_templates::delete_job_template),
        )
        .route(
            "/2017-08-29/queues",
            get(queues::list_queues).post(queues::create_queue),
        )
        .route(
            "/2017-08-29/queues/{name}",
            get(queues::get_queue)
                .put(queues::update_queue)
                .delete(queues::delete_queue),
        )
        .route(
            "/health",
            get(|| async { answer(StatusCode::OK, json!({"status": "ok"})) }),
        )
        .fallback(unknown_operation)
        .method_not_allowed_fallback(unknown_operation)
        .with_state(service)
}

async fn unknown_operation() -> ApiError {
    ApiError::unknown_operation()
}
