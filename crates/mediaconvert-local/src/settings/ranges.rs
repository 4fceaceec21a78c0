//! Holds the settings to AWS's model from the other side: no number that the model allows is called
//! malformed here, be it supported or not.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{JobSettings, SettingsError};

/// Jobs of one output, which between them have the settings of every group and codec.
fn jobs() -> Vec<Value> {
    let quality = json!({"maxBitrate": 1000, "qvbrSettings": {}});
    let variable = json!({"bitrate": 1000});
    let video = [
        json!({"codec": "H_264", "h264Settings": quality}),
        json!({"codec": "H_265", "h265Settings": quality}),
        json!({"codec": "AV1", "av1Settings": quality}),
        json!({"codec": "VP8", "vp8Settings": variable}),
        json!({"codec": "VP9", "vp9Settings": variable}),
        json!({"codec": "FRAME_CAPTURE", "frameCaptureSettings": {}}),
    ];
    let audio = [
        json!({"codec": "AAC", "aacSettings": {}}),
        json!({"codec": "OPUS", "opusSettings": {}}),
        json!({"codec": "VORBIS", "vorbisSettings": {}}),
        json!({"codec": "MP3", "mp3Settings": {}}),
    ];
    let groups = [
        ("FILE_GROUP_SETTINGS", "fileGroupSettings"),
        ("HLS_GROUP_SETTINGS", "hlsGroupSettings"),
        ("CMAF_GROUP_SETTINGS", "cmafGroupSettings"),
        ("DASH_ISO_GROUP_SETTINGS", "dashIsoGroupSettings"),
    ];
    let container = json!({"container": "MP4", "mp4Settings": {}});
    let video = video.map(|codec| json!({"videoDescription": {"codecSettings": codec}}));
    let audio = audio.map(|codec| json!({"audioDescriptions": [{"codecSettings": codec}]}));
    let outputs: Vec<Value> = video.into_iter().chain(audio).collect();
    let mut jobs = Vec::new();
    for (kind, key) in groups {
        for output in &outputs {
            let mut output = output.clone();
            output["containerSettings"] = container.clone();
            jobs.push(json!({
                "inputs": [{
                    "fileInput": "s3://in/clip.mov", "videoSelector": {}, "audioSelectors": {"one": {}},
                }],
                "outputGroups": [{
                    "outputGroupSettings": {"type": kind, key: {"destination": "s3://out/"}},
                    "outputs": [output],
                }],
            }));
        }
    }
    let mut automated = jobs[10].clone();
    automated["outputGroups"][0]["automatedEncodingSettings"] =
        json!({"abrSettings": {"minAbrBitrate": 100_000, "maxAbrBitrate": 100_000_000}});
    jobs.push(automated);
    jobs
}

/// Every number that the model bounds, in the structures that `value` has: where, and its bounds.
fn bounded(model: &Value, shape: &str, value: &Value, path: &str) -> Vec<(String, i64, i64)> {
    let of = |reference: &Value| reference["shape"].as_str().unwrap_or_default().to_owned();
    let shape = &model[shape];
    match value {
        Value::Object(fields) if shape["type"] == "map" => fields
            .iter()
            .flat_map(|(name, value)| bounded(model, &of(&shape["value"]), value, &format!("{path}/{name}")))
            .collect(),
        Value::Object(fields) => {
            let members = shape["members"].as_object().unwrap();
            let member = |(name, reference): (&String, &Value)| {
                let name = reference["locationName"].as_str().unwrap_or(name).to_owned();
                let (path, shape) = (format!("{path}/{name}"), of(reference));
                let number = &model[&shape];
                match (
                    number["type"].as_str(),
                    number["min"].as_i64(),
                    number["max"].as_i64(),
                ) {
                    (Some("integer"), Some(min), Some(max)) => vec![(path, min, max)],
                    _ => fields
                        .get(&name)
                        .map_or(Vec::new(), |value| bounded(model, &shape, value, &path)),
                }
            };
            members.iter().flat_map(member).collect()
        }
        Value::Array(items) => (items.iter().enumerate())
            .flat_map(|(i, item)| bounded(model, &of(&shape["member"]), item, &format!("{path}/{i}")))
            .collect(),
        _ => Vec::new(),
    }
}

#[test]
fn no_number_that_the_model_allows_is_malformed() {
    let model = include_str!("../../../mediaconvert-model/service-model.json");
    let model: Value = serde_json::from_str(model).unwrap();
    let mut tried = BTreeSet::new();
    let mut refused = BTreeSet::new();
    for job in jobs() {
        for (pointer, min, max) in bounded(&model, "JobSettings", &job, "") {
            let (parent, member) = pointer.rsplit_once('/').unwrap();
            for number in [min, max] {
                let mut job = job.clone();
                job.pointer_mut(parent).unwrap()[member] = json!(number);
                match JobSettings::parse(&job) {
                    Err(SettingsError::Malformed { path, rule }) if path.ends_with(&format!(".{member}")) => {
                        refused.insert(format!("{path}: {rule}"));
                    }
                    _ => {}
                }
            }
            tried.insert(pointer);
        }
    }
    assert!(tried.len() > 100, "{}", tried.len());
    assert_eq!(refused, BTreeSet::new());
}
