//! The API over HTTP, on jobs that wait: there is no slot for them to run in.

use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Service, router};
use crate::events::EventBus;
use crate::fetch::WebClient;
use crate::fixtures::requests;
use crate::job_templates::JobTemplates;
use crate::jobs::Jobs;
use crate::queues::Queues;
use crate::quotas::Quotas;
use crate::role::ServiceRole;
use crate::runner::Runner;
use crate::schedule::Schedule;
use crate::tools::Tools;

const ACCOUNT: &str = "111122223333";
const REGION: &str = "us-east-1";

struct Api {
    url: String,
    client: Client,
}

struct Reply {
    status: u16,
    error: Option<String>,
    body: Value,
}

impl Api {
    async fn start() -> Self {
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .build();
        let runner = Runner {
            tools: Tools {
                ffmpeg: "ffmpeg".into(),
                ffprobe: "ffprobe".into(),
            },
            role: ServiceRole::new(&sdk, ACCOUNT),
            web: WebClient::new().unwrap(),
            work_dir: std::env::temp_dir(),
            schedule: Schedule::new(0),
            update_minute: Duration::from_millis(50),
            earlier: None,
        };
        let service = Service {
            quotas: Quotas::new(1.0),
            jobs: Jobs::new(REGION, ACCOUNT, EventBus::detached(), Duration::from_mins(1)),
            templates: JobTemplates::new(REGION, ACCOUNT),
            queues: Queues::new(REGION, ACCOUNT),
            runner: Arc::new(runner),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router(Arc::new(service))).await });
        Self {
            url,
            client: Client::new(),
        }
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Reply {
        let request = self.client.request(method, format!("{}{path}", self.url));
        let reply = request.body(body.to_string()).send().await.unwrap();
        let error = reply.headers().get("x-amzn-errortype");
        Reply {
            status: reply.status().as_u16(),
            error: error.map(|name| name.to_str().unwrap().to_owned()),
            body: serde_json::from_str(&reply.text().await.unwrap()).unwrap(),
        }
    }

    async fn create(&self) -> String {
        let reply = self.call(Method::POST, "/2017-08-29/jobs", &job()).await;
        reply.body["job"]["id"].as_str().unwrap().to_owned()
    }

    async fn job(&self, id: &str) -> Value {
        let path = format!("/2017-08-29/jobs/{id}");
        self.call(Method::GET, &path, &Value::Null).await.body["job"].clone()
    }
}

fn job() -> Value {
    let mut job = requests::body();
    job["userMetadata"] = json!({"mediaId": "42"});
    job
}

#[tokio::test]
async fn a_created_job_is_answered_as_mediaconvert_answers_it() {
    let reply = Api::start()
        .await
        .call(Method::POST, "/2017-08-29/jobs", &job())
        .await;
    let created = &reply.body["job"];

    assert_eq!(reply.status, 201);
    let id = created["id"].as_str().unwrap();
    assert_eq!(
        created["arn"],
        format!("arn:aws:mediaconvert:{REGION}:{ACCOUNT}:jobs/{id}")
    );
    assert_eq!(
        created["queue"],
        format!("arn:aws:mediaconvert:{REGION}:{ACCOUNT}:queues/Default")
    );
    assert_eq!(created["status"], "SUBMITTED");
    assert_eq!(created["settings"], job()["settings"]);
    assert_eq!(created["userMetadata"], json!({"mediaId": "42"}));
    assert_eq!(created["timing"], json!({"submitTime": created["createdAt"]}));
    let seconds = created["createdAt"].as_u64().unwrap();
    assert!((1_700_000_000..10_000_000_000).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn errors_carry_their_name_in_a_header() {
    let api = Api::start().await;
    let bad = json!({"role": "arn:aws:iam::111122223333:role/r", "settings": {}});
    let mut templated = bad.clone();
    templated["jobTemplate"] = json!("nobody-made-it");
    for (method, path, body, status, name) in [
        (Method::POST, "jobs", bad, 400, "BadRequestException"),
        (
            Method::POST,
            "jobs",
            json!("no object"),
            400,
            "BadRequestException",
        ),
        (Method::POST, "jobs", templated, 404, "NotFoundException"),
        (
            Method::GET,
            "jobs/1700000000000-abc123",
            Value::Null,
            404,
            "NotFoundException",
        ),
        (
            Method::DELETE,
            "jobs/1700000000000-abc123",
            Value::Null,
            404,
            "NotFoundException",
        ),
        (
            Method::GET,
            "jobs?status=DONE",
            Value::Null,
            400,
            "BadRequestException",
        ),
        (
            Method::GET,
            "jobs?maxResults=21",
            Value::Null,
            400,
            "BadRequestException",
        ),
        (
            Method::GET,
            "queues/nowhere",
            Value::Null,
            404,
            "NotFoundException",
        ),
        (
            Method::GET,
            "jobTemplates/none",
            Value::Null,
            404,
            "NotFoundException",
        ),
        (Method::PUT, "jobs", Value::Null, 404, "UnknownOperationException"),
        (
            Method::GET,
            "presets",
            Value::Null,
            404,
            "UnknownOperationException",
        ),
    ] {
        let reply = api.call(method, &format!("/2017-08-29/{path}"), &body).await;
        assert_eq!(
            (reply.status, reply.error.as_deref()),
            (status, Some(name)),
            "{path}"
        );
        assert!(reply.body["message"].is_string(), "{path}");
    }
}

#[tokio::test]
async fn a_waiting_job_can_be_canceled_once() {
    let api = Api::start().await;
    let id = api.create().await;
    let path = format!("/2017-08-29/jobs/{id}");
    let reply = api.call(Method::DELETE, &path, &Value::Null).await;
    assert_eq!((reply.status, reply.body), (202, json!({})));

    let canceled = async {
        while api.job(&id).await["status"] != "CANCELED" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), canceled)
        .await
        .unwrap();
    assert!(api.job(&id).await["timing"]["finishTime"].is_u64());
    let reply = api.call(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(
        (reply.status, reply.error.as_deref()),
        (409, Some("ConflictException"))
    );
}

#[tokio::test]
async fn lists_come_in_pages() {
    let api = Api::start().await;
    let mut created = [api.create().await, api.create().await, api.create().await];
    created.sort();
    let mut listed = Vec::new();
    let mut token = None;
    loop {
        let after = token
            .map(|token| format!("&nextToken={token}"))
            .unwrap_or_default();
        let path = format!("/2017-08-29/jobs?order=ASCENDING&maxResults=2&queue=Default{after}");
        let reply = api.call(Method::GET, &path, &Value::Null).await;
        let page = reply.body["jobs"].as_array().unwrap();
        listed.extend(page.iter().map(|job| job["id"].as_str().unwrap().to_owned()));
        token = reply.body["nextToken"].as_str().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert_eq!(listed, created);
}

#[tokio::test]
async fn a_job_is_made_from_a_template() {
    let api = Api::start().await;
    let mut template = json!({"name": "sound", "settings": job()["settings"]});
    template["settings"]["inputs"] = json!([{"timecodeSource": "ZEROBASED"}]);
    let reply = api
        .call(Method::POST, "/2017-08-29/jobTemplates", &template)
        .await;
    assert_eq!(reply.status, 201);

    let mut job = job();
    job["jobTemplate"] = json!("sound");
    job["settings"] = json!({"inputs": [{"fileInput": "s3://in/clip.mov"}]});
    let reply = api.call(Method::POST, "/2017-08-29/jobs", &job).await;
    let created = &reply.body["job"];
    assert_eq!(created["jobTemplate"], "sound");
    assert_eq!(created["settings"]["inputs"][0]["timecodeSource"], "ZEROBASED");
    assert_eq!(
        created["settings"]["outputGroups"],
        template["settings"]["outputGroups"]
    );
}

#[tokio::test]
async fn queues_count_their_jobs() {
    let api = Api::start().await;
    api.create().await;
    let made = api
        .call(Method::POST, "/2017-08-29/queues", &json!({"name": "site"}))
        .await;
    assert_eq!(made.status, 201);

    let queue = |name: &'static str| {
        let api = &api;
        async move {
            let path = format!("/2017-08-29/queues/{name}");
            api.call(Method::GET, &path, &Value::Null).await.body["queue"].clone()
        }
    };
    assert_eq!(queue("Default").await["submittedJobsCount"], 1);
    assert_eq!(queue("site").await["submittedJobsCount"], 0);
    assert_eq!(queue("site").await["type"], "CUSTOM");
}

#[tokio::test]
async fn a_queue_is_updated_by_name() {
    let api = Api::start().await;
    let path = "/2017-08-29/queues/Default";
    let paused = json!({"status": "PAUSED", "concurrentJobs": 3});
    let reply = api.call(Method::PUT, path, &paused).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.body["queue"]["status"], "PAUSED");
    assert_eq!(reply.body["queue"]["concurrentJobs"], 3);
    let refused = api.call(Method::PUT, path, &json!({"concurrentJobs": 0})).await;
    assert_eq!(
        refused.body["message"],
        "concurrentJobs: 0 is not a number from 1"
    );
}

#[tokio::test]
async fn a_job_that_waits_too_long_hops() {
    let api = Api::start().await;
    let queue = json!({"name": "night"});
    api.call(Method::POST, "/2017-08-29/queues", &queue).await;
    let mut job = job();
    job["hopDestinations"] = json!([{"queue": "night", "waitMinutes": 1, "priority": 7}]);
    let created = api.call(Method::POST, "/2017-08-29/jobs", &job).await.body["job"].clone();
    assert_eq!(created["queueTransitions"], json!([]));

    let id = created["id"].as_str().unwrap();
    let hopped = async {
        loop {
            let job = api.job(id).await;
            if job["queueTransitions"] != json!([]) {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let hopped = tokio::time::timeout(Duration::from_secs(20), hopped)
        .await
        .unwrap();
    assert_eq!(
        (&hopped["status"], &hopped["priority"]),
        (&json!("SUBMITTED"), &json!(7))
    );
    assert!(hopped["queue"].as_str().unwrap().ends_with("queues/night"));
    let transition = &hopped["queueTransitions"][0];
    assert_eq!(transition["sourceQueue"], created["queue"]);
    assert_eq!(transition["destinationQueue"], hopped["queue"]);
}
