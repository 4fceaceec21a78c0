//! submit-job, ended between any two of its calls.
//!
//! The function's own code runs in this process, against the local cloud's table and MediaConvert.
//! Its HTTP connector stands still before or after one of its calls, and the invocation is dropped
//! there, as Lambda does with one whose time is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use end_to_end::Cloud;
use jobs::Retention;
use jobs::table::JobsTable;
use submission::claims::Claims;
use submission::hosts::Hosts;
use submission::input::InputRules;
use submission::mediaconvert::MediaConvert;
use submission::output::Outputs;
use submission::queue::Queues;
use submission::request::Incoming;
use submission::rules::Rules;
use submission::submit::{SubmitJob, SubmittedJob};
use tokio::sync::Notify;
use tokio::task::{JoinSet, LocalSet};

use crate::idempotency::jobs_of;

/// Where an invocation ends: before a call reaches AWS, or before its answer comes back.
#[derive(Clone, Copy, Debug)]
struct End {
    call: usize,
    answered: bool,
}

impl End {
    /// Before and after each of the first `calls` calls.
    fn all(calls: usize) -> impl Iterator<Item = Self> {
        (0..calls).flat_map(|call| [false, true].map(|answered| Self { call, answered }))
    }
}

/// Counts the calls that pass, and holds the one at the end for ever.
#[derive(Clone, Debug)]
struct Line {
    end: Option<End>,
    calls: Arc<AtomicUsize>,
    ended: Arc<Notify>,
}

impl Line {
    fn new(end: Option<End>) -> Self {
        Self {
            end,
            calls: Arc::default(),
            ended: Arc::default(),
        }
    }

    async fn pass(&self, call: usize, answered: bool) {
        let is_end = |end: End| end.call == call && end.answered == answered;
        if self.end.is_some_and(is_end) {
            self.ended.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

/// A client or a connector behind the line.
#[derive(Clone, Debug)]
struct Behind<T> {
    line: Line,
    http: T,
}

impl HttpClient for Behind<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Behind {
            line: self.line.clone(),
            http: self.http.http_connector(settings, components),
        })
    }
}

impl HttpConnector for Behind<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { line, http } = self.clone();
        HttpConnectorFuture::new(async move {
            let call = line.calls.fetch_add(1, Ordering::SeqCst);
            line.pass(call, false).await;
            let answer = http.call(request).await;
            line.pass(call, true).await;
            answer
        })
    }
}

fn rules(cloud: &Cloud) -> Rules {
    let bucket = || cloud.output("MediaBucket").parse().unwrap();
    Rules {
        role_arn: cloud.output("MediaConvertRoleArn").to_owned(),
        queues: Queues {
            own: cloud.queue_arn().parse().unwrap(),
            extra: Vec::new(),
        },
        inputs: InputRules {
            buckets: vec![bucket()],
            hosts: Hosts::None,
            http: false,
        },
        outputs: Outputs {
            bucket: bucket(),
            prefix: "transcoded/".parse().unwrap(),
        },
        default_profile: "mp4".parse().unwrap(),
    }
}

/// One invocation under `key` with `left` until its deadline. None if it ended before.
async fn invoke(cloud: &Cloud, key: &str, end: Option<End>, left: Duration) -> Option<SubmittedJob> {
    let line = Line::new(end);
    let behind = Behind {
        line: line.clone(),
        http: aws_smithy_http_client::Builder::new().build_http(),
    };
    let aws = cloud.administrator.to_builder().http_client(behind).build();
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
    let table = cloud.output("JobsTable").to_owned();
    let function = SubmitJob::new(
        rules(cloud),
        MediaConvert::new(aws_sdk_mediaconvert::Client::new(&aws)),
        Claims::new(dynamodb.clone(), table.clone(), Retention::default()),
        JobsTable::new(dynamodb, table, Retention::default()),
    );
    let request = Incoming::of_input(input(cloud, key), key.to_owned());
    tokio::select! {
        submitted = function.submit(&request, SystemTime::now() + left) => Some(submitted.unwrap()),
        () = line.ended.notified() => None,
    }
}

fn input(cloud: &Cloud, key: &str) -> String {
    format!("s3://{}/uploads/{key}.mp4", cloud.output("MediaBucket"))
}

/// The first invocation ends at `ends[0]`, the next at `ends[1]`, …; the last one goes through.
async fn submit_at_last(key: String, ends: Vec<End>) {
    let cloud = Cloud::here();
    // More than the clocks of two invocations may differ, so that a claim is over when it is.
    let claim_is_over = Duration::from_secs(4);
    for end in &ends {
        // With fewer calls than that, it went through, as well it may.
        let submitted = invoke(&cloud, &key, Some(*end), Duration::from_secs(1)).await;
        if submitted.is_none() {
            tokio::time::sleep(claim_is_over).await;
        }
    }
    let submitted = invoke(&cloud, &key, None, Duration::from_mins(1)).await.unwrap();
    assert!(submitted.recorded, "{key}");

    let jobs = jobs_of(&cloud, &input(&cloud, &key)).await;
    let ids: Vec<_> = jobs.iter().filter_map(|job| job.id()).collect();
    assert_eq!(ids, [submitted.job_id.as_str()], "jobs after {ends:?}");
    let claim = cloud.row(&format!("idempotency#{key}")).await.unwrap();
    assert_eq!(claim["claimedJobId"], submitted.job_id.as_str(), "{ends:?}");
    let row = cloud.row(submitted.job_id.as_str()).await.unwrap();
    assert_eq!(row["input"], input(&cloud, &key), "{ends:?}");
    assert_eq!(row["destination"], submitted.destination, "{ends:?}");
}

#[tokio::test]
async fn an_invocation_that_ends_anywhere_starts_one_job_and_so_does_the_next() {
    // Key, claim, CreateJob, claim, row, claim.
    const FIRST: usize = 6;
    // Key, claim taken over, SearchJobs, claim, CreateJob, claim, row, claim: the most there are.
    const NEXT: usize = 8;
    let run = std::process::id();
    let tests = async {
        let mut tests = JoinSet::new();
        for first in End::all(FIRST) {
            for next in End::all(NEXT) {
                let key = format!("killed-{run}-{}", tests.len());
                tests.spawn_local(submit_at_last(key, vec![first, next]));
            }
        }
        tests.join_all().await;
    };
    LocalSet::new().run_until(tests).await;
}
