//! Claims that were left behind: an invocation of submit-job ended half-way, and the request never came
//! again.

use std::time::{Duration, SystemTime};

use jobs::table::open_items::{OpenItem, OpenItems};
use startup::logging::with_causes;
use submission::finish::{Finish, LeftBehind};
use tokio::time::timeout;

use crate::metrics::Tally;
use crate::silent_jobs::{Silence, Stopped, pace};

/// As much time as one claim gets.
const FOR_ONE: Duration = Duration::from_secs(30);

/// Finishes what was left behind.
#[derive(Clone, Debug)]
pub struct LeftClaims {
    /// Where they are found.
    pub open: OpenItems,
    /// What finishes them.
    pub finish: Finish,
    /// How long their time must be over: a request that still comes again does it itself.
    pub silence: Silence,
}

impl LeftClaims {
    /// Goes through them, until `until` at most, and as slowly as through the jobs.
    pub(crate) async fn settle(&self, until: SystemTime, tally: &mut Tally) -> Result<(), Stopped> {
        let before = self.silence.before(SystemTime::now());
        let mut pace = pace();
        let mut start = None;
        loop {
            let found = self.open.page(OpenItem::Claim, before, start).await?;
            for claim in found.keys {
                if SystemTime::now() >= until {
                    return Ok(());
                }
                pace.tick().await;
                self.settle_one(&claim, tally).await?;
            }
            start = found.next;
            if start.is_none() {
                return Ok(());
            }
        }
    }

    async fn settle_one(&self, claim: &str, tally: &mut Tally) -> Result<(), Stopped> {
        let deadline = SystemTime::now() + FOR_ONE;
        let Ok(outcome) = timeout(FOR_ONE, self.finish.left_behind(claim, deadline)).await else {
            tracing::warn!(claim, "claim not finished in its time");
            return Ok(());
        };
        match outcome {
            Ok(LeftBehind::Finished(job_id)) => {
                tracing::info!(claim, jobId = %job_id, "submission finished");
                tally.claims_settled += 1;
            }
            Ok(LeftBehind::GivenUp) => {
                tracing::info!(claim, "claim given up: it came to no job");
                tally.claims_settled += 1;
            }
            Ok(LeftBehind::Unrecorded(_) | LeftBehind::NotLeft) => {}
            // One item, and no reason to leave the others.
            Err(error) if error.is_of_one_claim() => {
                tally.stuck_jobs += 1;
                tracing::error!(claim, reason = with_causes(&error), "claim can't be finished");
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
