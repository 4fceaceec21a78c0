//! Events as large as EventBridge delivers them, each with what must tell that it was cut.

use jobs::{JobEvent, Received};
use serde_json::{Map, Value, json};

/// EventBridge's limit for an event.
const MIB: usize = 1024 * 1024;

/// An event, and where in its row a mark must be.
pub(crate) struct Large {
    pub(crate) event: JobEvent,
    pub(crate) mark: &'static str,
}

/// One event for each way of being too large or of a kind that DynamoDB refuses.
pub(crate) fn events() -> Vec<Large> {
    let output = |paths: Value| json!({"outputFilePaths": paths});
    let group =
        |outputs: Value| json!({"outputGroupDetails": [{"type": "FILE_GROUP", "outputDetails": outputs}]});
    let outputs: Vec<Value> = paths(10_000)
        .into_iter()
        .map(|path| output(json!([path])))
        .collect();
    let messages: Map<String, Value> = (0..10_000)
        .map(|n| (format!("key-{n}"), json!("x".repeat(60))))
        .collect();
    let cases = [
        (
            "COMPLETE",
            group(json!([output(json!(paths(10_000)))])),
            "/outputs/0/pathsOmitted",
        ),
        ("COMPLETE", group(json!(outputs)), "/outputsOmitted"),
        (
            "COMPLETE",
            json!({"outputGroupDetails": [{"playlistFilePaths": paths(10_000)}]}),
            "/playlistsOmitted",
        ),
        (
            "COMPLETE",
            json!({"warnings": vec![json!({"code": 230_001, "count": 1}); 10_000]}),
            "/warningCountsOmitted",
        ),
        (
            "ERROR",
            json!({"errorCode": i64::MIN, "errorMessage": text()}),
            "/errorMessage",
        ),
        (
            "NEW_WARNING",
            json!({"warningCode": i64::MAX, "warningMessage": text()}),
            "/warnings/0",
        ),
        (
            "INPUT_INFORMATION",
            json!({"inputDetails": vec![json!({"uri": "é".repeat(400)}); 1_000]}),
            "/inputDetailsOmitted",
        ),
        (
            "INPUT_INFORMATION",
            json!({"inputDetails": [text()]}),
            "/inputDetailsOmitted",
        ),
        (
            "PROGRESSING",
            json!({"userMetadata": {"big": text()}}),
            "/userMetadata/big",
        ),
        (
            "PROGRESSING",
            json!({"userMetadata": messages}),
            "/userMetadata/…",
        ),
        (
            "STATUS_UPDATE",
            json!({"jobProgress": {"currentPhase": text()}}),
            "/currentPhase",
        ),
        ("QUEUE_HOP", json!({"queue": text()}), "/queue"),
    ];
    let large = cases.map(|(status, detail, mark)| Large {
        event: event(status, 1, detail),
        mark,
    });
    large.into()
}

/// Events of ordinary size that DynamoDB still can't hold as they are.
pub(crate) fn odd_events() -> Vec<JobEvent> {
    let deep = (0..100).fold(json!("bottom"), |inside, level| {
        if level % 2 == 0 {
            json!([inside])
        } else {
            json!({"inside": inside})
        }
    });
    let numbers = json!({"huge": 1e300, "tiny": -1e-200, "long": u64::MAX, "third": 1.0 / 3.0, "float": f64::MAX,
        "": "no name", "null": null, "empty": ["", [], {}]});
    let video = json!({"qvbrAvgQuality": f64::MIN, "averageBitrate": i64::MIN, "widthInPx": 9_007_199_254_740_993_u64});
    let groups = json!([{"type": "", "outputDetails": [{"outputFilePaths": [""], "videoDetails": video}]}]);
    vec![
        event(
            "INPUT_INFORMATION",
            1,
            json!({"inputDetails": [deep, numbers], "userMetadata": {"deep": deep}}),
        ),
        event(
            "COMPLETE",
            1,
            json!({"outputGroupDetails": groups, "userMetadata": numbers}),
        ),
        event(
            "STATUS_UPDATE",
            253_402_300_799_999,
            json!({"jobProgress": {"jobPercentComplete": i64::MAX}}),
        ),
    ]
}

/// The events whose row holds as much of everything as a row can.
pub(crate) fn every_maximum_at_once() -> Vec<JobEvent> {
    let name = "n".repeat(100_000);
    let metadata = json!({"a": "\"".repeat(4_000), "b": "\n".repeat(4_000)});
    let everything = json!({"queue": name, "userMetadata": metadata, "outputGroupDetails": [{
        "type": name, "outputDetails": [{"outputFilePaths": paths(6_000)}], "playlistFilePaths": paths(2_000)}],
        "warnings": vec![json!({"code": i64::MIN, "count": i64::MIN}); 600]});
    let details = json!({"inputDetails": (0..900).map(|n| json!({"id": n, "uri": "x".repeat(300)})).collect::<Vec<_>>()});
    let warnings = (0..100).map(|n| {
        event(
            "NEW_WARNING",
            10 + n,
            json!({"warningCode": n, "warningMessage": "w".repeat(10_000)}),
        )
    });
    let others = [
        event(
            "STATUS_UPDATE",
            2,
            json!({"jobProgress": {"jobPercentComplete": 1, "currentPhase": text()}}),
        ),
        event("INPUT_INFORMATION", 3, details),
        event("COMPLETE", 1_000, everything),
    ];
    warnings.chain(others).collect()
}

fn event(status: &str, at: u64, detail: Value) -> JobEvent {
    let mut payload = Value::from_iter([("detail", detail)]);
    let identity = [
        ("jobId", json!("1700000000000-abc123")),
        ("status", json!(status)),
        ("timestamp", json!(at)),
    ];
    for (name, value) in identity {
        payload["detail"][name] = value;
    }
    let payload = payload.to_string();
    assert!(
        payload.len() <= MIB,
        "EventBridge has no event of {} bytes",
        payload.len()
    );
    match JobEvent::from_json(payload.as_bytes()).unwrap() {
        Received::Event(event) => event,
        Received::UnknownStatus { status, .. } => panic!("{status} is unknown"),
    }
}

/// As long as fits beside the rest of an event.
fn text() -> String {
    "x".repeat(MIB - 512)
}

fn paths(count: usize) -> Vec<String> {
    (0..count)
        .map(|n| format!("s3://amzn-s3-demo-bucket/transcoded/media/42/video_{n:07}.mp4"))
        .collect()
}
