//! Why a job ends in ERROR: MediaConvert's documented error codes, and messages worded as its own
//! where those are known ([error codes]).
//!
//! [error codes]: https://docs.aws.amazon.com/mediaconvert/latest/ug/mediaconvert_error_codes.html

use crate::settings::SettingsError;

/// What goes into `errorCode` and `errorMessage`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JobError {
    /// The role cannot be assumed: it is not there, or it does not trust the service.
    #[error(
        "Unable to open input file [{uri}]: [Failed probe/open: [Failed to read data: AssumeRole failed: {reason}]]"
    )]
    RoleNotAssumed {
        /// The input, at which the service notices.
        uri: String,
        /// STS's own message.
        reason: String,
    },
    /// No such object or bucket.
    #[error(
        "Unable to open input file [{uri}]: [Failed probe/open: [Failed to read data: HeadObject failed]]"
    )]
    InputNotFound {
        /// The input.
        uri: String,
    },
    /// The role may not read the object.
    #[error("Unable to open input file [{uri}]: [Failed probe/open: [Failed to read data: Access Denied]]")]
    InputDenied {
        /// The input.
        uri: String,
    },
    /// S3 did not deliver the object for another reason.
    #[error("Unable to open input file [{uri}]: [Failed probe/open: [Failed to read data: {reason}]]")]
    InputUnreadable {
        /// The input.
        uri: String,
        /// What went wrong.
        reason: String,
    },
    /// The web server did not deliver the file.
    #[error("Unable to open input file [{uri}]: [Failed probe/open: [Failed to read data: {reason}]]")]
    Http {
        /// The input.
        uri: String,
        /// Which of the HTTP codes.
        code: u32,
        /// What went wrong.
        reason: String,
    },
    /// The input is not a media file.
    #[error("Unable to open input file [{uri}]: [Failed probe/open: [No parser found for container]]")]
    NotMedia {
        /// The input.
        uri: String,
    },
    /// The input's codec cannot be decoded.
    #[error("Unsupported codec [{codec}] in input file [{uri}]")]
    UnsupportedCodec {
        /// The input.
        uri: String,
        /// The codec as far as it is known.
        codec: String,
    },
    /// The settings ask for something this program does not do.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The role may not write the output.
    #[error("Unable to write to output file [{uri}]: [Failed to write data: Access Denied]")]
    OutputDenied {
        /// The output.
        uri: String,
    },
    /// The output's bucket is not there.
    #[error(
        "Unable to write to output file [{uri}]: [Failed to write data: The specified bucket does not exist]"
    )]
    OutputBucketNotFound {
        /// The output.
        uri: String,
    },
    /// The transcode itself failed, or this program did.
    #[error("Transcoding error: {reason}")]
    Transcode {
        /// The encoder's last words.
        reason: String,
    },
}

impl JobError {
    /// `errorCode`.
    pub(crate) fn code(&self) -> u32 {
        match self {
            Self::NotMedia { .. } => 1010,
            Self::UnsupportedCodec { .. } => 1030,
            Self::Settings(_) => 1040,
            Self::InputUnreadable { .. } => 1076,
            Self::InputDenied { .. } | Self::OutputDenied { .. } => 1401,
            Self::InputNotFound { .. } | Self::OutputBucketNotFound { .. } => 1404,
            Self::RoleNotAssumed { .. } => 1434,
            Self::Transcode { .. } => 1999,
            Self::Http { code, .. } => *code,
        }
    }

    /// A fault of this program or its machine, not of the job.
    pub(crate) fn internal(error: impl std::fmt::Display) -> Self {
        Self::Transcode {
            reason: error.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The event of a real job, as this project's samples have it.
    #[test]
    fn a_missing_input_is_worded_as_mediaconvert_words_it() {
        let sample = include_str!("../../../events/mediaconvert/error-input-not-found.json");
        let sample: serde_json::Value = serde_json::from_str(sample).unwrap();
        let error = JobError::InputNotFound {
            uri: "s3://amzn-s3-demo-bucket/missing.mp4".into(),
        };

        assert_eq!(sample["detail"]["errorCode"], error.code());
        assert_eq!(sample["detail"]["errorMessage"], error.to_string());
    }
}
