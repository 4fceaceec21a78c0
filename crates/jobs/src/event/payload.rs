//! AWS's JSON of an event, member by member, and its reading into [`JobEvent`].
//!
//! Sources of the shapes: the pages `ev_status_*` of MediaConvert's user guide, and real events where
//! they differ from it (`events/mediaconvert/README.md` says which).

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Change, Completion, Failure, InvalidEvent, JobEvent, Output, Progress, Received, UserMetadata};
use super::{WarningCount, limits};
use crate::{JobId, Timestamp};

const SOURCE: &str = "aws.mediaconvert";
const DETAIL_TYPE: &str = "MediaConvert Job State Change";

pub(super) fn read(payload: &Value) -> Result<Received, InvalidEvent> {
    if !payload.is_object() {
        return Err(InvalidEvent("the event is not a JSON object".to_owned()));
    }
    expect_member(payload, "source", SOURCE)?;
    expect_member(payload, "detail-type", DETAIL_TYPE)?;
    let detail = match payload.get("detail") {
        Some(detail @ Value::Object(_)) => detail,
        Some(_) => return Err(InvalidEvent("detail is not an object".to_owned())),
        None => return Err(InvalidEvent("detail is missing".to_owned())),
    };
    let job_id = job_id(detail)?;
    let status = required_text(detail, "status")?;
    let timestamp = timestamp(detail, payload.get("time"))?;
    let detail = Detail::deserialize(detail).map_err(|error| InvalidEvent(format!("detail: {error}")))?;
    let queue = detail.queue.clone().map(limits::name);
    let user_metadata = detail.user_metadata.clone().map(limits::user_metadata);
    let Some(change) = detail.change(status) else {
        return Ok(Received::UnknownStatus {
            job_id,
            status: limits::name(status.to_owned()),
        });
    };
    Ok(Received::Event(JobEvent {
        job_id,
        timestamp,
        queue,
        user_metadata,
        change,
    }))
}

/// A member that may be absent, and must be `expected` where it is not.
fn expect_member(payload: &Value, name: &str, expected: &str) -> Result<(), InvalidEvent> {
    match payload.get(name) {
        None => Ok(()),
        Some(value) if value == expected => Ok(()),
        Some(_) => Err(InvalidEvent(format!("{name} is not {expected:?}"))),
    }
}

fn required_text<'a>(detail: &'a Value, name: &str) -> Result<&'a str, InvalidEvent> {
    match detail.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        None | Some(Value::Null) => Err(InvalidEvent(format!("detail.{name} is missing"))),
        Some(_) => Err(InvalidEvent(format!(
            "detail.{name} is not a text of at least one character"
        ))),
    }
}

fn job_id(detail: &Value) -> Result<JobId, InvalidEvent> {
    required_text(detail, "jobId")?
        .parse()
        .map_err(|rule| InvalidEvent(format!("detail.jobId is not a job id: {rule}")))
}

fn timestamp(detail: &Value, envelope_time: Option<&Value>) -> Result<Timestamp, InvalidEvent> {
    match detail.get("timestamp") {
        None | Some(Value::Null) => Ok(envelope_time.and_then(rfc3339).unwrap_or_default()),
        Some(value) => Integer::deserialize(value)
            .ok()
            .and_then(|millis| u64::try_from(millis.0).ok())
            .map(Timestamp::from_millis)
            .filter(|timestamp| *timestamp <= Timestamp::MAX)
            .ok_or_else(|| {
                InvalidEvent("detail.timestamp is not a count of milliseconds since 1970".to_owned())
            }),
    }
}

fn rfc3339(time: &Value) -> Option<Timestamp> {
    let time = OffsetDateTime::parse(time.as_str()?, &Rfc3339).ok()?;
    let millis = u64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok()?;
    Some(Timestamp::from_millis(millis))
}

/// `detail`, each member absent where it has another shape than expected.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    #[serde(default, deserialize_with = "tolerant")]
    queue: Option<String>,
    #[serde(default, deserialize_with = "tolerant")]
    user_metadata: Option<UserMetadata>,
    #[serde(default, deserialize_with = "tolerant")]
    job_progress: Option<JobProgress>,
    #[serde(default, deserialize_with = "tolerant")]
    input_details: Option<Vec<Value>>,
    #[serde(default, deserialize_with = "tolerant_list")]
    output_group_details: Vec<OutputGroup>,
    #[serde(default, deserialize_with = "tolerant_list")]
    warnings: Vec<CountedWarning>,
    #[serde(default, deserialize_with = "tolerant")]
    error_code: Option<Integer>,
    #[serde(default, deserialize_with = "tolerant")]
    error_message: Option<String>,
    #[serde(default, deserialize_with = "tolerant")]
    warning_code: Option<Integer>,
    #[serde(default, deserialize_with = "tolerant")]
    warning_message: Option<String>,
}

impl Detail {
    /// `None` for a status this version does not know.
    fn change(self, status: &str) -> Option<Change> {
        Some(match status {
            "PROGRESSING" => Change::Progressing,
            "STATUS_UPDATE" => Change::StatusUpdate(self.job_progress.unwrap_or_default().into()),
            "INPUT_INFORMATION" => {
                Change::InputInformation(limits::input_information(self.input_details.unwrap_or_default()))
            }
            "COMPLETE" => Change::Complete(self.completion()),
            "ERROR" => Change::Error(Failure {
                error_code: self.error_code.map(|code| code.0),
                error_message: self.error_message.map(limits::error_message),
            }),
            "CANCELED" => Change::Canceled,
            "NEW_WARNING" => Change::NewWarning(self.warning()),
            "QUEUE_HOP" => Change::QueueHop,
            _ => return None,
        })
    }

    fn completion(self) -> Completion {
        let mut completion = Completion::default();
        for group in self.output_group_details {
            let kind = group.kind.map(limits::name);
            completion.outputs.extend(
                group
                    .output_details
                    .into_iter()
                    .map(|output| output.read(kind.clone())),
            );
            completion.playlists.extend(group.playlist_file_paths);
        }
        completion.warning_counts = self
            .warnings
            .into_iter()
            .map(|warning| WarningCount {
                code: warning.code.0,
                count: warning.count.0,
            })
            .collect();
        limits::completion(completion)
    }

    fn warning(self) -> Option<String> {
        let code = self.warning_code.map(|code| code.0.to_string());
        let words: Vec<String> = code.into_iter().chain(self.warning_message).collect();
        let text = words.join(" ");
        (!text.is_empty()).then(|| limits::warning(text))
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobProgress {
    #[serde(default, deserialize_with = "tolerant")]
    job_percent_complete: Option<Integer>,
    #[serde(default, deserialize_with = "tolerant")]
    current_phase: Option<String>,
    #[serde(default, deserialize_with = "tolerant")]
    retry_count: Option<Integer>,
}

impl From<JobProgress> for Progress {
    fn from(progress: JobProgress) -> Self {
        Self {
            percent_complete: progress.job_percent_complete.map(|percent| percent.0),
            current_phase: progress.current_phase.map(limits::name),
            retry_count: progress.retry_count.map(|count| count.0),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OutputGroup {
    #[serde(default, rename = "type", deserialize_with = "tolerant")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "tolerant_list")]
    output_details: Vec<OutputDetail>,
    #[serde(default, deserialize_with = "tolerant_list")]
    playlist_file_paths: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OutputDetail {
    #[serde(default, deserialize_with = "tolerant_list")]
    output_file_paths: Vec<String>,
    #[serde(default, deserialize_with = "tolerant")]
    duration_in_ms: Option<Integer>,
    #[serde(default, deserialize_with = "tolerant")]
    video_details: Option<VideoDetails>,
}

impl OutputDetail {
    fn read(self, group: Option<String>) -> Output {
        let video = self.video_details.unwrap_or_default();
        Output {
            group,
            paths: self.output_file_paths,
            paths_omitted: None,
            duration_ms: self.duration_in_ms.map(|duration| duration.0),
            width: video.width_in_px.map(|width| width.0),
            height: video.height_in_px.map(|height| height.0),
            average_bitrate: video.average_bitrate.map(|bitrate| bitrate.0),
            qvbr_avg_quality: video
                .qvbr_avg_quality
                .filter(|quality| limits::storable_number(*quality)),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct VideoDetails {
    #[serde(default, deserialize_with = "tolerant")]
    width_in_px: Option<Integer>,
    #[serde(default, deserialize_with = "tolerant")]
    height_in_px: Option<Integer>,
    #[serde(default, deserialize_with = "tolerant")]
    average_bitrate: Option<Integer>,
    #[serde(default, deserialize_with = "tolerant")]
    qvbr_avg_quality: Option<f64>,
}

#[derive(Deserialize)]
struct CountedWarning {
    code: Integer,
    count: Integer,
}

/// An integer, also where AWS writes it as text (`"warningCode": "100000"`) or with a fraction of 0.
#[derive(Clone, Copy)]
struct Integer(i64);

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let integer = match &value {
            Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole)),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        integer
            .map(Self)
            .ok_or_else(|| D::Error::custom("not an integer"))
    }
}

/// The integer a float stands for, up to where floats count by ones.
fn whole(float: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "the bounds are checked first")]
    (float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0).then_some(float as i64)
}

/// A value of the expected shape, or none.
fn tolerant<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: for<'value> Deserialize<'value>,
{
    Ok(T::deserialize(Value::deserialize(deserializer)?).ok())
}

/// The entries of the expected shape; none where the value isn't a list.
fn tolerant_list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: for<'value> Deserialize<'value>,
{
    let Value::Array(entries) = Value::deserialize(deserializer)? else {
        return Ok(Vec::new());
    };
    Ok(entries
        .into_iter()
        .filter_map(|entry| T::deserialize(entry).ok())
        .collect())
}
