//! The Lambda function that creates jobs: see the library beside it.

use std::process::ExitCode;
use std::time::Duration;

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_mediaconvert::Client;
use aws_sdk_sqs::Client as Sqs;
use dead_letters::DeadLetters;
use jobs::table::JobsTable;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use startup::Timeouts;
use submission::claims::Claims;
use submission::config::rules_from_env;
use submission::mediaconvert::MediaConvert;
use submission::submit::SubmitJob;
use submit_job::function::Function;

/// An attempt at its slowest takes a sixth of the invocation's 30 s.
const TIMEOUTS: Timeouts = Timeouts {
    attempt: Duration::from_secs(5),
    operation: Duration::from_secs(10),
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    startup::run(Box::pin(submit_job())).await
}

async fn submit_job() -> Result<(), Error> {
    startup::logging::init(env!("CARGO_CRATE_NAME"))?;
    let rules = rules_from_env()?;
    let table = startup::variable("JOBS_TABLE")?;
    let retention = startup::parsed_variable("JOB_TTL_DAYS")?.unwrap_or_default();
    let aws = startup::sdk_config(TIMEOUTS).await;
    let mediaconvert = MediaConvert::new(Client::new(&aws));
    let dynamodb = DynamoDb::new(&aws);
    let claims = Claims::new(dynamodb.clone(), table.clone(), retention);
    let jobs = JobsTable::new(dynamodb, table, retention);
    let dead_letters = startup::optional_variable("SUBMIT_DEAD_LETTER_QUEUE_URL")?;
    let dead_letters = dead_letters.map(|queue_url| DeadLetters::new(Sqs::new(&aws), queue_url));
    let function = Function::new(SubmitJob::new(rules, mediaconvert, claims, jobs), dead_letters);
    // Boxed: the SDK's futures nest deeper than the compiler lays out in one.
    lambda_runtime::run(service_fn(|event: LambdaEvent<_>| {
        Box::pin(function.invoke(event))
    }))
    .await
}
