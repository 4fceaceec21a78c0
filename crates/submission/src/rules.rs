//! The stack's rules: what a request is checked against, and what every job is made with.

use crate::input::InputRules;
use crate::output::Outputs;
use crate::profile::Profile;
use crate::queue::Queues;

/// The stack's settings, as far as they decide what becomes of a request.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The service role passed to every job.
    pub role_arn: String,
    /// The queues a request may name.
    pub queues: Queues,
    /// What jobs may read.
    pub inputs: InputRules,
    /// Where jobs may write.
    pub outputs: Outputs,
    /// The profile of a request that names no settings.
    pub default_profile: Profile,
}
