//! The deployed stack, and the clients of those who use it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_mediaconvert::types::QueueStatus;
use aws_sdk_s3::primitives::ByteStream;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::functions::{FunctionError, invoke};

const POLL: Duration = Duration::from_millis(100);

/// The local cloud's description of itself, and clients for it.
pub struct Cloud {
    /// What the local cloud told.
    pub description: Description,
    /// The table, as the host application may read it.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// The functions, as the host application may invoke them.
    pub lambda: aws_sdk_lambda::Client,
    /// The media bucket, as the host application may use it.
    pub s3: aws_sdk_s3::Client,
    /// The submit queue, as the host application may use it.
    pub sqs: aws_sdk_sqs::Client,
    /// The SDK's settings of the administrator, for what the host application may not do.
    pub administrator: SdkConfig,
}

/// `LOCAL_CLOUD`'s file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// Where every AWS endpoint is.
    pub endpoint_url: String,
    /// The stack's outputs by name.
    pub outputs: HashMap<String, String>,
    /// The 12 digits of the account.
    pub account_id: String,
    /// The Region.
    pub region: String,
    /// The ffmpeg to make clips with.
    pub ffmpeg: PathBuf,
    /// The ffprobe to look at outputs with.
    pub ffprobe: PathBuf,
    /// Where every part logs.
    pub logs: PathBuf,
    administrator: AccessKey,
    host_app: AccessKey,
    mediaconvert: AccessKey,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccessKey {
    access_key_id: String,
    secret_access_key: String,
}

impl Cloud {
    /// The cloud this test runs on.
    #[must_use]
    pub fn here() -> Self {
        let path =
            env::var("LOCAL_CLOUD").expect("the end-to-end tests need the local cloud: run `make test-e2e`");
        let description: Description = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let host_app = sdk_config(&description, &description.host_app);
        let s3 = aws_sdk_s3::config::Builder::from(&host_app)
            .force_path_style(true)
            .build();
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(&host_app),
            lambda: aws_sdk_lambda::Client::new(&host_app),
            s3: aws_sdk_s3::Client::from_conf(s3),
            sqs: aws_sdk_sqs::Client::new(&host_app),
            administrator: sdk_config(&description, &description.administrator),
            description,
        }
    }

    /// The SDK's settings of MediaConvert itself, which alone may put its events on the bus.
    #[must_use]
    pub fn mediaconvert_itself(&self) -> SdkConfig {
        sdk_config(&self.description, &self.description.mediaconvert)
    }

    /// One of the stack's outputs.
    #[must_use]
    pub fn output(&self, name: &str) -> &str {
        self.description
            .outputs
            .get(name)
            .unwrap_or_else(|| panic!("the stack has no output {name}"))
    }

    /// The ARN of the queue `Default`.
    #[must_use]
    pub fn queue_arn(&self) -> String {
        let Description {
            region, account_id, ..
        } = &self.description;
        format!("arn:aws:mediaconvert:{region}:{account_id}:queues/Default")
    }

    /// The ARN of a paused queue, the stack's only extra one.
    pub async fn paused_queue(&self) -> String {
        let created = aws_sdk_mediaconvert::Client::new(&self.administrator)
            .create_queue()
            .name("paused")
            .status(QueueStatus::Paused)
            .send();
        if let Err(error) = created.await {
            assert!(error.into_service_error().is_conflict_exception());
        }
        self.queue_arn().replace("Default", "paused")
    }

    /// Uploads a file and answers its `s3://` URI.
    pub async fn upload(&self, file: &Path, key: &str) -> String {
        let bucket = self.output("MediaBucket");
        let body = ByteStream::from_path(file).await.unwrap();
        self.s3
            .put_object()
            .bucket(bucket)
            .key(key)
            .body(body)
            .send()
            .await
            .unwrap();
        format!("s3://{bucket}/{key}")
    }

    /// Downloads an `s3://` URI into `folder`.
    pub async fn download(&self, uri: &str, folder: &Path) -> PathBuf {
        let (bucket, key) = uri.strip_prefix("s3://").unwrap().split_once('/').unwrap();
        let object = self.s3.get_object().bucket(bucket).key(key).send().await.unwrap();
        let file = folder.join(key.rsplit('/').next().unwrap());
        fs::write(&file, object.body.collect().await.unwrap().into_bytes()).unwrap();
        file
    }

    /// Invokes submit-job.
    ///
    /// # Errors
    /// The function's own.
    pub async fn submit(&self, request: &Value) -> Result<Value, FunctionError> {
        invoke(&self.lambda, self.output("SubmitJobFunction"), request).await
    }

    /// The row of a job, if there is one.
    pub async fn row(&self, job_id: &str) -> Option<Value> {
        let key = AttributeValue::S(job_id.to_owned());
        let table = self.output("JobsTable");
        let found = self
            .dynamodb
            .get_item()
            .table_name(table)
            .key("jobId", key)
            .consistent_read(true);
        let item = found.send().await.unwrap().item?;
        Some(serde_dynamo::aws_sdk_dynamodb_1::from_item(item).unwrap())
    }

    /// Waits until a job's row is as asked for.
    pub async fn row_when(&self, job_id: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let patience = patience();
        let give_up_at = Instant::now() + patience;
        loop {
            let row = self.row(job_id).await;
            match row {
                Some(row) if fits(&row) => return row,
                row if Instant::now() > give_up_at => {
                    panic!("job {job_id} is not as expected after {patience:?}: {row:#?}")
                }
                _ => sleep(POLL).await,
            }
        }
    }

    /// Waits until a job has ended, in whatever way.
    pub async fn finished_row(&self, job_id: &str) -> Value {
        self.row_when(job_id, |row| row.get("finishedAt").is_some()).await
    }
}

/// How long a test waits for something. A job of a clip of seconds is done long before. `E2E_PATIENCE_SECONDS` shortens it where failure is expected.
#[must_use]
pub fn patience() -> Duration {
    let seconds = env::var("E2E_PATIENCE_SECONDS").map_or(30, |seconds| seconds.parse().unwrap());
    Duration::from_secs(seconds)
}

fn sdk_config(description: &Description, key: &AccessKey) -> SdkConfig {
    let credentials = Credentials::new(
        &key.access_key_id,
        &key.secret_access_key,
        None,
        None,
        "local cloud",
    );
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(description.region.clone()))
        .endpoint_url(&description.endpoint_url)
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(
            credentials,
        ))
        .build()
}
