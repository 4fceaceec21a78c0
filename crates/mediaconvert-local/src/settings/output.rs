//! Output groups and their outputs: what is in each file and where it goes.

use std::collections::HashMap;

use super::audio::AudioDescription;
use super::input::Input;
use super::node::Node;
use super::video::{FrameCapture, Video, VideoCodec, VideoDescription};
use super::{AudioCodec, SettingsError};

/// A group of outputs. Only file groups are known so far; streaming groups, which have playlists
/// of their own, will be other kinds of it.
#[derive(Debug, Clone)]
pub(crate) struct OutputGroup {
    /// Its outputs, in the order of the settings.
    pub(crate) outputs: Vec<Output>,
}

/// One file, or one series of captures.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    /// Where it stands in the settings.
    pub(crate) path: String,
    /// The bucket it goes to.
    pub(crate) bucket: String,
    /// The object's key without the extension.
    pub(crate) stem: String,
    /// The extension, without the dot.
    pub(crate) extension: String,
    /// What is in it.
    pub(crate) content: Content,
}

/// What is in an output.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// Pictures and sound in a container.
    Muxed {
        /// The container.
        container: Container,
        /// The pictures, unless it is sound alone.
        video: Option<VideoDescription>,
        /// The audio tracks.
        audio: Vec<AudioDescription>,
    },
    /// A series of JPEG files.
    Captures(FrameCapture),
}

impl Content {
    /// Whether it needs pictures.
    pub(crate) fn has_video(&self) -> bool {
        match self {
            Self::Muxed { video, .. } => video.is_some(),
            Self::Captures(_) => true,
        }
    }
}

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
}

impl Container {
    /// MediaConvert's name for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mp4 { .. } => "MP4",
            Self::Mov => "MOV",
            Self::Webm => "WEBM",
            Self::Raw => "RAW",
        }
    }

    /// What MediaConvert puts into this container, of the codecs this program has.
    fn takes_video(self, codec: VideoCodec) -> bool {
        match self {
            Self::Mp4 { .. } => matches!(codec, VideoCodec::H264 | VideoCodec::H265 | VideoCodec::Av1),
            Self::Mov => matches!(codec, VideoCodec::H264 | VideoCodec::H265),
            Self::Webm => matches!(codec, VideoCodec::Vp8 | VideoCodec::Vp9),
            Self::Raw => false,
        }
    }

    fn takes_audio(self, codec: AudioCodec) -> bool {
        match self {
            Self::Webm => matches!(codec.name(), "OPUS" | "VORBIS"),
            Self::Mp4 { .. } | Self::Mov | Self::Raw => matches!(codec.name(), "AAC" | "MP3"),
        }
    }
}

struct Destination {
    bucket: String,
    stem: String,
}

impl OutputGroup {
    pub(super) fn parse(node: Node<'_>, input: &Input) -> Result<Self, SettingsError> {
        let settings = node.node("outputGroupSettings")?;
        let settings = node.required("outputGroupSettings", settings)?;
        let destination = destination(settings, input)?;
        let outputs = (node.nodes("outputs")?.into_iter().enumerate())
            .map(|(index, output)| {
                let path = format!("{}[{index}]", node.path("outputs"));
                Output::parse(output, path, &destination)
            })
            .collect::<Result<Vec<_>, _>>()?;
        if outputs.is_empty() {
            return Err(node.malformed("outputs", "at least one output is required"));
        }
        node.harmless(&["customName", "name"]);
        node.finish()?;
        Ok(Self { outputs })
    }
}

fn destination(node: Node<'_>, input: &Input) -> Result<Destination, SettingsError> {
    let group = node.one_of("type", &[("FILE_GROUP_SETTINGS", "fileGroupSettings")])?;
    let key = node.required("type", group)?;
    let group = node.required(key, node.node(key)?)?;
    let uri = group.required("destination", group.text("destination")?)?;
    let (bucket, key) = uri
        .strip_prefix("s3://")
        .and_then(|rest| rest.split_once('/'))
        .filter(|(bucket, _)| !bucket.is_empty())
        .ok_or_else(|| group.malformed("destination", format!("{uri:?} is no s3:// URI")))?;
    refuse_format_identifiers(&group, "destination", key)?;
    // Access control, encryption and storage class of the objects.
    group.harmless(&["destinationSettings"]);
    group.finish()?;
    node.finish()?;
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
fn refuse_format_identifiers(node: &Node<'_>, key: &str, name: &str) -> Result<(), SettingsError> {
    let is_identifier = |part: &&str| {
        !part.is_empty() && part.len() <= 6 && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let parts = name.split('$').count();
    let inner = name.split('$').skip(1).take(parts.saturating_sub(2));
    match inner.into_iter().find(is_identifier) {
        Some(identifier) => Err(node.unsupported(key, &format!("the format identifier ${identifier}$"))),
        None => Ok(()),
    }
}

impl Output {
    fn parse(node: Node<'_>, path: String, destination: &Destination) -> Result<Self, SettingsError> {
        if let Some(preset) = node.text("preset")? {
            let rule = format!("there is no preset {preset:?}; this MediaConvert has none");
            return Err(SettingsError::malformed(node.path("preset"), rule));
        }
        let container = node.required("containerSettings", node.node("containerSettings")?)?;
        let container_path = container.path("container");
        let container = parse_container(container)?;
        let video = node.node("videoDescription")?.map(Video::parse).transpose()?;
        let audio = (node.nodes("audioDescriptions")?.into_iter())
            .map(AudioDescription::parse)
            .collect::<Result<Vec<_>, _>>()?;
        let modifier = node.text("nameModifier")?.unwrap_or_default();
        refuse_format_identifiers(&node, "nameModifier", modifier)?;
        let extension = node.text("extension")?;
        node.harmless(&["outputSettings"]);
        node.finish()?;
        let content = content(&path, &container_path, container, video, audio)?;
        Ok(Self {
            path,
            bucket: destination.bucket.clone(),
            stem: format!("{}{modifier}", destination.stem),
            extension: extension.unwrap_or(default_extension(&content)).to_owned(),
            content,
        })
    }

    /// Where it goes; captures add their number to the name.
    pub(crate) fn uri(&self) -> String {
        format!("s3://{}/{}.{}", self.bucket, self.stem, self.extension)
    }
}

fn parse_container(node: Node<'_>) -> Result<Container, SettingsError> {
    let fast_start = match node.node("mp4Settings")? {
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
        ],
    )?;
    let container = node.required("container", container)?;
    node.harmless(&["movSettings"]);
    node.finish()?;
    Ok(container)
}

fn content(
    path: &str,
    container_path: &str,
    container: Container,
    video: Option<Video>,
    audio: Vec<AudioDescription>,
) -> Result<Content, SettingsError> {
    let misplaced =
        |codec: &str| SettingsError::unsupported(container_path, format!("{codec} in {}", container.name()));
    let video = match video {
        Some(Video::Captured(_)) if container != Container::Raw => {
            return Err(SettingsError::malformed(
                container_path,
                "frame captures need container RAW",
            ));
        }
        Some(Video::Captured(_)) if !audio.is_empty() => {
            return Err(SettingsError::malformed(path, "frame captures have no audio"));
        }
        Some(Video::Captured(capture)) => return Ok(Content::Captures(capture)),
        Some(Video::Encoded(video)) => Some(video),
        None => None,
    };
    if video.is_none() && audio.is_empty() {
        return Err(SettingsError::malformed(
            path,
            "a videoDescription or an audioDescription is required",
        ));
    }
    if let Some(video) = video.as_ref().filter(|video| !container.takes_video(video.codec)) {
        return Err(misplaced(video.codec.name()));
    }
    if let Some(audio) = audio.iter().find(|audio| !container.takes_audio(audio.codec)) {
        return Err(misplaced(audio.codec.name()));
    }
    if container == Container::Raw && audio.len() > 1 {
        return Err(misplaced("more than one track"));
    }
    Ok(Content::Muxed {
        container,
        video,
        audio,
    })
}

/// The service model's list, under `Output.Extension`.
fn default_extension(content: &Content) -> &'static str {
    match content {
        Content::Captures(_) => "jpg",
        Content::Muxed { container, audio, .. } => match container {
            Container::Mp4 { .. } => "mp4",
            Container::Mov => "mov",
            Container::Webm => "webm",
            Container::Raw => match audio.first().map(|audio| audio.codec.name()) {
                Some("MP3") => "mp3",
                _ => "aac",
            },
        },
    }
}

/// Refuses outputs that would overwrite one another, and jobs that only capture frames.
pub(super) fn refuse_clashes(groups: &[OutputGroup]) -> Result<(), SettingsError> {
    let mut written = HashMap::new();
    for output in groups.iter().flat_map(|group| &group.outputs) {
        if let Some(first) = written.insert(output.uri(), &output.path) {
            return Err(SettingsError::malformed(
                &output.path,
                format!(
                    "writes {} as {first} does; give each its own nameModifier",
                    output.uri()
                ),
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

    use crate::settings::JobSettings;

    fn uris(destination: &str, outputs: &Value) -> Vec<String> {
        let settings = json!({
            "inputs": [{"fileInput": "s3://in/dir/clip.one.mov"}],
            "outputGroups": [{
                "outputGroupSettings": {
                    "type": "FILE_GROUP_SETTINGS",
                    "fileGroupSettings": {"destination": destination},
                },
                "outputs": outputs,
            }],
        });
        let settings = JobSettings::parse(&settings).unwrap();
        (settings.groups[0].outputs.iter())
            .map(super::Output::uri)
            .collect()
    }

    fn audio(container: &str, codec: &str) -> Value {
        json!({
            "containerSettings": {"container": container},
            "audioDescriptions": [{"codecSettings": {"codec": codec}}],
        })
    }

    #[test]
    fn names_are_mediaconverts() {
        let mut modified = audio("MP4", "AAC");
        modified["nameModifier"] = json!("-sound");
        modified["extension"] = json!("m4a");
        let outputs = json!([
            modified,
            audio("WEBM", "OPUS"),
            audio("RAW", "AAC"),
            audio("RAW", "MP3"),
            audio("MOV", "AAC")
        ]);

        assert_eq!(
            uris("s3://out/a b/", &outputs),
            [
                "s3://out/a b/clip.one-sound.m4a",
                "s3://out/a b/clip.one.webm",
                "s3://out/a b/clip.one.aac",
                "s3://out/a b/clip.one.mp3",
                "s3://out/a b/clip.one.mov",
            ]
        );
        assert_eq!(
            uris("s3://out/named", &json!([audio("MP4", "AAC")])),
            ["s3://out/named.mp4"]
        );
    }

    #[test]
    fn names_with_format_identifiers_are_refused() {
        for (name, refused) in [
            ("-$dt$", true),
            ("-$w$x$h$", true),
            ("-us$", false),
            ("cost $5 or $ 6", false),
        ] {
            let value = json!({"nameModifier": name});
            let node = super::Node::new("output", &value).unwrap();
            let result = super::refuse_format_identifiers(&node, "nameModifier", name);
            assert_eq!(result.is_err(), refused, "{name}");
        }
    }
}
