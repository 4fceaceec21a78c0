//! What the dashboard counts, in CloudWatch's embedded metric format ([specification]): one line of
//! JSON on standard output, from which CloudWatch makes metrics without an API call.
//!
//! [specification]: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

use std::time::SystemTime;

use jobs::Timestamp;
use serde_json::{Value, json};

use crate::answer::Outcome;

const NAMESPACE: &str = "MediaConvertBackend";

/// An event that was taken: how many, by status and outcome, and how old it was, in milliseconds.
pub(crate) fn event(function: &str, status: &str, outcome: Outcome, said_at: Timestamp) {
    println!("{}", event_line(function, status, outcome, said_at, now()));
}

/// A key that was wrong or missing.
pub(crate) fn rejected_key(function: &str) {
    println!("{}", rejected_key_line(function, now()));
}

fn event_line(function: &str, status: &str, outcome: Outcome, said_at: Timestamp, now: u64) -> Value {
    let dimensions = json!([["FunctionName", "EventStatus", "Outcome"]]);
    let mut metrics = vec![json!({"Name": "Events", "Unit": "Count"})];
    let mut line =
        json!({"FunctionName": function, "EventStatus": status, "Outcome": outcome.as_str(), "Events": 1});
    // An event without a time has no age, and one from the future only shows that clocks differ.
    if said_at != Timestamp::default() {
        metrics.push(json!({"Name": "EventAge", "Unit": "Milliseconds"}));
        line["EventAge"] = json!(now.saturating_sub(said_at.as_millis()));
    }
    with_directive(line, &dimensions, &metrics, now)
}

fn rejected_key_line(function: &str, now: u64) -> Value {
    let line = json!({"FunctionName": function, "RejectedKeys": 1});
    with_directive(
        line,
        &json!([["FunctionName"]]),
        &[json!({"Name": "RejectedKeys", "Unit": "Count"})],
        now,
    )
}

fn with_directive(mut line: Value, dimensions: &Value, metrics: &[Value], now: u64) -> Value {
    let directive = json!({"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": metrics});
    line["_aws"] = json!({"Timestamp": now, "CloudWatchMetrics": [directive]});
    line
}

fn now() -> u64 {
    let since_epoch = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    since_epoch.as_millis().try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jobs::table;

    #[test]
    fn a_line_defines_every_metric_and_dimension_it_carries() {
        let line = event_line(
            "f",
            "COMPLETE",
            Outcome::Recorded(table::Outcome::Applied),
            Timestamp::from_millis(1_000),
            3_500,
        );
        assert_eq!(
            line,
            json!({
                "_aws": {
                    "Timestamp": 3_500,
                    "CloudWatchMetrics": [{
                        "Namespace": "MediaConvertBackend",
                        "Dimensions": [["FunctionName", "EventStatus", "Outcome"]],
                        "Metrics": [
                            {"Name": "Events", "Unit": "Count"},
                            {"Name": "EventAge", "Unit": "Milliseconds"},
                        ],
                    }],
                },
                "FunctionName": "f",
                "EventStatus": "COMPLETE",
                "Outcome": "applied",
                "Events": 1,
                "EventAge": 2_500,
            })
        );
        let line = rejected_key_line("f", 3_500);
        assert_eq!(
            line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"],
            "RejectedKeys"
        );
        assert_eq!(
            (&line["FunctionName"], &line["RejectedKeys"]),
            (&json!("f"), &json!(1))
        );
    }

    #[test]
    fn an_event_without_a_time_has_no_age() {
        let line = event_line(
            "f",
            "QUEUE_HOP",
            Outcome::Recorded(table::Outcome::Stale),
            Timestamp::default(),
            3_500,
        );
        assert_eq!(line.get("EventAge"), None);
        assert_eq!(
            line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
    }
}
