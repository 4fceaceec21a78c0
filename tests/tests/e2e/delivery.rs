//! What EventBridge can't deliver.

use std::time::Duration;

use aws_sdk_sqs::types::{Message, QueueAttributeName};
use end_to_end::{Cloud, Function, queues, webhook};
use serde_json::{Value, json};

const T: u64 = 1_700_000_000_000;
const QUEUE: &str = "EventsDeadLetterQueueUrl";

/// The events' dead-letter queue, with nobody to empty it and no wait before what is in it shows.
async fn unattended(cloud: &Cloud) -> Function {
    let recover_jobs = Function::of(cloud, "RecoverJobsFunction").await;
    recover_jobs.take_messages(false).await;
    queues::set(cloud, QUEUE, QueueAttributeName::DelaySeconds, "0").await;
    recover_jobs
}

/// Takes the dead letter of a job out of the queue.
async fn dead_letter(cloud: &Cloud, job_id: &str) -> Message {
    let body = |letter: &Message| serde_json::from_str::<Value>(letter.body().unwrap()).unwrap();
    queues::take(cloud, QUEUE, |letter| {
        body(letter)["detail"]["userMetadata"]["letter"] == job_id
    })
    .await
}

fn marked(cloud: &Cloud, job_id: &str) -> Value {
    let mut event = webhook::event(cloud, job_id, "PROGRESSING", T);
    event["detail"]["userMetadata"] = json!({"letter": job_id});
    event
}

#[tokio::test]
async fn an_event_that_no_retry_delivered_waits_in_the_dead_letter_queue() {
    let cloud = Cloud::here();
    let job_id = "1700000000005-letter";
    let recover_jobs = unattended(&cloud).await;
    let function = Function::of(&cloud, "JobEventsFunction").await;
    function.stop().await;
    webhook::put_event(&cloud, &marked(&cloud, job_id)).await;
    let letter = dead_letter(&cloud, job_id).await;
    function.start().await;
    recover_jobs.take_messages(true).await;

    let event: Value = serde_json::from_str(letter.body().unwrap()).unwrap();
    assert_eq!(event["detail"]["jobId"], job_id);
    let condition = queues::attribute(&letter, "EXHAUSTED_RETRY_CONDITION");
    assert_eq!(condition, "MaximumRetryAttempts", "{letter:?}");
    let attempts: u32 = queues::attribute(&letter, "RETRY_ATTEMPTS").parse().unwrap();
    assert!(attempts > 0, "{letter:?}");
    assert_eq!(cloud.row(job_id).await, None);
}

#[tokio::test]
async fn an_event_that_no_retry_can_cure_gets_there_at_once() {
    let cloud = Cloud::here();
    let job_id = "1700000000006-letter";
    let mut event = marked(&cloud, job_id);
    event["detail"].as_object_mut().unwrap().remove("jobId");
    let recover_jobs = unattended(&cloud).await;
    webhook::put_event(&cloud, &event).await;
    let letter = dead_letter(&cloud, job_id).await;
    recover_jobs.take_messages(true).await;
    assert_eq!(queues::attribute(&letter, "RETRY_ATTEMPTS"), "0", "{letter:?}");
}

#[tokio::test]
async fn an_event_is_delivered_once_the_webhook_is_back() {
    let cloud = Cloud::here();
    let job_id = "1700000000007-backup";
    let function = Function::of(&cloud, "JobEventsFunction").await;
    function.stop().await;
    webhook::put_event(&cloud, &marked(&cloud, job_id)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    function.start().await;
    cloud.row_when(job_id, |row| row["status"] == "PROGRESSING").await;
}
