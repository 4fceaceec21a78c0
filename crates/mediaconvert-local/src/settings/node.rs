//! Reads job settings strictly: every field is either used, named as one that leaves the media as
//! it is, or refused with its path.
//!
//! Types, ranges and enumerations are the model's, which a request has kept before it comes here.
//!
//! MediaConvert has some 1,600 settings and this program a fraction of them. What would be quietly
//! wrong is a job that asks for one of the others and ends in COMPLETE without it, so a field
//! that was never asked of its [`Node`] is an error.

use std::cell::RefCell;
use std::collections::HashSet;

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
    fn new(path: String, fields: &'a Map<String, Value>) -> Self {
        Self {
            path,
            fields,
            read: RefCell::default(),
        }
    }

    /// The outermost object.
    pub(super) fn root(path: &str, value: &'a Value) -> Option<Self> {
        Some(Self::new(path.to_owned(), value.as_object()?))
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

    /// A field that must be there, which the model says of few.
    pub(super) fn required<T>(&self, key: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| self.malformed(key, "is required"))
    }

    /// An object.
    pub(super) fn node(&self, key: &str) -> Option<Node<'a>> {
        let fields = self.take(key)?.as_object()?;
        Some(Node::new(self.path(key), fields))
    }

    /// A list of objects; absent is empty.
    pub(super) fn nodes(&self, key: &str) -> Vec<Node<'a>> {
        let path = self.path(key);
        let items = self.items(key).iter().enumerate();
        items
            .filter_map(|(index, item)| Some(Node::new(format!("{path}[{index}]"), item.as_object()?)))
            .collect()
    }

    /// A map from the caller's own names to objects; absent is empty.
    pub(super) fn named(&self, key: &str) -> Vec<(&'a str, Node<'a>)> {
        let map = self.node(key);
        map.iter()
            .flat_map(|map| {
                map.fields
                    .iter()
                    .map(|(name, value)| (map.path(name), name, value))
            })
            .filter_map(|(path, name, value)| Some((name.as_str(), Node::new(path, value.as_object()?))))
            .collect()
    }

    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.take(key)?.as_str()
    }

    pub(super) fn integer(&self, key: &str) -> Option<i64> {
        self.take(key)?.as_i64()
    }

    /// A whole number that the model lets be 0 at least.
    pub(super) fn unsigned(&self, key: &str) -> Option<u32> {
        self.integer(key)?.try_into().ok()
    }

    pub(super) fn number(&self, key: &str) -> Option<f64> {
        self.take(key)?.as_f64()
    }

    /// A list of whole numbers as [`Node::unsigned`]; absent is empty.
    pub(super) fn integers(&self, key: &str) -> Vec<u32> {
        let items = self.items(key).iter();
        items.filter_map(|item| item.as_u64()?.try_into().ok()).collect()
    }

    fn items(&self, key: &str) -> &'a [Value] {
        self.take(key)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// One of MediaConvert's enumerated values; those that are not in `known` are not supported.
    pub(super) fn one_of<T: Copy>(&self, key: &str, known: &[(&str, T)]) -> Result<Option<T>> {
        let Some(text) = self.text(key) else {
            return Ok(None);
        };
        match known.iter().find(|(name, _)| *name == text) {
            Some((_, value)) => Ok(Some(*value)),
            None => Err(self.unsupported(key, text)),
        }
    }

    /// A setting that is taken at these values only, which change nothing.
    pub(super) fn only(&self, key: &str, values: &[&str]) -> Result<()> {
        match self.text(key) {
            Some(value) if !values.contains(&value) => Err(self.unsupported(key, value)),
            _ => Ok(()),
        }
    }

    /// As [`Node::only`], for a number.
    pub(super) fn only_integer(&self, key: &str, value: i64) -> Result<()> {
        match self.integer(key) {
            Some(other) if other != value => Err(self.unsupported(key, &other.to_string())),
            _ => Ok(()),
        }
    }

    /// Settings that leave the media as it is, whatever their value.
    pub(super) fn harmless(&self, keys: &[&str]) {
        for key in keys {
            self.take(key);
        }
    }

    /// Refuses fields that were never read. Empty lists and objects ask for nothing.
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

    fn node<'a>(path: &str, value: &'a Value) -> Node<'a> {
        Node::root(path, value).unwrap()
    }

    #[test]
    fn a_field_that_was_never_read_is_refused_by_path() {
        let value = json!({"width": 640, "crop": {"x": 1}, "videoPreprocessors": {}, "height": null});
        let node = node("videoDescription", &value);
        assert_eq!(node.unsigned("width"), Some(640));

        assert_eq!(
            node.finish().unwrap_err().to_string(),
            "videoDescription.crop: this setting is not supported by mediaconvert-local"
        );
    }

    #[test]
    fn what_is_not_supported_is_refused_with_its_value() {
        let value = json!({"codec": "PRORES", "filter": "ON", "offset": 40});
        let node = node("s", &value);
        let refusals = [
            node.one_of("codec", &[("H_264", ())]).unwrap_err(),
            node.only("filter", &["OFF"]).unwrap_err(),
            node.only_integer("offset", 0).unwrap_err(),
        ];
        assert_eq!(
            refusals.map(|error| error.to_string()),
            [
                "s.codec: PRORES is not supported by mediaconvert-local",
                "s.filter: ON is not supported by mediaconvert-local",
                "s.offset: 40 is not supported by mediaconvert-local",
            ]
        );
    }

    #[test]
    fn the_callers_own_names_keep_their_case() {
        let value = json!({"audioSelectors": {"Audio Selector 1": {"tracks": [2]}}});
        let node = node("input", &value);
        let selectors = node.named("audioSelectors");

        assert_eq!(selectors[0].0, "Audio Selector 1");
        assert_eq!(selectors[0].1.integers("tracks"), [2]);
    }
}
