//! Streaming packages: how they are cut, and what their manifests state.

use super::error::SettingsError;
use super::node::Node;

/// A streaming package: segments and the manifests that list them.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    /// The kind of group.
    pub(crate) format: Format,
    /// Its HLS playlists, if it has any.
    pub(crate) hls: Option<HlsPlaylists>,
    /// Whether there is a DASH manifest.
    pub(crate) dash: bool,
    /// How the outputs are cut.
    pub(crate) segments: Segments,
}

/// What HLS playlists state.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HlsPlaylists {
    /// Whether the segments' lengths are in whole seconds.
    pub(crate) whole_seconds: bool,
    /// Whether there are frame sizes in the multivariant playlist.
    pub(crate) resolution: bool,
}

/// The kinds of streaming packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// MPEG-2 transport stream segments with HLS playlists.
    Hls,
    /// Fragmented MP4 segments for HLS and DASH.
    Cmaf,
    /// Fragmented MP4 segments for DASH.
    DashIso,
}

impl Format {
    /// MediaConvert's name for such a group.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hls => "HLS_GROUP",
            Self::Cmaf => "CMAF_GROUP",
            Self::DashIso => "DASH_ISO_GROUP",
        }
    }
}

/// How an output is cut into segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segments {
    /// The length of a segment.
    pub(crate) seconds: u32,
    /// The length of the fragments within one; absent where there are none.
    pub(crate) fragment_seconds: Option<u32>,
    /// Whether all segments are in one file.
    pub(crate) single_file: bool,
    /// Whether key frames are added so that segments have just this length (`EXACT`); otherwise
    /// they end with the first GOP that reaches it.
    pub(crate) exact: bool,
}

/// What players and proxies are told, or what is tuned, rather than what is in the package.
const PRESENTATION: &[&str] = &[
    "adMarkers",
    "audioChannelConfigSchemeIdUri",
    "audioOnlyHeader",
    "captionLanguageSetting",
    "captionSegmentLengthControl",
    "codecSpecification",
    "dashManifestStyle",
    "minBufferTime",
    "minSegmentLength",
    "mpdManifestBandwidthType",
    "programDateTimePeriod",
    "progressiveWriteHlsManifest",
    "ptsOffsetHandlingForBFrames",
    "segmentsPerSubdirectory",
    "targetDurationCompatibilityMode",
    "timedMetadataId3Frame",
    "timedMetadataId3Period",
    "videoCompositionOffsets",
    "writeSegmentTimelineInRepresentation",
];

impl Package {
    /// Defaults are those the service model states under each group's members.
    pub(super) fn parse(node: &Node<'_>, format: Format) -> Result<Self, SettingsError> {
        const DISABLED: &[(&str, bool)] = &[("ENABLED", true), ("DISABLED", false)];
        let (hls, dash) = match format {
            Format::Hls => (true, false),
            Format::DashIso => (false, true),
            Format::Cmaf => (
                node.one_of("writeHlsManifest", DISABLED)?.unwrap_or(true),
                node.one_of("writeDashManifest", DISABLED)?.unwrap_or(true),
            ),
        };
        let segments = segments(node, format)?;
        let whole_seconds = node.one_of(
            "manifestDurationFormat",
            &[("FLOATING_POINT", false), ("INTEGER", true)],
        )?;
        let resolution = node.one_of("streamInfResolution", &[("INCLUDE", true), ("EXCLUDE", false)])?;
        let on_demand = [("MAIN_PROFILE", false), ("ON_DEMAND_PROFILE", true)];
        if node.one_of("mpdProfile", &on_demand)? == Some(true) && !segments.single_file {
            let rule = "ON_DEMAND_PROFILE needs segmentControl SINGLE_FILE";
            return Err(node.malformed("mpdProfile", rule));
        }
        node.only("clientCache", &["ENABLED"])?;
        node.only("directoryStructure", &["SINGLE_DIRECTORY"])?;
        node.only("hbbtvCompliance", &["NONE"])?;
        node.only("imageBasedTrickPlay", &["NONE"])?;
        node.only("manifestCompression", &["NONE"])?;
        node.only("outputSelection", &["MANIFESTS_AND_SEGMENTS"])?;
        node.only("programDateTime", &["EXCLUDE"])?;
        node.only_integer("timestampDeltaMilliseconds", 0)?;
        node.harmless(PRESENTATION);
        let playlists = HlsPlaylists {
            whole_seconds: whole_seconds.unwrap_or_default(),
            resolution: resolution.unwrap_or(true),
        };
        Ok(Self {
            format,
            hls: hls.then_some(playlists),
            dash,
            segments,
        })
    }
}

fn segments(node: &Node<'_>, format: Format) -> Result<Segments, SettingsError> {
    let default = match format {
        Format::Hls | Format::Cmaf => 10,
        Format::DashIso => 30,
    };
    let seconds = node.unsigned("segmentLength");
    let fragment_seconds = match format {
        Format::Hls => None,
        Format::Cmaf | Format::DashIso => node.unsigned("fragmentLength").or(Some(2)),
    };
    let single_file = node.one_of(
        "segmentControl",
        &[("SEGMENTED_FILES", false), ("SINGLE_FILE", true)],
    )?;
    let exact = node.one_of(
        "segmentLengthControl",
        &[("EXACT", true), ("GOP_MULTIPLE", false)],
    )?;
    if node
        .number("minFinalSegmentLength")
        .is_some_and(|length| length > 0.0)
    {
        return Err(node.unsupported("minFinalSegmentLength", "a minimum"));
    }
    Ok(Segments {
        seconds: seconds.unwrap_or(default),
        fragment_seconds,
        single_file: single_file.unwrap_or_default(),
        exact: exact.unwrap_or(true),
    })
}
