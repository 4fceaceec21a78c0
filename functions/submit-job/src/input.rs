//! Where a job may read from: its input, and whatever else its settings make MediaConvert fetch.
//!
//! MediaConvert fetches with the service role's rights and from AWS's network, so a caller who
//! could name any URI could read what only this stack may.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use url::{Host, Url};

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
                list(&self.buckets)
            ));
        }
        if key.is_empty() {
            return Err(format!("{} names no object; s3://bucket/key does", shown(uri)));
        }
        Ok(())
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

fn list<T: fmt::Display>(values: &[T]) -> String {
    values
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

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

impl FromStr for Bucket {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let fits = (3..=63).contains(&name.len());
        let plain = name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'));
        if fits && plain {
            Ok(Self(name.to_owned()))
        } else {
            Err("a bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens")
        }
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The hosts a URL may name, as `INPUT_HOSTS` lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// None: inputs come from S3 only.
    None,
    /// `*`: any host of the public internet.
    Public,
    /// These alone, in lower case. A name that is listed need not be public.
    Listed(Vec<String>),
}

impl FromStr for Hosts {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, Self::Err> {
        let mut hosts = Vec::new();
        for name in list.split(',').map(str::trim) {
            match Host::parse(name) {
                _ if name == "*" => return Ok(Self::Public),
                Ok(host) if !name.contains('*') => hosts.push(without_root(&host.to_string()).to_owned()),
                _ => return Err(format!("{} is not a host's name", quoted(name))),
            }
        }
        Ok(Self::Listed(hosts))
    }
}

impl Hosts {
    fn check(&self, host: &Host<&str>) -> Result<(), String> {
        let address = match host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::V4(*address)),
            Host::Ipv6(address) => Some(IpAddr::V6(*address)),
        };
        if address.is_some_and(|address| !is_public(address)) {
            return Err(format!("names the address {host}, which is not a public one"));
        }
        let name = host.to_string();
        let name = without_root(&name);
        match self {
            Self::None => Err(format!("names host {}, but INPUT_HOSTS is not set", quoted(name))),
            Self::Public if address.is_none() && !is_public_name(name) => {
                Err(format!("names host {}, which is not a public one", quoted(name)))
            }
            Self::Listed(hosts) if !hosts.iter().any(|allowed| allowed == name) => Err(format!(
                "names host {}, which is not one of INPUT_HOSTS ({})",
                quoted(name),
                list(hosts)
            )),
            Self::Public | Self::Listed(_) => Ok(()),
        }
    }
}

/// A name without the dot of the DNS root, which changes nothing but the spelling.
fn without_root(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// Whether a name can be one of the public DNS: those without a dot and those under the domains set
/// aside for private use are looked up on the network the reader sits in.
fn is_public_name(name: &str) -> bool {
    const PRIVATE: [&str; 7] = [
        "internal",
        "local",
        "localhost",
        "localdomain",
        "lan",
        "home.arpa",
        "corp",
    ];
    name.contains('.')
        && !PRIVATE.iter().any(|domain| {
            name.strip_suffix(domain)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
}

/// Whether an address belongs to the public internet, by IANA's registries of special-purpose
/// addresses. The standard library's `is_global` says the same but is not stable.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || matches!((a, b, c), (0 | 224.., ..) | (100, 64..=127, _) | (192, 0, 0) | (198, 18..=19, _))
        // Azure's metadata and DNS service; it lies in public space but answers each network itself.
        || address == Ipv4Addr::new(168, 63, 129, 16))
}

/// Of global unicast space (`2000::/3`), all but documentation and what carries IPv4 addresses inside.
fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0x2001, 0 | 0x0db8, ..] | [0x2002 | 0x3fff, ..] => false,
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}
