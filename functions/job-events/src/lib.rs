//! The webhook of the backend: takes one MediaConvert job state change at a time, over the public
//! Function URL from the EventBridge API destination or invoked directly, and records it in the jobs
//! table.
//!
//! The way of an event: [`JobEvents::invoke`] tells an HTTP request from a direct invocation,
//! `function_url` guards the public door in the contract's order, [`api_keys`] checks the key, the
//! `jobs` crate reads and merges the event, and `answer` says what became of it in either form.
//!
//! `lambda_http` is not used: its adapter builds a URI from the request's raw query and panics if
//! that isn't valid, so that a stranger could turn a refusal into a 502.

mod answer;
mod function;
mod function_url;
mod metrics;

pub use function::{JobEvents, TIMEOUTS};
