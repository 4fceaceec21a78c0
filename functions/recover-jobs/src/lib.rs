//! recover-jobs repairs what got lost: events that could not be delivered, and jobs that nothing is
//! heard of.
//!
//! [`function`] tells its two triggers apart. A batch of the events' dead-letter queue goes to
//! [`dead_letters`], which merges each event as ever. A schedule's event starts a check of what is open:
//! [`silent_jobs`] asks MediaConvert for the jobs without news, where [`answer`] makes an event of what
//! it says and [`outputs`] finds what the job wrote; [`claims`] finishes the submissions that were left
//! half-way.

pub mod answer;
pub mod claims;
pub mod dead_letters;
pub mod function;
pub mod metrics;
pub mod outputs;
pub mod silent_jobs;
