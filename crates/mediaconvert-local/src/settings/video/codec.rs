//! Video codecs, their profiles and levels.

use crate::settings::error::SettingsError;
use crate::settings::node::Node;

/// The video codecs this program encodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VideoCodec {
    /// AVC.
    H264,
    /// HEVC.
    H265,
    /// VP8.
    Vp8,
    /// VP9.
    Vp9,
    /// AV1.
    Av1,
}

impl VideoCodec {
    /// MediaConvert's name for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::H264 => "H_264",
            Self::H265 => "H_265",
            Self::Vp8 => "VP8",
            Self::Vp9 => "VP9",
            Self::Av1 => "AV1",
        }
    }

    pub(super) fn settings_key(self) -> &'static str {
        match self {
            Self::H264 => "h264Settings",
            Self::H265 => "h265Settings",
            Self::Vp8 => "vp8Settings",
            Self::Vp9 => "vp9Settings",
            Self::Av1 => "av1Settings",
        }
    }
}

pub(super) fn profile(
    node: &Node<'_>,
    codec: VideoCodec,
) -> Result<(Option<&'static str>, bool), SettingsError> {
    let known: &[(&str, (&'static str, bool))] = match codec {
        VideoCodec::H264 => &[
            ("BASELINE", ("baseline", false)),
            ("MAIN", ("main", false)),
            ("HIGH", ("high", false)),
        ],
        VideoCodec::H265 => &[
            ("MAIN_MAIN", ("main", false)),
            ("MAIN_HIGH", ("main", false)),
            ("MAIN10_MAIN", ("main10", true)),
            ("MAIN10_HIGH", ("main10", true)),
        ],
        VideoCodec::Av1 => {
            let ten_bit = node.one_of("bitDepth", &[("BIT_8", false), ("BIT_10", true)])?;
            return Ok((None, ten_bit.unwrap_or_default()));
        }
        VideoCodec::Vp8 | VideoCodec::Vp9 => return Ok((None, false)),
    };
    Ok(match node.one_of("codecProfile", known)? {
        Some((profile, ten_bit)) => (Some(profile), ten_bit),
        None => (None, false),
    })
}

/// `LEVEL_4_1` as `4.1`.
pub(super) fn level(node: &Node<'_>, codec: VideoCodec) -> Result<Option<String>, SettingsError> {
    if !matches!(codec, VideoCodec::H264 | VideoCodec::H265) {
        return Ok(None);
    }
    match node.text("codecLevel") {
        None | Some("AUTO") => Ok(None),
        Some(level) => match level.strip_prefix("LEVEL_") {
            Some(number) => Ok(Some(number.replace('_', "."))),
            None => Err(node.unsupported("codecLevel", level)),
        },
    }
}
