//! The kinds of events, and which of two counts where their times are equal.

use serde::{Deserialize, Serialize};

/// What an event is about; a submission counts as an event. Of two events with equal times, the one
/// whose kind comes last here counts as the later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "Change tells what each is")]
pub enum Kind {
    /// The one kind that MediaConvert sends no event of.
    Submission,
    Progressing,
    StatusUpdate,
    InputInformation,
    NewWarning,
    QueueHop,
    Canceled,
    Error,
    Complete,
}

impl Kind {
    /// Every kind, in order.
    pub const ALL: [Self; 9] = [
        Self::Submission,
        Self::Progressing,
        Self::StatusUpdate,
        Self::InputInformation,
        Self::NewWarning,
        Self::QueueHop,
        Self::Canceled,
        Self::Error,
        Self::Complete,
    ];

    /// As MediaConvert and the table write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submission => "SUBMISSION",
            Self::Progressing => "PROGRESSING",
            Self::StatusUpdate => "STATUS_UPDATE",
            Self::InputInformation => "INPUT_INFORMATION",
            Self::NewWarning => "NEW_WARNING",
            Self::QueueHop => "QUEUE_HOP",
            Self::Canceled => "CANCELED",
            Self::Error => "ERROR",
            Self::Complete => "COMPLETE",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_listed_in_order_and_named_as_they_are_stored() {
        assert!(Kind::ALL.is_sorted());
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
