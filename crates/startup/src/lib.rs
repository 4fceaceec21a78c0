//! What every function does before its first event: read its settings, start its log and prepare
//! the AWS SDK.
//!
//! A setting that is missing or wrong ends the process during Lambda's init phase with one line
//! that names it, so that a bad deployment shows at once and not at the first event.

pub mod logging;
mod sdk;
mod variables;

use std::error::Error;
use std::process::ExitCode;

pub use sdk::{Timeouts, sdk_config};
pub use variables::{InvalidVariable, optional_variable, parsed_variable, variable};

/// Runs a function for as long as Lambda lets it; an error ends it with one line.
pub async fn run(function: impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>>) -> ExitCode {
    match function.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // To stderr, since the log itself may have failed to start.
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
