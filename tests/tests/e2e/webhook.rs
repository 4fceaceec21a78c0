//! The public webhook and the row behind it.

use std::fs;
use std::time::Duration;

use end_to_end::{Cloud, webhook};
use jobs::table::JobsTable;
use jobs::{Retention, Submission, Timestamp};
use serde_json::{Map, Value, json};

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
        submitted_at: Timestamp::from_millis(T),
        input: "s3://media/in.mov".parse().unwrap(),
        profile: Some("mp4".to_owned()),
        destination: "s3://media/out/".to_owned(),
        idempotency_key: None,
        queue: Some(cloud.queue_arn().parse().unwrap()),
        user_metadata: None,
    };
    let id = job_id.parse().unwrap();
    table.record_submission(id, submission).await.unwrap();
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

/// What job-events printed, invocation by invocation, without the local cloud's own lines between.
fn printed(cloud: &Cloud) -> String {
    let files = fs::read_dir(&cloud.description.logs)
        .unwrap()
        .map(|file| file.unwrap().path());
    let log = files
        .into_iter()
        .find(|file| file.to_string_lossy().contains("JobEventsFunction"))
        .unwrap();
    fs::read_to_string(log)
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with("--- "))
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test]
async fn an_event_is_one_flat_line_in_the_log_and_no_key_is_ever_in_it() {
    let cloud = Cloud::here();
    let job_id = "1700000000008-logged";
    let key = webhook::api_key(&cloud).await;
    let wrong_key = "a-wrong-key-somebody-tried";
    let event = webhook::event(&cloud, job_id, "COMPLETE", T);
    webhook::post(&cloud, Some(wrong_key), &event).await;
    webhook::post(&cloud, Some(&key), &event).await;
    webhook::post(&cloud, Some(&key), &json!({"detail": {"jobId": job_id}})).await;
    // The log follows the answer.
    tokio::time::sleep(Duration::from_secs(1)).await;

    let printed = printed(&cloud);
    assert!(
        !printed.contains(&key) && !printed.contains(wrong_key),
        "a key is in the log"
    );
    let lines: Vec<Map<String, Value>> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of_event = lines
        .iter()
        .filter(|line| line.get("jobId").is_some_and(|id| id == job_id));
    let [line] = of_event.collect::<Vec<_>>()[..] else {
        panic!("not one line of {job_id}: {printed}")
    };
    for (field, value) in [
        ("level", "INFO"),
        ("message", "event recorded"),
        ("eventStatus", "COMPLETE"),
        ("status", "COMPLETE"),
        ("outcome", "applied"),
    ] {
        assert_eq!(line[field], value, "{field} of {line:?}");
    }
    assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line:?}");
    assert!(
        line["durationMs"].is_u64() && line["requestId"].is_string(),
        "{line:?}"
    );
    let refused = lines.iter().filter(|line| {
        let message = line.get("message");
        message.is_some_and(|message| message == "event refused")
    });
    let refused = refused.map(|line| (line["level"].as_str().unwrap(), line["reason"].as_str().unwrap()));
    let refused: Vec<_> = refused.collect();
    for reason in ["the key is missing or wrong", "detail.status is missing"] {
        assert!(refused.contains(&("WARN", reason)), "{refused:?}");
    }
    assert!(
        lines.iter().any(|line| line.get("RejectedKeys").is_some()),
        "{printed}"
    );
}
