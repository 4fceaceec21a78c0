//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::events::EventFaults;

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

    /// Where jobs get their temporary directories, which are removed with them.
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
    /// here. A job's own statusUpdateInterval and the wait before a queue hop are scaled by the same factor.
    #[arg(long, value_name = "MS", default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) status_update_interval_ms: u64,

    /// How many milliseconds a clientRequestToken is remembered: MediaConvert's minute, or less.
    #[arg(long, value_name = "MS", default_value_t = 60_000)]
    pub(crate) client_request_token_lifetime_ms: u64,

    /// The share of events, 0 to 1, that are delivered twice.
    #[arg(long, value_name = "RATIO", default_value_t = 0.0, value_parser = ratio)]
    pub(crate) duplicate_events: f64,

    /// The share of events, 0 to 1, that one to three later ones overtake.
    #[arg(long, value_name = "RATIO", default_value_t = 0.0, value_parser = ratio)]
    pub(crate) reorder_events: f64,

    /// The share of events, 0 to 1, that are lost for good.
    #[arg(long, value_name = "RATIO", default_value_t = 0.0, value_parser = ratio)]
    pub(crate) drop_events: f64,

    /// How many milliseconds later every event is delivered.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) delay_events_ms: u64,

    /// Chooses the events that are duplicated, reordered and dropped: by their number, always the same.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    pub(crate) event_fault_seed: u64,

    /// A file that gets every event as it arises, a JSON line each: its `detail`, and whether it was `dropped`.
    #[arg(long, value_name = "FILE")]
    pub(crate) event_log: Option<PathBuf>,

    /// Transcodes no input twice with the same settings: a later job takes this many milliseconds and gets
    /// copies of the outputs.
    #[arg(long, value_name = "MS")]
    pub(crate) reuse_outputs_ms: Option<u64>,

    /// What goes to standard error: error, warn, info, debug or trace.
    #[arg(long, value_name = "LEVEL", default_value_t = tracing::Level::INFO)]
    pub(crate) log_level: tracing::Level,
}

impl Args {
    /// What happens to events on their way.
    pub(crate) fn event_faults(&self) -> EventFaults {
        EventFaults {
            drop: self.drop_events,
            duplicate: self.duplicate_events,
            reorder: self.reorder_events,
            delay: Duration::from_millis(self.delay_events_ms),
            seed: self.event_fault_seed,
        }
    }
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

fn ratio(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(ratio),
        _ => Err("a ratio is a number from 0 to 1".to_owned()),
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

    #[test]
    fn a_ratio_is_a_number_from_0_to_1() {
        assert_eq!(
            (ratio("0"), ratio("0.25"), ratio("1")),
            (Ok(0.0), Ok(0.25), Ok(1.0))
        );
        assert!(
            ["-0.1", "1.1", "NaN", "half"]
                .iter()
                .all(|text| ratio(text).is_err())
        );
    }
}
