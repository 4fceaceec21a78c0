//! submit-job creates one MediaConvert job per request: the triggers it is invoked by, around the
//! crate `submission`, which does the work.
//!
//! [`function`] tells an Invoke with a request from a batch of the submit queue; [`batch`] takes its
//! messages one by one, each a request or S3's word of an `upload`, and puts what no retry can cure
//! among the `dead_letters`.

pub mod batch;
pub mod function;
mod upload;
