//! The container of an output, or its segments and their playlist.

use super::command_line::Arguments;
use crate::settings::{AudioDescription, Container, Segments};

/// What an encode ends with: the muxer and what it writes. Segments of CMAF and DASH are cut later,
/// those of all outputs of a group at once.
pub(super) fn mux(
    arguments: &mut Arguments,
    container: Container,
    audio: &[AudioDescription],
    segments: Option<Segments>,
    target: &str,
) {
    let format = match (container, segments) {
        (Container::M3u8, Some(segments)) => return transport_stream(arguments, segments, target),
        (Container::PackedAudio, Some(segments)) => {
            return packed_audio(arguments, bare_audio(audio), segments, target);
        }
        (Container::Mov, _) => "mov",
        (Container::Webm, _) => "webm",
        (Container::Raw, _) => bare_audio(audio),
        (Container::Mp4 { fast_start: true }, _) => {
            arguments.add(["-movflags", "+faststart"]);
            "mp4"
        }
        _ => "mp4",
    };
    arguments.option("-f", format);
    arguments.add([format!("file:{target}")]);
}

/// ffmpeg's muxer for sound without a container.
fn bare_audio(audio: &[AudioDescription]) -> &'static str {
    match audio.first().map(|track| track.codec.name()) {
        Some("MP3") => "mp3",
        _ => "adts",
    }
}

/// Segments and, called `target` with `.m3u8`, the playlist of them.
fn transport_stream(arguments: &mut Arguments, segments: Segments, target: &str) {
    // Left to itself, ffmpeg would delay each output by its own B-frames.
    arguments.add(["-avoid_negative_ts", "disabled"]);
    arguments.add(["-hls_segment_options", "avoid_negative_ts=disabled"]);
    arguments.add(["-f", "hls", "-hls_playlist_type", "vod", "-start_number", "1"]);
    arguments.option("-hls_time", segments.seconds);
    if segments.single_file {
        arguments.add(["-hls_flags", "single_file"]);
        arguments.option("-hls_segment_filename", format!("{target}.ts"));
    } else {
        arguments.option("-hls_segment_filename", format!("{target}_%05d.ts"));
    }
    arguments.option("-master_pl_name", codecs_playlist(target));
    arguments.add([format!("file:{target}.m3u8")]);
}

/// As [`transport_stream`], without one.
fn packed_audio(arguments: &mut Arguments, format: &str, segments: Segments, target: &str) {
    arguments.add(["-f", "segment", "-segment_list_type", "m3u8"]);
    arguments.option("-segment_format", format);
    arguments.option("-segment_time", segments.seconds);
    arguments.option("-segment_start_number", 1);
    arguments.option("-segment_list", format!("{target}.m3u8"));
    // As it is usually called; ffprobe reads no segments of other names.
    let extension = if format == "adts" { "aac" } else { format };
    arguments.add([format!("{target}_%05d.{extension}")]);
}

/// The playlist in which ffmpeg states the codecs of the transport stream `target`.
pub(crate) fn codecs_playlist(target: &str) -> String {
    format!("{target}-codecs.m3u8")
}
