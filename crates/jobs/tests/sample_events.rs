//! Every sample under `events/mediaconvert/`, and the row it makes.

use std::fs;
use std::path::{Path, PathBuf};

use jobs::{Job, JobEvent, Received, Retention};
use serde_json::{Value, json};

const QUEUE: &str = "arn:aws:mediaconvert:us-east-1:111122223333:queues/Default";

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/mediaconvert")
}

fn row(sample: &str) -> Value {
    let payload = fs::read(samples().join(sample)).unwrap();
    match JobEvent::from_json(&payload).unwrap() {
        Received::Event(event) => serde_json::to_value(Job::from_event(event, Retention::default())).unwrap(),
        Received::UnknownStatus { status, .. } => panic!("{status} is unknown"),
    }
}

/// What a row of an event at `at` always has, and `more`.
fn expected(status: &str, status_timestamp: u64, at: u64, more: &Value) -> Value {
    let mut row = json!({
        "jobId": "1700000000000-abc123",
        "status": status,
        "statusTimestamp": status_timestamp,
        "updatedAt": at,
        "updatedBy": status,
        "queue": QUEUE,
        "userMetadata": {"jobKey": "demo-1"},
    });
    row.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    row
}

fn complete(more: &Value) -> Value {
    let at = 1_700_000_123_124_u64;
    let mut members = json!({"finishedAt": at, "percentComplete": 100, "progressTimestamp": at});
    members
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    expected("COMPLETE", at, at, &members)
}

fn working(at: u64, more: &Value) -> Value {
    let mut members = json!({"startedAt": at});
    members
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    expected("PROGRESSING", at, at, &members)
}

#[test]
fn complete_events_keep_every_output_and_playlist() {
    let file = |path: &str, duration: u64| {
        json!({"group": "FILE_GROUP", "paths": [path], "durationMs": duration, "width": 1280, "height": 720,
            "averageBitrate": 2_000_000})
    };
    let adaptive = |group: &str| {
        json!([{"group": group, "durationMs": 180_041, "width": 1280, "height": 720, "averageBitrate": 2_000_000},
            {"group": group, "durationMs": 180_053}])
    };
    let mut rated = file("s3://amzn-s3-demo-bucket/out/file.mp4", 30_041);
    rated["qvbrAvgQuality"] = json!(7.38);
    let counts = json!([{"code": 230_001, "count": 1}, {"code": 230_005, "count": 1}]);
    assert_eq!(
        row("complete-file-group.json"),
        complete(&json!({"outputs": [rated], "warningCounts": counts}))
    );

    let mut frames = file("s3://amzn-s3-demo-bucket/thumbs/file.0000036.jpg", 37_000);
    frames.as_object_mut().unwrap().remove("averageBitrate");
    assert_eq!(
        row("complete-file-group-with-frame-capture.json"),
        complete(&json!({"outputs": [file("s3://amzn-s3-demo-bucket/out/file.mp4", 30_041), frames]}))
    );
    assert_eq!(
        row("complete-hls-group.json"),
        complete(&json!({
            "outputs": [
                {"group": "HLS_GROUP", "paths": ["s3://amzn-s3-demo-bucket/hls/mainv1.m3u8"],
                    "durationMs": 180_041, "width": 1280, "height": 720, "averageBitrate": 2_000_000},
                {"group": "HLS_GROUP", "paths": ["s3://amzn-s3-demo-bucket/hls/mainv2.m3u8"],
                    "durationMs": 180_041, "width": 640, "height": 360, "averageBitrate": 600_000},
            ],
            "playlists": ["s3://amzn-s3-demo-bucket/hls/main.m3u8"],
        }))
    );
    assert_eq!(
        row("complete-dash-iso-group.json"),
        complete(
            &json!({"outputs": adaptive("DASH_ISO_GROUP"), "playlists": ["s3://amzn-s3-demo-bucket/dash/1.mpd"]})
        )
    );
    assert_eq!(
        row("complete-cmaf-group.json"),
        complete(&json!({"outputs": adaptive("CMAF_GROUP"),
            "playlists": ["s3://amzn-s3-demo-bucket/cmaf/1.mpd", "s3://amzn-s3-demo-bucket/cmaf/1.m3u8"]}))
    );
    assert_eq!(
        row("complete-ms-smooth-group.json"),
        complete(&json!({
            "outputs": [{"group": "MS_SMOOTH_GROUP", "paths": ["s3://amzn-s3-demo-bucket/smooth/1_va.ismv"],
                "durationMs": 180_041, "width": 1280, "height": 720, "averageBitrate": 2_000_000}],
            "playlists": ["s3://amzn-s3-demo-bucket/smooth/1.ism"],
        }))
    );
    assert_eq!(
        row("complete-resource-arn-without-account.json")["status"],
        "COMPLETE"
    );
}

#[test]
fn outputs_without_video_or_paths_and_unusual_names_are_kept_as_they_are() {
    let file = |path: &str| json!({"group": "FILE_GROUP", "paths": [path], "durationMs": 30_041});
    let mut video = file("s3://amzn-s3-demo-bucket/out/file.mp4");
    let sized = json!({"width": 1280, "height": 720, "averageBitrate": 2_000_000});
    video
        .as_object_mut()
        .unwrap()
        .extend(sized.as_object().unwrap().clone());
    let mut podcast = file("s3://amzn-s3-demo-bucket/out/podcast.m4a");
    podcast["durationMs"] = json!(1_804_321);
    assert_eq!(
        row("complete-audio-only.json"),
        complete(&json!({"outputs": [podcast]}))
    );

    let captions = file("s3://amzn-s3-demo-bucket/out/file_en.vtt");
    let burnt_in = json!({"group": "FILE_GROUP", "durationMs": 0});
    assert_eq!(
        row("complete-with-captions.json"),
        complete(&json!({"outputs": [video, captions, burnt_in]}))
    );
    assert_eq!(
        row("complete-with-black-segments.json"),
        complete(&json!({"outputs": [video]}))
    );
    assert_eq!(
        row("complete-unusual-file-names.json"),
        complete(&json!({"outputs": [
            file("s3://amzn-s3-demo-bucket/out/my clip (1) + more.mp4"),
            file("s3://amzn-s3-demo-bucket/out/50%25%20off%20%C3%BC.mp4"),
            file("s3://amzn-s3-demo-bucket/out/größe-映画-🎬.mp4"),
        ]}))
    );
}

#[test]
fn failed_and_canceled_jobs_say_why() {
    let at = 1_700_000_100_764;
    let failed = json!({"finishedAt": at, "errorCode": 1040, "errorMessage": "Example error message"});
    assert_eq!(row("error.json"), expected("ERROR", at, at, &failed));
    let missing = row("error-input-not-found.json");
    assert_eq!(missing["errorCode"], 1404);
    assert!(
        missing["errorMessage"]
            .as_str()
            .unwrap()
            .ends_with("[Failed to read data: HeadObject failed]]")
    );
    assert_eq!(
        row("canceled.json"),
        expected("CANCELED", at, at, &json!({"finishedAt": at}))
    );
}

#[test]
fn progress_is_kept_as_far_as_it_is_told() {
    assert_eq!(row("progressing.json"), working(1_700_000_003_654, &json!({})));
    let at = 1_700_000_063_737;
    let told = json!({"updatedBy": "STATUS_UPDATE", "progressTimestamp": at, "percentComplete": 7,
        "currentPhase": "TRANSCODING", "retryCount": 0});
    assert_eq!(row("status-update.json"), working(at, &told));
    let without_percent = json!({"updatedBy": "STATUS_UPDATE", "progressTimestamp": at,
        "currentPhase": "TRANSCODING", "retryCount": 0});
    assert_eq!(
        row("status-update-no-percent.json"),
        working(at, &without_percent)
    );
    assert_eq!(
        row("status-update-legacy-frames-only.json"),
        working(
            at,
            &json!({"updatedBy": "STATUS_UPDATE", "progressTimestamp": at})
        )
    );
}

#[test]
fn what_is_no_job_state_moves_no_status() {
    let at = 1_700_000_123_075;
    for sample in ["input-information.json", "input-information-audio-only.json"] {
        let event: Value = serde_json::from_slice(&fs::read(samples().join(sample)).unwrap()).unwrap();
        let details = &event["detail"]["inputDetails"];
        let told =
            json!({"updatedBy": "INPUT_INFORMATION", "inputDetails": details, "inputDetailsTimestamp": at});
        assert_eq!(row(sample), expected("SUBMITTED", 0, at, &told), "{sample}");
    }
    let at = 1_700_000_060_764;
    let warned = json!({"updatedBy": "NEW_WARNING", "warnings": ["100000 Example warning message"]});
    assert_eq!(row("new-warning.json"), expected("SUBMITTED", 0, at, &warned));
    assert_eq!(
        row("new-warning-integer-code.json"),
        expected("SUBMITTED", 0, at, &warned)
    );
    let hopped = json!({"updatedBy": "QUEUE_HOP"});
    assert_eq!(row("queue-hop.json"), expected("SUBMITTED", 0, at, &hopped));
}

#[test]
fn every_sample_is_an_event_this_version_knows() {
    let files = fs::read_dir(samples())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let events: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|kind| kind == "json"))
        .collect();
    assert!(events.len() >= 23, "{events:?}");
    for event in events {
        let read = JobEvent::from_json(&fs::read(&event).unwrap());
        assert!(
            matches!(read, Ok(Received::Event(_))),
            "{}: {read:?}",
            event.display()
        );
    }
}
