//! Where a job may write: everything lies under `s3://{OUTPUT_BUCKET}/{OUTPUT_PREFIX}`, each job's
//! outputs under a key of their own.

use std::str::FromStr;

use crate::bucket::Bucket;
use crate::invalid_request::quoted;

/// A path or URI that nothing may be written to.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{} {rule}", quoted(path))]
pub struct InvalidOutput {
    path: String,
    rule: OutputRule,
}

/// What must hold of any part of a key: whatever reads it as a path stays inside the prefix.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
enum OutputRule {
    #[error("contains a control character")]
    ControlCharacter,
    #[error("must not start with /")]
    LeadingSlash,
    #[error("must not contain ..")]
    ParentFolder,
    #[error("must end in /")]
    NoFolder,
    #[error("must not be empty")]
    Empty,
    #[error("is longer than {} bytes", OutputKey::MAX_LENGTH)]
    TooLong,
    #[error("must lie under {root}, by MediaBucketName and OutputPrefix")]
    Outside { root: String },
}

impl OutputRule {
    fn broken_by(self, path: &str) -> InvalidOutput {
        InvalidOutput {
            path: path.to_owned(),
            rule: self,
        }
    }
}

/// The first part of a key, such as `OUTPUT_PREFIX` gives it: empty, or ending in `/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// As keys begin with it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether one of the two lies under the other, or both are the same.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0) || other.0.starts_with(&self.0)
    }
}

impl FromStr for Prefix {
    type Err = InvalidOutput;

    /// `/` is the whole bucket too, for people who can't type nothing.
    fn from_str(prefix: &str) -> Result<Self, Self::Err> {
        if matches!(prefix, "" | "/") {
            return Ok(Self::default());
        }
        if !prefix.ends_with('/') {
            return Err(OutputRule::NoFolder.broken_by(prefix));
        }
        check_path(prefix)?;
        Ok(Self(prefix.to_owned()))
    }
}

/// The part of a key that tells one job's outputs from another's, such as `media/42`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputKey(String);

impl OutputKey {
    /// S3 keys have 1,024 bytes; this leaves the prefix and the files' names their share.
    const MAX_LENGTH: usize = 512;

    /// A key of a job's own: the token that no other job is created under.
    #[must_use]
    pub fn unique(client_request_token: &str) -> Self {
        Self(client_request_token.to_owned())
    }
}

impl FromStr for OutputKey {
    type Err = InvalidOutput;

    /// A slash at the end is dropped, as the destination ends in one anyway.
    fn from_str(key: &str) -> Result<Self, Self::Err> {
        if key.len() > Self::MAX_LENGTH {
            return Err(OutputRule::TooLong.broken_by(key));
        }
        check_path(key)?;
        let key = key.strip_suffix('/').unwrap_or(key);
        if key.is_empty() {
            return Err(OutputRule::Empty.broken_by(key));
        }
        Ok(Self(key.to_owned()))
    }
}

/// The bucket and prefix all outputs lie under.
#[derive(Clone, Debug)]
pub struct Outputs {
    /// `OUTPUT_BUCKET`.
    pub bucket: Bucket,
    /// `OUTPUT_PREFIX`.
    pub prefix: Prefix,
}

impl Outputs {
    /// The prefix of one job's outputs, `s3://…/`.
    #[must_use]
    pub fn destination(&self, key: &OutputKey) -> String {
        format!("{}{}/", self.root(), key.0)
    }

    /// Completes a destination as the settings give it: one that is absent or relative lies under
    /// the job's own, a whole URI under our prefix.
    ///
    /// # Errors
    /// The value and the rule it breaks.
    pub fn complete(&self, written: &str, job: &str) -> Result<String, InvalidOutput> {
        if written.contains("://") {
            self.check(written)?;
            return Ok(written.to_owned());
        }
        check_path(written)?;
        Ok(format!("{job}{written}"))
    }

    /// Checks that a whole URI lies under our prefix.
    ///
    /// # Errors
    /// The value and the rule it breaks.
    pub fn check(&self, uri: &str) -> Result<(), InvalidOutput> {
        let root = self.root();
        match uri.strip_prefix(&root) {
            Some(key) => check_path(key),
            None => Err(OutputRule::Outside { root }.broken_by(uri)),
        }
    }

    /// Whether an object of the bucket `bucket` lies where outputs do. Unlike [`check`](Self::check)
    /// this takes any name: outputs are called after inputs, and those as their owners like.
    #[must_use]
    pub fn include(&self, bucket: &str, key: &str) -> bool {
        bucket == self.bucket.as_str() && key.starts_with(&self.prefix.0)
    }

    fn root(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix.0)
    }
}

fn check_path(path: &str) -> Result<(), InvalidOutput> {
    let rule = if path.contains(char::is_control) {
        OutputRule::ControlCharacter
    } else if path.starts_with('/') {
        OutputRule::LeadingSlash
    } else if path.contains("..") {
        OutputRule::ParentFolder
    } else {
        return Ok(());
    };
    Err(rule.broken_by(path))
}
