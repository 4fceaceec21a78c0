//! MediaConvert jobs as this stack knows them: the events that report on them, the row that holds
//! what was reported, and the rule that turns the one into the other.
//!
//! EventBridge delivers every event at least once and in no order, so nothing here depends on when
//! an event arrives. [`Job`] is a join-semilattice: each event alone makes a small row, and a job's
//! row is the join of them all ([`Job::merge`]), whatever came first or twice.
//!
//! [`event`], [`job`] and [`submission`] are pure: no clock, no environment, no AWS. [`table`] keeps
//! rows in DynamoDB, with conditional writes that end in the same row as the join.

pub mod event;
pub mod job;
pub mod submission;
pub mod table;
mod values;

pub use event::{JobEvent, Received};
pub use job::{Job, Retention, Status};
pub use submission::Submission;
pub use values::{InputUri, InvalidInputUri, InvalidJobId, InvalidQueueArn, JobId, QueueArn, Timestamp};
