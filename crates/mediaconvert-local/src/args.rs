//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

/// A MediaConvert that runs on a laptop: the same API and events, with ffmpeg inside.
///
/// Endpoint and credentials of the AWS services around it (S3, STS, EventBridge) come as they do
/// for every AWS SDK: `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID` and so on.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Args {
    /// Where to listen, on a loopback address; port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4570", value_parser = loopback)]
    pub(crate) listen: SocketAddr,

    /// The region that ARNs and events name.
    #[arg(long, env = "AWS_REGION")]
    pub(crate) region: String,

    /// The account that ARNs and events name.
    #[arg(long, env = "AWS_ACCOUNT_ID", value_parser = account_id)]
    pub(crate) account_id: String,

    /// The ffmpeg to encode with.
    #[arg(long, env = "FFMPEG", value_name = "PATH", default_value = "ffmpeg")]
    pub(crate) ffmpeg: PathBuf,

    /// The ffprobe to look into files with.
    #[arg(long, env = "FFPROBE", value_name = "PATH", default_value = "ffprobe")]
    pub(crate) ffprobe: PathBuf,

    /// Where jobs get their temporary directories, which go with them.
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    pub(crate) work_dir: PathBuf,

    /// Multiplies the rates of MediaConvert's quotas: 5 jobs a second to create, 2 to get, 2 to
    /// cancel. The bursts, 100 calls each, stay.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = factor)]
    pub(crate) quota_rate_factor: f64,

    /// How many jobs run at once; the others wait.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) max_concurrent_jobs: u16,

    /// How many milliseconds the minute that MediaConvert lets pass between two status updates lasts
    /// here. A job's own statusUpdateInterval is scaled alike.
    #[arg(long, value_name = "MS", default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) status_update_interval_ms: u64,

    /// What goes to standard error: error, warn, info, debug or trace.
    #[arg(long, value_name = "LEVEL", default_value_t = tracing::Level::INFO)]
    pub(crate) log_level: tracing::Level,
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|error| format!("{error}"))?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("this server checks no signatures and listens on loopback addresses only".to_owned())
    }
}

fn factor(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(factor) if f64::is_finite(factor) && factor > 0.0 => Ok(factor),
        _ => Err("a factor is a number above 0".to_owned()),
    }
}

fn account_id(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("an account id has 12 digits".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn only_loopback_addresses_are_listened_on() {
        assert!(loopback("127.0.0.1:0").is_ok() && loopback("[::1]:80").is_ok());
        assert!(loopback("0.0.0.0:80").is_err() && loopback("192.0.2.1:80").is_err());
    }
}
