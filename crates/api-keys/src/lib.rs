//! The keys that open the door.
//!
//! Two are good at any time, the secret's AWSCURRENT and its AWSPREVIOUS, because EventBridge goes
//! on sending the old one until a rotation has reached its connection; AWSPENDING too, while a
//! rotation tests it. Keys are kept as SHA-256 digests: comparing digests in constant time tells
//! neither a key's content nor its length, and a digest that reached a log would open nothing.

use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use startup::logging::with_causes;
use subtle::{Choice, ConstantTimeEq as _};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long keys are used before they are fetched again.
const LIFETIME: Duration = Duration::from_mins(5);

/// An unknown key may be a new one, so the keys are fetched again; but not sooner after the last time
/// than this, or strangers could drive our calls to Secrets Manager, and their cost. So a key that has been
/// in the secret for this long is known to everybody who asks here.
pub const PAUSE_AFTER_MISMATCH: Duration = Duration::from_mins(1);

/// Nor do we ask again at once when Secrets Manager has just failed to answer.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

const CURRENT: &str = "AWSCURRENT";

/// In the order in which a rotation moves a key on. Read in it, one after the other, no key is missed that
/// moves meanwhile.
const STAGES: [&str; 3] = ["AWSPENDING", CURRENT, "AWSPREVIOUS"];

type Digest = [u8; 32];

/// The keys of one secret, cached in this process.
#[derive(Debug)]
pub struct ApiKeys {
    client: Client,
    secret: String,
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    keys: Option<Keys>,
    /// When we last asked, if there has been no answer since.
    unanswered: Option<Instant>,
}

#[derive(Debug)]
struct Keys {
    digests: Vec<Digest>,
    fetched: Instant,
}

/// The keys can't be read now, so no key can be judged.
#[derive(Debug, thiserror::Error)]
#[error("can't read the API key: {0}")]
pub struct KeysUnavailable(String);

impl ApiKeys {
    /// The keys in `secret`, a name or ARN, whose versions are JSON `{"apiKey": "…"}`.
    #[must_use]
    pub fn new(client: Client, secret: String) -> Self {
        Self {
            client,
            secret,
            cache: Mutex::default(),
        }
    }

    /// Whether `presented` is one of the keys.
    ///
    /// # Errors
    /// Secrets Manager could not be asked.
    pub async fn accept(&self, presented: &[u8]) -> Result<bool, KeysUnavailable> {
        if presented.is_empty() {
            return Ok(false);
        }
        let presented = digest(presented);
        let mut cache = self.cache.lock().await;
        if let Some(keys) = cache.keys.as_ref().filter(|keys| keys.are_younger_than(LIFETIME)) {
            if keys.include(&presented) {
                return Ok(true);
            }
            if keys.are_younger_than(PAUSE_AFTER_MISMATCH) {
                return Ok(false);
            }
        }
        if cache
            .unanswered
            .is_some_and(|asked| asked.elapsed() < PAUSE_AFTER_FAILURE)
        {
            return Err(KeysUnavailable("it could not be read a moment ago".to_owned()));
        }
        cache.unanswered = Some(Instant::now());
        let keys = Box::pin(self.fetch()).await?;
        cache.unanswered = None;
        let keys = cache.keys.insert(keys);
        Ok(keys.include(&presented))
    }

    async fn fetch(&self) -> Result<Keys, KeysUnavailable> {
        let fetched = Instant::now();
        let mut digests = Vec::new();
        for stage in STAGES {
            let key = self.version(stage).await?;
            if stage == CURRENT && key.is_none() {
                let reason = "the secret has no AWSCURRENT version that is JSON with a string `apiKey`";
                return Err(KeysUnavailable(reason.to_owned()));
            }
            digests.extend(key);
        }
        Ok(Keys { digests, fetched })
    }

    /// The digest of one version's key. Most secrets have one or two of the three versions, and a
    /// version that holds no key opens nothing.
    async fn version(&self, stage: &str) -> Result<Option<Digest>, KeysUnavailable> {
        let request = self
            .client
            .get_secret_value()
            .secret_id(&self.secret)
            .version_stage(stage);
        match request.send().await {
            Ok(version) => {
                let digest = key(version.secret_string());
                if digest.is_none() {
                    tracing::warn!(
                        stage,
                        "a version of the secret is not JSON with a string `apiKey`"
                    );
                }
                Ok(digest)
            }
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(KeysUnavailable(with_causes(&error))),
        }
    }
}

fn is_missing(error: &SdkError<GetSecretValueError>) -> bool {
    error
        .as_service_error()
        .is_some_and(GetSecretValueError::is_resource_not_found_exception)
}

impl Keys {
    fn are_younger_than(&self, age: Duration) -> bool {
        self.fetched.elapsed() < age
    }

    /// Looks at every key, so that the time it takes doesn't tell which one it is.
    fn include(&self, presented: &Digest) -> bool {
        self.digests
            .iter()
            .fold(Choice::from(0), |found, key| found | key.ct_eq(presented))
            .into()
    }
}

fn key(secret: Option<&str>) -> Option<Digest> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Secret {
        api_key: String,
    }
    let Secret { api_key } = serde_json::from_str(secret?).ok()?;
    (!api_key.is_empty()).then(|| digest(api_key.as_bytes()))
}

fn digest(key: &[u8]) -> Digest {
    Sha256::digest(key).into()
}
