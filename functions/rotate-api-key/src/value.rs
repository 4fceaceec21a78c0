//! The value of one version of the secret: a JSON object whose `apiKey` is the key.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

const KEY: &str = "apiKey";

/// A version's value. It has no debug form, as all of it may be secret.
pub(crate) struct SecretValue {
    key: SecretString,
    /// What somebody keeps in the secret beside the key.
    others: Map<String, Value>,
}

/// Why a text is no such value; what it holds is not told.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("must be a JSON object whose `apiKey` is a string of visible ASCII characters")]
pub(crate) struct NoKey;

impl SecretValue {
    pub(crate) fn from_json(text: &str) -> Result<Self, NoKey> {
        let mut others: Map<String, Value> = serde_json::from_str(text).map_err(|_| NoKey)?;
        match others.remove(KEY) {
            Some(Value::String(key)) if fits_a_header(&key) => {
                let key = SecretString::from(key);
                Ok(Self { key, others })
            }
            _ => Err(NoKey),
        }
    }

    pub(crate) fn key(&self) -> &SecretString {
        &self.key
    }

    /// The same with another key.
    pub(crate) fn with_key(self, key: SecretString) -> Self {
        Self { key, ..self }
    }

    pub(crate) fn to_json(&self) -> SecretString {
        let mut members = self.others.clone();
        members.insert(KEY.to_owned(), self.key.expose_secret().into());
        Value::Object(members).to_string().into()
    }
}

fn fits_a_header(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn another_key_leaves_the_other_members_as_they_are() {
        let value = SecretValue::from_json(r#"{"owner": {"team": 1}, "apiKey": "old"}"#).unwrap();
        assert_eq!(value.key().expose_secret(), "old");
        let rolled = value.with_key("new".into()).to_json();
        let rolled: Value = serde_json::from_str(rolled.expose_secret()).unwrap();
        assert_eq!(rolled, json!({"owner": {"team": 1}, "apiKey": "new"}));
    }

    #[test]
    fn what_holds_no_key_is_refused_without_being_told() {
        for text in [
            "the bare key",
            r#""the key""#,
            "[]",
            "{}",
            r#"{"apiKey": 1}"#,
            r#"{"apiKey": ""}"#,
            r#"{"apiKey": "two\nlines"}"#,
            "",
        ] {
            assert_eq!(SecretValue::from_json(text).err(), Some(NoKey), "{text}");
        }
    }
}
