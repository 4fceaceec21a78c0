//! `CreateJobTemplate`, `GetJobTemplate`, `ListJobTemplates` and `DeleteJobTemplate`.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::answer::answer;
use super::service::{Answer, Shared};
use crate::model;

pub(super) async fn create_job_template(State(service): Shared, body: Bytes) -> Answer {
    let request = model::request("CreateJobTemplateRequest", &body)?;
    let template = service.templates.create(request)?;
    Ok(answer(StatusCode::CREATED, json!({"jobTemplate": template})))
}

pub(super) async fn get_job_template(State(service): Shared, Path(name): Path<String>) -> Answer {
    let template = service.templates.get(&name)?;
    Ok(answer(StatusCode::OK, json!({"jobTemplate": template})))
}

pub(super) async fn list_job_templates(State(service): Shared) -> Response {
    let templates = service.templates.list();
    answer(StatusCode::OK, json!({"jobTemplates": templates}))
}

pub(super) async fn delete_job_template(State(service): Shared, Path(name): Path<String>) -> Answer {
    service.templates.delete(&name)?;
    Ok(answer(StatusCode::ACCEPTED, json!({})))
}
