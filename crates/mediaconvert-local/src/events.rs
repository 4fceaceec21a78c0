//! Events on their way to EventBridge's default bus.
//!
//! One task delivers them all, in the order in which they arose, so that a slow bus never holds up
//! a job. An event that cannot be delivered is logged and given up, which is what the service
//! promises, too: best effort.

use std::time::Duration;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::error::DisplayErrorContext;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use serde_json::Value;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::clock::Millis;

/// `PutEvents` takes so many entries at once.
const BATCH: usize = 10;
const ATTEMPTS: u32 = 8;

/// One event of one job.
#[derive(Debug, Clone)]
pub(crate) struct JobEvent {
    /// The event's only resource.
    pub(crate) job_arn: String,
    /// When it arose.
    pub(crate) time: Millis,
    /// Its `detail`.
    pub(crate) detail: Value,
}

/// Where jobs leave their events.
#[derive(Debug, Clone)]
pub(crate) struct EventBus {
    queue: UnboundedSender<JobEvent>,
}

impl EventBus {
    /// Starts the delivery.
    pub(crate) fn start(client: Client) -> Self {
        let (queue, events) = mpsc::unbounded_channel();
        tokio::spawn(deliver(client, events));
        Self { queue }
    }

    /// A bus that leads nowhere, for tests of what puts events on it.
    #[cfg(test)]
    pub(crate) fn detached() -> Self {
        let (queue, _) = mpsc::unbounded_channel();
        Self { queue }
    }

    /// Leaves an event for delivery.
    pub(crate) fn put(&self, event: JobEvent) {
        let status = event.detail["status"].as_str().unwrap_or_default();
        tracing::info!(job = event.job_arn, status, "event");
        if self.queue.send(event).is_err() {
            tracing::error!("the delivery of events has stopped");
        }
    }
}

async fn deliver(client: Client, mut events: UnboundedReceiver<JobEvent>) {
    let mut batch = Vec::with_capacity(BATCH);
    while events.recv_many(&mut batch, BATCH).await > 0 {
        put_events(&client, batch.drain(..).map(|event| entry(&event)).collect()).await;
    }
}

fn entry(event: &JobEvent) -> PutEventsRequestEntry {
    let seconds = i64::try_from(event.time.seconds()).unwrap_or(i64::MAX);
    PutEventsRequestEntry::builder()
        .source("aws.mediaconvert")
        .detail_type("MediaConvert Job State Change")
        .resources(&event.job_arn)
        .time(DateTime::from_secs(seconds))
        .detail(event.detail.to_string())
        .build()
}

/// Puts entries on the bus, and those that it refuses again, up to about half a minute.
async fn put_events(client: &Client, mut entries: Vec<PutEventsRequestEntry>) {
    let mut pause = Duration::from_millis(200);
    for attempt in 1..=ATTEMPTS {
        match client
            .put_events()
            .set_entries(Some(entries.clone()))
            .send()
            .await
        {
            Ok(answer) if answer.failed_entry_count() == 0 => return,
            Ok(answer) => {
                let mut results = answer.entries().iter();
                entries.retain(|_| results.next().is_none_or(|result| result.error_code().is_some()));
                let refused = answer.entries().iter().find_map(|result| result.error_message());
                tracing::warn!(attempt, refused, "the event bus refused events");
            }
            Err(error) => {
                tracing::warn!(attempt, error = %DisplayErrorContext(&error), "no event bus");
            }
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    for entry in entries {
        tracing::error!(event = entry.detail(), "gave up on an event");
    }
}
