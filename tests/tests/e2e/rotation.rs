//! The webhook's key is rolled, by Secrets Manager and the deployed rotation function.

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_lambda::Client as Lambda;
use aws_sdk_lambda::types::Environment;
use aws_sdk_secretsmanager::Client as SecretsManager;
use aws_sdk_sqs::Client as Sqs;
use aws_sdk_sqs::types::QueueAttributeName;
use end_to_end::{Cloud, patience, webhook};
use tokio::time::{sleep, timeout};

const T: u64 = 1_700_000_000_000;

/// Longer than the webhook is given to learn a key, with time for the steps on a busy machine.
const ROTATED_WITHIN: Duration = Duration::from_mins(3);

/// What one API destination delivers at most, unless AWS is asked for more.
const EVENTS_A_SECOND: usize = 300;
/// As many events as one call may put.
const BATCH: usize = 10;
const LANES: usize = 10;

#[tokio::test]
async fn a_rotation_ends_with_a_new_key_that_the_connection_sends_and_the_webhook_takes() {
    let cloud = Cloud::here();
    let before = webhook::api_key(&cloud).await;
    Function::of(&cloud, "JobEventsFunction").await.restart().await;
    let rotate = Function::of(&cloud, "RotateApiKeyFunction").await;
    let learning = rotate.set(("KEY_LEARNING_SECONDS", "0")).await;
    let rotated = timeout(patience(), rotate_key(&cloud)).await;
    rotate.put(learning).await;
    rotated.expect("a rotation, in time");

    let after = webhook::api_key(&cloud).await;
    assert_ne!(after, before);
    assert_eq!(after.len(), 64);
    // EventBridge sends it.
    let job_id = "1700000000030-rolled";
    webhook::put_event(&cloud, &webhook::event(&cloud, job_id, "PROGRESSING", T)).await;
    cloud.row_when(job_id, |row| row["status"] == "PROGRESSING").await;
    // What it was asked with left no row behind.
    assert_eq!(cloud.row("rotate-api-key").await, None);
    let log = log_of(&cloud, "RotateApiKeyFunction");
    assert!(log.contains(r#""step":"finishSecret""#), "{log}");
    assert!(
        !log.contains(&before) && !log.contains(&after),
        "a key is in the log"
    );
}

#[tokio::test]
async fn events_flow_through_a_whole_rotation_and_the_next_one_shuts_the_first_key_out() {
    let cloud = Arc::new(Cloud::here());
    let first = webhook::api_key(&cloud).await;
    let (letters, refused) = (dead_letters(&cloud).await, rejected_keys(&cloud));

    let over = Arc::new(AtomicBool::new(false));
    let started = Instant::now();
    let lanes: Vec<_> = (0..LANES)
        .map(|lane| tokio::spawn(flow(Arc::clone(&cloud), lane, Arc::clone(&over))))
        .collect();
    timeout(ROTATED_WITHIN, rotate_key(&cloud))
        .await
        .expect("a rotation, in time");
    // The new key is sent and current; let some more events come by it.
    sleep(Duration::from_secs(3)).await;
    over.store(true, Ordering::Relaxed);
    let mut jobs = Vec::new();
    for lane in lanes {
        jobs.extend(lane.await.unwrap());
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{} events through a rotation of {seconds:.0} s, {:.0} a second",
        jobs.len(),
        f64::from(u32::try_from(jobs.len()).unwrap()) / seconds
    );

    assert_eq!(missing(&cloud, &jobs).await, Vec::<String>::new());
    assert_eq!(dead_letters(&cloud).await, letters);
    assert_eq!(rejected_keys(&cloud), refused, "requests that got 401");
    let second = webhook::api_key(&cloud).await;
    assert_ne!(second, first);
    assert_eq!(answer(&cloud, &first).await, 200, "the key before is good too");

    let job_events = Function::of(&cloud, "JobEventsFunction").await;
    let rotate = Function::of(&cloud, "RotateApiKeyFunction").await;
    job_events.restart().await;
    let learning = rotate.set(("KEY_LEARNING_SECONDS", "0")).await;
    let rotated = timeout(ROTATED_WITHIN, rotate_key(&cloud)).await;
    rotate.put(learning).await;
    rotated.expect("another rotation, in time");
    // A process keeps for some minutes what it has read.
    job_events.restart().await;
    assert_eq!(answer(&cloud, &first).await, 401, "the key before the one before");
    assert_eq!(answer(&cloud, &second).await, 200);
    assert_eq!(answer(&cloud, &webhook::api_key(&cloud).await).await, 200);
}

/// Rotates as an operator does, and waits until the new version is the current one.
async fn rotate_key(cloud: &Cloud) {
    let secrets = SecretsManager::new(&cloud.administrator);
    let arn = cloud.output("ApiKeySecretArn");
    let before = versions(&secrets, arn).await;
    if let Some(pending) = before.pending {
        // One that failed is not to be taken up where it stood.
        let give_up = secrets
            .update_secret_version_stage()
            .secret_id(arn)
            .version_stage("AWSPENDING");
        give_up.remove_from_version_id(pending).send().await.unwrap();
    }
    secrets.rotate_secret().secret_id(arn).send().await.unwrap();
    while versions(&secrets, arn).await.current == before.current {
        sleep(Duration::from_millis(200)).await;
    }
}

struct Versions {
    current: String,
    /// That of a rotation that isn't over.
    pending: Option<String>,
}

async fn versions(secrets: &SecretsManager, arn: &str) -> Versions {
    let described = secrets.describe_secret().secret_id(arn).send().await.unwrap();
    let versions = described.version_ids_to_stages.unwrap_or_default();
    let labelled = |stage: &str| {
        let mut all = versions.iter();
        let found = all.find(|(_, stages)| stages.iter().any(|each| each == stage));
        found.map(|(id, _)| id.clone())
    };
    let current = labelled("AWSCURRENT").expect("a secret has a current version");
    let pending = labelled("AWSPENDING").filter(|pending| *pending != current);
    Versions { current, pending }
}

/// Puts batches of events at its share of the rate, each once the one before has arrived: a machine that is slower than AWS
/// is not to have its deliveries time out. Answers the events' jobs.
async fn flow(cloud: Arc<Cloud>, lane: usize, over: Arc<AtomicBool>) -> Vec<String> {
    let bus = aws_sdk_eventbridge::Client::new(&cloud.mediaconvert_itself());
    let every = Duration::from_secs(1) * u32::try_from(BATCH * LANES).unwrap()
        / u32::try_from(EVENTS_A_SECOND).unwrap();
    let mut jobs = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let next = tokio::time::Instant::now() + every;
        let batch: Vec<_> = (0..BATCH)
            .map(|number| format!("1700000000031-{lane}x{}", jobs.len() + number))
            .collect();
        let entries = batch.iter().map(|job_id| {
            // Of a job that has ended, so that no check of the open ones asks for thousands.
            let event = webhook::event(&cloud, job_id, "CANCELED", T);
            PutEventsRequestEntry::builder()
                .source("aws.mediaconvert")
                .detail_type("MediaConvert Job State Change")
                .detail(event["detail"].to_string())
                .build()
        });
        let put = bus.put_events().set_entries(Some(entries.collect())).send().await;
        assert_eq!(put.unwrap().failed_entry_count(), 0);
        // Those that are not there in time are missed at the end.
        let last = batch.last().unwrap().clone();
        let _ = timeout(patience(), async {
            while cloud.row(&last).await.is_none() {
                sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        jobs.extend(batch);
        tokio::time::sleep_until(next).await;
    }
    jobs
}

/// The jobs that have no row, even after a while.
async fn missing(cloud: &Cloud, jobs: &[String]) -> Vec<String> {
    let table = cloud.output("JobsTable");
    let mut missing = jobs.to_vec();
    for _ in 0..30 {
        let mut found = Vec::new();
        for some in missing.chunks(100) {
            let keys = some
                .iter()
                .map(|id| HashMap::from([("jobId".to_owned(), AttributeValue::S(id.clone()))]));
            let keys = KeysAndAttributes::builder()
                .set_keys(Some(keys.collect()))
                .consistent_read(true);
            let read = cloud
                .dynamodb
                .batch_get_item()
                .request_items(table, keys.build().unwrap());
            let rows = read
                .send()
                .await
                .unwrap()
                .responses
                .unwrap_or_default()
                .remove(table);
            found.extend(
                rows.unwrap_or_default()
                    .into_iter()
                    .map(|mut row| row.remove("jobId").unwrap()),
            );
        }
        missing.retain(|id| !found.contains(&AttributeValue::S(id.clone())));
        if missing.is_empty() {
            break;
        }
        sleep(Duration::from_secs(1)).await;
    }
    missing
}

/// What the webhook answers to a request with that key.
async fn answer(cloud: &Cloud, key: &str) -> u16 {
    let event = webhook::event(cloud, "1700000000032-asking", "PROGRESSING", T);
    webhook::post(cloud, Some(key), &event).await.0
}

async fn dead_letters(cloud: &Cloud) -> Vec<String> {
    let names = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    ];
    let request = Sqs::new(&cloud.administrator)
        .get_queue_attributes()
        .queue_url(cloud.output("EventsDeadLetterQueueUrl"))
        .set_attribute_names(Some(names.to_vec()));
    let attributes = request.send().await.unwrap().attributes.unwrap_or_default();
    names.iter().map(|name| attributes[name].clone()).collect()
}

fn rejected_keys(cloud: &Cloud) -> usize {
    log_of(cloud, "JobEventsFunction")
        .matches("the key is missing or wrong")
        .count()
}

fn log_of(cloud: &Cloud, function: &str) -> String {
    let files = fs::read_dir(&cloud.description.logs)
        .unwrap()
        .map(|file| file.unwrap().path());
    let mut logs = files.filter(|file| file.to_string_lossy().contains(function));
    logs.next()
        .map(|log| fs::read_to_string(log).unwrap())
        .unwrap_or_default()
}

/// A deployed function, whose settings a test changes.
struct Function {
    lambda: Lambda,
    name: String,
}

impl Function {
    async fn of(cloud: &Cloud, logical_id: &str) -> Self {
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
        let name = names.find(|name| name.contains(logical_id));
        let name = name.unwrap_or_else(|| panic!("the stack has no function {logical_id}"));
        Self { lambda, name }
    }

    /// New processes, which have read nothing yet.
    async fn restart(&self) {
        self.put(self.variables().await).await;
    }

    /// Sets a variable; answers those there were.
    async fn set(&self, (name, value): (&str, &str)) -> HashMap<String, String> {
        let before = self.variables().await;
        let mut variables = before.clone();
        variables.insert(name.to_owned(), value.to_owned());
        self.put(variables).await;
        before
    }

    async fn variables(&self) -> HashMap<String, String> {
        let request = self.lambda.get_function_configuration().function_name(&self.name);
        let environment = request.send().await.unwrap().environment;
        environment
            .and_then(|environment| environment.variables)
            .unwrap_or_default()
    }

    async fn put(&self, variables: HashMap<String, String>) {
        let environment = Environment::builder().set_variables(Some(variables)).build();
        self.lambda
            .update_function_configuration()
            .function_name(&self.name)
            .environment(environment)
            .send()
            .await
            .unwrap();
    }
}
