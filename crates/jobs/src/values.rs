//! The two values everything else is keyed by.

use std::fmt;
use std::str::FromStr;

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

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
