//! How many bits an encode may spend.

use super::codec::VideoCodec;
use crate::settings::error::SettingsError;
use crate::settings::node::Node;

/// `rateControlMode` with what belongs to each. All figures are bits and bits per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum RateControl {
    /// QVBR: a constant quality under a ceiling.
    Quality {
        /// 1 to 10, higher is better; with the fine tune, between whole levels.
        level: f64,
        /// The ceiling.
        max_bitrate: u32,
        /// The decoder's buffer.
        buffer: Option<u32>,
    },
    /// VBR: an average, perhaps under a ceiling.
    Variable {
        /// The average.
        bitrate: u32,
        /// The ceiling.
        max_bitrate: Option<u32>,
        /// The decoder's buffer.
        buffer: Option<u32>,
    },
    /// CBR.
    Constant {
        /// The bitrate.
        bitrate: u32,
        /// The decoder's buffer.
        buffer: Option<u32>,
    },
}

/// What automated ABR sets for every rendition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AbrLimits {
    /// The largest rendition's ceiling.
    pub(crate) max_bitrate: u32,
    /// The quality of each, instead of the output's own.
    pub(crate) quality: Option<f64>,
}

impl AbrLimits {
    /// How many bits are spent before the renditions are known.
    fn rate_control(self, level: f64) -> RateControl {
        RateControl::Quality {
            level: self.quality.unwrap_or(level),
            max_bitrate: self.max_bitrate,
            buffer: None,
        }
    }
}

/// The quality used where the settings leave it to the service (AUTO): the middle of the 6 to 9
/// that the service's guide names for broadcast.
const AUTO_QUALITY: u32 = 7;

pub(super) fn rate_control(
    node: &Node<'_>,
    codec: VideoCodec,
    abr: Option<AbrLimits>,
) -> Result<RateControl, SettingsError> {
    #[derive(Clone, Copy)]
    enum Mode {
        Quality,
        Variable,
        Constant,
    }
    let known = [
        ("QVBR", Mode::Quality),
        ("VBR", Mode::Variable),
        ("CBR", Mode::Constant),
    ];
    // Each codec's own enumeration, and the one mode that VP8, VP9 and AV1 have.
    let (known, default) = match codec {
        VideoCodec::H264 | VideoCodec::H265 => (&known[..], Mode::Quality),
        VideoCodec::Av1 => (&known[..1], Mode::Quality),
        VideoCodec::Vp8 | VideoCodec::Vp9 => (&known[1..2], Mode::Variable),
    };
    let mode = node.one_of("rateControlMode", known)?.unwrap_or(default);
    let bitrate = node.unsigned("bitrate");
    let max_bitrate = node.unsigned("maxBitrate");
    let buffer = node.unsigned("hrdBufferSize");
    let buffer = buffer.filter(|&bits| bits > 0);
    let level = quality_level(node)?;
    if let Some(abr) = abr {
        return Ok(abr.rate_control(level));
    }
    Ok(match mode {
        Mode::Quality => RateControl::Quality {
            level,
            max_bitrate: node.required("maxBitrate", max_bitrate)?,
            buffer,
        },
        Mode::Variable => RateControl::Variable {
            bitrate: node.required("bitrate", bitrate)?,
            max_bitrate,
            buffer,
        },
        Mode::Constant => RateControl::Constant {
            bitrate: node.required("bitrate", bitrate)?,
            buffer,
        },
    })
}

fn quality_level(node: &Node<'_>) -> Result<f64, SettingsError> {
    let Some(qvbr) = node.node("qvbrSettings") else {
        return Ok(f64::from(AUTO_QUALITY));
    };
    let level = qvbr.unsigned("qvbrQualityLevel");
    let fine_tune = qvbr.number("qvbrQualityLevelFineTune");
    // An upper bound for the average of a multi-pass encode, which this is not.
    qvbr.harmless(&["maxAverageBitrate"]);
    qvbr.finish()?;
    Ok(f64::from(level.unwrap_or(AUTO_QUALITY)) + fine_tune.unwrap_or(0.0))
}
