//! Any JSON at all as the function's payload: the answer is one of the contract's, never a 5xx while
//! AWS answers, and nothing is written unless the caller has the key or passed IAM.
//!
//! AWS is an HTTP client that answers from memory, not `aws-smithy-mocks` as in the tests, so that the
//! SDK writes out every call as it would send it.

#![no_main]

mod run_lengths;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use api_keys::ApiKeys;
use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_secretsmanager::Client as SecretsManager;
use aws_smithy_http_client::test_util::infallible_client_fn;
use aws_smithy_types::body::SdkBody;
use http::{Request, Response};
use job_events::JobEvents;
use jobs::Retention;
use jobs::table::JobsTable;
use lambda_runtime::{Context, LambdaEvent};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// The key in the seeds.
const KEY: &str = "the-right-key";

/// The row that DynamoDB shows when it refuses the function's first write.
const ROW: &str = r#"{"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "Item": {
    "jobId": {"S": "1700000000000-abc123"}, "status": {"S": "PROGRESSING"}, "statusTimestamp": {"N": "1700000000000"},
    "startedAt": {"N": "1700000000000"}, "updatedAt": {"N": "1700000000000"}}}"#;

static DOOR: LazyLock<Door> = LazyLock::new(Door::open);

/// The function between a stranger and AWS services that live in memory and never fail.
struct Door {
    runtime: Runtime,
    function: JobEvents,
    writes: Arc<AtomicUsize>,
}

fuzz_target!(|payload: &[u8]| {
    let Ok(payload) = serde_json::from_slice::<Value>(&run_lengths::expand(payload)) else {
        return; // Lambda's runtime refuses it
    };
    DOOR.writes.store(0, Ordering::Relaxed);
    let event = LambdaEvent::new(payload.clone(), Context::default());
    let answer = DOOR.runtime.block_on(DOOR.function.invoke(event));
    let by_url = payload.get("requestContext").is_some();
    let taken = match answer {
        Ok(reply) => {
            let reply = serde_json::to_value(reply).expect("an answer is JSON");
            if by_url {
                taken(&reply)
            } else {
                reply["outcome"].is_string()
            }
        }
        Err(error) => {
            assert!(!by_url, "a request without an answer: {error:?}");
            assert_eq!(error.error_type, "invalid_event");
            false
        }
    };
    let writes = DOOR.writes.load(Ordering::Relaxed);
    assert!(taken || writes == 0, "refused, and written {writes} times");
    assert!(
        writes == 0 || !by_url || has_key(&payload),
        "written without the key"
    );
});

/// Whether the event was taken, by an HTTP answer that must be one of the contract's.
fn taken(answer: &Value) -> bool {
    let body = answer["body"].as_str().expect("an answer has a body");
    let body: Value = serde_json::from_str(body).expect("the body is JSON");
    let error = match answer["statusCode"].as_i64() {
        Some(200) => {
            assert!(body["jobId"].is_string() && body["outcome"].is_string(), "{body}");
            return true;
        }
        Some(400) => "invalid_event",
        Some(401) => "unauthorized",
        Some(405) => "method_not_allowed",
        Some(413) => "payload_too_large",
        _ => panic!("the contract has no such answer: {answer}"),
    };
    assert_eq!(body["error"], error);
    false
}

fn has_key(request: &Value) -> bool {
    let headers = request["headers"].as_object().expect("the key was in a header");
    headers
        .iter()
        .any(|(name, value)| name.eq_ignore_ascii_case("x-api-key") && value == KEY)
}

impl Door {
    fn open() -> Self {
        let writes = Arc::new(AtomicUsize::new(0));
        let table = JobsTable::new(
            dynamodb(Arc::clone(&writes)),
            "jobs".to_owned(),
            Retention::default(),
        );
        Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .expect("a runtime"),
            function: JobEvents::new(ApiKeys::new(secrets_manager(), "secret".to_owned()), table),
            writes,
        }
    }
}

/// Refuses the first write of each input and shows a row, so that events in order and late ones are
/// both written.
fn dynamodb(writes: Arc<AtomicUsize>) -> DynamoDb {
    let answers = move |_| match writes.fetch_add(1, Ordering::Relaxed) {
        0 => answer(400, ROW.to_owned()),
        _ => answer(200, "{}".to_owned()),
    };
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::v2026_01_12())
        .region(aws_sdk_dynamodb::config::Region::from_static("us-east-1"))
        .credentials_provider(Credentials::for_tests())
        .http_client(infallible_client_fn(answers));
    DynamoDb::from_conf(config.build())
}

fn secrets_manager() -> SecretsManager {
    let answers = |_: Request<SdkBody>| {
        let secret = json!({"apiKey": KEY}).to_string();
        answer(200, json!({"SecretString": secret}).to_string())
    };
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(aws_sdk_secretsmanager::config::BehaviorVersion::v2026_01_12())
        .region(aws_sdk_secretsmanager::config::Region::from_static("us-east-1"))
        .credentials_provider(Credentials::for_tests())
        .http_client(infallible_client_fn(answers));
    SecretsManager::from_conf(config.build())
}

fn answer(status: u16, body: String) -> Response<SdkBody> {
    let response = Response::builder().status(status);
    let response = response.header("content-type", "application/x-amz-json-1.0");
    response.body(SdkBody::from(body)).expect("a response")
}
