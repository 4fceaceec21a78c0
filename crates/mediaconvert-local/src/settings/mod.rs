//! The settings of a job as this program understands them.
//!
//! [`JobSettings`] is parsed once, at `CreateJob`, and everything after that works on it, so what a
//! value means is decided here alone. There are two ways to fail, which differ in when MediaConvert
//! would say so: settings that it refuses at `CreateJob`, and settings that are right but that this
//! program cannot carry out, with which a job ends in ERROR.

mod abr;
mod audio;
mod conflicts;
mod container;
mod destination;
mod error;
mod group;
mod input;
mod node;
mod output;
mod package;
#[cfg(test)]
mod ranges;
mod rendition;
mod video;

use serde_json::Value;

pub(crate) use audio::{AudioCodec, AudioDescription, Language};
pub(crate) use container::Container;
pub(crate) use destination::Destination;
pub(crate) use error::SettingsError;
pub(crate) use group::OutputGroup;
pub(crate) use input::{AudioSelector, Input, InputUri, Rotate};
pub(crate) use output::{Content, Output};
pub(crate) use package::{Format, HlsPlaylists, Package, Segments};
pub(crate) use rendition::AudioTrack;
pub(crate) use video::{FrameCapture, Gop, RateControl, Ratio, Scaling, Size, VideoCodec, VideoDescription};

use node::Node;

/// What a job reads and what it makes of it.
#[derive(Debug, Clone)]
pub(crate) struct JobSettings {
    /// The one input.
    pub(crate) input: Input,
    /// The output groups, in the order of the settings, which is also the events'.
    pub(crate) groups: Vec<OutputGroup>,
}

impl JobSettings {
    /// Reads the `settings` of a `CreateJob` request that keeps the rules of the service model, with
    /// MediaConvert's wire names.
    pub(crate) fn parse(settings: &Value) -> Result<Self, SettingsError> {
        debug_assert_eq!(
            mediaconvert_model::violations("JobSettings", settings),
            [],
            "the model comes first"
        );
        let node = Node::root("settings", settings)
            .ok_or_else(|| SettingsError::malformed("settings", "is not an object"))?;
        let inputs = node.nodes("inputs");
        let groups = node.nodes("outputGroups");
        if groups.is_empty() {
            return Err(node.malformed("outputGroups", "at least one output group is required"));
        }
        let input = match inputs.as_slice() {
            [] => return Err(node.malformed("inputs", "at least one input is required")),
            [_] => Input::parse(inputs.into_iter().next().expect("there is one"))?,
            _ => return Err(node.unsupported("inputs[1]", "a second input")),
        };
        let groups = (groups.into_iter().enumerate())
            .map(|(index, group)| {
                let path = format!("{}[{index}]", node.path("outputGroups"));
                OutputGroup::parse(group, path, &input)
            })
            .collect::<Result<Vec<_>, _>>()?;
        conflicts::refuse_clashes(&groups)?;
        conflicts::refuse_mixed_abr(&groups)?;
        // Timecodes matter to clipping and burn-in alone, and those are refused where they stand.
        node.harmless(&["timecodeConfig", "adAvailOffset"]);
        node.only_integer("followSource", 1)?;
        node.finish()?;
        Ok(Self { input, groups })
    }

    /// Whether any output needs pictures.
    pub(crate) fn has_video(&self) -> bool {
        let mut outputs = self.groups.iter().flat_map(|group| &group.outputs);
        outputs.any(|output| output.content.has_video())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What a site that uses wagtailmedia's MediaConvert backend submits.
    pub(crate) fn wagtailmedia() -> Value {
        json!({
            "timecodeConfig": {"source": "EMBEDDED"},
            "followSource": 1,
            "inputs": [{
                "audioSelectors": {"Audio Selector 1": {"defaultSelection": "DEFAULT"}},
                "timecodeSource": "EMBEDDED",
                "fileInput": "s3://media/uploads/clip.mov",
            }],
            "outputGroups": [{
                "name": "File Group",
                "outputs": [{
                    "containerSettings": {"container": "WEBM"},
                    "videoDescription": {"codecSettings": {
                        "codec": "VP8",
                        "vp8Settings": {
                            "rateControlMode": "VBR",
                            "bitrate": 2_500_000,
                            "framerateControl": "SPECIFIED",
                            "framerateNumerator": 24,
                            "framerateDenominator": 1,
                        },
                    }},
                    "audioDescriptions": [{
                        "audioSourceName": "Audio Selector 1",
                        "codecSettings": {"codec": "OPUS", "opusSettings": {}},
                    }],
                }],
                "outputGroupSettings": {
                    "type": "FILE_GROUP_SETTINGS",
                    "fileGroupSettings": {"destination": "s3://media/transcoded/"},
                },
            }],
        })
    }

    type Change = fn(&mut Value);

    fn changed(change: Change) -> Result<JobSettings, SettingsError> {
        let mut settings = wagtailmedia();
        change(&mut settings);
        JobSettings::parse(&settings)
    }

    #[test]
    fn wagtailmedias_job_is_understood() {
        let settings = JobSettings::parse(&wagtailmedia()).unwrap();
        let output = &settings.groups[0].outputs[0];

        assert_eq!(output.uri(), "s3://media/transcoded/clip.webm");
        let Content::Muxed {
            container,
            video: Some(video),
            audio,
            segments: None,
        } = &output.content
        else {
            panic!("{output:?}");
        };
        assert_eq!(*container, Container::Webm);
        assert_eq!(video.codec, VideoCodec::Vp8);
        assert_eq!(video.frame_rate, Some(Ratio { num: 24, den: 1 }));
        assert!(matches!(
            video.rate_control,
            RateControl::Variable {
                bitrate: 2_500_000,
                ..
            }
        ));
        assert!(matches!(audio[0].codec, AudioCodec::Opus { bitrate: 96_000, .. }));
    }

    #[test]
    fn mediaconvert_refuses_these_at_create_job() {
        let refused: [(&str, Change); 12] = [
            ("settings.inputs: at least one input is required", |s| {
                s["inputs"] = json!([]);
            }),
            (
                "settings.outputGroups: at least one output group is required",
                |s| {
                    s["outputGroups"] = json!([]);
                },
            ),
            ("settings.inputs[0].fileInput: is required", |s| {
                s["inputs"][0].as_object_mut().unwrap().remove("fileInput");
            }),
            (
                "settings.inputs[0].fileInput: \"s3://media/uploads/\" is not the s3://, http:// or https:// URI of a file",
                |s| {
                    s["inputs"][0]["fileInput"] = json!("s3://media/uploads/");
                },
            ),
            (
                "settings.outputGroups[0].outputs[0].preset: there is no preset \"Mine\"; this MediaConvert has none",
                |s| {
                    s["outputGroups"][0]["outputs"][0] = json!({"preset": "Mine"});
                },
            ),
            (
                "settings.outputGroups[0].outputs[0].containerSettings: is required",
                |s| {
                    s["outputGroups"][0]["outputs"][0]["containerSettings"] = Value::Null;
                },
            ),
            (
                "settings.outputGroups[0].outputs[0].videoDescription.codecSettings.codec: is required",
                |s| {
                    s["outputGroups"][0]["outputs"][0]["videoDescription"]["codecSettings"] = json!({});
                },
            ),
            (
                "settings.outputGroups[0].outputs: at least one output is required",
                |s| {
                    s["outputGroups"][0]["outputs"] = json!([]);
                },
            ),
            (
                "settings.outputGroups[0].outputs[0]: a videoDescription or an audioDescription is required",
                |s| {
                    s["outputGroups"][0]["outputs"][0] = json!({"containerSettings": {"container": "WEBM"}});
                },
            ),
            (
                "settings.outputGroups[0].outputGroupSettings.fileGroupSettings.destination: \"s3:///media/\" names no bucket",
                |s| {
                    s["outputGroups"][0]["outputGroupSettings"]["fileGroupSettings"]["destination"] =
                        json!("s3:///media/");
                },
            ),
            (
                "settings.outputGroups[0].outputs[1]: writes s3://media/transcoded/clip.webm as settings.outputGroups[0].outputs[0] does; give each its own nameModifier",
                |s| {
                    let output = s["outputGroups"][0]["outputs"][0].clone();
                    s["outputGroups"][0]["outputs"]
                        .as_array_mut()
                        .unwrap()
                        .push(output);
                },
            ),
            (
                "settings.outputGroups[0].outputs[0].videoDescription.codecSettings.vp8Settings.bitrate: is required",
                |s| {
                    s["outputGroups"][0]["outputs"][0]["videoDescription"]["codecSettings"]["vp8Settings"]
                        ["bitrate"] = Value::Null;
                },
            ),
        ];
        for (message, change) in refused {
            let error = changed(change).unwrap_err();
            assert!(matches!(error, SettingsError::Malformed { .. }), "{error}");
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn what_this_program_cannot_do_is_named() {
        let unsupported: [(&str, Change); 7] = [
            (
                "settings.outputGroups[0].outputs[0].videoDescription.codecSettings.codec: PRORES",
                |s| {
                    s["outputGroups"][0]["outputs"][0]["videoDescription"]["codecSettings"] =
                        json!({"codec": "PRORES"});
                },
            ),
            (
                "settings.outputGroups[0].outputGroupSettings.type: MS_SMOOTH_GROUP_SETTINGS",
                |s| {
                    s["outputGroups"][0]["outputGroupSettings"] = json!({"type": "MS_SMOOTH_GROUP_SETTINGS"});
                },
            ),
            (
                "settings.outputGroups[0].outputs[0].containerSettings.container: MXF",
                |s| {
                    s["outputGroups"][0]["outputs"][0]["containerSettings"]["container"] = json!("MXF");
                },
            ),
            (
                "settings.outputGroups[0].outputs[0].containerSettings.container: VP8 in MP4",
                |s| {
                    s["outputGroups"][0]["outputs"][0]["containerSettings"]["container"] = json!("MP4");
                },
            ),
            (
                "settings.outputGroups[0].outputs[0].captionDescriptions: this setting",
                |s| {
                    s["outputGroups"][0]["outputs"][0]["captionDescriptions"] = json!([{}]);
                },
            ),
            ("settings.inputs[0].inputClippings: this setting", |s| {
                s["inputs"][0]["inputClippings"] = json!([{"startTimecode": "00:00:01:00"}]);
            }),
            ("settings.inputs[1]: a second input", |s| {
                let input = s["inputs"][0].clone();
                s["inputs"].as_array_mut().unwrap().push(input);
            }),
        ];
        for (what, change) in unsupported {
            let error = changed(change).unwrap_err();
            assert!(matches!(error, SettingsError::Unsupported { .. }), "{error}");
            assert_eq!(
                error.to_string(),
                format!("{what} is not supported by mediaconvert-local")
            );
        }
    }
}
