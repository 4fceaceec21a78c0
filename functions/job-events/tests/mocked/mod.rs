//! The function as tests invoke it, with AWS's answers from `aws-smithy-mocks`: what counts here is
//! the answer and how many calls there were, not the bytes of a call.

use api_keys::ApiKeys;
use aws_lambda_events::lambda_function_urls::LambdaFunctionUrlResponse;
use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::operation::update_item::UpdateItemOutput;
use aws_sdk_secretsmanager::Client as SecretsManager;
use aws_sdk_secretsmanager::operation::get_secret_value::{GetSecretValueError, GetSecretValueOutput};
use aws_sdk_secretsmanager::types::error::ResourceNotFoundException;
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use job_events::JobEvents;
use jobs::Retention;
use jobs::table::JobsTable;
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use serde_json::{Value, json};

pub(crate) const KEY: &str = "current-key";
pub(crate) const COMPLETE: &str = include_str!("../../../../events/mediaconvert/complete-file-group.json");

pub(crate) fn secret(stage: &'static str, key: Option<&'static str>) -> Rule {
    let rule = mock!(SecretsManager::get_secret_value)
        .match_requests(move |request| request.version_stage() == Some(stage));
    match key {
        Some(key) => rule.then_output(move || value(key)),
        None => rule.then_error(missing),
    }
}

pub(crate) fn value(key: &str) -> GetSecretValueOutput {
    let secret = json!({"apiKey": key}).to_string();
    GetSecretValueOutput::builder().secret_string(secret).build()
}

pub(crate) fn missing() -> GetSecretValueError {
    GetSecretValueError::ResourceNotFoundException(ResourceNotFoundException::builder().build())
}

pub(crate) fn update_succeeds() -> Rule {
    mock!(DynamoDb::update_item).then_output(|| UpdateItemOutput::builder().build())
}

/// The function, its secret at `KEY` with no other version, and a table that answers by `update`.
pub(crate) fn function(update: &Rule) -> JobEvents {
    let versions = [
        secret("AWSCURRENT", Some(KEY)),
        secret("AWSPREVIOUS", None),
        secret("AWSPENDING", None),
    ];
    with_secret(update, &versions)
}

pub(crate) fn with_secret(update: &Rule, versions: &[Rule]) -> JobEvents {
    let secrets = mock_client!(aws_sdk_secretsmanager, RuleMode::MatchAny, versions);
    let table = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [update]);
    JobEvents::new(
        ApiKeys::new(secrets, "the-secret".to_owned()),
        JobsTable::new(table, "jobs".to_owned(), Retention::default()),
    )
}

pub(crate) fn request(method: &str, key: Option<&str>, body: &str) -> Value {
    let headers = key.map_or_else(|| json!({}), |key| json!({"x-api-key": key}));
    json!({
        "version": "2.0",
        "headers": headers,
        "requestContext": {"timeEpoch": 0, "http": {"method": method, "path": "/any/path/"}},
        "body": body,
        "isBase64Encoded": false,
    })
}

pub(crate) fn base64_request(body: impl AsRef<[u8]>) -> Value {
    let mut request = request("POST", Some(KEY), &BASE64_STANDARD.encode(body));
    request["isBase64Encoded"] = json!(true);
    request
}

pub(crate) async fn invoke(function: &JobEvents, payload: Value) -> Result<Value, Diagnostic> {
    let reply = function
        .invoke(LambdaEvent::new(payload, Context::default()))
        .await?;
    Ok(serde_json::to_value(reply).unwrap())
}

/// Status and body of the answer to an HTTP request.
pub(crate) async fn answer(function: &JobEvents, request: Value) -> (i64, String) {
    let reply = invoke(function, request).await.unwrap();
    let response: LambdaFunctionUrlResponse = serde_json::from_value(reply).unwrap();
    assert_eq!(response.headers["content-type"], "application/json");
    (response.status_code, response.body.unwrap())
}
