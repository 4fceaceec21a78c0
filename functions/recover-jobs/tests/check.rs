//! What a check does with each open job, by what MediaConvert and S3 say.

mod mocked;

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemOutput};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use aws_sdk_mediaconvert::Client as MediaConvert;
use aws_sdk_mediaconvert::operation::get_job::{GetJobError, GetJobOutput};
use aws_sdk_mediaconvert::primitives::DateTime;
use aws_sdk_mediaconvert::types::error::NotFoundException;
use aws_sdk_mediaconvert::types::{
    ContainerSettings, ContainerType, FileGroupSettings, Input, Job, JobSettings, JobStatus, Output,
    OutputDetail, OutputGroup, OutputGroupDetail, OutputGroupSettings, OutputGroupType, Timing, VideoDetail,
};
use aws_sdk_s3::Client as S3;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::Object;
use aws_smithy_mocks::{Rule, mock};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use lambda_runtime::Diagnostic;
use mocked::{Aws, item, updates};
use serde_json::{Value, json};

const JOB: &str = "1700000000000-abc123";

fn job(status: JobStatus, created_at: SystemTime) -> Job {
    let output = Output::builder()
        .name_modifier("-720p")
        .container_settings(ContainerSettings::builder().container(ContainerType::Mp4).build())
        .build();
    let group = OutputGroup::builder()
        .output_group_settings(
            OutputGroupSettings::builder()
                .r#type(OutputGroupType::FileGroupSettings)
                .file_group_settings(
                    FileGroupSettings::builder()
                        .destination("s3://media/out/")
                        .build(),
                )
                .build(),
        )
        .outputs(output);
    let video = VideoDetail::builder().width_in_px(1280).height_in_px(720).build();
    let written = OutputDetail::builder()
        .duration_in_ms(2_000)
        .video_details(video)
        .build();
    Job::builder()
        .id(JOB)
        .status(status)
        .created_at(DateTime::from(created_at))
        .timing(
            Timing::builder()
                .finish_time(DateTime::from_secs(1_700_000_100))
                .build(),
        )
        .settings(
            JobSettings::builder()
                .inputs(Input::builder().file_input("s3://media/in/clip.mov").build())
                .output_groups(group.build())
                .build(),
        )
        .output_group_details(OutputGroupDetail::builder().output_details(written).build())
        .build()
}

fn answers(status: JobStatus, age: Duration) -> Rule {
    mock!(MediaConvert::get_job).then_output(move || {
        let job = job(status.clone(), SystemTime::now() - age);
        GetJobOutput::builder().job(job).build()
    })
}

/// S3 has the objects of these keys.
fn stored(keys: &'static [&str]) -> Rule {
    mock!(S3::list_objects_v2).then_output(|| {
        let objects = keys
            .iter()
            .map(|key| Object::builder().key(*key).build())
            .collect();
        ListObjectsV2Output::builder().set_contents(Some(objects)).build()
    })
}

/// The index has these jobs, and no claims.
fn open_jobs(ids: &'static [&str]) -> [Rule; 2] {
    let of = |kind: &'static str, ids: &'static [&str]| {
        mock!(DynamoDb::query)
            .match_requests(move |query| {
                let values = query.expression_attribute_values().unwrap();
                values[":kind"] == AttributeValue::S(kind.to_owned())
            })
            .then_output(move || {
                let items = ids.iter().map(|id| item(json!({ "jobId": id }))).collect();
                QueryOutput::builder().set_items(Some(items)).build()
            })
    };
    [of("claim", &[]), of("job", ids)]
}

/// The job has had no news since long ago.
fn silent() -> Rule {
    mock!(DynamoDb::update_item)
        .match_requests(|update| update.update_expression() == Some("SET checkedAt = updatedAt"))
        .then_error(|| {
            let row = item(json!({"jobId": "j", "checkedAt": 1, "openItem": "job"}));
            let refused = ConditionalCheckFailedException::builder().set_item(Some(row));
            UpdateItemError::ConditionalCheckFailedException(refused.build())
        })
}

/// Has the open items checked, with ten minutes for it.
async fn check(aws: Aws<'_>) -> Result<Value, Diagnostic> {
    let schedule = json!({"source": "aws.scheduler", "detail-type": "Scheduled Event"});
    aws.invoke(schedule, Duration::from_mins(10)).await
}

/// Answers with an error of that status.
macro_rules! fails {
    ($operation:path, $status:literal) => {
        mock!($operation)
            .then_http_response(|| HttpResponse::new($status.try_into().unwrap(), SdkBody::from("{}")))
    };
}

/// The write of a job's row; what it writes is kept.
fn recorded(values: &Arc<Mutex<Vec<AttributeValue>>>) -> Rule {
    let values = Arc::clone(values);
    mock!(DynamoDb::update_item)
        .match_requests(move |update| {
            let is_row = update.update_expression().unwrap().contains("#status");
            if is_row {
                let written = update.expression_attribute_values().unwrap().values();
                values.lock().unwrap().extend(written.cloned());
            }
            is_row
        })
        .then_output(|| UpdateItemOutput::builder().build())
}

#[tokio::test]
async fn what_a_complete_job_wrote_is_looked_for_where_it_must_lie() {
    let written = Arc::default();
    let ([claims, jobs], silent, row) = (open_jobs(&[JOB]), silent(), recorded(&written));
    let get_job = answers(JobStatus::Complete, Duration::from_mins(40));
    let listed = stored(&[
        "out/clip-720p.0000001.jpg",
        "out/clip-720p.mp4",
        "out/clip-720p.mp4.part",
    ]);
    let tally = Aws {
        dynamodb: vec![&claims, &jobs, &silent, &row],
        mediaconvert: vec![&get_job],
        s3: vec![&listed],
        ..Aws::default()
    };
    let tally = check(tally).await.unwrap();
    assert_eq!(
        (&tally["jobsAsked"], &tally["jobsRecovered"]),
        (&json!(1), &json!(1))
    );
    let output = json!({
        "group": "FILE_GROUP", "paths": ["s3://media/out/clip-720p.mp4"], "durationMs": 2000, "width": 1280, "height": 720,
    });
    let outputs: AttributeValue = serde_dynamo::to_attribute_value(json!([output])).unwrap();
    let written = written.lock().unwrap();
    for expected in [
        outputs,
        AttributeValue::N("1700000100000".to_owned()),
        AttributeValue::S("COMPLETE".to_owned()),
        AttributeValue::Bool(true),
    ] {
        assert!(written.contains(&expected), "{expected:?} in {written:#?}");
    }
}

#[tokio::test]
async fn while_s3_does_not_say_what_is_there_the_row_waits() {
    let ([claims, jobs], silent, row) = (open_jobs(&[JOB]), silent(), recorded(&Arc::default()));
    let checked = updates("SET checkedAt = :now");
    let get_job = answers(JobStatus::Complete, Duration::from_mins(40));
    let listed = fails!(S3::list_objects_v2, 503);
    let error = Aws {
        dynamodb: vec![&claims, &jobs, &silent, &row, &checked],
        mediaconvert: vec![&get_job],
        s3: vec![&listed],
        ..Aws::default()
    };
    let error = check(error).await.unwrap_err();
    assert_eq!(error.error_type, "Unavailable");
    assert!(
        error
            .error_message
            .starts_with("can't list s3://media/out/clip-720p."),
        "{error:?}"
    );
    assert_eq!(row.num_calls(), 0);
}

#[tokio::test]
async fn a_job_that_wrote_where_nobody_may_look_ends_without_paths() {
    // 301 is S3's answer for a bucket in another Region.
    for listed in [fails!(S3::list_objects_v2, 403), fails!(S3::list_objects_v2, 301)] {
        ends_without_paths(&listed).await;
    }
}

async fn ends_without_paths(listed: &Rule) {
    let written = Arc::default();
    let ([claims, jobs], silent, row) = (open_jobs(&[JOB]), silent(), recorded(&written));
    let get_job = answers(JobStatus::Complete, Duration::from_mins(40));
    let tally = Aws {
        dynamodb: vec![&claims, &jobs, &silent, &row],
        mediaconvert: vec![&get_job],
        s3: vec![listed],
        ..Aws::default()
    };
    assert_eq!(check(tally).await.unwrap()["jobsRecovered"], 1);
    let outputs = json!([{"group": "FILE_GROUP", "durationMs": 2000, "width": 1280, "height": 720}]);
    let outputs = serde_dynamo::to_attribute_value(outputs).unwrap();
    assert!(written.lock().unwrap().contains(&outputs));
}

#[tokio::test]
async fn a_job_with_news_is_not_asked_for() {
    let ([claims, jobs], news) = (open_jobs(&[JOB]), updates("SET checkedAt = updatedAt"));
    let get_job = answers(JobStatus::Progressing, Duration::ZERO);
    let tally = Aws {
        dynamodb: vec![&claims, &jobs, &news],
        mediaconvert: vec![&get_job],
        ..Aws::default()
    };
    assert_eq!(check(tally).await.unwrap()["jobsAsked"], 0);
    assert_eq!(get_job.num_calls(), 0);
}

#[tokio::test]
async fn a_job_that_mediaconvert_has_had_for_over_a_day_is_stuck() {
    for (hours, stuck) in [(1, 0), (25, 1)] {
        let ([claims, jobs], silent, checked) =
            (open_jobs(&[JOB]), silent(), updates("SET checkedAt = :now"));
        let get_job = answers(JobStatus::Submitted, Duration::from_hours(hours));
        let tally = Aws {
            dynamodb: vec![&claims, &jobs, &silent, &checked],
            mediaconvert: vec![&get_job],
            ..Aws::default()
        };
        let tally = check(tally).await.unwrap();
        assert_eq!(
            (&tally["stuckJobs"], &tally["jobsRecovered"]),
            (&json!(stuck), &json!(0))
        );
        assert_eq!(checked.num_calls(), 1);
    }
}

#[tokio::test]
async fn a_job_that_mediaconvert_does_not_know_is_marked() {
    let ([claims, jobs], silent) = (open_jobs(&[JOB]), silent());
    let marked = updates("SET notFoundAt = :now REMOVE openItem, checkedAt");
    let get_job = mock!(MediaConvert::get_job)
        .then_error(|| GetJobError::NotFoundException(NotFoundException::builder().build()));
    let tally = Aws {
        dynamodb: vec![&claims, &jobs, &silent, &marked],
        mediaconvert: vec![&get_job],
        ..Aws::default()
    };
    assert_eq!(check(tally).await.unwrap()["jobsNotFound"], 1);
    assert_eq!(marked.num_calls(), 1);
}

/// The first job gets this, whatever is asked; nobody is asked for another.
async fn stopped_by(failing: &Rule) -> Diagnostic {
    let ([claims, jobs], silent, checked) = (
        open_jobs(&[JOB, "2-b"]),
        silent(),
        updates("SET checkedAt = :now"),
    );
    let aws = Aws {
        dynamodb: vec![&claims, &jobs, &silent, &checked],
        mediaconvert: vec![failing],
        ..Aws::default()
    };
    let schedule = json!({"detail-type": "Scheduled Event"});
    // A second for the check, and what is kept for its last job.
    let error = aws.invoke(schedule, Duration::from_secs(91)).await.unwrap_err();
    assert_eq!(silent.num_calls(), 1);
    // Next time the other one comes first.
    assert_eq!(checked.num_calls(), 1);
    error
}

#[tokio::test]
async fn a_check_waits_while_mediaconvert_is_busy_and_stops_where_it_is_out_of_reach() {
    let throttled = fails!(MediaConvert::get_job, 429);
    let error = stopped_by(&throttled).await;
    assert_eq!(error.error_type, "Unavailable");
    assert!(
        error.error_message.starts_with("can't ask MediaConvert for job "),
        "{error:?}"
    );
    assert!(throttled.num_calls() > 1);

    let broken = fails!(MediaConvert::get_job, 500);
    assert_eq!(stopped_by(&broken).await.error_type, "Unavailable");
}

#[tokio::test]
async fn a_job_that_mediaconvert_refuses_to_show_keeps_no_other_from_being_asked_for() {
    let ([claims, jobs], silent, checked) = (
        open_jobs(&[JOB, "2-b"]),
        silent(),
        updates("SET checkedAt = :now"),
    );
    let refused = fails!(MediaConvert::get_job, 400);
    let aws = Aws {
        dynamodb: vec![&claims, &jobs, &silent, &checked],
        mediaconvert: vec![&refused],
        ..Aws::default()
    };
    assert_eq!(check(aws).await.unwrap_err().error_type, "Unavailable");
    // Both come after all others next time.
    assert_eq!((refused.num_calls(), checked.num_calls()), (2, 2));
}

#[tokio::test]
async fn a_check_ends_in_time_and_leaves_the_rest_to_the_next() {
    let ([claims, jobs], silent) = (open_jobs(&[JOB]), silent());
    let aws = Aws {
        dynamodb: vec![&claims, &jobs, &silent],
        ..Aws::default()
    };
    let schedule = json!({"detail-type": "Scheduled Event"});
    let tally = aws.invoke(schedule, Duration::from_mins(1)).await.unwrap();
    assert_eq!(tally["jobsAsked"], 0);
    assert_eq!(silent.num_calls(), 0);
}
