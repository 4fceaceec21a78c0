//! Encodes with the real ffmpeg and looks at the results with the real ffprobe.

use std::collections::BTreeMap;

use super::{EncodeProgress, Source, add_black_video, arguments, encode};
use crate::fixtures::media::{MadeInput, PICTURES, SOUND};
use crate::fixtures::tools;
use crate::probe::{self, Media};
use crate::settings::{Content, JobSettings};
use serde_json::{Value, json};

impl MadeInput {
    async fn encode(&self, settings: &Value) -> (Media, Vec<EncodeProgress>) {
        let settings = JobSettings::parse(settings).unwrap();
        let content = &settings.groups[0].outputs[0].content;
        let target = match content {
            Content::Muxed { .. } => "output",
            Content::Captures(_) => "output.%07d.jpg",
        };
        let source = Source {
            file: "input",
            media: &self.media,
            rotate: settings.input.rotate,
            audio_selectors: &settings.input.audio_selectors,
        };
        let arguments = arguments(&source, content, target);
        let mut progress = Vec::new();
        encode(&self.tools, self.directory.path(), &arguments, |step| {
            progress.push(step);
        })
        .await
        .unwrap_or_else(|error| panic!("{error}: {arguments:?}"));
        let target = target.replace("%07d", "0000000");
        let media = probe::output(&self.tools, self.directory.path(), &target).await;
        (media.unwrap(), progress)
    }
}

fn settings(container: &str, video: &Value, audio: &Value) -> Value {
    let mut output = json!({"containerSettings": {"container": container}});
    if !video.is_null() {
        output["videoDescription"] = video.clone();
    }
    if !audio.is_null() {
        output["audioDescriptions"] = json!([{"codecSettings": audio}]);
    }
    json!({
        "inputs": [{
            "fileInput": "s3://in/clip.mov",
            "audioSelectors": {"Audio Selector 1": {"defaultSelection": "DEFAULT"}},
        }],
        "outputGroups": [{
            "outputGroupSettings": {
                "type": "FILE_GROUP_SETTINGS",
                "fileGroupSettings": {"destination": "s3://out/"},
            },
            "outputs": [output],
        }],
    })
}

fn h264() -> Value {
    json!({"codecSettings": {"codec": "H_264", "h264Settings": {
        "rateControlMode": "QVBR",
        "maxBitrate": 1_000_000,
        "qvbrSettings": {"qvbrQualityLevel": 7},
    }}})
}

fn aac() -> Value {
    json!({"codec": "AAC", "aacSettings": {
        "bitrate": 64_000, "codingMode": "CODING_MODE_2_0", "sampleRate": 48_000,
    }})
}

fn codecs(media: &Media) -> (Option<&str>, Option<&str>) {
    let video = media.video.first().and_then(|video| video.codec.as_deref());
    let audio = media.audio.first().and_then(|audio| audio.codec.as_deref());
    (video, audio)
}

fn size(media: &Media) -> (u32, u32) {
    (media.video[0].width, media.video[0].height)
}

#[tokio::test]
async fn every_codec_is_encoded() {
    let input = MadeInput::clip().await;
    let vbr = |codec: &str, key: &str| json!({"codecSettings": {"codec": codec, key: {"bitrate": 300_000}}});
    let av1 = json!({"codecSettings": {"codec": "AV1", "av1Settings": {
        "maxBitrate": 500_000, "bitDepth": "BIT_10",
    }}});
    let h265 = json!({"codecSettings": {"codec": "H_265", "h265Settings": {
        "rateControlMode": "CBR", "bitrate": 400_000, "codecProfile": "MAIN10_MAIN", "codecLevel": "LEVEL_4_1",
    }}});
    let h264_cbr = json!({"codecSettings": {"codec": "H_264", "h264Settings": {
        "rateControlMode": "CBR", "bitrate": 400_000, "gopSize": 1.5, "gopSizeUnits": "SECONDS",
        "codecProfile": "MAIN", "codecLevel": "LEVEL_3_1", "numberBFramesBetweenReferenceFrames": 0,
    }}});
    let aac_vbr = json!({"codec": "AAC", "aacSettings": {"rateControlMode": "VBR", "vbrQuality": "LOW"}});
    let mp3_vbr = json!({"codec": "MP3", "mp3Settings": {"rateControlMode": "VBR", "vbrQuality": 9}});
    for (container, video, audio, expected) in [
        ("MP4", h264(), aac(), (Some("h264"), Some("aac"))),
        ("MOV", h264_cbr, aac_vbr, (Some("h264"), Some("aac"))),
        ("MP4", h265, mp3_vbr.clone(), (Some("hevc"), Some("mp3"))),
        ("MP4", av1, Value::Null, (Some("av1"), None)),
        (
            "WEBM",
            vbr("VP8", "vp8Settings"),
            json!({"codec": "VORBIS"}),
            (Some("vp8"), Some("vorbis")),
        ),
        (
            "WEBM",
            vbr("VP9", "vp9Settings"),
            json!({"codec": "OPUS"}),
            (Some("vp9"), Some("opus")),
        ),
        ("RAW", Value::Null, aac(), (None, Some("aac"))),
        ("RAW", Value::Null, mp3_vbr, (None, Some("mp3"))),
    ] {
        let (media, _) = input.encode(&settings(container, &video, &audio)).await;
        assert_eq!(codecs(&media), expected);
        let seconds = media.seconds.unwrap();
        assert!((1.9..2.3).contains(&seconds), "{expected:?}: {seconds} s");
    }
}

#[tokio::test]
async fn progress_reaches_the_end() {
    let (_, progress) = MadeInput::clip()
        .await
        .encode(&settings("MP4", &h264(), &aac()))
        .await;
    let last = progress.last().unwrap();

    assert_eq!(last.frames, 60);
    assert!((1.9..2.2).contains(&last.seconds), "{last:?}");
}

#[tokio::test]
async fn sizes_follow_the_scaling_behavior() {
    let input = MadeInput::clip().await;
    for (width, height, scaling, expected) in [
        (None, None, "DEFAULT", (640, 360)),
        (Some(320), None, "DEFAULT", (320, 180)),
        (None, Some(240), "DEFAULT", (426, 240)),
        (Some(320), Some(320), "DEFAULT", (320, 320)),
        (Some(320), Some(320), "STRETCH_TO_OUTPUT", (320, 320)),
        (Some(320), Some(320), "FILL", (320, 320)),
        (Some(320), Some(320), "FIT", (320, 180)),
        (Some(1280), Some(1280), "FIT", (1280, 720)),
        (Some(1280), Some(1280), "FIT_NO_UPSCALE", (640, 360)),
        (None, Some(720), "FIT_NO_UPSCALE", (640, 360)),
        (Some(1280), None, "FIT_NO_UPSCALE", (640, 360)),
    ] {
        let mut video = h264();
        video["scalingBehavior"] = json!(scaling);
        video["width"] = json!(width);
        video["height"] = json!(height);
        let (media, _) = input.encode(&settings("MP4", &video, &Value::Null)).await;
        assert_eq!(size(&media), expected, "{width:?}×{height:?} {scaling}");
        assert_eq!(media.video[0].pixel_aspect.as_deref(), Some("1:1"));
    }
}

/// A video that a player turns by a quarter, made of another.
async fn turned(input: MadeInput) -> MadeInput {
    let options = [
        "-display_rotation",
        "-90",
        "-i",
        "file:input",
        "-c",
        "copy",
        "-f",
        "mov",
        "file:turned",
    ];
    let options: Vec<String> = options.map(str::to_owned).into();
    let directory = input.directory.path();
    encode(&input.tools, directory, &options, |_| ()).await.unwrap();
    std::fs::rename(directory.join("turned"), directory.join("input")).unwrap();
    let media = probe::input(&input.tools, directory, "input").await.unwrap();
    MadeInput { media, ..input }
}

#[tokio::test]
async fn ladders_fit_portraits_and_never_enlarge_them() {
    let input = turned(MadeInput::clip().await).await;
    let capture =
        json!({"codecSettings": {"codec": "FRAME_CAPTURE", "frameCaptureSettings": {"maxCaptures": 1}}});
    for (side, expected) in [
        (1920, (360, 640)),
        (1280, (360, 640)),
        (480, (270, 480)),
        (160, (90, 160)),
    ] {
        for (container, mut video) in [("MP4", h264()), ("RAW", capture.clone())] {
            video["width"] = json!(side);
            video["height"] = json!(side);
            video["scalingBehavior"] = json!("FIT_NO_UPSCALE");
            let mut settings = settings(container, &video, &Value::Null);
            settings["inputs"][0]["videoSelector"] = json!({"rotate": "AUTO"});
            // No job may consist of captures alone.
            let mut sound = self::settings("RAW", &Value::Null, &aac())["outputGroups"][0].clone();
            sound["outputs"][0]["nameModifier"] = json!("-sound");
            settings["outputGroups"].as_array_mut().unwrap().push(sound);
            let (media, _) = input.encode(&settings).await;
            assert_eq!(
                (size(&media), media.video[0].rotation),
                (expected, 0),
                "{side} {container}"
            );
        }
    }
}

#[tokio::test]
async fn rotated_videos_come_out_as_the_settings_say_and_without_metadata() {
    let input = turned(MadeInput::clip().await).await;
    assert_eq!(input.media.video[0].rotation, 90);

    for (rotate, expected) in [
        (json!("AUTO"), (360, 640)),
        (json!("DEGREE_0"), (640, 360)),
        (Value::Null, (640, 360)),
        (json!("DEGREES_270"), (360, 640)),
        (json!("DEGREES_180"), (640, 360)),
    ] {
        let mut settings = settings("MP4", &h264(), &Value::Null);
        settings["inputs"][0]["videoSelector"] = json!({"rotate": rotate});
        let (media, _) = input.encode(&settings).await;
        assert_eq!((size(&media), media.video[0].rotation), (expected, 0), "{rotate}");
    }
}

#[tokio::test]
async fn a_video_without_sound_gets_silence_of_its_length() {
    let mut options = PICTURES.to_vec();
    options.extend(["-c:v", "libvpx", "-b:v", "200000", "-f", "webm"]);
    let input = MadeInput::new(&options).await;
    let (media, _) = input.encode(&settings("MP4", &h264(), &aac())).await;

    assert_eq!(codecs(&media), (Some("h264"), Some("aac")));
    assert_eq!((media.audio[0].channels, media.audio[0].sample_rate), (2, 48_000));
    let seconds = media.seconds.unwrap();
    assert!((1.9..2.3).contains(&seconds), "{seconds} s");
}

#[tokio::test]
async fn sound_without_pictures_gets_black_ones_of_its_length() {
    for (codec, format) in [
        ("pcm_s16le", "wav"),
        ("aac", "adts"),
        ("libmp3lame", "mp3"),
        ("flac", "flac"),
    ] {
        let mut options = SOUND.to_vec();
        options.extend(["-c:a", codec, "-f", format]);
        let mut input = MadeInput::new(&options).await;
        let directory = input.directory.path();
        let arguments = add_black_video("input", &input.media, "black");
        let black = encode(&input.tools, directory, &arguments, |_| ()).await;
        black.unwrap_or_else(|error| panic!("{format}: {error}"));
        std::fs::rename(directory.join("black"), directory.join("input")).unwrap();
        input.media = probe::input(&input.tools, directory, "input").await.unwrap();
        let (media, _) = input.encode(&settings("MP4", &h264(), &aac())).await;

        assert_eq!(
            (size(&media), codecs(&media)),
            ((540, 360), (Some("h264"), Some("aac")))
        );
        let seconds = media.seconds.unwrap();
        assert!((1.9..2.3).contains(&seconds), "{format}: {seconds} s");
    }
}

#[tokio::test]
async fn the_frame_rate_is_converted() {
    let video = json!({"codecSettings": {"codec": "VP8", "vp8Settings": {
        "rateControlMode": "VBR",
        "bitrate": 2_500_000,
        "framerateControl": "SPECIFIED",
        "framerateNumerator": 24,
        "framerateDenominator": 1,
    }}});
    let opus = json!({"codec": "OPUS", "opusSettings": {}});
    let (media, _) = MadeInput::clip()
        .await
        .encode(&settings("WEBM", &video, &opus))
        .await;

    assert!((media.video[0].frame_rate - 24.0).abs() < 0.01, "{media:?}");
    assert_eq!(media.audio[0].channels, 1);
}

#[tokio::test]
async fn frames_are_captured_from_the_first_on() {
    let input = MadeInput::clip().await;
    let mut settings = settings("MP4", &Value::Null, &aac());
    let capture = json!({
        "containerSettings": {"container": "RAW"},
        "nameModifier": "-poster",
        "videoDescription": {"width": 160, "codecSettings": {
            "codec": "FRAME_CAPTURE",
            "frameCaptureSettings": {"framerateNumerator": 2, "framerateDenominator": 1, "maxCaptures": 3},
        }},
    });
    settings["outputGroups"][0]["outputs"]
        .as_array_mut()
        .unwrap()
        .insert(0, capture);
    let (media, _) = input.encode(&settings).await;

    assert_eq!(size(&media), (160, 90));
    let captured = |number: u32| {
        input
            .directory
            .path()
            .join(format!("output.{number:07}.jpg"))
            .exists()
    };
    assert!(captured(0) && captured(1) && captured(2) && !captured(3));
}

#[tokio::test]
async fn selectors_choose_their_track_and_fall_back_as_documented() {
    let mut options = SOUND.to_vec();
    options.extend([
        "-f",
        "lavfi",
        "-i",
        "sine=d=2:sample_rate=22050",
        "-map",
        "0",
        "-map",
        "1",
    ]);
    options.extend(["-metadata:s:a:1", "language=fra", "-c:a", "aac", "-f", "mp4"]);
    let input = MadeInput::new(&options).await;
    let follow = json!({"codec": "AAC", "aacSettings": {"codingMode": "CODING_MODE_AUTO"}});
    for (selectors, expected) in [
        (
            json!({"Audio Selector 1": {"tracks": [2]}}),
            (22_050, Some("fra")),
        ),
        (json!({"Audio Selector 1": {}}), (44_100, None)),
        (
            json!({"Other": {"tracks": [2], "defaultSelection": "DEFAULT"}}),
            (22_050, Some("fra")),
        ),
        (json!({"Audio Selector 1": {"tracks": [9]}}), (48_000, None)),
        (json!({}), (48_000, None)),
    ] {
        let mut settings = settings("MP4", &Value::Null, &follow);
        settings["inputs"][0]["audioSelectors"] = selectors.clone();
        let (media, _) = input.encode(&settings).await;
        let audio = &media.audio[0];
        assert_eq!(
            (audio.sample_rate, audio.language.as_deref()),
            expected,
            "{selectors}"
        );
    }
}

#[tokio::test]
async fn a_failed_encode_says_why() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("input"), "no media").unwrap();
    let media = Media {
        seconds: None,
        bitrate: None,
        video: Vec::new(),
        audio: Vec::new(),
    };
    let source = Source {
        file: "input",
        media: &media,
        rotate: crate::settings::Rotate::Auto,
        audio_selectors: &BTreeMap::new(),
    };
    let settings = JobSettings::parse(&settings("MP4", &Value::Null, &aac())).unwrap();
    let arguments = arguments(&source, &settings.groups[0].outputs[0].content, "output");
    let encoded = encode(&tools(), directory.path(), &arguments, |_| ()).await;

    let message = encoded.unwrap_err().to_string();
    assert!(message.contains("Invalid data"), "{message}");
}
