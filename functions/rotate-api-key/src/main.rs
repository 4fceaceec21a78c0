//! The Lambda function that rolls the webhook's key: see the library beside it.

use std::process::ExitCode;
use std::time::Duration;

use aws_sdk_eventbridge::Client as EventBridge;
use aws_sdk_secretsmanager::Client as SecretsManager;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use rotate_api_key::connection::Connection;
use rotate_api_key::function::{KEY_LEARNING, RotateApiKey};
use rotate_api_key::secret::Secret;
use rotate_api_key::webhook::{Webhook, https_connector};
use startup::Timeouts;

/// Nobody waits for the answer: a call may well take the time of an outage's end.
const TIMEOUTS: Timeouts = Timeouts {
    attempt: Duration::from_secs(5),
    operation: Duration::from_secs(10),
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    startup::run(Box::pin(rotate_api_key())).await
}

async fn rotate_api_key() -> Result<(), Error> {
    startup::logging::init(env!("CARGO_CRATE_NAME"))?;
    let secret = startup::variable("API_KEY_SECRET_ARN")?;
    let connections = startup::optional_variable("CONNECTION_NAMES")?.unwrap_or_default();
    let webhook = startup::optional_variable("JOB_EVENTS_URL")?;
    let learning = startup::parsed_variable("KEY_LEARNING_SECONDS")?.map(Duration::from_secs);
    let aws = startup::sdk_config(TIMEOUTS).await;
    let events = EventBridge::new(&aws);
    let connections = connections.split(',').filter(|name| !name.is_empty());
    let function = RotateApiKey {
        secret: Secret::new(SecretsManager::new(&aws), secret),
        connections: connections
            .map(|name| Connection::new(events.clone(), name.to_owned()))
            .collect(),
        webhook: webhook.map(|url| Webhook::new(https_connector(), url)),
        learning: learning.unwrap_or(KEY_LEARNING),
    };
    // Boxed: the SDK's futures nest deeper than the compiler lays out in one.
    lambda_runtime::run(service_fn(|event: LambdaEvent<_>| {
        Box::pin(function.invoke(event))
    }))
    .await
}
