//! The sound of an output: which selector it comes from and how it is encoded.

use super::error::SettingsError;
use super::node::Node;

/// One audio track of an output.
#[derive(Debug, Clone)]
pub(crate) struct AudioDescription {
    /// The name of the audio selector it is made from.
    pub(crate) source: String,
    /// How it is encoded.
    pub(crate) codec: AudioCodec,
    /// Samples per second; absent follows the input.
    pub(crate) sample_rate: Option<u32>,
    /// Number of channels; absent follows the input.
    pub(crate) channels: Option<u32>,
    /// Its language tag.
    pub(crate) language: Language,
    /// What HLS playlists call it.
    pub(crate) stream_name: Option<String>,
}

/// `languageCodeControl`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Language {
    /// The input's, if it has one.
    FollowInput,
    /// This ISO 639-2 code.
    Code(String),
}

/// An audio codec with its rate control.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum AudioCodec {
    /// AAC-LC at this bitrate, in bits per second.
    Aac {
        /// Average bits per second.
        bitrate: u32,
    },
    /// AAC-LC at MediaConvert's four steps of quality, 0 (lowest) to 3.
    AacVbr {
        /// The step.
        quality: u8,
    },
    /// Opus at this bitrate.
    Opus {
        /// Average bits per second.
        bitrate: u32,
    },
    /// Vorbis at this quality, -1 to 10.
    Vorbis {
        /// The quality.
        quality: i64,
    },
    /// MP3 at this bitrate.
    Mp3 {
        /// Bits per second.
        bitrate: u32,
    },
    /// MP3 at this VBR quality, 0 (best) to 9.
    Mp3Vbr {
        /// The quality.
        quality: u32,
    },
}

impl AudioCodec {
    /// MediaConvert's name for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Aac { .. } | Self::AacVbr { .. } => "AAC",
            Self::Opus { .. } => "OPUS",
            Self::Vorbis { .. } => "VORBIS",
            Self::Mp3 { .. } | Self::Mp3Vbr { .. } => "MP3",
        }
    }
}

#[derive(Clone, Copy)]
enum AudioCodecName {
    Aac,
    Opus,
    Vorbis,
    Mp3,
}

struct Encoding {
    codec: AudioCodec,
    sample_rate: Option<u32>,
    channels: Option<u32>,
}

impl AudioDescription {
    pub(super) fn parse(node: Node<'_>) -> Result<Self, SettingsError> {
        let codec = node.required("codecSettings", node.node("codecSettings"))?;
        let encoding = encoding(codec)?;
        let configured = node.one_of(
            "languageCodeControl",
            &[("FOLLOW_INPUT", false), ("USE_CONFIGURED", true)],
        )?;
        let language = match (configured, node.text("languageCode")) {
            (Some(true), Some(code)) => Language::Code(code.to_ascii_lowercase()),
            _ => Language::FollowInput,
        };
        // "If no audio_source_name is specified, then 'Audio Selector 1' will be chosen."
        let source = node.text("audioSourceName").unwrap_or("Audio Selector 1");
        let stream_name = node.text("streamName");
        node.harmless(&["audioType", "audioTypeControl", "customLanguageCode"]);
        node.finish()?;
        Ok(Self {
            source: source.to_owned(),
            codec: encoding.codec,
            sample_rate: encoding.sample_rate,
            channels: encoding.channels,
            language,
            stream_name: stream_name.map(str::to_owned),
        })
    }
}

fn encoding(node: Node<'_>) -> Result<Encoding, SettingsError> {
    let name = node.one_of(
        "codec",
        &[
            ("AAC", AudioCodecName::Aac),
            ("OPUS", AudioCodecName::Opus),
            ("VORBIS", AudioCodecName::Vorbis),
            ("MP3", AudioCodecName::Mp3),
        ],
    )?;
    let encoding = match node.required("codec", name)? {
        AudioCodecName::Aac => aac(node.node("aacSettings")),
        AudioCodecName::Opus => opus(node.node("opusSettings")),
        AudioCodecName::Vorbis => vorbis(node.node("vorbisSettings")),
        AudioCodecName::Mp3 => mp3(node.node("mp3Settings")),
    }?;
    node.finish()?;
    Ok(encoding)
}

fn aac(node: Option<Node<'_>>) -> Result<Encoding, SettingsError> {
    let mut encoding = Encoding {
        codec: AudioCodec::Aac { bitrate: 96_000 },
        sample_rate: None,
        channels: Some(2),
    };
    let Some(node) = node else {
        return Ok(encoding);
    };
    encoding.sample_rate = node.unsigned("sampleRate");
    if let Some(bitrate) = node.unsigned("bitrate") {
        encoding.codec = AudioCodec::Aac { bitrate };
    }
    let vbr = node.one_of("rateControlMode", &[("CBR", false), ("VBR", true)])?;
    let quality = node.one_of(
        "vbrQuality",
        &[("LOW", 0), ("MEDIUM_LOW", 1), ("MEDIUM_HIGH", 2), ("HIGH", 3)],
    )?;
    if vbr == Some(true) {
        encoding.codec = AudioCodec::AacVbr {
            quality: quality.unwrap_or(2),
        };
    }
    let channels = node.one_of(
        "codingMode",
        &[
            ("CODING_MODE_1_0", Some(1)),
            ("CODING_MODE_2_0", Some(2)),
            ("CODING_MODE_5_1", Some(6)),
            ("CODING_MODE_AUTO", None),
        ],
    )?;
    encoding.channels = channels.unwrap_or(encoding.channels);
    node.only("codecProfile", &["LC"])?;
    node.only("rawFormat", &["NONE"])?;
    node.only("audioDescriptionBroadcasterMix", &["NORMAL"])?;
    node.harmless(&["passthroughControl", "specification"]);
    node.finish()?;
    Ok(encoding)
}

fn opus(node: Option<Node<'_>>) -> Result<Encoding, SettingsError> {
    let mut encoding = Encoding {
        codec: AudioCodec::Opus { bitrate: 96_000 },
        sample_rate: None,
        channels: None,
    };
    if let Some(node) = node {
        if let Some(bitrate) = node.unsigned("bitrate") {
            encoding.codec = AudioCodec::Opus { bitrate };
        }
        encoding.sample_rate = node.unsigned("sampleRate");
        encoding.channels = channels(&node);
        node.finish()?;
    }
    Ok(encoding)
}

fn vorbis(node: Option<Node<'_>>) -> Result<Encoding, SettingsError> {
    let mut encoding = Encoding {
        codec: AudioCodec::Vorbis { quality: 4 },
        sample_rate: None,
        channels: None,
    };
    if let Some(node) = node {
        if let Some(quality) = node.integer("vbrQuality") {
            encoding.codec = AudioCodec::Vorbis { quality };
        }
        encoding.sample_rate = node.unsigned("sampleRate");
        encoding.channels = channels(&node);
        node.finish()?;
    }
    Ok(encoding)
}

fn mp3(node: Option<Node<'_>>) -> Result<Encoding, SettingsError> {
    let mut encoding = Encoding {
        codec: AudioCodec::Mp3 { bitrate: 128_000 },
        sample_rate: None,
        channels: Some(2),
    };
    if let Some(node) = node {
        if let Some(bitrate) = node.unsigned("bitrate") {
            encoding.codec = AudioCodec::Mp3 { bitrate };
        }
        let quality = node.unsigned("vbrQuality");
        if node.one_of("rateControlMode", &[("CBR", false), ("VBR", true)])? == Some(true) {
            encoding.codec = AudioCodec::Mp3Vbr {
                quality: quality.unwrap_or(4),
            };
        }
        encoding.sample_rate = node.unsigned("sampleRate");
        encoding.channels = channels(&node);
        node.finish()?;
    }
    Ok(encoding)
}

/// "In the API, valid values are 0, 1, and 2", where 0 follows the input.
fn channels(node: &Node<'_>) -> Option<u32> {
    node.unsigned("channels").filter(|&channels| channels > 0)
}
