//! Reads job settings strictly: every field is either used, named as one that leaves the media as
//! it is, or refused with the path at which it stands.
//!
//! MediaConvert has some 1,600 settings and this program a fraction of them. What would be quietly
//! wrong is a job that asks for one of the others and ends in COMPLETE without it, so a field that
//! nobody asked a [`Node`] for is an error.

use std::cell::RefCell;
use std::collections::HashSet;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::error::SettingsError;

type Result<T> = std::result::Result<T, SettingsError>;

/// One JSON object of the settings, and where it stands.
pub(super) struct Node<'a> {
    path: String,
    fields: &'a Map<String, Value>,
    read: RefCell<HashSet<&'a str>>,
}

impl<'a> Node<'a> {
    pub(super) fn new(path: impl Into<String>, value: &'a Value) -> Result<Self> {
        let path = path.into();
        match value {
            Value::Object(fields) => Ok(Self {
                path,
                fields,
                read: RefCell::default(),
            }),
            other => Err(SettingsError::malformed(
                path,
                format!("{other} is not an object"),
            )),
        }
    }

    /// The path of one of this object's fields.
    pub(super) fn path(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }

    pub(super) fn malformed(&self, key: &str, rule: impl Into<String>) -> SettingsError {
        SettingsError::malformed(self.path(key), rule)
    }

    pub(super) fn unsupported(&self, key: &str, what: &str) -> SettingsError {
        SettingsError::unsupported(self.path(key), what)
    }

    /// A field that must be there.
    pub(super) fn required<T>(&self, key: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| self.malformed(key, "is required"))
    }

    /// An object.
    pub(super) fn node(&self, key: &str) -> Result<Option<Node<'a>>> {
        self.take(key)
            .map(|value| Node::new(self.path(key), value))
            .transpose()
    }

    /// A list of objects; absent is empty.
    pub(super) fn nodes(&self, key: &str) -> Result<Vec<Node<'a>>> {
        let Some(value) = self.take(key) else {
            return Ok(Vec::new());
        };
        let items = value
            .as_array()
            .ok_or_else(|| self.malformed(key, format!("{value} is not a list")))?;
        let path = self.path(key);
        (items.iter().enumerate())
            .map(|(index, item)| Node::new(format!("{path}[{index}]"), item))
            .collect()
    }

    /// A map from the caller's own names to objects; absent is empty.
    pub(super) fn named(&self, key: &str) -> Result<Vec<(&'a str, Node<'a>)>> {
        let Some(value) = self.take(key) else {
            return Ok(Vec::new());
        };
        let map = Node::new(self.path(key), value)?;
        (map.fields.iter())
            .map(|(name, value)| Ok((name.as_str(), Node::new(map.path(name), value)?)))
            .collect()
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        match value.as_str() {
            Some(text) => Ok(Some(text)),
            None => Err(self.malformed(key, format!("{value} is not a string"))),
        }
    }

    /// A whole number within the range that the service model states for it.
    pub(super) fn integer(&self, key: &str, range: RangeInclusive<i64>) -> Result<Option<i64>> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        match value.as_i64() {
            Some(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(self.malformed(
                key,
                format!(
                    "{value} is not a whole number from {} to {}",
                    range.start(),
                    range.end()
                ),
            )),
        }
    }

    /// As [`Node::integer`], for ranges without negative numbers.
    pub(super) fn unsigned(&self, key: &str, range: RangeInclusive<u32>) -> Result<Option<u32>> {
        let range = i64::from(*range.start())..=i64::from(*range.end());
        let number = self.integer(key, range)?;
        Ok(number.and_then(|number| u32::try_from(number).ok()))
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<f64>> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        match value.as_f64() {
            Some(number) if number >= 0.0 => Ok(Some(number)),
            _ => Err(self.malformed(key, format!("{value} is not a number of at least 0"))),
        }
    }

    /// A list of whole numbers; absent is empty.
    pub(super) fn integers(&self, key: &str) -> Result<Vec<u32>> {
        let Some(value) = self.take(key) else {
            return Ok(Vec::new());
        };
        let numbers = value.as_array().and_then(|items| {
            (items.iter())
                .map(|item| item.as_u64().and_then(|number| u32::try_from(number).ok()))
                .collect()
        });
        numbers.ok_or_else(|| self.malformed(key, format!("{value} is not a list of numbers")))
    }

    /// One of MediaConvert's enumerated values; those that are not in `known` are not supported.
    pub(super) fn one_of<T: Copy>(&self, key: &str, known: &[(&str, T)]) -> Result<Option<T>> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        match known.iter().find(|(name, _)| *name == text) {
            Some((_, value)) => Ok(Some(*value)),
            None => Err(self.unsupported(key, text)),
        }
    }

    /// A setting that is taken at these values only, which change nothing.
    pub(super) fn only(&self, key: &str, values: &[&str]) -> Result<()> {
        match self.text(key)? {
            Some(value) if !values.contains(&value) => Err(self.unsupported(key, value)),
            _ => Ok(()),
        }
    }

    /// Settings that leave the media as it is, whatever their value.
    pub(super) fn harmless(&self, keys: &[&str]) {
        for key in keys {
            self.take(key);
        }
    }

    /// Refuses what nobody read. Empty lists and objects ask for nothing.
    pub(super) fn finish(self) -> Result<()> {
        let read = self.read.borrow();
        let unread = |(key, value): &(&String, &Value)| {
            !read.contains(key.as_str())
                && match value {
                    Value::Null => false,
                    Value::Array(items) => !items.is_empty(),
                    Value::Object(fields) => !fields.is_empty(),
                    _ => true,
                }
        };
        match self.fields.iter().find(unread) {
            Some((key, _)) => Err(self.unsupported(key, "this setting")),
            None => Ok(()),
        }
    }

    fn take(&self, key: &str) -> Option<&'a Value> {
        let (key, value) = self.fields.get_key_value(key)?;
        self.read.borrow_mut().insert(key);
        (!value.is_null()).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_that_nobody_read_is_refused_by_path() {
        let value = json!({"width": 640, "crop": {"x": 1}, "videoPreprocessors": {}, "height": null});
        let node = Node::new("videoDescription", &value).unwrap();
        assert_eq!(node.unsigned("width", 32..=8192).unwrap(), Some(640));

        assert_eq!(
            node.finish().unwrap_err().to_string(),
            "videoDescription.crop: this setting is not supported by mediaconvert-local"
        );
    }

    #[test]
    fn values_are_refused_with_their_rule() {
        let value = json!({"width": 7, "codec": "PRORES", "name": 3, "outputs": {}});
        let node = Node::new("s", &value).unwrap();
        let message = |error: SettingsError| error.to_string();

        assert_eq!(
            message(node.unsigned("width", 32..=8192).unwrap_err()),
            "s.width: 7 is not a whole number from 32 to 8192"
        );
        assert_eq!(
            message(node.one_of("codec", &[("H_264", ())]).unwrap_err()),
            "s.codec: PRORES is not supported by mediaconvert-local"
        );
        assert_eq!(
            message(node.text("name").unwrap_err()),
            "s.name: 3 is not a string"
        );
        assert_eq!(
            message(node.nodes("outputs").err().unwrap()),
            "s.outputs: {} is not a list"
        );
    }

    #[test]
    fn the_callers_own_names_keep_their_case() {
        let value = json!({"audioSelectors": {"Audio Selector 1": {"tracks": [2]}}});
        let node = Node::new("input", &value).unwrap();
        let selectors = node.named("audioSelectors").unwrap();

        assert_eq!(selectors[0].0, "Audio Selector 1");
        assert_eq!(selectors[0].1.integers("tracks").unwrap(), [2]);
    }
}
