//! The rules as the template tells them. Everything is read and checked before the first request, so
//! that a wrong setting stops the deployment and not a job.

use std::fmt::Display;
use std::str::FromStr;

use jobs::QueueArn;
use startup::{InvalidVariable, optional_variable, parsed_variable, variable};

use crate::bucket::Bucket;
use crate::hosts::Hosts;
use crate::input::InputRules;
use crate::output::{Outputs, Prefix};
use crate::queue::Queues;
use crate::rules::Rules;

/// Reads the rules from the environment.
///
/// # Errors
/// The first variable that is missing or wrong.
pub fn rules_from_env() -> Result<Rules, InvalidVariable> {
    let bucket: Bucket = required("OUTPUT_BUCKET")?;
    let mut buckets: Vec<Bucket> = list("INPUT_BUCKETS")?;
    if !buckets.contains(&bucket) {
        buckets.push(bucket.clone());
    }
    let prefix = parsed_variable("OUTPUT_PREFIX")?.unwrap_or_default();
    check_uploads(&prefix, parsed_variable("UPLOAD_PREFIX")?.as_ref())?;
    Ok(Rules {
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
        outputs: Outputs { bucket, prefix },
        default_profile: required("DEFAULT_PROFILE")?,
    })
}

/// The queues a job may be in, as far as the environment tells: for whoever looks for jobs and creates none.
///
/// # Errors
/// The first variable that is wrong.
pub fn queues_from_env() -> Result<Vec<QueueArn>, InvalidVariable> {
    let own = parsed_variable("MEDIACONVERT_QUEUE_ARN")?;
    Ok(own.into_iter().chain(list("EXTRA_QUEUE_ARNS")?).collect())
}

/// Outputs among the uploads would be transcoded again and again, at a price; of uploads among the
/// outputs none would be taken.
fn check_uploads(outputs: &Prefix, uploads: Option<&Prefix>) -> Result<(), InvalidVariable> {
    let Some(uploads) = uploads.filter(|uploads| uploads.overlaps(outputs)) else {
        return Ok(());
    };
    Err(InvalidVariable::new(
        "UPLOAD_PREFIX",
        format!(
            "is {:?} and OUTPUT_PREFIX {:?}: neither may lie under the other; give UploadPrefix and OutputPrefix \
             different folders",
            uploads.as_str(),
            outputs.as_str()
        ),
    ))
}

/// The ARN of an IAM role.
struct RoleArn(String);

/// A text that can't be the ARN of a role.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a role's ARN is arn:aws:iam::ACCOUNT:role/NAME")]
struct InvalidRoleArn;

impl FromStr for RoleArn {
    type Err = InvalidRoleArn;

    fn from_str(arn: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        match parts[..] {
            ["arn", _, "iam", "", _, role] if role.starts_with("role/") => Ok(Self(arn.to_owned())),
            _ => Err(InvalidRoleArn),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(outputs: &str, uploads: Option<&str>) -> Result<(), String> {
        let uploads = uploads.map(|prefix| prefix.parse().unwrap());
        check_uploads(&outputs.parse().unwrap(), uploads.as_ref()).map_err(|error| error.to_string())
    }

    #[test]
    fn uploads_and_outputs_never_lie_under_one_another() {
        for (outputs, uploads) in [
            ("media/out/", "media/"),
            ("media/", "media/in/"),
            ("media/", "media/"),
            ("", "media/"),
            ("/", "media/"),
        ] {
            let error = check(outputs, Some(uploads)).unwrap_err();
            assert!(
                error.starts_with(&format!("environment variable UPLOAD_PREFIX is {uploads:?} and")),
                "{error}"
            );
        }
        for (outputs, uploads) in [
            ("transcoded/", Some("incoming/")),
            ("media-out/", Some("media/")),
            ("", None),
        ] {
            assert_eq!(check(outputs, uploads), Ok(()), "{outputs} {uploads:?}");
        }
    }
}
