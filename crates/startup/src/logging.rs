//! The function's log: one flat JSON object per line.
//!
//! Lambda's JSON log format reads `level` and an RFC 3339 `timestamp` at the top of each line to
//! filter by level; a line without them counts as INFO whatever it says
//! ([monitoring-cloudwatchlogs-log-level]). The runtime's own subscriber writes neither.
//!
//! The level is Lambda's control `AWS_LAMBDA_LOG_LEVEL` and applies to our own crates. Everything
//! else stays at WARN: at DEBUG and below, HTTP clients write headers and bodies, and ours carry
//! the webhook key.
//!
//! A function logs its own function errors, once and with what they are about. The runtime would log
//! each again in its debug form; that line is left out.
//!
//! [monitoring-cloudwatchlogs-log-level]: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html

use std::error::Error;
use std::{io, iter};

use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, Targets, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::time::SystemTime;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::{InvalidVariable, optional_variable};

/// The crates of this workspace that log on behalf of a function.
const OURS: [&str; 4] = ["api_keys", "jobs", "startup", "submission"];

const LEVEL: &str = "AWS_LAMBDA_LOG_LEVEL";

/// Starts the log of a function on standard output, where Lambda reads it. `target` is the
/// function's own crate, as `env!("CARGO_CRATE_NAME")` gives it.
///
/// # Errors
/// `AWS_LAMBDA_LOG_LEVEL` is none of Lambda's levels.
pub fn init(target: &str) -> Result<(), InvalidVariable> {
    let level = match optional_variable(LEVEL)? {
        None => LevelFilter::INFO,
        Some(name) => level(&name).ok_or_else(|| {
            InvalidVariable::new(
                LEVEL,
                format!("is {name:?}; it takes TRACE, DEBUG, INFO, WARN, ERROR or FATAL"),
            )
        })?,
    };
    subscriber(target, level, io::stdout).init();
    Ok(())
}

/// An error with its causes in one line, by their display forms alone.
#[must_use]
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Lambda's level names ([`ApplicationLogLevel`]), of which tracing lacks one.
///
/// [`ApplicationLogLevel`]: https://docs.aws.amazon.com/lambda/latest/api/API_LoggingConfig.html
fn level(name: &str) -> Option<LevelFilter> {
    match name.to_ascii_uppercase().as_str() {
        "TRACE" => Some(LevelFilter::TRACE),
        "DEBUG" => Some(LevelFilter::DEBUG),
        "INFO" => Some(LevelFilter::INFO),
        "WARN" => Some(LevelFilter::WARN),
        "ERROR" | "FATAL" => Some(LevelFilter::ERROR),
        _ => None,
    }
}

fn subscriber<W>(target: &str, level: LevelFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let ours = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target(target, level)
        .with_targets(OURS.map(|ours| (ours, level)));
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_timer(SystemTime)
        .with_writer(writer);
    tracing_subscriber::registry().with(lines.with_filter(ours.and(filter_fn(not_repeated))))
}

/// False for the runtime's line about a function error. Its line about a panic, which nothing else logs
/// as JSON, has the same target; that one has the field `error`.
fn not_repeated(line: &Metadata<'_>) -> bool {
    line.target() != "lambda_runtime::layers::panic" || line.fields().field("error").is_some()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines(level: LevelFilter, log: impl FnOnce()) -> String {
        let captured = Captured::default();
        let writer = captured.clone();
        tracing::subscriber::with_default(subscriber("job_events", level, move || writer.clone()), log);
        let bytes = captured.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_is_flat_and_carries_the_time_and_level_lambda_filters_by() {
        let line = lines(LevelFilter::INFO, || {
            let span = tracing::info_span!("invoke", requestId = "r-1");
            span.in_scope(
                || tracing::info!(target: "job_events", jobId = "j-1", durationMs = 12, "event recorded"),
            );
        });
        let line: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&line).unwrap();

        let time = line["timestamp"].as_str().unwrap();
        time::OffsetDateTime::parse(time, &time::format_description::well_known::Rfc3339).unwrap();
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["message"], "event recorded");
        assert_eq!(line["jobId"], "j-1");
        assert_eq!(line["durationMs"], 12);
        assert_eq!(line.len(), 5, "{line:?}");
    }

    #[test]
    fn other_crates_never_log_below_warn() {
        let log = || {
            tracing::debug!(target: "aws_smithy_runtime", "a body");
            tracing::warn!(target: "aws_smithy_runtime", "a warning");
        };
        let lines = lines(LevelFilter::TRACE, log);
        assert!(
            lines.contains("a warning") && !lines.contains("a body"),
            "{lines}"
        );
    }

    #[test]
    fn of_the_runtimes_lines_panics_are_kept_and_function_errors_left_out() {
        let lines = lines(LevelFilter::INFO, || {
            tracing::error!(target: "lambda_runtime::layers::panic", error = "a panic", "user handler panicked");
            tracing::error!(target: "lambda_runtime::layers::panic", "Diagnostic {{ … }}");
            tracing::error!(target: "lambda_runtime::layers::api_client", "no answer from the runtime API");
        });
        let kept = lines.contains("a panic") && lines.contains("no answer");
        assert!(kept && !lines.contains("Diagnostic"), "{lines}");
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        let cause = io::Error::other("connection reset");
        let error = InvalidVariable::new(LEVEL, "is odd");
        assert_eq!(
            with_causes(&error),
            "environment variable AWS_LAMBDA_LOG_LEVEL is odd"
        );
        assert_eq!(
            with_causes(&io::Error::other(Outer(cause))),
            "request failed: connection reset"
        );
    }

    #[derive(Debug, thiserror::Error)]
    #[error("request failed")]
    struct Outer(#[source] io::Error);

    #[test]
    fn every_level_lambda_offers_is_known() {
        for name in ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "info"] {
            assert!(level(name).is_some(), "{name}");
        }
        assert_eq!(level("VERBOSE"), None);
    }
}
