//! The AWS SDK's settings, the same for every client of a function.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};

/// How long a call to AWS may take, with its retries and each time.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// One attempt.
    pub attempt: Duration,
    /// All attempts of one call together, with the pauses between them.
    pub operation: Duration,
}

/// Credentials, region and endpoints the SDK's standard way, with `timeouts` on every call.
///
/// The pause before a retry starts at 50 ms instead of the SDK's 1 s: the caller waits meanwhile.
pub async fn sdk_config(timeouts: Timeouts) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(timeouts.attempt)
        .operation_timeout(timeouts.operation)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(Duration::from_millis(50));
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .timeout_config(timeouts)
        .retry_config(retries)
        .load()
        .await
}
