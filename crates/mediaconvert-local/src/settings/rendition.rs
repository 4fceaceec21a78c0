//! How HLS playlists present an output.

use super::destination::refuse_format_identifiers;
use super::error::SettingsError;
use super::node::Node;

/// How HLS playlists present an output.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rendition {
    /// `audioGroupId`: the audio group that it is in.
    pub(crate) audio_group: Option<String>,
    /// `audioRenditionSets`: the audio groups that go with it.
    pub(crate) audio_sets: Vec<String>,
    /// `audioTrackType`, for an output of sound alone.
    pub(crate) audio_track: Option<AudioTrack>,
    /// Whether sound alone goes into a transport stream, too.
    pub(crate) audio_in_m2ts: bool,
    /// `segmentModifier`: what the segments' names have after the name modifier.
    pub(crate) segment_modifier: String,
}

/// `audioTrackType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AudioTrack {
    /// Played unless the viewer chooses another.
    Default,
    /// Played where it suits the viewer's settings.
    AutoSelect,
    /// Played only when chosen.
    NotAutoSelect,
    /// Played instead of video, where bandwidth is low.
    Variant,
}

const AUDIO_TRACKS: &[(&str, AudioTrack)] = &[
    ("ALTERNATE_AUDIO_AUTO_SELECT_DEFAULT", AudioTrack::Default),
    ("ALTERNATE_AUDIO_AUTO_SELECT", AudioTrack::AutoSelect),
    ("ALTERNATE_AUDIO_NOT_AUTO_SELECT", AudioTrack::NotAutoSelect),
    ("AUDIO_ONLY_VARIANT_STREAM", AudioTrack::Variant),
];

impl Rendition {
    /// What HLS groups have in `hlsSettings`, CMAF groups have in `cmfcSettings`.
    pub(super) fn parse(node: &Node<'_>) -> Result<Self, SettingsError> {
        node.only("descriptiveVideoServiceFlag", &["DONT_FLAG"])?;
        node.only("iFrameOnlyManifest", &["EXCLUDE"])?;
        let sets = node.text("audioRenditionSets").unwrap_or_default();
        Ok(Self {
            audio_group: node.text("audioGroupId").map(str::to_owned),
            audio_sets: (sets.split(',').map(str::trim))
                .filter(|set| !set.is_empty())
                .map(str::to_owned)
                .collect(),
            audio_track: node.one_of("audioTrackType", AUDIO_TRACKS)?,
            ..Self::default()
        })
    }

    /// `outputSettings.hlsSettings`, where HLS groups have what CMAF groups have in `cmfcSettings`.
    pub(super) fn parse_hls(node: Node<'_>) -> Result<Self, SettingsError> {
        let mut rendition = Self::parse(&node)?;
        let in_m2ts = node.one_of("audioOnlyContainer", &[("AUTOMATIC", false), ("M2TS", true)])?;
        rendition.audio_in_m2ts = in_m2ts.unwrap_or_default();
        let modifier = node.text("segmentModifier").unwrap_or_default();
        refuse_format_identifiers(&node, "segmentModifier", modifier)?;
        modifier.clone_into(&mut rendition.segment_modifier);
        node.finish()?;
        Ok(rendition)
    }
}
