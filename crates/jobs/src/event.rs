//! A MediaConvert job state change, as EventBridge delivers it.
//!
//! [`JobEvent::from_json`] is tolerant in what it reads: AWS's own samples disagree with its
//! documentation about names and types, and real events lack fields both call certain. Only what
//! identifies an event must be there; a detail of another shape than expected counts as absent.
//! What comes out is strict: bounded in size, and nothing the table could refuse.

mod kind;
mod limits;
mod payload;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::kind::Kind;
use crate::{JobId, Timestamp};

/// What MediaConvert said of one job at one moment. `job_id`, `timestamp` and the kind of
/// [`change`](Self::change) identify it: two events that agree in them are the same event.
#[derive(Clone, Debug, PartialEq)]
pub struct JobEvent {
    /// The job.
    pub job_id: JobId,
    /// When MediaConvert said it: `detail.timestamp`, or the envelope's `time` (whole seconds) where
    /// that is absent, or 0 where both are.
    pub timestamp: Timestamp,
    /// The ARN of the queue the job is in; after a hop, the new one.
    pub queue: Option<String>,
    /// What the submitter attached to the job.
    pub user_metadata: Option<UserMetadata>,
    /// What is new.
    pub change: Change,
}

/// What is new about a job: one variant for each status MediaConvert sends ([list]).
///
/// [list]: https://docs.aws.amazon.com/mediaconvert/latest/ug/mediaconvert_event_list.html
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// `PROGRESSING`: work began.
    Progressing,
    /// `STATUS_UPDATE`: how far it is.
    StatusUpdate(Progress),
    /// `INPUT_INFORMATION`: what the inputs hold. Can be the last event but one.
    InputInformation(InputInformation),
    /// `COMPLETE`: every output is written.
    Complete(Completion),
    /// `ERROR`: the job failed.
    Error(Failure),
    /// `CANCELED`: somebody canceled it.
    Canceled,
    /// `NEW_WARNING`, as `"<code> <message>"`; `None` where the event names neither.
    NewWarning(Option<String>),
    /// `QUEUE_HOP`: the job waited too long and moved to another queue.
    QueueHop,
}

impl Change {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Progressing => Kind::Progressing,
            Self::StatusUpdate(_) => Kind::StatusUpdate,
            Self::InputInformation(_) => Kind::InputInformation,
            Self::Complete(_) => Kind::Complete,
            Self::Error(_) => Kind::Error,
            Self::Canceled => Kind::Canceled,
            Self::NewWarning(_) => Kind::NewWarning,
            Self::QueueHop => Kind::QueueHop,
        }
    }

    /// The status as MediaConvert writes it.
    #[must_use]
    pub fn status(&self) -> &'static str {
        self.kind().as_str()
    }
}

/// How far a job is: a `STATUS_UPDATE`'s `jobProgress`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// `jobPercentComplete`; reliable for QuickTime, TS, MP4 and MXF inputs alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent_complete: Option<i64>,
    /// `PROBING`, `TRANSCODING` or `UPLOADING`; can lag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_phase: Option<String>,
    /// How often MediaConvert restarted the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_count: Option<i64>,
}

/// What the inputs hold, one entry per input, as MediaConvert writes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputInformation {
    /// `inputDetails`.
    pub input_details: Vec<Value>,
    /// How many entries were left out because the row can't hold them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_details_omitted: Option<usize>,
}

/// What a job wrote: the part of `COMPLETE` that the API can't tell afterwards.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Completion {
    /// Every output of every output group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<Output>,
    /// How many outputs were left out because the row can't hold them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outputs_omitted: Option<usize>,
    /// The manifests of every output group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub playlists: Vec<String>,
    /// How many manifests were left out because the row can't hold them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub playlists_omitted: Option<usize>,
    /// How often each warning came up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warning_counts: Vec<WarningCount>,
    /// How many of these counts were left out because the row can't hold them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning_counts_omitted: Option<usize>,
}

/// One output of a complete job. What its event lacks is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// The type of its output group, e.g. `HLS_GROUP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Where it was written, as `s3://` URIs. DASH and CMAF groups name none; of captured frames only
    /// the last is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// How many paths were left out because the row can't hold them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paths_omitted: Option<usize>,
    /// Length in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<i64>,
    /// In pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<i64>,
    /// In pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<i64>,
    /// In bit/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_bitrate: Option<i64>,
    /// The quality level QVBR reached, 1 to 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qvbr_avg_quality: Option<f64>,
}

/// How often a complete job raised one warning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WarningCount {
    /// MediaConvert's number of the warning.
    pub code: i64,
    /// How often.
    pub count: i64,
}

/// Why a job failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// MediaConvert's number of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<i64>,
    /// MediaConvert's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
}

/// What the submitter attached to a job. AWS documents strings by name.
pub type UserMetadata = Map<String, Value>;

/// What a payload turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Received {
    /// A change this version knows.
    Event(JobEvent),
    /// A status AWS added since: nothing to write, and nothing wrong with it.
    UnknownStatus {
        /// The job it is about.
        job_id: JobId,
        /// The status, shortened where it is very long.
        status: String,
    },
}

/// A payload that isn't a MediaConvert job state change. Sending it again can't help.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct InvalidEvent(String);

impl JobEvent {
    /// Reads an event as EventBridge delivers it: the envelope with MediaConvert's `detail`.
    ///
    /// # Errors
    /// It is not JSON, it names another `source` or `detail-type`, or what identifies the event
    /// (`detail.jobId`, `detail.status`, a `detail.timestamp` that is there) is missing or of no use.
    pub fn from_json(payload: &[u8]) -> Result<Received, InvalidEvent> {
        let payload: Value = serde_json::from_slice(payload)
            .map_err(|error| InvalidEvent(format!("the event is not JSON: {error}")))?;
        payload::read(&payload)
    }

    /// Like [`from_json`](Self::from_json), of an event that is parsed already.
    ///
    /// # Errors
    /// Like [`from_json`](Self::from_json).
    pub fn from_value(payload: &Value) -> Result<Received, InvalidEvent> {
        payload::read(payload)
    }
}
