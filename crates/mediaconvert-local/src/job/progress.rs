//! How far a job is.

use serde_json::{Map, Value, json};

/// `Job.currentPhase`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Phase {
    /// Reading the input and what is in it.
    Probing,
    /// Encoding the outputs.
    Transcoding,
    /// Writing the outputs to S3.
    Uploading,
}

impl Phase {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Probing, "PROBING"),
        (Self::Transcoding, "TRANSCODING"),
        (Self::Uploading, "UPLOADING"),
    ];
}

/// How far a job is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    /// The phase it is in.
    pub(crate) phase: Phase,
    /// How much of that phase is done, 0 to 100.
    pub(crate) percent: u8,
    /// Frames transcoded since the job began.
    pub(crate) frames: u64,
}

impl Progress {
    /// Probing counts 5 of the 100, transcoding 90, uploading 5: a real job reported 7 % at 2 %
    /// of its transcoding.
    pub(super) fn job_percent(self) -> u8 {
        let percent = f64::from(self.percent);
        let whole = match self.phase {
            Phase::Probing => percent * 0.05,
            Phase::Transcoding => 5.0 + percent * 0.9,
            Phase::Uploading => 95.0 + percent * 0.05,
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a percentage"
        )]
        let whole = whole.round() as u8;
        whole.min(100)
    }

    pub(super) fn phases(self) -> Value {
        let phases = Phase::ALL.map(|(phase, name)| {
            let (status, percent) = match phase.cmp(&self.phase) {
                std::cmp::Ordering::Less => ("COMPLETE", 100),
                std::cmp::Ordering::Equal => ("PROGRESSING", self.percent),
                std::cmp::Ordering::Greater => ("PENDING", 0),
            };
            (
                name.to_owned(),
                json!({"status": status, "percentComplete": percent}),
            )
        });
        Value::Object(Map::from_iter(phases))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_never_fall_from_one_phase_to_the_next() {
        let phases = Phase::ALL.iter().flat_map(|&(phase, _)| {
            (0..=100).map(move |percent| Progress {
                phase,
                percent,
                frames: 0,
            })
        });
        let percents: Vec<u8> = phases.map(Progress::job_percent).collect();

        assert!(percents.is_sorted());
        assert_eq!((percents.first(), percents.last()), (Some(&0), Some(&100)));
    }
}
