//! What the `INPUT_INFORMATION` event says of an input, in MediaConvert's spelling.

use serde_json::{Value, json};

use crate::probe::{AudioStream, Media, VideoStream};

/// `inputDetails` for a job's one input.
pub(crate) fn input_details(uri: &str, media: &Media) -> Value {
    let mut input = json!({"id": 1, "uri": uri});
    if !media.audio.is_empty() {
        input["audio"] = media.audio.iter().map(audio).collect();
    }
    if !media.video.is_empty() {
        input["video"] = media.video.iter().map(video).collect();
    }
    json!([input])
}

fn audio(stream: &AudioStream) -> Value {
    let language = stream.language.as_deref().unwrap_or("und");
    json!({
        "channels": stream.channels,
        "codec": codec(stream.codec.as_deref()),
        "language": language.to_ascii_uppercase(),
        "sampleRate": stream.sample_rate,
        "streamId": stream.stream_id,
    })
}

fn video(stream: &VideoStream) -> Value {
    let mut video = json!({
        "bitDepth": stream.bit_depth,
        "codec": codec(stream.codec.as_deref()),
        "colorFormat": color_format(&stream.pixel_format),
        "frameRate": frame_rate(stream.frame_rate),
        "height": stream.height,
        "interlaceMode": interlace_mode(&stream.field_order),
        "sar": stream.pixel_aspect.as_deref().unwrap_or("1:1"),
        "standard": "UNSPECIFIED",
        "streamId": stream.stream_id,
        "width": stream.width,
    });
    if let Some(four_cc) = &stream.four_cc {
        video["fourCC"] = json!(four_cc);
    }
    video
}

/// MediaConvert's name of a codec; one that it has no name for keeps ffmpeg's, in capitals.
fn codec(name: Option<&str>) -> String {
    match name {
        Some("h264") => "H_264".to_owned(),
        Some("hevc") => "H_265".to_owned(),
        Some("mpeg2video") => "MPEG2".to_owned(),
        Some(pcm) if pcm.starts_with("pcm_") => "PCM".to_owned(),
        Some(name) => name.to_ascii_uppercase(),
        None => "UNKNOWN".to_owned(),
    }
}

fn color_format(pixel_format: &str) -> &'static str {
    match pixel_format {
        format if format.contains("420") || format.starts_with("nv") => "YUV_420",
        format if format.contains("422") => "YUV_422",
        format if format.contains("444") => "YUV_444",
        _ => "UNKNOWN",
    }
}

fn interlace_mode(field_order: &str) -> &'static str {
    match field_order {
        "tt" | "tb" => "TOP_FIELD",
        "bb" | "bt" => "BOTTOM_FIELD",
        _ => "PROGRESSIVE",
    }
}

/// 24 or 23.98, but never 24.0.
fn frame_rate(rate: f64) -> Value {
    let rounded = (rate * 100.0).round() / 100.0;
    #[expect(clippy::cast_possible_truncation, reason = "a frame rate without a fraction")]
    if rounded.fract() == 0.0 {
        json!(rounded as i64)
    } else {
        json!(rounded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_event_comes_out_of_such_a_file() {
        let media = Media {
            seconds: Some(10.0),
            bitrate: None,
            video: vec![VideoStream {
                index: 0,
                stream_id: 1,
                codec: Some("h264".into()),
                four_cc: Some("avc1".into()),
                width: 1920,
                height: 1080,
                frame_rate: 24_000.0 / 1001.0,
                pixel_format: "yuv420p".into(),
                bit_depth: 8,
                pixel_aspect: Some("1:1".into()),
                field_order: "progressive".into(),
                rotation: 0,
                bitrate: None,
            }],
            audio: vec![AudioStream {
                index: 1,
                stream_id: 2,
                codec: Some("aac".into()),
                channels: 2,
                sample_rate: 44_100,
                language: None,
            }],
        };
        let sample = include_str!("../../../events/mediaconvert/input-information.json");
        let sample: Value = serde_json::from_str(sample).unwrap();

        assert_eq!(
            input_details("s3://amzn-s3-demo-bucket/file/file.mp4", &media),
            sample["detail"]["inputDetails"]
        );
    }

    #[test]
    fn whole_frame_rates_are_whole_numbers() {
        for (rate, expected) in [(24.0, "24"), (24_000.0 / 1001.0, "23.98"), (29.97, "29.97")] {
            assert_eq!(frame_rate(rate).to_string(), expected);
        }
    }
}
