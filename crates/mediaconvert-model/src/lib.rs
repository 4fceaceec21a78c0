//! Checks requests against AWS's own model of MediaConvert: unknown members, missing ones, types,
//! enums, ranges, lengths and patterns.
//!
//! `service-model.json` holds the shapes of the model that botocore ships, without their documentation
//! (Apache License 2.0, Copyright Amazon.com, Inc. or its affiliates). `make service-model` takes them
//! from the pinned botocore anew, and `make lint` fails when they differ.
//!
//! ```
//! use serde_json::json;
//!
//! let request = json!({ "role": "arn:aws:iam::111122223333:role/r", "settings": {}, "priority": 51 });
//! let [violation] = &mediaconvert_model::violations("CreateJobRequest", &request)[..] else { panic!() };
//! assert_eq!(violation.to_string(), "priority: 51 is not from -50 to 50");
//! ```

mod members;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

pub use members::{Member, MemberKind, members_of, members_under};

/// A member that breaks a rule of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where, for instance `settings.inputs[0].fileInput`.
    pub path: String,
    /// The value and the rule.
    pub rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.rule)
    }
}

/// A shape, as botocore writes it.
#[derive(Debug, Deserialize)]
struct Shape {
    r#type: Type,
    #[serde(default)]
    members: BTreeMap<String, Reference>,
    #[serde(default)]
    required: Vec<String>,
    member: Option<Reference>,
    value: Option<Reference>,
    r#enum: Option<Vec<String>>,
    pattern: Option<String>,
    min: Option<i64>,
    max: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Type {
    Boolean,
    Double,
    Integer,
    List,
    Long,
    Map,
    String,
    Structure,
    Timestamp,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    shape: String,
    location_name: Option<String>,
    /// Where the member is, if not in the body: the path or the query.
    location: Option<String>,
}

static SHAPES: LazyLock<HashMap<String, Shape>> = LazyLock::new(|| {
    let json = include_str!("../service-model.json");
    serde_json::from_str(json).expect("the tests read this file, too")
});

static PATTERNS: LazyLock<HashMap<&'static str, Regex>> = LazyLock::new(|| {
    let patterns = SHAPES.values().filter_map(|shape| shape.pattern.as_deref());
    let compiled = patterns.filter_map(|pattern| Some((pattern, Regex::new(pattern).ok()?)));
    compiled.collect()
});

/// Everything about `value`, the REST API's JSON, that breaks a rule of the shape called `shape`; of a
/// request, its body. A null counts as absent.
///
/// # Panics
/// There is no such shape.
#[must_use]
pub fn violations(shape: &str, value: &Value) -> Vec<Violation> {
    let mut violations = Vec::new();
    check(shape, value, "", &mut violations);
    violations
}

fn check(name: &str, value: &Value, path: &str, violations: &mut Vec<Violation>) {
    let shape = &SHAPES[name];
    match (shape.r#type, value) {
        (Type::Structure, Value::Object(members)) => {
            structure(name, shape, members, path, violations);
        }
        (Type::List, Value::Array(items)) => {
            let member = shape.member.as_ref().map_or("", |member| &member.shape);
            for (i, item) in items.iter().enumerate() {
                check(member, item, &format!("{path}[{i}]"), violations);
            }
        }
        (Type::Map, Value::Object(entries)) => {
            let member = shape.value.as_ref().map_or("", |value| &value.shape);
            for (key, value) in entries {
                check(member, value, &format!("{path}.{key}"), violations);
            }
        }
        _ => {
            let rule = scalar(name, shape, value);
            violations.extend(rule.map(|rule| Violation {
                path: path.to_owned(),
                rule,
            }));
        }
    }
}

fn structure(
    name: &str,
    shape: &Shape,
    members: &serde_json::Map<String, Value>,
    path: &str,
    violations: &mut Vec<Violation>,
) {
    let below = |member: &str| {
        let dot = if path.is_empty() { "" } else { "." };
        format!("{path}{dot}{member}")
    };
    let wire_name =
        |(name, member): (&String, &Reference)| member.location_name.clone().unwrap_or_else(|| name.clone());
    let present: Vec<_> = members.iter().filter(|(_, value)| !value.is_null()).collect();
    let in_body = || {
        shape
            .members
            .iter()
            .filter(|(_, member)| member.location.is_none())
    };
    for (member, value) in &present {
        match in_body().find(|entry| wire_name(*entry) == **member) {
            Some((_, reference)) => check(&reference.shape, value, &below(member), violations),
            None => violations.push(Violation {
                path: below(member),
                rule: format!("is not a member of {name}"),
            }),
        }
    }
    for member in in_body()
        .filter(|(name, _)| shape.required.contains(name))
        .map(wire_name)
    {
        if !present.iter().any(|(name, _)| **name == member) {
            violations.push(Violation {
                path: below(&member),
                rule: "is required".to_owned(),
            });
        }
    }
}

/// The rule that a value without members breaks, if it breaks one.
fn scalar(name: &str, shape: &Shape, value: &Value) -> Option<String> {
    let what = match shape.r#type {
        Type::Boolean if value.is_boolean() => return None,
        Type::Timestamp if value.is_number() => return None,
        Type::Double => match value.as_f64() {
            Some(number) => return range(double_bounds(name), number, value),
            None => "a number",
        },
        Type::Integer | Type::Long => match value.as_i64() {
            Some(number) => return range((shape.min, shape.max), number, value),
            None => "an integer",
        },
        Type::String => match value.as_str() {
            Some(text) => return text_rule(shape, text),
            None => "a string",
        },
        Type::Boolean => "true or false",
        Type::Timestamp => "a number",
        Type::List => "a list",
        Type::Map | Type::Structure => "an object",
    };
    Some(format!("{value} is not {what}"))
}

fn text_rule(shape: &Shape, text: &str) -> Option<String> {
    if let Some(values) = shape
        .r#enum
        .as_ref()
        .filter(|values| !values.iter().any(|one| one == text))
    {
        return Some(format!("{text:?} is not one of {}", values.join(", ")));
    }
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let what = format!("the length of {text:?}");
    if let Some(rule) = range((shape.min, shape.max), length, what) {
        return Some(rule);
    }
    let pattern = shape.pattern.as_deref()?;
    let matches = PATTERNS.get(pattern).is_none_or(|regex| regex.is_match(text));
    (!matches).then(|| format!("{text:?} does not match {pattern}"))
}

/// The model states no bounds of doubles but in the names of their shapes, such as
/// `__doubleMinNegative60MaxNegative1`.
fn double_bounds(name: &str) -> (Option<f64>, Option<f64>) {
    let bound = |word: &str| {
        let (_, rest) = name.split_once(word)?;
        let (sign, rest) = match rest.strip_prefix("Negative") {
            Some(rest) => (-1.0, rest),
            None => (1.0, rest),
        };
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        Some(sign * digits.parse::<f64>().ok()?)
    };
    (bound("Min"), bound("Max"))
}

fn range<T>((min, max): (Option<T>, Option<T>), number: T, what: impl fmt::Display) -> Option<String>
where
    T: Copy + PartialOrd + fmt::Display,
{
    if min.is_none_or(|min| number >= min) && max.is_none_or(|max| number <= max) {
        return None;
    }
    Some(match (min, max) {
        (Some(least), Some(most)) => format!("{what} is not from {least} to {most}"),
        (Some(least), None) => format!("{what} is less than {least}"),
        (None, most) => format!("{what} is more than {}", most?),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(request: &Value) -> Vec<String> {
        violations("CreateJobRequest", request)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn every_shape_and_pattern_of_the_model_is_understood() {
        assert!(SHAPES.len() > 800, "{}", SHAPES.len());
        for shape in SHAPES.values() {
            let references = shape.members.values().chain(&shape.member).chain(&shape.value);
            for reference in references {
                assert!(SHAPES.contains_key(&reference.shape), "{}", reference.shape);
            }
            if let Some(pattern) = shape.pattern.as_deref() {
                assert!(PATTERNS.contains_key(pattern), "{pattern}");
            }
        }
    }

    #[test]
    fn what_breaks_a_rule_is_named_with_its_path() {
        let output =
            |output: Value| json!({"role": "r", "settings": {"outputGroups": [{"outputs": [output]}]}});
        let at = "settings.outputGroups[0].outputs[0]";
        for (request, expected) in [
            (json!({"settings": {}}), "role: is required".to_owned()),
            (json!([]), ": [] is not an object".to_owned()),
            (
                output(json!({"conainerSettings": {}})),
                format!("{at}.conainerSettings: is not a member of Output"),
            ),
            (
                output(json!({"containerSettings": {"container": "AVI"}})),
                format!("{at}.containerSettings.container: \"AVI\" is not one of "),
            ),
            (
                output(json!({"nameModifier": 1})),
                format!("{at}.nameModifier: 1 is not a string"),
            ),
            (
                output(json!({"nameModifier": ""})),
                format!("{at}.nameModifier: the length of \"\" is not from 1 to 256"),
            ),
            (
                output(json!({"videoDescription": {"width": 33.5}})),
                format!("{at}.videoDescription.width: 33.5 is not an integer"),
            ),
            (
                output(json!({"videoDescription": {"width": 31}})),
                format!("{at}.videoDescription.width: 31 is not from 32 to 8192"),
            ),
            (
                output(json!({"audioDescriptions": {}})),
                format!("{at}.audioDescriptions: {{}} is not a list"),
            ),
            (
                json!({"role": "r", "settings": {"inputs": [{"audioSelectors": {"any name": {"offset": "1"}}}]}}),
                "settings.inputs[0].audioSelectors.any name.offset: \"1\" is not an integer".to_owned(),
            ),
            (
                json!({"role": "r", "settings": {"timecodeConfig": {"start": "noon"}}}),
                "settings.timecodeConfig.start: \"noon\" does not match ^".to_owned(),
            ),
        ] {
            let told = told(&request);
            assert!(
                told.len() == 1 && told[0].starts_with(&expected),
                "{told:?} instead of {expected:?}"
            );
        }
    }

    #[test]
    fn doubles_have_the_bounds_that_their_shapes_are_named_for() {
        for (shape, bounds) in [
            ("__double", (None, None)),
            ("__doubleMin0", (Some(0.0), None)),
            ("__doubleMin0Max1", (Some(0.0), Some(1.0))),
            ("__doubleMinNegative60MaxNegative1", (Some(-60.0), Some(-1.0))),
        ] {
            assert_eq!(double_bounds(shape), bounds, "{shape}");
        }
        for shape in SHAPES.iter().filter(|(_, shape)| shape.r#type == Type::Double) {
            assert_ne!(double_bounds(shape.0), (None, None), "{}", shape.0);
        }
    }

    #[test]
    fn what_the_path_holds_is_no_member_of_the_body() {
        let told = |request: &Value| violations("UpdateQueueRequest", request);
        assert_eq!(told(&json!({"status": "PAUSED"})), []);
        assert_eq!(
            told(&json!({"name": "site"}))[0].to_string(),
            "name: is not a member of UpdateQueueRequest"
        );
    }

    #[test]
    fn a_null_is_no_member() {
        assert_eq!(
            told(&json!({"role": "r", "settings": {"inputs": null}, "queue": null})),
            [""; 0]
        );
        assert_eq!(
            told(&json!({"role": null, "settings": {}})),
            ["role: is required"]
        );
    }
}
