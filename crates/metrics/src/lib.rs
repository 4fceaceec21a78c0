//! Numbers for alarms and the dashboard, in CloudWatch's embedded metric format ([specification]): one
//! line of JSON on standard output, from which CloudWatch makes metrics without an API call.
//!
//! [specification]: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

use std::time::SystemTime;

use serde_json::{Map, Value, json};

/// The namespace of all of them.
pub const NAMESPACE: &str = "MediaConvertBackend";

/// One number.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    name: &'static str,
    unit: &'static str,
    value: u64,
}

impl Metric {
    /// How many.
    #[must_use]
    pub fn count(name: &'static str, value: u64) -> Self {
        Self {
            name,
            unit: "Count",
            value,
        }
    }

    /// How long, in milliseconds.
    #[must_use]
    pub fn milliseconds(name: &'static str, value: u64) -> Self {
        Self {
            name,
            unit: "Milliseconds",
            value,
        }
    }
}

/// Writes `metrics`, which share `dimensions`: names and values, in the order in which alarms name them.
pub fn emit(dimensions: &[(&str, &str)], metrics: &[Metric]) {
    println!("{}", line(dimensions, metrics, now()));
}

/// Milliseconds since the epoch.
#[must_use]
pub fn now() -> u64 {
    let since_epoch = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    since_epoch.as_millis().try_into().unwrap_or(u64::MAX)
}

fn line(dimensions: &[(&str, &str)], metrics: &[Metric], now: u64) -> Value {
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    let definitions: Vec<Value> = metrics
        .iter()
        .map(|metric| json!({"Name": metric.name, "Unit": metric.unit}))
        .collect();
    let directive = json!({"Namespace": NAMESPACE, "Dimensions": [names], "Metrics": definitions});
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({"Timestamp": now, "CloudWatchMetrics": [directive]}),
    );
    for (name, value) in dimensions {
        line.insert((*name).to_owned(), json!(value));
    }
    for metric in metrics {
        line.insert(metric.name.to_owned(), json!(metric.value));
    }
    line.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_defines_every_metric_and_dimension_it_carries() {
        let metrics = [
            Metric::count("Events", 1),
            Metric::milliseconds("EventAge", 2_500),
        ];
        assert_eq!(
            line(&[("FunctionName", "f"), ("Outcome", "applied")], &metrics, 3_500),
            json!({
                "_aws": {
                    "Timestamp": 3_500,
                    "CloudWatchMetrics": [{
                        "Namespace": "MediaConvertBackend",
                        "Dimensions": [["FunctionName", "Outcome"]],
                        "Metrics": [
                            {"Name": "Events", "Unit": "Count"},
                            {"Name": "EventAge", "Unit": "Milliseconds"},
                        ],
                    }],
                },
                "FunctionName": "f",
                "Outcome": "applied",
                "Events": 1,
                "EventAge": 2_500,
            })
        );
    }
}
