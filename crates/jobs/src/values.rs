//! Values that everything about jobs is written in. A value that exists is valid.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// The id MediaConvert gave a job, `<13 digits>-<6 characters>` in every sample AWS shows.
///
/// Any short run of ASCII letters, digits, `-` and `_` is taken, in case AWS changes the form.
/// Nothing else is: the table keeps other items too, under keys with a `#`, and no event may name
/// one of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct JobId(String);

/// A text that can't be a job's id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a job id has 1 to {} ASCII letters, digits, `-` and `_`", JobId::MAX_LENGTH)]
pub struct InvalidJobId;

impl JobId {
    const MAX_LENGTH: usize = 128;

    /// The id as AWS writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for JobId {
    type Error = InvalidJobId;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        let fits = (1..=Self::MAX_LENGTH).contains(&id.len());
        let plain = id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if fits && plain {
            Ok(Self(id))
        } else {
            Err(InvalidJobId)
        }
    }
}

impl FromStr for JobId {
    type Err = InvalidJobId;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::try_from(id.to_owned())
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A moment in milliseconds since the epoch, as MediaConvert's `detail.timestamp` counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The end of the year 9999, the last moment RFC 3339 can write.
    pub(crate) const MAX: Self = Self(253_402_300_799_999);

    /// From milliseconds since the epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// In milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

/// Times before the epoch count as the epoch.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The URI of what a job reads, `s3://…` or `https://…` (or `http://…`), as long as MediaConvert takes
/// it. Whether a stack lets a request name it, its submitter decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct InputUri(String);

/// A text that can't be the URI of an input.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidInputUri {
    /// MediaConvert takes no more.
    #[error("is longer than {} bytes", InputUri::MAX_LENGTH)]
    TooLong,
    /// Nothing that reads it could be trusted to read the same.
    #[error("contains a control character")]
    ControlCharacter,
    /// MediaConvert reads from S3 and from web servers.
    #[error("must start with s3:// or https://")]
    Scheme,
}

impl InputUri {
    /// Longest URI MediaConvert takes ([`fileInput`]).
    ///
    /// [`fileInput`]: https://docs.aws.amazon.com/mediaconvert/latest/apireference/jobs.html
    const MAX_LENGTH: usize = 2048;
    const SCHEMES: [&str; 3] = ["s3://", "https://", "http://"];

    /// The URI as its sender wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for InputUri {
    type Error = InvalidInputUri;

    fn try_from(uri: String) -> Result<Self, Self::Error> {
        if uri.len() > Self::MAX_LENGTH {
            return Err(InvalidInputUri::TooLong);
        }
        if uri.contains(char::is_control) {
            return Err(InvalidInputUri::ControlCharacter);
        }
        if !Self::SCHEMES.iter().any(|scheme| uri.starts_with(scheme)) {
            return Err(InvalidInputUri::Scheme);
        }
        Ok(Self(uri))
    }
}

impl FromStr for InputUri {
    type Err = InvalidInputUri;

    fn from_str(uri: &str) -> Result<Self, Self::Err> {
        Self::try_from(uri.to_owned())
    }
}

impl fmt::Display for InputUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The ARN of a MediaConvert queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct QueueArn(String);

/// A text that can't be the ARN of a queue.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a queue's ARN is arn:aws:mediaconvert:REGION:ACCOUNT:queues/NAME")]
pub struct InvalidQueueArn;

impl QueueArn {
    /// The ARN as AWS writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for QueueArn {
    type Error = InvalidQueueArn;

    fn try_from(arn: String) -> Result<Self, Self::Error> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        match parts[..] {
            ["arn", _, "mediaconvert", _, _, queue] if queue.starts_with("queues/") => Ok(Self(arn)),
            _ => Err(InvalidQueueArn),
        }
    }
}

impl FromStr for QueueArn {
    type Err = InvalidQueueArn;

    fn from_str(arn: &str) -> Result<Self, Self::Err> {
        Self::try_from(arn.to_owned())
    }
}

impl fmt::Display for QueueArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_id_never_names_another_item_of_the_table() {
        assert!("1700000000000-abc123".parse::<JobId>().is_ok());
        for id in ["", "idempotency#1", "a b", "é", "a/b", &"x".repeat(129)] {
            assert_eq!(id.parse::<JobId>(), Err(InvalidJobId), "{id:?}");
        }
    }
}
