//! Why settings cannot be used, by when MediaConvert would say so.

/// Why settings cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum SettingsError {
    /// MediaConvert refuses them at `CreateJob`, for a rule that its service model does not state.
    #[error("{path}: {rule}")]
    Malformed {
        /// Where, for instance `settings.inputs[0].fileInput`.
        path: String,
        /// The rule that the value breaks.
        rule: String,
    },
    /// MediaConvert would take them; this program does not.
    #[error("{path}: {what} is not supported by mediaconvert-local")]
    Unsupported {
        /// Where.
        path: String,
        /// The value, or `this setting`.
        what: String,
    },
}

impl SettingsError {
    pub(super) fn malformed(path: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::Malformed {
            path: path.into(),
            rule: rule.into(),
        }
    }

    pub(super) fn unsupported(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Unsupported {
            path: path.into(),
            what: what.into(),
        }
    }
}
