//! The function's table and secret, made and read without the proxy, and the function itself, which
//! reaches them through it.

use std::env;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use api_keys::ApiKeys;
use aws_lambda_events::lambda_function_urls::LambdaFunctionUrlResponse;
use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    StreamSpecification, StreamViewType,
};
use aws_sdk_dynamodbstreams::Client as DynamoDbStreams;
use aws_sdk_dynamodbstreams::types::ShardIteratorType;
use aws_sdk_secretsmanager::Client as SecretsManager;
use job_events::{JobEvents, TIMEOUTS};
use jobs::table::JobsTable;
use jobs::{Job, JobEvent, Received, Retention};
use lambda_runtime::{Context, LambdaEvent};
use serde_dynamo::aws_sdk_dynamodb_1::from_item;
use serde_json::{Value, json};
use startup::Timeouts;
use uuid::Uuid;

const KEY: &str = "jobId";

/// Generous, as these calls aren't measured.
const PATIENT: Timeouts = Timeouts {
    attempt: Duration::from_secs(20),
    operation: Duration::from_mins(1),
};

pub(crate) struct Cloud {
    table: DynamoDb,
    stream: DynamoDbStreams,
    secrets: SecretsManager,
    /// Names the table, the secret and the key in it.
    name: String,
    /// The function's own clients: its time-outs, and the proxy as their endpoint.
    function: (DynamoDb, SecretsManager),
}

/// Two events of one job, in the order of their delivery.
pub(crate) struct Life {
    pub(crate) first: Value,
    pub(crate) second: Value,
}

/// The function in a sandbox that has just started.
pub(crate) struct Function<'a> {
    function: JobEvents,
    api_key: &'a str,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Cloud {
    pub(crate) async fn start() -> Result<Self> {
        let direct =
            env::var("UPSTREAM_ENDPOINT_URL").context("UPSTREAM_ENDPOINT_URL: run `make test-faults`")?;
        let through_proxy = startup::sdk_config(TIMEOUTS).await;
        let patient = startup::sdk_config(PATIENT).await;
        let direct = patient.to_builder().endpoint_url(direct).build();
        let cloud = Self {
            table: DynamoDb::new(&direct),
            stream: DynamoDbStreams::new(&direct),
            secrets: SecretsManager::new(&direct),
            name: format!("faults-{}", Uuid::new_v4()),
            function: (DynamoDb::new(&through_proxy), SecretsManager::new(&through_proxy)),
        };
        let secret = json!({"apiKey": cloud.name}).to_string();
        let secret = cloud
            .secrets
            .create_secret()
            .name(&cloud.name)
            .secret_string(secret);
        secret.send().await?;
        cloud.create_table().await?;
        Ok(cloud)
    }

    async fn create_table(&self) -> Result<()> {
        let key = KeySchemaElement::builder()
            .attribute_name(KEY)
            .key_type(KeyType::Hash);
        let text = AttributeDefinition::builder()
            .attribute_name(KEY)
            .attribute_type(ScalarAttributeType::S);
        let stream = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(StreamViewType::KeysOnly);
        self.table
            .create_table()
            .table_name(&self.name)
            .billing_mode(BillingMode::PayPerRequest)
            .key_schema(key.build()?)
            .attribute_definitions(text.build()?)
            .stream_specification(stream.build()?)
            .send()
            .await?;
        Ok(())
    }

    pub(crate) async fn stop(&self) -> Result<()> {
        self.table.delete_table().table_name(&self.name).send().await?;
        let secret = self.secrets.delete_secret().secret_id(&self.name);
        secret.force_delete_without_recovery(true).send().await?;
        Ok(())
    }

    pub(crate) fn function(&self) -> Function<'_> {
        let (table, secrets) = self.function.clone();
        let keys = ApiKeys::new(secrets, self.name.clone());
        let table = JobsTable::new(table, self.name.clone(), Retention::default());
        Function {
            function: JobEvents::new(keys, table),
            api_key: &self.name,
        }
    }

    /// The row must hold both events, each written once; returns its status and the writes.
    pub(crate) async fn expect_row(&self, life: &Life) -> Result<String> {
        let id = AttributeValue::S(life.job_id().to_owned());
        let item = self
            .table
            .get_item()
            .table_name(&self.name)
            .key(KEY, id)
            .consistent_read(true);
        let item = item.send().await?.item.context("the job has no row")?;
        let row: Job = from_item(item)?;
        let expected = alone(&life.first)?.merge(alone(&life.second)?);
        ensure!(row == expected, "the row is {row:?}, and not {expected:?}");
        let writes = self.writes(life).await?;
        ensure!(writes == 2, "{writes} writes of two events");
        Ok(format!("{}, {writes} writes", row.state.status.as_str()))
    }

    /// How often the job's row was written, by the table's stream.
    pub(crate) async fn writes(&self, life: &Life) -> Result<usize> {
        let table = self.table.describe_table().table_name(&self.name).send().await?;
        let stream = table
            .table
            .and_then(|table| table.latest_stream_arn)
            .context("the table has no stream")?;
        let described = self.stream.describe_stream().stream_arn(&stream).send().await?;
        let shards = described
            .stream_description
            .context("the stream is gone")?
            .shards
            .unwrap_or_default();
        let mut writes = 0;
        for shard in shards {
            let start = self
                .stream
                .get_shard_iterator()
                .stream_arn(&stream)
                .shard_id(shard.shard_id.context("a shard without an id")?)
                .shard_iterator_type(ShardIteratorType::TrimHorizon);
            writes += self.writes_from(start.send().await?.shard_iterator, life).await?;
        }
        Ok(writes)
    }

    async fn writes_from(&self, mut position: Option<String>, life: &Life) -> Result<usize> {
        let mut writes = 0;
        while let Some(iterator) = position {
            let page = self.stream.get_records().shard_iterator(iterator).send().await?;
            let records = page.records.unwrap_or_default();
            if records.is_empty() {
                break;
            }
            let keys = records
                .iter()
                .filter_map(|record| record.dynamodb()?.keys()?.get(KEY)?.as_s().ok());
            writes += keys.filter(|key| *key == life.job_id()).count();
            position = page.next_shard_iterator;
        }
        Ok(writes)
    }
}

impl Life {
    /// The second event is one UpdateItem.
    pub(crate) fn in_order() -> Self {
        let job_id = Uuid::new_v4().to_string();
        Self {
            first: event(&job_id, "PROGRESSING", 1_700_000_000_000),
            second: event(&job_id, "COMPLETE", 1_700_000_060_000),
        }
    }

    /// The second event is older than the first, so it takes two.
    pub(crate) fn out_of_order() -> Self {
        let Self { first, second } = Self::in_order();
        Self {
            first: second,
            second: first,
        }
    }

    fn job_id(&self) -> &str {
        self.first["detail"]["jobId"].as_str().unwrap_or_default()
    }
}

fn event(job_id: &str, status: &str, timestamp: u64) -> Value {
    json!({
        "source": "aws.mediaconvert",
        "detail-type": "MediaConvert Job State Change",
        "detail": {"jobId": job_id, "status": status, "timestamp": timestamp},
    })
}

fn alone(event: &Value) -> Result<Job> {
    match JobEvent::from_value(event)? {
        Received::Event(event) => Ok(Job::from_event(event, Retention::default())),
        Received::UnknownStatus { status, .. } => anyhow::bail!("{status} is unknown"),
    }
}

impl Function<'_> {
    /// Delivers an event as the API destination does.
    pub(crate) async fn deliver(&self, event: &Value) -> Result<Answer> {
        let payload = json!({
            "version": "2.0",
            "headers": {"x-api-key": self.api_key},
            "requestContext": {"http": {"method": "POST", "path": "/"}},
            "body": event.to_string(),
            "isBase64Encoded": false,
        });
        let reply = self
            .function
            .invoke(LambdaEvent::new(payload, Context::default()))
            .await;
        let reply = reply.map_err(|error| anyhow::anyhow!("a request without an answer: {error:?}"))?;
        let response: LambdaFunctionUrlResponse = serde_json::from_value(serde_json::to_value(reply)?)?;
        Ok(Answer {
            status: response.status_code.try_into()?,
            body: serde_json::from_str(&response.body.context("an answer without a body")?)?,
        })
    }
}

impl Answer {
    pub(crate) fn outcome(&self) -> Result<String> {
        Ok(self.body["outcome"].as_str().context("no outcome")?.to_owned())
    }
}
