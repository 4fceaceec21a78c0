//! The containers of outputs, and what of a container's settings belongs to a streaming package.

use super::audio::AudioCodec;
use super::error::SettingsError;
use super::node::Node;
use super::package::Format;
use super::rendition::Rendition;
use super::video::VideoCodec;

/// The containers this program writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    /// MPEG-4; `fast_start` puts the index first (`PROGRESSIVE_DOWNLOAD`, the default).
    Mp4 {
        /// Whether the index comes first.
        fast_start: bool,
    },
    /// `QuickTime`.
    Mov,
    /// `WebM`.
    Webm,
    /// No container: the bare audio stream.
    Raw,
    /// Segments of an MPEG-2 transport stream, for HLS.
    M3u8,
    /// Segments of bare audio, for HLS: what M3U8 means for sound alone.
    PackedAudio,
    /// Segments of fragmented MPEG-4, for CMAF.
    Cmfc,
    /// Segments of fragmented MPEG-4, for DASH.
    Mpd,
}

impl Container {
    /// MediaConvert's name for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mp4 { .. } => "MP4",
            Self::Mov => "MOV",
            Self::Webm => "WEBM",
            Self::Raw => "RAW",
            Self::M3u8 | Self::PackedAudio => "M3U8",
            Self::Cmfc => "CMFC",
            Self::Mpd => "MPD",
        }
    }

    /// What MediaConvert puts into this container, of the codecs this program has.
    pub(super) fn takes_video(self, codec: VideoCodec) -> bool {
        match self {
            Self::Mp4 { .. } => matches!(codec, VideoCodec::H264 | VideoCodec::H265 | VideoCodec::Av1),
            Self::Mov | Self::Cmfc | Self::Mpd => matches!(codec, VideoCodec::H264 | VideoCodec::H265),
            Self::M3u8 => codec == VideoCodec::H264,
            Self::Webm => matches!(codec, VideoCodec::Vp8 | VideoCodec::Vp9),
            Self::Raw | Self::PackedAudio => false,
        }
    }

    /// As [`Container::takes_video`], for sound.
    pub(super) fn takes_audio(self, codec: AudioCodec) -> bool {
        match self {
            Self::Webm => matches!(codec.name(), "OPUS" | "VORBIS"),
            Self::Mp4 { .. } | Self::Mov | Self::Raw | Self::M3u8 | Self::PackedAudio => {
                matches!(codec.name(), "AAC" | "MP3")
            }
            Self::Cmfc | Self::Mpd => codec.name() == "AAC",
        }
    }

    /// Whether an output is one stream, of pictures or of sound.
    pub(super) fn takes_one_stream(self) -> bool {
        matches!(self, Self::Raw | Self::PackedAudio | Self::Cmfc | Self::Mpd)
    }

    /// The kind of package that this container is for; absent if it is for files.
    pub(super) fn package(self) -> Option<Format> {
        match self {
            Self::M3u8 | Self::PackedAudio => Some(Format::Hls),
            Self::Cmfc => Some(Format::Cmaf),
            Self::Mpd => Some(Format::DashIso),
            Self::Mp4 { .. } | Self::Mov | Self::Webm | Self::Raw => None,
        }
    }
}

/// Identifiers, intervals and buffers of a transport stream, and C2PA's keys.
const MULTIPLEXING: &[&str] = &[
    "accessibilityCaptionHints",
    "audioFramesPerPes",
    "audioPids",
    "audioPtsOffsetDelta",
    "captionContainerType",
    "certificateSecret",
    "dataPTSControl",
    "maxPcrInterval",
    "patInterval",
    "pcrControl",
    "pcrPid",
    "pmtInterval",
    "pmtPid",
    "privateMetadataPid",
    "programNumber",
    "ptsOffset",
    "ptsOffsetMode",
    "scte35Pid",
    "signingKmsKey",
    "timedMetadataBoxVersion",
    "timedMetadataPid",
    "timedMetadataSchemeIdUri",
    "timedMetadataValue",
    "transportStreamId",
    "videoPid",
];

/// `containerSettings`.
pub(super) fn parse(node: Node<'_>) -> Result<(Container, Rendition), SettingsError> {
    let fast_start = match node.node("mp4Settings") {
        Some(mp4) => {
            let placement = [("PROGRESSIVE_DOWNLOAD", true), ("NORMAL", false)];
            let fast_start = mp4.one_of("moovPlacement", &placement)?;
            mp4.harmless(&["cslgAtom", "cttsVersion", "freeSpaceBox", "mp4MajorBrand"]);
            mp4.only("audioDuration", &["DEFAULT_CODEC_DURATION"])?;
            mp4.only("c2paManifest", &["EXCLUDE"])?;
            mp4.finish()?;
            fast_start.unwrap_or(true)
        }
        None => true,
    };
    let container = node.one_of(
        "container",
        &[
            ("MP4", Container::Mp4 { fast_start }),
            ("MOV", Container::Mov),
            ("WEBM", Container::Webm),
            ("RAW", Container::Raw),
            ("M3U8", Container::M3u8),
            ("CMFC", Container::Cmfc),
            ("MPD", Container::Mpd),
        ],
    )?;
    let container = node.required("container", container)?;
    let settings = match container {
        Container::M3u8 => node.node("m3u8Settings"),
        Container::Cmfc => node.node("cmfcSettings"),
        Container::Mpd => node.node("mpdSettings"),
        _ => None,
    };
    let rendition = settings.map(segment_settings).transpose()?;
    node.harmless(&["movSettings"]);
    node.finish()?;
    Ok((container, rendition.unwrap_or_default()))
}

/// `m3u8Settings`, `cmfcSettings` and `mpdSettings`, which are much alike.
fn segment_settings(node: Node<'_>) -> Result<Rendition, SettingsError> {
    let rendition = Rendition::parse(&node)?;
    node.only("audioDuration", &["DEFAULT_CODEC_DURATION"])?;
    node.only("c2paManifest", &["EXCLUDE"])?;
    node.only("klvMetadata", &["NONE"])?;
    node.only("manifestMetadataSignaling", &["DISABLED"])?;
    node.only("nielsenId3", &["NONE"])?;
    node.only("scte35Esam", &["NONE"])?;
    node.only("scte35Source", &["NONE"])?;
    node.only("timedMetadata", &["NONE"])?;
    node.harmless(MULTIPLEXING);
    node.finish()?;
    Ok(rendition)
}
