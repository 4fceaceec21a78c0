//! Cuts encoded outputs into the segments of a CMAF or DASH package.

use super::command_line::Arguments;
use crate::probe::VideoStream;
use crate::settings::Segments;

/// One encoded output, which is one stream.
#[derive(Debug)]
pub(crate) struct Stream<'a> {
    /// Its file, from the directory ffmpeg runs in.
    pub(crate) file: String,
    /// Its pictures; absent for sound.
    pub(crate) video: Option<&'a VideoStream>,
}

/// Streams that a player may take for one another.
struct AdaptationSet {
    /// Their numbers.
    streams: Vec<usize>,
    /// Width to height of the pictures as they are shown.
    shape: Option<(u32, u32)>,
}

/// The arguments with which ffmpeg cuts `streams` and lists the segments in `manifest.mpd` and, for
/// each stream, in `media_0.m3u8` and so on. Names begin with the stream's number.
pub(crate) fn cut(streams: &[Stream<'_>], segments: Segments) -> Vec<String> {
    let mut arguments = Arguments::default();
    arguments.add(["-v", "error", "-nostdin", "-y"]);
    for stream in streams {
        arguments.option("-i", format!("file:{}", stream.file));
    }
    for index in 0..streams.len() {
        arguments.option("-map", index);
    }
    arguments.add(["-c", "copy"]);
    let sets = adaptation_sets(streams);
    for set in &sets {
        // Frames have whole pixels, so the same shape is not quite the same in every size; the
        // muxer wants it to be.
        if let Some((width, height)) = set.shape {
            for index in &set.streams {
                arguments.option(&format!("-aspect:{index}"), format!("{width}:{height}"));
            }
        }
    }
    arguments.add(["-f", "dash", "-hls_playlist", "1"]);
    arguments.option("-seg_duration", segments.seconds);
    // A segment is one fragment unless that is shorter.
    if let Some(seconds) = (segments.fragment_seconds).filter(|&fragment| fragment < segments.seconds) {
        arguments.add(["-frag_type", "duration"]);
        arguments.option("-frag_duration", seconds);
    }
    if segments.single_file {
        arguments.add(["-single_file", "1", "-single_file_name", "$RepresentationID$.m4s"]);
    } else {
        arguments.add(["-init_seg_name", "$RepresentationID$init.m4s"]);
        arguments.add(["-media_seg_name", "$RepresentationID$_$Number%09d$.m4s"]);
    }
    let sets = (sets.iter().enumerate()).map(|(id, set)| {
        let streams: Vec<String> = set.streams.iter().map(ToString::to_string).collect();
        format!("id={id},streams={}", streams.join(","))
    });
    arguments.option("-adaptation_sets", sets.collect::<Vec<_>>().join(" "));
    arguments.add(["file:manifest.mpd"]);
    arguments.0
}

/// Pictures of one shape and codec are one set; each sound is one of its own. Pictures come first.
fn adaptation_sets(streams: &[Stream<'_>]) -> Vec<AdaptationSet> {
    let mut sets: Vec<AdaptationSet> = Vec::new();
    for (index, stream) in streams.iter().enumerate() {
        let Some(video) = stream.video else {
            continue;
        };
        let alike = sets.iter_mut().find(|set| {
            let other = streams[set.streams[0]].video;
            other.is_some_and(|other| other.codec == video.codec && alike(shape(other), shape(video)))
        });
        match alike {
            Some(set) => set.streams.push(index),
            None => sets.push(AdaptationSet {
                streams: vec![index],
                shape: Some(shape(video)),
            }),
        }
    }
    let sound = (0..streams.len()).filter(|&index| streams[index].video.is_none());
    sets.extend(sound.map(|index| AdaptationSet {
        streams: vec![index],
        shape: None,
    }));
    sets
}

fn shape(video: &VideoStream) -> (u32, u32) {
    let pixel = video
        .pixel_aspect
        .as_deref()
        .and_then(|ratio| ratio.split_once(':'));
    let pixel =
        pixel.and_then(|(width, height)| Some((width.parse::<u32>().ok()?, height.parse::<u32>().ok()?)));
    let (width, height) = pixel.unwrap_or((1, 1));
    (
        video.width.saturating_mul(width),
        video.height.saturating_mul(height),
    )
}

/// Within 2 %: a pixel more or less of the smallest frames.
fn alike(one: (u32, u32), other: (u32, u32)) -> bool {
    let ratio = |(width, height): (u32, u32)| f64::from(width) / f64::from(height);
    (ratio(one) / ratio(other) - 1.0).abs() < 0.02
}
