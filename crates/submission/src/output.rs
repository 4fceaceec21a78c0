//! Where a job may write: everything lies under `s3://{OUTPUT_BUCKET}/{OUTPUT_PREFIX}`, each job's
//! outputs under a key of their own.

use std::str::FromStr;

use crate::bucket::Bucket;
use crate::invalid_request::quoted;

/// The part of a key that `OUTPUT_PREFIX` gives: empty, or ending in `/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutputPrefix(String);

impl FromStr for OutputPrefix {
    type Err = String;

    fn from_str(prefix: &str) -> Result<Self, Self::Err> {
        if !prefix.is_empty() && !prefix.ends_with('/') {
            return Err("a prefix must end in /".to_owned());
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
    type Err = String;

    /// A slash at the end is dropped, as the destination ends in one anyway.
    fn from_str(key: &str) -> Result<Self, Self::Err> {
        if key.len() > Self::MAX_LENGTH {
            return Err(format!(
                "{} is longer than {} bytes",
                quoted(key),
                Self::MAX_LENGTH
            ));
        }
        check_path(key)?;
        let key = key.strip_suffix('/').unwrap_or(key);
        if key.is_empty() {
            return Err(format!("{} must not be empty", quoted(key)));
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
    pub prefix: OutputPrefix,
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
    pub fn complete(&self, written: &str, job: &str) -> Result<String, String> {
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
    pub fn check(&self, uri: &str) -> Result<(), String> {
        let root = self.root();
        match uri.strip_prefix(&root) {
            Some(key) => check_path(key),
            None => Err(format!("{} must lie under {root}", quoted(uri))),
        }
    }

    fn root(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix.0)
    }
}

/// What must hold of any part of a key: whatever reads it as a path stays inside the prefix.
fn check_path(path: &str) -> Result<(), String> {
    let rule = if path.contains(char::is_control) {
        "contains a control character"
    } else if path.starts_with('/') {
        "must not start with /"
    } else if path.contains("..") {
        "must not contain .."
    } else {
        return Ok(());
    };
    Err(format!("{} {rule}", quoted(path)))
}
