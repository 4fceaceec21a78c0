//! Jobs from request to result.

use aws_sdk_mediaconvert::Client as MediaConvert;
use aws_sdk_mediaconvert::types::{
    ContainerSettings, ContainerType, FileGroupSettings, JobTemplateSettings, Output, OutputGroup,
    OutputGroupSettings, OutputGroupType, VideoCodec, VideoCodecSettings, VideoDescription,
    Vp9RateControlMode, Vp9Settings,
};
use end_to_end::{Cloud, media};
use serde_json::json;

#[tokio::test]
async fn a_job_ends_complete_with_a_playable_file_and_a_row_that_tells_all() {
    let cloud = Cloud::here();
    let folder = tempfile::tempdir().unwrap();
    let input = cloud
        .upload(
            &media::clip(&cloud, folder.path(), 2, true),
            "uploads/A clip ü+1.mp4",
        )
        .await;
    // MediaConvert itself takes a repeated key for the same job for a minute.
    let key = format!("media-complete-{}", std::process::id());
    let request = json!({
        "input": input,
        "outputKey": "media/complete",
        "idempotencyKey": key,
        "userMetadata": {"mediaId": "42"},
        "tags": {"project": "site"},
    });
    let answer = cloud.submit(&request).await.unwrap();
    let bucket = cloud.output("MediaBucket");
    let destination = format!("s3://{bucket}/transcoded/media/complete/");
    let job_id = answer["jobId"].as_str().unwrap();
    assert_eq!(
        answer,
        json!({"jobId": job_id, "status": "SUBMITTED", "destination": destination, "idempotent": false})
    );

    let row = cloud
        .row_when(job_id, |row| {
            row["status"] == "COMPLETE" && row["submittedAt"].is_u64()
        })
        .await;
    for (attribute, value) in [
        ("input", json!(input)),
        ("profile", json!("mp4")),
        ("destination", json!(destination)),
        ("idempotencyKey", json!(key)),
        ("percentComplete", json!(100)),
        ("queue", json!(cloud.queue_arn())),
        ("userMetadata", json!({"mediaId": "42"})),
    ] {
        assert_eq!(row[attribute], value, "{attribute} of {row:#}");
    }
    assert!(
        row["submittedAt"].as_u64() <= row["startedAt"].as_u64(),
        "{row:#}"
    );
    assert!(row["startedAt"].as_u64() < row["finishedAt"].as_u64(), "{row:#}");
    assert_eq!(row["inputDetails"][0]["video"][0]["codec"], "H_264", "{row:#}");

    let output = &row["outputs"][0];
    assert_eq!(output["group"], "FILE_GROUP");
    assert_eq!((&output["width"], &output["height"]), (&json!(320), &json!(180)));
    assert!(
        (1_900..2_200).contains(&output["durationMs"].as_u64().unwrap()),
        "{output}"
    );
    assert_eq!(output["paths"], json!([format!("{destination}A clip ü+1.mp4")]));
    let file = cloud
        .download(output["paths"][0].as_str().unwrap(), folder.path())
        .await;
    let probed = media::probe(&cloud, &file);
    assert_eq!(media::codec(&probed, "video"), Some("h264"));
    assert_eq!(media::codec(&probed, "audio"), Some("aac"));
}

#[tokio::test]
async fn the_job_wagtailmedia_submits_gives_vp8_and_opus_in_webm() {
    let cloud = Cloud::here();
    let folder = tempfile::tempdir().unwrap();
    let input = cloud
        .upload(&media::clip(&cloud, folder.path(), 1, true), "uploads/webm.mp4")
        .await;
    let answer = cloud
        .submit(&json!({"input": input, "profile": "webm"}))
        .await
        .unwrap();
    let row = cloud.finished_row(answer["jobId"].as_str().unwrap()).await;
    assert_eq!(row["status"], "COMPLETE", "{row:#}");
    let path = row["outputs"][0]["paths"][0].as_str().unwrap();
    assert!(path.ends_with("/webm.webm"), "{path}");
    let probed = media::probe(&cloud, &cloud.download(path, folder.path()).await);
    assert_eq!(media::codec(&probed, "video"), Some("vp8"));
    assert_eq!(media::codec(&probed, "audio"), Some("opus"));
}

#[tokio::test]
async fn a_job_template_is_followed_under_our_prefix() {
    let cloud = Cloud::here();
    let folder = tempfile::tempdir().unwrap();
    let input = cloud
        .upload(
            &media::clip(&cloud, folder.path(), 1, false),
            "uploads/template.mp4",
        )
        .await;
    let template = create_template(&cloud).await;

    let answer = cloud
        .submit(&json!({"input": input, "jobTemplate": template}))
        .await
        .unwrap();
    let row = cloud.finished_row(answer["jobId"].as_str().unwrap()).await;
    assert_eq!(row["status"], "COMPLETE", "{row:#}");
    let destination = answer["destination"].as_str().unwrap();
    assert_eq!(
        row["outputs"][0]["paths"],
        json!([format!("{destination}template.webm")])
    );
    assert!(row.get("profile").is_none(), "{row:#}");
}

/// A job template with one output; its name.
pub(crate) async fn create_template(cloud: &Cloud) -> String {
    let settings = JobTemplateSettings::builder()
        .output_groups(
            OutputGroup::builder()
                .output_group_settings(
                    OutputGroupSettings::builder()
                        .r#type(OutputGroupType::FileGroupSettings)
                        .file_group_settings(FileGroupSettings::builder().build())
                        .build(),
                )
                .outputs(webm())
                .build(),
        )
        .build();
    let template = format!("webm-{}", uuid::Uuid::new_v4().simple());
    MediaConvert::new(&cloud.administrator)
        .create_job_template()
        .name(&template)
        .settings(settings)
        .send()
        .await
        .unwrap();
    template
}

fn webm() -> Output {
    let vp9 = Vp9Settings::builder()
        .rate_control_mode(Vp9RateControlMode::Vbr)
        .bitrate(200_000)
        .build();
    let codec = VideoCodecSettings::builder()
        .codec(VideoCodec::Vp9)
        .vp9_settings(vp9)
        .build();
    Output::builder()
        .container_settings(
            ContainerSettings::builder()
                .container(ContainerType::Webm)
                .build(),
        )
        .video_description(VideoDescription::builder().codec_settings(codec).build())
        .build()
}

#[tokio::test]
async fn inputs_come_from_the_further_buckets_too() {
    let cloud = Cloud::here();
    let folder = tempfile::tempdir().unwrap();
    let owner = aws_sdk_s3::config::Builder::from(&cloud.administrator)
        .force_path_style(true)
        .build();
    let owner = aws_sdk_s3::Client::from_conf(owner);
    let (bucket, key) = ("further-inputs", "clip.mp4");
    owner.create_bucket().bucket(bucket).send().await.unwrap();
    let clip = tokio::fs::read(media::clip(&cloud, folder.path(), 1, false))
        .await
        .unwrap();
    owner
        .put_object()
        .bucket(bucket)
        .key(key)
        .body(clip.into())
        .send()
        .await
        .unwrap();

    let answer = cloud
        .submit(&json!({"input": format!("s3://{bucket}/{key}")}))
        .await
        .unwrap();
    let row = cloud.finished_row(answer["jobId"].as_str().unwrap()).await;
    assert_eq!(row["status"], "COMPLETE", "{row:#}");

    let answer = cloud
        .submit(&json!({"input": format!("s3://{bucket}/missing.mp4")}))
        .await
        .unwrap();
    let row = cloud.finished_row(answer["jobId"].as_str().unwrap()).await;
    assert_eq!(row["errorCode"], 1404, "{row:#}");
}

#[tokio::test]
async fn a_job_whose_input_is_missing_ends_in_mediaconverts_own_error() {
    let cloud = Cloud::here();
    let input = format!("s3://{}/uploads/missing.mp4", cloud.output("MediaBucket"));
    let answer = cloud.submit(&json!({"input": input})).await.unwrap();
    let row = cloud.finished_row(answer["jobId"].as_str().unwrap()).await;
    assert_eq!(row["status"], "ERROR", "{row:#}");
    assert_eq!(row["errorCode"], 1404, "{row:#}");
    assert!(row["errorMessage"].as_str().unwrap().contains(&input), "{row:#}");
    assert!(row.get("outputs").is_none(), "{row:#}");
}

#[tokio::test]
async fn a_canceled_job_ends_canceled() {
    let cloud = Cloud::here();
    let folder = tempfile::tempdir().unwrap();
    // Long enough to be at work still when the cancellation comes.
    let input = cloud
        .upload(&media::clip(&cloud, folder.path(), 120, true), "uploads/long.mp4")
        .await;
    let answer = cloud
        .submit(&json!({"input": input, "profile": "webm"}))
        .await
        .unwrap();
    let job_id = answer["jobId"].as_str().unwrap();
    cloud.row_when(job_id, |row| row["status"] == "PROGRESSING").await;
    MediaConvert::new(&cloud.administrator)
        .cancel_job()
        .id(job_id)
        .send()
        .await
        .unwrap();
    let row = cloud.finished_row(job_id).await;
    assert_eq!(row["status"], "CANCELED", "{row:#}");
    assert!(
        row.get("outputs").is_none() && row.get("errorCode").is_none(),
        "{row:#}"
    );
}

#[tokio::test]
async fn what_mediaconvert_refuses_comes_back_in_its_words() {
    let cloud = Cloud::here();
    let input = format!("s3://{}/uploads/clip.mp4", cloud.output("MediaBucket"));
    let error = cloud
        .submit(&json!({"input": input, "jobTemplate": "nobody-made-it"}))
        .await
        .unwrap_err();
    assert_eq!(error.error_type, "Rejected", "{error:?}");
    assert!(error.error_message.contains("nobody-made-it"), "{error:?}");

    let file_group = json!({"type": "FILE_GROUP_SETTINGS", "fileGroupSettings": {}});
    let outputs = json!([{"preset": "nobody-made-it"}]);
    let settings = json!({"outputGroups": [{"outputGroupSettings": file_group, "outputs": outputs}]});
    let error = cloud
        .submit(&json!({"input": input, "settings": settings}))
        .await
        .unwrap_err();
    assert_eq!(error.error_type, "Rejected", "{error:?}");
    assert!(
        error
            .error_message
            .contains("there is no preset \"nobody-made-it\""),
        "{error:?}"
    );

    let error = cloud
        .submit(&json!({"input": "s3://elsewhere/clip.mp4"}))
        .await
        .unwrap_err();
    assert_eq!(error.error_type, "InvalidRequest", "{error:?}");
    assert!(error.error_message.contains("\"elsewhere\""), "{error:?}");
}
