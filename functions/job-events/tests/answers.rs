//! The contract's table of answers, byte for byte, with the AWS calls mocked.

mod mocked;

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::types::error::{
    ConditionalCheckFailedException, ProvisionedThroughputExceededException,
};
use aws_sdk_secretsmanager::Client as SecretsManager;
use aws_sdk_secretsmanager::operation::get_secret_value::{GetSecretValueError, GetSecretValueOutput};
use aws_sdk_secretsmanager::types::error::InternalServiceError;
use aws_smithy_mocks::{MockResponse, Rule, mock};
use mocked::{
    COMPLETE, KEY, answer, base64_request, function, invoke, missing, request, secret, update_succeeds,
    value, with_secret,
};
use serde_json::{Value, json};

fn update_is_throttled() -> Rule {
    mock!(DynamoDb::update_item).then_error(|| {
        let error = ProvisionedThroughputExceededException::builder().build();
        UpdateItemError::ProvisionedThroughputExceededException(error)
    })
}

/// The condition fails and returns the row of a job that was complete at `timestamp`.
fn update_finds_complete_job(timestamp: u64) -> Rule {
    let number = |number: u64| AttributeValue::N(number.to_string());
    mock!(DynamoDb::update_item).then_error(move || {
        let failed = ConditionalCheckFailedException::builder()
            .item("jobId", AttributeValue::S("1700000000000-abc123".to_owned()))
            .item("status", AttributeValue::S("COMPLETE".to_owned()))
            .item("statusTimestamp", number(timestamp))
            .item("finishedAt", number(timestamp))
            .item("progressTimestamp", number(timestamp))
            .item("percentComplete", number(100))
            .item("updatedAt", number(1_800_000_000_000));
        UpdateItemError::ConditionalCheckFailedException(failed.build())
    })
}

#[tokio::test]
async fn only_post_is_allowed() {
    let update = update_succeeds();
    for method in ["GET", "PUT", "HEAD", "OPTIONS", "post"] {
        let reply = invoke(&function(&update), request(method, Some(KEY), COMPLETE))
            .await
            .unwrap();
        assert_eq!(reply["statusCode"], 405, "{method}");
        assert_eq!(reply["headers"]["allow"], "POST");
        assert_eq!(reply["body"], r#"{"error":"method_not_allowed"}"#);
    }
    assert_eq!(update.num_calls(), 0);
}

#[tokio::test]
async fn a_body_over_1_mib_is_refused_before_the_key_is_looked_at() {
    let update = update_succeeds();
    let function = function(&update);
    let too_large = (413, r#"{"error":"payload_too_large"}"#.to_owned());
    let body = "x".repeat(1024 * 1024 + 1);
    assert_eq!(answer(&function, request("POST", None, &body)).await, too_large);
    assert_eq!(answer(&function, base64_request(&body)).await, too_large);
    // One byte less gets as far as the key.
    assert_eq!(answer(&function, request("POST", None, &body[1..])).await.0, 401);
    assert_eq!(update.num_calls(), 0);
}

#[tokio::test]
async fn a_missing_or_wrong_key_is_refused_before_the_event_is_looked_at() {
    let update = update_succeeds();
    let unauthorized = (401, r#"{"error":"unauthorized"}"#.to_owned());
    for key in [
        None,
        Some(""),
        Some("wrong"),
        Some("current-key "),
        Some("current-ke"),
    ] {
        let answer = answer(&function(&update), request("POST", key, "no event")).await;
        assert_eq!(answer, unauthorized, "{key:?}");
    }
    assert_eq!(update.num_calls(), 0);
}

#[tokio::test]
async fn every_good_version_of_the_secret_opens_the_door() {
    let update = update_succeeds();
    let versions = [
        secret("AWSCURRENT", Some("current")),
        secret("AWSPREVIOUS", Some("previous")),
        secret("AWSPENDING", Some("pending")),
    ];
    let function = with_secret(&update, &versions);
    for key in ["current", "previous", "pending"] {
        assert_eq!(
            answer(&function, request("POST", Some(key), COMPLETE)).await.0,
            200,
            "{key}"
        );
    }
}

#[tokio::test]
async fn a_wrong_key_does_not_drive_calls_to_secrets_manager() {
    let update = update_succeeds();
    let current = secret("AWSCURRENT", Some(KEY));
    let versions = [
        current.clone(),
        secret("AWSPREVIOUS", None),
        secret("AWSPENDING", None),
    ];
    let function = with_secret(&update, &versions);
    for _ in 0..100 {
        assert_eq!(
            answer(&function, request("POST", Some("wrong"), COMPLETE))
                .await
                .0,
            401
        );
    }
    assert_eq!(current.num_calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_found_a_minute_after_the_last_look_at_the_latest() {
    let update = update_succeeds();
    let current = mock!(SecretsManager::get_secret_value)
        .match_requests(|request| request.version_stage() == Some("AWSCURRENT"))
        .sequence()
        .output(|| {
            GetSecretValueOutput::builder()
                .secret_string(r#"{"apiKey": "old"}"#)
                .build()
        })
        .output(|| {
            GetSecretValueOutput::builder()
                .secret_string(r#"{"apiKey": "new"}"#)
                .build()
        })
        .build();
    let versions = [current, secret("AWSPREVIOUS", None), secret("AWSPENDING", None)];
    let function = with_secret(&update, &versions);
    assert_eq!(
        answer(&function, request("POST", Some("old"), COMPLETE)).await.0,
        200
    );
    assert_eq!(
        answer(&function, request("POST", Some("new"), COMPLETE)).await.0,
        401
    );
    tokio::time::advance(std::time::Duration::from_mins(1)).await;
    assert_eq!(
        answer(&function, request("POST", Some("new"), COMPLETE)).await.0,
        200
    );
}

/// A 401 may deauthorize EventBridge's connection; 503 only makes it try again.
#[tokio::test(start_paused = true)]
async fn a_key_that_could_not_be_looked_for_is_not_a_wrong_one() {
    let update = update_succeeds();
    let value = |value: &'static str| move || GetSecretValueOutput::builder().secret_string(value).build();
    let current = mock!(SecretsManager::get_secret_value)
        .match_requests(|request| request.version_stage() == Some("AWSCURRENT"))
        .sequence()
        .output(value(r#"{"apiKey": "old"}"#))
        .error(|| GetSecretValueError::InternalServiceError(InternalServiceError::builder().build()))
        .output(value(r#"{"apiKey": "new"}"#))
        .build();
    let versions = [current, secret("AWSPREVIOUS", None), secret("AWSPENDING", None)];
    let function = with_secret(&update, &versions);
    let status = async |key| answer(&function, request("POST", Some(key), COMPLETE)).await.0;
    assert_eq!(status("old").await, 200);
    tokio::time::advance(std::time::Duration::from_mins(1)).await;
    assert_eq!(status("new").await, 503);
    assert_eq!(status("new").await, 503);
    assert_eq!(status("old").await, 200);
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    assert_eq!(status("new").await, 200);
}

#[tokio::test]
async fn an_invalid_event_is_refused_with_the_field_and_the_rule() {
    let update = update_succeeds();
    let function = function(&update);
    let cases = [
        (
            "{",
            "the event is not JSON: EOF while parsing an object at line 1 column 1",
        ),
        (
            "",
            "the event is not JSON: EOF while parsing a value at line 1 column 0",
        ),
        ("[]", "the event is not a JSON object"),
        (r#"{"detail": 1}"#, "detail is not an object"),
        (r"{}", "detail is missing"),
        (
            r#"{"source": "aws.s3", "detail": {}}"#,
            r#"source is not "aws.mediaconvert""#,
        ),
        (
            r#"{"detail-type": "Object Created", "detail": {}}"#,
            r#"detail-type is not "MediaConvert Job State Change""#,
        ),
        (r#"{"detail": {"status": "COMPLETE"}}"#, "detail.jobId is missing"),
        (
            r#"{"detail": {"jobId": 7, "status": "COMPLETE"}}"#,
            "detail.jobId is not a text of at least one character",
        ),
        (
            r#"{"detail": {"jobId": "idempotency#1", "status": "COMPLETE"}}"#,
            "detail.jobId is not a job id: a job id has 1 to 128 ASCII letters, digits, `-` and `_`",
        ),
        (r#"{"detail": {"jobId": "1-a"}}"#, "detail.status is missing"),
        (
            r#"{"detail": {"jobId": "1-a", "status": "COMPLETE", "timestamp": "soon"}}"#,
            "detail.timestamp is not a count of milliseconds since 1970",
        ),
    ];
    for (body, message) in cases {
        let message = serde_json::to_string(message).unwrap();
        let expected = format!(r#"{{"error":"invalid_event","message":{message}}}"#);
        assert_eq!(
            answer(&function, request("POST", Some(KEY), body)).await,
            (400, expected),
            "{body}"
        );
    }
    let mut broken = base64_request("");
    broken["body"] = json!("%%%");
    let expected = r#"{"error":"invalid_event","message":"the body is not base64"}"#;
    assert_eq!(answer(&function, broken).await, (400, expected.to_owned()));
    assert_eq!(update.num_calls(), 0);
}

#[tokio::test]
async fn an_event_in_order_is_applied_in_one_call() {
    let update = update_succeeds();
    let function = function(&update);
    let applied = r#"{"jobId":"1700000000000-abc123","status":"COMPLETE","outcome":"applied"}"#;
    let plain = answer(&function, request("POST", Some(KEY), COMPLETE)).await;
    assert_eq!(plain, (200, applied.to_owned()));
    assert_eq!(update.num_calls(), 1);
    assert_eq!(
        answer(&function, base64_request(COMPLETE)).await,
        (200, applied.to_owned())
    );
}

#[tokio::test]
async fn an_event_the_row_holds_is_a_duplicate_and_a_superseded_one_is_stale() {
    let cases = [(1_700_000_123_124, "duplicate"), (1_600_000_000_000, "stale")];
    for (completed_at, outcome) in cases {
        let update = update_finds_complete_job(completed_at);
        let expected =
            format!(r#"{{"jobId":"1700000000000-abc123","status":"COMPLETE","outcome":"{outcome}"}}"#);
        let answer = answer(&function(&update), request("POST", Some(KEY), COMPLETE)).await;
        assert_eq!(answer, (200, expected));
        assert_eq!(update.num_calls(), 1);
    }
}

#[tokio::test]
async fn a_status_unknown_to_this_version_is_ignored() {
    let update = update_succeeds();
    let body = json!({"detail": {"jobId": "1700000000000-abc123", "status": "PAUSED"}}).to_string();
    let ignored = r#"{"jobId":"1700000000000-abc123","outcome":"ignored"}"#;
    let answer = answer(&function(&update), request("POST", Some(KEY), &body)).await;
    assert_eq!(answer, (200, ignored.to_owned()));
    assert_eq!(update.num_calls(), 0);
}

#[tokio::test]
async fn what_a_retry_can_cure_is_unavailable() {
    let unavailable = (503, r#"{"error":"unavailable"}"#.to_owned());
    let throttled = function(&update_is_throttled());
    assert_eq!(
        answer(&throttled, request("POST", Some(KEY), COMPLETE)).await,
        unavailable
    );

    let update = update_succeeds();
    let broken = mock!(SecretsManager::get_secret_value)
        .then_error(|| GetSecretValueError::InternalServiceError(InternalServiceError::builder().build()));
    let keyless = with_secret(&update, &[broken]);
    assert_eq!(
        answer(&keyless, request("POST", Some(KEY), COMPLETE)).await,
        unavailable
    );
    assert_eq!(update.num_calls(), 0);
}

/// A version of a secret whose rotation has taken its last step, which makes the pending key the current one and
/// the current one the previous; or has not.
fn version(stage: Option<&str>, is_rotated: bool) -> Option<&'static str> {
    match (stage?, is_rotated) {
        ("AWSPENDING", false) | ("AWSCURRENT", true) => Some("new-key"),
        ("AWSCURRENT", false) | ("AWSPREVIOUS", true) => Some("old-key"),
        ("AWSPREVIOUS", false) => Some("older-key"),
        _ => None,
    }
}

#[tokio::test]
async fn no_key_is_missed_that_moves_on_while_the_keys_are_read() {
    for reads_before in 0..=3 {
        for key in ["old-key", "new-key"] {
            let reads = AtomicUsize::new(0);
            let rotating = mock!(SecretsManager::get_secret_value).then_compute_response(move |request| {
                let is_rotated = reads.fetch_add(1, Ordering::Relaxed) >= reads_before;
                match version(request.version_stage(), is_rotated) {
                    Some(key) => MockResponse::Output(value(key)),
                    None => MockResponse::Error(missing()),
                }
            });
            let function = with_secret(&update_succeeds(), &[rotating]);
            let (status, _) = answer(&function, request("POST", Some(key), COMPLETE)).await;
            assert_eq!(
                status, 200,
                "{key}, with the last step after {reads_before} reads"
            );
        }
    }
}

#[tokio::test]
async fn a_raw_event_needs_no_key_and_gets_the_same_answer_without_the_envelope() {
    let function = function(&update_succeeds());
    let event: Value = serde_json::from_str(COMPLETE).unwrap();
    let applied = json!({"jobId": "1700000000000-abc123", "status": "COMPLETE", "outcome": "applied"});
    assert_eq!(invoke(&function, event.clone()).await, Ok(applied));

    let error = invoke(&function, json!({"detail": {}})).await.unwrap_err();
    assert_eq!(
        (&*error.error_type, &*error.error_message),
        ("invalid_event", "detail.jobId is missing")
    );

    let error = invoke(&self::function(&update_is_throttled()), event)
        .await
        .unwrap_err();
    assert_eq!(error.error_type, "unavailable");
}
