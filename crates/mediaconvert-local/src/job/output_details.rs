//! What the outputs of a finished job turned out to be, as events and the API tell it.

use serde_json::{Value, json};

/// What a finished output group turned out to be.
#[derive(Debug, Clone)]
pub(crate) struct GroupDetail {
    /// `type`, for instance `FILE_GROUP`.
    pub(crate) event_type: &'static str,
    /// The top-level manifests of a streaming package.
    pub(crate) playlists: Vec<String>,
    /// Its outputs.
    pub(crate) outputs: Vec<OutputDetail>,
}

impl GroupDetail {
    /// As the COMPLETE event has it.
    pub(super) fn event(&self) -> Value {
        let outputs: Vec<Value> = self.outputs.iter().map(OutputDetail::event).collect();
        let mut detail = json!({"outputDetails": outputs, "type": self.event_type});
        if !self.playlists.is_empty() {
            detail["playlistFilePaths"] = json!(self.playlists);
        }
        detail
    }
}

/// What a finished output turned out to be.
#[derive(Debug, Clone)]
pub(crate) struct OutputDetail {
    /// The objects the event names; none for an output of a CMAF or DASH package.
    pub(crate) paths: Vec<String>,
    /// How long it plays.
    pub(crate) duration_ms: u64,
    /// Its pictures, if it has any.
    pub(crate) video: Option<VideoDetail>,
}

/// `videoDetails`, as measured on the file. QVBR's quality figures are left out: nothing here
/// measures them.
#[derive(Debug, Clone)]
pub(crate) struct VideoDetail {
    /// Pixels.
    pub(crate) width: u32,
    /// Pixels.
    pub(crate) height: u32,
    /// Bits per second; captures have none.
    pub(crate) average_bitrate: Option<u64>,
}

impl OutputDetail {
    /// As the COMPLETE event has it.
    fn event(&self) -> Value {
        let mut detail = json!({"durationInMs": self.duration_ms});
        if !self.paths.is_empty() {
            detail["outputFilePaths"] = json!(self.paths);
        }
        if let Some(video) = &self.video {
            detail["videoDetails"] = json!({"widthInPx": video.width, "heightInPx": video.height});
            if let Some(bitrate) = video.average_bitrate {
                detail["videoDetails"]["averageBitrate"] = json!(bitrate);
            }
        }
        detail
    }

    /// As `GetJob` has it, which knows neither paths nor bitrates.
    pub(super) fn api(&self) -> Value {
        let mut detail = json!({"durationInMs": self.duration_ms});
        if let Some(video) = &self.video {
            detail["videoDetails"] = json!({"widthInPx": video.width, "heightInPx": video.height});
        }
        detail
    }
}
