//! What every function does before its first event: read its settings, start its log and prepare
//! the AWS SDK.
//!
//! A setting that is missing or wrong ends the process during Lambda's init phase with one line
//! that names it, so that a bad deployment shows at once and not at the first event.

pub mod logging;
mod sdk;
mod variables;

pub use sdk::{Timeouts, sdk_config};
pub use variables::{InvalidVariable, optional_variable, parsed_variable, variable};
