//! Requests that wait in the submit queue.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, WriteRequest};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use aws_sdk_mediaconvert::Client as MediaConvert;
use aws_sdk_mediaconvert::types::Job;
use aws_sdk_sqs::types::{Message, SendMessageBatchRequestEntry};
use end_to_end::queues::{self, attribute, count};
use end_to_end::{Cloud, media};
use serde_json::{Value, json};

const QUEUE: &str = "SubmitQueueUrl";
const DEAD_LETTERS: &str = "SubmitDeadLetterQueueUrl";

pub(crate) async fn send(cloud: &Cloud, body: &str) -> String {
    let sent = cloud
        .sqs
        .send_message()
        .queue_url(cloud.output("SubmitQueueUrl"))
        .message_body(body)
        .send();
    sent.await.unwrap().message_id.unwrap()
}

/// The job that the claim on `key` names, once it does.
pub(crate) async fn claimed_job(cloud: &Cloud, key: &str) -> String {
    let key = format!("idempotency#{key}");
    let claim = cloud
        .row_when(&key, |claim| claim["claimedJobId"].is_string())
        .await;
    claim["claimedJobId"].as_str().unwrap().to_owned()
}

/// The dead letter of a message, once it is there, taken from the queue.
async fn dead_letter(cloud: &Cloud, message_id: &str) -> Message {
    queues::take(cloud, DEAD_LETTERS, |letter| {
        attribute(letter, "MESSAGE_ID") == message_id
    })
    .await
}

#[tokio::test]
async fn a_queued_request_becomes_a_job_that_its_claim_names() {
    let cloud = Cloud::here();
    let folder = tempfile::tempdir().unwrap();
    let clip = media::clip(&cloud, folder.path(), 1, false);
    let input = cloud.upload(&clip, "uploads/queued.mp4").await;
    let message_id = send(&cloud, &json!({"input": input}).to_string()).await;
    let job_id = claimed_job(&cloud, &message_id).await;
    let row = cloud.finished_row(&job_id).await;
    assert_eq!(row["status"], "COMPLETE", "{row:#}");
    assert_eq!(row["idempotencyKey"], message_id);
}

#[tokio::test]
async fn what_no_retry_can_cure_is_a_dead_letter_at_once_with_its_reason() {
    let cloud = Cloud::here();
    let media = cloud.output("MediaBucket");
    let rejected =
        json!({"input": format!("s3://{media}/a.mp4"), "jobTemplate": "nobody-made-it"}).to_string();
    for (body, code, words) in [
        (
            r#"{"input": "s3://elsewhere/clip.mp4"}"#,
            "InvalidRequest",
            "\"elsewhere\"",
        ),
        ("not JSON", "InvalidRequest", "request: must be JSON"),
        (&rejected, "Rejected", "nobody-made-it"),
    ] {
        let message_id = send(&cloud, body).await;
        let letter = dead_letter(&cloud, &message_id).await;
        assert_eq!(letter.body(), Some(body));
        assert_eq!(attribute(&letter, "ERROR_CODE"), code);
        assert!(attribute(&letter, "ERROR_MESSAGE").contains(words), "{letter:?}");
    }
}

#[tokio::test]
async fn an_asynchronous_request_that_comes_to_no_job_is_a_dead_letter_too() {
    let cloud = Cloud::here();
    let input = format!("s3://elsewhere/{}.mp4", std::process::id());
    let invoked = cloud
        .lambda
        .invoke()
        .function_name(cloud.output("SubmitJobFunction"))
        .invocation_type(InvocationType::Event)
        .payload(Blob::new(json!({"input": input}).to_string()))
        .send();
    assert_eq!(invoked.await.unwrap().status_code, 202);
    let letter = queues::take(&cloud, DEAD_LETTERS, |letter| {
        letter.body().unwrap_or_default().contains(&input)
    })
    .await;
    let record: Value = serde_json::from_str(letter.body().unwrap()).unwrap();
    assert_eq!(record["requestPayload"], json!({"input": input}));
    assert_eq!(
        record["responsePayload"]["errorType"], "InvalidRequest",
        "{record:#}"
    );
}

#[tokio::test]
async fn a_request_may_name_another_of_the_stacks_queues() {
    let cloud = Cloud::here();
    let queue = cloud.paused_queue().await;
    let input = format!("s3://{}/uploads/missing.mp4", cloud.output("MediaBucket"));
    let answer = cloud
        .submit(&json!({"input": input, "queue": queue}))
        .await
        .unwrap();
    let row = cloud.row(answer["jobId"].as_str().unwrap()).await.unwrap();
    assert_eq!(
        (&row["queue"], &row["status"]),
        (&json!(queue), &json!("SUBMITTED"))
    );
}

#[tokio::test]
async fn one_key_is_one_job_by_queue_and_by_invocation() {
    let cloud = Cloud::here();
    let key = format!("queued-{}", std::process::id());
    let input = format!("s3://{}/uploads/missing.mp4", cloud.output("MediaBucket"));
    let request = json!({"input": input, "idempotencyKey": key});
    for _ in 0..2 {
        send(&cloud, &request.to_string()).await;
    }
    let job_id = claimed_job(&cloud, &key).await;
    let answer = cloud.submit(&request).await.unwrap();
    assert_eq!(
        (&answer["jobId"], &answer["idempotent"]),
        (&json!(job_id), &json!(true))
    );
}

/// More than MediaConvert's quota takes at once. Its queue is paused, so no job runs.
#[tokio::test]
async fn a_burst_of_2000_requests_loses_none_and_starts_none_twice() {
    const BURST: usize = 2_000;
    // CreateJob's 5 a second, ten times as fast on the local cloud.
    const QUOTA: f64 = 50.0;
    let cloud = Cloud::here();
    let mediaconvert = MediaConvert::new(&cloud.administrator);
    let queue = cloud.paused_queue().await;
    let letters = count(&cloud, "SubmitDeadLetterQueueUrl").await;
    let input = format!("s3://{}/uploads/burst.mp4", cloud.output("MediaBucket"));
    let request =
        |i: usize| json!({"input": input, "queue": queue, "userMetadata": {"number": i.to_string()}});

    let began = Instant::now();
    let numbers: Vec<usize> = (0..BURST).collect();
    for ten in numbers.chunks(10) {
        let entry = |i: &usize| {
            let entry = SendMessageBatchRequestEntry::builder().id(i.to_string());
            entry.message_body(request(*i).to_string()).build().unwrap()
        };
        let batch = cloud
            .sqs
            .send_message_batch()
            .queue_url(cloud.output("SubmitQueueUrl"))
            .set_entries(Some(ten.iter().map(entry).collect()))
            .send();
        assert!(batch.await.unwrap().failed.is_empty());
    }
    // A message whose turn did not come is back after the visibility timeout of 3 minutes.
    queues::is_empty(&cloud, QUEUE, Duration::from_mins(15)).await;
    let seconds = began.elapsed().as_secs_f64();

    let mut pages = mediaconvert.list_jobs().queue(&queue).into_paginator().send();
    let mut submitted: Vec<usize> = Vec::new();
    while let Some(page) = pages.try_next().await.unwrap() {
        let number = |job: &Job| -> Option<usize> { job.user_metadata()?.get("number")?.parse().ok() };
        submitted.extend(page.jobs().iter().filter_map(number));
        delete_rows(&cloud, page.jobs()).await;
    }
    submitted.sort_unstable();
    assert_eq!(submitted, numbers);
    assert_eq!(count(&cloud, "SubmitDeadLetterQueueUrl").await, letters);
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = BURST as f64 / seconds;
    println!(
        "{BURST} jobs in {seconds:.1} s: {rate:.1} a second, {:.0} % of the quota",
        rate / QUOTA * 100.0
    );
}

/// Nothing will ever be heard of these jobs, and a check of the open ones would ask for each.
async fn delete_rows(cloud: &Cloud, jobs: &[Job]) {
    let row = |job: &Job| {
        let key = AttributeValue::S(job.id.clone().unwrap());
        let deletion = DeleteRequest::builder().key("jobId", key).build().unwrap();
        WriteRequest::builder().delete_request(deletion).build()
    };
    aws_sdk_dynamodb::Client::new(&cloud.administrator)
        .batch_write_item()
        .request_items(cloud.output("JobsTable"), jobs.iter().map(row).collect())
        .send()
        .await
        .unwrap();
}

/// What S3 tells EventBridge of an upload, and EventBridge the queue.
pub(crate) fn upload_event(cloud: &Cloud, key: &str, sequencer: &str) -> Value {
    json!({
        "version": "0",
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {
            "version": "0",
            "bucket": {"name": cloud.output("MediaBucket")},
            "object": {"key": key, "size": 1, "etag": "0", "sequencer": sequencer},
            "reason": "PutObject",
        },
    })
}
