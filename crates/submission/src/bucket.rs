//! S3 buckets: those a job may read from, and the one it writes to.

use std::fmt;
use std::str::FromStr;

/// The name of an S3 bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket(String);

impl Bucket {
    /// The name as S3 writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that can't be the name of a bucket.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens")]
pub struct InvalidBucket;

impl FromStr for Bucket {
    type Err = InvalidBucket;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let fits = (3..=63).contains(&name.len());
        let plain = name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'));
        if fits && plain {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidBucket)
        }
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
