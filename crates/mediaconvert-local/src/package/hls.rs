//! HLS outputs: what ffmpeg's hls and segment muxers wrote, and each output's own playlist.

use std::path::Path;

use m3u8_rs::MediaPlaylistType;

use super::part::{Part, read_playlist, text_of};
use crate::ffmpeg;
use crate::job_error::JobError;
use crate::probe;
use crate::settings::{Container, Content, HlsPlaylists, Output};
use crate::tools::Tools;

/// What a transport stream of ffmpeg's adds to all timestamps, in units of 90 kHz: 1.4 s.
const STREAM_START: u64 = 126_000;

/// Reads what ffmpeg wrote of each output.
pub(super) async fn parts<'a>(
    tools: &Tools,
    directory: &Path,
    outputs: &'a [Output],
    targets: &[String],
) -> Result<Vec<Part<'a>>, JobError> {
    let mut parts = Vec::new();
    for (output, target) in outputs.iter().zip(targets) {
        let file = format!("{target}.m3u8");
        let media = probe::output(tools, directory, &file).await;
        let media = media.map_err(JobError::internal)?;
        let playlist = read_playlist(directory, &file)?;
        let codecs = match packed_codec(&output.content) {
            Some(codec) => codec.to_owned(),
            None => stated_codecs(directory, target)?,
        };
        let part = Part::new(directory, output, media, (playlist, target.clone()), codecs)?;
        if packed_codec(&output.content).is_some() {
            stamp(directory, &part)?;
        }
        parts.push(part);
    }
    Ok(parts)
}

fn packed_codec(content: &Content) -> Option<&'static str> {
    match content {
        Content::Muxed {
            container: Container::PackedAudio,
            audio,
            ..
        } => match audio.first()?.codec.name() {
            "MP3" => Some("mp4a.40.34"),
            _ => Some("mp4a.40.2"),
        },
        _ => None,
    }
}

fn stated_codecs(directory: &Path, target: &str) -> Result<String, JobError> {
    let file = ffmpeg::codecs_playlist(target);
    let text = std::fs::read(directory.join(&file)).map_err(JobError::internal)?;
    let playlist = m3u8_rs::parse_master_playlist_res(&text)
        .map_err(|error| JobError::internal(format!("{file}: {error}")))?;
    let codecs = playlist.variants.into_iter().find_map(|variant| variant.codecs);
    codecs.ok_or_else(|| JobError::internal(format!("{file}: no codecs")))
}

/// Puts the ID3 tag before each segment of bare audio that says when it plays (RFC 8216, 3.4).
fn stamp(directory: &Path, part: &Part<'_>) -> Result<(), JobError> {
    let mut seconds = 0.0;
    for segment in &part.playlist.segments {
        let path = directory.join(&segment.uri);
        let audio = std::fs::read(&path).map_err(JobError::internal)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time")]
        let ticks = STREAM_START + (seconds * 90_000.0) as u64;
        std::fs::write(&path, [timestamp_tag(ticks), audio].concat()).map_err(JobError::internal)?;
        seconds += f64::from(segment.duration);
    }
    Ok(())
}

/// An ID3v2.4 tag with one PRIV frame.
fn timestamp_tag(ticks: u64) -> Vec<u8> {
    const OWNER: &[u8] = b"com.apple.streaming.transportStreamTimestamp\0";
    let header = |id: &[u8], size: u8, flags: &[u8]| [id, &[0, 0, 0, size], flags].concat();
    #[expect(clippy::cast_possible_truncation, reason = "53 bytes")]
    let frame = [
        header(b"PRIV", OWNER.len() as u8 + 8, &[0, 0]),
        OWNER.to_vec(),
        ticks.to_be_bytes().to_vec(),
    ]
    .concat();
    #[expect(clippy::cast_possible_truncation, reason = "63 bytes")]
    let tag = [b"ID3\x04\0\0", &[0, 0, 0, frame.len() as u8][..], &frame].concat();
    tag
}

/// The playlist of one output, with the names its segments have in S3.
pub(super) fn playlist(part: &Part<'_>, settings: HlsPlaylists) -> Result<Vec<u8>, JobError> {
    let mut playlist = part.playlist.clone();
    playlist.playlist_type = Some(MediaPlaylistType::Vod);
    playlist.end_list = true;
    playlist.independent_segments = part.has_video();
    playlist.unknown_tags.clear();
    for segment in &mut playlist.segments {
        segment.uri = part.reference(&segment.uri);
        segment.program_date_time = None;
        if let Some(map) = &mut segment.map {
            map.uri = part.reference(&map.uri);
        }
        if settings.whole_seconds {
            segment.duration = segment.duration.round();
        }
    }
    text_of(|text| playlist.write_to(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_the_tag_that_rfc_8216_asks_for() {
        let tag = timestamp_tag(STREAM_START);

        assert_eq!(&tag[..10], b"ID3\x04\0\0\0\0\0\x3f");
        assert_eq!(&tag[10..20], b"PRIV\0\0\0\x35\0\0");
        assert_eq!(tag.len(), 73);
        assert_eq!(tag[65..], 126_000_u64.to_be_bytes());
    }
}
