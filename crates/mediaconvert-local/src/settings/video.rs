//! The pictures of an output: size, codec, rate control, frame rate.
//!
//! The codecs' settings are much alike, so one function reads them all. What only tunes how an
//! encoder spends its bits is skipped: another encoder spends them in another way.

use super::SettingsError;
use super::abr::AutomatedAbr;
use super::node::Node;

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

/// Pictures taken from a video as JPEG files.
#[derive(Debug, Clone)]
pub(crate) struct FrameCapture {
    /// Their size.
    pub(crate) size: Size,
    /// Captures per second.
    pub(crate) rate: Ratio,
    /// How many at most.
    pub(crate) max_captures: Option<u32>,
    /// 1 to 100, higher is better.
    pub(crate) quality: u32,
}

/// What a `videoDescription` asks for.
pub(super) enum Video {
    Encoded(VideoDescription),
    Captured(FrameCapture),
}

/// `width`, `height` and `scalingBehavior`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    /// Absent follows the height, or the input.
    pub(crate) width: Option<u32>,
    /// Absent follows the width, or the input.
    pub(crate) height: Option<u32>,
    /// What is done when the input has another aspect ratio.
    pub(crate) scaling: Scaling,
}

/// `scalingBehavior`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scaling {
    /// `DEFAULT`: fits the picture in and pads it with black.
    Pad,
    /// `STRETCH_TO_OUTPUT`.
    Stretch,
    /// `FIT`: fits the picture in; the output has the input's aspect ratio.
    Fit,
    /// `FIT_NO_UPSCALE`: the same, but never larger than the input.
    FitNoUpscale,
    /// `FILL`: fills the output and crops what is outside.
    Fill,
}

/// A fraction of two whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ratio {
    /// The numerator.
    pub(crate) num: u32,
    /// The denominator, never 0.
    pub(crate) den: u32,
}

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

    fn settings_key(self) -> &'static str {
        match self {
            Self::H264 => "h264Settings",
            Self::H265 => "h265Settings",
            Self::Vp8 => "vp8Settings",
            Self::Vp9 => "vp9Settings",
            Self::Av1 => "av1Settings",
        }
    }
}

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

/// `gopSize` with its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Gop {
    /// Frames from one key frame to the next.
    Frames(f64),
    /// Seconds from one key frame to the next.
    Seconds(f64),
}

/// The quality used where the settings leave it to the service (AUTO): the middle of the 6 to 9
/// that the service's guide names for broadcast.
const AUTO_QUALITY: u32 = 7;

const MAX_INT: u32 = i32::MAX as u32;
const MAX_BITRATE: u32 = 1_466_400_000;

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
enum CodecName {
    Encoded(VideoCodec),
    FrameCapture,
}

impl Video {
    /// "You cannot choose Fit without upscaling when you enable Automated ABR", and the bitrates are
    /// its own.
    pub(super) fn parse(node: Node<'_>, abr: Option<AutomatedAbr>) -> Result<Self, SettingsError> {
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
        let codec = node.required("codecSettings", node.node("codecSettings")?)?;
        node.finish()?;
        let name = codec.one_of(
            "codec",
            &[
                ("H_264", CodecName::Encoded(VideoCodec::H264)),
                ("H_265", CodecName::Encoded(VideoCodec::H265)),
                ("VP8", CodecName::Encoded(VideoCodec::Vp8)),
                ("VP9", CodecName::Encoded(VideoCodec::Vp9)),
                ("AV1", CodecName::Encoded(VideoCodec::Av1)),
                ("FRAME_CAPTURE", CodecName::FrameCapture),
            ],
        )?;
        let video = match codec.required("codec", name)? {
            CodecName::Encoded(name) => {
                let settings = codec.node(name.settings_key())?;
                let settings = codec.required(name.settings_key(), settings)?;
                if abr.is_some() {
                    require_for_abr(&codec, &settings, name)?;
                }
                Self::Encoded(encoded(settings, name, size, abr)?)
            }
            CodecName::FrameCapture => {
                let settings = codec.node("frameCaptureSettings")?;
                let settings = codec.required("frameCaptureSettings", settings)?;
                Self::Captured(captured(&settings, size)?)
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
        if settings.text(key)? != Some(value) {
            return Err(settings.malformed(key, format!("must be {value} with automated ABR")));
        }
    }
    Ok(())
}

fn size(node: &Node<'_>) -> Result<Size, SettingsError> {
    let scaling = node.one_of(
        "scalingBehavior",
        &[
            ("DEFAULT", Scaling::Pad),
            ("STRETCH_TO_OUTPUT", Scaling::Stretch),
            ("FIT", Scaling::Fit),
            ("FIT_NO_UPSCALE", Scaling::FitNoUpscale),
            ("FILL", Scaling::Fill),
        ],
    )?;
    Ok(Size {
        width: node.unsigned("width", 32..=8192)?,
        height: node.unsigned("height", 32..=8192)?,
        scaling: scaling.unwrap_or(Scaling::Pad),
    })
}

fn captured(node: &Node<'_>, size: Size) -> Result<FrameCapture, SettingsError> {
    let rate = ratio(node, "framerateNumerator", "framerateDenominator")?;
    Ok(FrameCapture {
        size,
        rate: rate.unwrap_or(Ratio { num: 1, den: 1 }),
        max_captures: node.unsigned("maxCaptures", 1..=10_000_000)?,
        quality: node.unsigned("quality", 1..=100)?.unwrap_or(80),
    })
}

fn encoded(
    node: Node<'_>,
    codec: VideoCodec,
    size: Size,
    abr: Option<AutomatedAbr>,
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
        b_frames: node.unsigned("numberBFramesBetweenReferenceFrames", 0..=15)?,
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

fn rate_control(
    node: &Node<'_>,
    codec: VideoCodec,
    abr: Option<AutomatedAbr>,
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
    let bitrate = node.unsigned("bitrate", 1_000..=MAX_BITRATE)?;
    let max_bitrate = node.unsigned("maxBitrate", 1_000..=MAX_BITRATE)?;
    let buffer = node.unsigned("hrdBufferSize", 0..=MAX_BITRATE)?;
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
    let Some(qvbr) = node.node("qvbrSettings")? else {
        return Ok(f64::from(AUTO_QUALITY));
    };
    let level = qvbr.unsigned("qvbrQualityLevel", 1..=10)?;
    let fine_tune = qvbr.number("qvbrQualityLevelFineTune")?;
    // An upper bound for the average of a multi-pass encode, which this is not.
    qvbr.harmless(&["maxAverageBitrate"]);
    qvbr.finish()?;
    Ok(f64::from(level.unwrap_or(AUTO_QUALITY)) + fine_tune.unwrap_or(0.0))
}

fn frame_rate(node: &Node<'_>) -> Result<Option<Ratio>, SettingsError> {
    let specified = specified(node, "framerateControl")?;
    let rate = ratio(node, "framerateNumerator", "framerateDenominator")?;
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
    match (specified, ratio(node, "parNumerator", "parDenominator")?) {
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

fn ratio(node: &Node<'_>, num: &str, den: &str) -> Result<Option<Ratio>, SettingsError> {
    let (num, den) = (node.unsigned(num, 1..=MAX_INT)?, node.unsigned(den, 1..=MAX_INT)?);
    Ok(num.zip(den).map(|(num, den)| Ratio { num, den }))
}

fn gop(node: &Node<'_>, codec: VideoCodec) -> Result<Option<Gop>, SettingsError> {
    #[derive(Clone, Copy)]
    enum Unit {
        Auto,
        Frames,
        Seconds,
    }
    let unit = match codec {
        VideoCodec::H264 | VideoCodec::H265 => node.one_of(
            "gopSizeUnits",
            &[
                ("AUTO", Unit::Auto),
                ("FRAMES", Unit::Frames),
                ("SECONDS", Unit::Seconds),
            ],
        )?,
        VideoCodec::Vp8 | VideoCodec::Vp9 | VideoCodec::Av1 => None,
    };
    let size = node.number("gopSize")?.filter(|&size| size > 0.0);
    // A size without a unit counts frames, as it did before there were units.
    Ok(size.and_then(|size| match unit.unwrap_or(Unit::Frames) {
        Unit::Auto => None,
        Unit::Frames => Some(Gop::Frames(size)),
        Unit::Seconds => Some(Gop::Seconds(size)),
    }))
}

fn profile(node: &Node<'_>, codec: VideoCodec) -> Result<(Option<&'static str>, bool), SettingsError> {
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
fn level(node: &Node<'_>, codec: VideoCodec) -> Result<Option<String>, SettingsError> {
    if !matches!(codec, VideoCodec::H264 | VideoCodec::H265) {
        return Ok(None);
    }
    match node.text("codecLevel")? {
        None | Some("AUTO") => Ok(None),
        Some(level) => match level.strip_prefix("LEVEL_") {
            Some(number) => Ok(Some(number.replace('_', "."))),
            None => Err(node.unsupported("codecLevel", level)),
        },
    }
}
