//! What tells a request that comes again from another one under the same key.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// The fields that decide what is transcoded and where to. The others (tags, priority, …) may differ
/// in a request that comes again.
const DECIDING: [&str; 5] = ["input", "jobTemplate", "outputKey", "profile", "settings"];

/// A digest of what a request asks for, as its sender wrote it: a request that comes again has the
/// same one whatever has become of the stack's rules, profiles and templates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Of a request's fields.
    #[must_use]
    pub fn of(fields: &Map<String, Value>) -> Self {
        let given = |name| fields.get(name).filter(|value| !value.is_null());
        let deciding: BTreeMap<_, _> = DECIDING
            .into_iter()
            .filter_map(|name| Some((name, Sorted(given(name)?))))
            .collect();
        let digest = Sha256::digest(serde_json::json!(deciding).to_string());
        Self(BASE64_STANDARD.encode(digest))
    }
}

/// JSON that looks the same however it was written: members come by name, a null is as good as no
/// member, and a whole number is one with or without a point.
struct Sorted<'a>(&'a Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(members) => {
                let members: BTreeMap<_, _> = members.iter().filter(|(_, value)| !value.is_null()).collect();
                serializer.collect_map(members.into_iter().map(|(name, value)| (name, Sorted(value))))
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Sorted)),
            Value::Number(number) => number.as_f64().serialize(serializer),
            scalar => scalar.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(request: &str) -> Fingerprint {
        Fingerprint::of(&serde_json::from_str(request).unwrap())
    }

    #[test]
    fn the_order_of_members_nulls_and_what_decides_nothing_make_no_difference() {
        let first = of(r#"{"input": "s3://a/b", "settings": {"A": 1, "B": {"C": 2, "D": 3}}}"#);
        for same in [
            r#"{"settings": {"B": {"D": 3, "C": 2}, "A": 1}, "input": "s3://a/b"}"#,
            r#"{"settings": {"B": {"D": 3, "C": 2.0}, "A": 1, "E": null}, "input": "s3://a/b"}"#,
            r#"{"input": "s3://a/b", "settings": {"A": 1, "B": {"C": 2, "D": 3}}, "profile": null, "priority": 3,
                "tags": {"a": "b"}, "userMetadata": {"a": "b"}, "idempotencyKey": "k", "queue": "q"}"#,
        ] {
            assert_eq!(of(same), first, "{same}");
        }
    }

    #[test]
    fn a_number_is_not_a_text() {
        let settings = |value| of(&format!(r#"{{"settings": {{"A": {value}}}}}"#));
        assert_ne!(settings("2"), settings(r#""2""#));
        assert_ne!(settings("2"), settings("2.5"));
    }

    #[test]
    fn what_decides_makes_a_difference() {
        let input = r#"{"input": "s3://a/b"}"#;
        for other in [
            r#"{"input": "s3://a/c"}"#,
            r#"{"input": "s3://a/b", "profile": "mp4"}"#,
            r#"{"input": "s3://a/b", "jobTemplate": "t"}"#,
            r#"{"input": "s3://a/b", "settings": {}}"#,
            r#"{"input": "s3://a/b", "outputKey": "k"}"#,
        ] {
            assert_ne!(of(other), of(input), "{other}");
        }
    }

    /// It outlives the version that wrote it.
    #[test]
    fn it_stays_what_it_was() {
        assert_eq!(
            of(r#"{"input": "s3://uploads/clip.mov", "profile": "webm"}"#),
            Fingerprint("T3LB8f6lO3QOqh2HiZxUKVvfC4VxsdHXsdu7HPKysNY=".to_owned())
        );
    }
}
