//! The Lambda function that takes MediaConvert's events: see the library beside it.

use std::process::ExitCode;

use api_keys::ApiKeys;
use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_secretsmanager::Client as SecretsManager;
use job_events::{JobEvents, TIMEOUTS};
use jobs::table::JobsTable;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    Box::pin(startup::run(job_events())).await
}

async fn job_events() -> Result<(), Error> {
    startup::logging::init("job_events")?;
    let secret = startup::variable("API_KEY_SECRET_ARN")?;
    let table = startup::variable("JOBS_TABLE")?;
    let retention = startup::parsed_variable("JOB_TTL_DAYS")?.unwrap_or_default();
    let aws = startup::sdk_config(TIMEOUTS).await;
    let function = JobEvents::new(
        ApiKeys::new(SecretsManager::new(&aws), secret),
        JobsTable::new(DynamoDb::new(&aws), table, retention),
    );
    lambda_runtime::run(service_fn(|event: LambdaEvent<_>| function.invoke(event))).await
}
