//! Streaming packages: the segments of a group's outputs, under the names they have in S3, and the
//! manifests that list them.
//!
//! ffmpeg cuts the segments and writes a playlist for each output; what is in the package is read
//! from those, so a manifest never names an object that is not uploaded.

mod dash;
mod hls;
mod mpd;
mod multivariant;
mod part;
#[cfg(test)]
mod tests;

use std::path::Path;

use crate::job::GroupDetail;
use crate::job_error::JobError;
use crate::measure::{WrittenFile, WrittenGroup};
use crate::settings::{Format, Output, OutputGroup, Package};
use crate::tools::Tools;

const PLAYLIST_TYPE: &str = "application/vnd.apple.mpegurl";
const MPD_TYPE: &str = "application/dash+xml";

/// Packages the outputs of a group, which ffmpeg wrote to `targets` in `directory`. `name` is for
/// files of the group's own.
pub(crate) async fn package(
    tools: &Tools,
    directory: &Path,
    (group, package): (&OutputGroup, &Package),
    outputs: &[Output],
    targets: &[String],
    name: &str,
) -> Result<WrittenGroup, JobError> {
    let (parts, mpd) = match package.format {
        Format::Hls => (hls::parts(tools, directory, outputs, targets).await?, None),
        Format::Cmaf | Format::DashIso => {
            let (parts, mpd) = dash::parts(tools, directory, package, outputs, targets, name).await?;
            (parts, Some(mpd).filter(|_| package.dash))
        }
    };
    // They become visible in this order: what is named before what names it.
    let mut files: Vec<WrittenFile> = parts.iter().flat_map(|part| part.segments(group)).collect();
    if let Some(mpd) = mpd {
        let text = dash::manifest(&mpd, group, &parts)?;
        let file = (format!("{name}.mpd"), format!("{}.mpd", group.destination.stem));
        files.push(write(directory, group, file, MPD_TYPE, &text)?);
    }
    if let Some(settings) = package.hls {
        for (index, part) in parts.iter().enumerate() {
            let file = (format!("{name}-{index}-final.m3u8"), part.output.playlist());
            let text = hls::playlist(part, settings)?;
            files.push(write(directory, group, file, PLAYLIST_TYPE, &text)?);
        }
        let file = (format!("{name}.m3u8"), format!("{}.m3u8", group.destination.stem));
        let text = multivariant::playlist(group, package.format, settings, &parts)?;
        files.push(write(directory, group, file, PLAYLIST_TYPE, &text)?);
    }
    let bucket = &group.destination.bucket;
    let playlists = group.manifests().map(|key| format!("s3://{bucket}/{key}"));
    Ok(WrittenGroup {
        files,
        detail: GroupDetail {
            event_type: group.event_type(),
            playlists: playlists.collect(),
            outputs: parts.iter().map(|part| part.detail(package.format)).collect(),
        },
    })
}

fn write(
    directory: &Path,
    group: &OutputGroup,
    (name, key): (String, String),
    content_type: &'static str,
    text: &[u8],
) -> Result<WrittenFile, JobError> {
    std::fs::write(directory.join(&name), text).map_err(JobError::internal)?;
    Ok(WrittenFile {
        name,
        bucket: group.destination.bucket.clone(),
        key,
        content_type,
    })
}
