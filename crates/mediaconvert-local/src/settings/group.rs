//! Output groups: files that stand alone, or the parts of one streaming package.

use super::abr::AutomatedAbr;
use super::destination::Destination;
use super::error::SettingsError;
use super::input::Input;
use super::node::Node;
use super::output::{Content, Output};
use super::package::{Format, Package};

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
    pub(super) abr: Option<AutomatedAbr>,
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

impl OutputGroup {
    pub(super) fn parse(node: Node<'_>, path: String, input: &Input) -> Result<Self, SettingsError> {
        let settings = node.node("outputGroupSettings");
        let settings = node.required("outputGroupSettings", settings)?;
        let (destination, package) = group_settings(settings, input)?;
        let abr = match node.node("automatedEncodingSettings") {
            Some(automated) => AutomatedAbr::parse(automated)?,
            None => None,
        };
        if abr.is_some() && package.is_none() {
            let rule = "automated ABR is for HLS, CMAF and DASH groups";
            return Err(node.malformed("automatedEncodingSettings", rule));
        }
        let limits = abr.map(AutomatedAbr::limits);
        let outputs = (node.nodes("outputs").into_iter().enumerate())
            .map(|(index, output)| {
                let path = format!("{}[{index}]", node.path("outputs"));
                Output::parse(output, path, &destination, package.as_ref(), limits)
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
    let group = node.required(key, node.node(key))?;
    let destination = Destination::parse(&group, input)?;
    let package = match kind {
        Kind::File => None,
        Kind::Streaming(format) => Some(Package::parse(&group, format)?),
    };
    // Access control, encryption and storage class of the objects.
    group.harmless(&["destinationSettings"]);
    group.finish()?;
    node.finish()?;
    Ok((destination, package))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::settings::JobSettings;

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
