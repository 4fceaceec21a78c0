//! What `HostAppPolicy` lets a host application do besides submitting, and what not.

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use aws_sdk_mediaconvert::Client as MediaConvert;
use aws_sdk_mediaconvert::types::JobStatus;
use end_to_end::Cloud;
use serde_json::json;

#[tokio::test]
async fn it_looks_at_its_jobs_and_cancels_them() {
    let cloud = Cloud::here();
    let queue = cloud.paused_queue().await;
    let input = format!("s3://{}/uploads/cancelled.mp4", cloud.output("MediaBucket"));
    let answer = cloud
        .submit(&json!({"input": input, "queue": queue}))
        .await
        .unwrap();
    let job_id = answer["jobId"].as_str().unwrap();

    let mediaconvert = MediaConvert::new(&cloud.host_app);
    let found = mediaconvert.get_job().id(job_id).send().await.unwrap();
    assert_eq!(found.job.unwrap().status, Some(JobStatus::Submitted));
    mediaconvert.cancel_job().id(job_id).send().await.unwrap();
    cloud.row_when(job_id, |row| row["status"] == "CANCELED").await;

    let key = [("jobId".to_owned(), AttributeValue::S(job_id.to_owned()))].into();
    let keys = KeysAndAttributes::builder().keys(key).build().unwrap();
    let rows = cloud
        .dynamodb
        .batch_get_item()
        .request_items(cloud.output("JobsTable"), keys)
        .send()
        .await
        .unwrap()
        .responses
        .unwrap();
    assert_eq!(rows[cloud.output("JobsTable")].len(), 1);
}

#[tokio::test]
async fn it_tells_a_missing_file_from_a_forbidden_one_and_deletes_none() {
    let cloud = Cloud::here();
    let bucket = cloud.output("MediaBucket");
    let listed = cloud
        .s3
        .list_objects_v2()
        .bucket(bucket)
        .prefix("nowhere/")
        .send();
    assert_eq!(listed.await.unwrap().key_count, Some(0));
    let missing = cloud.s3.head_object().bucket(bucket).key("nowhere/a.mp4").send();
    assert!(missing.await.unwrap_err().into_service_error().is_not_found());
    // The stack runs without `HostMayDelete`.
    let deletion = cloud
        .s3
        .delete_object()
        .bucket(bucket)
        .key("nowhere/a.mp4")
        .send();
    let refused = deletion.await.unwrap_err().into_service_error();
    assert_eq!(refused.meta().code(), Some("AccessDenied"));
}
