//! Generated jobs, and the merge rule said a second time: attribute by attribute over the set of
//! events, as the contract's table has it, with no join and no order.

use std::collections::BTreeSet;

use jobs::{JobEvent, JobId, Received, Submission, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// In the order in which, of events with one time, the later one tells `queue` and `userMetadata`.
const STATUSES: [&str; 8] = [
    "PROGRESSING",
    "STATUS_UPDATE",
    "INPUT_INFORMATION",
    "NEW_WARNING",
    "QUEUE_HOP",
    "CANCELED",
    "ERROR",
    "COMPLETE",
];

/// The kind of happening that a submission is.
const SUBMISSION: &str = "SUBMISSION";

/// The kind of happening that an answer of MediaConvert's is, and what it can tell.
const ANSWER: &str = "ANSWER";
const ANSWERED: [&str; 4] = ["PROGRESSING", "CANCELED", "ERROR", "COMPLETE"];

pub(crate) const RETENTION_DAYS: u32 = 15;

/// Everything that happens to one job.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) job_id: JobId,
    pub(crate) happenings: BTreeSet<Happening>,
    /// Decides which optional members are there.
    seed: u64,
}

/// One event, the submission, or what MediaConvert answered when it was asked: what identifies it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Happening {
    Submission { at: u64 },
    Answer { status: &'static str, at: u64 },
    Event { status: &'static str, at: u64 },
}

/// What is handed to the code under test.
pub(crate) enum Delivery {
    Event(JobEvent),
    Answer(JobEvent),
    Submission(Submission),
}

/// A job's life with an order to deliver it in: each happening once to three times, shuffled.
pub(crate) fn deliveries() -> impl Strategy<Value = (Life, Vec<Happening>)> {
    // Few different times, so that many are equal.
    lives(vec((0..STATUSES.len(), 0_u64..10), 1..30))
}

/// Like [`deliveries`], of jobs with more warnings than a row keeps.
pub(crate) fn deliveries_with_many_warnings() -> impl Strategy<Value = (Life, Vec<Happening>)> {
    let warning = STATUSES
        .iter()
        .position(|status| *status == "NEW_WARNING")
        .unwrap();
    let warnings = vec((Just(warning), 0_u64..200), 105..140);
    let others = vec((0..STATUSES.len(), 0_u64..10), 0..10);
    lives((warnings, others).prop_map(|(warnings, others)| [warnings, others].concat()))
}

fn lives(events: impl Strategy<Value = Vec<(usize, u64)>>) -> impl Strategy<Value = (Life, Vec<Happening>)> {
    (
        events,
        vec((0..ANSWERED.len(), 0_u64..10), 0..4),
        prop::option::of(0_u64..10),
        any::<u64>(),
        "[0-9]{13}-[a-z0-9]{6}",
    )
        .prop_map(|(events, answers, submitted, seed, job_id)| {
            let events = events.into_iter().map(|(status, at)| Happening::Event {
                status: STATUSES[status],
                at,
            });
            let answers = answers.into_iter().map(|(status, at)| Happening::Answer {
                status: ANSWERED[status],
                at,
            });
            let submission = submitted.map(|at| Happening::Submission { at });
            Life {
                job_id: job_id.parse().unwrap(),
                happenings: events.chain(answers).chain(submission).collect(),
                seed,
            }
        })
        .prop_flat_map(|life| {
            let happenings: Vec<_> = life.happenings.iter().copied().collect();
            let repetitions = vec(1_usize..=3, happenings.len());
            (Just(life), Just(happenings), repetitions)
        })
        .prop_flat_map(|(life, happenings, repetitions)| {
            let order: Vec<_> = happenings
                .into_iter()
                .zip(repetitions)
                .flat_map(|(one, n)| std::iter::repeat_n(one, n))
                .collect();
            (Just(life), Just(order).prop_shuffle())
        })
}

impl Life {
    pub(crate) fn deliver(&self, happening: Happening) -> Delivery {
        match happening {
            Happening::Event { status, at } => {
                Delivery::Event(read(&self.event(status, status, at, self.details(status, at))))
            }
            Happening::Answer { status, at } => {
                Delivery::Answer(read(&self.event(ANSWER, status, at, self.answered(status, at))))
            }
            Happening::Submission { at } => Delivery::Submission(self.submission(at)),
        }
    }

    /// Whether the optional member `name` of the happening at `at` is there.
    fn has(&self, name: &str, at: u64) -> bool {
        let mixed = name.bytes().fold(self.seed ^ (at << 7), |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        mixed.count_ones() % 4 != 0
    }

    /// Another one for each kind of event, also at one time: a job hops between two events.
    fn queue(&self, kind: &str, at: u64) -> Option<String> {
        let name = format!("{kind}-{}", at % 3);
        self.has(&format!("{kind}queue"), at)
            .then(|| format!("arn:aws:mediaconvert:us-east-1:111122223333:queues/{name}"))
    }

    fn user_metadata(&self, kind: &str, at: u64) -> Value {
        if self.has(&format!("{kind}userMetadata"), at) {
            json!({"mediaId": format!("{kind} at {at}")})
        } else {
            json!({})
        }
    }

    fn submission(&self, at: u64) -> Submission {
        Submission {
            profile: self.has("profile", at).then(|| "mp4".to_owned()),
            idempotency_key: self.has("idempotencyKey", at).then(|| "media-42".to_owned()),
            queue: self.queue(SUBMISSION, at).map(|queue| queue.parse().unwrap()),
            user_metadata: Some(
                self.user_metadata(SUBMISSION, at)
                    .as_object()
                    .unwrap()
                    .iter()
                    .map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned()))
                    .collect(),
            ),
            ..submission(at)
        }
    }

    fn event(&self, kind: &str, status: &str, at: u64, details: Map<String, Value>) -> Value {
        let mut detail = json!({
            "timestamp": at,
            "jobId": self.job_id,
            "status": status,
            "userMetadata": self.user_metadata(kind, at),
        });
        let members = detail.as_object_mut().unwrap();
        if let Some(queue) = self.queue(kind, at) {
            members.insert("queue".to_owned(), json!(queue));
        }
        members.extend(details);
        json!({"source": "aws.mediaconvert", "detail-type": "MediaConvert Job State Change", "detail": detail})
    }

    /// Never what the event of that time says.
    fn answered(&self, status: &str, at: u64) -> Map<String, Value> {
        self.details(status, at + 1000)
    }

    fn details(&self, status: &str, at: u64) -> Map<String, Value> {
        let mut details = Map::new();
        let mut optional = |name: &str, value: Value| {
            if self.has(&format!("{status}{name}"), at) {
                details.insert(name.to_owned(), value);
            }
        };
        match status {
            "STATUS_UPDATE" => {
                let mut progress = Map::new();
                for (name, value) in [
                    ("jobPercentComplete", json!(at * 10)),
                    ("currentPhase", json!("TRANSCODING")),
                    ("retryCount", json!(at % 2)),
                ] {
                    if self.has(name, at) {
                        progress.insert(name.to_owned(), value);
                    }
                }
                optional("jobProgress", Value::Object(progress));
            }
            "INPUT_INFORMATION" => optional(
                "inputDetails",
                json!([{"id": 1, "frameRate": at}, {"data": null}]),
            ),
            "COMPLETE" => {
                optional(
                    "outputGroupDetails",
                    json!([
                        {"type": "FILE_GROUP", "outputDetails": [{"outputFilePaths": [format!("s3://o/{at}.mp4")],
                            "durationInMs": at, "videoDetails": {"widthInPx": 2, "qvbrAvgQuality": 7.25}}]},
                        {"type": "CMAF_GROUP", "playlistFilePaths": [format!("s3://o/{at}.mpd")],
                            "outputDetails": [{"durationInMs": at}]},
                    ]),
                );
                optional("warnings", json!([{"code": 230_001, "count": at}]));
            }
            "ERROR" => {
                optional("errorCode", json!(1000 + at));
                optional("errorMessage", json!(format!("error at {at}")));
            }
            "NEW_WARNING" => {
                // Few different ones early on, and as many as there are later.
                let code = 100_000 + if at < 10 { at % 3 } else { at };
                optional("warningCode", json!(code.to_string()));
                optional("warningMessage", json!("take care"));
            }
            _ => {}
        }
        details
    }

    /// The row the contract's table demands for this set of happenings, as JSON.
    pub(crate) fn expected_row(&self) -> Value {
        let submitted = self.submission_time();
        let (newest, kind) = self.newest();
        let mut row = json!({"jobId": self.job_id, "updatedAt": newest});
        set(&mut row, "updatedBy", (kind != ANSWER).then(|| kind.into()));
        set(&mut row, "queue", self.queue(kind, newest).map(Value::from));
        set(&mut row, "userMetadata", Some(self.user_metadata(kind, newest)));
        set(
            &mut row,
            "startedAt",
            self.times(&["PROGRESSING", "STATUS_UPDATE"])
                .min()
                .map(Value::from),
        );
        self.expect_status(&mut row, submitted);
        self.expect_progress(&mut row);
        if let Some(at) = self.times(&["INPUT_INFORMATION"]).max() {
            let details = self.details("INPUT_INFORMATION", at).remove("inputDetails");
            set(
                &mut row,
                "inputDetails",
                Some(details.unwrap_or_else(|| json!([]))),
            );
            set(&mut row, "inputDetailsTimestamp", Some(at.into()));
        }
        let warnings = self.warnings();
        set(
            &mut row,
            "warnings",
            (!warnings.is_empty()).then(|| json!(warnings)),
        );
        if let Some(at) = submitted {
            let submission = self.submission(at);
            set(&mut row, "submittedAt", Some(at.into()));
            set(&mut row, "input", Some(submission.input.as_str().into()));
            set(&mut row, "destination", Some(submission.destination.into()));
            set(&mut row, "profile", submission.profile.map(Value::from));
            set(
                &mut row,
                "idempotencyKey",
                submission.idempotency_key.map(Value::from),
            );
        }
        row
    }

    /// Whether the row of everything that happened tells anything of this.
    pub(crate) fn still_tells(&self, happening: Happening) -> bool {
        let (status, at) = match happening {
            Happening::Submission { .. } => return true,
            Happening::Answer { status, at } => {
                return self.newest() == (at, ANSWER) || self.state() == Some((status, at, true));
            }
            Happening::Event { status, at } => (status, at),
        };
        let first = |kinds: &[&str]| self.times(kinds).min() == Some(at);
        let last = |kinds: &[&str]| self.times(kinds).max() == Some(at);
        let work = ["PROGRESSING", "STATUS_UPDATE"];
        let ended = self.state().is_some_and(|(status, ..)| status != "PROGRESSING");
        let working = first(&work) || (!ended && last(&work));
        let newest = self.newest() == (at, status);
        newest
            || match status {
                "PROGRESSING" => working,
                "STATUS_UPDATE" => working || (last(&[status]) && !self.is_complete()),
                "INPUT_INFORMATION" => last(&[status]),
                "NEW_WARNING" => self.warning(at).is_some(),
                "QUEUE_HOP" => false,
                _ => self.state() == Some((status, at, false)),
            }
    }

    /// The status that wins, with its time and whether an answer alone tells it; none while the job has not
    /// begun.
    fn state(&self) -> Option<(&'static str, u64, bool)> {
        let ended = ["COMPLETE", "ERROR", "CANCELED"].into_iter().find_map(|status| {
            let told = self.times(&[status]).min().map(|at| (status, at, false));
            told.or_else(|| self.answers(status).min().map(|at| (status, at, true)))
        });
        ended.or_else(|| {
            let told = self.times(&["PROGRESSING", "STATUS_UPDATE"]).max();
            told.map(|at| ("PROGRESSING", at, false)).or_else(|| {
                let answered = self.answers("PROGRESSING").max();
                answered.map(|at| ("PROGRESSING", at, true))
            })
        })
    }

    fn is_complete(&self) -> bool {
        self.state().is_some_and(|(status, ..)| status == "COMPLETE")
    }

    fn expect_status(&self, row: &mut Value, submitted: Option<u64>) {
        let state = self.state();
        let (status, at, recovered) = state.unwrap_or(("SUBMITTED", submitted.unwrap_or(0), false));
        set(row, "status", Some(status.into()));
        set(row, "statusTimestamp", Some(at.into()));
        set(row, "recovered", recovered.then(|| true.into()));
        if ["SUBMITTED", "PROGRESSING"].contains(&status) {
            return;
        }
        let details = if recovered {
            self.answered(status, at)
        } else {
            self.details(status, at)
        };
        set(row, "finishedAt", Some(at.into()));
        set(
            row,
            "expiresAt",
            Some((at / 1000 + u64::from(RETENTION_DAYS) * 86_400).into()),
        );
        set(row, "errorCode", details.get("errorCode").cloned());
        set(row, "errorMessage", details.get("errorMessage").cloned());
        set(row, "warningCounts", details.get("warnings").cloned());
        if details.contains_key("outputGroupDetails") {
            let at = if recovered { at + 1000 } else { at };
            let outputs = json!([
                {"group": "FILE_GROUP", "paths": [format!("s3://o/{at}.mp4")], "durationMs": at, "width": 2,
                    "qvbrAvgQuality": 7.25},
                {"group": "CMAF_GROUP", "durationMs": at},
            ]);
            set(row, "outputs", Some(outputs));
            set(row, "playlists", Some(json!([format!("s3://o/{at}.mpd")])));
        }
    }

    fn expect_progress(&self, row: &mut Value) {
        if let Some(("COMPLETE", at, _)) = self.state() {
            set(row, "percentComplete", Some(100.into()));
            set(row, "progressTimestamp", Some(at.into()));
        } else if let Some(at) = self.times(&["STATUS_UPDATE"]).max() {
            let details = self.details("STATUS_UPDATE", at);
            let told = |name: &str| details.get("jobProgress")?.get(name).cloned();
            set(row, "progressTimestamp", Some(at.into()));
            set(row, "percentComplete", told("jobPercentComplete"));
            set(row, "currentPhase", told("currentPhase"));
            set(row, "retryCount", told("retryCount"));
        }
    }

    /// Every warning there was. Of more than a row keeps, it is unspecified which ones stay.
    pub(crate) fn warnings(&self) -> BTreeSet<String> {
        let times = self.times(&["NEW_WARNING"]);
        times.filter_map(|at| self.warning(at)).collect()
    }

    fn warning(&self, at: u64) -> Option<String> {
        let details = self.details("NEW_WARNING", at);
        let words: Vec<_> = ["warningCode", "warningMessage"]
            .iter()
            .filter_map(|name| details.get(*name)?.as_str())
            .collect();
        (!words.is_empty()).then(|| words.join(" "))
    }

    fn times(&self, statuses: &[&str]) -> impl Iterator<Item = u64> {
        self.happenings
            .iter()
            .filter_map(move |happening| match happening {
                Happening::Event { status, at } if statuses.contains(status) => Some(*at),
                _ => None,
            })
    }

    fn answers(&self, of: &str) -> impl Iterator<Item = u64> {
        self.happenings
            .iter()
            .filter_map(move |happening| match happening {
                Happening::Answer { status, at } if *status == of => Some(*at),
                _ => None,
            })
    }

    fn submission_time(&self) -> Option<u64> {
        self.happenings.iter().find_map(|happening| match happening {
            Happening::Submission { at } => Some(*at),
            Happening::Event { .. } | Happening::Answer { .. } => None,
        })
    }

    /// The newest time, and of the happenings at that time the kind that comes last.
    fn newest(&self) -> (u64, &'static str) {
        let kinds = [ANSWER, SUBMISSION].into_iter().chain(STATUSES);
        let ranked = self.happenings.iter().map(|happening| {
            let (at, happened) = match happening {
                Happening::Submission { at } => (*at, SUBMISSION),
                Happening::Answer { at, .. } => (*at, ANSWER),
                Happening::Event { status, at } => (*at, *status),
            };
            (
                at,
                kinds.clone().position(|kind| kind == happened).unwrap(),
                happened,
            )
        });
        let (at, _, kind) = ranked.max().unwrap();
        (at, kind)
    }
}

/// An event of one certain job, with these members of `detail` besides what identifies it.
pub(crate) fn event(status: &str, at: u64, members: Value) -> JobEvent {
    let mut detail = json!({"jobId": "1700000000000-abc123", "status": status, "timestamp": at});
    let Value::Object(members) = members else {
        panic!("{members} is not an object")
    };
    detail.as_object_mut().unwrap().extend(members);
    read(&json!({ "detail": detail }))
}

/// The least that a submission tells.
pub(crate) fn submission(at: u64) -> Submission {
    Submission {
        submitted_at: Timestamp::from_millis(at),
        input: "s3://media/in.mov".parse().unwrap(),
        profile: None,
        destination: "s3://media/out/".to_owned(),
        idempotency_key: None,
        queue: None,
        user_metadata: None,
    }
}

fn read(payload: &Value) -> JobEvent {
    match JobEvent::from_json(payload.to_string().as_bytes()).unwrap() {
        Received::Event(event) => event,
        Received::UnknownStatus { status, .. } => panic!("{status} is unknown"),
    }
}

fn set(row: &mut Value, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        row[name] = value;
    }
}
