//! The webhook as whoever knows its URL reaches it, and the event bus in front of it.

use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use serde_json::{Value, json};
use url::Url;

use crate::Cloud;

/// An event of a job, as EventBridge delivers it.
#[must_use]
pub fn event(cloud: &Cloud, job_id: &str, status: &str, timestamp: u64) -> Value {
    json!({
        "version": "0",
        "source": "aws.mediaconvert",
        "detail-type": "MediaConvert Job State Change",
        "detail": {
            "timestamp": timestamp,
            "accountId": cloud.description.account_id,
            "queue": cloud.queue_arn(),
            "jobId": job_id,
            "status": status,
            "userMetadata": {},
        },
    })
}

/// The webhook key, as the secret holds it.
pub async fn api_key(cloud: &Cloud) -> String {
    let secrets = aws_sdk_secretsmanager::Client::new(&cloud.administrator);
    let secret = secrets
        .get_secret_value()
        .secret_id(cloud.output("ApiKeySecretArn"))
        .send()
        .await
        .unwrap();
    let secret: Value = serde_json::from_str(secret.secret_string().unwrap()).unwrap();
    secret["apiKey"].as_str().unwrap().to_owned()
}

/// Posts to the Function URL; answers status and body.
///
/// The URL's host resolves nowhere; the local cloud serves it by its name.
pub async fn post(cloud: &Cloud, key: Option<&str>, body: &Value) -> (u16, Value) {
    let url = Url::parse(cloud.output("JobEventsUrl")).unwrap();
    let mut request = reqwest::Client::new()
        .post(&cloud.description.endpoint_url)
        .header("host", url.host_str().unwrap())
        .header("content-type", "application/json; charset=utf-8")
        .body(body.to_string());
    if let Some(key) = key {
        request = request.header("x-api-key", key);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (
        status,
        serde_json::from_str(&answer.text().await.unwrap()).unwrap(),
    )
}

/// Puts an event on the default bus, as MediaConvert does.
pub async fn put_event(cloud: &Cloud, event: &Value) {
    let bus = aws_sdk_eventbridge::Client::new(&cloud.mediaconvert_itself());
    let entry = PutEventsRequestEntry::builder()
        .source(event["source"].as_str().unwrap())
        .detail_type(event["detail-type"].as_str().unwrap())
        .detail(event["detail"].to_string())
        .build();
    let answer = bus.put_events().entries(entry).send().await.unwrap();
    assert_eq!(answer.failed_entry_count(), 0, "{answer:?}");
}
