//! A job's row, and the merge rule that makes it.
//!
//! Each event alone makes a small row ([`Job::from_event`]); a job's row is the join of them
//! ([`Job::merge`]). The join is commutative, associative and idempotent because every group of
//! attributes keeps one of two values by an order that depends on the values alone: the older or the
//! newer time, the higher status, the union.
//!
//! What MediaConvert answers when it is asked for a job makes a small row too ([`Job::from_answer`]).
//! It is a lesser one: an event of the same status replaces it, whatever their times.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::event::{Change, Completion, Failure, InputInformation, Kind, Progress, UserMetadata};
use crate::{JobEvent, JobId, Submission, Timestamp};

/// How many different warnings a row keeps.
pub(crate) const MAX_WARNINGS: usize = 100;

/// Where a job stands. The order is the one in which a status wins over another, whatever their
/// times: a final status is never undone, and of several the best is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// Waits in its queue.
    Submitted,
    /// Is being worked on.
    Progressing,
    /// Was canceled.
    Canceled,
    /// Failed.
    Error,
    /// Wrote every output.
    Complete,
}

impl Status {
    /// Every status, in the order in which they win.
    pub const ALL: [Self; 5] = [
        Self::Submitted,
        Self::Progressing,
        Self::Canceled,
        Self::Error,
        Self::Complete,
    ];

    /// Nothing comes after it.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        self >= Self::Canceled
    }

    /// As AWS and the table write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "SUBMITTED",
            Self::Progressing => "PROGRESSING",
            Self::Canceled => "CANCELED",
            Self::Error => "ERROR",
            Self::Complete => "COMPLETE",
        }
    }
}

/// How long a finished job stays in the table: forever, or a number of days.
///
/// At least 15: EventBridge's dead letters live for 14 days, and one of them must not raise a row
/// again that has expired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention(Option<u32>);

/// A number of days that [`Retention`] does not take.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "a finished job stays for at least {} days, or for ever with 0",
    Retention::LEAST_DAYS
)]
pub struct InvalidRetention;

impl Retention {
    /// The fewest days there are.
    pub const LEAST_DAYS: u32 = 15;

    /// For `days` days, or forever with 0.
    ///
    /// # Errors
    /// It is fewer days than a dead letter may be old.
    pub fn from_days(days: u32) -> Result<Self, InvalidRetention> {
        match days {
            0 => Ok(Self(None)),
            Self::LEAST_DAYS.. => Ok(Self(Some(days))),
            _ => Err(InvalidRetention),
        }
    }

    /// When what came to its end at `finished_at` expires, in epoch seconds.
    #[must_use]
    pub fn expiry(self, finished_at: Timestamp) -> Option<u64> {
        self.0
            .map(|days| finished_at.as_millis() / 1000 + u64::from(days) * 24 * 60 * 60)
    }
}

impl FromStr for Retention {
    type Err = InvalidRetention;

    fn from_str(days: &str) -> Result<Self, Self::Err> {
        days.parse()
            .map_err(|_| InvalidRetention)
            .and_then(Self::from_days)
    }
}

/// A job's row. Its JSON members are the table's attributes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// The partition key.
    pub job_id: JobId,
    /// Where the job stands, and how it ended.
    #[serde(flatten)]
    pub state: State,
    /// The oldest sign of work on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// The latest progress.
    #[serde(flatten)]
    pub progress: Option<ProgressAt>,
    /// What its inputs hold.
    #[serde(flatten)]
    pub inputs: Option<InputsAt>,
    /// Every warning, as `"<code> <message>"`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub warnings: BTreeSet<String>,
    /// What every event repeats, from the newest one.
    #[serde(flatten)]
    pub latest: Latest,
    /// What only its submission knows.
    #[serde(flatten)]
    pub submitted: Option<Submitted>,
}

/// A status with what belongs to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// The status.
    pub status: Status,
    /// Of the events that mean this status: the newest below terminal, the oldest for a terminal one.
    pub status_timestamp: Timestamp,
    /// Whether no event told it: its own was lost, and MediaConvert was asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recovered: bool,
    /// How the job ended, once it has.
    #[serde(flatten)]
    pub end: Option<End>,
}

/// What the winning terminal event says, as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct End {
    /// The event's time.
    pub finished_at: Timestamp,
    /// When DynamoDB may delete the row, in epoch **seconds**.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// COMPLETE: what was written.
    #[serde(flatten)]
    pub completion: Completion,
    /// ERROR: what went wrong.
    #[serde(flatten)]
    pub failure: Failure,
}

/// The newest progress as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProgressAt {
    /// The time of the event that told it.
    pub progress_timestamp: Timestamp,
    /// What it told; what it lacks is absent.
    #[serde(flatten)]
    pub progress: Progress,
}

/// The newest `INPUT_INFORMATION` as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputsAt {
    /// The time of the event that told it.
    pub input_details_timestamp: Timestamp,
    /// What it told.
    #[serde(flatten)]
    pub inputs: InputInformation,
}

/// What the newest event says, of whatever kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Latest {
    /// The event's time.
    pub updated_at: Timestamp,
    /// The event's kind: of two at the same time, the later kind counts. What MediaConvert was asked for
    /// has none, nor have rows of earlier versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<Kind>,
    /// The ARN of the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// What the submitter attached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_metadata: Option<UserMetadata>,
}

/// What only the submission knows; see [`Submission`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the members are Submission's")]
pub struct Submitted {
    pub submitted_at: Timestamp,
    pub input: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    pub destination: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

impl Job {
    /// The row `event` makes alone.
    #[must_use]
    pub fn from_event(event: JobEvent, retention: Retention) -> Self {
        let at = event.timestamp;
        let state = State {
            status: Status::Submitted,
            status_timestamp: Timestamp::default(),
            recovered: false,
            end: None,
        };
        let latest = Latest {
            updated_at: at,
            updated_by: Some(event.change.kind()),
            queue: event.queue,
            user_metadata: event.user_metadata,
        };
        let mut job = Self::bare(event.job_id, state, latest);
        match event.change {
            Change::Progressing => job.working(at),
            Change::StatusUpdate(progress) => {
                job.working(at);
                job.progress = Some(ProgressAt {
                    progress_timestamp: at,
                    progress,
                });
            }
            Change::InputInformation(inputs) => {
                job.inputs = Some(InputsAt {
                    input_details_timestamp: at,
                    inputs,
                });
            }
            Change::Complete(completion) => {
                job.state = State::ended(Status::Complete, at, retention, completion, Failure::default());
            }
            Change::Error(failure) => {
                job.state = State::ended(Status::Error, at, retention, Completion::default(), failure);
            }
            Change::Canceled => {
                let (completion, failure) = (Completion::default(), Failure::default());
                job.state = State::ended(Status::Canceled, at, retention, completion, failure);
            }
            Change::NewWarning(warning) => job.warnings.extend(warning),
            Change::QueueHop => {}
        }
        job.with_final_progress()
    }

    /// The row that an answer of MediaConvert's makes alone, told as the event that would have said the
    /// same: PROGRESSING or how the job ended, with its time in whole seconds.
    ///
    /// Of what events are told apart by in time it has nothing: no start, and no kind that could count
    /// before an event of its second.
    #[must_use]
    pub fn from_answer(told: JobEvent, retention: Retention) -> Self {
        let mut job = Self::from_event(told, retention);
        job.state.recovered = true;
        job.started_at = None;
        job.latest.updated_by = None;
        job
    }

    /// The row a submission makes alone.
    #[must_use]
    pub fn from_submission(job_id: JobId, submission: Submission) -> Self {
        let at = submission.submitted_at;
        let state = State {
            status: Status::Submitted,
            status_timestamp: at,
            recovered: false,
            end: None,
        };
        let user_metadata = submission.user_metadata.unwrap_or_default();
        let latest = Latest {
            updated_at: at,
            updated_by: Some(Kind::Submission),
            queue: submission.queue.map(|queue| queue.to_string()),
            user_metadata: Some(
                user_metadata
                    .into_iter()
                    .map(|(key, value)| (key, value.into()))
                    .collect(),
            ),
        };
        let submitted = Submitted {
            submitted_at: at,
            input: submission.input.to_string(),
            profile: submission.profile,
            destination: submission.destination,
            idempotency_key: submission.idempotency_key,
        };
        Self {
            submitted: Some(submitted),
            ..Self::bare(job_id, state, latest)
        }
    }

    /// A row of what every event and the submission tell.
    fn bare(job_id: JobId, state: State, latest: Latest) -> Self {
        Self {
            job_id,
            state,
            started_at: None,
            progress: None,
            inputs: None,
            warnings: BTreeSet::new(),
            latest,
            submitted: None,
        }
    }

    /// The row of everything both rows were made of.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let mut warnings = self.warnings;
        for warning in other.warnings {
            if warnings.len() < MAX_WARNINGS {
                warnings.insert(warning);
            }
        }
        Self {
            job_id: self.job_id,
            state: self.state.merge(other.state),
            started_at: [self.started_at, other.started_at].into_iter().flatten().min(),
            progress: newest(self.progress, other.progress, |at| at.progress_timestamp),
            inputs: newest(self.inputs, other.inputs, |at| at.input_details_timestamp),
            warnings,
            latest: if other.latest.moment() > self.latest.moment() {
                other.latest
            } else {
                self.latest
            },
            // A submission tried again is the same but for its time.
            submitted: [self.submitted, other.submitted]
                .into_iter()
                .flatten()
                .min_by_key(|submitted| submitted.submitted_at),
        }
        .with_final_progress()
    }

    /// Whether this row already tells what `alone`, the row of one event, tells: it is that very event
    /// that was seen last of its kind, not a newer one.
    ///
    /// The times say so, not the values: DynamoDB may write a number in another way than it was sent.
    #[must_use]
    pub fn holds(&self, alone: &Self) -> bool {
        let same_state = alone.tells_status()
            && alone.state.status == self.state.status
            && alone.state.recovered == self.state.recovered
            && alone.state.status_timestamp == self.state.status_timestamp;
        let same_start = alone.started_at.is_some() && alone.started_at == self.started_at;
        let progressed_at = |row: &Self| row.progress.as_ref().map(|at| at.progress_timestamp);
        let same_progress = alone.progress.is_some()
            && alone.state.status != Status::Complete
            // Under COMPLETE it is the completion's.
            && self.state.status != Status::Complete
            && progressed_at(alone) == progressed_at(self);
        let inputs_at = |row: &Self| row.inputs.as_ref().map(|at| at.input_details_timestamp);
        let same_inputs = alone.inputs.is_some() && inputs_at(alone) == inputs_at(self);
        let same_warnings = !alone.warnings.is_empty() && alone.warnings.is_subset(&self.warnings);
        let submitted_at = |row: &Self| row.submitted.as_ref().map(|at| at.submitted_at);
        let same_submission = alone.submitted.is_some() && submitted_at(alone) == submitted_at(self);
        let newest = alone.latest.moment() == self.latest.moment();
        same_state || same_start || same_progress || same_inputs || same_warnings || same_submission || newest
    }

    /// Whether the row of one event says anything about the status: a warning, say, doesn't, and a row
    /// that it makes alone is SUBMITTED because it has to be something.
    #[must_use]
    pub(crate) fn tells_status(&self) -> bool {
        self.state.status != Status::Submitted || self.submitted.is_some()
    }

    /// Work was seen at `at`.
    fn working(&mut self, at: Timestamp) {
        self.state = State {
            status: Status::Progressing,
            status_timestamp: at,
            recovered: false,
            end: None,
        };
        self.started_at = Some(at);
    }

    /// A complete job is at 100 %, and no update can say anything else.
    fn with_final_progress(mut self) -> Self {
        if self.state.status == Status::Complete {
            self.progress = Some(ProgressAt {
                progress_timestamp: self.state.status_timestamp,
                progress: Progress {
                    percent_complete: Some(100),
                    ..Progress::default()
                },
            });
        }
        self
    }
}

impl Latest {
    /// Which of two events is the newer one.
    fn moment(&self) -> (Timestamp, Option<Kind>) {
        (self.updated_at, self.updated_by)
    }
}

impl State {
    fn ended(
        status: Status,
        at: Timestamp,
        retention: Retention,
        completion: Completion,
        failure: Failure,
    ) -> Self {
        let end = End {
            finished_at: at,
            expires_at: retention.expiry(at),
            completion,
            failure,
        };
        Self {
            status,
            status_timestamp: at,
            recovered: false,
            end: Some(end),
        }
    }

    fn merge(self, other: Self) -> Self {
        let other_wins = if self.status != other.status {
            other.status > self.status
        } else if self.recovered != other.recovered {
            self.recovered
        } else if self.status.is_terminal() {
            other.status_timestamp < self.status_timestamp
        } else {
            other.status_timestamp > self.status_timestamp
        };
        if other_wins { other } else { self }
    }
}

fn newest<T>(a: Option<T>, b: Option<T>, time: impl Fn(&T) -> Timestamp) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if time(&b) > time(&a) { b } else { a }),
        (a, b) => a.or(b),
    }
}
