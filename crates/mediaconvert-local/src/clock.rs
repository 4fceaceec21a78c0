//! Time as MediaConvert writes it: whole milliseconds in events, whole seconds in the API.

use std::time::SystemTime;

/// Milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub(crate) struct Millis(u64);

impl Millis {
    /// The machine's clock.
    pub(crate) fn now() -> Self {
        let elapsed = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        Self(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
    }

    /// The millisecond after this one.
    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Whole seconds since 1970.
    pub(crate) fn seconds(self) -> u64 {
        self.0 / 1000
    }
}

impl std::fmt::Display for Millis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
