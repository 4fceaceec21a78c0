//! The little of AWS that a rotation touches, in memory: one secret, two connections and the webhook. It
//! keeps AWS's rules for versions, counts calls and breaks off at any of them, so that tests can ask which
//! keys work afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_eventbridge::Client as EventBridge;
use aws_sdk_secretsmanager::Client as SecretsManager;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use rotate_api_key::connection::Connection;
use rotate_api_key::function::{KEY_LEARNING, RotateApiKey};
use rotate_api_key::secret::Secret;
use rotate_api_key::webhook::Webhook;
use serde_json::{Value, json};
use tokio::time::Instant;

pub(crate) const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:key-AbCdEf";
pub(crate) const OLD_KEY: &str = "the-old-key";
pub(crate) const NEW_KEY: &str = "the-new-key";
pub(crate) const TOKEN: &str = "new-version";
const CONNECTIONS: [&str; 2] = ["to-webhook", "to-host"];
pub(crate) const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    /// It isn't carried out.
    Before,
    /// It is carried out, and nobody hears of it.
    After,
    /// Nor is any later one.
    Outage,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Version {
    pub(crate) value: Option<String>,
    pub(crate) stages: Vec<&'static str>,
}

/// What there is, for tests to set up and look at.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) versions: BTreeMap<String, Version>,
    /// The key that EventBridge sends, by connection.
    pub(crate) sent: BTreeMap<String, String>,
    /// The connection's state each time somebody asks; the last one stays.
    pub(crate) connection_states: Vec<&'static str>,
    /// How many requests the webhook still refuses, whatever their key.
    pub(crate) refusals: usize,
    /// Every call so far, with its time.
    pub(crate) calls: Vec<(String, Instant)>,
    /// The call to break, counted from 0.
    pub(crate) broken: Option<(usize, Break)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Aws(Arc<Mutex<State>>);

impl Aws {
    /// As `RotateSecret` leaves it: the old key is current and sent, the pending version has no value.
    pub(crate) fn at_the_start_of_a_rotation() -> Self {
        let old = json!({"apiKey": OLD_KEY, "owner": "video"}).to_string();
        let current = Version {
            value: Some(old),
            stages: vec!["AWSCURRENT"],
        };
        let pending = Version {
            value: None,
            stages: vec!["AWSPENDING"],
        };
        Self(Arc::new(Mutex::new(State {
            versions: BTreeMap::from([("old-version".to_owned(), current), (TOKEN.to_owned(), pending)]),
            sent: CONNECTIONS
                .map(|name| (name.to_owned(), OLD_KEY.to_owned()))
                .into(),
            connection_states: vec!["AUTHORIZED"],
            refusals: 0,
            calls: Vec::new(),
            broken: None,
        })))
    }

    pub(crate) fn with(self, change: impl FnOnce(&mut State)) -> Self {
        self.look(change);
        self
    }

    pub(crate) fn look<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    pub(crate) fn function(&self) -> RotateApiKey {
        let (secrets, events) = self.clients();
        RotateApiKey {
            secret: Secret::new(secrets, SECRET.to_owned()),
            connections: CONNECTIONS
                .map(|name| Connection::new(events.clone(), name.to_owned()))
                .into(),
            webhook: Some(Webhook::new(
                SharedHttpConnector::new(self.clone()),
                "https://webhook.test/".to_owned(),
            )),
            learning: KEY_LEARNING,
        }
    }

    /// The keys that the connections send: one, unless a rotation is half-way.
    pub(crate) fn sent(&self) -> Vec<String> {
        let keys = self.look(|state| state.sent.values().cloned().collect::<BTreeSet<_>>());
        keys.into_iter().collect()
    }

    /// The function in a stack that has neither connections nor webhook.
    pub(crate) fn function_alone(&self) -> RotateApiKey {
        RotateApiKey {
            connections: Vec::new(),
            webhook: None,
            ..self.function()
        }
    }

    /// One step, as Secrets Manager invokes it.
    pub(crate) async fn step(&self, step: &str) -> Result<(), Diagnostic> {
        invoke(&self.function(), step, TOKEN).await
    }

    /// All four, until one fails.
    pub(crate) async fn rotate(&self) -> Result<(), Diagnostic> {
        for step in STEPS {
            self.step(step).await?;
        }
        Ok(())
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        self.look(|state| state.calls.iter().map(|(name, _)| name.clone()).collect())
    }

    /// The key of the version with that label.
    pub(crate) fn key(&self, stage: &str) -> Option<String> {
        self.look(|state| state.key(stage))
    }

    /// What the operator does who gives a rotation up: the new version loses its label.
    pub(crate) fn cancel(&self) {
        self.look(|state| state.unlabel("AWSPENDING"));
    }

    pub(crate) fn sends_a_key_that_opens(&self) -> bool {
        self.look(|state| state.sent.values().all(|key| state.opens(key)))
    }

    fn clients(&self) -> (SecretsManager, EventBridge) {
        let connector = SharedHttpConnector::new(self.clone());
        let http = http_client_fn(move |_, _| connector.clone());
        let secrets = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("eu-west-1"))
            .credentials_provider(credentials())
            .retry_config(RetryConfig::disabled())
            .http_client(http.clone())
            .build();
        let events = aws_sdk_eventbridge::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("eu-west-1"))
            .credentials_provider(credentials())
            .retry_config(RetryConfig::disabled())
            .http_client(http)
            .build();
        (SecretsManager::from_conf(secrets), EventBridge::from_conf(events))
    }
}

fn credentials() -> Credentials {
    Credentials::new("id", "secret", None, None, "the tests")
}

pub(crate) async fn invoke(function: &RotateApiKey, step: &str, token: &str) -> Result<(), Diagnostic> {
    let payload = json!({"Step": step, "SecretId": SECRET, "ClientRequestToken": token});
    function
        .invoke(LambdaEvent::new(payload, Context::default()))
        .await
}

impl HttpConnector for Aws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (status, body) = self.look(|state| state.answer(&request));
        let body = SdkBody::from(body.to_string());
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), body)))
    }
}

type Answer = (u16, Value);

impl State {
    fn answer(&mut self, request: &HttpRequest) -> Answer {
        let target = request.headers().get("x-amz-target").unwrap_or("webhook");
        let operation = target.rsplit('.').next().unwrap().to_owned();
        let number = self.calls.len();
        self.calls.push((operation.clone(), Instant::now()));
        let broken = self.broken.filter(|(at, how)| match how {
            Break::Outage => number >= *at,
            Break::Before | Break::After => number == *at,
        });
        let out_of_order = (
            500,
            json!({"__type": "InternalFailure", "message": "out of order"}),
        );
        match broken {
            Some((_, Break::Before | Break::Outage)) => out_of_order,
            Some((_, Break::After)) => {
                self.carry_out(&operation, request);
                out_of_order
            }
            None => self.carry_out(&operation, request),
        }
    }

    fn carry_out(&mut self, operation: &str, request: &HttpRequest) -> Answer {
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        match operation {
            "DescribeSecret" => {
                let stages = self
                    .versions
                    .iter()
                    .map(|(id, version)| (id.clone(), json!(version.stages)));
                (
                    200,
                    json!({"VersionIdsToStages": stages.collect::<serde_json::Map<_, _>>()}),
                )
            }
            "GetSecretValue" => self.get_secret_value(&text("VersionStage")),
            "GetRandomPassword" => {
                assert_eq!(body, json!({"PasswordLength": 64, "ExcludePunctuation": true}));
                (200, json!({"RandomPassword": NEW_KEY}))
            }
            "PutSecretValue" => {
                assert_eq!(body["VersionStages"], json!(["AWSPENDING"]));
                self.put_secret_value(&text("ClientRequestToken"), text("SecretString"))
            }
            "UpdateSecretVersionStage" => {
                assert_eq!(text("VersionStage"), "AWSCURRENT");
                self.make_current(&text("MoveToVersionId"), &text("RemoveFromVersionId"))
            }
            "UpdateConnection" => {
                let api_key = &body["AuthParameters"]["ApiKeyAuthParameters"];
                assert_eq!(
                    (&body["AuthorizationType"], &api_key["ApiKeyName"]),
                    (&json!("API_KEY"), &json!("X-API-Key"))
                );
                let connection = self.sent.get_mut(&text("Name")).unwrap();
                api_key["ApiKeyValue"].as_str().unwrap().clone_into(connection);
                (200, json!({"ConnectionState": "AUTHORIZING"}))
            }
            "DescribeConnection" => {
                let next = self.connection_states[0];
                if self.connection_states.len() > 1 {
                    self.connection_states.remove(0);
                }
                (
                    200,
                    json!({"ConnectionState": next, "StateReason": "as the test wants it"}),
                )
            }
            "webhook" => {
                assert_eq!(
                    (request.method(), request.uri()),
                    ("POST", "https://webhook.test/")
                );
                self.webhook(request.headers().get("x-api-key").unwrap(), &body)
            }
            other => panic!("a rotation has no need of {other}"),
        }
    }

    fn get_secret_value(&self, stage: &str) -> Answer {
        let version = self
            .versions
            .values()
            .find(|version| version.stages.contains(&stage));
        match version.and_then(|version| version.value.as_ref()) {
            Some(value) => (200, json!({"SecretString": value})),
            None => (
                400,
                json!({"__type": "ResourceNotFoundException", "Message": stage}),
            ),
        }
    }

    /// A version that has its value keeps it.
    fn put_secret_value(&mut self, token: &str, value: String) -> Answer {
        let version = self.versions.get_mut(token).unwrap();
        match &version.value {
            Some(kept) if *kept != value => (400, json!({"__type": "ResourceExistsException"})),
            _ => {
                version.value = Some(value);
                (200, json!({"VersionId": token}))
            }
        }
    }

    pub(crate) fn make_current(&mut self, token: &str, from: &str) -> Answer {
        if !self.versions[from].stages.contains(&"AWSCURRENT") {
            return (400, json!({"__type": "InvalidParameterException"}));
        }
        self.unlabel("AWSCURRENT");
        self.unlabel("AWSPREVIOUS");
        self.versions.get_mut(from).unwrap().stages.push("AWSPREVIOUS");
        self.versions.get_mut(token).unwrap().stages.push("AWSCURRENT");
        (200, json!({}))
    }

    fn webhook(&mut self, key: &str, event: &Value) -> Answer {
        if self.refusals > 0 {
            self.refusals -= 1;
            return (401, json!({"error": "unauthorized"}));
        }
        if !self.opens(key) {
            return (401, json!({"error": "unauthorized"}));
        }
        let status = event["detail"]["status"].as_str().unwrap();
        assert!(
            status.parse::<u8>().is_err() && status == "KEY_ROTATION_TEST",
            "{event}"
        );
        (
            200,
            json!({"jobId": event["detail"]["jobId"], "outcome": "ignored"}),
        )
    }

    fn opens(&self, key: &str) -> bool {
        let stages = ["AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"];
        stages.iter().any(|stage| self.key(stage).as_deref() == Some(key))
    }

    fn key(&self, stage: &str) -> Option<String> {
        let version = self
            .versions
            .values()
            .find(|version| version.stages.contains(&stage))?;
        let value: Value = serde_json::from_str(version.value.as_ref()?).unwrap();
        Some(value["apiKey"].as_str()?.to_owned())
    }

    fn unlabel(&mut self, stage: &str) {
        for version in self.versions.values_mut() {
            version.stages.retain(|each| *each != stage);
        }
    }
}

/// How long after `first` the call `then` came.
pub(crate) fn between(aws: &Aws, first: &str, then: &str) -> Duration {
    aws.look(|state| {
        let at = |name: &str| state.calls.iter().find(|(call, _)| call == name).unwrap().1;
        at(then) - at(first)
    })
}
