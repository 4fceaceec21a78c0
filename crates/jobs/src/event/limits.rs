//! What fits in a row. DynamoDB refuses items over 400 KB, numbers past 38 digits or 10^126 and
//! documents nested deeper than 32 levels ([constraints]), while an event can be 1 MiB of anything.
//!
//! Each bound looks at the event alone, never at the row, so that an event always leaves the same
//! trace. Lengths are counted in bytes of JSON. Texts take no more in DynamoDB, but a list of single
//! digits takes half as much again (3 bytes for each `0,`). With 100 warnings the bounds add up to
//! about 350 KB, and to 390 KB where input details and metadata are nothing but such lists.
//!
//! [constraints]: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Completion, InputInformation, Output, UserMetadata};

const OUTPUTS: usize = 160 * 1024;
const PLAYLISTS: usize = 32 * 1024;
const INPUT_DETAILS: usize = 64 * 1024;
const USER_METADATA: usize = 16 * 1024;
const WARNING_COUNTS: usize = 16 * 1024;
const ERROR_MESSAGE: usize = 8 * 1024;
const WARNING: usize = 512;
const NAME: usize = 1024;
const DEPTH: usize = 24;

/// The key that counts the metadata for which not even a mark has room.
const LEFT_OUT: &str = "…";

/// A text of at most `max` bytes; a longer one is cut and ends in a mark with its full length.
fn cut(text: String, max: usize) -> String {
    if text.len() <= max {
        return text;
    }
    let mark = format!("… [cut, {} bytes]", text.len());
    let end = text.floor_char_boundary(max - mark.len());
    format!("{}{mark}", &text[..end])
}

pub(super) fn error_message(text: String) -> String {
    cut(text, ERROR_MESSAGE)
}

pub(super) fn warning(text: String) -> String {
    cut(text, WARNING)
}

/// A status, phase, group type or ARN.
pub(super) fn name(text: String) -> String {
    cut(text, NAME)
}

pub(super) fn input_information(mut details: Vec<Value>) -> InputInformation {
    for value in &mut details {
        storable(value, DEPTH);
    }
    let (input_details, omitted) = fitting(details, INPUT_DETAILS);
    InputInformation {
        input_details,
        input_details_omitted: omitted,
    }
}

pub(super) fn user_metadata(metadata: UserMetadata) -> UserMetadata {
    let mut room = USER_METADATA - LEFT_OUT.len() - 64;
    let mut kept = Map::new();
    let mut left_out = 0;
    for (key, mut value) in metadata {
        if key.is_empty() {
            continue; // DynamoDB has no attribute without a name
        }
        storable(&mut value, DEPTH);
        let cost = json_length(&key) + json_length(&value) + 2;
        if let Some(left) = room.checked_sub(cost) {
            room = left;
            kept.insert(key, value);
        } else {
            let mark = format!("… [left out, {cost} bytes]");
            if key.len() <= NAME && room > key.len() + mark.len() + 6 {
                room -= key.len() + mark.len() + 6;
                kept.insert(key, Value::String(mark));
            } else {
                left_out += 1;
            }
        }
    }
    if left_out > 0 {
        kept.insert(
            LEFT_OUT.to_owned(),
            format!("… [left out, {left_out} entries]").into(),
        );
    }
    kept
}

pub(super) fn completion(mut completion: Completion) -> Completion {
    completion.outputs.iter_mut().for_each(bound_paths);
    (completion.outputs, completion.outputs_omitted) = fitting(completion.outputs, OUTPUTS);
    (completion.playlists, completion.playlists_omitted) = fitting(completion.playlists, PLAYLISTS);
    (completion.warning_counts, completion.warning_counts_omitted) =
        fitting(completion.warning_counts, WARNING_COUNTS);
    completion
}

/// Leaves an output room for its other members.
fn bound_paths(output: &mut Output) {
    let paths = std::mem::take(&mut output.paths);
    (output.paths, output.paths_omitted) = fitting(paths, OUTPUTS - 4 * NAME);
}

/// The entries that fit in `room` bytes, in their order, and how many don't.
fn fitting<T: Serialize>(entries: Vec<T>, mut room: usize) -> (Vec<T>, Option<usize>) {
    let all = entries.len();
    let kept: Vec<T> = entries
        .into_iter()
        .map_while(|entry| {
            room = room.checked_sub(json_length(&entry) + 2)?;
            Some(entry)
        })
        .collect();
    let omitted = all - kept.len();
    (kept, (omitted > 0).then_some(omitted))
}

/// Turns into text what DynamoDB can't hold as it is.
fn storable(value: &mut Value, depth: usize) {
    match value {
        Value::Array(_) | Value::Object(_) if depth == 0 => *value = Value::String(value.to_string()),
        Value::Array(entries) => entries.iter_mut().for_each(|entry| storable(entry, depth - 1)),
        Value::Object(members) => {
            members.remove(""); // DynamoDB has no attribute without a name
            members
                .values_mut()
                .for_each(|member| storable(member, depth - 1));
        }
        Value::Number(number) if number.as_f64().is_none_or(|n| !storable_number(n)) => {
            *value = Value::String(number.to_string());
        }
        _ => {}
    }
}

/// DynamoDB holds 0 and magnitudes from 10^-130 to almost 10^126, in 38 digits; an `f64` writes 17.
pub(super) fn storable_number(number: f64) -> bool {
    number == 0.0 || (1e-130..1e125).contains(&number.abs())
}

fn json_length(value: &impl Serialize) -> usize {
    struct Counter(usize);
    impl std::io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    serde_json::to_writer(&mut counter, value).map_or(usize::MAX / 4, |()| counter.0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_long_text_is_cut_at_a_character_and_says_so() {
        let cut = error_message("é".repeat(10_000));
        assert!(
            cut.len() <= ERROR_MESSAGE && cut.ends_with("é… [cut, 20000 bytes]"),
            "{cut}"
        );
        assert_eq!(error_message("é".repeat(4_096)), "é".repeat(4_096));
    }

    #[test]
    fn paths_past_the_bound_are_counted() {
        let paths = (0..10_000)
            .map(|n| format!("s3://bucket/out/file-{n:07}.mp4"))
            .collect();
        let completion = completion(Completion {
            outputs: vec![Output {
                paths,
                ..Output::default()
            }],
            ..Completion::default()
        });
        let output = &completion.outputs[0];
        assert!(json_length(output) <= OUTPUTS);
        assert_eq!(output.paths.len() + output.paths_omitted.unwrap(), 10_000);
    }

    #[test]
    fn outputs_past_the_bound_are_counted() {
        let output = Output {
            paths: vec!["x".repeat(1_000)],
            ..Output::default()
        };
        let completion = completion(Completion {
            outputs: vec![output; 1_000],
            ..Completion::default()
        });
        assert!(json_length(&completion.outputs) <= OUTPUTS);
        assert_eq!(
            completion.outputs.len() + completion.outputs_omitted.unwrap(),
            1_000
        );
    }

    #[test]
    fn what_dynamodb_cannot_hold_becomes_text() {
        let mut deep = json!(1);
        for _ in 0..60 {
            deep = json!([deep]);
        }
        let details = input_information(vec![
            json!({"huge": 1e300, "tiny": 1e-200, "id": 1, "x": null, "": 2}),
            deep,
        ]);
        assert_eq!(
            details.input_details[0],
            json!({"huge": "1e+300", "tiny": "1e-200", "id": 1, "x": null})
        );
        let nesting = details.input_details[1]
            .to_string()
            .split('"')
            .next()
            .unwrap()
            .len();
        assert_eq!(nesting, DEPTH);
    }

    #[test]
    fn metadata_past_the_bound_keeps_its_keys_and_says_so() {
        let metadata = [
            ("big".to_owned(), json!("x".repeat(20_000))),
            ("id".to_owned(), json!("42")),
        ];
        let kept = user_metadata(metadata.into_iter().collect());
        assert_eq!(
            Value::Object(kept),
            json!({"big": "… [left out, 20009 bytes]", "id": "42"})
        );
    }

    #[test]
    fn metadata_without_room_for_its_keys_is_counted() {
        let all = 10_000;
        let kept = user_metadata((0..all).map(|n| (format!("key-{n}"), json!("42"))).collect());
        assert!(json_length(&kept) <= USER_METADATA);
        let left_out = all + 1 - kept.len();
        assert_eq!(kept[LEFT_OUT], json!(format!("… [left out, {left_out} entries]")));
    }
}
