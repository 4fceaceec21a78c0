//! Settings from environment variables.

use std::env;
use std::fmt::Display;
use std::str::FromStr;

/// An environment variable that is missing or whose value can't be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("environment variable {name} {problem}")]
pub struct InvalidVariable {
    name: &'static str,
    problem: String,
}

impl InvalidVariable {
    /// `problem` continues the sentence "environment variable NAME …" and names the value and the
    /// rule it breaks.
    pub fn new(name: &'static str, problem: impl Into<String>) -> Self {
        Self {
            name,
            problem: problem.into(),
        }
    }
}

/// The value of a required variable.
///
/// # Errors
/// The variable is unset, empty or not UTF-8.
pub fn variable(name: &'static str) -> Result<String, InvalidVariable> {
    optional_variable(name)?.ok_or_else(|| InvalidVariable::new(name, "is not set; the template sets it"))
}

/// The value of an optional variable. CloudFormation can't leave a variable out by parameter, so an
/// empty one counts as unset.
///
/// # Errors
/// The value is not UTF-8.
pub fn optional_variable(name: &'static str) -> Result<Option<String>, InvalidVariable> {
    match env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(InvalidVariable::new(name, "is not UTF-8")),
    }
}

/// Like [`optional_variable`], parsed.
///
/// # Errors
/// The value does not parse; the error repeats the value and says what the parser said.
pub fn parsed_variable<T>(name: &'static str) -> Result<Option<T>, InvalidVariable>
where
    T: FromStr<Err: Display>,
{
    optional_variable(name)?
        .map(|value| {
            value
                .parse()
                .map_err(|error| InvalidVariable::new(name, format!("is {value:?}: {error}")))
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Cargo sets these two itself, so the tests need not touch the process's environment.
    const SET: &str = "CARGO_PKG_VERSION_MAJOR";
    const UNSET: &str = "A_VARIABLE_NOBODY_SETS";

    #[test]
    fn a_missing_variable_is_named() {
        assert_eq!(
            variable(UNSET).unwrap_err().to_string(),
            "environment variable A_VARIABLE_NOBODY_SETS is not set; the template sets it"
        );
        assert_eq!(optional_variable(UNSET), Ok(None));
    }

    #[test]
    fn a_value_that_does_not_parse_is_named_with_its_value() {
        assert_eq!(parsed_variable::<u8>(SET), Ok(Some(0)));
        assert_eq!(
            parsed_variable::<bool>(SET).unwrap_err().to_string(),
            "environment variable CARGO_PKG_VERSION_MAJOR is \"0\": provided string was not `true` or `false`"
        );
    }
}
