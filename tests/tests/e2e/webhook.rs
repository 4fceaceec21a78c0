//! The public webhook and the row behind it.

use std::time::Duration;

use end_to_end::{Cloud, webhook};
use jobs::table::JobsTable;
use jobs::{Retention, Submission, Timestamp};
use serde_json::json;

const T: u64 = 1_700_000_000_000;

#[tokio::test]
async fn a_wrong_key_writes_nothing() {
    let cloud = Cloud::here();
    let job_id = "1700000000001-wrongk";
    let event = webhook::event(&cloud, job_id, "COMPLETE", T);
    for key in [None, Some(""), Some("wrong")] {
        let answer = webhook::post(&cloud, key, &event).await;
        assert_eq!(answer, (401, json!({"error": "unauthorized"})), "{key:?}");
    }
    assert_eq!(cloud.row(job_id).await, None);
}

#[tokio::test]
async fn an_event_counts_once_and_never_undoes_a_final_status() {
    let cloud = Cloud::here();
    let job_id = "1700000000002-twice0";
    let key = webhook::api_key(&cloud).await;
    let key = Some(key.as_str());
    let (complete, progressing) = (T + 20, T + 10);
    for (status, timestamp, row_status, outcome) in [
        ("COMPLETE", complete, "COMPLETE", "applied"),
        ("COMPLETE", complete, "COMPLETE", "duplicate"),
        ("PROGRESSING", progressing, "COMPLETE", "applied"),
        ("STATUS_UPDATE", progressing + 1, "COMPLETE", "stale"),
        ("ERROR", progressing + 2, "COMPLETE", "stale"),
    ] {
        let answer = webhook::post(&cloud, key, &webhook::event(&cloud, job_id, status, timestamp)).await;
        let expected = json!({"jobId": job_id, "status": row_status, "outcome": outcome});
        assert_eq!(answer, (200, expected), "{status} at {timestamp}");
    }
    let row = cloud.row(job_id).await.unwrap();
    assert_eq!(
        (&row["startedAt"], &row["finishedAt"]),
        (&json!(progressing), &json!(complete))
    );
}

#[tokio::test]
async fn a_submission_that_comes_after_its_events_completes_the_row() {
    let cloud = Cloud::here();
    let job_id = "1700000000003-early0";
    webhook::put_event(&cloud, &webhook::event(&cloud, job_id, "PROGRESSING", T + 10)).await;
    cloud.row_when(job_id, |row| row["status"] == "PROGRESSING").await;

    let client = aws_sdk_dynamodb::Client::new(&cloud.administrator);
    let table = JobsTable::new(client, cloud.output("JobsTable").to_owned(), Retention::default());
    let submission = Submission {
        job_id: job_id.parse().unwrap(),
        submitted_at: Timestamp::from_millis(T),
        input: "s3://media/in.mov".to_owned(),
        profile: Some("mp4".to_owned()),
        destination: "s3://media/out/".to_owned(),
        idempotency_key: None,
        queue: Some(cloud.queue_arn()),
        user_metadata: None,
    };
    table.record_submission(submission).await.unwrap();
    let row = cloud.row(job_id).await.unwrap();
    assert_eq!(row["status"], "PROGRESSING");
    assert_eq!(
        (&row["submittedAt"], &row["startedAt"]),
        (&json!(T), &json!(T + 10))
    );
    assert_eq!(
        (&row["profile"], &row["updatedAt"]),
        (&json!("mp4"), &json!(T + 10))
    );
}

#[tokio::test]
async fn an_event_of_another_queue_is_none_of_this_stacks() {
    let cloud = Cloud::here();
    let job_id = "1700000000004-others";
    let mut event = webhook::event(&cloud, job_id, "PROGRESSING", T);
    event["detail"]["queue"] = json!(cloud.queue_arn().replace("Default", "Another"));
    webhook::put_event(&cloud, &event).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(cloud.row(job_id).await, None);
}
