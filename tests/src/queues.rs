//! The stack's queues, as its operator sees them.

use std::time::{Duration, Instant};

use aws_sdk_sqs::Client as Sqs;
use aws_sdk_sqs::types::{Message, QueueAttributeName};
use tokio::time::sleep;

use crate::{Cloud, patience};

/// How many messages are in the queue of that output, visible or not.
pub async fn count(cloud: &Cloud, queue: &str) -> usize {
    let counts = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        QueueAttributeName::ApproximateNumberOfMessagesDelayed,
    ];
    let attributes = Sqs::new(&cloud.administrator)
        .get_queue_attributes()
        .queue_url(cloud.output(queue))
        .set_attribute_names(Some(counts.to_vec()))
        .send();
    let attributes = attributes.await.unwrap().attributes.unwrap();
    counts
        .iter()
        .map(|name| attributes[name].parse::<usize>().unwrap())
        .sum()
}

/// Waits until nothing is left in the queue of that output.
pub async fn is_empty(cloud: &Cloud, queue: &str, patience: Duration) {
    let give_up_at = Instant::now() + patience;
    while count(cloud, queue).await > 0 {
        assert!(
            Instant::now() < give_up_at,
            "{queue} is not empty after {patience:?}"
        );
        sleep(Duration::from_millis(500)).await;
    }
}

/// Takes the first message that fits out of the queue of that output, once it is there.
pub async fn take(cloud: &Cloud, queue: &str, fits: impl Fn(&Message) -> bool) -> Message {
    let give_up_at = Instant::now() + patience();
    let (sqs, queue_url) = (Sqs::new(&cloud.administrator), cloud.output(queue));
    loop {
        let received = sqs
            .receive_message()
            .queue_url(queue_url)
            .max_number_of_messages(10)
            .message_attribute_names("All")
            // Long enough for the others to show.
            .visibility_timeout(1)
            .send();
        let mut messages = received.await.unwrap().messages.unwrap_or_default().into_iter();
        if let Some(message) = messages.find(&fits) {
            let handle = message.receipt_handle().unwrap_or_default();
            let deletion = sqs.delete_message().queue_url(queue_url).receipt_handle(handle);
            deletion.send().await.unwrap();
            return message;
        }
        assert!(Instant::now() < give_up_at, "no such message in {queue}");
        sleep(Duration::from_millis(200)).await;
    }
}

/// A message's attribute, empty if it has none of that name.
#[must_use]
pub fn attribute<'a>(message: &'a Message, name: &str) -> &'a str {
    let attributes = message.message_attributes.as_ref();
    let value = attributes.and_then(|attributes| attributes.get(name)?.string_value());
    value.unwrap_or_default()
}

/// Sets an attribute of the queue of that output.
pub async fn set(cloud: &Cloud, queue: &str, attribute: QueueAttributeName, value: &str) {
    Sqs::new(&cloud.administrator)
        .set_queue_attributes()
        .queue_url(cloud.output(queue))
        .attributes(attribute, value)
        .send()
        .await
        .unwrap();
}
