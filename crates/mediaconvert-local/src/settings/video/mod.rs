//! The pictures of an output: size, codec, rate control, frame rate.
//!
//! The codecs' settings are much alike, so one function reads them all. What only tunes how an
//! encoder spends its bits is skipped: another encoder spends them in another way.

mod codec;
mod frame_capture;
mod gop;
mod rate_control;
mod ratio;
mod size;

use super::error::SettingsError;
use super::node::Node;
use codec::{level, profile};
use frame_capture::captured;
use gop::gop;
use rate_control::rate_control;
use ratio::ratio;
use size::size;

pub(super) use rate_control::AbrLimits;

pub(crate) use codec::VideoCodec;
pub(crate) use frame_capture::FrameCapture;
pub(crate) use gop::Gop;
pub(crate) use rate_control::RateControl;
pub(crate) use ratio::Ratio;
pub(crate) use size::{Scaling, Size};

/// What an output shows.
#[derive(Debug, Clone)]
pub(crate) struct VideoDescription {
    /// Its frame size.
    pub(crate) size: Size,
    /// The codec.
    pub(crate) codec: VideoCodec,
    /// How many bits are spent.
    pub(crate) rate_control: RateControl,
    /// Frames per second; absent follows the input.
    pub(crate) frame_rate: Option<Ratio>,
    /// Whether pixels become square; otherwise they keep the input's shape.
    pub(crate) square_pixels: bool,
    /// Distance of the key frames; absent leaves it to the encoder.
    pub(crate) gop: Option<Gop>,
    /// The codec profile by its usual name.
    pub(crate) profile: Option<&'static str>,
    /// The codec level, for instance `4.1`.
    pub(crate) level: Option<String>,
    /// B-frames between reference frames; absent leaves it to the encoder.
    pub(crate) b_frames: Option<u32>,
    /// Whether samples have 10 bits instead of 8.
    pub(crate) ten_bit: bool,
}

/// What a `videoDescription` asks for.
pub(super) enum Video {
    Encoded(VideoDescription),
    Captured(FrameCapture),
}

/// How the encoder works rather than what it makes, and metadata.
const TUNING: &[&str] = &[
    "adaptiveQuantization",
    "alternateTransferFunctionSei",
    "deblocking",
    "dynamicSubGop",
    "endOfStreamMarkers",
    "entropyEncoding",
    "explicitWeightedPrediction",
    "fieldEncoding",
    "filmGrainSynthesis",
    "flickerAdaptiveQuantization",
    "gopBReference",
    "gopClosedCadence",
    "hrdBufferFinalFillPercentage",
    "hrdBufferInitialFillPercentage",
    "minIInterval",
    "mvOverPictureBoundaries",
    "mvTemporalPredictor",
    "numberReferenceFrames",
    "perFrameMetrics",
    "qualityTuningLevel",
    "repeatPps",
    "saliencyAwareEncoding",
    "sampleAdaptiveOffsetFilterMode",
    "scanTypeConversionMode",
    "sceneChangeDetect",
    "slices",
    "softness",
    "spatialAdaptiveQuantization",
    "syntax",
    "temporalAdaptiveQuantization",
    "temporalIds",
    "tileHeight",
    "tilePadding",
    "tileWidth",
    "tiles",
    "treeBlockSize",
    "unregisteredSeiTimecode",
    "writeMp4PackagingType",
];

#[derive(Clone, Copy)]
enum VideoCodecName {
    Encoded(VideoCodec),
    FrameCapture,
}

impl Video {
    /// "You cannot choose Fit without upscaling when you enable Automated ABR", and the bitrates are
    /// its own.
    pub(super) fn parse(node: Node<'_>, abr: Option<AbrLimits>) -> Result<Self, SettingsError> {
        let size = size(&node)?;
        if abr.is_some() && size.scaling == Scaling::FitNoUpscale {
            return Err(node.malformed(
                "scalingBehavior",
                "FIT_NO_UPSCALE cannot be used with automated ABR, which never enlarges",
            ));
        }
        node.only("respondToAfd", &["NONE"])?;
        node.harmless(&[
            "afdSignaling",
            "antiAlias",
            "chromaPositionMode",
            "colorMetadata",
            "dropFrameTimecode",
            "fixedAfd",
            "sharpness",
            "timecodeInsertion",
            "timecodeTrack",
        ]);
        let codec = node.required("codecSettings", node.node("codecSettings"))?;
        node.finish()?;
        let name = codec.one_of(
            "codec",
            &[
                ("H_264", VideoCodecName::Encoded(VideoCodec::H264)),
                ("H_265", VideoCodecName::Encoded(VideoCodec::H265)),
                ("VP8", VideoCodecName::Encoded(VideoCodec::Vp8)),
                ("VP9", VideoCodecName::Encoded(VideoCodec::Vp9)),
                ("AV1", VideoCodecName::Encoded(VideoCodec::Av1)),
                ("FRAME_CAPTURE", VideoCodecName::FrameCapture),
            ],
        )?;
        let video = match codec.required("codec", name)? {
            VideoCodecName::Encoded(name) => {
                let settings = codec.node(name.settings_key());
                let settings = codec.required(name.settings_key(), settings)?;
                if abr.is_some() {
                    require_for_abr(&codec, &settings, name)?;
                }
                Self::Encoded(encoded(settings, name, size, abr)?)
            }
            VideoCodecName::FrameCapture => {
                let settings = codec.node("frameCaptureSettings");
                let settings = codec.required("frameCaptureSettings", settings)?;
                Self::Captured(captured(settings, size)?)
            }
        };
        codec.finish()?;
        Ok(video)
    }
}

/// "You must specify these required settings."
fn require_for_abr(codec: &Node<'_>, settings: &Node<'_>, name: VideoCodec) -> Result<(), SettingsError> {
    if !matches!(name, VideoCodec::H264 | VideoCodec::H265) {
        let rule = format!(
            "{} cannot be used with automated ABR; use H_264 or H_265",
            name.name()
        );
        return Err(codec.malformed("codec", rule));
    }
    for (key, value) in [
        ("rateControlMode", "QVBR"),
        ("qualityTuningLevel", "MULTI_PASS_HQ"),
    ] {
        if settings.text(key) != Some(value) {
            return Err(settings.malformed(key, format!("must be {value} with automated ABR")));
        }
    }
    Ok(())
}

fn encoded(
    node: Node<'_>,
    codec: VideoCodec,
    size: Size,
    abr: Option<AbrLimits>,
) -> Result<VideoDescription, SettingsError> {
    let (profile, ten_bit) = profile(&node, codec)?;
    let video = VideoDescription {
        size,
        codec,
        rate_control: rate_control(&node, codec, abr)?,
        frame_rate: frame_rate(&node)?,
        square_pixels: square_pixels(&node)?,
        gop: gop(&node, codec)?,
        profile,
        level: level(&node, codec)?,
        b_frames: node.unsigned("numberBFramesBetweenReferenceFrames"),
        ten_bit,
    };
    node.only("framerateConversionAlgorithm", &["DUPLICATE_DROP"])?;
    node.only("interlaceMode", &["PROGRESSIVE"])?;
    node.only("telecine", &["NONE"])?;
    node.only("slowPal", &["DISABLED"])?;
    node.harmless(TUNING);
    node.finish()?;
    Ok(video)
}

fn frame_rate(node: &Node<'_>) -> Result<Option<Ratio>, SettingsError> {
    let specified = specified(node, "framerateControl")?;
    let rate = ratio(node, "framerateNumerator", "framerateDenominator");
    match (specified, rate) {
        (true, None) => Err(node.malformed(
            "framerateNumerator",
            "is required, with framerateDenominator, when framerateControl is SPECIFIED",
        )),
        (true, rate) => Ok(rate),
        (false, _) => Ok(None),
    }
}

/// `parControl`: pixels keep the input's shape, or become square. Other shapes are refused.
fn square_pixels(node: &Node<'_>) -> Result<bool, SettingsError> {
    let specified = specified(node, "parControl")?;
    match (specified, ratio(node, "parNumerator", "parDenominator")) {
        (true, None) => Err(node.malformed(
            "parNumerator",
            "is required, with parDenominator, when parControl is SPECIFIED",
        )),
        (true, Some(Ratio { num, den })) if num != den => {
            Err(node.unsupported("parNumerator", &format!("a pixel aspect ratio of {num}:{den}")))
        }
        (specified, _) => Ok(specified),
    }
}

fn specified(node: &Node<'_>, key: &str) -> Result<bool, SettingsError> {
    let known = [("INITIALIZE_FROM_SOURCE", false), ("SPECIFIED", true)];
    Ok(node.one_of(key, &known)?.unwrap_or_default())
}
