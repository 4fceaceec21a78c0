//! EventBridge's connection, which keeps its own copy of the key and sends it with every event.

use std::time::Duration;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::{
    ConnectionAuthorizationType, ConnectionState, UpdateConnectionApiKeyAuthRequestParameters,
    UpdateConnectionAuthRequestParameters,
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, sleep};

use crate::error::RotationError;

/// The header the webhook looks for the key in.
pub(crate) const HEADER: &str = "X-API-Key";

/// A connection with an API key is authorized within seconds: there is nobody to ask.
const AUTHORIZED_WITHIN: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(500);

/// The connection of the stack's API destinations.
#[derive(Debug)]
pub struct Connection {
    client: Client,
    name: String,
}

impl Connection {
    /// The connection of that name.
    #[must_use]
    pub fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// Has EventBridge send `key` from now on. Setting the same again changes nothing.
    pub(crate) async fn send_from_now_on(&self, key: &SecretString) -> Result<(), RotationError> {
        let api_key = UpdateConnectionApiKeyAuthRequestParameters::builder()
            .api_key_name(HEADER)
            .api_key_value(key.expose_secret())
            .build();
        let parameters = UpdateConnectionAuthRequestParameters::builder()
            .api_key_auth_parameters(api_key)
            .build();
        let request = self
            .client
            .update_connection()
            .name(&self.name)
            .authorization_type(ConnectionAuthorizationType::ApiKey)
            .auth_parameters(parameters);
        let updated = request.send().await;
        updated.map_err(|error| RotationError::unavailable("update the connection", &error))?;
        self.becomes_authorized().await
    }

    /// Until then EventBridge holds events back.
    async fn becomes_authorized(&self) -> Result<(), RotationError> {
        let give_up_at = Instant::now() + AUTHORIZED_WITHIN;
        loop {
            let described = self.client.describe_connection().name(&self.name).send().await;
            let described = described
                .map_err(|error| RotationError::unavailable("read the connection's state", &error))?;
            match described.connection_state {
                Some(ConnectionState::Authorized) => return Ok(()),
                Some(
                    ConnectionState::Creating
                    | ConnectionState::Updating
                    | ConnectionState::Active
                    | ConnectionState::Authorizing,
                ) if Instant::now() < give_up_at => sleep(PAUSE).await,
                state => {
                    return Err(RotationError::NotAuthorized {
                        name: self.name.clone(),
                        state: state.map_or_else(|| "in no state".to_owned(), |state| state.to_string()),
                        reason: described
                            .state_reason
                            .map_or_else(String::new, |reason| format!(": {reason}")),
                    });
                }
            }
        }
    }
}
