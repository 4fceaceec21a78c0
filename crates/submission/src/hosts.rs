//! The hosts a job may read from. MediaConvert fetches from inside AWS, so a host of a private
//! network would be somebody's there: instance metadata, for one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use url::Host;

use crate::invalid_request::quoted;

/// A host that no job may read from.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidHost {
    /// An address of a network that is somebody's own.
    #[error("names the address {0}, which is not a public one")]
    PrivateAddress(String),
    /// A name that is looked up on a network of somebody's own.
    #[error("names host {}, which is not a public one", quoted(.0))]
    PrivateName(String),
    /// The stack reads from S3 alone.
    #[error("names host {}, but InputHosts is empty", quoted(.0))]
    NoneAllowed(String),
    /// The stack reads from other hosts.
    #[error("names host {}, which is not one of InputHosts ({})", quoted(.name), .allowed.join(", "))]
    NotListed {
        /// The host.
        name: String,
        /// Those it could be.
        allowed: Vec<String>,
    },
}

/// A list of hosts with something else in it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{} is not the name of a host", quoted(.0))]
pub struct InvalidHosts(String);

/// The hosts a URL may name, as `InputHosts` lists them.
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
    type Err = InvalidHosts;

    fn from_str(list: &str) -> Result<Self, Self::Err> {
        let mut hosts = Vec::new();
        for name in list.split(',').map(str::trim) {
            match Host::parse(name) {
                _ if name == "*" => return Ok(Self::Public),
                Ok(host) if !name.contains('*') => hosts.push(without_root(&host.to_string()).to_owned()),
                _ => return Err(InvalidHosts(name.to_owned())),
            }
        }
        Ok(Self::Listed(hosts))
    }
}

impl Hosts {
    /// Checks the host of a URL.
    ///
    /// # Errors
    /// The host and the rule it breaks.
    pub fn check(&self, host: &Host<&str>) -> Result<(), InvalidHost> {
        let address = match host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::V4(*address)),
            Host::Ipv6(address) => Some(IpAddr::V6(*address)),
        };
        if address.is_some_and(|address| !is_public(address)) {
            return Err(InvalidHost::PrivateAddress(host.to_string()));
        }
        let name = host.to_string();
        let name = without_root(&name);
        match self {
            Self::None => Err(InvalidHost::NoneAllowed(name.to_owned())),
            Self::Public if address.is_none() && !is_public_name(name) => {
                Err(InvalidHost::PrivateName(name.to_owned()))
            }
            Self::Listed(hosts) if !hosts.iter().any(|allowed| allowed == name) => {
                Err(InvalidHost::NotListed {
                    name: name.to_owned(),
                    allowed: hosts.clone(),
                })
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        for address in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "8.8.8.8",
            "100.128.0.1",
            "172.32.0.1",
            "2606:4700::1111",
            "2001:4860::8888",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for name in [
            "localhost",
            "intranet",
            "a.localhost",
            "printer.local",
            "ip-10-0-0-1.ec2.internal",
            "x.home.arpa",
        ] {
            assert!(!is_public_name(name), "{name}");
        }
        for name in [
            "example.com",
            "mylocal.com",
            "notlocal.dev",
            "xn--bcher-kva.example",
        ] {
            assert!(is_public_name(name), "{name}");
        }
    }

    #[test]
    fn a_list_of_hosts_holds_names_only() {
        assert_eq!("*".parse(), Ok(Hosts::Public));
        assert_eq!(
            "a.example, B.Example.".parse(),
            Ok(Hosts::Listed(vec!["a.example".into(), "b.example".into()]))
        );
        for list in [
            "*.example.com",
            "https://a.example",
            "a.example/x",
            "a.example,,b.example",
            "a.example:80",
        ] {
            assert!(list.parse::<Hosts>().is_err(), "{list}");
        }
    }
}
