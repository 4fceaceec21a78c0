//! What becomes of each dead letter.

mod mocked;

use std::time::Duration;

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use aws_sdk_sqs::Client as Sqs;
use aws_sdk_sqs::operation::send_message::SendMessageOutput;
use aws_smithy_mocks::{Rule, mock};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use mocked::{Aws, item, updates};
use serde_json::{Value, json};

const COMPLETE: &str = include_str!("../../../events/mediaconvert/complete-file-group.json");

fn batch(bodies: &[&str]) -> Value {
    let records = bodies.iter().enumerate();
    let records =
        records.map(|(n, body)| json!({"eventSource": "aws:sqs", "messageId": n.to_string(), "body": body}));
    json!({ "Records": records.collect::<Vec<_>>() })
}

async fn failures(aws: Aws<'_>, bodies: &[&str]) -> Vec<String> {
    let answer = aws.invoke(batch(bodies), Duration::from_mins(1)).await.unwrap();
    let failures = answer["batchItemFailures"].as_array().unwrap().iter();
    failures
        .map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned())
        .collect()
}

/// The queue for what can't be applied takes a letter with this code.
fn set_aside(code: &'static str) -> Rule {
    mock!(Sqs::send_message)
        .match_requests(move |letter| {
            let attributes = letter.message_attributes().unwrap();
            attributes["ERROR_CODE"].string_value() == Some(code)
        })
        .then_output(|| SendMessageOutput::builder().build())
}

fn table_fails(error: &'static str, status: u16) -> Rule {
    mock!(DynamoDb::update_item).then_http_response(move || {
        let body = json!({"__type": error, "message": "no"}).to_string();
        HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))
    })
}

#[tokio::test]
async fn letters_that_are_applied_or_ignored_are_done() {
    let applied = updates("SET");
    let unknown = r#"{"detail": {"jobId": "1-a", "status": "SOMETHING_NEW"}}"#;
    let aws = Aws {
        dynamodb: vec![&applied],
        ..Aws::default()
    };
    assert_eq!(failures(aws, &[COMPLETE, unknown]).await, [""; 0]);
    assert_eq!(applied.num_calls(), 1);
}

#[tokio::test]
async fn what_may_work_later_comes_again_and_the_rest_of_the_batch_does_not() {
    let down = table_fails("ProvisionedThroughputExceededException", 400);
    let set_aside = set_aside("InvalidEvent");
    let aws = Aws {
        dynamodb: vec![&down],
        sqs: vec![&set_aside],
        ..Aws::default()
    };
    assert_eq!(failures(aws, &["no event", COMPLETE]).await, ["1"]);
    assert_eq!(set_aside.num_calls(), 1);
}

#[tokio::test]
async fn what_the_table_will_never_take_is_set_aside_with_its_reason() {
    let unreadable = mock!(DynamoDb::update_item).then_error(|| {
        let row = item(json!({"jobId": "1700000000000-abc123", "status": "NONE_OF_OURS"}));
        let refused = ConditionalCheckFailedException::builder().set_item(Some(row));
        UpdateItemError::ConditionalCheckFailedException(refused.build())
    });
    let refused = table_fails("ValidationException", 400);
    for (update, code) in [(unreadable, "UnreadableRow"), (refused, "Refused")] {
        let set_aside = set_aside(code);
        let aws = Aws {
            dynamodb: vec![&update],
            sqs: vec![&set_aside],
            ..Aws::default()
        };
        assert_eq!(failures(aws, &[COMPLETE]).await, [""; 0], "{code}");
        assert_eq!(set_aside.num_calls(), 1, "{code}");
    }
}

#[tokio::test]
async fn a_letter_that_can_not_be_set_aside_stays_where_it_is() {
    let down = mock!(Sqs::send_message)
        .then_http_response(|| HttpResponse::new(500.try_into().unwrap(), SdkBody::from("{}")));
    let aws = Aws {
        sqs: vec![&down],
        ..Aws::default()
    };
    assert_eq!(failures(aws, &["no event"]).await, ["0"]);
}
