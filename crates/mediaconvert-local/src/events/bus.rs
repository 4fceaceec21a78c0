//! The way to EventBridge's default bus.
//!
//! One task delivers all events, in the order in which they arose unless faults were asked for, so
//! that a slow bus never holds up a job. An event that cannot be delivered is logged and dropped:
//! the service, too, promises no more than best effort.

use std::time::Duration;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::error::DisplayErrorContext;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, sleep_until, timeout};

use super::event::JobEvent;
use super::faults::{EventFaults, FaultyWay};
use super::log::EventLog;

/// The most entries that one `PutEvents` takes.
const BATCH: usize = 10;
const ATTEMPTS: u32 = 8;
/// The longest that an event is held back when nothing overtakes it.
const LONGEST_HOLD: Duration = Duration::from_secs(1);

/// Where jobs leave their events.
#[derive(Debug, Clone)]
pub(crate) struct EventBus {
    queue: UnboundedSender<(Instant, JobEvent)>,
}

impl EventBus {
    /// Starts the delivery, with these faults on the way. `log` gets every event.
    pub(crate) fn start(client: Client, faults: EventFaults, log: EventLog) -> Self {
        let (queue, events) = mpsc::unbounded_channel();
        tokio::spawn(deliver(client, events, faults, log));
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
        tracing::info!(job = event.job_arn, status = event.status(), "event");
        if self.queue.send((Instant::now(), event)).is_err() {
            tracing::error!("the delivery of events has stopped");
        }
    }
}

async fn deliver(
    client: Client,
    mut events: UnboundedReceiver<(Instant, JobEvent)>,
    faults: EventFaults,
    mut log: EventLog,
) {
    let mut way = FaultyWay::new(faults);
    // Delayed events come one by one, each in its own time.
    let at_once = if faults.delay.is_zero() { BATCH } else { 1 };
    let mut batch = Vec::with_capacity(at_once);
    loop {
        let mut out = Vec::new();
        match timeout(LONGEST_HOLD, events.recv_many(&mut batch, at_once)).await {
            Ok(0) => return,
            Ok(_) => {
                for (arisen, event) in batch.drain(..) {
                    sleep_until(arisen + faults.delay).await;
                    let dropped = way.drops(&event);
                    log.write(&event, dropped);
                    if !dropped {
                        out.extend(way.pass(event));
                    }
                }
                log.flush();
            }
            Err(_) => out = way.release(),
        }
        for entries in out.chunks(BATCH) {
            put_events(&client, entries.iter().map(entry).collect()).await;
        }
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

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, Region};
    use aws_credential_types::Credentials;
    use axum::Json;
    use axum::routing::post;
    use serde_json::{Value, json};
    use tokio::net::TcpListener;
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;
    use crate::clock::Millis;

    /// A client of an event bus that takes everything, and what it took.
    async fn event_bus() -> (Client, UnboundedReceiver<Value>) {
        let (sender, taken) = unbounded_channel();
        let put_events = post(async move |body: String| {
            let request: Value = serde_json::from_str(&body).unwrap();
            let entries = request["Entries"].as_array().unwrap();
            for entry in entries {
                let detail = entry["Detail"].as_str().unwrap();
                sender.send(serde_json::from_str(detail).unwrap()).unwrap();
            }
            let entries = vec![json!({"EventId": "1"}); entries.len()];
            Json(json!({"FailedEntryCount": 0, "Entries": entries}))
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = axum::Router::new().route("/", put_events);
        tokio::spawn(async { axum::serve(listener, server).await });
        let config = aws_sdk_eventbridge::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .endpoint_url(url);
        (Client::from_conf(config.build()), taken)
    }

    fn event(number: usize) -> JobEvent {
        JobEvent {
            job_arn: "arn:aws:mediaconvert:us-east-1:111122223333:jobs/1700000000000-abc123".into(),
            time: Millis::now(),
            detail: json!({"status": "STATUS_UPDATE", "number": number}),
        }
    }

    async fn delivered(faults: EventFaults, count: usize) -> Vec<u64> {
        delivered_and_logged(faults, count, EventLog::default()).await
    }

    async fn delivered_and_logged(faults: EventFaults, count: usize, log: EventLog) -> Vec<u64> {
        let (client, mut taken) = event_bus().await;
        let bus = EventBus::start(client, faults, log);
        (0..25).for_each(|number| bus.put(event(number)));
        let mut numbers = Vec::new();
        while numbers.len() < count {
            numbers.push(taken.recv().await.unwrap()["number"].as_u64().unwrap());
        }
        numbers
    }

    #[tokio::test]
    async fn events_arrive_in_the_order_in_which_they_arose() {
        assert_eq!(
            delivered(EventFaults::default(), 25).await,
            (0..25).collect::<Vec<_>>()
        );
    }

    #[tokio::test]
    async fn duplicated_and_held_back_events_all_arrive_in_the_end() {
        let faults = EventFaults {
            duplicate: 1.0,
            reorder: 1.0,
            ..EventFaults::default()
        };
        let mut numbers = delivered(faults, 50).await;
        numbers.sort_unstable();
        let twice: Vec<u64> = (0..25).flat_map(|number| [number, number]).collect();
        assert_eq!(numbers, twice);
    }

    #[tokio::test]
    async fn the_log_has_every_event_once_and_tells_which_were_dropped() {
        let faults = EventFaults {
            drop: 0.3,
            duplicate: 0.3,
            ..EventFaults::default()
        };
        let file = tempfile::NamedTempFile::new().unwrap();
        let arrived = delivered_and_logged(faults, 20, EventLog::create(file.path()).unwrap()).await;
        let logged: Vec<Value> = std::fs::read_to_string(file.path())
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let numbers = logged
            .iter()
            .map(|line| line["detail"]["number"].as_u64().unwrap());
        assert_eq!(numbers.collect::<Vec<_>>(), (0..25).collect::<Vec<_>>());
        for line in logged.iter().filter(|line| line["dropped"] == true) {
            assert!(!arrived.contains(&line["detail"]["number"].as_u64().unwrap()));
        }
        assert!(logged.iter().any(|line| line["dropped"] == true));
    }

    #[tokio::test]
    async fn a_delay_holds_up_every_event_and_keeps_their_order() {
        let delay = Duration::from_millis(300);
        let started = Instant::now();
        let faults = EventFaults {
            delay,
            ..EventFaults::default()
        };
        assert_eq!(delivered(faults, 25).await, (0..25).collect::<Vec<_>>());
        assert!(started.elapsed() >= delay);
    }
}
