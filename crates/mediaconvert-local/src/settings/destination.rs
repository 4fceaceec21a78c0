//! Where a group's outputs go, and the names that MediaConvert would replace parts of.

use super::error::SettingsError;
use super::input::Input;
use super::node::Node;

/// `destination`, as far as all outputs of a group share it.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    /// The bucket.
    pub(crate) bucket: String,
    /// The beginning of all keys; a package's top-level manifests add nothing but the extension.
    pub(crate) stem: String,
}

impl Destination {
    pub(super) fn parse(group: &Node<'_>, input: &Input) -> Result<Self, SettingsError> {
        let uri = group.required("destination", group.text("destination"))?;
        let (bucket, key) = uri
            .strip_prefix("s3://")
            .and_then(|rest| rest.split_once('/'))
            .filter(|(bucket, _)| !bucket.is_empty())
            .ok_or_else(|| group.malformed("destination", format!("{uri:?} names no bucket")))?;
        refuse_format_identifiers(group, "destination", key)?;
        let stem = if key.is_empty() || key.ends_with('/') {
            format!("{key}{}", input.uri.base_name())
        } else {
            key.to_owned()
        };
        Ok(Self {
            bucket: bucket.to_owned(),
            stem,
        })
    }

    /// The part of all keys that ends in a slash, or nothing.
    pub(crate) fn folder(&self) -> &str {
        &self.stem[..self.stem.len() - self.name().len()]
    }

    /// The beginning of all files' names.
    pub(crate) fn name(&self) -> &str {
        self.stem.rsplit_once('/').map_or(&*self.stem, |(_, name)| name)
    }
}

/// `$dt$` and its like, which MediaConvert replaces in names.
pub(super) fn refuse_format_identifiers(node: &Node<'_>, key: &str, name: &str) -> Result<(), SettingsError> {
    let is_identifier = |part: &&str| {
        !part.is_empty() && part.len() <= 9 && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let parts = name.split('$').count();
    let inner = name.split('$').skip(1).take(parts.saturating_sub(2));
    match inner.into_iter().find(is_identifier) {
        Some(identifier) => Err(node.unsupported(key, &format!("the format identifier ${identifier}$"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_with_format_identifiers_are_refused() {
        for (name, refused) in [
            ("-$dt$", true),
            ("-$w$x$h$", true),
            ("-$Bandwidth$", true),
            ("-us$", false),
            ("cost $5 or $ 6", false),
        ] {
            let value = json!({"nameModifier": name});
            let node = Node::root("output", &value).unwrap();
            let result = refuse_format_identifiers(&node, "nameModifier", name);
            assert_eq!(result.is_err(), refused, "{name}");
        }
    }
}
