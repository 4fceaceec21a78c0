//! `CreateQueue`, `GetQueue`, `ListQueues`, `UpdateQueue` and `DeleteQueue`.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::answer::answer;
use super::error::ApiError;
use super::service::{Answer, Shared};
use crate::model;
use crate::queues::{CreateQueue, UpdateQueue};

fn read<T: DeserializeOwned>(shape: &str, body: &[u8]) -> Result<T, ApiError> {
    let request = model::request(shape, body)?;
    serde_json::from_value(Value::Object(request)).map_err(|error| ApiError::bad_request(error.to_string()))
}

pub(super) async fn get_queue(State(service): Shared, Path(name): Path<String>) -> Answer {
    let queue = service.queues.get(&name, &service.jobs)?;
    Ok(answer(StatusCode::OK, json!({"queue": queue})))
}

pub(super) async fn list_queues(State(service): Shared) -> Response {
    answer(
        StatusCode::OK,
        json!({"queues": service.queues.list(&service.jobs)}),
    )
}

pub(super) async fn create_queue(State(service): Shared, body: Bytes) -> Answer {
    let request: CreateQueue = read("CreateQueueRequest", &body)?;
    let queue = service.queues.create(request, &service.jobs)?;
    service.follow(&queue);
    Ok(answer(StatusCode::CREATED, json!({"queue": queue})))
}

pub(super) async fn update_queue(State(service): Shared, Path(name): Path<String>, body: Bytes) -> Answer {
    let request: UpdateQueue = read("UpdateQueueRequest", &body)?;
    let queue = service.queues.update(&name, request, &service.jobs)?;
    service.follow(&queue);
    Ok(answer(StatusCode::OK, json!({"queue": queue})))
}

pub(super) async fn delete_queue(State(service): Shared, Path(name): Path<String>) -> Answer {
    service.queues.delete(&name, &service.jobs)?;
    Ok(answer(StatusCode::ACCEPTED, json!({})))
}
