//! Requests that come once, again, half-way and under used keys, with the calls they make.
//!
//! The calls are replayed as HTTP, since what matters is what is sent and in which order.

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_http_client::test_util::StaticReplayClient;
use jobs::Retention;
use serde_json::{Value, json};

use super::*;
use crate::create_job::tests::rules;
use crate::mediaconvert::tests::{answering, mediaconvert};

const JOB: &str = "1700000000000-abc123";
const REQUEST_ID: &str = "8f507cfc-xmpl-4697-b07a-ac58fc914c95";

pub(crate) fn dynamodb(http: &StaticReplayClient) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-west-2"))
        .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .http_client(http.clone())
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}

/// Submits with `left` until the deadline.
async fn submit_within(
    left: Duration,
    request: Value,
    mediaconvert_http: &StaticReplayClient,
    dynamodb_http: &StaticReplayClient,
) -> Result<SubmittedJob, SubmitError> {
    let dynamodb = dynamodb(dynamodb_http);
    let function = SubmitJob::new(
        rules(),
        mediaconvert(mediaconvert_http),
        Claims::new(dynamodb.clone(), "jobs".to_owned(), Retention::default()),
        JobsTable::new(dynamodb, "jobs".to_owned(), Retention::default()),
    );
    let deadline = SystemTime::now() + left;
    let incoming = Incoming::from_json(request, REQUEST_ID)?;
    function.submit(&incoming, deadline).await
}

async fn submit(
    request: Value,
    mediaconvert: &StaticReplayClient,
    dynamodb: &StaticReplayClient,
) -> Result<SubmittedJob, SubmitError> {
    submit_within(Duration::from_secs(30), request, mediaconvert, dynamodb).await
}

fn created() -> (u16, Value) {
    (201, json!({ "job": { "id": JOB } }))
}

pub(crate) fn written() -> (u16, Value) {
    (200, json!({}))
}

/// There is no claim on the key.
fn unclaimed() -> (u16, Value) {
    (200, json!({}))
}

/// The key has `claim`.
fn claimed(claim: &Value) -> (u16, Value) {
    (200, json!({ "Item": claim }))
}

/// The key, the claim, the job the claim stands for, the row, the claim again.
fn writing() -> StaticReplayClient {
    answering([unclaimed(), written(), written(), written(), written()])
}

/// The key, its left claim taken over, the job it stands for, the row, the claim again.
fn taken_over(left: &Value) -> StaticReplayClient {
    answering([claimed(left), written(), written(), written(), written()])
}

pub(crate) fn refused(claim: &Value) -> (u16, Value) {
    let refusal = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
        "message": "The conditional request failed",
        "Item": claim,
    });
    (400, refusal)
}

/// An earlier claim on `k`, good until `until`.
pub(crate) fn claim(until: u64, job: Option<&str>) -> Value {
    let mut item = json!({
        "jobId": { "S": "idempotency#k" },
        "claimant": { "S": "earlier" },
        "claimedUntil": { "N": until.to_string() },
        "clientRequestToken": { "S": "earlier" },
        "submission": { "M": {
            "submittedAt": { "N": "1700000000000" },
            "input": { "S": "s3://uploads/first.mov" },
            "destination": { "S": "s3://media/transcoded/first/" },
        } },
    });
    if let Some(job) = job {
        item["claimedJobId"] = json!({ "S": job });
    }
    item
}

pub(crate) fn bodies(http: &StaticReplayClient) -> Vec<Value> {
    let requests = http.actual_requests();
    requests
        .map(|request| serde_json::from_slice(request.body().bytes().unwrap()).unwrap())
        .collect()
}

#[tokio::test]
async fn a_request_becomes_a_claim_a_job_and_its_row() {
    let (mediaconvert, dynamodb) = (answering([created()]), writing());
    let request = json!({
        "input": "s3://uploads/clip.mov", "profile": "webm", "outputKey": "media/42",
        "idempotencyKey": "media-42-v3", "userMetadata": { "mediaId": "42" },
    });
    let answer = submit(request, &mediaconvert, &dynamodb).await.unwrap();

    assert_eq!(
        serde_json::to_value(answer).unwrap(),
        json!({
            "jobId": JOB,
            "status": "SUBMITTED",
            "destination": "s3://media/transcoded/media/42/",
            "idempotent": false,
        })
    );
    let token = &bodies(&mediaconvert)[0]["clientRequestToken"];
    let [key, claim, claimed, update, recorded] = &bodies(&dynamodb)[..] else {
        panic!("one read and four writes")
    };
    assert_eq!(key["Key"], json!({ "jobId": { "S": "idempotency#media-42-v3" } }));
    assert_eq!(key["ConsistentRead"], true);
    assert_eq!(claim["Item"]["jobId"], json!({ "S": "idempotency#media-42-v3" }));
    assert_eq!(claim["Item"]["clientRequestToken"], json!({ "S": token }));
    assert!(claim["Item"].get("claimedJobId").is_none());
    assert_eq!(claimed["Item"]["claimedJobId"], json!({ "S": JOB }));
    assert!(claimed["Item"].get("status").is_none());
    assert!(claimed["Item"].get("recorded").is_none());
    assert_eq!(recorded["Item"]["recorded"], json!({ "BOOL": true }));
    assert_eq!(update["TableName"], "jobs");
    assert_eq!(update["Key"], json!({ "jobId": { "S": JOB } }));
    let values = update["ExpressionAttributeValues"].as_object().unwrap();
    for expected in [
        json!({ "S": "SUBMITTED" }),
        json!({ "S": "s3://uploads/clip.mov" }),
        json!({ "S": "webm" }),
        json!({ "S": "s3://media/transcoded/media/42/" }),
        json!({ "S": "media-42-v3" }),
        json!({ "M": { "mediaId": { "S": "42" } } }),
    ] {
        assert!(
            values.values().any(|value| *value == expected),
            "{expected} in {values:?}"
        );
    }
}

#[tokio::test]
async fn a_request_without_a_key_goes_by_the_one_it_came_with() {
    let dynamodb = writing();
    let request = json!({ "input": "s3://uploads/clip.mov" });
    submit(request, &answering([created()]), &dynamodb).await.unwrap();
    assert_eq!(
        bodies(&dynamodb)[1]["Item"]["jobId"],
        json!({ "S": format!("idempotency#{REQUEST_ID}") })
    );
}

#[tokio::test]
async fn a_key_that_has_its_job_starts_none_and_completes_its_row() {
    let (mediaconvert, dynamodb) = (
        answering([]),
        answering([claimed(&claim(u64::MAX / 2, Some(JOB))), written(), written()]),
    );
    let request = json!({ "input": "s3://uploads/first.mov", "idempotencyKey": "k" });
    let answer = submit(request, &mediaconvert, &dynamodb).await.unwrap();
    assert_eq!((answer.job_id.as_str(), answer.idempotent), (JOB, true));
    assert_eq!(answer.destination, "s3://media/transcoded/first/");
    let row = &bodies(&dynamodb)[1];
    assert_eq!(row["Key"], json!({ "jobId": { "S": JOB } }));
    assert!(row.to_string().contains("s3://uploads/first.mov"));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_somebody_has_is_waited_for() {
    let busy = claimed(&claim(u64::MAX / 2, None));
    let done = claimed(&claim(u64::MAX / 2, Some(JOB)));
    let request = json!({ "input": "s3://uploads/first.mov", "idempotencyKey": "k" });
    let dynamodb = answering([busy.clone(), busy.clone(), done, written(), written()]);
    let answer = submit(request.clone(), &answering([]), &dynamodb).await.unwrap();
    assert_eq!((answer.job_id.as_str(), answer.idempotent), (JOB, true));

    let (no_time, dynamodb) = (Duration::ZERO, answering([busy]));
    let error = submit_within(no_time, request, &answering([]), &dynamodb)
        .await
        .unwrap_err();
    assert_eq!(error.error_type(), "Unavailable");
    assert_eq!(
        error.to_string(),
        "idempotencyKey: \"k\" is being submitted by another request; try again"
    );
}

#[tokio::test]
async fn a_job_that_nobody_could_write_down_is_found_again() {
    let found = json!({ "jobs": [
        { "id": "1700000000001-other0", "clientRequestToken": "other", "createdAt": 1_700_000_001 },
        { "id": JOB, "clientRequestToken": "earlier", "createdAt": 1_700_000_000 },
    ] });
    let (mediaconvert, dynamodb) = (answering([(200, found)]), taken_over(&claim(1, None)));
    let request = json!({ "input": "s3://uploads/first.mov", "idempotencyKey": "k" });
    let answer = submit(request, &mediaconvert, &dynamodb).await.unwrap();
    assert_eq!((answer.job_id.as_str(), answer.idempotent), (JOB, true));
    assert_eq!(answer.destination, "s3://media/transcoded/first/");

    let search = mediaconvert.actual_requests().next().unwrap().uri().to_owned();
    for parameter in [
        "/2017-08-29/search?",
        "inputFile=s3%3A%2F%2Fuploads%2Ffirst.mov",
        "queues%2FDefault",
    ] {
        assert!(search.contains(parameter), "{parameter} in {search}");
    }
}

#[tokio::test]
async fn a_claim_left_without_a_job_is_created_under_the_old_token() {
    let none = (
        200,
        json!({ "jobs": [
        { "id": "1600000000001-other0", "clientRequestToken": "other", "createdAt": 1_600_000_000 },
    ], "nextToken": "older ones, which need no look" }),
    );
    let (mediaconvert, dynamodb) = (
        answering([none.clone(), none, created()]),
        answering([
            claimed(&claim(1, None)),
            written(),
            written(),
            written(),
            written(),
            written(),
        ]),
    );
    let request = json!({ "input": "s3://uploads/first.mov", "idempotencyKey": "k", "outputKey": "second" });
    let answer = submit(request, &mediaconvert, &dynamodb).await.unwrap();
    assert!(!answer.idempotent);
    assert_eq!(answer.destination, "s3://media/transcoded/second/");
    let job = mediaconvert.actual_requests().nth(2).unwrap();
    let job: Value = serde_json::from_slice(job.body().bytes().unwrap()).unwrap();
    assert_eq!(job["clientRequestToken"], "earlier");
}

#[tokio::test]
async fn a_refused_request_leaves_nothing_behind() {
    let (mediaconvert, dynamodb) = (answering([]), answering([unclaimed()]));
    let request = json!({ "input": "s3://other/clip.mov" });
    let error = submit(request, &mediaconvert, &dynamodb).await.unwrap_err();
    assert_eq!(error.error_type(), "InvalidRequest");
    assert_eq!(
        error.to_string(),
        "input: \"s3://other/clip.mov\" names bucket \"other\", which is not one of InputBucketNames or the media bucket (media, uploads)"
    );
}

#[tokio::test]
async fn mediaconverts_refusal_comes_back_verbatim_and_frees_the_key_if_there_is_certainly_no_job() {
    let message = "/outputGroups/0: The role can't be assumed";
    for (status, error_type, frees) in [
        (400, "Rejected", true),
        (429, "Throttled", true),
        (500, "Unavailable", false),
    ] {
        let mediaconvert = answering([(status, json!({ "message": message }))]);
        let dynamodb = answering([unclaimed(), written(), written()]);
        let request = json!({ "input": "s3://uploads/clip.mov" });
        let error = submit_within(Duration::ZERO, request, &mediaconvert, &dynamodb)
            .await
            .unwrap_err();
        assert_eq!(error.error_type(), error_type);
        assert_eq!(error.to_string(), message);
        let targets: Vec<_> = dynamodb
            .actual_requests()
            .map(|request| request.headers().get("x-amz-target").unwrap().to_owned())
            .collect();
        let all = ["GetItem", "PutItem", "DeleteItem"].map(|name| format!("DynamoDB_20120810.{name}"));
        let expected = if frees { &all[..] } else { &all[..2] };
        assert_eq!(targets, expected, "{status}");
    }
}

#[tokio::test]
async fn without_a_claim_no_job_is_created() {
    let mediaconvert = answering([]);
    let request = json!({ "input": "s3://uploads/clip.mov" });
    let dynamodb = answering([unclaimed()]);
    let error = submit(request, &mediaconvert, &dynamodb).await.unwrap_err();
    assert_eq!(error.error_type(), "Unavailable");
    assert!(
        error
            .to_string()
            .starts_with("can't write item \"idempotency#8f507cfc"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_job_template_is_looked_up_first() {
    let template = json!({ "jobTemplate": { "settings": { "outputGroups": [
        { "outputGroupSettings": { "type": "FILE_GROUP_SETTINGS" } },
    ] } } });
    let mediaconvert = answering([(200, template), created()]);
    let request = json!({ "input": "s3://uploads/clip.mov", "jobTemplate": "mine", "outputKey": "k" });
    submit(request, &mediaconvert, &writing()).await.unwrap();

    let job = mediaconvert.actual_requests().nth(1).unwrap();
    let job: Value = serde_json::from_slice(job.body().bytes().unwrap()).unwrap();
    let group = &job["settings"]["outputGroups"][0]["outputGroupSettings"];
    assert_eq!(
        group["fileGroupSettings"]["destination"],
        "s3://media/transcoded/k/"
    );
}

/// An error would make the caller start a second job.
#[tokio::test(start_paused = true)]
async fn what_can_not_be_written_is_tried_again_and_loses_no_job() {
    let failure = (500, json!({ "__type": "InternalServerError" }));
    let dynamodb = answering([
        unclaimed(),
        written(),
        failure.clone(),
        written(),
        failure,
        written(),
        written(),
    ]);
    let request = json!({ "input": "s3://uploads/clip.mov" });
    let answer = submit(request.clone(), &answering([created()]), &dynamodb)
        .await
        .unwrap();
    assert!(answer.recorded);
    assert_eq!(bodies(&dynamodb).len(), 7);

    let lost = answering([unclaimed(), written()]);
    let answer = submit_within(Duration::ZERO, request, &answering([created()]), &lost)
        .await
        .unwrap();
    assert_eq!(answer.job_id.as_str(), JOB);
    assert!(!answer.recorded);
}

/// Whatever has become of what the request names: nothing but the key is looked at.
#[tokio::test]
async fn a_key_that_has_its_job_answers_though_nothing_in_the_request_is_allowed_any_more() {
    let mut done = claim(0, Some(JOB));
    done["recorded"] = json!({ "BOOL": true });
    for member in [
        json!({}),
        json!({ "queue": "arn:aws:mediaconvert:eu-west-2:111122223333:queues/gone" }),
        json!({ "priority": 99, "gone": true }),
    ] {
        let mut request = json!({ "input": "s3://uploads/first.mov", "idempotencyKey": "k" });
        request
            .as_object_mut()
            .unwrap()
            .extend(member.as_object().unwrap().clone());
        let (mediaconvert, dynamodb) = (answering([]), answering([claimed(&done)]));
        let answer = submit(request.clone(), &mediaconvert, &dynamodb).await.unwrap();
        assert_eq!(
            (answer.job_id.as_str(), answer.idempotent),
            (JOB, true),
            "{request}"
        );
    }
    for member in [
        json!({ "jobTemplate": "gone" }),
        json!({ "profile": "gone" }),
        json!({ "input": "s3://no-longer-allowed/first.mov" }),
    ] {
        let mut request = json!({ "input": "s3://uploads/first.mov", "idempotencyKey": "k" });
        request
            .as_object_mut()
            .unwrap()
            .extend(member.as_object().unwrap().clone());
        let mut done = done.clone();
        done["fingerprint"] = json!({ "S": fingerprint(&request) });
        let (mediaconvert, dynamodb) = (answering([]), answering([claimed(&done)]));
        let answer = submit(request.clone(), &mediaconvert, &dynamodb).await.unwrap();
        assert_eq!(
            (answer.job_id.as_str(), answer.idempotent),
            (JOB, true),
            "{request}"
        );
    }
}

fn fingerprint(request: &Value) -> Value {
    let incoming = Incoming::from_json(request.clone(), REQUEST_ID).unwrap();
    serde_json::to_value(incoming.fingerprint).unwrap()
}

#[tokio::test]
async fn a_key_that_comes_back_for_something_else_is_refused_with_the_first_input() {
    let first = json!({ "input": "s3://uploads/first.mov", "profile": "mp4" });
    let mut of_first = claim(u64::MAX / 2, None);
    of_first["fingerprint"] = json!({ "S": fingerprint(&first) });
    let mut done = of_first.clone();
    done["claimedJobId"] = json!({ "S": JOB });
    for (claim, other) in [
        (
            &done,
            json!({ "input": "s3://uploads/second.mov", "profile": "mp4" }),
        ),
        (
            &done,
            json!({ "input": "s3://uploads/first.mov", "profile": "webm" }),
        ),
        (
            &done,
            json!({ "input": "s3://uploads/first.mov", "jobTemplate": "mine" }),
        ),
        (
            &done,
            json!({ "input": "s3://uploads/first.mov", "profile": "mp4", "outputKey": "x" }),
        ),
        (&done, json!({ "input": 5 })),
        (&of_first, json!({ "input": "s3://uploads/second.mov" })),
    ] {
        let mut other = other;
        other["idempotencyKey"] = json!("k");
        let (mediaconvert, dynamodb) = (answering([]), answering([claimed(claim)]));
        let error = submit(other.clone(), &mediaconvert, &dynamodb).await.unwrap_err();
        assert_eq!(error.error_type(), "InvalidRequest", "{other}");
        assert_eq!(
            error.to_string(),
            "idempotencyKey: \"k\" was used for another request, whose input is \"s3://uploads/first.mov\"; use a \
             new key for a new request"
        );
    }
}

/// Its row may have expired since, and nothing would ever delete a new one.
#[tokio::test]
async fn a_claim_whose_job_was_recorded_never_makes_a_row_again() {
    let mut done = claim(u64::MAX / 2, Some(JOB));
    done["recorded"] = json!({ "BOOL": true });
    let dynamodb = answering([claimed(&done)]);
    let request = json!({ "input": "s3://uploads/first.mov", "idempotencyKey": "k" });
    let answer = submit(request, &answering([]), &dynamodb).await.unwrap();
    assert!(answer.recorded);
    assert_eq!(bodies(&dynamodb).len(), 1);
}

#[tokio::test]
async fn what_keeps_us_from_knowing_is_unavailable_whatever_mediaconvert_calls_it() {
    for status in [400, 403, 404, 429, 500] {
        let failed = (status, json!({ "message": "no" }));
        let (mediaconvert, dynamodb) = (
            // The SDK tries again what can be cured.
            answering([failed.clone(), failed.clone(), failed]),
            answering([claimed(&claim(1, None)), written()]),
        );
        let request = json!({ "input": "s3://uploads/first.mov", "idempotencyKey": "k" });
        let error = submit(request, &mediaconvert, &dynamodb).await.unwrap_err();
        assert_eq!(error.error_type(), "Unavailable", "{status}");
        assert!(error.is_curable(), "{status}");
        assert!(
            error
                .to_string()
                .starts_with("can't tell whether the job exists already in arn:aws:mediaconvert:"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_claim_is_searched_in_the_queue_it_was_made_for_first() {
    let renamed = "arn:aws:mediaconvert:eu-west-2:111122223333:queues/renamed-since";
    let mut left = claim(1, None);
    left["submission"]["M"]["queue"] = json!({ "S": renamed });
    let found =
        json!({ "jobs": [{ "id": JOB, "clientRequestToken": "earlier", "createdAt": 1_700_000_000 }] });
    let (mediaconvert, dynamodb) = (answering([(200, found)]), taken_over(&left));
    let request = json!({ "input": "s3://uploads/first.mov", "idempotencyKey": "k" });
    let answer = submit(request, &mediaconvert, &dynamodb).await.unwrap();
    assert_eq!((answer.job_id.as_str(), answer.idempotent), (JOB, true));
    let search = mediaconvert.actual_requests().next().unwrap().uri().to_owned();
    assert!(search.contains("queues%2Frenamed-since"), "{search}");
}

/// Nothing was created under it, so the key is free for a corrected request.
#[tokio::test]
async fn a_claim_left_without_a_job_is_given_up_when_its_request_is_refused() {
    let none = (200, json!({ "jobs": [] }));
    let refusal = (400, json!({ "message": "/outputGroups: Should be longer" }));
    let (mediaconvert, dynamodb) = (
        answering([none.clone(), none, refusal]),
        answering([claimed(&claim(1, None)), written(), written(), written()]),
    );
    let request = json!({ "input": "s3://uploads/first.mov", "idempotencyKey": "k" });
    let error = submit(request, &mediaconvert, &dynamodb).await.unwrap_err();
    assert_eq!(error.error_type(), "Rejected");
    let last = dynamodb.actual_requests().last().unwrap();
    assert_eq!(
        last.headers().get("x-amz-target"),
        Some("DynamoDB_20120810.DeleteItem")
    );
}

/// A request that was refused half-way leaves a claim for a while; then its corrected successor
/// may have the key.
#[tokio::test]
async fn a_left_claim_without_a_job_is_handed_to_another_request() {
    let none = (200, json!({ "jobs": [] }));
    let mut left = claim(1, None);
    left["fingerprint"] = json!({ "S": fingerprint(&json!({ "input": "s3://uploads/first.mov" })) });
    let (mediaconvert, dynamodb) = (
        answering([none.clone(), none, created()]),
        answering([
            claimed(&left),
            written(),
            written(),
            written(),
            written(),
            written(),
        ]),
    );
    let corrected = json!({ "input": "s3://uploads/first.mov", "profile": "webm", "idempotencyKey": "k" });
    let answer = submit(corrected.clone(), &mediaconvert, &dynamodb).await.unwrap();
    assert!(!answer.idempotent);
    let handed = &bodies(&dynamodb)[2]["Item"];
    assert_eq!(handed["fingerprint"], json!({ "S": fingerprint(&corrected) }));
    // Under the old token MediaConvert could still know the other job.
    assert_ne!(handed["clientRequestToken"], json!({ "S": "earlier" }));
    assert_eq!(handed["claimant"], handed["clientRequestToken"]);
}

#[tokio::test]
async fn a_left_claim_whose_job_exists_is_not_handed_on() {
    let found =
        json!({ "jobs": [{ "id": JOB, "clientRequestToken": "earlier", "createdAt": 1_700_000_000 }] });
    let (mediaconvert, dynamodb) = (answering([(200, found)]), taken_over(&claim(1, None)));
    let request = json!({ "input": "s3://uploads/second.mov", "idempotencyKey": "k" });
    let error = submit(request, &mediaconvert, &dynamodb).await.unwrap_err();
    assert_eq!(error.error_type(), "InvalidRequest");
    assert_eq!(bodies(&dynamodb)[2]["Item"]["claimedJobId"], json!({ "S": JOB }));
}

/// Claims of earlier versions don't say whether the row was written.
#[tokio::test]
async fn an_old_claim_makes_no_row_that_may_have_expired() {
    let long_ago = claim(1, Some(JOB));
    let dynamodb = answering([claimed(&long_ago)]);
    let request = json!({ "input": "s3://uploads/first.mov", "idempotencyKey": "k" });
    let answer = submit(request, &answering([]), &dynamodb).await.unwrap();
    assert_eq!((answer.job_id.as_str(), answer.recorded), (JOB, true));
    assert_eq!(bodies(&dynamodb).len(), 1);
}

#[tokio::test]
async fn a_job_that_is_found_under_an_unreadable_id_is_not_created_again() {
    let found = json!({ "jobs": [{ "id": "not an id", "clientRequestToken": "earlier" }] });
    let (mediaconvert, dynamodb) = (
        answering([(200, found)]),
        answering([claimed(&claim(1, None)), written()]),
    );
    let request = json!({ "input": "s3://uploads/first.mov", "idempotencyKey": "k" });
    let error = submit(request, &mediaconvert, &dynamodb).await.unwrap_err();
    assert_eq!(error.error_type(), "Unavailable");
    assert!(error.to_string().contains("\"not an id\""), "{error}");
}
