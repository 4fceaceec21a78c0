//! The jobs table in DynamoDB.
//!
//! Writing never reads first. The first UpdateItem of an event assumes that the event is the newest
//! of its kind and carries the condition under which that is true; an event in order costs this one
//! call. Where the condition fails, DynamoDB returns the row with the refusal
//! (`ReturnValuesOnConditionCheckFailure`), the join tells what is left to add, and a second UpdateItem
//! adds it on condition that the row is still the same. Only another writer changing the same row in
//! between costs more.
//!
//! A row is in the index [`open_items`] from the first write to the one that ends the job; none in
//! between touches it.

pub mod open_items;
mod update;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use serde_dynamo::aws_sdk_dynamodb_1::from_item;

use self::update::{Item, Returns, Update};
use crate::{Job, JobEvent, JobId, Retention, Status, Submission};

/// The table `jobId` is the partition key of.
#[derive(Clone, Debug)]
pub struct JobsTable {
    client: Client,
    name: String,
    retention: Retention,
}

/// What recording did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The row's status now.
    pub status: Status,
    /// What became of the row.
    pub outcome: Outcome,
    /// How long after its submission the job ended, in milliseconds, if this is what ended it.
    pub ended_after: Option<u64>,
}

/// What became of the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It changed.
    Applied,
    /// It already held this very event.
    Duplicate,
    /// The event had nothing to add any more.
    Stale,
}

impl Outcome {
    /// In lower case, as answers and logs write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Duplicate => "duplicate",
            Self::Stale => "stale",
        }
    }
}

/// Nothing is known to be written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB did not do it: out of reach, throttled, too slow, or not permitted.
    #[error("can't write job {job_id} to table {table}")]
    Unavailable {
        /// The job.
        job_id: JobId,
        /// The table.
        table: String,
        /// What the SDK says.
        source: Box<SdkError<UpdateItemError>>,
    },
    /// Somebody else wrote something into the row that the row can't hold.
    #[error("can't read job {job_id} of table {table}; mend or delete the item")]
    Unreadable {
        /// The job.
        job_id: JobId,
        /// The table.
        table: String,
        /// The attribute that is wrong, and why.
        source: serde_dynamo::Error,
    },
}

impl StoreError {
    /// Whether trying again later can help.
    #[must_use]
    pub fn is_curable(&self) -> bool {
        match self {
            Self::Unavailable { source, .. } => {
                let refusal = source.as_service_error().and_then(ProvideErrorMetadata::code);
                refusal != Some("ValidationException")
            }
            Self::Unreadable { .. } => false,
        }
    }
}

/// What DynamoDB made of an update.
enum Write {
    /// With the attributes that were asked for.
    Written(Item),
    /// The condition failed; the row, unless it is gone.
    Refused(Option<Box<Job>>),
}

impl JobsTable {
    /// The table `name`, in which a finished job stays for `retention`.
    #[must_use]
    pub fn new(client: Client, name: String, retention: Retention) -> Self {
        Self {
            client,
            name,
            retention,
        }
    }

    /// Adds an event to its job's row, making the row where there is none.
    ///
    /// # Errors
    /// See [`StoreError`]. Recording the same event again does no harm.
    pub async fn record_event(&self, event: JobEvent) -> Result<Recorded, StoreError> {
        self.record(Job::from_event(event, self.retention)).await
    }

    /// Adds what MediaConvert answered when it was asked for a job, told as the event that would have said
    /// the same ([`Job::from_answer`]).
    ///
    /// # Errors
    /// See [`StoreError`]. Recording the same answer again does no harm.
    pub async fn record_answer(&self, told: JobEvent) -> Result<Recorded, StoreError> {
        self.record(Job::from_answer(told, self.retention)).await
    }

    /// Adds a submission to its job's row, making the row where there is none.
    ///
    /// # Errors
    /// See [`StoreError`]. Recording the same submission again does no harm.
    pub async fn record_submission(
        &self,
        job_id: JobId,
        submission: Submission,
    ) -> Result<Recorded, StoreError> {
        self.record(Job::from_submission(job_id, submission)).await
    }

    /// Joins `alone`, the row one event makes, to the row in the table.
    async fn record(&self, alone: Job) -> Result<Recorded, StoreError> {
        let mut update = Update::in_order(&alone);
        let mut status = alone.state.status;
        let mut ended_after = None;
        loop {
            match self.write(&alone.job_id, update).await? {
                Write::Written(told) => {
                    return Ok(Recorded {
                        status: told_status(&told).unwrap_or(status),
                        outcome: Outcome::Applied,
                        ended_after: ended_after.or_else(|| told_duration(&alone, &told)),
                    });
                }
                Write::Refused(None) => {
                    // Expired and deleted in between: the condition holds for a row that isn't there.
                    update = Update::in_order(&alone);
                    status = alone.state.status;
                    ended_after = None;
                }
                Write::Refused(Some(row)) => {
                    let merged = row.as_ref().clone().merge(alone.clone());
                    status = merged.state.status;
                    if merged == *row {
                        let outcome = if row.holds(&alone) {
                            Outcome::Duplicate
                        } else {
                            Outcome::Stale
                        };
                        return Ok(Recorded {
                            status,
                            outcome,
                            ended_after: None,
                        });
                    }
                    ended_after = duration(&row, &merged);
                    update = Update::between(&row, &merged);
                }
            }
        }
    }

    async fn write(&self, job_id: &JobId, update: Update) -> Result<Write, StoreError> {
        let returned = match update.returns {
            Returns::Nothing => ReturnValue::None,
            Returns::Status => ReturnValue::UpdatedNew,
            Returns::Row => ReturnValue::AllNew,
        };
        let request = self
            .client
            .update_item()
            .table_name(&self.name)
            .key("jobId", AttributeValue::S(job_id.to_string()))
            .update_expression(update.expression)
            .condition_expression(update.condition)
            .set_expression_attribute_names(Some(update.names))
            .set_expression_attribute_values(Some(update.values))
            .return_values(returned)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send();
        // The SDK's future is large, and every caller's would hold it.
        let answer = Box::pin(request).await;
        match answer {
            Ok(output) => Ok(Write::Written(output.attributes.unwrap_or_default())),
            Err(error) => match refused(&error) {
                Some(refused) => {
                    let row = refused.item().map(|item| self.read(job_id, item)).transpose()?;
                    Ok(Write::Refused(row.map(Box::new)))
                }
                None => Err(StoreError::Unavailable {
                    job_id: job_id.clone(),
                    table: self.name.clone(),
                    source: Box::new(error),
                }),
            },
        }
    }

    fn read(&self, job_id: &JobId, item: &Item) -> Result<Job, StoreError> {
        from_item(item.clone()).map_err(|source| StoreError::Unreadable {
            job_id: job_id.clone(),
            table: self.name.clone(),
            source,
        })
    }
}

fn told_status(attributes: &Item) -> Option<Status> {
    let told = attributes.get("status")?.as_s().ok()?;
    Status::ALL.into_iter().find(|status| status.as_str() == told)
}

/// How long the job took that `alone` ended, if DynamoDB answered with its row.
fn told_duration(alone: &Job, attributes: &Item) -> Option<u64> {
    let submitted_at = attributes.get("submittedAt")?.as_n().ok()?.parse().ok()?;
    let finished_at = alone.state.end.as_ref()?.finished_at;
    finished_at.as_millis().checked_sub(submitted_at)
}

/// How long the job took, if it ends by the change from `row` to `merged`.
fn duration(row: &Job, merged: &Job) -> Option<u64> {
    let end = merged.state.end.as_ref().filter(|_| row.state.end.is_none())?;
    let submitted_at = merged.submitted.as_ref()?.submitted_at;
    end.finished_at.as_millis().checked_sub(submitted_at.as_millis())
}

/// The refusal of a condition, with the row that was in the way unless it is gone.
fn refused(error: &SdkError<UpdateItemError>) -> Option<&ConditionalCheckFailedException> {
    match error.as_service_error()? {
        UpdateItemError::ConditionalCheckFailedException(refused) => Some(refused),
        _ => None,
    }
}
