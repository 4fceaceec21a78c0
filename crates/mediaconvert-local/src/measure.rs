//! What an output turned out to be: its objects, and its figures as ffprobe measures them.

use std::path::Path;

use crate::job::{GroupDetail, OutputDetail, VideoDetail};
use crate::job_error::JobError;
use crate::probe;
use crate::settings::{Container, Content, FrameCapture, Output, OutputGroup};
use crate::tools::Tools;

/// An output group that is written and not yet uploaded.
#[derive(Debug, Clone)]
pub(crate) struct WrittenGroup {
    /// Its files.
    pub(crate) files: Vec<WrittenFile>,
    /// What the COMPLETE event says of it.
    pub(crate) detail: GroupDetail,
}

/// An output of a file group.
#[derive(Debug)]
struct Written {
    files: Vec<WrittenFile>,
    detail: OutputDetail,
}

/// A file and where it goes.
#[derive(Debug, Clone)]
pub(crate) struct WrittenFile {
    /// Its name in the job's directory.
    pub(crate) name: String,
    /// The bucket.
    pub(crate) bucket: String,
    /// The key.
    pub(crate) key: String,
    /// Its media type.
    pub(crate) content_type: &'static str,
}

/// Measures the outputs of a file group, which ffmpeg wrote to `targets`.
pub(crate) async fn measure(
    tools: &Tools,
    directory: &Path,
    group: &OutputGroup,
    outputs: &[Output],
    targets: &[String],
) -> Result<WrittenGroup, JobError> {
    let mut files = Vec::new();
    let mut details = Vec::new();
    for (output, target) in outputs.iter().zip(targets) {
        let written = measure_output(tools, directory, output, target).await?;
        files.extend(written.files);
        details.push(written.detail);
    }
    Ok(WrittenGroup {
        files,
        detail: GroupDetail {
            event_type: group.event_type(),
            playlists: Vec::new(),
            outputs: details,
        },
    })
}

async fn measure_output(
    tools: &Tools,
    directory: &Path,
    output: &Output,
    target: &str,
) -> Result<Written, JobError> {
    match &output.content {
        Content::Captures(capture) => captures(tools, directory, output, capture, target).await,
        content @ Content::Muxed { .. } => muxed(tools, directory, output, content, target).await,
    }
}

async fn muxed(
    tools: &Tools,
    directory: &Path,
    output: &Output,
    content: &Content,
    target: &str,
) -> Result<Written, JobError> {
    let media = probe::output(tools, directory, target)
        .await
        .map_err(JobError::internal)?;
    let video = media.video.first().map(|video| VideoDetail {
        width: video.width,
        height: video.height,
        // WebM states no bitrate for a stream, so there it is that of the whole file.
        average_bitrate: video.bitrate.or(media.bitrate),
    });
    Ok(Written {
        files: vec![WrittenFile {
            name: target.to_owned(),
            bucket: output.bucket.clone(),
            key: format!("{}.{}", output.stem, output.extension),
            content_type: content_type(content),
        }],
        detail: OutputDetail {
            paths: vec![output.uri()],
            duration_ms: milliseconds(media.seconds.unwrap_or_default()),
            video,
        },
    })
}

/// `name.0000000.jpg` and so on. The event names the last one alone.
async fn captures(
    tools: &Tools,
    directory: &Path,
    output: &Output,
    capture: &FrameCapture,
    target: &str,
) -> Result<Written, JobError> {
    let key = |number: usize| format!("{}.{number:07}.{}", output.stem, output.extension);
    let name = |number: usize| target.replace("%07d", &format!("{number:07}"));
    let mut count = 0;
    while directory.join(name(count)).exists() {
        count += 1;
    }
    let last = count.checked_sub(1);
    let last = last.ok_or_else(|| JobError::internal(format!("{}: no frame to capture", output.path)))?;
    let media = probe::output(tools, directory, &name(last))
        .await
        .map_err(JobError::internal)?;
    let files = (0..count).map(|number| WrittenFile {
        name: name(number),
        bucket: output.bucket.clone(),
        key: key(number),
        content_type: "image/jpeg",
    });
    let seconds_each = f64::from(capture.rate.den) / f64::from(capture.rate.num);
    #[expect(clippy::cast_precision_loss, reason = "a number of files")]
    let seconds = count as f64 * seconds_each;
    Ok(Written {
        files: files.collect(),
        detail: OutputDetail {
            paths: vec![format!("s3://{}/{}", output.bucket, key(last))],
            duration_ms: milliseconds(seconds),
            video: media.video.first().map(|video| VideoDetail {
                width: video.width,
                height: video.height,
                average_bitrate: None,
            }),
        },
    })
}

fn content_type(content: &Content) -> &'static str {
    let Content::Muxed {
        container,
        video,
        audio,
        ..
    } = content
    else {
        return "image/jpeg";
    };
    match (container, video.is_some()) {
        (Container::Mov, _) => "video/quicktime",
        (Container::Webm, true) => "video/webm",
        (Container::Webm, false) => "audio/webm",
        (Container::Raw, _) => match audio.first().map(|track| track.codec.name()) {
            Some("MP3") => "audio/mpeg",
            _ => "audio/aac",
        },
        (_, true) => "video/mp4",
        (_, false) => "audio/mp4",
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a duration, never negative"
)]
pub(crate) fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1000.0).round() as u64
}
