//! microburst, the proxy between the function and AWS, and the faults it injects.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::cloud::{Cloud, Life};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dependency {
    DynamoDb,
    SecretsManager,
    /// Secrets Manager recovers after its first call, or DynamoDB would never be reached.
    Both,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    Throttled,
    InternalError,
    Reset,
    Hangs,
    /// The request is carried out; half of the answer arrives, as if it were whole.
    Truncated,
    /// The request is carried out; the connection breaks in the middle of the answer.
    Lost,
}

/// Which of the function's calls the fault hits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lasting {
    FirstCall,
    EveryCall,
}

/// Rules are set and read under a path of the proxy's own.
#[derive(Debug)]
pub(crate) struct Proxy {
    control: String,
    client: Client,
}

impl Proxy {
    pub(crate) fn at(url: String) -> Self {
        Self {
            control: url + "/_microburst",
            client: Client::new(),
        }
    }

    /// The proxy loads a service's model with the first call and the first error, which takes seconds.
    pub(crate) async fn warm_up(&self, cloud: &Cloud) -> Result<()> {
        let function = cloud.function();
        let give_up_at = Instant::now() + Duration::from_mins(1);
        for dependency in [Dependency::DynamoDb, Dependency::SecretsManager] {
            self.inject(Fault::Throttled, dependency, Lasting::EveryCall)
                .await?;
            while function.deliver(&Life::in_order().first).await?.status == 503 && self.fired().await? == 0 {
                ensure!(
                    Instant::now() < give_up_at,
                    "{dependency} is never reached through the proxy"
                );
            }
            self.stop_faults().await?;
            while function.deliver(&Life::in_order().first).await?.status != 200 {
                ensure!(
                    Instant::now() < give_up_at,
                    "{dependency} does not answer through the proxy"
                );
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        Ok(())
    }

    pub(crate) async fn inject(&self, fault: Fault, dependency: Dependency, lasting: Lasting) -> Result<()> {
        let rules = match dependency {
            Dependency::DynamoDb => json!([fault.in_dynamodb(lasting)]),
            Dependency::SecretsManager => json!([fault.in_secrets_manager(lasting)]),
            Dependency::Both => json!([
                fault.in_secrets_manager(Lasting::FirstCall),
                fault.in_dynamodb(lasting)
            ]),
        };
        self.control(Method::POST, "rules", &rules).await?;
        Ok(())
    }

    /// Ends the faults and says how often they happened.
    pub(crate) async fn stop_faults(&self) -> Result<usize> {
        self.control(Method::POST, "rules", &json!([])).await?;
        let fired = self.fired().await?;
        self.control(Method::DELETE, "fired", &Value::Null).await?;
        Ok(fired)
    }

    async fn fired(&self) -> Result<usize> {
        let fired = self.control(Method::GET, "fired", &Value::Null).await?;
        Ok(fired.as_array().map_or(0, Vec::len))
    }

    async fn control(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let request = self.client.request(method, format!("{}/{path}", self.control));
        let answer = request.body(body.to_string()).send().await?.error_for_status()?;
        Ok(serde_json::from_str(&answer.text().await?)?)
    }
}

impl Dependency {
    pub(crate) const ALL: [Self; 3] = [Self::DynamoDb, Self::SecretsManager, Self::Both];
}

impl Lasting {
    pub(crate) const ALL: [Self; 2] = [Self::FirstCall, Self::EveryCall];
}

impl Fault {
    pub(crate) const ALL: [Self; 6] = [
        Self::Throttled,
        Self::InternalError,
        Self::Reset,
        Self::Hangs,
        Self::Truncated,
        Self::Lost,
    ];

    fn in_dynamodb(self, lasting: Lasting) -> Value {
        let errors = ["ProvisionedThroughputExceededException", "InternalServerError"];
        self.rule("dynamodb", errors, lasting)
    }

    fn in_secrets_manager(self, lasting: Lasting) -> Value {
        let errors = ["ThrottlingException", "InternalServiceError"];
        self.rule("secretsmanager", errors, lasting)
    }

    fn rule(self, service: &str, [throttling, internal]: [&str; 2], lasting: Lasting) -> Value {
        let mut rule = match self {
            Self::Throttled => json!({"error": {"code": throttling}}),
            Self::InternalError => json!({"error": {"code": internal}}),
            Self::Reset => json!({"reset": true}),
            Self::Hangs => json!({"timeout_ms": 10_000}),
            Self::Truncated => json!({"response": {"truncate_frac": 0.5}}),
            Self::Lost => json!({"response": {"abort_frac": 0.5}}),
        };
        rule["service"] = json!(service);
        if let Lasting::FirstCall = lasting {
            rule["times"] = json!(1);
        }
        rule
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DynamoDb => "DynamoDB",
            Self::SecretsManager => "Secrets Manager",
            Self::Both => "both",
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Throttled => "throttled",
            Self::InternalError => "HTTP 500",
            Self::Reset => "connection reset",
            Self::Hangs => "no answer",
            Self::Truncated => "answer truncated",
            Self::Lost => "connection lost in the answer",
        })
    }
}

impl fmt::Display for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FirstCall => "the first call",
            Self::EveryCall => "every call",
        })
    }
}
