//! Uploads that are submitted by themselves. The stack runs with `UploadPrefix=incoming/`.

use std::time::Duration;

use aws_sdk_mediaconvert::types::Job;
use end_to_end::{Cloud, media};
use tokio::time::{Instant, sleep};

use crate::idempotency::jobs_of;
use crate::queue::{claimed_job, send, upload_event};

async fn only_job_of(cloud: &Cloud, input: &str) -> Job {
    let give_up_at = Instant::now() + end_to_end::patience();
    loop {
        let mut jobs = jobs_of(cloud, input).await;
        assert!(jobs.len() < 2, "{jobs:?}");
        if let Some(job) = jobs.pop() {
            return job;
        }
        assert!(Instant::now() < give_up_at, "no job of {input}");
        sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn an_upload_is_one_job_whatever_its_key_and_its_outputs_are_none() {
    let cloud = Cloud::here();
    let folder = tempfile::tempdir().unwrap();
    let clip = media::clip(&cloud, folder.path(), 1, true);
    cloud.upload(&clip, "elsewhere/not-submitted.mp4").await;
    for name in ["CLIP.MP4", "a b+c.mp4", "ü%20日本.mp4"] {
        let key = format!("incoming/{}-{name}", std::process::id());
        let input = cloud.upload(&clip, &key).await;
        let job = only_job_of(&cloud, &input).await;
        let row = cloud.finished_row(job.id().unwrap()).await;
        assert_eq!(row["status"], "COMPLETE", "{row:#}");
        assert_eq!(row["input"], input);
        for path in row["outputs"][0]["paths"].as_array().unwrap() {
            assert!(jobs_of(&cloud, path.as_str().unwrap()).await.is_empty(), "{path}");
        }
    }
    assert!(jobs_of(&cloud, "elsewhere/not-submitted.mp4").await.is_empty());
}

#[tokio::test]
async fn an_upload_told_twice_is_one_job_and_folders_and_outputs_are_none() {
    let cloud = Cloud::here();
    let run = std::process::id();
    let bucket = cloud.output("MediaBucket");
    let key = format!("incoming/twice-{run}.mp4");
    for (key, sequencer) in [
        ("incoming/folder/", "1"),
        ("transcoded/42/clip.mp4", "1"),
        // As the output of an upload called so is called, too.
        ("transcoded/42/wait...what.mp4", "1"),
        (&key, "2"),
        (&key, "2"),
        (&key, "3"),
    ] {
        send(&cloud, &upload_event(&cloud, key, sequencer).to_string()).await;
    }
    let first = claimed_job(&cloud, &format!("{bucket}/{key}#2")).await;
    let second = claimed_job(&cloud, &format!("{bucket}/{key}#3")).await;
    let jobs = jobs_of(&cloud, &format!("s3://{bucket}/{key}")).await;
    let mut ids: Vec<_> = jobs.iter().filter_map(|job| job.id()).collect();
    ids.sort_unstable();
    let mut expected = [first.as_str(), second.as_str()];
    expected.sort_unstable();
    assert_eq!(ids, expected);
    for key in [
        "incoming/folder/",
        "transcoded/42/clip.mp4",
        "transcoded/42/wait...what.mp4",
    ] {
        assert!(
            cloud
                .row(&format!("idempotency#{bucket}/{key}#1"))
                .await
                .is_none(),
            "{key}"
        );
    }
}
