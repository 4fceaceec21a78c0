//! The merge rule on a DynamoDB engine: conditional writes end in the row the contract demands, in
//! the number of calls it allows, also when many writers race.
//!
//! The engine is whatever the SDK's standard variables name: the local cloud, DynamoDB Local, AWS.

mod largest;
mod rule;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
    Projection, ProjectionType, ScalarAttributeType,
};
use jobs::event::Kind;
use jobs::table::open_items::{INDEX, Look, OPEN_KEYS, OpenItem, OpenItems};
use jobs::table::{JobsTable, Outcome, Recorded};
use jobs::{Job, JobEvent, JobId, Retention, Timestamp};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use rule::{
    Delivery, Happening, Life, RETENTION_DAYS, deliveries, deliveries_with_many_warnings, event, submission,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// Counts the requests a client sends.
#[derive(Clone, Debug, Default)]
struct Calls(Arc<AtomicUsize>);

impl Calls {
    fn take(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "Calls"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// A table of the test's own, so that tests can't meet.
struct Engine {
    client: Client,
    name: String,
    calls: Calls,
    table: JobsTable,
}

impl Engine {
    async fn start(name: &str) -> Self {
        let config = aws_config::load_defaults(BehaviorVersion::v2026_01_12()).await;
        let client = Client::new(&config);
        let name = format!("{name}-{}", std::process::id());
        client
            .create_table()
            .table_name(&name)
            .billing_mode(BillingMode::PayPerRequest)
            .key_schema(key("jobId", KeyType::Hash))
            .attribute_definitions(attribute("jobId", ScalarAttributeType::S))
            .attribute_definitions(attribute("openItem", ScalarAttributeType::S))
            .attribute_definitions(attribute("checkedAt", ScalarAttributeType::N))
            .global_secondary_indexes(
                GlobalSecondaryIndex::builder()
                    .index_name(INDEX)
                    .key_schema(key("openItem", KeyType::Hash))
                    .key_schema(key("checkedAt", KeyType::Range))
                    .projection(
                        Projection::builder()
                            .projection_type(ProjectionType::KeysOnly)
                            .build(),
                    )
                    .build()
                    .unwrap(),
            )
            .send()
            .await
            .expect("a DynamoDB engine at AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_DYNAMODB");
        let calls = Calls::default();
        let counting = aws_sdk_dynamodb::config::Builder::from(&config)
            .interceptor(calls.clone())
            .build();
        let table = JobsTable::new(
            Client::from_conf(counting),
            name.clone(),
            Retention::from_days(RETENTION_DAYS).unwrap(),
        );
        Self {
            client,
            name,
            calls,
            table,
        }
    }

    async fn deliver(&self, life: &Life, happening: Happening) -> Recorded {
        match life.deliver(happening) {
            Delivery::Event(event) => self.table.record_event(event).await.unwrap(),
            Delivery::Answer(told) => self.table.record_answer(told).await.unwrap(),
            Delivery::Submission(submission) => {
                let job_id = life.job_id.clone();
                self.table.record_submission(job_id, submission).await.unwrap()
            }
        }
    }

    async fn row(&self, job_id: &JobId) -> Value {
        let key = AttributeValue::S(job_id.to_string());
        let item = self
            .client
            .get_item()
            .table_name(&self.name)
            .key("jobId", key)
            .consistent_read(true);
        let item = item.send().await.unwrap().item.unwrap();
        let job: Job = serde_dynamo::aws_sdk_dynamodb_1::from_item(item.clone()).unwrap();
        let row = serde_json::to_value(job).unwrap();
        let open = ["SUBMITTED", "PROGRESSING"].contains(&row["status"].as_str().unwrap());
        assert_eq!(
            OPEN_KEYS.map(|name| item.contains_key(name)),
            [open; 2],
            "a row is in the index of open items while its job has not ended: {item:?}"
        );
        let attributes = row.as_object().unwrap().len() + if open { OPEN_KEYS.len() } else { 0 };
        assert_eq!(
            item.len(),
            attributes,
            "the item has attributes that no merge accounts for: {item:?}"
        );
        row
    }

    async fn stop(self) {
        self.client
            .delete_table()
            .table_name(self.name)
            .send()
            .await
            .unwrap();
    }
}

fn key(name: &str, kind: KeyType) -> KeySchemaElement {
    let key = KeySchemaElement::builder().attribute_name(name).key_type(kind);
    key.build().unwrap()
}

fn attribute(name: &str, kind: ScalarAttributeType) -> AttributeDefinition {
    let attribute = AttributeDefinition::builder().attribute_name(name);
    attribute.attribute_type(kind).build().unwrap()
}

fn generated(
    lives: usize,
    strategy: &impl Strategy<Value = (Life, Vec<Happening>)>,
) -> Vec<(Life, Vec<Happening>)> {
    let mut runner = TestRunner::default();
    (0..lives)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .collect()
}

#[tokio::test]
async fn a_row_depends_on_the_set_of_events_alone() {
    let engine = Engine::start("merge-rule").await;
    for (life, order) in generated(jobs_to_generate(500), &deliveries()) {
        for happening in &order {
            engine.deliver(&life, *happening).await;
            let calls = engine.calls.take();
            assert!(
                calls <= 2,
                "{happening:?} took {calls} calls in {order:?} of {life:?}"
            );
        }
        assert_eq!(
            engine.row(&life.job_id).await,
            life.expected_row(),
            "{order:?} of {life:?}"
        );
    }
    engine.stop().await;
}

#[tokio::test]
async fn of_too_many_warnings_as_many_stay_as_a_row_keeps() {
    let engine = Engine::start("many-warnings").await;
    for (life, order) in generated(jobs_to_generate(5), &deliveries_with_many_warnings()) {
        for happening in &order {
            engine.deliver(&life, *happening).await;
        }
        let mut row = engine.row(&life.job_id).await;
        let mut expected = life.expected_row();
        let kept: BTreeSet<String> = serde_json::from_value(row["warnings"].take()).unwrap();
        expected["warnings"].take();
        assert_eq!(row, expected, "{order:?} of {life:?}");
        let all = life.warnings();
        assert!(kept.is_subset(&all), "{kept:?}");
        assert_eq!(kept.len(), all.len().min(100));
    }
    engine.stop().await;
}

#[tokio::test]
async fn an_event_that_comes_again_is_a_duplicate_and_a_superseded_one_is_stale() {
    let engine = Engine::start("redelivered").await;
    let update = event(
        "STATUS_UPDATE",
        2,
        json!({"jobProgress": {"jobPercentComplete": 50}}),
    );
    let inputs = event(
        "INPUT_INFORMATION",
        4,
        json!({"inputDetails": [{"frameRate": 25.0}]}),
    );
    let warning = event("NEW_WARNING", 5, json!({"warningMessage": "w"}));
    for (event, outcome) in [
        (update.clone(), Outcome::Applied),
        (event("ERROR", 3, json!({})), Outcome::Applied),
        (inputs.clone(), Outcome::Applied),
        (warning, Outcome::Applied),
        (update, Outcome::Duplicate),
        (inputs, Outcome::Duplicate),
        (event("STATUS_UPDATE", 1, json!({})), Outcome::Applied),
        (event("QUEUE_HOP", 1, json!({})), Outcome::Stale),
    ] {
        let what = format!("{event:?}");
        assert_eq!(
            engine.table.record_event(event).await.unwrap().outcome,
            outcome,
            "{what}"
        );
    }
    engine.stop().await;
}

#[tokio::test]
async fn an_event_in_order_is_one_call() {
    let engine = Engine::start("in-order").await;
    let life = [
        "PROGRESSING",
        "STATUS_UPDATE",
        "NEW_WARNING",
        "QUEUE_HOP",
        "STATUS_UPDATE",
        "INPUT_INFORMATION",
        "COMPLETE",
    ];
    for (at, status) in (1..).zip(life) {
        let event = event(status, at, json!({"warningMessage": "w"}));
        engine.table.record_event(event).await.unwrap();
        assert_eq!(engine.calls.take(), 1, "{status}");
    }
    engine.stop().await;
}

#[tokio::test]
async fn events_of_one_time_are_one_call_each_in_the_order_of_their_kinds() {
    let engine = Engine::start("one-time").await;
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Submission) {
        let event = event(kind.as_str(), 1, json!({"warningMessage": "w"}));
        engine.table.record_event(event).await.unwrap();
        assert_eq!(engine.calls.take(), 1, "{kind:?}");
    }
    engine.stop().await;
}

#[tokio::test]
async fn whatever_comes_again_is_one_call_and_changes_nothing() {
    let engine = Engine::start("again").await;
    for (life, order) in generated(jobs_to_generate(100), &deliveries()) {
        for happening in &order {
            engine.deliver(&life, *happening).await;
        }
        let row = engine.row(&life.job_id).await;
        engine.calls.take();
        for happening in &life.happenings {
            let outcome = engine.deliver(&life, *happening).await.outcome;
            let expected = if life.still_tells(*happening) {
                Outcome::Duplicate
            } else {
                Outcome::Stale
            };
            assert_eq!(
                (outcome, engine.calls.take()),
                (expected, 1),
                "{happening:?} of {life:?}"
            );
        }
        assert_eq!(engine.row(&life.job_id).await, row);
    }
    engine.stop().await;
}

/// What recovery does with the index of open items, on one job.
#[tokio::test]
async fn a_job_is_in_the_index_until_it_ends_and_moves_there_only_when_it_is_looked_at() {
    let engine = Engine::start("open").await;
    let open = OpenItems::new(engine.client.clone(), engine.name.clone());
    let indexed = async |before| {
        let page = open.page(OpenItem::Job, Timestamp::from_millis(before), None);
        page.await.unwrap().keys
    };
    let tell = async |status: &str, at| {
        engine
            .table
            .record_event(event(status, at, json!({})))
            .await
            .unwrap()
    };
    let job: JobId = "1700000000000-abc123".parse().unwrap();
    let at = Timestamp::from_millis;

    tell("PROGRESSING", 10).await;
    tell("STATUS_UPDATE", 50).await;
    assert_eq!(indexed(10).await, [""; 0], "checked when its first event came");
    assert_eq!(indexed(11).await, [job.as_str()], "no update moves it");

    assert!(matches!(
        open.look(&job, at(40), at(2_000)).await.unwrap(),
        Look::News
    ));
    assert_eq!(
        (indexed(50).await, indexed(51).await),
        (vec![], vec![job.to_string()])
    );
    assert!(
        matches!(open.look(&job, at(40), at(2_000)).await.unwrap(), Look::Done),
        "looked at already"
    );
    assert!(matches!(
        open.look(&job, at(60), at(2_000)).await.unwrap(),
        Look::Silent
    ));
    open.checked(&job, at(70)).await.unwrap();
    assert_eq!(
        (indexed(70).await, indexed(71).await),
        (vec![], vec![job.to_string()])
    );

    open.not_found(&job, at(80)).await.unwrap();
    assert_eq!(indexed(1_000).await, [""; 0]);
    assert!(matches!(
        open.look(&job, at(1_000), at(2_000)).await.unwrap(),
        Look::Done
    ));
    tell("STATUS_UPDATE", 90).await;
    assert_eq!(indexed(1_000).await, [job.as_str()], "it is heard of again");

    tell("STATUS_UPDATE", 9_000).await;
    let future = open.look(&job, at(1_000), at(2_000)).await.unwrap();
    assert!(
        matches!(future, Look::Silent),
        "an event of the future is no news"
    );

    tell("COMPLETE", 95).await;
    for late in ["STATUS_UPDATE", "NEW_WARNING", "PROGRESSING"] {
        tell(late, 99).await;
        assert_eq!(indexed(1_000).await, [""; 0], "{late} after its end");
    }
    open.checked(&job, at(100)).await.unwrap();
    open.not_found(&job, at(100)).await.unwrap();
    assert_eq!(indexed(1_000).await, [""; 0]);
    engine.stop().await;
}

#[tokio::test]
async fn the_longest_unchecked_come_first_page_by_page() {
    let engine = Engine::start("pages").await;
    let open = OpenItems::new(engine.client.clone(), engine.name.clone());
    for at in (0..250).rev() {
        let mut event = event("PROGRESSING", at, json!({}));
        event.job_id = format!("1700000000000-{at:06}").parse().unwrap();
        engine.table.record_event(event).await.unwrap();
    }
    let (mut keys, mut next) = (Vec::new(), None);
    loop {
        let page = open
            .page(OpenItem::Job, Timestamp::from_millis(240), next)
            .await
            .unwrap();
        assert!(page.keys.len() <= 100);
        keys.extend(page.keys);
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    let expected: Vec<String> = (0..240).map(|at| format!("1700000000000-{at:06}")).collect();
    assert_eq!(keys, expected);
    engine.stop().await;
}

#[tokio::test]
async fn whoever_ends_a_job_learns_how_long_it_took() {
    let engine = Engine::start("duration").await;
    // In order, and after an event that was newer.
    for (job, late) in [("1-in-order", None), ("2-late", Some("NEW_WARNING"))] {
        let job: JobId = job.parse().unwrap();
        let tell = async |status: &str, at| {
            let mut event = event(status, at, json!({}));
            event.job_id.clone_from(&job);
            engine.table.record_event(event).await.unwrap().ended_after
        };
        engine
            .table
            .record_submission(job.clone(), submission(1_000))
            .await
            .unwrap();
        if let Some(late) = late {
            assert_eq!(tell(late, 9_000).await, None);
        }
        assert_eq!(tell("STATUS_UPDATE", 2_000).await, None);
        assert_eq!(tell("COMPLETE", 8_000).await, Some(7_000), "{job}");
        assert_eq!(tell("COMPLETE", 8_000).await, None);
    }
    engine.stop().await;
}

#[tokio::test]
async fn racing_writers_end_in_the_same_row() {
    let engine = Arc::new(Engine::start("racing").await);
    for (life, order) in generated(jobs_to_generate(200), &deliveries()) {
        let life = Arc::new(life);
        let mut writers = JoinSet::new();
        for happening in order.into_iter().cycle().take(32) {
            let (engine, life) = (Arc::clone(&engine), Arc::clone(&life));
            writers.spawn(async move { engine.deliver(&life, happening).await });
        }
        while let Some(writer) = writers.join_next().await {
            writer.unwrap();
        }
        // Of a long life the 32 writers had a part; the rest comes now.
        for happening in life.happenings.iter().copied() {
            engine.deliver(&life, happening).await;
        }
        assert_eq!(engine.row(&life.job_id).await, life.expected_row(), "{life:?}");
    }
    Arc::into_inner(engine).unwrap().stop().await;
}

#[tokio::test]
async fn the_largest_events_are_stored_cut_and_marked() {
    for large in largest::events() {
        let row = stored_alone("large", large.event).await;
        let marked = match row.pointer(large.mark) {
            Some(Value::Number(omitted)) => omitted.as_u64() > Some(0),
            Some(Value::String(text)) => text.contains("… ["),
            _ => false,
        };
        assert!(marked, "no mark at {} in {row}", large.mark);
    }
}

#[tokio::test]
async fn what_dynamodb_would_refuse_is_stored_all_the_same() {
    for event in largest::odd_events() {
        stored_alone("odd", event).await;
    }
}

#[tokio::test]
async fn a_row_holds_every_maximum_at_once() {
    let mut events = largest::every_maximum_at_once();
    for _ in 0..2 {
        let engine = Engine::start("maxima").await;
        let retention = Retention::from_days(RETENTION_DAYS).unwrap();
        let alone = events
            .iter()
            .map(|event| Job::from_event(event.clone(), retention));
        let merged = alone.reduce(Job::merge).unwrap();
        for event in &events {
            engine.table.record_event(event.clone()).await.unwrap();
        }
        let row = engine.row(&merged.job_id).await;
        assert_eq!(row, serde_json::to_value(merged).unwrap());
        assert_eq!(row["warnings"].as_array().unwrap().len(), 100);
        engine.stop().await;
        events.reverse();
    }
}

/// The row that `event` makes on the engine, which must be the row it makes by the domain.
async fn stored_alone(table: &str, event: JobEvent) -> Value {
    let engine = Engine::start(table).await;
    let alone = Job::from_event(event.clone(), Retention::from_days(RETENTION_DAYS).unwrap());
    engine.table.record_event(event).await.unwrap();
    let row = engine.row(&alone.job_id).await;
    assert_eq!(row, serde_json::to_value(alone).unwrap());
    engine.stop().await;
    row
}

/// How many jobs to generate; `PROPTEST_CASES` asks for more or fewer.
fn jobs_to_generate(otherwise: usize) -> usize {
    std::env::var("PROPTEST_CASES").map_or(otherwise, |cases| {
        cases.parse().expect("PROPTEST_CASES is a number")
    })
}
