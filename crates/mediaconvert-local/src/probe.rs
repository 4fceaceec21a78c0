//! What ffprobe finds in a file.

use std::path::Path;

use serde::Deserialize;

use crate::tools::Tools;

/// The containers that are read, by ffmpeg's names: files only. Left to guess, ffmpeg would also
/// take playlists and scripts, which make it open further files of this machine.
pub(crate) const CONTAINERS: &str = "3g2,3gp,aac,ac3,aiff,asf,avi,dv,eac3,flac,flv,gxf,m4a,matroska,mj2,mov,mp3,mp4,mpeg,mpegts,mpegvideo,mxf,ogg,wav,webm";

/// Why there is nothing to say about a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProbeError {
    /// It is not a media file, or it holds neither pictures nor sound.
    #[error("not a media file: {0}")]
    NotMedia(String),
    /// ffprobe could not be run or understood.
    #[error("ffprobe failed: {0}")]
    Failed(String),
}

/// A media file.
#[derive(Debug, Clone)]
pub(crate) struct Media {
    /// How long it plays, if its container says so.
    pub(crate) seconds: Option<f64>,
    /// Bits per second of all of it.
    pub(crate) bitrate: Option<u64>,
    /// Its video streams, without cover pictures.
    pub(crate) video: Vec<VideoStream>,
    /// Its audio streams.
    pub(crate) audio: Vec<AudioStream>,
}

/// A video stream.
#[derive(Debug, Clone)]
pub(crate) struct VideoStream {
    /// Its number in the file, from 0, among all streams.
    pub(crate) index: u32,
    /// The container's own number for it.
    pub(crate) stream_id: u32,
    /// ffmpeg's name of the codec; absent if it knows none.
    pub(crate) codec: Option<String>,
    /// The codec's four-character code.
    pub(crate) four_cc: Option<String>,
    /// Pixels, as stored.
    pub(crate) width: u32,
    /// Pixels, as stored.
    pub(crate) height: u32,
    /// Frames per second.
    pub(crate) frame_rate: f64,
    /// ffmpeg's name of the pixel format.
    pub(crate) pixel_format: String,
    /// Bits per sample.
    pub(crate) bit_depth: u32,
    /// `1:1`, width to height of a pixel.
    pub(crate) pixel_aspect: Option<String>,
    /// ffmpeg's name of the field order.
    pub(crate) field_order: String,
    /// Degrees clockwise by which a player turns the pictures.
    pub(crate) rotation: u16,
    /// Bits per second.
    pub(crate) bitrate: Option<u64>,
}

/// An audio stream.
#[derive(Debug, Clone)]
pub(crate) struct AudioStream {
    /// Its number in the file, from 0, among all streams.
    pub(crate) index: u32,
    /// The container's own number for it.
    pub(crate) stream_id: u32,
    /// ffmpeg's name of the codec; absent if it knows none.
    pub(crate) codec: Option<String>,
    /// Channels.
    pub(crate) channels: u32,
    /// Samples per second.
    pub(crate) sample_rate: u32,
    /// ISO 639-2 code.
    pub(crate) language: Option<String>,
}

/// Looks into an input: only at `CONTAINERS`, as anyone may have made the file.
pub(crate) async fn input(tools: &Tools, directory: &Path, file: &str) -> Result<Media, ProbeError> {
    run(tools, directory, &["-format_whitelist", CONTAINERS], file).await
}

/// Looks into a file that ffmpeg has just written.
pub(crate) async fn output(tools: &Tools, directory: &Path, file: &str) -> Result<Media, ProbeError> {
    run(tools, directory, &[], file).await
}

async fn run(tools: &Tools, directory: &Path, options: &[&str], file: &str) -> Result<Media, ProbeError> {
    let output = Tools::command(&tools.ffprobe, directory)
        .args([
            "-v",
            "error",
            "-print_format",
            "json",
            "-show_format",
            "-show_streams",
        ])
        .args(["-protocol_whitelist", "file"])
        .args(options)
        .arg(format!("file:{file}"))
        .output()
        .await
        .map_err(|error| ProbeError::Failed(error.to_string()))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        return Err(ProbeError::NotMedia(message.trim().to_owned()));
    }
    let report: Report =
        serde_json::from_slice(&output.stdout).map_err(|error| ProbeError::Failed(error.to_string()))?;
    let media = Media::from(report);
    if media.video.is_empty() && media.audio.is_empty() {
        return Err(ProbeError::NotMedia("neither pictures nor sound".to_owned()));
    }
    Ok(media)
}

#[derive(Debug, Deserialize)]
struct Report {
    #[serde(default)]
    streams: Vec<StreamReport>,
    format: ContainerReport,
}

#[derive(Debug, Deserialize)]
struct ContainerReport {
    duration: Option<String>,
    bit_rate: Option<String>,
}

#[derive(Debug, Deserialize)]
struct StreamReport {
    index: u32,
    id: Option<String>,
    codec_type: Option<String>,
    codec_name: Option<String>,
    codec_tag_string: Option<String>,
    #[serde(default)]
    width: u32,
    #[serde(default)]
    height: u32,
    #[serde(default)]
    avg_frame_rate: String,
    #[serde(default)]
    pix_fmt: String,
    bits_per_raw_sample: Option<String>,
    sample_aspect_ratio: Option<String>,
    #[serde(default)]
    field_order: String,
    bit_rate: Option<String>,
    duration: Option<String>,
    #[serde(default)]
    channels: u32,
    sample_rate: Option<String>,
    #[serde(default)]
    disposition: Disposition,
    #[serde(default)]
    side_data_list: Vec<SideData>,
    #[serde(default)]
    tags: Tags,
}

#[derive(Debug, Default, Deserialize)]
struct Disposition {
    #[serde(default)]
    attached_pic: u8,
}

#[derive(Debug, Deserialize)]
struct SideData {
    rotation: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
struct Tags {
    language: Option<String>,
}

impl From<Report> for Media {
    fn from(report: Report) -> Self {
        let of_type = |name: &'static str| {
            (report.streams.iter()).filter(move |stream| stream.codec_type.as_deref() == Some(name))
        };
        let longest = (report.streams.iter())
            .filter_map(|stream| number::<f64>(stream.duration.as_deref()))
            .reduce(f64::max);
        Self {
            seconds: number(report.format.duration.as_deref()).or(longest),
            bitrate: number(report.format.bit_rate.as_deref()),
            video: of_type("video")
                .filter(|stream| stream.disposition.attached_pic == 0)
                .map(VideoStream::from)
                .collect(),
            audio: of_type("audio").map(AudioStream::from).collect(),
        }
    }
}

impl From<&StreamReport> for VideoStream {
    fn from(stream: &StreamReport) -> Self {
        let raw_bits = number(stream.bits_per_raw_sample.as_deref()).filter(|&bits| bits > 0);
        let rotation = stream.side_data_list.iter().find_map(|data| data.rotation);
        Self {
            index: stream.index,
            stream_id: stream_id(stream),
            codec: stream.codec_name.clone(),
            four_cc: (stream.codec_tag_string.clone()).filter(|tag| !tag.starts_with('[')),
            width: stream.width,
            height: stream.height,
            frame_rate: fraction(&stream.avg_frame_rate).unwrap_or_default(),
            pixel_format: stream.pix_fmt.clone(),
            bit_depth: raw_bits.unwrap_or_else(|| bit_depth(&stream.pix_fmt)),
            pixel_aspect: (stream.sample_aspect_ratio.clone()).filter(|ratio| !ratio.starts_with("0:")),
            field_order: stream.field_order.clone(),
            rotation: rotation.map(clockwise).unwrap_or_default(),
            bitrate: number(stream.bit_rate.as_deref()),
        }
    }
}

impl From<&StreamReport> for AudioStream {
    fn from(stream: &StreamReport) -> Self {
        Self {
            index: stream.index,
            stream_id: stream_id(stream),
            codec: stream.codec_name.clone(),
            channels: stream.channels,
            sample_rate: number(stream.sample_rate.as_deref()).unwrap_or_default(),
            language: (stream.tags.language.clone()).filter(|language| language != "und"),
        }
    }
}

fn number<T: std::str::FromStr>(text: Option<&str>) -> Option<T> {
    text?.parse().ok()
}

/// The container's number, which ffprobe writes as `0x1`; streams without one count from 1.
fn stream_id(stream: &StreamReport) -> u32 {
    let id = stream.id.as_deref().and_then(|id| id.strip_prefix("0x"));
    id.and_then(|id| u32::from_str_radix(id, 16).ok())
        .unwrap_or(stream.index + 1)
}

fn fraction(text: &str) -> Option<f64> {
    let (num, den) = text.split_once('/')?;
    let (num, den): (f64, f64) = (num.parse().ok()?, den.parse().ok()?);
    (den > 0.0).then(|| num / den)
}

/// `yuv420p10le` has 10 bits, `yuv420p` 8.
fn bit_depth(pixel_format: &str) -> u32 {
    let name = pixel_format.trim_end_matches("le").trim_end_matches("be");
    let digits = name.rsplit_once('p').map_or("", |(_, digits)| digits);
    digits.parse().unwrap_or(8)
}

/// ffprobe counts anticlockwise. "The rotation must be within one degree of 90, 180, or 270
/// degrees"; at any other, MediaConvert does not turn.
fn clockwise(anticlockwise: f64) -> u16 {
    let degrees = (-anticlockwise).rem_euclid(360.0);
    [90_u16, 180, 270]
        .into_iter()
        .find(|&turn| (degrees - f64::from(turn)).abs() <= 1.0)
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotation_is_clockwise_and_a_multiple_of_a_quarter_turn() {
        for (anticlockwise, expected) in [
            (0.0, 0),
            (-90.0, 90),
            (90.0, 270),
            (180.0, 180),
            (-180.0, 180),
            (-89.5, 90),
            (-45.0, 0),
        ] {
            assert_eq!(clockwise(anticlockwise), expected, "{anticlockwise}");
        }
    }

    #[test]
    fn bit_depths_are_read_off_the_pixel_format() {
        for (format, bits) in [
            ("yuv420p", 8),
            ("yuv420p10le", 10),
            ("yuv444p12be", 12),
            ("nv12", 8),
            ("", 8),
        ] {
            assert_eq!(bit_depth(format), bits, "{format}");
        }
    }

    #[tokio::test]
    async fn text_is_not_media_whatever_it_is_called() {
        let directory = tempfile::tempdir().unwrap();
        let playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n";
        for text in ["hello", "", playlist, "ffconcat version 1.0\nfile /etc/passwd\n"] {
            std::fs::write(directory.path().join("input"), text).unwrap();
            let error = input(&crate::fixtures::tools(), directory.path(), "input")
                .await
                .unwrap_err();
            assert!(matches!(error, ProbeError::NotMedia(_)), "{text}: {error}");
        }
    }
}
