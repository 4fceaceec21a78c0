//! One key, one job.

use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_mediaconvert::Client as MediaConvert;
use aws_sdk_mediaconvert::types::Job;
use end_to_end::{Cloud, queues};
use serde_json::{Value, json};
use submission::patience::Patience;

use crate::jobs::create_template;
use crate::queue::send;

/// Every job with this input.
pub(crate) async fn jobs_of(cloud: &Cloud, input: &str) -> Vec<Job> {
    let mediaconvert = MediaConvert::new(&cloud.administrator);
    let mut pages = mediaconvert
        .search_jobs()
        .input_file(input)
        .into_paginator()
        .send();
    let mut jobs = Vec::new();
    while let Some(page) = pages.try_next().await.unwrap() {
        jobs.extend(page.jobs.unwrap_or_default());
    }
    jobs
}

/// A request whose job ends at once, as nobody uploaded its input.
pub(crate) fn request(cloud: &Cloud, name: &str) -> Value {
    let run = std::process::id();
    let input = format!("s3://{}/uploads/{name}-{run}.mp4", cloud.output("MediaBucket"));
    json!({"input": input, "idempotencyKey": format!("{name}-{run}")})
}

/// Leaves the claim of an invocation that ended before it could say which job it created.
pub(crate) async fn leave_claim(cloud: &Cloud, request: &Value, token: &str) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let input = text(request["input"].as_str().unwrap());
    let submission = [
        ("submittedAt", AttributeValue::N("1700000000000".to_owned())),
        ("input", input),
        ("destination", text("s3://media/transcoded/left/")),
    ];
    let submission = submission.map(|(name, value)| (name.to_owned(), value)).into();
    aws_sdk_dynamodb::Client::new(&cloud.administrator)
        .put_item()
        .table_name(cloud.output("JobsTable"))
        .item("jobId", text(&claim(request)))
        .item("claimant", text("left"))
        .item("claimedUntil", AttributeValue::N("1".to_owned()))
        .item("clientRequestToken", text(token))
        .item("submission", AttributeValue::M(submission))
        .item("openItem", text("claim"))
        .item("checkedAt", AttributeValue::N("1".to_owned()))
        .send()
        .await
        .unwrap();
}

/// The job of a request, created under `token` by an invocation that ended there.
pub(crate) async fn create_left_job(cloud: &Cloud, request: &Value, token: &str) -> String {
    let group =
        json!({"type": "FILE_GROUP_SETTINGS", "fileGroupSettings": {"destination": "s3://media/left/"}});
    let body = json!({
        "clientRequestToken": token,
        // Not the queue that is searched first.
        "queue": cloud.paused_queue().await,
        "role": cloud.output("MediaConvertRoleArn"),
        "settings": {
            "inputs": [{"fileInput": request["input"]}],
            "outputGroups": [{
                "outputGroupSettings": group,
                "outputs": [{"containerSettings": {"container": "MP4"}, "audioDescriptions": [
                    {"codecSettings": {"codec": "AAC", "aacSettings": {
                        "bitrate": 96000, "codingMode": "CODING_MODE_2_0", "sampleRate": 48000,
                    }}},
                ]}],
            }],
        },
    });
    let mediaconvert = submission::mediaconvert::MediaConvert::new(MediaConvert::new(&cloud.administrator));
    let once = Patience::before(SystemTime::now(), Duration::ZERO);
    mediaconvert.create_job(&body, once).await.unwrap().to_string()
}

pub(crate) fn claim(request: &Value) -> String {
    format!("idempotency#{}", request["idempotencyKey"].as_str().unwrap())
}

#[tokio::test]
async fn fifty_invocations_at_once_with_one_key_start_one_job() {
    let cloud = Cloud::here();
    let request = request(&cloud, "at-once");
    let mut invocations = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (cloud, request) = (Cloud::here(), request.clone());
        invocations.spawn(async move { cloud.submit(&request).await.unwrap() });
    }
    let answers = invocations.join_all().await;

    let [job] = &jobs_of(&cloud, request["input"].as_str().unwrap()).await[..] else {
        panic!("one job")
    };
    let job_id = json!(job.id());
    assert!(
        answers.iter().all(|answer| answer["jobId"] == job_id),
        "{answers:?}"
    );
    let new = answers.iter().filter(|answer| answer["idempotent"] == false);
    assert_eq!(new.count(), 1, "{answers:?}");
    let claim = cloud.row(&claim(&request)).await.unwrap();
    assert_eq!(claim["claimedJobId"], job_id);
    assert!(claim.get("status").is_none(), "{claim:#}");
}

#[tokio::test]
async fn a_refused_request_may_come_again_corrected_under_its_key() {
    let cloud = Cloud::here();
    let good = request(&cloud, "corrected");
    let mut bad = good.clone();
    bad["settings"] = json!({"outputGroups": [{
        "outputGroupSettings": {"type": "FILE_GROUP_SETTINGS", "fileGroupSettings": {}},
        "outputs": [{"preset": "nobody-made-it"}],
    }]});
    let error = cloud.submit(&bad).await.unwrap_err();
    assert_eq!(error.error_type, "Rejected", "{error:?}");
    let answer = cloud.submit(&good).await.unwrap();
    assert_eq!(answer["idempotent"], false);
}

#[tokio::test]
async fn a_job_that_was_created_but_not_written_down_is_found() {
    let cloud = Cloud::here();
    let request = request(&cloud, "found");
    let input = request["input"].as_str().unwrap();
    // MediaConvert keeps a token for a minute, and the next run may begin before that.
    let token = format!("left-{}", std::process::id());
    leave_claim(&cloud, &request, &token).await;
    let left = create_left_job(&cloud, &request, &token).await;

    let answer = cloud.submit(&request).await.unwrap();
    assert_eq!(
        answer,
        json!({
            "jobId": left, "status": "SUBMITTED", "destination": "s3://media/transcoded/left/", "idempotent": true,
        })
    );
    assert_eq!(cloud.row(&claim(&request)).await.unwrap()["claimedJobId"], left);
    assert_eq!(jobs_of(&cloud, input).await.len(), 1);
}

#[tokio::test]
async fn a_key_that_has_its_job_answers_though_the_template_is_gone() {
    let cloud = Cloud::here();
    let template = create_template(&cloud).await;
    let mut request = request(&cloud, "template-gone");
    request["jobTemplate"] = json!(template);
    let first = cloud.submit(&request).await.unwrap();
    MediaConvert::new(&cloud.administrator)
        .delete_job_template()
        .name(&template)
        .send()
        .await
        .unwrap();

    let again = cloud.submit(&request).await.unwrap();
    assert_eq!(
        (&again["jobId"], &again["idempotent"]),
        (&first["jobId"], &json!(true))
    );
    let letters = queues::count(&cloud, "SubmitDeadLetterQueueUrl").await;
    send(&cloud, &request.to_string()).await;
    queues::is_empty(&cloud, "SubmitQueueUrl", end_to_end::patience()).await;
    assert_eq!(queues::count(&cloud, "SubmitDeadLetterQueueUrl").await, letters);
    assert_eq!(jobs_of(&cloud, request["input"].as_str().unwrap()).await.len(), 1);
}

#[tokio::test]
async fn a_key_that_comes_back_for_something_else_is_refused_and_starts_nothing() {
    let cloud = Cloud::here();
    let first = request(&cloud, "first-video");
    let answer = cloud.submit(&first).await.unwrap();
    let mut second = request(&cloud, "second-video");
    second["idempotencyKey"] = first["idempotencyKey"].clone();

    let error = cloud.submit(&second).await.unwrap_err();
    assert_eq!(error.error_type, "InvalidRequest", "{error:?}");
    assert!(
        error.error_message.contains(first["input"].as_str().unwrap()),
        "{error:?}"
    );
    assert!(
        jobs_of(&cloud, second["input"].as_str().unwrap())
            .await
            .is_empty()
    );
    assert_eq!(cloud.submit(&first).await.unwrap()["jobId"], answer["jobId"]);
}
