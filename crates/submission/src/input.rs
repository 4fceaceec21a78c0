//! Where a job may read from: its input, and whatever else its settings make MediaConvert fetch.
//!
//! MediaConvert fetches with the service role's rights and from AWS's network, so a caller who
//! could name any URI could read what only this stack may.

use url::Url;

use crate::bucket::Bucket;
use crate::hosts::Hosts;
use crate::invalid_request::quoted;

/// A URI MediaConvert may read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputUri(String);

impl InputUri {
    /// The URI as the caller wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the URI stops at a folder or a host, where no file can be.
    #[must_use]
    pub fn names_no_file(&self) -> bool {
        self.0.ends_with('/') || self.0.matches('/').count() < 3
    }
}

/// What inputs may name: `INPUT_BUCKETS` with `OUTPUT_BUCKET`, `INPUT_HOSTS`, `ALLOW_HTTP_INPUTS`.
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
    /// Longest URI MediaConvert takes ([`fileInput`]).
    ///
    /// [`fileInput`]: https://docs.aws.amazon.com/mediaconvert/latest/apireference/jobs.html
    const MAX_LENGTH: usize = 2048;

    /// Parses a URI that keeps the rules.
    ///
    /// # Errors
    /// The value and the rule it breaks.
    pub fn parse(&self, uri: &str) -> Result<InputUri, String> {
        if uri.len() > Self::MAX_LENGTH {
            return Err(format!(
                "{} is longer than {} bytes",
                shown(uri),
                Self::MAX_LENGTH
            ));
        }
        if uri.contains(char::is_control) {
            return Err(format!("{} contains a control character", shown(uri)));
        }
        if let Some(object) = uri.strip_prefix("s3://") {
            self.check_object(uri, object)?;
        } else if uri.starts_with("https://") {
            self.check_url(uri)?;
        } else if uri.starts_with("http://") {
            if !self.http {
                return Err(format!(
                    "{} is plain http, which is taken only where ALLOW_HTTP_INPUTS is true; use https or s3",
                    shown(uri)
                ));
            }
            self.check_url(uri)?;
        } else {
            return Err(format!("{} must start with s3:// or https://", shown(uri)));
        }
        Ok(InputUri(uri.to_owned()))
    }

    fn check_object(&self, uri: &str, object: &str) -> Result<(), String> {
        let (bucket, key) = object.split_once('/').unwrap_or((object, ""));
        if !self.buckets.iter().any(|allowed| allowed.as_str() == bucket) {
            return Err(format!(
                "{} names bucket {}, which is not one of INPUT_BUCKETS ({})",
                shown(uri),
                quoted(bucket),
                self.bucket_names()
            ));
        }
        if key.is_empty() {
            return Err(format!("{} names no object; s3://bucket/key does", shown(uri)));
        }
        Ok(())
    }

    fn bucket_names(&self) -> String {
        let names: Vec<_> = self.buckets.iter().map(Bucket::as_str).collect();
        names.join(", ")
    }

    fn check_url(&self, uri: &str) -> Result<(), String> {
        let refuse = |rule: &str| Err(format!("{} {rule}", shown(uri)));
        // The URL standard drops tabs and reads a backslash as a slash; MediaConvert may not.
        if uri.contains(|c: char| !c.is_ascii_graphic() || c == '\\') {
            return refuse(
                "may hold printable ASCII without spaces and backslashes only; percent-encode the rest",
            );
        }
        let Ok(url) = Url::parse(uri) else {
            return refuse("is not a URL");
        };
        if !url.username().is_empty() || url.password().is_some() || authority(uri).contains('@') {
            return refuse("has user information; MediaConvert reads public URLs only");
        }
        if url.query().is_some() {
            return refuse(
                "has a query; MediaConvert can't read URLs with parameters, presigned ones included",
            );
        }
        if url.fragment().is_some() {
            return refuse("has a fragment; percent-encode a # that belongs to the path");
        }
        let Some(host) = url.host() else {
            return refuse("names no host");
        };
        self.hosts.check(&host).or_else(|rule| refuse(&rule))?;
        // Two readers of one URL may find different hosts in it; only one spelling of a host is safe.
        if !spelled_host(uri).eq_ignore_ascii_case(&host.to_string()) {
            return refuse(&format!("must spell its host {host}"));
        }
        Ok(())
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

/// A URI as a message may show it: credentials and signatures stay out of it.
#[must_use]
pub fn shown(uri: &str) -> String {
    if uri.starts_with("s3://") {
        return quoted(uri);
    }
    let plain = uri.split(['?', '#']).next().unwrap_or_default();
    match plain.split_once("://") {
        Some((scheme, rest)) => {
            let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
            quoted(&format!("{scheme}://{rest}"))
        }
        None => quoted(plain),
    }
}
