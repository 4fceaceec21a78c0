//! The Lambda function that repairs what got lost: see the library beside it.

use std::process::ExitCode;
use std::time::Duration;

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_s3::Client as S3;
use aws_sdk_sqs::Client as Sqs;
use dead_letters::DeadLetters as Queue;
use jobs::table::JobsTable;
use jobs::table::open_items::OpenItems;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use recover_jobs::claims::LeftClaims;
use recover_jobs::dead_letters::DeadLetters;
use recover_jobs::function::Function;
use recover_jobs::outputs::StoredOutputs;
use recover_jobs::silent_jobs::{Silence, SilentJobs};
use startup::Timeouts;
use submission::claims::Claims;
use submission::config::queues_from_env;
use submission::finish::Finish;
use submission::mediaconvert::MediaConvert;

/// Nobody waits for this function.
const TIMEOUTS: Timeouts = Timeouts {
    attempt: Duration::from_secs(5),
    operation: Duration::from_secs(20),
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    startup::run(Box::pin(recover_jobs())).await
}

async fn recover_jobs() -> Result<(), Error> {
    startup::logging::init(env!("CARGO_CRATE_NAME"))?;
    let table = startup::variable("JOBS_TABLE")?;
    let retention = startup::parsed_variable("JOB_TTL_DAYS")?.unwrap_or_default();
    let silence: Silence = startup::parsed_variable("SILENT_JOB_MINUTES")?.unwrap_or_default();
    let queues = queues_from_env()?;
    let unapplied = startup::optional_variable("UNAPPLIED_EVENTS_QUEUE_URL")?;

    let aws = startup::sdk_config(TIMEOUTS).await;
    let dynamodb = DynamoDb::new(&aws);
    let mediaconvert = MediaConvert::new(aws_sdk_mediaconvert::Client::new(&aws));
    let open = OpenItems::new(dynamodb.clone(), table.clone());
    let jobs = JobsTable::new(dynamodb.clone(), table.clone(), retention);
    let claims = Claims::new(dynamodb, table, retention);
    let finish = Finish::new(mediaconvert.clone(), claims, jobs.clone(), queues);
    let function = Function {
        dead_letters: DeadLetters {
            jobs: jobs.clone(),
            unapplied: unapplied.map(|url| Queue::new(Sqs::new(&aws), url)),
        },
        silent_jobs: SilentJobs {
            open: open.clone(),
            jobs,
            mediaconvert,
            outputs: StoredOutputs::new(S3::new(&aws)),
            silence,
        },
        claims: LeftClaims {
            open,
            finish,
            silence,
        },
    };
    // Boxed: the SDK's futures nest deeper than the compiler lays out in one.
    lambda_runtime::run(service_fn(|event: LambdaEvent<_>| {
        Box::pin(function.invoke(event))
    }))
    .await
}
