//! One invocation: one step of a rotation.

use std::time::Duration;

use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::Value;
use tokio::time::sleep;

use crate::connection::Connection;
use crate::error::RotationError;
use crate::request::{Request, Step};
use crate::secret::Secret;
use crate::webhook::Webhook;

/// After this time every process of the webhook knows a key that is in the secret: it looks for one it
/// doesn't know unless it has just looked. The rest is for Secrets Manager, whose readers may be behind
/// for a moment.
pub const KEY_LEARNING: Duration = api_keys::PAUSE_AFTER_MISMATCH.saturating_add(Duration::from_secs(5));

/// The function with everything it needs.
#[derive(Debug)]
pub struct RotateApiKey {
    /// The secret it rotates, and no other.
    pub secret: Secret,
    /// What sends the key; without one, there is nobody to give it to.
    pub connections: Vec<Connection>,
    /// What takes the key; without one, there is nobody to ask.
    pub webhook: Option<Webhook>,
    /// How long whoever takes the key gets to learn it, before EventBridge sends it.
    pub learning: Duration,
}

impl RotateApiKey {
    /// Takes one step.
    ///
    /// # Errors
    /// The step failed, and the key in use still works. Secrets Manager repeats the rotation.
    pub async fn invoke(&self, event: LambdaEvent<Value>) -> Result<(), Diagnostic> {
        let LambdaEvent { payload, context } = event;
        Box::pin(self.take(&payload)).await.map_err(|error| {
            let (request_id, step) = (&context.request_id, payload["Step"].as_str());
            tracing::error!(requestId = request_id, step, reason = %error, "key not rotated");
            Diagnostic::from(&error)
        })
    }

    async fn take(&self, payload: &Value) -> Result<(), RotationError> {
        let Request { step, token } = Request::from_json(payload, self.secret.arn())?;
        match self.take_step(step, &token).await {
            Ok(()) => Ok(()),
            Err(failure) if step == Step::Create => Err(failure),
            Err(failure) => Err(self.put_back_after(failure).await),
        }
    }

    async fn take_step(&self, step: Step, token: &str) -> Result<(), RotationError> {
        let versions = self.secret.versions().await?;
        let Some(current) = versions.current() else {
            let reason = "the secret has no AWSCURRENT version: give it a value first";
            return Err(RotationError::InvalidSecret(reason.to_owned()));
        };
        if current == token {
            tracing::info!(%step, version = token, "the version is the current one already");
            return Ok(());
        }
        if !versions.is_pending(token) {
            return Err(RotationError::InvalidRequest(format!(
                "ClientRequestToken: {token:?} must be a version of the secret that is staged AWSPENDING, and not AWSPREVIOUS"
            )));
        }
        match step {
            Step::Create => self.create_secret(token).await?,
            Step::Set => self.set_secret(token).await?,
            Step::Test => self.test_secret(token).await?,
            Step::Finish => self.finish_secret(token, current).await?,
        }
        tracing::info!(%step, version = token, "step done");
        Ok(())
    }

    async fn create_secret(&self, token: &str) -> Result<(), RotationError> {
        if self.secret.pending(token).await?.is_some() {
            return Ok(());
        }
        // Read before a key is made: a secret that can't be rolled stays as it is.
        let current = self.secret.current().await?;
        let key = self.secret.random_key().await?;
        self.secret.stage(token, &current.with_key(key)).await
    }

    async fn set_secret(&self, token: &str) -> Result<(), RotationError> {
        if self.connections.is_empty() {
            tracing::info!("CONNECTION_NAMES is not set: nobody sends the key");
            return Ok(());
        }
        let pending = self.secret.pending(token).await?;
        let pending = pending.ok_or_else(|| no_value(token))?;
        // The version has its value since an earlier invocation at the latest. A key that EventBridge sent
        // before the webhook knows it would be answered 401, for which EventBridge deauthorizes
        // the connection, and hold all events back.
        sleep(self.learning).await;
        for connection in &self.connections {
            connection.send_from_now_on(pending.key()).await?;
        }
        Ok(())
    }

    async fn test_secret(&self, token: &str) -> Result<(), RotationError> {
        let Some(webhook) = &self.webhook else {
            tracing::info!("JOB_EVENTS_URL is not set: nobody takes the key");
            return Ok(());
        };
        // When it is given a schedule, Secrets Manager tries the function with this step alone, on a
        // version that no other step has given a value.
        let key = match self.secret.pending(token).await? {
            Some(pending) => pending,
            None => self.secret.current().await?,
        };
        webhook.accepts(key.key()).await
    }

    async fn finish_secret(&self, token: &str, current: &str) -> Result<(), RotationError> {
        // A current version without a key would close the webhook.
        self.secret.pending(token).await?.ok_or_else(|| no_value(token))?;
        self.secret.make_current(token, current).await
    }

    /// Gives every connection AWSCURRENT's key, whichever that is by now: the pending one opens nothing any
    /// more once the rotation is cancelled. Answers what is to be told of the failure.
    async fn put_back_after(&self, failure: RotationError) -> RotationError {
        match self.put_back().await {
            Ok(()) => failure,
            Err(reason) => RotationError::NotPutBack {
                failure: Box::new(failure),
                reason: Box::new(reason),
            },
        }
    }

    async fn put_back(&self) -> Result<(), RotationError> {
        if self.connections.is_empty() {
            return Ok(());
        }
        let current = self.secret.current().await?;
        let mut put_back = Ok(());
        for connection in &self.connections {
            // One that can't be reached is no reason to leave the others.
            put_back = put_back.and(connection.send_from_now_on(current.key()).await);
        }
        put_back
    }
}

fn no_value(token: &str) -> RotationError {
    RotationError::InvalidRequest(format!(
        "ClientRequestToken: version {token:?} must have its value from createSecret before this step"
    ))
}
