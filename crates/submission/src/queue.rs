//! The queues a job may wait in. The stack's rules follow the events of these queues only, so a job
//! in any other would never report.

use jobs::QueueArn;

use crate::invalid_request::quoted;

/// A queue whose events this stack does not follow.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{} is not one of this stack's queues, by QueueName and ExtraQueueArns ({})", quoted(.arn), .ours.join(", "))]
pub struct UnknownQueue {
    arn: String,
    ours: Vec<String>,
}

/// `MEDIACONVERT_QUEUE_ARN` and `EXTRA_QUEUE_ARNS`.
#[derive(Clone, Debug)]
pub struct Queues {
    /// The queue of a request that names none.
    pub own: QueueArn,
    /// The others a request may name.
    pub extra: Vec<QueueArn>,
}

impl Queues {
    /// Every queue a job may be in.
    pub fn all(&self) -> impl Iterator<Item = &QueueArn> {
        std::iter::once(&self.own).chain(&self.extra)
    }

    /// The queue of that ARN, where it is one of ours.
    ///
    /// # Errors
    /// The value and the queues it could be.
    pub fn find(&self, arn: &str) -> Result<&QueueArn, UnknownQueue> {
        let found = self.all().find(|queue| queue.as_str() == arn);
        found.ok_or_else(|| UnknownQueue {
            arn: arn.to_owned(),
            ours: self.all().map(QueueArn::to_string).collect(),
        })
    }
}
