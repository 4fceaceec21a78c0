//! What the function's log says of an event that was not taken: the binary itself, run as Lambda runs
//! it, because part of the log is the runtime's.

use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::mpsc::{self, Sender};

const COMPLETE: &str = include_str!("../../../events/mediaconvert/complete-file-group.json");

#[tokio::test]
async fn a_direct_invocation_that_is_refused_is_logged_once_with_its_request() {
    let lines = log_of("request-1", json!({"detail": {}}).to_string()).await;
    let [line] = &lines[..] else {
        panic!("not one line: {lines:#?}")
    };
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["message"], "event refused");
    assert_eq!(line["reason"], "detail.jobId is missing");
    assert_eq!(line["requestId"], "request-1");
    assert_eq!(
        (line.get("jobId"), line.get("httpStatus")),
        (None, None),
        "{line}"
    );
}

#[tokio::test]
async fn an_event_that_could_not_be_recorded_is_logged_once_with_its_job() {
    let lines = log_of("request-2", COMPLETE.to_owned()).await;
    let [line] = &lines[..] else {
        panic!("not one line: {lines:#?}")
    };
    assert_eq!(line["level"], "ERROR");
    assert_eq!(line["message"], "event not recorded");
    assert_eq!(line["jobId"], "1700000000000-abc123");
    assert_eq!(line["requestId"], "request-2");
    let reason = line["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("can't write job 1700000000000-abc123 to table jobs: "),
        "{reason}"
    );
}

/// What the function logs when it is invoked with `payload` and fails. AWS is out of its reach.
async fn log_of(request_id: &'static str, payload: String) -> Vec<Value> {
    let (failed, mut failure) = mpsc::channel(1);
    let runtime_api = runtime_api(request_id, payload, failed).await;
    let function = Command::new(env!("CARGO_BIN_EXE_job-events"))
        .env_clear()
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", &*runtime_api),
            ("AWS_LAMBDA_FUNCTION_NAME", "job-events"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "none"),
            ("AWS_SECRET_ACCESS_KEY", "none"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"), // where nobody listens
            ("API_KEY_SECRET_ARN", "secret"),
            ("JOBS_TABLE", "jobs"),
        ])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut function = function.unwrap();
    failure.recv().await.unwrap();
    function.start_kill().unwrap();
    let log = function.wait_with_output().await.unwrap().stdout;
    let log = String::from_utf8(log).unwrap();
    log.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Lambda's [runtime API] for one invocation, which tells when its function error has come; the
/// function then waits for a second one. Its host and port.
///
/// [runtime API]: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
async fn runtime_api(request_id: &'static str, payload: String, failed: Sender<()>) -> String {
    let headers = [
        ("lambda-runtime-aws-request-id", request_id),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:job-events",
        ),
    ];
    let invocation = Arc::new(Mutex::new(Some((headers, payload))));
    let routes = Router::new()
        .route(
            "/2018-06-01/runtime/invocation/next",
            get(async move || {
                let next = invocation.lock().unwrap().take();
                match next {
                    Some(invocation) => invocation,
                    None => std::future::pending().await,
                }
            }),
        )
        .route(
            "/2018-06-01/runtime/invocation/{id}/error",
            post(async move || {
                failed.send(()).await.unwrap();
                StatusCode::ACCEPTED
            }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async { axum::serve(listener, routes).await });
    address
}
