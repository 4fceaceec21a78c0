//! The service role: who this program is when it reads inputs and writes outputs.

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_sts::error::{DisplayErrorContext, ProvideErrorMetadata as _};

/// Assumes the roles that jobs pass.
#[derive(Debug, Clone)]
pub(crate) struct ServiceRole {
    sdk: SdkConfig,
    sts: aws_sdk_sts::Client,
    account_id: String,
}

/// STS said no, in its own words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotAssumed(String);

impl ServiceRole {
    pub(crate) fn new(sdk: &SdkConfig, account_id: &str) -> Self {
        Self {
            sdk: sdk.clone(),
            sts: aws_sdk_sts::Client::new(sdk),
            account_id: account_id.to_owned(),
        }
    }

    /// An S3 client with the role's credentials, good for an hour.
    ///
    /// A service hands STS the source account and source ARN against which a trust policy guards
    /// itself from the confused deputy; for MediaConvert that ARN is the queue's. A local STS
    /// reads them from these headers.
    pub(crate) async fn s3(
        &self,
        role_arn: &str,
        queue_arn: &str,
        job_id: &str,
    ) -> Result<aws_sdk_s3::Client, NotAssumed> {
        let headers = [
            ("x-amz-source-account", self.account_id.clone()),
            ("x-amz-source-arn", queue_arn.to_owned()),
        ];
        let assumed = self
            .sts
            .assume_role()
            .role_arn(role_arn)
            .role_session_name(format!("EmeSession_{job_id}"))
            .customize()
            .mutate_request(move |request| {
                for (name, value) in &headers {
                    request.headers_mut().insert(*name, value.clone());
                }
            })
            .send()
            .await
            .map_err(|error| {
                let message = error.message().map(str::to_owned);
                NotAssumed(message.unwrap_or_else(|| DisplayErrorContext(&error).to_string()))
            })?;
        let credentials = assumed
            .credentials
            .ok_or_else(|| NotAssumed("STS answered without credentials".to_owned()))?;
        let credentials = Credentials::new(
            credentials.access_key_id,
            credentials.secret_access_key,
            Some(credentials.session_token),
            credentials.expiration.try_into().ok(),
            "AssumeRole",
        );
        Ok(self.client(credentials))
    }

    fn client(&self, credentials: Credentials) -> aws_sdk_s3::Client {
        // A local endpoint has no host name for each bucket.
        let has_endpoint =
            self.sdk.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
        let config = aws_sdk_s3::config::Builder::from(&self.sdk)
            .credentials_provider(credentials)
            .force_path_style(has_endpoint)
            // Not every local S3 knows the newer checksums.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }
}
