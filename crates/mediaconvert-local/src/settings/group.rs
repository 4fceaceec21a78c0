//! Output groups: files that stand alone, or the parts of one streaming package.

use std::collections::HashMap;

use super::SettingsError;
use super::abr::AutomatedAbr;
use super::input::Input;
use super::node::Node;
use super::output::{Content, Output};

/// A group of outputs.
#[derive(Debug, Clone)]
pub(crate) struct OutputGroup {
    /// Where it stands in the settings.
    pub(crate) path: String,
    /// Where its outputs go.
    pub(crate) destination: Destination,
    /// What its outputs make together; absent for a file group.
    pub(crate) package: Option<Package>,
    /// Its outputs, in the order of the settings.
    pub(crate) outputs: Vec<Output>,
    /// What makes renditions of the output with video.
    abr: Option<AutomatedAbr>,
}

/// `destination`, as far as all outputs of a group share it.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    /// The bucket.
    pub(crate) bucket: String,
    /// The beginning of all keys; a package's top-level manifests add nothing but the extension.
    pub(crate) stem: String,
}

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

#[derive(Clone, Copy)]
enum Kind {
    File,
    Streaming(Format),
}

impl Kind {
    fn settings_key(self) -> &'static str {
        match self {
            Self::File => "fileGroupSettings",
            Self::Streaming(Format::Hls) => "hlsGroupSettings",
            Self::Streaming(Format::Cmaf) => "cmafGroupSettings",
            Self::Streaming(Format::DashIso) => "dashIsoGroupSettings",
        }
    }
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

impl OutputGroup {
    pub(super) fn parse(node: Node<'_>, path: String, input: &Input) -> Result<Self, SettingsError> {
        let settings = node.node("outputGroupSettings")?;
        let settings = node.required("outputGroupSettings", settings)?;
        let (destination, package) = group_settings(settings, input)?;
        let abr = match node.node("automatedEncodingSettings")? {
            Some(automated) => AutomatedAbr::parse(automated)?,
            None => None,
        };
        if abr.is_some() && package.is_none() {
            let rule = "automated ABR is for HLS, CMAF and DASH groups";
            return Err(node.malformed("automatedEncodingSettings", rule));
        }
        let outputs = (node.nodes("outputs")?.into_iter().enumerate())
            .map(|(index, output)| {
                let path = format!("{}[{index}]", node.path("outputs"));
                Output::parse(output, path, &destination, package.as_ref(), abr)
            })
            .collect::<Result<Vec<_>, _>>()?;
        if outputs.is_empty() {
            return Err(node.malformed("outputs", "at least one output is required"));
        }
        let with_video = outputs.iter().filter(|output| output.content.has_video()).count();
        if abr.is_some() && with_video != 1 {
            let rule = format!("{with_video} have a videoDescription; with automated ABR, one must");
            return Err(node.malformed("outputs", rule));
        }
        node.harmless(&["customName", "name"]);
        node.finish()?;
        Ok(Self {
            path,
            destination,
            package,
            outputs,
            abr,
        })
    }

    /// The outputs that are made of a source of this size, upright.
    pub(crate) fn outputs(&self, source: (u32, u32)) -> Vec<Output> {
        let renditions = |output: &Output| match (self.abr, &output.content) {
            (
                Some(abr),
                Content::Muxed {
                    video: Some(video), ..
                },
            ) => {
                let renditions = (1..).zip(abr.renditions(source, video));
                renditions
                    .map(|(number, rendition)| output.rendition_of(number, rendition))
                    .collect()
            }
            _ => vec![output.clone()],
        };
        self.outputs.iter().flat_map(renditions).collect()
    }

    /// The group's type as events name it.
    pub(crate) fn event_type(&self) -> &'static str {
        (self.package.as_ref()).map_or("FILE_GROUP", |package| package.format.name())
    }

    /// The keys of the top-level manifests, in the order in which events list them.
    pub(crate) fn manifests(&self) -> impl Iterator<Item = String> {
        let package = self.package.as_ref();
        let dash = package.filter(|package| package.dash).map(|_| "mpd");
        let hls = package.filter(|package| package.hls.is_some()).map(|_| "m3u8");
        (dash.into_iter().chain(hls)).map(|extension| format!("{}.{extension}", self.destination.stem))
    }
}

fn group_settings(node: Node<'_>, input: &Input) -> Result<(Destination, Option<Package>), SettingsError> {
    let kind = node.one_of(
        "type",
        &[
            ("FILE_GROUP_SETTINGS", Kind::File),
            ("HLS_GROUP_SETTINGS", Kind::Streaming(Format::Hls)),
            ("CMAF_GROUP_SETTINGS", Kind::Streaming(Format::Cmaf)),
            ("DASH_ISO_GROUP_SETTINGS", Kind::Streaming(Format::DashIso)),
        ],
    )?;
    let kind = node.required("type", kind)?;
    let key = kind.settings_key();
    let group = node.required(key, node.node(key)?)?;
    let destination = destination(&group, input)?;
    let package = match kind {
        Kind::File => None,
        Kind::Streaming(format) => Some(package(&group, format)?),
    };
    // Access control, encryption and storage class of the objects.
    group.harmless(&["destinationSettings"]);
    group.finish()?;
    node.finish()?;
    Ok((destination, package))
}

fn destination(group: &Node<'_>, input: &Input) -> Result<Destination, SettingsError> {
    let uri = group.required("destination", group.text("destination")?)?;
    let (bucket, key) = uri
        .strip_prefix("s3://")
        .and_then(|rest| rest.split_once('/'))
        .filter(|(bucket, _)| !bucket.is_empty())
        .ok_or_else(|| group.malformed("destination", format!("{uri:?} is no s3:// URI")))?;
    refuse_format_identifiers(group, "destination", key)?;
    let stem = if key.is_empty() || key.ends_with('/') {
        format!("{key}{}", input.uri.base_name())
    } else {
        key.to_owned()
    };
    Ok(Destination {
        bucket: bucket.to_owned(),
        stem,
    })
}

/// `$dt$` and its like, which MediaConvert replaces in names.
pub(super) fn refuse_format_identifiers(node: &Node<'_>, key: &str, name: &str) -> Result<(), SettingsError> {
    let is_identifier = |part: &&str| {
        !part.is_empty() && part.len() <= 9 && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let parts = name.split('$').count();
    let inner = name.split('$').skip(1).take(parts.saturating_sub(2));
    match inner.into_iter().find(is_identifier) {
        Some(identifier) => Err(node.unsupported(key, &format!("the format identifier ${identifier}$"))),
        None => Ok(()),
    }
}

/// Defaults are those the service model states under each group's members.
fn package(node: &Node<'_>, format: Format) -> Result<Package, SettingsError> {
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
    node.integer("timestampDeltaMilliseconds", 0..=0)?;
    node.harmless(PRESENTATION);
    let playlists = HlsPlaylists {
        whole_seconds: whole_seconds.unwrap_or_default(),
        resolution: resolution.unwrap_or(true),
    };
    Ok(Package {
        format,
        hls: hls.then_some(playlists),
        dash,
        segments,
    })
}

fn segments(node: &Node<'_>, format: Format) -> Result<Segments, SettingsError> {
    let default = match format {
        Format::Hls | Format::Cmaf => 10,
        Format::DashIso => 30,
    };
    let seconds = node.unsigned("segmentLength", 1..=i32::MAX as u32)?;
    let fragment_seconds = match format {
        Format::Hls => None,
        Format::Cmaf | Format::DashIso => node.unsigned("fragmentLength", 1..=i32::MAX as u32)?.or(Some(2)),
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
        .number("minFinalSegmentLength")?
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

/// "In a job that includes an automated ABR output group, all ABR output groups must use automated
/// ABR."
pub(super) fn refuse_mixed_abr(groups: &[OutputGroup]) -> Result<(), SettingsError> {
    let automated = groups.iter().find(|group| group.abr.is_some());
    let by_hand = (groups.iter()).find(|group| group.package.is_some() && group.abr.is_none());
    match (automated, by_hand) {
        (Some(automated), Some(by_hand)) => Err(SettingsError::malformed(
            format!("{}.automatedEncodingSettings", by_hand.path),
            format!(
                "is required, as {} has it and both are streaming groups",
                automated.path
            ),
        )),
        _ => Ok(()),
    }
}

/// Refuses what would overwrite one another, and jobs that only capture frames.
pub(super) fn refuse_clashes(groups: &[OutputGroup]) -> Result<(), SettingsError> {
    let mut written = HashMap::new();
    let objects = groups.iter().flat_map(|group| {
        let bucket = &group.destination.bucket;
        let manifests = (group.manifests()).map(move |key| (&group.path, format!("s3://{bucket}/{key}")));
        let has_playlists = (group.package.as_ref()).is_some_and(|package| package.hls.is_some());
        let outputs = group.outputs.iter().map(move |output| {
            let playlist = has_playlists.then(|| format!("s3://{bucket}/{}", output.playlist()));
            (&output.path, playlist.unwrap_or_else(|| output.uri()))
        });
        manifests.chain(outputs)
    });
    for (path, uri) in objects {
        if let Some(first) = written.insert(uri.clone(), path) {
            return Err(SettingsError::malformed(
                path,
                format!("writes {uri} as {first} does; give each its own nameModifier"),
            ));
        }
    }
    let mut outputs = groups.iter().flat_map(|group| &group.outputs);
    if outputs.all(|output| matches!(output.content, Content::Captures(_))) {
        return Err(SettingsError::malformed(
            "settings.outputGroups",
            "an output that is no frame capture is required",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::settings::JobSettings;

    #[test]
    fn names_with_format_identifiers_are_refused() {
        for (name, refused) in [
            ("-$dt$", true),
            ("-$w$x$h$", true),
            ("-$Bandwidth$", true),
            ("-us$", false),
            ("cost $5 or $ 6", false),
        ] {
            let value = json!({"nameModifier": name});
            let node = Node::new("output", &value).unwrap();
            let result = refuse_format_identifiers(&node, "nameModifier", name);
            assert_eq!(result.is_err(), refused, "{name}");
        }
    }

    fn automated() -> Value {
        let group = json!({
            "outputGroupSettings": {
                "type": "CMAF_GROUP_SETTINGS",
                "cmafGroupSettings": {"destination": "s3://out/"},
            },
            "automatedEncodingSettings": {"abrSettings": {}},
            "outputs": [{
                "nameModifier": "-video",
                "containerSettings": {"container": "CMFC"},
                "videoDescription": {"codecSettings": {
                    "codec": "H_264",
                    "h264Settings": {"rateControlMode": "QVBR", "qualityTuningLevel": "MULTI_PASS_HQ"},
                }},
            }],
        });
        json!({"inputs": [{"fileInput": "s3://in/clip.mov"}], "outputGroups": [group]})
    }

    #[test]
    fn a_source_gets_renditions_up_to_its_own_size() {
        let sizes = |source| {
            let settings = JobSettings::parse(&automated()).unwrap();
            let outputs = settings.groups[0].outputs(source).into_iter();
            let sizes = outputs.map(|output| match output.content {
                Content::Muxed {
                    video: Some(video), ..
                } => (video.size.width, video.size.height),
                _ => panic!("no video"),
            });
            let sizes = sizes.map(|(width, height)| (width.unwrap(), height.unwrap()));
            sizes.collect::<Vec<_>>()
        };

        assert_eq!(
            sizes((1920, 1080)),
            [
                (1920, 1080),
                (1280, 720),
                (960, 540),
                (768, 432),
                (640, 360),
                (512, 288)
            ]
        );
        assert_eq!(sizes((1080, 1920))[..2], [(1080, 1920), (720, 1280)]);
        assert_eq!(sizes((320, 240)), [(320, 240)]);
    }

    fn refusal(settings: &Value) -> String {
        let error = JobSettings::parse(settings).unwrap_err();
        assert!(matches!(error, SettingsError::Malformed { .. }), "{error}");
        error.to_string()
    }

    #[test]
    fn what_automated_abr_cannot_have_is_refused() {
        let group = "/outputGroups/0";
        let video = "/outputGroups/0/outputs/0/videoDescription";
        let codec = "/outputGroups/0/outputs/0/videoDescription/codecSettings";
        let h264 = "/outputGroups/0/outputs/0/videoDescription/codecSettings/h264Settings";
        let second = automated()["outputGroups"][0]["outputs"][0].clone();
        for (parent, key, value, rule) in [
            (
                h264,
                "qualityTuningLevel",
                json!("SINGLE_PASS_HQ"),
                "qualityTuningLevel: must be MULTI_PASS_HQ with automated ABR",
            ),
            (
                h264,
                "rateControlMode",
                Value::Null,
                "rateControlMode: must be QVBR with automated ABR",
            ),
            (
                codec,
                "codec",
                json!("VP9"),
                "codec: VP9 cannot be used with automated ABR; use H_264 or H_265",
            ),
            (
                video,
                "scalingBehavior",
                json!("FIT_NO_UPSCALE"),
                "scalingBehavior: FIT_NO_UPSCALE cannot be used with automated ABR, which never enlarges",
            ),
            (
                group,
                "outputs",
                json!([second, second]),
                "outputs: 2 have a videoDescription; with automated ABR, one must",
            ),
            (
                "/outputGroups/0/automatedEncodingSettings/abrSettings",
                "minAbrBitrate",
                json!(9_000_000),
                "minAbrBitrate: 9000000 is more than maxAbrBitrate, 8000000",
            ),
        ] {
            let mut settings = automated();
            settings.pointer_mut(codec).unwrap()["vp9Settings"] = json!({});
            settings.pointer_mut(parent).unwrap()[key] = value;
            let message = refusal(&settings);
            assert!(message.ends_with(rule), "{message}");
        }
    }

    #[test]
    fn streaming_groups_are_all_automated_or_none_is() {
        let mut settings = automated();
        let mut second = settings["outputGroups"][0].clone();
        second["automatedEncodingSettings"] = Value::Null;
        second["outputGroupSettings"]["cmafGroupSettings"]["destination"] = json!("s3://out/second/");
        second["outputs"][0]["videoDescription"]["codecSettings"]["h264Settings"]["maxBitrate"] =
            json!(1_000_000);
        settings["outputGroups"].as_array_mut().unwrap().push(second);

        assert_eq!(
            refusal(&settings),
            "settings.outputGroups[1].automatedEncodingSettings: is required, as settings.outputGroups[0] has it and both are streaming groups"
        );
    }

    /// A group with one output, with and without what it needs.
    fn package_of(output: &Value) -> Result<JobSettings, SettingsError> {
        let mut settings = automated();
        settings["outputGroups"][0]["automatedEncodingSettings"] = Value::Null;
        settings["outputGroups"][0]["outputs"] = json!([output]);
        JobSettings::parse(&settings)
    }

    #[test]
    fn a_package_has_a_container_of_its_own_and_one_stream_in_each() {
        let sound = json!([{"codecSettings": {"codec": "AAC"}}]);
        let output = |container: &str, audio: Value| {
            json!({
                "nameModifier": "-sound",
                "containerSettings": {"container": container},
                "audioDescriptions": audio,
            })
        };
        let path = "settings.outputGroups[0].outputs[0].containerSettings.container";
        let two = json!([sound[0], sound[0]]);
        for (output, what) in [
            (output("M3U8", sound.clone()), "M3U8 in CMAF_GROUP"),
            (output("MP4", sound.clone()), "MP4 in CMAF_GROUP"),
            (output("CMFC", two), "more than one stream in CMFC"),
        ] {
            let error = package_of(&output).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("{path}: {what} is not supported by mediaconvert-local")
            );
        }
        package_of(&output("CMFC", sound)).unwrap();
    }

    #[test]
    fn an_output_cannot_take_the_multivariant_playlists_name() {
        let output = json!({
            "containerSettings": {"container": "CMFC"},
            "audioDescriptions": [{"codecSettings": {"codec": "AAC"}}],
        });

        assert_eq!(
            package_of(&output).unwrap_err().to_string(),
            "settings.outputGroups[0].outputs[0]: writes s3://out/clip.m3u8 as settings.outputGroups[0] does; give each its own nameModifier"
        );
    }
}
