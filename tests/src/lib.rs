//! What the end-to-end tests do with a deployed stack on the local cloud: submit jobs as the host
//! application does, watch their rows, send events, make and probe media.
//!
//! `python -m local_cloud exec -- …` starts the cloud and names its description in `LOCAL_CLOUD`.

#![expect(
    clippy::missing_panics_doc,
    reason = "whatever goes wrong here must fail the test"
)]

pub mod cloud;
pub mod functions;
pub mod media;
pub mod queues;
pub mod webhook;

pub use cloud::{Cloud, patience};
pub use functions::Function;
