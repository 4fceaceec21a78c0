//! One job: what was asked for, how far it is, and the events that say so.
//!
//! Every change of state returns the event that reports it, so that `GetJob` and the events never
//! disagree.

mod output_details;
mod progress;

use serde_json::{Value, json};

use crate::clock::Millis;
use crate::create_job::{HopDestination, JobRequest};
use crate::events::JobEvent;
use crate::job_error::JobError;

pub(crate) use output_details::{GroupDetail, OutputDetail, VideoDetail};
pub(crate) use progress::{Phase, Progress};

/// `Job.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Status {
    /// Waiting in its queue. MediaConvert sends no event of this status.
    Submitted,
    /// At work.
    Progressing,
    /// Done.
    Complete,
    /// Stopped by `CancelJob`.
    Canceled,
    /// Failed.
    Error,
}

impl Status {
    fn is_final(self) -> bool {
        matches!(self, Self::Complete | Self::Canceled | Self::Error)
    }
}

/// Why a job cannot be canceled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotCancelable {
    /// It has ended.
    #[error("it has already ended")]
    Ended,
    /// Its outputs are being put in place.
    #[error("its outputs are already being put in place")]
    Publishing,
}

/// A job. What changes of it is private and changes here.
#[derive(Debug)]
pub(crate) struct Job {
    /// `<13 digits>-<6 lower-case letters and digits>`.
    pub(crate) id: String,
    /// Its ARN.
    pub(crate) arn: String,
    /// What `CreateJob` was given.
    pub(crate) request: JobRequest,
    account_id: String,
    status: Status,
    created_at: Millis,
    started_at: Option<Millis>,
    finished_at: Option<Millis>,
    last_event_at: Millis,
    progress: Option<Progress>,
    error: Option<(u32, String)>,
    groups: Vec<GroupDetail>,
    queue_transitions: Vec<Value>,
    cancel_requested: bool,
    publishing: bool,
}

impl Job {
    /// A job that waits.
    pub(crate) fn new(id: String, arn: String, account_id: &str, request: JobRequest) -> Self {
        let now = Millis::now();
        Self {
            id,
            arn,
            request,
            account_id: account_id.to_owned(),
            status: Status::Submitted,
            created_at: now,
            started_at: None,
            finished_at: None,
            last_event_at: now,
            progress: None,
            error: None,
            groups: Vec::new(),
            queue_transitions: Vec::new(),
            cancel_requested: false,
            publishing: false,
        }
    }

    /// Its status.
    pub(crate) fn status(&self) -> Status {
        self.status
    }

    /// It waited too long in its queue and waits in another from now on.
    pub(crate) fn hop(&mut self, to: &HopDestination) -> JobEvent {
        let previous_queue = std::mem::replace(&mut self.request.queue_arn, to.queue_arn.clone());
        let previous_priority = self.request.priority;
        self.request.priority = to.priority.unwrap_or(previous_priority);
        let fields = json!({
            "previousQueue": previous_queue,
            "priority": self.request.priority,
            "previousPriority": previous_priority,
        });
        let event = self.event("QUEUE_HOP", fields);
        self.queue_transitions.push(json!({
            "sourceQueue": previous_queue,
            "destinationQueue": to.queue_arn,
            "timestamp": self.last_event_at.seconds(),
        }));
        event
    }

    /// SUBMITTED → PROGRESSING.
    pub(crate) fn start(&mut self) -> JobEvent {
        self.status = Status::Progressing;
        self.progress = Some(Progress {
            phase: Phase::Probing,
            percent: 0,
            frames: 0,
        });
        let event = self.event("PROGRESSING", json!({}));
        self.started_at = Some(self.last_event_at);
        event
    }

    /// What the probe found in all inputs.
    pub(crate) fn input_information(&mut self, input_details: &Value) -> JobEvent {
        self.event("INPUT_INFORMATION", json!({"inputDetails": input_details}))
    }

    /// How far it is.
    pub(crate) fn status_update(&mut self, progress: Progress) -> JobEvent {
        self.progress = Some(progress);
        self.event(
            "STATUS_UPDATE",
            json!({
                "framesDecoded": progress.frames,
                "jobProgress": {
                    "phaseProgress": progress.phases(),
                    "jobPercentComplete": progress.job_percent(),
                    "currentPhase": progress.phase,
                    "retryCount": 0,
                },
            }),
        )
    }

    /// Its outputs are about to be put in place, unless someone canceled it before that.
    pub(crate) fn begin_publishing(&mut self) -> bool {
        self.publishing = !self.cancel_requested;
        self.publishing
    }

    /// All outputs are in place; `groups` has them by output group.
    pub(crate) fn complete(&mut self, groups: Vec<GroupDetail>) -> JobEvent {
        let details: Vec<Value> = groups.iter().map(GroupDetail::event).collect();
        self.groups = groups;
        self.finish(
            Status::Complete,
            "COMPLETE",
            json!({
                "outputGroupDetails": details,
                "paddingInserted": 0,
                "blackVideoDetected": 0,
            }),
        )
    }

    /// It failed.
    pub(crate) fn fail(&mut self, error: &JobError) -> JobEvent {
        let (code, message) = (error.code(), error.to_string());
        let fields = json!({"errorCode": code, "errorMessage": message});
        self.error = Some((code, message));
        self.finish(Status::Error, "ERROR", fields)
    }

    /// Asks for an end; the event comes once nothing of the job is left.
    pub(crate) fn request_cancel(&mut self) -> Result<(), NotCancelable> {
        if self.status.is_final() {
            return Err(NotCancelable::Ended);
        }
        if self.publishing {
            return Err(NotCancelable::Publishing);
        }
        self.cancel_requested = true;
        Ok(())
    }

    /// It was canceled and nothing of it is left.
    pub(crate) fn canceled(&mut self) -> JobEvent {
        self.finish(Status::Canceled, "CANCELED", json!({}))
    }

    fn finish(&mut self, status: Status, name: &str, fields: Value) -> JobEvent {
        self.status = status;
        let event = self.event(name, fields);
        self.finished_at = Some(self.last_event_at);
        event
    }

    /// An event of this job, later than all before it.
    fn event(&mut self, status: &str, fields: Value) -> JobEvent {
        self.last_event_at = Millis::now().max(self.last_event_at.next());
        let mut detail = json!({
            "timestamp": self.last_event_at,
            "accountId": self.account_id,
            "queue": self.request.queue_arn,
            "jobId": self.id,
            "status": status,
            "userMetadata": self.request.user_metadata,
        });
        if let (Value::Object(detail), Value::Object(fields)) = (&mut detail, fields) {
            detail.extend(fields);
        }
        JobEvent {
            job_arn: self.arn.clone(),
            time: self.last_event_at,
            detail,
        }
    }

    /// The `Job` of the API. Times are whole seconds, as the service has them.
    pub(crate) fn api(&self) -> Value {
        let request = &self.request;
        let mut job = json!({
            "accelerationSettings": {"mode": "DISABLED"},
            "accelerationStatus": "NOT_APPLICABLE",
            "arn": self.arn,
            "createdAt": self.created_at.seconds(),
            "hopDestinations": request.hop_destinations,
            "id": self.id,
            "messages": {"info": [], "warning": []},
            "priority": request.priority,
            "queue": request.queue_arn,
            "queueTransitions": self.queue_transitions,
            "role": request.role,
            "settings": request.settings_json,
            "status": self.status,
            "statusUpdateInterval": request.status_update_interval.name(),
            "timing": {"submitTime": self.created_at.seconds()},
            "userMetadata": request.user_metadata,
        });
        if let Some(template) = &request.job_template {
            job["jobTemplate"] = json!(template);
        }
        if let Some(token) = &request.client_request_token {
            job["clientRequestToken"] = json!(token);
        }
        if let Some(time) = self.started_at {
            job["timing"]["startTime"] = json!(time.seconds());
        }
        if let Some(time) = self.finished_at {
            job["timing"]["finishTime"] = json!(time.seconds());
        }
        match (self.status, self.progress) {
            (Status::Complete, _) => job["jobPercentComplete"] = json!(100),
            (_, Some(progress)) => {
                job["currentPhase"] = json!(progress.phase);
                job["jobPercentComplete"] = json!(progress.job_percent());
            }
            (_, None) => {}
        }
        if let Some((code, message)) = &self.error {
            job["errorCode"] = json!(code);
            job["errorMessage"] = json!(message);
        }
        if !self.groups.is_empty() {
            let groups = self.groups.iter().map(|group| {
                let outputs: Vec<Value> = group.outputs.iter().map(OutputDetail::api).collect();
                json!({"outputDetails": outputs})
            });
            job["outputGroupDetails"] = groups.collect();
        }
        job
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::requests::request;

    fn job() -> Job {
        Job::new(
            "1700000000000-abc123".into(),
            "arn:aws:mediaconvert:us-east-1:111122223333:jobs/1700000000000-abc123".into(),
            "111122223333",
            request(),
        )
    }

    fn output(paths: &[&str]) -> OutputDetail {
        OutputDetail {
            paths: paths.iter().map(|&path| path.to_owned()).collect(),
            duration_ms: 180_041,
            video: Some(VideoDetail {
                width: 1280,
                height: 720,
                average_bitrate: Some(2_000_000),
            }),
        }
    }

    /// The keys of a JSON value at every depth, with the types of the leaves.
    fn shape(value: &Value) -> Value {
        match value {
            Value::Object(fields) => fields
                .iter()
                .map(|(key, value)| (key.clone(), shape(value)))
                .collect(),
            Value::Array(items) => items.first().map(shape).into_iter().collect(),
            Value::String(_) => json!("string"),
            Value::Number(_) => json!("number"),
            other => other.clone(),
        }
    }

    fn sample(text: &str) -> Value {
        let sample: Value = serde_json::from_str(text).unwrap();
        let mut detail = sample["detail"].clone();
        detail["userMetadata"] = json!({});
        detail
    }

    #[test]
    fn events_have_the_shape_of_mediaconverts() {
        let mut job = job();
        let progressing = job.start();
        let update = job.status_update(Progress {
            phase: Phase::Transcoding,
            percent: 2,
            frames: 353,
        });
        let complete = job.complete(vec![GroupDetail {
            event_type: "FILE_GROUP",
            playlists: Vec::new(),
            outputs: vec![output(&["s3://amzn-s3-demo-bucket/out/file.mp4"])],
        }]);
        let failed = self::job().fail(&JobError::InputNotFound {
            uri: "s3://b/k".into(),
        });
        let canceled = self::job().canceled();

        let hop = self::job().hop(&HopDestination {
            queue_arn: "arn:aws:mediaconvert:us-east-1:111122223333:queues/Alternate".into(),
            priority: None,
            wait_minutes: 1,
        });

        for (event, expected) in [
            (
                &hop,
                include_str!("../../../../events/mediaconvert/queue-hop.json"),
            ),
            (
                &progressing,
                include_str!("../../../../events/mediaconvert/progressing.json"),
            ),
            (
                &update,
                include_str!("../../../../events/mediaconvert/status-update.json"),
            ),
            (
                &failed,
                include_str!("../../../../events/mediaconvert/error.json"),
            ),
            (
                &canceled,
                include_str!("../../../../events/mediaconvert/canceled.json"),
            ),
        ] {
            assert_eq!(shape(&event.detail), shape(&sample(expected)));
        }
        // The sample of a file group has measurements this program does not make.
        let mut expected = sample(include_str!(
            "../../../../events/mediaconvert/complete-file-group.json"
        ));
        let expected_fields = expected.as_object_mut().unwrap();
        expected_fields.remove("warnings");
        expected_fields.remove("blackVideoSegments");
        let video = &mut expected["outputGroupDetails"][0]["outputDetails"][0]["videoDetails"];
        video
            .as_object_mut()
            .unwrap()
            .retain(|key, _| !key.starts_with("qvbr"));
        assert_eq!(shape(&complete.detail), shape(&expected));
        assert_eq!(
            update.detail["jobProgress"],
            sample(include_str!("../../../../events/mediaconvert/status-update.json"))["jobProgress"]
        );
    }

    #[test]
    fn streaming_packages_are_told_as_mediaconvert_tells_them() {
        let sound = OutputDetail {
            paths: Vec::new(),
            duration_ms: 180_053,
            video: None,
        };
        let path = |name: &str| format!("s3://amzn-s3-demo-bucket/{name}");
        let smaller = OutputDetail {
            video: Some(VideoDetail {
                width: 640,
                height: 360,
                average_bitrate: Some(600_000),
            }),
            ..output(&["s3://amzn-s3-demo-bucket/hls/mainv2.m3u8"])
        };
        for (event_type, playlists, outputs, expected) in [
            (
                "HLS_GROUP",
                vec![path("hls/main.m3u8")],
                vec![output(&["s3://amzn-s3-demo-bucket/hls/mainv1.m3u8"]), smaller],
                include_str!("../../../../events/mediaconvert/complete-hls-group.json"),
            ),
            (
                "CMAF_GROUP",
                vec![path("cmaf/1.mpd"), path("cmaf/1.m3u8")],
                vec![output(&[]), sound.clone()],
                include_str!("../../../../events/mediaconvert/complete-cmaf-group.json"),
            ),
            (
                "DASH_ISO_GROUP",
                vec![path("dash/1.mpd")],
                vec![output(&[]), sound],
                include_str!("../../../../events/mediaconvert/complete-dash-iso-group.json"),
            ),
        ] {
            let complete = job().complete(vec![GroupDetail {
                event_type,
                playlists,
                outputs,
            }]);
            let details = &sample(expected)["outputGroupDetails"];
            assert_eq!(complete.detail["outputGroupDetails"], *details);
        }
    }

    #[test]
    fn events_of_a_job_have_strictly_increasing_times() {
        let mut job = job();
        let mut times = vec![job.start().time];
        for percent in 0..100 {
            let progress = Progress {
                phase: Phase::Transcoding,
                percent,
                frames: 0,
            };
            times.push(job.status_update(progress).time);
        }
        times.push(job.complete(Vec::new()).time);

        assert!(times.is_sorted_by(|earlier, later| earlier < later), "{times:?}");
    }

    #[test]
    fn a_job_is_either_canceled_or_completed() {
        let mut canceled = job();
        canceled.start();
        canceled.request_cancel().unwrap();
        assert!(!canceled.begin_publishing());

        let mut completed = job();
        completed.start();
        assert!(completed.begin_publishing());
        assert_eq!(completed.request_cancel(), Err(NotCancelable::Publishing));
        completed.complete(Vec::new());
        assert_eq!(completed.request_cancel(), Err(NotCancelable::Ended));
        assert_eq!(completed.api()["jobPercentComplete"], 100);
    }
}
