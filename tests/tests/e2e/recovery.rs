//! What recover-jobs repairs: events that were not delivered, jobs whose events are lost, and submissions
//! that nobody finished.

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_mediaconvert::Client as MediaConvert;
use aws_sdk_sqs::Client as Sqs;
use aws_sdk_sqs::types::QueueAttributeName;
use end_to_end::queues::{self, attribute};
use end_to_end::{Cloud, Function, media, webhook};
use serde_json::{Value, json};

use crate::idempotency::{claim, create_left_job, jobs_of, leave_claim, request};

const T: u64 = 1_700_000_000_000;
const DEAD_LETTERS: &str = "EventsDeadLetterQueueUrl";
const UNAPPLIED: &str = "UnappliedEventsQueueUrl";

/// What is in the dead-letter queue shows at once, instead of after a quarter of an hour.
async fn hurry(cloud: &Cloud) {
    queues::set(cloud, DEAD_LETTERS, QueueAttributeName::DelaySeconds, "0").await;
}

async fn send_dead_letter(cloud: &Cloud, body: &str) {
    let sqs = Sqs::new(&cloud.administrator);
    let letter = sqs.send_message().queue_url(cloud.output(DEAD_LETTERS));
    letter.message_body(body).send().await.unwrap();
}

/// Has the open items checked, as the schedule does. The stack counts every job as silent at once.
async fn check(cloud: &Cloud) -> Value {
    let recover_jobs = Function::of(cloud, "RecoverJobsFunction").await;
    let schedule = json!({"source": "aws.scheduler", "detail-type": "Scheduled Event"});
    recover_jobs.invoke(&schedule).await.unwrap()
}

/// Makes the row of a job one that its first event alone has reached.
async fn forget_all_but_the_start(cloud: &Cloud, job_id: &str) {
    let table = DynamoDb::new(&cloud.administrator);
    let deletion = table
        .delete_item()
        .table_name(cloud.output("JobsTable"))
        .key("jobId", AttributeValue::S(job_id.to_owned()));
    deletion.send().await.unwrap();
    let start = webhook::event(cloud, job_id, "PROGRESSING", T);
    let (status, _) = webhook::post(cloud, Some(&webhook::api_key(cloud).await), &start).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn an_event_that_was_not_delivered_reaches_its_row_once_it_can() {
    let cloud = Cloud::here();
    hurry(&cloud).await;
    let job_id = "1700000000008-letter";
    let job_events = Function::of(&cloud, "JobEventsFunction").await;
    job_events.stop().await;
    webhook::put_event(&cloud, &webhook::event(&cloud, job_id, "PROGRESSING", T)).await;
    let row = cloud.row_when(job_id, |row| row["status"] == "PROGRESSING").await;
    job_events.start().await;
    assert_eq!(row["startedAt"], T, "{row:#}");
    queues::is_empty(&cloud, DEAD_LETTERS, end_to_end::patience()).await;
}

#[tokio::test]
async fn a_dead_letter_that_is_no_event_is_set_aside_with_its_reason() {
    let cloud = Cloud::here();
    hurry(&cloud).await;
    for (body, reason) in [
        ("no event", "the event is not JSON: "),
        (r#"{"detail": {"status": "COMPLETE"}}"#, "detail.jobId is missing"),
    ] {
        send_dead_letter(&cloud, body).await;
        let letter = queues::take(&cloud, UNAPPLIED, |letter| letter.body() == Some(body)).await;
        assert_eq!(attribute(&letter, "ERROR_CODE"), "InvalidEvent");
        let message = attribute(&letter, "ERROR_MESSAGE");
        assert!(message.starts_with(reason), "{message}");
    }
    queues::is_empty(&cloud, DEAD_LETTERS, end_to_end::patience()).await;
}

/// What `GetJob` does not tell: bit rate and quality.
fn without_what_is_lost(mut outputs: Value) -> Value {
    for output in outputs.as_array_mut().unwrap() {
        for lost in ["averageBitrate", "qvbrAvgQuality"] {
            output.as_object_mut().unwrap().remove(lost);
        }
    }
    outputs
}

#[tokio::test]
async fn of_a_job_whose_end_was_lost_every_output_is_found_again() {
    let cloud = Cloud::here();
    let folder = tempfile::tempdir().unwrap();
    let clip = media::clip(&cloud, folder.path(), 2, true);
    let input = cloud.upload(&clip, "uploads/A lost ü+1.mp4").await;
    let mut told = Vec::new();
    for profile in ["mp4", "webm", "hls", "hls-abr", "dash-hls", "audio"] {
        let answer = cloud
            .submit(&json!({"input": input, "profile": profile}))
            .await
            .unwrap();
        let job_id = answer["jobId"].as_str().unwrap().to_owned();
        let row = cloud.finished_row(&job_id).await;
        assert_eq!(row["status"], "COMPLETE", "{profile}: {row:#}");
        told.push((profile, job_id, row));
    }
    for (_, job_id, _) in &told {
        forget_all_but_the_start(&cloud, job_id).await;
    }
    check(&cloud).await;
    for (profile, job_id, told) in told {
        let row = cloud.row(&job_id).await.unwrap();
        assert_eq!(row["status"], "COMPLETE", "{profile}: {row:#}");
        assert_eq!(row["recovered"], true, "{profile}");
        assert_eq!(
            row["finishedAt"].as_u64().unwrap(),
            told["finishedAt"].as_u64().unwrap() / 1000 * 1000,
            "{profile}"
        );
        for attribute in ["percentComplete", "queue", "userMetadata", "playlists"] {
            assert_eq!(row[attribute], told[attribute], "{attribute} of {profile}");
        }
        assert_eq!(
            without_what_is_lost(row["outputs"].clone()),
            without_what_is_lost(told["outputs"].clone()),
            "{profile}"
        );
    }
}

#[tokio::test]
async fn of_a_job_that_failed_or_was_canceled_unheard_the_end_is_told() {
    let cloud = Cloud::here();
    let failed = cloud.submit(&request(&cloud, "failed-unheard")).await.unwrap();
    let failed = failed["jobId"].as_str().unwrap();
    let told = cloud.finished_row(failed).await;
    let mut waiting = request(&cloud, "canceled-unheard");
    waiting["queue"] = json!(cloud.paused_queue().await);
    let canceled = cloud.submit(&waiting).await.unwrap();
    let canceled = canceled["jobId"].as_str().unwrap();
    let mediaconvert = MediaConvert::new(&cloud.administrator);
    mediaconvert.cancel_job().id(canceled).send().await.unwrap();
    cloud.finished_row(canceled).await;

    for job_id in [failed, canceled] {
        forget_all_but_the_start(&cloud, job_id).await;
    }
    check(&cloud).await;
    let row = cloud.row(failed).await.unwrap();
    assert_eq!(row["status"], "ERROR", "{row:#}");
    for attribute in ["errorCode", "errorMessage"] {
        assert_eq!(row[attribute], told[attribute], "{attribute}");
    }
    assert_eq!(cloud.row(canceled).await.unwrap()["status"], "CANCELED");
}

#[tokio::test]
async fn a_job_that_mediaconvert_does_not_know_is_marked_and_asked_for_no_more() {
    let cloud = Cloud::here();
    let job_id = "1700000000009-nobody";
    forget_all_but_the_start(&cloud, job_id).await;
    assert!(check(&cloud).await["jobsNotFound"].as_u64() > Some(0));
    let row = cloud.row(job_id).await.unwrap();
    assert_eq!(row["status"], "PROGRESSING", "{row:#}");
    assert!(row["notFoundAt"].is_u64(), "{row:#}");
    assert_eq!(row.get("openItem"), None, "{row:#}");
}

#[tokio::test]
async fn a_job_that_still_waits_is_left_as_it_is() {
    let cloud = Cloud::here();
    let mut waiting = request(&cloud, "waits");
    waiting["queue"] = json!(cloud.paused_queue().await);
    let answer = cloud.submit(&waiting).await.unwrap();
    let job_id = answer["jobId"].as_str().unwrap();
    let before = cloud.row(job_id).await.unwrap();
    check(&cloud).await;
    let mut after = cloud.row(job_id).await.unwrap();
    assert!(
        after["checkedAt"].as_u64() > before["checkedAt"].as_u64(),
        "{after:#}"
    );
    after["checkedAt"] = before["checkedAt"].clone();
    assert_eq!(after, before);
    let mediaconvert = MediaConvert::new(&cloud.administrator);
    mediaconvert.cancel_job().id(job_id).send().await.unwrap();
}

#[tokio::test]
async fn a_submission_that_nobody_came_back_for_is_finished_or_given_up() {
    let cloud = Cloud::here();
    let (with_job, without) = (request(&cloud, "left-with-job"), request(&cloud, "left-without"));
    let token = format!("left-behind-{}", std::process::id());
    leave_claim(&cloud, &with_job, &token).await;
    let job = create_left_job(&cloud, &with_job, &token).await;
    leave_claim(&cloud, &without, "left-without").await;

    let tally = check(&cloud).await;
    assert!(tally["claimsSettled"].as_u64() >= Some(2), "{tally}");
    let finished = cloud.row(&claim(&with_job)).await.unwrap();
    assert_eq!(finished["claimedJobId"], job, "{finished:#}");
    assert_eq!(finished["recorded"], true, "{finished:#}");
    let row = cloud.row_when(&job, |row| row["submittedAt"].is_u64()).await;
    assert_eq!(row["destination"], "s3://media/transcoded/left/", "{row:#}");
    assert_eq!(cloud.row(&claim(&without)).await, None);
    assert_eq!(
        jobs_of(&cloud, with_job["input"].as_str().unwrap()).await.len(),
        1
    );
}

#[tokio::test]
async fn a_payload_of_no_trigger_is_a_function_error() {
    let cloud = Cloud::here();
    let recover_jobs = Function::of(&cloud, "RecoverJobsFunction").await;
    let error = recover_jobs.invoke(&json!({"repair": "all"})).await.unwrap_err();
    assert_eq!(error.error_type, "InvalidRequest");
    assert!(error.error_message.contains("it has \"repair\""), "{error:?}");
}
