//! The queues a job may wait in. The stack's rules follow the events of these queues only, so a job
//! in any other would never report.

use std::fmt;
use std::str::FromStr;

use crate::invalid_request::quoted;

/// The ARN of a MediaConvert queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueArn(String);

impl QueueArn {
    /// The ARN as AWS writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for QueueArn {
    type Err = &'static str;

    fn from_str(arn: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        match parts[..] {
            ["arn", _, "mediaconvert", _, _, queue] if queue.starts_with("queues/") => {
                Ok(Self(arn.to_owned()))
            }
            _ => Err("a queue's ARN is arn:aws:mediaconvert:REGION:ACCOUNT:queues/NAME"),
        }
    }
}

impl fmt::Display for QueueArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A queue whose events this stack does not follow.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{} is not one of this stack's queues ({})", quoted(.arn), .ours.join(", "))]
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
