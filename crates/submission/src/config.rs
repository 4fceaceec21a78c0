//! What the template tells the function. Everything is read and checked before the first request,
//! so that a wrong setting stops the deployment and not a job.

use std::fmt::Display;
use std::str::FromStr;

use startup::{InvalidVariable, optional_variable, parsed_variable, variable};

use crate::bucket::Bucket;
use crate::hosts::Hosts;
use crate::input::InputRules;
use crate::output::Outputs;
use crate::profile::Profile;
use crate::queue::{QueueArn, Queues};

/// The stack's settings that requests are checked against and jobs are made with.
#[derive(Clone, Debug)]
pub struct Config {
    /// `MEDIACONVERT_ROLE_ARN`: the service role passed to every job.
    pub role_arn: String,
    /// The queues a request may name.
    pub queues: Queues,
    /// What jobs may read.
    pub inputs: InputRules,
    /// Where jobs may write.
    pub outputs: Outputs,
    /// `DEFAULT_PROFILE`: that of a request that names no settings.
    pub default_profile: Profile,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
    pub fn from_env() -> Result<Self, InvalidVariable> {
        let output_bucket: Bucket = required("OUTPUT_BUCKET")?;
        let mut buckets: Vec<Bucket> = list("INPUT_BUCKETS")?;
        if !buckets.contains(&output_bucket) {
            buckets.push(output_bucket.clone());
        }
        Ok(Self {
            role_arn: required::<RoleArn>("MEDIACONVERT_ROLE_ARN")?.0,
            queues: Queues {
                own: required::<QueueArn>("MEDIACONVERT_QUEUE_ARN")?,
                extra: list("EXTRA_QUEUE_ARNS")?,
            },
            inputs: InputRules {
                buckets,
                hosts: parsed_variable("INPUT_HOSTS")?.unwrap_or(Hosts::None),
                http: parsed_variable("ALLOW_HTTP_INPUTS")?.unwrap_or(false),
            },
            outputs: Outputs {
                bucket: output_bucket,
                prefix: parsed_variable("OUTPUT_PREFIX")?.unwrap_or_default(),
            },
            default_profile: required("DEFAULT_PROFILE")?,
        })
    }
}

/// The ARN of an IAM role.
struct RoleArn(String);

impl FromStr for RoleArn {
    type Err = &'static str;

    fn from_str(arn: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        match parts[..] {
            ["arn", _, "iam", "", _, role] if role.starts_with("role/") => Ok(Self(arn.to_owned())),
            _ => Err("a role's ARN is arn:aws:iam::ACCOUNT:role/NAME"),
        }
    }
}

fn required<T: FromStr<Err: Display>>(name: &'static str) -> Result<T, InvalidVariable> {
    parse(name, &variable(name)?)
}

/// A list separated by commas; empty when the variable is unset.
fn list<T: FromStr<Err: Display>>(name: &'static str) -> Result<Vec<T>, InvalidVariable> {
    let list = optional_variable(name)?.unwrap_or_default();
    let items = list.split(',').map(str::trim).filter(|item| !item.is_empty());
    items.map(|item| parse(name, item)).collect()
}

fn parse<T: FromStr<Err: Display>>(name: &'static str, value: &str) -> Result<T, InvalidVariable> {
    value
        .parse()
        .map_err(|rule| InvalidVariable::new(name, format!("is {value:?}: {rule}")))
}
