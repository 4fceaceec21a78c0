//! What EventBridge can't deliver.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_lambda::Client as Lambda;
use aws_sdk_sqs::Client as Sqs;
use end_to_end::{Cloud, webhook};
use serde_json::{Value, json};

const T: u64 = 1_700_000_000_000;

/// Takes the dead letter of a job out of the queue: its body, and the attributes EventBridge adds.
async fn dead_letter(cloud: &Cloud, job_id: &str) -> (Value, HashMap<String, String>) {
    let sqs = Sqs::new(&cloud.administrator);
    let queue = cloud.output("EventsDeadLetterQueueUrl");
    for _ in 0..30 {
        let received = sqs
            .receive_message()
            .queue_url(queue)
            .message_attribute_names("All")
            .wait_time_seconds(1);
        for letter in received.send().await.unwrap().messages.unwrap_or_default() {
            let body: Value = serde_json::from_str(letter.body().unwrap()).unwrap();
            sqs.delete_message()
                .queue_url(queue)
                .receipt_handle(letter.receipt_handle().unwrap())
                .send()
                .await
                .unwrap();
            if body["detail"]["userMetadata"]["letter"] == job_id {
                let attributes = letter.message_attributes.unwrap_or_default().into_iter();
                return (
                    body,
                    attributes
                        .filter_map(|(name, value)| Some((name, value.string_value?)))
                        .collect(),
                );
            }
        }
    }
    panic!("no dead letter of {job_id}")
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
    let function = JobEvents::of(&cloud).await;
    function.stop().await;
    webhook::put_event(&cloud, &marked(&cloud, job_id)).await;
    let (event, attributes) = dead_letter(&cloud, job_id).await;
    function.start().await;

    assert_eq!(event["detail"]["jobId"], job_id);
    assert_eq!(
        attributes["EXHAUSTED_RETRY_CONDITION"], "MaximumRetryAttempts",
        "{attributes:?}"
    );
    assert!(
        attributes["RETRY_ATTEMPTS"].parse::<u32>().unwrap() > 0,
        "{attributes:?}"
    );
    assert_eq!(cloud.row(job_id).await, None);
}

#[tokio::test]
async fn an_event_that_no_retry_can_cure_gets_there_at_once() {
    let cloud = Cloud::here();
    let job_id = "1700000000006-letter";
    let mut event = marked(&cloud, job_id);
    event["detail"].as_object_mut().unwrap().remove("jobId");
    webhook::put_event(&cloud, &event).await;
    let (_, attributes) = dead_letter(&cloud, job_id).await;
    assert_eq!(attributes["RETRY_ATTEMPTS"], "0", "{attributes:?}");
}

#[tokio::test]
async fn an_event_is_delivered_once_the_webhook_is_back() {
    let cloud = Cloud::here();
    let job_id = "1700000000007-backup";
    let function = JobEvents::of(&cloud).await;
    function.stop().await;
    webhook::put_event(&cloud, &marked(&cloud, job_id)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    function.start().await;
    cloud.row_when(job_id, |row| row["status"] == "PROGRESSING").await;
}

/// The function behind the webhook, which a reserved concurrency of 0 stops.
struct JobEvents {
    lambda: Lambda,
    name: String,
}

impl JobEvents {
    async fn of(cloud: &Cloud) -> Self {
        let lambda = Lambda::new(&cloud.administrator);
        let functions = lambda
            .list_functions()
            .send()
            .await
            .unwrap()
            .functions
            .unwrap_or_default();
        let mut names = functions
            .into_iter()
            .filter_map(|function| function.function_name);
        let name = names.find(|name| name.contains("JobEventsFunction"));
        Self {
            lambda,
            name: name.expect("the stack has the function job-events"),
        }
    }

    async fn stop(&self) {
        let concurrency = self.lambda.put_function_concurrency().function_name(&self.name);
        concurrency
            .reserved_concurrent_executions(0)
            .send()
            .await
            .unwrap();
    }

    async fn start(&self) {
        self.lambda
            .delete_function_concurrency()
            .function_name(&self.name)
            .send()
            .await
            .unwrap();
    }
}
