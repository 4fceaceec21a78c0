//! The profiles that come with the function: every file of `profiles/` at the top, job settings as the
//! MediaConvert console exports them. The file's name is the profile's.

use std::fmt;
use std::str::FromStr;

use crate::definition::JobDefinition;
use crate::invalid_request::{InvalidRequest, quoted};

const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/profiles.rs"));

/// One of the profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    name: &'static str,
    json: &'static str,
}

/// A name that no profile has.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{} is not one of the profiles ({})", quoted(.0), names())]
pub struct UnknownProfile(String);

fn names() -> String {
    let names: Vec<_> = Profile::all().map(Profile::name).collect();
    names.join(", ")
}

impl Profile {
    /// All of them, by name.
    pub fn all() -> impl Iterator<Item = Self> {
        FILES.iter().map(|&(name, json)| Self { name, json })
    }

    /// The name requests use.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }

    /// What its jobs do.
    ///
    /// # Errors
    /// The file does not hold job settings. The tests see to it that each does.
    pub fn definition(self) -> Result<JobDefinition, InvalidRequest> {
        let json = serde_json::from_str(self.json)
            .map_err(|error| InvalidRequest::new("profile", format!("{}: {error}", quoted(self.name))))?;
        JobDefinition::parse(json, "profile")
    }
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::all().find(|profile| profile.name == name);
        found.ok_or_else(|| UnknownProfile(name.to_owned()))
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests;
