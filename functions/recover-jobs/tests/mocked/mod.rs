//! The function as its triggers invoke it, with AWS's answers from `aws-smithy-mocks`.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::operation::update_item::UpdateItemOutput;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use dead_letters::DeadLetters as Queue;
use jobs::Retention;
use jobs::table::JobsTable;
use jobs::table::open_items::OpenItems;
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use recover_jobs::claims::LeftClaims;
use recover_jobs::dead_letters::DeadLetters;
use recover_jobs::function::Function;
use recover_jobs::outputs::StoredOutputs;
use recover_jobs::silent_jobs::{Silence, SilentJobs};
use serde_json::Value;
use submission::claims::Claims;
use submission::finish::Finish;
use submission::mediaconvert::MediaConvert;

/// What AWS answers, by service.
#[derive(Default)]
pub(crate) struct Aws<'a> {
    pub(crate) dynamodb: Vec<&'a Rule>,
    pub(crate) mediaconvert: Vec<&'a Rule>,
    pub(crate) s3: Vec<&'a Rule>,
    pub(crate) sqs: Vec<&'a Rule>,
}

impl Aws<'_> {
    /// Invokes the function with so much time left.
    pub(crate) async fn invoke(self, payload: Value, left: Duration) -> Result<Value, Diagnostic> {
        let dynamodb = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, self.dynamodb);
        let mediaconvert = mock_client!(aws_sdk_mediaconvert, RuleMode::MatchAny, self.mediaconvert);
        let mediaconvert = MediaConvert::new(mediaconvert);
        let s3 = mock_client!(aws_sdk_s3, RuleMode::MatchAny, self.s3);
        let sqs = mock_client!(aws_sdk_sqs, RuleMode::MatchAny, self.sqs);
        let open = OpenItems::new(dynamodb.clone(), "jobs".to_owned());
        let jobs = JobsTable::new(dynamodb.clone(), "jobs".to_owned(), Retention::default());
        let claims = Claims::new(dynamodb, "jobs".to_owned(), Retention::default());
        let silence = Silence::default();
        let finish = Finish::new(mediaconvert.clone(), claims, jobs.clone(), Vec::new());
        let function = Function {
            dead_letters: DeadLetters {
                jobs: jobs.clone(),
                unapplied: Some(Queue::new(sqs, "https://sqs/unapplied".to_owned())),
            },
            silent_jobs: SilentJobs {
                open: open.clone(),
                jobs,
                mediaconvert,
                outputs: StoredOutputs::new(s3),
                silence,
            },
            claims: LeftClaims {
                open,
                finish,
                silence,
            },
        };
        let mut context = Context::default();
        let deadline = SystemTime::now() + left;
        let deadline = deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        context.deadline = deadline.as_millis().try_into().unwrap();
        let reply = function.invoke(LambdaEvent::new(payload, context)).await?;
        Ok(serde_json::to_value(reply).unwrap())
    }
}

pub(crate) fn item(json: Value) -> HashMap<String, AttributeValue> {
    serde_dynamo::to_item(json).unwrap()
}

/// Updates whose expression begins so succeed.
pub(crate) fn updates(expression: &'static str) -> Rule {
    mock!(DynamoDb::update_item)
        .match_requests(move |update| update.update_expression().unwrap().starts_with(expression))
        .then_output(|| UpdateItemOutput::builder().build())
}
