//! One output of a package: its segments, and the names that they have in S3 and in manifests.

use std::path::Path;

use m3u8_rs::{MediaPlaylist, MediaSegment};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::job::{OutputDetail, VideoDetail};
use crate::job_error::JobError;
use crate::measure::{WrittenFile, milliseconds};
use crate::probe::Media;
use crate::settings::{Content, Format, Output, OutputGroup};

/// What RFC 3986 leaves as it is in a path. `$`, which means something in DASH, is not among it.
const IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// An encoded output of a package.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) output: &'a Output,
    /// What is in it.
    pub(super) media: Media,
    /// Its segments, by their names in the job's directory.
    pub(super) playlist: MediaPlaylist,
    /// What these names begin with.
    prefix: String,
    /// Its codecs as RFC 6381 writes them, separated by commas.
    pub(super) codecs: String,
    /// Bits per second of its largest segment, for its length.
    pub(super) peak_bitrate: u64,
    /// Bits per second of all of it.
    pub(super) average_bitrate: u64,
}

impl<'a> Part<'a> {
    pub(super) fn new(
        directory: &Path,
        output: &'a Output,
        media: Media,
        (playlist, prefix): (MediaPlaylist, String),
        codecs: String,
    ) -> Result<Self, JobError> {
        let sizes = (playlist.segments.iter())
            .map(|segment| Ok((size(directory, segment)?, f64::from(segment.duration))))
            .collect::<Result<Vec<_>, JobError>>()?;
        let (bytes, seconds) = (sizes.iter()).fold((0, 0.0), |(bytes, seconds), (size, length)| {
            (bytes + size, seconds + length)
        });
        // What is left at the end says little about the stream.
        let longest = sizes.iter().map(|(_, length)| *length).fold(0.0, f64::max);
        let peak = (sizes.iter())
            .filter(|(_, length)| *length >= longest / 2.0)
            .map(|(size, length)| bitrate(*size, *length));
        let average_bitrate = bitrate(bytes, seconds);
        Ok(Self {
            output,
            media,
            prefix,
            codecs,
            peak_bitrate: peak.max().unwrap_or_default().max(average_bitrate),
            average_bitrate,
            playlist,
        })
    }

    /// The key of a file: MediaConvert's endings are ffmpeg's but for the extension.
    fn key(&self, file: &str) -> String {
        let ending = file.strip_prefix(&self.prefix).unwrap_or(file);
        let ending = ending.rsplit_once('.').map_or(ending, |(ending, _)| ending);
        let modifier = &self.output.rendition.segment_modifier;
        format!("{}{modifier}{ending}.{}", self.output.stem, self.output.extension)
    }

    /// As [`Part::key`], relative to the playlist of this output.
    pub(super) fn reference(&self, file: &str) -> String {
        let key = self.key(file);
        let name = key.rsplit_once('/').map_or(key.as_str(), |(_, name)| name);
        utf8_percent_encode(name, IN_PATHS).to_string()
    }

    /// All files that its playlist names, each once.
    pub(super) fn segments(&self, group: &OutputGroup) -> Vec<WrittenFile> {
        let initial = self
            .playlist
            .segments
            .iter()
            .filter_map(|segment| segment.map.as_ref());
        let mut names: Vec<&str> = initial.map(|map| map.uri.as_str()).collect();
        names.extend(self.playlist.segments.iter().map(|segment| segment.uri.as_str()));
        names.dedup();
        (names.into_iter())
            .map(|name| WrittenFile {
                name: name.to_owned(),
                bucket: group.destination.bucket.clone(),
                key: self.key(name),
                content_type: self.content_type(),
            })
            .collect()
    }

    fn content_type(&self) -> &'static str {
        match (self.output.extension.as_str(), self.has_video()) {
            ("ts", _) => "video/mp2t",
            ("aac", _) => "audio/aac",
            ("mp3", _) => "audio/mpeg",
            (_, true) => "video/mp4",
            (_, false) => "audio/mp4",
        }
    }

    pub(super) fn has_video(&self) -> bool {
        self.output.content.has_video()
    }

    pub(super) fn has_audio(&self) -> bool {
        matches!(&self.output.content, Content::Muxed { audio, .. } if !audio.is_empty())
    }

    pub(super) fn detail(&self, format: Format) -> OutputDetail {
        let playlist = format!("s3://{}/{}", self.output.bucket, self.output.playlist());
        let seconds: f64 = (self.playlist.segments.iter())
            .map(|segment| f64::from(segment.duration))
            .sum();
        OutputDetail {
            paths: (format == Format::Hls).then_some(playlist).into_iter().collect(),
            duration_ms: milliseconds(seconds),
            video: self.media.video.first().map(|video| VideoDetail {
                width: video.width,
                height: video.height,
                // A transport stream states none for its video alone.
                average_bitrate: video.bitrate.or(Some(self.average_bitrate)),
            }),
        }
    }
}

fn size(directory: &Path, segment: &MediaSegment) -> Result<u64, JobError> {
    if let Some(range) = &segment.byte_range {
        return Ok(range.length);
    }
    let file = std::fs::metadata(directory.join(&segment.uri)).map_err(JobError::internal)?;
    Ok(file.len())
}

fn bitrate(bytes: u64, seconds: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a bitrate, never negative"
    )]
    let bitrate = (bytes as f64 * 8.0 / seconds.max(0.001)).round() as u64;
    bitrate
}

/// Where `key` is for a manifest of the group: relative to the group's directory.
pub(super) fn reference(group: &OutputGroup, key: &str) -> String {
    let directory = group.destination.stem.rfind('/').map_or(0, |slash| slash + 1);
    utf8_percent_encode(&key[directory..], IN_PATHS).to_string()
}

/// A playlist that ffmpeg wrote to `file`.
pub(super) fn read_playlist(directory: &Path, file: &str) -> Result<MediaPlaylist, JobError> {
    let text = std::fs::read(directory.join(file)).map_err(JobError::internal)?;
    m3u8_rs::parse_media_playlist_res(&text).map_err(|error| JobError::internal(format!("{file}: {error}")))
}

pub(super) fn text_of(
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), std::io::Error>,
) -> Result<Vec<u8>, JobError> {
    let mut text = Vec::new();
    write(&mut text).map_err(JobError::internal)?;
    Ok(text)
}
