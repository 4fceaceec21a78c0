//! The index of what is not finished: the rows of jobs that have not ended, and the claims of
//! submissions that have not come to their job's row.
//!
//! An item is in the index while it has both keys, `openItem` and `checkedAt`. They are written with
//! the item, removed with the write that finishes it, and changed by nobody but who looks after open
//! items; so neither a job's progress nor anything else that happens in between costs the index a
//! write. `checkedAt` is when the item was last known to be in order: at first the time of the event
//! that made it.
//!
//! All items of a kind share a partition. That is as much as it takes: 1,000 writes a second are 500
//! jobs, and MediaConvert creates 5.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::query::QueryError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};

use super::update::Item;
use super::{StoreError, refused};
use crate::{JobId, Timestamp};

/// The index's name.
pub const INDEX: &str = "OpenItems";

/// Its keys.
pub const OPEN_KEYS: [&str; 2] = ["openItem", "checkedAt"];

/// What is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenItem {
    /// A job that has not ended, as far as is known.
    Job,
    /// A claim whose submission is not finished.
    Claim,
}

impl OpenItem {
    fn as_str(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Claim => "claim",
        }
    }

    /// The attributes that put an item into the index.
    #[must_use]
    pub fn keys(self, checked_at: Timestamp) -> Item {
        let [kind, at] = OPEN_KEYS.map(str::to_owned);
        Item::from([
            (kind, AttributeValue::S(self.as_str().to_owned())),
            (at, time(checked_at)),
        ])
    }
}

/// What a look at a job tells.
#[derive(Debug)]
pub enum Look {
    /// There were events since; it needs no looking after before they are old.
    News,
    /// There were none.
    Silent,
    /// It has ended, or somebody else has looked.
    Done,
}

/// The index is out of reach, or not there.
#[derive(Debug, thiserror::Error)]
#[error("can't read index {INDEX} of table {table}")]
pub struct IndexUnavailable {
    table: String,
    source: Box<SdkError<QueryError>>,
}

/// The open items of the jobs table.
#[derive(Clone, Debug)]
pub struct OpenItems {
    client: Client,
    table: String,
}

/// A part of the index, the items unchecked for longest first.
#[derive(Debug, Default)]
pub struct Page {
    /// Their partition keys.
    pub keys: Vec<String>,
    /// Where the next part begins; none after the last.
    pub next: Option<Item>,
}

impl OpenItems {
    /// The open items of `table`.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Those that were last checked before `before`, from `start` on. The index lags behind the table by
    /// moments; each item has to be looked at itself.
    ///
    /// # Errors
    /// See [`IndexUnavailable`].
    pub async fn page(
        &self,
        kind: OpenItem,
        before: Timestamp,
        start: Option<Item>,
    ) -> Result<Page, IndexUnavailable> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(INDEX)
            .key_condition_expression("openItem = :kind AND checkedAt < :before")
            .expression_attribute_values(":kind", AttributeValue::S(kind.as_str().to_owned()))
            .expression_attribute_values(":before", time(before))
            .set_exclusive_start_key(start)
            .limit(100)
            .send();
        let found = Box::pin(query).await.map_err(|error| IndexUnavailable {
            table: self.table.clone(),
            source: Box::new(error),
        })?;
        let keys = found
            .items()
            .iter()
            .filter_map(|item| item.get("jobId")?.as_s().ok());
        Ok(Page {
            keys: keys.cloned().collect(),
            next: found.last_evaluated_key,
        })
    }

    /// Whether there was news of the job between `before` and `now`. If so, it is checked as of its newest
    /// event. One from the future is none: it would put the job off until then.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn look(&self, job_id: &JobId, before: Timestamp, now: Timestamp) -> Result<Look, StoreError> {
        let update = self
            .update(job_id)
            .update_expression("SET checkedAt = updatedAt")
            .condition_expression("checkedAt < :before AND updatedAt BETWEEN :before AND :now")
            .expression_attribute_values(":before", time(before))
            .expression_attribute_values(":now", time(now))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send();
        let Err(error) = Box::pin(update).await else {
            return Ok(Look::News);
        };
        let Some(refused) = refused(&error) else {
            return Err(self.unavailable(job_id, error));
        };
        let checked_at = refused.item().and_then(|row| row.get("checkedAt")?.as_n().ok());
        let checked_at: Option<u64> = checked_at.and_then(|at| at.parse().ok());
        Ok(match checked_at {
            Some(at) if at < before.as_millis() => Look::Silent,
            _ => Look::Done,
        })
    }

    /// The job is open, as MediaConvert said at `now`, or nothing could be learned of it: the others come
    /// first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn checked(&self, job_id: &JobId, now: Timestamp) -> Result<(), StoreError> {
        let update = self
            .update(job_id)
            .update_expression("SET checkedAt = :now")
            .condition_expression("attribute_exists(openItem)")
            .expression_attribute_values(":now", time(now));
        self.done(job_id, Box::pin(update.send()).await)
    }

    /// MediaConvert does not know the job any more, as it said at `now`; it is not looked after any longer.
    /// The row keeps the status it had, and an event that comes late is merged as ever.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn not_found(&self, job_id: &JobId, now: Timestamp) -> Result<(), StoreError> {
        let update = self
            .update(job_id)
            .update_expression("SET notFoundAt = :now REMOVE openItem, checkedAt")
            .condition_expression("attribute_exists(openItem)")
            .expression_attribute_values(":now", time(now));
        self.done(job_id, Box::pin(update.send()).await)
    }

    fn update(&self, job_id: &JobId) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .key("jobId", AttributeValue::S(job_id.to_string()))
    }

    /// A refused condition says that the item is not open any more, which is as good.
    fn done<T>(
        &self,
        job_id: &JobId,
        answer: Result<T, SdkError<UpdateItemError>>,
    ) -> Result<(), StoreError> {
        match answer {
            Err(error) if refused(&error).is_none() => Err(self.unavailable(job_id, error)),
            _ => Ok(()),
        }
    }

    fn unavailable(&self, job_id: &JobId, error: SdkError<UpdateItemError>) -> StoreError {
        StoreError::Unavailable {
            job_id: job_id.clone(),
            table: self.table.clone(),
            source: Box::new(error),
        }
    }
}

fn time(at: Timestamp) -> AttributeValue {
    AttributeValue::N(at.to_string())
}
