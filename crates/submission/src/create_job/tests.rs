//! The requests that are taken, and the jobs they become.

use serde_json::{Value, json};

use super::CreateJob;
use crate::definition::JobDefinition;
use crate::hosts::Hosts;
use crate::input::InputRules;
use crate::invalid_request::InvalidRequest;
use crate::output::Outputs;
use crate::profile::Profile;
use crate::queue::Queues;
use crate::request::{Incoming, Source};
use crate::rules::Rules;

pub(crate) const QUEUE: &str = "arn:aws:mediaconvert:eu-west-2:111122223333:queues/Default";
pub(crate) const EXTRA_QUEUE: &str = "arn:aws:mediaconvert:eu-west-2:111122223333:queues/night";
pub(crate) const INPUT: &str = "s3://uploads/clip.mov";

pub(crate) fn rules() -> Rules {
    Rules {
        role_arn: "arn:aws:iam::111122223333:role/MediaConvert".to_owned(),
        queues: Queues {
            own: QUEUE.parse().unwrap(),
            extra: vec![EXTRA_QUEUE.parse().unwrap()],
        },
        inputs: InputRules {
            buckets: vec!["media".parse().unwrap(), "uploads".parse().unwrap()],
            hosts: Hosts::Public,
            http: false,
        },
        outputs: Outputs {
            bucket: "media".parse().unwrap(),
            prefix: "transcoded/".parse().unwrap(),
        },
        default_profile: "mp4".parse().unwrap(),
    }
}

pub(crate) fn create_job_with(rules: &Rules, request: Value) -> Result<CreateJob, InvalidRequest> {
    let request = Incoming::from_json(request, "default")?.check(rules)?;
    let definition = match &request.source {
        Source::Profile(profile) => profile.definition()?,
        Source::Settings(definition) => (**definition).clone(),
        Source::JobTemplate(_) => JobDefinition::from_template(template())?,
    };
    CreateJob::new(&request, definition, "0123456789abcdef0123456789abcdef", rules)
}

pub(crate) fn create_job(request: Value) -> Result<CreateJob, InvalidRequest> {
    create_job_with(&rules(), request)
}

/// What `GetJobTemplate` answers for a template of MediaConvert's own.
fn template() -> Value {
    json!({ "jobTemplate": {
        "arn": "arn:aws:mediaconvert:eu-west-2::jobTemplates/System-Hls", "name": "System-Hls", "type": "SYSTEM",
        "createdAt": 1_700_000_000, "lastUpdated": 1_700_000_000, "priority": 7, "statusUpdateInterval": "SECONDS_30",
        "accelerationSettings": { "mode": "DISABLED" },
        "settings": { "outputGroups": [{
            "outputs": [{ "preset": "System-Avc_720p" }],
            "outputGroupSettings": { "type": "HLS_GROUP_SETTINGS", "hlsGroupSettings": { "segmentLength": 6 } },
        }] },
    } })
}

/// Settings with one file group; `change` makes them the case at hand.
pub(crate) fn settings(change: impl FnOnce(&mut Value)) -> Value {
    let mut settings = json!({
        "Inputs": [{ "AudioSelectors": { "Audio Selector 1": { "DefaultSelection": "DEFAULT" } } }],
        "OutputGroups": [{
            "Outputs": [{ "Preset": "System-Generic_Hd_Mp4_Avc_Aac_16x9_1920x1080p_24Hz_6Mbps" }],
            "OutputGroupSettings": { "Type": "FILE_GROUP_SETTINGS", "FileGroupSettings": {} },
        }],
    });
    change(&mut settings);
    settings
}

pub(crate) fn with_settings(settings: &Value) -> Value {
    json!({ "input": INPUT, "settings": settings })
}

pub(crate) fn with_destination(destination: &str) -> Value {
    with_settings(&settings(|settings| {
        settings["OutputGroups"][0]["OutputGroupSettings"]["FileGroupSettings"]["Destination"] =
            destination.into();
    }))
}

fn destination_of(job: &CreateJob) -> &Value {
    &job.body["settings"]["outputGroups"][0]["outputGroupSettings"]["fileGroupSettings"]["destination"]
}

#[test]
fn a_request_with_only_an_input_is_a_job_of_the_default_profile() {
    let job = create_job(json!({ "input": INPUT })).unwrap();

    let destination = "s3://media/transcoded/0123456789abcdef0123456789abcdef/";
    assert_eq!(job.destination, destination);
    assert_eq!(
        job.body,
        json!({
            "clientRequestToken": "0123456789abcdef0123456789abcdef",
            "queue": QUEUE,
            "role": "arn:aws:iam::111122223333:role/MediaConvert",
            "settings": {
                "timecodeConfig": { "source": "ZEROBASED" },
                "followSource": 1,
                "inputs": [{
                    "audioSelectors": { "Audio Selector 1": { "defaultSelection": "DEFAULT" } },
                    "videoSelector": { "rotate": "AUTO" },
                    "timecodeSource": "ZEROBASED",
                    "fileInput": INPUT,
                }],
                "outputGroups": [{
                    "name": "File Group",
                    "outputs": [{
                        "containerSettings": {
                            "container": "MP4",
                            "mp4Settings": { "moovPlacement": "PROGRESSIVE_DOWNLOAD" },
                        },
                        "videoDescription": { "codecSettings": {
                            "codec": "H_264",
                            "h264Settings": {
                                "rateControlMode": "QVBR",
                                "qvbrSettings": { "qvbrQualityLevel": 7 },
                                "maxBitrate": 8_000_000,
                                "qualityTuningLevel": "SINGLE_PASS_HQ",
                                "sceneChangeDetect": "TRANSITION_DETECTION",
                            },
                        } },
                        "audioDescriptions": [{
                            "audioSourceName": "Audio Selector 1",
                            "codecSettings": {
                                "codec": "AAC",
                                "aacSettings": {
                                    "rateControlMode": "CBR",
                                    "bitrate": 128_000,
                                    "codingMode": "CODING_MODE_2_0",
                                    "sampleRate": 48000,
                                },
                            },
                        }],
                    }],
                    "outputGroupSettings": {
                        "type": "FILE_GROUP_SETTINGS",
                        "fileGroupSettings": { "destination": destination },
                    },
                }, {
                    "name": "Poster",
                    "outputs": [{
                        "containerSettings": { "container": "RAW" },
                        "videoDescription": {
                            "width": 1280,
                            "height": 1280,
                            "scalingBehavior": "FIT_NO_UPSCALE",
                            "codecSettings": {
                                "codec": "FRAME_CAPTURE",
                                "frameCaptureSettings": {
                                    "framerateNumerator": 1,
                                    "framerateDenominator": 5,
                                    "maxCaptures": 2,
                                    "quality": 80,
                                },
                            },
                        },
                        "nameModifier": "-poster",
                    }],
                    "outputGroupSettings": {
                        "type": "FILE_GROUP_SETTINGS",
                        "fileGroupSettings": { "destination": destination },
                    },
                }],
            },
        })
    );
}

#[test]
fn webm_is_the_job_wagtailmedia_submits() {
    let job = create_job(json!({ "input": INPUT, "profile": "webm", "outputKey": "media/42" })).unwrap();

    assert_eq!(
        job.body["settings"],
        json!({
            "timecodeConfig": { "source": "EMBEDDED" },
            "followSource": 1,
            "inputs": [{
                "audioSelectors": { "Audio Selector 1": { "defaultSelection": "DEFAULT" } },
                "timecodeSource": "EMBEDDED",
                "fileInput": INPUT,
            }],
            "outputGroups": [{
                "name": "File Group",
                "outputs": [{
                    "containerSettings": { "container": "WEBM" },
                    "videoDescription": { "codecSettings": {
                        "codec": "VP8",
                        "vp8Settings": {
                            "rateControlMode": "VBR",
                            "bitrate": 2_500_000,
                            "framerateControl": "SPECIFIED",
                            "framerateNumerator": 24,
                            "framerateDenominator": 1,
                        },
                    } },
                    "audioDescriptions": [{
                        "audioSourceName": "Audio Selector 1",
                        "codecSettings": { "codec": "OPUS", "opusSettings": {} },
                    }],
                }],
                "outputGroupSettings": {
                    "type": "FILE_GROUP_SETTINGS",
                    "fileGroupSettings": { "destination": "s3://media/transcoded/media/42/" },
                },
            }],
        })
    );
}

#[test]
fn every_profile_makes_a_job() {
    for profile in Profile::all() {
        let request = json!({ "input": INPUT, "profile": profile.name() });
        create_job(request).unwrap_or_else(|error| panic!("{profile}: {error}"));
    }
}

#[test]
fn every_field_reaches_the_job() {
    let job = create_job(json!({
        "input": "https://cdn.example.com:8443/a%20b.mov",
        "outputKey": "media/42/",
        "idempotencyKey": "media-42-v3",
        "userMetadata": { "MediaId": "42", "Größe = px": "" },
        "tags": { "Project": "site" },
        "queue": EXTRA_QUEUE,
        "priority": -50,
        "statusUpdateInterval": "SECONDS_10",
        "profile": null,
    }))
    .unwrap();

    assert_eq!(job.destination, "s3://media/transcoded/media/42/");
    assert_eq!(
        job.body["settings"]["inputs"][0]["fileInput"],
        "https://cdn.example.com:8443/a%20b.mov"
    );
    assert_eq!(
        job.body["userMetadata"],
        json!({ "MediaId": "42", "Größe = px": "" })
    );
    assert_eq!(job.body["tags"], json!({ "Project": "site" }));
    assert_eq!(job.body["queue"], EXTRA_QUEUE);
    assert_eq!(job.body["priority"], -50);
    assert_eq!(job.body["statusUpdateInterval"], "SECONDS_10");
}

#[test]
fn both_styles_of_settings_are_one_job_and_map_keys_keep_their_case() {
    let console = settings(|settings| {
        settings["Inputs"][0]["CaptionSelectors"] = json!({ "Captions Selector 1": {
            "SourceSettings": { "SourceType": "EMBEDDED" },
        } });
        settings["ColorConversion3DLUTSettings"] = json!([{ "OutputColorSpace": "REC_709" }]);
    });
    let rest = json!({
        "inputs": [{
            "audioSelectors": { "Audio Selector 1": { "defaultSelection": "DEFAULT" } },
            "captionSelectors": { "Captions Selector 1": { "sourceSettings": { "sourceType": "EMBEDDED" } } },
        }],
        "colorConversion3DLUTSettings": [{ "outputColorSpace": "REC_709" }],
        "outputGroups": [{
            "outputs": [{ "preset": "System-Generic_Hd_Mp4_Avc_Aac_16x9_1920x1080p_24Hz_6Mbps" }],
            "outputGroupSettings": { "type": "FILE_GROUP_SETTINGS", "fileGroupSettings": {} },
        }],
    });

    let job = create_job(with_settings(&console)).unwrap();
    assert_eq!(job, create_job(with_settings(&rest)).unwrap());
    assert!(job.body["settings"]["inputs"][0]["captionSelectors"]["Captions Selector 1"].is_object());
}

#[test]
fn an_export_brings_its_settings_and_leaves_its_account_behind() {
    let console = json!({
        "Queue": "arn:aws:mediaconvert:us-east-1:444455556666:queues/Default",
        "Role": "arn:aws:iam::444455556666:role/Theirs",
        "Name": "theirs", "Description": "d", "Category": "c", "Type": "CUSTOM", "Arn": "arn:…",
        "CreatedAt": "2026-01-01T00:00:00Z", "LastUpdated": "2026-01-01T00:00:00Z",
        "Status": "COMPLETE", "StatusUpdateInterval": "SECONDS_60",
        "Settings": settings(|_| {}),
        "AccelerationSettings": { "Mode": "PREFERRED" },
        "HopDestinations": [{ "WaitMinutes": 15, "Queue": EXTRA_QUEUE, "Priority": 1 }],
        "Priority": 0, "UserMetadata": {}, "BillingTagsSource": "JOB",
    });
    let job = create_job(with_settings(&console)).unwrap();

    assert_eq!(job.body["queue"], QUEUE);
    assert_eq!(job.body["role"], "arn:aws:iam::111122223333:role/MediaConvert");
    assert_eq!(job.body["accelerationSettings"], json!({ "mode": "PREFERRED" }));
    assert_eq!(
        job.body["hopDestinations"],
        json!([{ "waitMinutes": 15, "queue": EXTRA_QUEUE, "priority": 1 }])
    );
    let bare = create_job(with_settings(&settings(|_| {}))).unwrap();
    assert_eq!(job.body["settings"], bare.body["settings"]);
    for ours in [
        "statusUpdateInterval",
        "priority",
        "userMetadata",
        "name",
        "status",
    ] {
        assert!(job.body.get(ours).is_none(), "{ours}");
    }

    for wrapper in ["Job", "JobTemplate"] {
        assert_eq!(
            create_job(with_settings(&json!({ wrapper: console }))).unwrap(),
            job,
            "{wrapper}"
        );
    }
}

#[test]
fn a_job_template_is_named_and_its_outputs_still_go_where_ours_go() {
    let job = create_job(json!({ "input": INPUT, "jobTemplate": "System-Hls", "outputKey": "k" })).unwrap();

    assert_eq!(job.body["jobTemplate"], "System-Hls");
    assert_eq!(job.body["accelerationSettings"], json!({ "mode": "DISABLED" }));
    assert_eq!(
        job.body.get("priority"),
        None,
        "MediaConvert takes it from the template"
    );
    assert_eq!(job.body["settings"]["inputs"][0]["fileInput"], INPUT);
    assert_eq!(
        job.body["settings"]["outputGroups"][0]["outputGroupSettings"],
        json!({
            "type": "HLS_GROUP_SETTINGS",
            "hlsGroupSettings": { "segmentLength": 6, "destination": "s3://media/transcoded/k/" },
        })
    );
}

#[test]
fn settings_without_inputs_get_one_with_sound_and_upright_picture() {
    for inputs in [Value::Null, json!([])] {
        let job = create_job(with_settings(&settings(|settings| settings["Inputs"] = inputs))).unwrap();
        assert_eq!(
            job.body["settings"]["inputs"],
            json!([{
                "audioSelectors": { "Audio Selector 1": { "defaultSelection": "DEFAULT" } },
                "videoSelector": { "rotate": "AUTO" },
                "timecodeSource": "ZEROBASED",
                "fileInput": INPUT,
            }])
        );
    }
}

#[test]
fn a_destination_is_completed_or_lies_under_the_prefix() {
    let job = "s3://media/transcoded/0123456789abcdef0123456789abcdef/";
    for (written, complete) in [
        ("", job.to_owned()),
        ("hls/", format!("{job}hls/")),
        ("hls/$fn$", format!("{job}hls/$fn$")),
        ("s3://media/transcoded/", "s3://media/transcoded/".to_owned()),
        (
            "s3://media/transcoded/a/b",
            "s3://media/transcoded/a/b".to_owned(),
        ),
    ] {
        let job = create_job(with_destination(written)).unwrap();
        assert_eq!(*destination_of(&job), complete, "{written:?}");
    }
}

#[test]
fn every_type_of_output_group_keeps_its_destination_in_its_own_member() {
    for (group_type, member) in [
        ("FILE_GROUP_SETTINGS", "fileGroupSettings"),
        ("HLS_GROUP_SETTINGS", "hlsGroupSettings"),
        ("DASH_ISO_GROUP_SETTINGS", "dashIsoGroupSettings"),
        ("MS_SMOOTH_GROUP_SETTINGS", "msSmoothGroupSettings"),
        ("CMAF_GROUP_SETTINGS", "cmafGroupSettings"),
    ] {
        let settings = settings(|settings| {
            settings["OutputGroups"][0]["OutputGroupSettings"] = json!({ "Type": group_type });
        });
        let job = create_job(with_settings(&settings)).unwrap();
        let group = &job.body["settings"]["outputGroups"][0]["outputGroupSettings"];
        assert_eq!(group[member]["destination"], job.destination.as_str());
    }
}

#[test]
fn text_that_is_not_fetched_may_be_any_uri() {
    let settings = settings(|settings| {
        settings["OutputGroups"][0]["OutputGroupSettings"] = json!({
            "Type": "CMAF_GROUP_SETTINGS",
            "CmafGroupSettings": { "BaseUrl": "http://localhost/?x" },
        });
        settings["OutputGroups"][0]["Outputs"][0]["ContainerSettings"]["CmfcSettings"]["TimedMetadataSchemeIdUri"] =
            "https://aomedia.org/emsg/ID3".into();
    });
    create_job(with_settings(&settings)).unwrap();
}

#[test]
fn inputs_that_are_allowed_are_taken_as_they_are() {
    let mut rules = rules();
    rules.inputs.http = true;
    rules.inputs.hosts = "localhost,Example.COM., 203.0.114.7".parse().unwrap();
    for input in [
        "s3://uploads/ a+b/ünï?code#.MOV",
        "s3://media/transcoded/x.mp4",
        "https://example.com/x.mov",
        "https://EXAMPLE.com./x.mov",
        "http://localhost:8000/x.mov",
        "https://203.0.114.7/x.mov",
        "https://example.com/a@b/x%3Fy.mov",
    ] {
        let job = create_job_with(&rules, json!({ "input": input })).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(job.body["settings"]["inputs"][0]["fileInput"], input);
    }
}

/// Against AWS's own model of the service: unknown members, types, enums, ranges, patterns.
#[test]
fn every_profile_and_sample_makes_a_request_that_mediaconvert_reads() {
    let mut requests: Vec<Value> = Profile::all()
        .map(|profile| json!({ "input": INPUT, "profile": profile.name() }))
        .collect();
    for file in ["mp4", "settings", "url", "webm"] {
        let path = format!(
            "{}/../../events/submit-job/{file}.json",
            env!("CARGO_MANIFEST_DIR")
        );
        let mut request: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        request["input"] = INPUT.into();
        requests.push(request);
    }
    for optional in [
        json!({ "priority": 50, "statusUpdateInterval": "SECONDS_600" }),
        json!({ "tags": { "project": "site" }, "userMetadata": { "mediaId": "42" } }),
        json!({ "queue": EXTRA_QUEUE, "outputKey": "media/42", "jobTemplate": "System-Ott_Hls_Ts_Avc_Aac" }),
    ] {
        let mut request = optional;
        request["input"] = INPUT.into();
        requests.push(request);
    }
    for request in requests {
        let body = create_job(request.clone()).unwrap().body;
        let violations = mediaconvert_model::violations("CreateJobRequest", &body);
        assert!(violations.is_empty(), "{request}: {violations:#?}");
    }
}
