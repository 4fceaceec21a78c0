//! Where a job may read from: its input, and whatever else its settings make MediaConvert fetch.
//!
//! MediaConvert fetches with the service role's rights and from AWS's network, so a caller who
//! could name any URI could read what only this stack may.

use jobs::{InputUri, InvalidInputUri};
use url::Url;

use crate::bucket::Bucket;
use crate::hosts::{Hosts, InvalidHost};
use crate::invalid_request::quoted;

/// A URI that no job may read from.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{} {rule}", quoted(uri))]
pub struct InvalidInput {
    uri: String,
    rule: InputRule,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
enum InputRule {
    #[error(transparent)]
    Uri(#[from] InvalidInputUri),
    #[error("is plain http, which is taken only where AllowHttpInputs is true; use https or s3")]
    PlainHttp,
    #[error("names bucket {}, which is not one of InputBucketNames or the media bucket ({})", quoted(.name), .allowed.join(", "))]
    Bucket { name: String, allowed: Vec<String> },
    #[error("names no object; s3://bucket/key does")]
    NoObject,
    #[error("names no file")]
    NoFile,
    #[error("may hold printable ASCII without spaces and backslashes only; percent-encode the rest")]
    Characters,
    #[error("is not a URL")]
    NoUrl,
    #[error("has user information; MediaConvert reads public URLs only")]
    UserInformation,
    #[error("has a query; MediaConvert can't read URLs with parameters, presigned ones included")]
    Query,
    #[error("has a fragment; percent-encode a # that belongs to the path")]
    Fragment,
    #[error("names no host")]
    NoHost,
    #[error(transparent)]
    Host(#[from] InvalidHost),
    #[error("must spell its host {0}")]
    Spelling(String),
}

/// What inputs may name: `InputBucketNames` with the media bucket, `InputHosts`, `AllowHttpInputs`.
#[derive(Clone, Debug)]
pub struct InputRules {
    /// Buckets an `s3://` URI may name.
    pub buckets: Vec<Bucket>,
    /// Hosts a URL may name.
    pub hosts: Hosts,
    /// Whether `http://` will do.
    pub http: bool,
}

impl InputRules {
    /// Parses a URI that keeps the rules.
    ///
    /// # Errors
    /// The value and the rule it breaks.
    pub fn parse(&self, uri: &str) -> Result<InputUri, InvalidInput> {
        self.check(uri).map_err(|rule| rule.broken_by(uri))
    }

    /// Like [`parse`](Self::parse), of a URI that must name one file.
    ///
    /// # Errors
    /// The value and the rule it breaks.
    pub fn parse_file(&self, uri: &str) -> Result<InputUri, InvalidInput> {
        let input = self.parse(uri)?;
        // At a folder or a host there can be none.
        if uri.ends_with('/') || uri.matches('/').count() < 3 {
            return Err(InputRule::NoFile.broken_by(uri));
        }
        Ok(input)
    }

    fn check(&self, text: &str) -> Result<InputUri, InputRule> {
        let uri: InputUri = text.parse()?;
        match text.strip_prefix("s3://") {
            Some(object) => self.check_object(object)?,
            None if text.starts_with("http://") && !self.http => return Err(InputRule::PlainHttp),
            None => self.check_url(text)?,
        }
        Ok(uri)
    }

    fn check_object(&self, object: &str) -> Result<(), InputRule> {
        let (bucket, key) = object.split_once('/').unwrap_or((object, ""));
        if !self.buckets.iter().any(|allowed| allowed.as_str() == bucket) {
            return Err(InputRule::Bucket {
                name: bucket.to_owned(),
                allowed: self.buckets.iter().map(Bucket::to_string).collect(),
            });
        }
        if key.is_empty() {
            return Err(InputRule::NoObject);
        }
        Ok(())
    }

    fn check_url(&self, uri: &str) -> Result<(), InputRule> {
        // The URL standard drops tabs and reads a backslash as a slash; MediaConvert may not.
        if uri.contains(|c: char| !c.is_ascii_graphic() || c == '\\') {
            return Err(InputRule::Characters);
        }
        let url = Url::parse(uri).map_err(|_| InputRule::NoUrl)?;
        if !url.username().is_empty() || url.password().is_some() || authority(uri).contains('@') {
            return Err(InputRule::UserInformation);
        }
        if url.query().is_some() {
            return Err(InputRule::Query);
        }
        if url.fragment().is_some() {
            return Err(InputRule::Fragment);
        }
        let host = url.host().ok_or(InputRule::NoHost)?;
        self.hosts.check(&host)?;
        // Two readers of one URL may find different hosts in it; only one spelling of a host is safe.
        if !spelled_host(uri).eq_ignore_ascii_case(&host.to_string()) {
            return Err(InputRule::Spelling(host.to_string()));
        }
        Ok(())
    }
}

impl InputRule {
    fn broken_by(self, uri: &str) -> InvalidInput {
        InvalidInput {
            uri: uri.to_owned(),
            rule: self,
        }
    }
}

/// What lies between `://` and the path.
fn authority(uri: &str) -> &str {
    let after = uri.split_once("://").map_or(uri, |(_, after)| after);
    after.split(['/', '?', '#']).next().unwrap_or_default()
}

/// The host as the URI spells it, without the port.
fn spelled_host(uri: &str) -> &str {
    let authority = authority(uri);
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    }
}
