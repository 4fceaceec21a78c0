//! The webhook, asked by its Function URL whether it takes a key.
//!
//! The SDK's own HTTP client asks: the binary has it already, and another one would double it.

use std::time::Duration;

use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::http::HttpError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use startup::logging::with_causes;
use tokio::time::{Instant, sleep};

use crate::connection::HEADER;
use crate::error::RotationError;

/// Long enough for whatever the webhook needs to recover from by itself, and short enough to leave time to
/// put the connection back.
const ACCEPTED_WITHIN: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_secs(2);

/// As long as EventBridge waits for an answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// A status that no version of the webhook knows: it answers 200 and writes nothing.
const STATUS: &str = "KEY_ROTATION_TEST";

/// The webhook.
#[derive(Debug)]
pub struct Webhook {
    http: SharedHttpConnector,
    url: String,
}

/// A connector as the SDK makes them, for HTTPS and HTTP.
#[must_use]
pub fn https_connector() -> SharedHttpConnector {
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(ANSWERS_WITHIN)
        .read_timeout(ANSWERS_WITHIN)
        .build();
    let connector = Connector::builder()
        .connector_settings(settings)
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
        .build();
    SharedHttpConnector::new(connector)
}

impl Webhook {
    /// The webhook at that URL.
    #[must_use]
    pub fn new(http: SharedHttpConnector, url: String) -> Self {
        Self { http, url }
    }

    /// Posts an event that changes nothing until the webhook takes it. Any refusal may pass: a process
    /// that doesn't know the key yet, an outage, a permission of the URL that was just given.
    pub(crate) async fn accepts(&self, key: &SecretString) -> Result<(), RotationError> {
        let give_up_at = Instant::now() + ACCEPTED_WITHIN;
        loop {
            let answer = match self.post(key).await {
                Ok(()) => return Ok(()),
                Err(answer) => answer,
            };
            if Instant::now() + PAUSE > give_up_at {
                return Err(RotationError::NotAccepted {
                    seconds: ACCEPTED_WITHIN.as_secs(),
                    answer,
                });
            }
            sleep(PAUSE).await;
        }
    }

    /// One attempt. Of another answer than the one expected only the status is told.
    async fn post(&self, key: &SecretString) -> Result<(), String> {
        let request = self.request(key);
        let request = request.map_err(|_| format!("{:?} takes no request", self.url))?;
        let answer = self.http.call(request).await;
        let answer = answer.map_err(|error| with_causes(&error))?;
        let status = answer.status().as_u16();
        let body = ByteStream::new(answer.into_body()).collect().await;
        let body = body.map_err(|error| with_causes(&error))?.into_bytes();
        let answered: Value = serde_json::from_slice(&body).unwrap_or_default();
        match status {
            200 if answered["outcome"] == "ignored" => Ok(()),
            200 => Err("200, but not as the webhook answers a status it doesn't know".to_owned()),
            _ => Err(status.to_string()),
        }
    }

    fn request(&self, key: &SecretString) -> Result<HttpRequest, HttpError> {
        let event = json!({
            "source": "aws.mediaconvert",
            "detail-type": "MediaConvert Job State Change",
            "detail": {"jobId": "rotate-api-key", "status": STATUS, "timestamp": 0},
        });
        let mut request = HttpRequest::new(SdkBody::from(event.to_string()));
        request.set_method("POST")?;
        request.set_uri(self.url.as_str())?;
        request
            .headers_mut()
            .try_insert("content-type", "application/json; charset=utf-8")?;
        request
            .headers_mut()
            .try_insert(HEADER.to_ascii_lowercase(), key.expose_secret().to_owned())?;
        Ok(request)
    }
}
