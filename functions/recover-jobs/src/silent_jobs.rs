//! Jobs that nothing is heard of.
//!
//! A check goes through the index of open jobs, those first that were not looked at for longest. A job
//! with news is put off until the news is old, at the cost of one write and no read; of any other
//! MediaConvert is asked, at its pace. Whatever comes of it, the job is looked at again only after all
//! others: a check that ends before it is through leaves off where the next one begins.

use std::num::ParseIntError;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use aws_sdk_mediaconvert::types::Job;
use jobs::table::open_items::{IndexUnavailable, Look, OpenItem, OpenItems};
use jobs::table::{JobsTable, Outcome, StoreError};
use jobs::{JobId, Timestamp};
use startup::logging::with_causes;
use submission::finish::NotFinished;
use submission::mediaconvert::{CallFailed, MediaConvert};
use submission::patience::Patience;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::answer::Answer;
use crate::metrics::Tally;
use crate::outputs::{OutputsUnavailable, StoredOutputs};

/// `GetJob` takes 2 calls a second of an account in a Region ([quota]); the application's own need
/// some.
///
/// [quota]: https://docs.aws.amazon.com/general/latest/gr/mediaconvert.html
const PACE: Duration = Duration::from_millis(600);

/// Ticks at that pace, and never faster to make up for a slow call.
pub(crate) fn pace() -> Interval {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}

/// How long no event has to come before a job, or a claim, counts as left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence(Duration);

impl Default for Silence {
    fn default() -> Self {
        Self(Duration::from_mins(30))
    }
}

impl FromStr for Silence {
    type Err = ParseIntError;

    /// A number of minutes.
    fn from_str(minutes: &str) -> Result<Self, Self::Err> {
        let minutes: u32 = minutes.parse()?;
        Ok(Self(Duration::from_secs(u64::from(minutes) * 60)))
    }
}

impl Silence {
    /// What was last heard of before this is silent.
    pub(crate) fn before(self, now: SystemTime) -> Timestamp {
        now.checked_sub(self.0).unwrap_or(SystemTime::UNIX_EPOCH).into()
    }
}

/// Why a check ended before it was through. The next one goes on from there.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the variants are what their errors say")]
pub enum Stopped {
    #[error(transparent)]
    Index(#[from] IndexUnavailable),
    #[error(transparent)]
    Table(#[from] StoreError),
    #[error("can't ask MediaConvert for job {job_id}: {source}")]
    MediaConvert { job_id: JobId, source: CallFailed },
    #[error(transparent)]
    Outputs(#[from] OutputsUnavailable),
    #[error(transparent)]
    Claim(#[from] NotFinished),
}

/// Looks after open jobs.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the parts are what their types say")]
pub struct SilentJobs {
    pub open: OpenItems,
    pub jobs: JobsTable,
    pub mediaconvert: MediaConvert,
    pub outputs: StoredOutputs,
    /// How long a job must be silent.
    pub silence: Silence,
}

impl SilentJobs {
    /// Goes through them, until `until` at most. One that can't be recovered keeps none of the others from it;
    /// the last such one is what the check fails with.
    pub(crate) async fn check(&self, until: SystemTime, tally: &mut Tally) -> Result<(), Stopped> {
        let mut failed = Ok(());
        let before = self.silence.before(SystemTime::now());
        let mut pace = pace();
        let mut start = None;
        loop {
            let found = self.open.page(OpenItem::Job, before, start).await?;
            for job_id in found.keys.iter().filter_map(|key| key.parse().ok()) {
                if SystemTime::now() >= until {
                    return failed;
                }
                match self.look_after(&job_id, before, until, &mut pace, tally).await {
                    Err(stopped) if stopped.ends_all() => return Err(stopped),
                    Err(stopped) => failed = Err(stopped),
                    Ok(()) => {}
                }
            }
            start = found.next;
            if start.is_none() {
                return failed;
            }
        }
    }

    async fn look_after(
        &self,
        job_id: &JobId,
        before: Timestamp,
        until: SystemTime,
        pace: &mut Interval,
        tally: &mut Tally,
    ) -> Result<(), Stopped> {
        match self.open.look(job_id, before, SystemTime::now().into()).await? {
            Look::News | Look::Done => return Ok(()),
            Look::Silent => {}
        }
        pace.tick().await;
        let asked = self.ask(job_id, until, tally).await;
        if let Err(stopped) = &asked {
            tracing::error!(jobId = %job_id, reason = with_causes(stopped), "silent job not recovered");
            tally.stuck_jobs += u64::from(!stopped.ends_all());
            // Or it would be the first one of every check, and keep all others from being asked for.
            self.open.checked(job_id, SystemTime::now().into()).await?;
        }
        asked
    }

    /// What MediaConvert says of the job goes to its row.
    async fn ask(&self, job_id: &JobId, until: SystemTime, tally: &mut Tally) -> Result<(), Stopped> {
        let now = SystemTime::now();
        tally.jobs_asked += 1;
        let Some(job) = self.get_job(job_id, until).await? else {
            tally.jobs_not_found += 1;
            tracing::warn!(jobId = %job_id, "MediaConvert does not know the job any more");
            return Ok(self.open.not_found(job_id, now.into()).await?);
        };
        let answer = Answer::new(&job, now.into());
        if let Some(told) = answer.event(job_id, &self.outputs).await? {
            let event_status = told.change.status();
            let recorded = self.jobs.record_answer(told).await?;
            if recorded.outcome == Outcome::Applied {
                tally.jobs_recovered += 1;
                tracing::info!(jobId = %job_id, eventStatus = event_status, status = recorded.status.as_str(), "job recovered");
            }
        }
        if !answer.has_ended() {
            tally.stuck_jobs += u64::from(answer.is_stuck());
            self.open.checked(job_id, now.into()).await?;
        }
        Ok(())
    }

    /// Others may be using up the quota at the moment.
    async fn get_job(&self, job_id: &JobId, until: SystemTime) -> Result<Option<Job>, Stopped> {
        let mut patience = Patience::before(until, Duration::ZERO);
        loop {
            match self.mediaconvert.job(job_id).await {
                Ok(job) => return Ok(job),
                Err(CallFailed::Throttled(_)) if patience.pause().await => {}
                Err(source) => {
                    let job_id = job_id.clone();
                    return Err(Stopped::MediaConvert { job_id, source });
                }
            }
        }
    }
}

impl Stopped {
    /// Whether the other jobs would meet the same.
    fn ends_all(&self) -> bool {
        match self {
            Self::Table(error) => error.is_curable(),
            Self::MediaConvert { source, .. } => source.is_curable(),
            Self::Index(_) | Self::Outputs(_) | Self::Claim(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_minutes() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(1);
        assert_eq!(Silence::default().before(now), Timestamp::from_millis(1_800_000));
        let none: Silence = "0".parse().unwrap();
        assert_eq!(none.before(now), Timestamp::from_millis(3_600_000));
        assert!("half".parse::<Silence>().is_err());
    }
}
