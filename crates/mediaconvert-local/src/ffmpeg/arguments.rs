//! An output's settings as arguments of ffmpeg: a pure function, for the encoders of a common
//! static build. One ffmpeg writes one output.

use super::command_line::{Arguments, input};
use super::mux::mux;
use super::source::Source;
use crate::probe::VideoStream;
use crate::settings::{
    AudioCodec, AudioDescription, Content, FrameCapture, Gop, Language, RateControl, Ratio, Scaling,
    Segments, Size, VideoCodec, VideoDescription,
};

/// The arguments with which ffmpeg writes `content` to `target`. The caller has made sure that the
/// input has pictures if the output wants any.
pub(crate) fn arguments(source: &Source<'_>, content: &Content, target: &str) -> Vec<String> {
    let mut arguments = Arguments::default();
    arguments.add(["-v", "error", "-nostdin", "-y"]);
    arguments.add(["-progress", "pipe:1", "-stats_period", "0.2"]);
    input(&mut arguments, source.file, source.media);
    match content {
        Content::Muxed {
            container,
            video,
            audio,
            segments,
        } => {
            if audio.iter().any(|track| source.audio(&track.source).is_none()) {
                silence(&mut arguments, source.media.seconds);
            }
            if let (Some(video), Some(stream)) = (video, source.media.video.first()) {
                encode_video(&mut arguments, source, stream, video);
                match segments {
                    Some(segments) => segment_key_frames(&mut arguments, stream, video, *segments),
                    None => key_frames(&mut arguments, video),
                }
            }
            for (index, track) in audio.iter().enumerate() {
                encode_audio(&mut arguments, source, index, track);
            }
            // Metadata is not passed on, which for rotation is essential.
            arguments.add(["-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn"]);
            for (index, track) in audio.iter().enumerate() {
                tag_language(&mut arguments, source, index, track);
            }
            mux(&mut arguments, *container, audio, *segments, target);
        }
        Content::Captures(capture) => {
            if let Some(stream) = source.media.video.first() {
                capture_frames(&mut arguments, source, stream, capture);
            }
            arguments.add([format!("file:{target}")]);
        }
    }
    arguments.0
}

/// A second input of silence, as long as the first.
fn silence(arguments: &mut Arguments, seconds: Option<f64>) {
    arguments.add(["-f", "lavfi"]);
    if let Some(seconds) = seconds {
        arguments.option("-t", seconds);
    }
    arguments.option("-i", "anullsrc=channel_layout=stereo:sample_rate=48000");
    if seconds.is_none() {
        arguments.add(["-shortest"]);
    }
}

fn encode_video(
    arguments: &mut Arguments,
    source: &Source<'_>,
    stream: &VideoStream,
    video: &VideoDescription,
) {
    arguments.option("-map", format!("0:{}", stream.index));
    let mut filters = upright(source, stream, video.square_pixels);
    filters.extend(resize(video.size));
    if video.square_pixels || stream.pixel_aspect.as_deref().is_none_or(|ratio| ratio == "1:1") {
        filters.push("setsar=1".to_owned());
    }
    let format = if video.ten_bit { "yuv420p10le" } else { "yuv420p" };
    filters.push(format!("format={format}"));
    arguments.option("-vf", filters.join(","));
    if let Some(Ratio { num, den }) = video.frame_rate {
        arguments.option("-r", format!("{num}/{den}"));
    }
    encoder(arguments, video);
    rate_control(arguments, video);
    if let Some(frames) = video.b_frames {
        arguments.option("-bf", frames);
    }
}

fn key_frames(arguments: &mut Arguments, video: &VideoDescription) {
    match video.gop {
        Some(Gop::Frames(frames)) => arguments.option("-g", frames.round()),
        Some(Gop::Seconds(seconds)) => {
            arguments.option("-force_key_frames", format!("expr:gte(t,n_forced*{seconds})"));
        }
        None => {}
    }
}

/// Segments begin with key frames, and the same ones in all renditions: so these stand at a
/// distance in frames, at a constant rate, and scene changes add none.
fn segment_key_frames(
    arguments: &mut Arguments,
    stream: &VideoStream,
    video: &VideoDescription,
    segments: Segments,
) {
    let rate = match video.frame_rate {
        Some(Ratio { num, den }) => f64::from(num) / f64::from(den),
        None => stream.frame_rate.clamp(1.0, 240.0),
    };
    if video.frame_rate.is_none() {
        arguments.option("-r", rate);
    }
    arguments.add(["-fps_mode", "cfr", "-sc_threshold", "0", "-forced-idr", "1"]);
    let gop = match video.gop {
        Some(Gop::Frames(frames)) => Some(frames.round()),
        Some(Gop::Seconds(seconds)) => Some((seconds * rate).round()),
        None => None,
    };
    if let Some(gop) = gop {
        arguments.option("-g", gop.max(1.0));
    }
    if segments.exact || gop.is_none() {
        let frames = (f64::from(segments.seconds) * rate - 0.01).ceil();
        arguments.option("-force_key_frames", format!("expr:not(mod(n,{frames}))"));
    }
}

/// Speed goes before efficiency: this is for trying things out, not for saving bits.
fn encoder(arguments: &mut Arguments, video: &VideoDescription) {
    match video.codec {
        VideoCodec::H264 => {
            arguments.add(["-c:v", "libx264", "-preset", "veryfast"]);
            if let Some(level) = &video.level {
                arguments.option("-level:v", level);
            }
        }
        VideoCodec::H265 => {
            arguments.add(["-c:v", "libx265", "-preset", "superfast", "-tag:v", "hvc1"]);
            let level = video.level.as_ref().map(|level| format!(":level-idc={level}"));
            arguments.option(
                "-x265-params",
                format!("log-level=error{}", level.unwrap_or_default()),
            );
        }
        // Threads of libvpx spin while they wait for one another: on two busy cores one thread took
        // 2 s for what two took 43 s for.
        VideoCodec::Vp8 => {
            arguments.add(["-c:v", "libvpx", "-deadline", "good", "-cpu-used", "5"]);
            arguments.add(["-threads", "1"]);
        }
        VideoCodec::Vp9 => {
            arguments.add(["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"]);
            arguments.add(["-threads", "1"]);
        }
        VideoCodec::Av1 => arguments.add(["-c:v", "libsvtav1", "-preset", "10"]),
    }
    if let Some(profile) = video.profile {
        arguments.option("-profile:v", profile);
    }
}

fn rate_control(arguments: &mut Arguments, video: &VideoDescription) {
    let twice = |bitrate: u32| bitrate.saturating_mul(2);
    match video.rate_control {
        RateControl::Quality {
            level,
            max_bitrate,
            buffer,
        } => {
            arguments.option("-crf", rate_factor(video.codec, level));
            arguments.option("-maxrate", max_bitrate);
            arguments.option("-bufsize", buffer.unwrap_or(twice(max_bitrate)));
        }
        RateControl::Variable {
            bitrate,
            max_bitrate,
            buffer,
        } => {
            arguments.option("-b:v", bitrate);
            if let Some(max_bitrate) = max_bitrate {
                arguments.option("-maxrate", max_bitrate);
                arguments.option("-bufsize", buffer.unwrap_or(twice(max_bitrate)));
            }
        }
        RateControl::Constant { bitrate, buffer } => {
            arguments.option("-b:v", bitrate);
            arguments.option("-minrate", bitrate);
            arguments.option("-maxrate", bitrate);
            arguments.option("-bufsize", buffer.unwrap_or(twice(bitrate)));
        }
    }
}

/// MediaConvert's quality levels on each encoder's own scale, such that 7 is that encoder's usual
/// default and 10 is nearly lossless.
fn rate_factor(codec: VideoCodec, level: f64) -> f64 {
    match codec {
        VideoCodec::H264 => 37.0 - 2.0 * level,
        VideoCodec::H265 => 42.0 - 2.0 * level,
        VideoCodec::Vp8 | VideoCodec::Vp9 | VideoCodec::Av1 => (63.0 - 4.0 * level).round(),
    }
}

/// Turns the pictures and, where asked for, makes their pixels square.
fn upright(source: &Source<'_>, stream: &VideoStream, square_pixels: bool) -> Vec<String> {
    let turn = match source.turn(stream) {
        90 => Some("transpose=clock"),
        180 => Some("hflip,vflip"),
        270 => Some("transpose=cclock"),
        _ => None,
    };
    let is_square = stream.pixel_aspect.as_deref().is_none_or(|ratio| ratio == "1:1");
    let square = (square_pixels && !is_square).then_some("scale=trunc(iw*sar/2)*2:ih,setsar=1");
    turn.into_iter().chain(square).map(str::to_owned).collect()
}

/// Frame sizes are even, for 4:2:0 halves them.
fn resize(size: Size) -> Vec<String> {
    const FIT: &str = "force_original_aspect_ratio=decrease:force_divisible_by=2";
    let even = |pixels: u32| pixels & !1;
    let Size {
        width,
        height,
        scaling,
    } = size;
    match (width.map(even), height.map(even), scaling) {
        (None, None, _) => vec!["scale=trunc(iw/2)*2:trunc(ih/2)*2".to_owned()],
        (Some(w), None, Scaling::FitNoUpscale) => vec![format!("scale='trunc(min({w},iw)/2)*2':-2")],
        (None, Some(h), Scaling::FitNoUpscale) => vec![format!("scale=-2:'trunc(min({h},ih)/2)*2'")],
        (Some(w), None, _) => vec![format!("scale={w}:-2")],
        (None, Some(h), _) => vec![format!("scale=-2:{h}")],
        (Some(w), Some(h), Scaling::Pad) => vec![
            format!("scale={w}:{h}:{FIT}"),
            format!("pad={w}:{h}:(ow-iw)/2:(oh-ih)/2"),
        ],
        (Some(w), Some(h), Scaling::Stretch) => vec![format!("scale={w}:{h}")],
        (Some(w), Some(h), Scaling::Fit) => vec![format!("scale={w}:{h}:{FIT}")],
        (Some(w), Some(h), Scaling::FitNoUpscale) => {
            vec![format!("scale='min({w},iw)':'min({h},ih)':{FIT}")]
        }
        (Some(w), Some(h), Scaling::Fill) => vec![
            format!("scale={w}:{h}:force_original_aspect_ratio=increase:force_divisible_by=2"),
            format!("crop={w}:{h}"),
        ],
    }
}

fn encode_audio(arguments: &mut Arguments, source: &Source<'_>, index: usize, track: &AudioDescription) {
    match source.audio(&track.source) {
        Some(stream) => arguments.option("-map", format!("0:{}", stream.index)),
        None => arguments.option("-map", "1:0"),
    }
    let (codec, option, value) = match track.codec {
        AudioCodec::Aac { bitrate } => ("aac", "b", bitrate.to_string()),
        AudioCodec::AacVbr { quality } => ("aac", "q", aac_quality(quality).to_string()),
        AudioCodec::Opus { bitrate } => ("libopus", "b", bitrate.to_string()),
        AudioCodec::Vorbis { quality } => ("libvorbis", "q", quality.to_string()),
        AudioCodec::Mp3 { bitrate } => ("libmp3lame", "b", bitrate.to_string()),
        AudioCodec::Mp3Vbr { quality } => ("libmp3lame", "q", quality.to_string()),
    };
    arguments.option(&format!("-c:a:{index}"), codec);
    arguments.option(&format!("-{option}:a:{index}"), value);
    if let Some(rate) = track.sample_rate {
        arguments.option(&format!("-ar:a:{index}"), rate);
    }
    if let Some(channels) = track.channels {
        arguments.option(&format!("-ac:a:{index}"), channels);
    }
}

/// Steps of ffmpeg's AAC encoder, which has a scale of 0.1 to 2.
fn aac_quality(step: u8) -> f64 {
    0.5 + 0.5 * f64::from(step)
}

fn tag_language(arguments: &mut Arguments, source: &Source<'_>, index: usize, track: &AudioDescription) {
    let language = match &track.language {
        Language::Code(code) => Some(code.as_str()),
        Language::FollowInput => (source.audio(&track.source)).and_then(|stream| stream.language.as_deref()),
    };
    if let Some(language) = language {
        arguments.option(&format!("-metadata:s:a:{index}"), format!("language={language}"));
    }
}

/// "Frame capture will encode the first frame of the output stream, then one frame every
/// framerateDenominator/framerateNumerator seconds."
fn capture_frames(
    arguments: &mut Arguments,
    source: &Source<'_>,
    stream: &VideoStream,
    capture: &FrameCapture,
) {
    arguments.option("-map", format!("0:{}", stream.index));
    let mut filters = upright(source, stream, true);
    let Ratio { num, den } = capture.rate;
    filters.push(format!("fps={num}/{den}:round=up"));
    filters.extend(resize(capture.size));
    filters.push("setsar=1,format=yuvj420p".to_owned());
    arguments.option("-vf", filters.join(","));
    if let Some(captures) = capture.max_captures {
        arguments.option("-frames:v", captures);
    }
    // ffmpeg's scale for JPEG is 2 (best) to 31.
    arguments.option("-q:v", 31 - (capture.quality.clamp(1, 100) - 1) * 29 / 99);
    arguments.add(["-f", "image2", "-start_number", "0"]);
}
