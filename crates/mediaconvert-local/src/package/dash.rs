//! CMAF and DASH outputs: cut by ffmpeg's dash muxer, all of a group at once, from one encoded
//! file each.

use std::path::Path;

use super::mpd::{self, FileNames};
use super::part::{Part, read_playlist, reference};
use crate::ffmpeg::{self, Stream};
use crate::job_error::JobError;
use crate::probe;
use crate::settings::{Output, OutputGroup, Package};
use crate::tools::Tools;

/// Cuts the outputs; besides them, the manifest as ffmpeg writes it.
pub(super) async fn parts<'a>(
    tools: &Tools,
    directory: &Path,
    package: &Package,
    outputs: &'a [Output],
    targets: &[String],
    name: &str,
) -> Result<(Vec<Part<'a>>, String), JobError> {
    // ffmpeg gives the playlists names of its own, the same in each group.
    let own = directory.join(name);
    std::fs::create_dir(&own).map_err(JobError::internal)?;
    let mut media = Vec::new();
    for target in targets {
        let probed = probe::output(tools, directory, target).await;
        media.push(probed.map_err(JobError::internal)?);
    }
    let streams: Vec<Stream<'_>> = (targets.iter().zip(&media))
        .map(|(target, media)| Stream {
            file: format!("../{target}"),
            video: media.video.first(),
        })
        .collect();
    let arguments = ffmpeg::cut(&streams, package.segments);
    let cut = ffmpeg::encode(tools, &own, &arguments, |_| ()).await;
    cut.map_err(|error| JobError::Transcode {
        reason: error.to_string(),
    })?;
    let mpd = std::fs::read_to_string(own.join("manifest.mpd")).map_err(JobError::internal)?;
    let codecs = mpd::codecs(&mpd, outputs.len()).map_err(JobError::internal)?;
    let mut parts = Vec::new();
    for (index, ((output, media), codecs)) in outputs.iter().zip(media).zip(codecs).enumerate() {
        let mut playlist = read_playlist(&own, &format!("media_{index}.m3u8"))?;
        for segment in &mut playlist.segments {
            segment.uri = format!("{name}/{}", segment.uri);
            if let Some(map) = &mut segment.map {
                map.uri = format!("{name}/{}", map.uri);
            }
        }
        let segments = (playlist, format!("{name}/{index}"));
        parts.push(Part::new(directory, output, media, segments, codecs)?);
    }
    Ok((parts, mpd))
}

/// ffmpeg's manifest with the names that the segments have in S3.
pub(super) fn manifest(mpd: &str, group: &OutputGroup, parts: &[Part<'_>]) -> Result<Vec<u8>, JobError> {
    let names = parts.iter().map(|part| FileNames {
        stem: reference(group, &part.output.stem),
        extension: &part.output.extension,
    });
    mpd::rename(mpd, &names.collect::<Vec<_>>()).map_err(JobError::internal)
}
