//! Packages made by the real ffmpeg, walked from their manifests and opened by the real ffprobe.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::package;
use crate::ffmpeg::{Source, arguments, encode};
use crate::fixtures::media::{MadeInput, PICTURES};
use crate::measure::WrittenGroup;
use crate::probe::{self, Media};
use crate::settings::JobSettings;

/// What a package's job leaves in its bucket: keys and the files' contents.
struct Bucket {
    input: MadeInput,
    written: WrittenGroup,
    objects: BTreeMap<String, Vec<u8>>,
}

impl Bucket {
    /// Runs the job's only group as the runner does, and puts its files into `bucket/`.
    async fn of(input: MadeInput, settings: &Value) -> Self {
        let settings = JobSettings::parse(settings).unwrap();
        let group = &settings.groups[0];
        let source = Source {
            file: "input",
            media: &input.media,
            rotate: settings.input.rotate,
            audio_selectors: &settings.input.audio_selectors,
        };
        let outputs = group.outputs(source.size().unwrap_or_default());
        let mut targets = Vec::new();
        for (index, output) in outputs.iter().enumerate() {
            let target = format!("0-{index}");
            let arguments = arguments(&source, &output.content, &target);
            encode(&input.tools, input.directory.path(), &arguments, |_| ())
                .await
                .unwrap_or_else(|error| panic!("{error}: {arguments:?}"));
            targets.push(target);
        }
        let directory = input.directory.path();
        let kind = (group, group.package.as_ref().unwrap());
        let written = package(&input.tools, directory, kind, &outputs, &targets, "group-0")
            .await
            .unwrap();
        let mut objects = BTreeMap::new();
        for file in &written.files {
            let bytes = std::fs::read(directory.join(&file.name)).unwrap();
            let path = directory.join("bucket").join(&file.key);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, &bytes).unwrap();
            assert_eq!(file.bucket, "out");
            assert!(objects.insert(file.key.clone(), bytes).is_none(), "{}", file.key);
        }
        Self {
            input,
            written,
            objects,
        }
    }

    fn text(&self, key: &str) -> &str {
        std::str::from_utf8(&self.objects[key]).unwrap()
    }

    /// What a player finds behind a manifest.
    async fn open(&self, key: &str) -> Media {
        let file = format!("bucket/{key}");
        probe::output(&self.input.tools, self.input.directory.path(), &file)
            .await
            .unwrap()
    }

    /// Every key that the playlists name, whether or not it is there.
    fn named(&self) -> Vec<String> {
        let mut named = Vec::new();
        for key in self.objects.keys() {
            let path = Path::new(key);
            if path.extension().is_none_or(|extension| extension != "m3u8") {
                continue;
            }
            let parent = path.parent().unwrap();
            for line in self.text(key).lines() {
                let quoted = line
                    .split_once("URI=\"")
                    .and_then(|(_, rest)| rest.split_once('"'));
                let uri = match quoted {
                    Some((uri, _)) => uri,
                    None if line.starts_with('#') || line.is_empty() => continue,
                    None => line,
                };
                let name = percent_encoding::percent_decode_str(uri).decode_utf8().unwrap();
                named.push(parent.join(&*name).to_str().unwrap().to_owned());
            }
        }
        named
    }

    /// No playlist names what is not there, and nothing is there that none names.
    fn assert_whole(&self, manifests: &[&str]) {
        let mut named = self.named();
        named.extend(manifests.iter().map(|&key| key.to_owned()));
        named.sort();
        named.dedup();
        let keys: Vec<&String> = self.objects.keys().collect();
        assert_eq!(named.iter().collect::<Vec<_>>(), keys);
    }
}

fn video(height: u32) -> Value {
    json!({"height": height, "scalingBehavior": "FIT_NO_UPSCALE", "codecSettings": {
        "codec": "H_264",
        "h264Settings": {"rateControlMode": "QVBR", "maxBitrate": 1_000_000, "gopSizeUnits": "AUTO"},
    }})
}

fn audio() -> Value {
    json!([{"codecSettings": {"codec": "AAC", "aacSettings": {
        "bitrate": 64_000, "codingMode": "CODING_MODE_2_0", "sampleRate": 48_000,
    }}}])
}

fn job(kind: &str, settings: &Value, outputs: &Value) -> Value {
    let key = match kind {
        "HLS_GROUP_SETTINGS" => "hlsGroupSettings",
        "CMAF_GROUP_SETTINGS" => "cmafGroupSettings",
        _ => "dashIsoGroupSettings",
    };
    json!({
        "inputs": [{
            "fileInput": "s3://in/clip.mov",
            "audioSelectors": {"Audio Selector 1": {"defaultSelection": "DEFAULT"}},
        }],
        "outputGroups": [{
            "outputGroupSettings": {"type": kind, key: settings},
            "outputs": outputs,
        }],
    })
}

fn size(media: &Media) -> (u32, u32) {
    (media.video[0].width, media.video[0].height)
}

#[tokio::test]
async fn an_hls_ladder_plays() {
    let rendition = |height: u32| {
        json!({
            "nameModifier": format!("_{height}"),
            "containerSettings": {"container": "M3U8", "m3u8Settings": {}},
            "videoDescription": video(height),
            "audioDescriptions": audio(),
        })
    };
    let settings = job(
        "HLS_GROUP_SETTINGS",
        &json!({"destination": "s3://out/a/", "segmentLength": 1, "minSegmentLength": 0}),
        &json!([rendition(360), rendition(180)]),
    );
    let bucket = Bucket::of(MadeInput::clip().await, &settings).await;

    bucket.assert_whole(&["a/clip.m3u8"]);
    for (height, width) in [(360, 640), (180, 320)] {
        let playlist = bucket.text(&format!("a/clip_{height}.m3u8"));
        assert!(
            playlist.contains(&format!(
                "#EXTINF:1,\nclip_{height}_00001.ts\n#EXTINF:1,\nclip_{height}_00002.ts\n"
            )),
            "{playlist}"
        );
        let media = bucket.open(&format!("a/clip_{height}.m3u8")).await;
        assert_eq!((size(&media), media.audio.len()), ((width, height), 1));
    }
    let multivariant = bucket.text("a/clip.m3u8");
    assert!(
        multivariant.contains("RESOLUTION=640x360,FRAME-RATE=30\nclip_360.m3u8\n"),
        "{multivariant}"
    );
    assert!(multivariant.contains("CODECS=\"avc1."), "{multivariant}");
    assert!(multivariant.contains(",mp4a.40.2\""), "{multivariant}");
    assert_eq!(bucket.open("a/clip.m3u8").await.video.len(), 2);

    let detail = &bucket.written.detail;
    assert_eq!(detail.event_type, "HLS_GROUP");
    assert_eq!(detail.playlists, ["s3://out/a/clip.m3u8"]);
    assert_eq!(detail.outputs[1].paths, ["s3://out/a/clip_180.m3u8"]);
    assert!(
        (1_950..2_100).contains(&detail.outputs[1].duration_ms),
        "{detail:?}"
    );
    let video = detail.outputs[1].video.as_ref().unwrap();
    assert_eq!((video.width, video.height), (320, 180));
    assert!(video.average_bitrate.unwrap() > 50_000, "{video:?}");
}

/// The keys that a DASH manifest names.
fn named_by_mpd(mpd: &str) -> Vec<String> {
    let value = |line: &str, name: &str| {
        let (_, rest) = line.split_once(&format!(" {name}=\""))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    let mut named = Vec::new();
    let mut template = None;
    for line in mpd.lines() {
        if let Some(media) = value(line, "media") {
            named.extend(value(line, "initialization"));
            template = Some((media, 1));
        }
        if let (true, Some((media, next))) = (line.contains("<S "), &mut template) {
            let repeated: u32 = value(line, "r").map_or(0, |repeated| repeated.parse().unwrap());
            for number in *next..=*next + repeated {
                named.push(media.replace("$Number%09d$", &format!("{number:09}")));
            }
            *next += repeated + 1;
        }
        if let Some((_, rest)) = line.split_once("<BaseURL>") {
            named.push(rest.split_once('<').unwrap().0.to_owned());
        }
    }
    let decode = |uri: String| {
        percent_encoding::percent_decode_str(&uri)
            .decode_utf8()
            .unwrap()
            .into_owned()
    };
    named.into_iter().map(decode).collect()
}

fn cmaf_outputs() -> Value {
    let rendition = |height: u32| {
        json!({
            "nameModifier": format!("_{height}"),
            "containerSettings": {"container": "CMFC", "cmfcSettings": {"iFrameOnlyManifest": "EXCLUDE"}},
            "videoDescription": video(height),
        })
    };
    let sound = json!({
        "nameModifier": "_audio",
        "containerSettings": {"container": "CMFC"},
        "audioDescriptions": audio(),
    });
    json!([sound, rendition(360), rendition(240)])
}

#[tokio::test]
async fn a_cmaf_package_plays_by_both_manifests() {
    let settings = job(
        "CMAF_GROUP_SETTINGS",
        &json!({
            "destination": "s3://out/a/main",
            "segmentLength": 1,
            "fragmentLength": 1,
            "writeHlsManifest": "ENABLED",
            "writeDashManifest": "ENABLED",
        }),
        &cmaf_outputs(),
    );
    let bucket = Bucket::of(MadeInput::clip().await, &settings).await;

    bucket.assert_whole(&["a/main.m3u8", "a/main.mpd"]);
    for key in [
        "a/main_360init.cmfv",
        "a/main_360_000000001.cmfv",
        "a/main_360_000000002.cmfv",
        "a/main_audioinit.cmfa",
        "a/main_audio_000000001.cmfa",
    ] {
        assert!(bucket.objects.contains_key(key), "{key}");
    }
    let multivariant = bucket.text("a/main.m3u8");
    assert!(
        multivariant.contains("#EXT-X-MEDIA:TYPE=AUDIO,URI=\"main_audio.m3u8\",GROUP-ID=\"program_audio_0\""),
        "{multivariant}"
    );
    assert_eq!(
        multivariant.matches("AUDIO=\"program_audio_0\"").count(),
        2,
        "{multivariant}"
    );
    let media = bucket.open("a/main.m3u8").await;
    assert_eq!((media.video.len(), media.audio.len()), (2, 1));
    assert_eq!(size(&bucket.open("a/main_240.m3u8").await), (426, 240));

    let mpd = bucket.text("a/main.mpd");
    let named = named_by_mpd(mpd).into_iter().map(|name| format!("a/{name}"));
    let mut named: Vec<String> = named.collect();
    named.sort();
    let segments: Vec<&String> = (bucket.objects.keys())
        .filter(|key| key.contains(".cmf"))
        .collect();
    assert_eq!(named.iter().collect::<Vec<_>>(), segments, "{mpd}");
    assert_eq!(mpd.matches("<AdaptationSet").count(), 2, "{mpd}");

    let detail = &bucket.written.detail;
    assert_eq!(detail.playlists, ["s3://out/a/main.mpd", "s3://out/a/main.m3u8"]);
    assert!(
        detail.outputs.iter().all(|output| output.paths.is_empty()),
        "{detail:?}"
    );
    assert!(detail.outputs[0].video.is_none());
}

#[tokio::test]
async fn a_dash_package_is_named_as_dash_packages_are() {
    let mut outputs = cmaf_outputs();
    for output in outputs.as_array_mut().unwrap() {
        output["containerSettings"] = json!({"container": "MPD"});
    }
    let settings = job(
        "DASH_ISO_GROUP_SETTINGS",
        &json!({"destination": "s3://out/a/", "segmentLength": 1}),
        &outputs,
    );
    let bucket = Bucket::of(MadeInput::clip().await, &settings).await;
    let mut named = named_by_mpd(bucket.text("a/clip.mpd"));
    named.push("clip.mpd".to_owned());
    named.sort();

    assert_eq!(
        named.iter().map(|name| format!("a/{name}")).collect::<Vec<_>>(),
        bucket.objects.keys().cloned().collect::<Vec<_>>()
    );
    assert!(named.contains(&"clip_360_000000002.mp4".to_owned()), "{named:?}");
    assert!(named.contains(&"clip_audioinit.mp4".to_owned()), "{named:?}");
    assert_eq!(bucket.written.detail.playlists, ["s3://out/a/clip.mpd"]);
    // That of CMAF segments has other names alone, which ffprobe takes for playlists only.
    let media = bucket.open("a/clip.mpd").await;
    assert_eq!((media.video.len(), media.audio.len()), (2, 1));
}

#[tokio::test]
async fn packages_of_single_files_are_cut_by_byte_ranges() {
    let single = json!({"destination": "s3://out/", "segmentLength": 1, "segmentControl": "SINGLE_FILE"});
    let settings = job("CMAF_GROUP_SETTINGS", &single, &cmaf_outputs());
    let cmaf = Bucket::of(MadeInput::clip().await, &settings).await;
    let hls = json!([{
        "nameModifier": "-v",
        "containerSettings": {"container": "M3U8"},
        "videoDescription": video(180),
        "audioDescriptions": audio(),
    }]);
    let hls = Bucket::of(MadeInput::clip().await, &job("HLS_GROUP_SETTINGS", &single, &hls)).await;

    cmaf.assert_whole(&["clip.m3u8", "clip.mpd"]);
    assert_eq!(
        named_by_mpd(cmaf.text("clip.mpd")),
        ["clip_360.cmfv", "clip_240.cmfv", "clip_audio.cmfa"]
    );
    assert_eq!(size(&cmaf.open("clip.m3u8").await), (640, 360));
    hls.assert_whole(&["clip.m3u8"]);
    assert_eq!(
        hls.objects.keys().collect::<Vec<_>>(),
        ["clip-v.m3u8", "clip-v.ts", "clip.m3u8"]
    );
    assert_eq!(size(&hls.open("clip-v.m3u8").await), (320, 180));
}

#[tokio::test]
async fn sound_of_its_own_goes_with_the_pictures() {
    let sound = |modifier: &str, track: &str, container: &str| {
        json!({
            "nameModifier": modifier,
            "containerSettings": {"container": "M3U8"},
            "audioDescriptions": audio(),
            "outputSettings": {"hlsSettings": {
                "audioGroupId": "sound", "audioTrackType": track, "audioOnlyContainer": container,
            }},
        })
    };
    let outputs = json!([
        {
            "nameModifier": "_v",
            "containerSettings": {"container": "M3U8"},
            "videoDescription": video(180),
            "outputSettings": {"hlsSettings": {"audioRenditionSets": "sound,other"}},
        },
        sound("_raw", "ALTERNATE_AUDIO_AUTO_SELECT_DEFAULT", "AUTOMATIC"),
        sound("_ts", "ALTERNATE_AUDIO_NOT_AUTO_SELECT", "M2TS"),
        sound("_alone", "AUDIO_ONLY_VARIANT_STREAM", "AUTOMATIC"),
    ]);
    let settings = job(
        "HLS_GROUP_SETTINGS",
        &json!({"destination": "s3://out/", "segmentLength": 1, "manifestDurationFormat": "INTEGER"}),
        &outputs,
    );
    let bucket = Bucket::of(MadeInput::clip().await, &settings).await;

    bucket.assert_whole(&["clip.m3u8"]);
    let raw = &bucket.objects["clip_raw_00002.aac"];
    assert_eq!(&raw[..3], b"ID3");
    let ticks = u64::from_be_bytes(raw[65..73].try_into().unwrap());
    assert!((126_000 + 85_000..126_000 + 95_000).contains(&ticks), "{ticks}");
    assert!(
        bucket
            .text("clip_raw.m3u8")
            .contains("#EXTINF:1,\nclip_raw_00001.aac")
    );
    let multivariant = bucket.text("clip.m3u8");
    assert!(
        multivariant.contains("AUDIO=\"sound\"\nclip_v.m3u8"),
        "{multivariant}"
    );
    assert!(
        multivariant.contains("DEFAULT=YES,AUTOSELECT=YES"),
        "{multivariant}"
    );
    assert!(
        multivariant.contains("CODECS=\"mp4a.40.2\"\nclip_alone.m3u8"),
        "{multivariant}"
    );
    let media = bucket.open("clip.m3u8").await;
    assert_eq!((media.video.len(), media.audio.len()), (1, 3));
}

#[tokio::test]
async fn names_of_all_kinds_resolve() {
    let mut outputs = cmaf_outputs();
    for output in outputs.as_array_mut().unwrap() {
        let modifier = format!(" 50% & \"ü\" #1? $5{}", output["nameModifier"].as_str().unwrap());
        output["nameModifier"] = json!(modifier);
    }
    let settings = json!({"destination": "s3://out/a b/", "segmentLength": 1});
    let settings = job("CMAF_GROUP_SETTINGS", &settings, &outputs);
    let bucket = Bucket::of(MadeInput::clip().await, &settings).await;

    bucket.assert_whole(&["a b/clip.m3u8", "a b/clip.mpd"]);
    for name in named_by_mpd(bucket.text("a b/clip.mpd")) {
        assert!(bucket.objects.contains_key(&format!("a b/{name}")), "{name}");
    }
}

#[tokio::test]
async fn a_package_of_sound_alone_plays_and_silence_counts_as_sound() {
    let sound = json!([cmaf_outputs()[0]]);
    let settings = json!({"destination": "s3://out/", "segmentLength": 1});
    let settings = job("CMAF_GROUP_SETTINGS", &settings, &sound);
    let bucket = Bucket::of(MadeInput::pictures(PICTURES).await, &settings).await;

    bucket.assert_whole(&["clip.m3u8", "clip.mpd"]);
    let multivariant = bucket.text("clip.m3u8");
    assert!(
        multivariant.contains("CODECS=\"mp4a.40.2\"\nclip_audio.m3u8"),
        "{multivariant}"
    );
    let media = bucket.open("clip.m3u8").await;
    assert_eq!((media.video.len(), media.audio[0].channels), (0, 2));
    let duration = bucket.written.detail.outputs[0].duration_ms;
    assert!((1_950..2_200).contains(&duration), "{duration}");
}

/// A group with automated ABR: pictures, and sound apart.
fn automated(settings: &Value) -> Value {
    let outputs = json!([
        {
            "nameModifier": "-video",
            "containerSettings": {"container": "M3U8"},
            "videoDescription": {"codecSettings": {
                "codec": "H_264",
                "h264Settings": {"rateControlMode": "QVBR", "qualityTuningLevel": "MULTI_PASS_HQ"},
            }},
            "outputSettings": {"hlsSettings": {"audioRenditionSets": "audio"}},
        },
        {
            "nameModifier": "-audio",
            "containerSettings": {"container": "M3U8"},
            "audioDescriptions": audio(),
            "outputSettings": {"hlsSettings": {
                "audioGroupId": "audio", "audioTrackType": "ALTERNATE_AUDIO_AUTO_SELECT_DEFAULT",
            }},
        },
    ]);
    let mut job = job(
        "HLS_GROUP_SETTINGS",
        &json!({"destination": "s3://out/"}),
        &outputs,
    );
    job["outputGroups"][0]["automatedEncodingSettings"] = json!({"abrSettings": settings});
    job
}

#[tokio::test]
async fn automated_abr_chooses_renditions_within_its_limits() {
    let settings = automated(&json!({"maxRenditions": 3, "minAbrBitrate": 100_000}));
    let portrait = ["-f", "lavfi", "-i", "testsrc2=s=360x640:r=30:d=1"];
    let bucket = Bucket::of(MadeInput::pictures(portrait).await, &settings).await;

    bucket.assert_whole(&["clip.m3u8"]);
    for (number, expected) in [(1, (360, 640)), (2, (288, 512)), (3, (216, 384))] {
        let media = bucket.open(&format!("clip-video_{number}.m3u8")).await;
        assert_eq!(size(&media), expected);
    }
    let multivariant = bucket.text("clip.m3u8");
    assert_eq!(
        multivariant.matches("AUDIO=\"audio\"").count(),
        3,
        "{multivariant}"
    );
    assert_eq!(bucket.written.detail.outputs.len(), 4);
}

#[tokio::test]
async fn segments_end_where_their_length_control_says() {
    let seconds = |bucket: &Bucket, key: &str| {
        let playlist = m3u8_rs::parse_media_playlist_res(&bucket.objects[key]).unwrap();
        let rounded = |seconds: f32| (seconds * 10.0).round() / 10.0;
        (playlist.segments.iter())
            .map(|segment| rounded(segment.duration))
            .collect::<Vec<_>>()
    };
    let mut video = video(180);
    video["codecSettings"]["h264Settings"]["gopSizeUnits"] = json!("SECONDS");
    video["codecSettings"]["h264Settings"]["gopSize"] = json!(0.8);
    for (control, expected) in [("EXACT", [1.0, 1.0]), ("GOP_MULTIPLE", [1.6, 0.4])] {
        for (kind, container) in [("HLS_GROUP_SETTINGS", "M3U8"), ("CMAF_GROUP_SETTINGS", "CMFC")] {
            let output = json!([{
                "nameModifier": "-v",
                "containerSettings": {"container": container},
                "videoDescription": video,
            }]);
            let settings =
                json!({"destination": "s3://out/", "segmentLength": 1, "segmentLengthControl": control});
            let bucket = Bucket::of(MadeInput::clip().await, &job(kind, &settings, &output)).await;
            assert_eq!(seconds(&bucket, "clip-v.m3u8"), expected, "{control} {container}");
        }
    }
}
