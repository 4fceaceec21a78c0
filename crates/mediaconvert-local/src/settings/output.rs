//! Outputs: what is in each and where it goes.

use super::audio::AudioDescription;
use super::container::{self, Container};
use super::destination::{Destination, refuse_format_identifiers};
use super::error::SettingsError;
use super::node::Node;
use super::package::{Format, Package, Segments};
use super::rendition::Rendition;
use super::video::{AbrLimits, FrameCapture, Video, VideoDescription};

/// One file, one series of captures, or one part of a streaming package.
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
    /// How a streaming package presents it.
    pub(crate) rendition: Rendition,
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
        /// How it is cut, in a streaming package.
        segments: Option<Segments>,
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

impl Output {
    pub(super) fn parse(
        node: Node<'_>,
        path: String,
        destination: &Destination,
        package: Option<&Package>,
        abr: Option<AbrLimits>,
    ) -> Result<Self, SettingsError> {
        if let Some(preset) = node.text("preset") {
            let rule = format!("there is no preset {preset:?}; this MediaConvert has none");
            return Err(SettingsError::malformed(node.path("preset"), rule));
        }
        let container = node.required("containerSettings", node.node("containerSettings"))?;
        let container_path = container.path("container");
        let (container, rendition) = container::parse(container)?;
        let video = node.node("videoDescription");
        let video = video.map(|video| Video::parse(video, abr)).transpose()?;
        let audio = (node.nodes("audioDescriptions").into_iter())
            .map(AudioDescription::parse)
            .collect::<Result<Vec<_>, _>>()?;
        let modifier = node.text("nameModifier").unwrap_or_default();
        refuse_format_identifiers(&node, "nameModifier", modifier)?;
        // "Use Extension to specify the file extension for outputs in File output groups."
        let extension = node.text("extension").filter(|_| package.is_none());
        let rendition = match (package, hls_settings(&node)?) {
            (
                Some(Package {
                    format: Format::Hls, ..
                }),
                Some(settings),
            ) => settings,
            _ => rendition,
        };
        node.finish()?;
        let container = match container {
            Container::M3u8 if video.is_none() && !rendition.audio_in_m2ts => Container::PackedAudio,
            container => container,
        };
        let location = Location {
            output: &path,
            container: &container_path,
            package,
        };
        let content = content(&location, container, video, audio)?;
        Ok(Self {
            path,
            bucket: destination.bucket.clone(),
            stem: format!("{}{modifier}", destination.stem),
            extension: extension.unwrap_or(default_extension(&content)).to_owned(),
            content,
            rendition,
        })
    }

    /// One of the renditions that automated ABR makes of it, counted from 1.
    pub(super) fn rendition_of(&self, number: usize, rendition: VideoDescription) -> Self {
        let mut output = self.clone();
        output.stem = format!("{}_{number}", self.stem);
        if let Content::Muxed { video, .. } = &mut output.content {
            *video = Some(rendition);
        }
        output
    }

    /// Where it goes; captures add their number to the name, segments theirs.
    pub(crate) fn uri(&self) -> String {
        format!("s3://{}/{}.{}", self.bucket, self.stem, self.extension)
    }

    /// The key of its own HLS playlist, in packages that have them.
    pub(crate) fn playlist(&self) -> String {
        format!("{}.m3u8", self.stem)
    }
}

fn hls_settings(node: &Node<'_>) -> Result<Option<Rendition>, SettingsError> {
    let Some(settings) = node.node("outputSettings") else {
        return Ok(None);
    };
    let hls = settings.node("hlsSettings");
    settings.finish()?;
    hls.map(Rendition::parse_hls).transpose()
}

/// Where an output stands.
struct Location<'a> {
    output: &'a str,
    container: &'a str,
    package: Option<&'a Package>,
}

fn content(
    location: &Location<'_>,
    container: Container,
    video: Option<Video>,
    audio: Vec<AudioDescription>,
) -> Result<Content, SettingsError> {
    let misplaced = |what: &str| {
        SettingsError::unsupported(location.container, format!("{what} in {}", container.name()))
    };
    let video = match video {
        Some(Video::Captured(_)) if container != Container::Raw => {
            return Err(SettingsError::malformed(
                location.container,
                "frame captures need container RAW",
            ));
        }
        Some(Video::Captured(_)) if !audio.is_empty() => {
            return Err(SettingsError::malformed(
                location.output,
                "frame captures have no audio",
            ));
        }
        Some(Video::Captured(capture)) => {
            refuse_foreign_container(location, container)?;
            return Ok(Content::Captures(capture));
        }
        Some(Video::Encoded(video)) => Some(video),
        None => None,
    };
    refuse_foreign_container(location, container)?;
    if video.is_none() && audio.is_empty() {
        return Err(SettingsError::malformed(
            location.output,
            "a videoDescription or an audioDescription is required",
        ));
    }
    if let Some(video) = video.as_ref().filter(|video| !container.takes_video(video.codec)) {
        return Err(misplaced(video.codec.name()));
    }
    if let Some(audio) = audio.iter().find(|audio| !container.takes_audio(audio.codec)) {
        return Err(misplaced(audio.codec.name()));
    }
    if container.takes_one_stream() && usize::from(video.is_some()) + audio.len() > 1 {
        return Err(misplaced("more than one stream"));
    }
    let in_one_file = location
        .package
        .is_some_and(|package| package.segments.single_file);
    if container == Container::PackedAudio && in_one_file {
        return Err(misplaced("packed audio of a SINGLE_FILE group"));
    }
    Ok(Content::Muxed {
        container,
        video,
        audio,
        segments: location.package.map(|package| package.segments),
    })
}

/// Each kind of package has a container of its own, and files have others.
fn refuse_foreign_container(location: &Location<'_>, container: Container) -> Result<(), SettingsError> {
    let format = location.package.map(|package| package.format);
    if container.package() == format {
        return Ok(());
    }
    let group = format.map_or("a file group", Format::name);
    let what = format!("{} in {group}", container.name());
    Err(SettingsError::unsupported(location.container, what))
}

/// The service model's list, under `Output.Extension`; those of segments are what jobs write.
fn default_extension(content: &Content) -> &'static str {
    match content {
        Content::Captures(_) => "jpg",
        Content::Muxed {
            container,
            video,
            audio,
            ..
        } => match container {
            Container::Mp4 { .. } | Container::Mpd => "mp4",
            Container::Mov => "mov",
            Container::Webm => "webm",
            Container::M3u8 => "ts",
            Container::Cmfc if video.is_some() => "cmfv",
            Container::Cmfc => "cmfa",
            Container::Raw | Container::PackedAudio => match audio.first().map(|audio| audio.codec.name()) {
                Some("MP3") => "mp3",
                _ => "aac",
            },
        },
    }
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
}
