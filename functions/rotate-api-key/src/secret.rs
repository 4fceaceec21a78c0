//! The secret and its versions.

use std::collections::HashMap;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_secretsmanager::operation::get_secret_value::{GetSecretValueError, GetSecretValueOutput};
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::RotationError;
use crate::value::SecretValue;

const CURRENT: &str = "AWSCURRENT";
const PENDING: &str = "AWSPENDING";
const PREVIOUS: &str = "AWSPREVIOUS";

/// As long as the template's first key.
const KEY_LENGTH: i64 = 64;

/// The secret that holds the webhook's key.
#[derive(Debug)]
pub struct Secret {
    client: Client,
    arn: String,
}

/// The staging labels of each version.
pub(crate) struct Versions(HashMap<String, Vec<String>>);

impl Secret {
    /// The secret with that ARN.
    #[must_use]
    pub fn new(client: Client, arn: String) -> Self {
        Self { client, arn }
    }

    pub(crate) fn arn(&self) -> &str {
        &self.arn
    }

    pub(crate) async fn versions(&self) -> Result<Versions, RotationError> {
        let request = self.client.describe_secret().secret_id(&self.arn);
        let described = request.send().await;
        let described =
            described.map_err(|error| RotationError::unavailable("read the secret's versions", &error))?;
        Ok(Versions(described.version_ids_to_stages.unwrap_or_default()))
    }

    /// What is in use.
    pub(crate) async fn current(&self) -> Result<SecretValue, RotationError> {
        let request = self.client.get_secret_value().secret_id(&self.arn);
        let version = request.version_stage(CURRENT).send().await;
        let version =
            version.map_err(|error| RotationError::unavailable("read the secret's present key", &error))?;
        value(CURRENT, &version)
    }

    /// What is to be in use; none while the version has no value yet.
    pub(crate) async fn pending(&self, token: &str) -> Result<Option<SecretValue>, RotationError> {
        let request = self
            .client
            .get_secret_value()
            .secret_id(&self.arn)
            .version_id(token)
            .version_stage(PENDING);
        match request.send().await {
            Ok(version) => value(PENDING, &version).map(Some),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(RotationError::unavailable(
                "read the secret's pending key",
                &error,
            )),
        }
    }

    /// A key that nobody has used.
    pub(crate) async fn random_key(&self) -> Result<SecretString, RotationError> {
        let request = self
            .client
            .get_random_password()
            .password_length(KEY_LENGTH)
            // It travels in an HTTP header.
            .exclude_punctuation(true);
        let made = request.send().await;
        let made = made.map_err(|error| RotationError::unavailable("make a new key", &error))?;
        match made.random_password {
            Some(password) if !password.is_empty() => Ok(password.into()),
            _ => Err(RotationError::Unavailable {
                call: "make a new key",
                reason: "Secrets Manager answered none".to_owned(),
            }),
        }
    }

    /// Makes `value` the pending version's.
    pub(crate) async fn stage(&self, token: &str, value: &SecretValue) -> Result<(), RotationError> {
        let request = self
            .client
            .put_secret_value()
            .secret_id(&self.arn)
            .client_request_token(token)
            .secret_string(value.to_json().expose_secret())
            .version_stages(PENDING);
        let put = request.send().await;
        put.map_err(|error| RotationError::unavailable("store the new key", &error))?;
        Ok(())
    }

    /// Has the pending version take the current one's place, which becomes the previous one.
    pub(crate) async fn make_current(&self, token: &str, current: &str) -> Result<(), RotationError> {
        let request = self
            .client
            .update_secret_version_stage()
            .secret_id(&self.arn)
            .version_stage(CURRENT)
            .move_to_version_id(token)
            .remove_from_version_id(current);
        let moved = request.send().await;
        moved.map_err(|error| RotationError::unavailable("make the new key the current one", &error))?;
        Ok(())
    }
}

impl Versions {
    /// The version in use.
    pub(crate) fn current(&self) -> Option<&str> {
        self.0.keys().find(|id| self.is(id, CURRENT)).map(String::as_str)
    }

    /// Whether it is to become current. A version keeps its label AWSPENDING after that; once it has been
    /// replaced by hand, the label alone would bring the old key back.
    pub(crate) fn is_pending(&self, id: &str) -> bool {
        self.is(id, PENDING) && !self.is(id, PREVIOUS)
    }

    fn is(&self, id: &str, stage: &str) -> bool {
        self.0
            .get(id)
            .is_some_and(|stages| stages.iter().any(|each| each == stage))
    }
}

fn value(stage: &str, version: &GetSecretValueOutput) -> Result<SecretValue, RotationError> {
    SecretValue::from_json(version.secret_string().unwrap_or_default())
        .map_err(|rule| RotationError::InvalidSecret(format!("the {stage} version of the secret {rule}")))
}

fn is_missing(error: &SdkError<GetSecretValueError>) -> bool {
    error
        .as_service_error()
        .is_some_and(GetSecretValueError::is_resource_not_found_exception)
}
