//! CMAF and DASH outputs: cut by ffmpeg's dash muxer, all of a group at once, from one encoded
//! file each.

use std::path::Path;

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
    let mut parts = Vec::new();
    for (index, (output, media)) in outputs.iter().zip(media).enumerate() {
        let codecs = mpd.lines().find(|line| representation(line) == Some(index));
        let codecs = codecs.and_then(|line| attribute(line, "codecs"));
        let mut playlist = read_playlist(&own, &format!("media_{index}.m3u8"))?;
        for segment in &mut playlist.segments {
            segment.uri = format!("{name}/{}", segment.uri);
            if let Some(map) = &mut segment.map {
                map.uri = format!("{name}/{}", map.uri);
            }
        }
        let segments = (playlist, format!("{name}/{index}"));
        parts.push(Part::new(
            directory,
            output,
            media,
            segments,
            codecs.unwrap_or_default().to_owned(),
        )?);
    }
    Ok((parts, mpd))
}

/// ffmpeg's manifest with the names that the segments have in S3. There, a representation's number
/// stands for what its files' names begin with.
pub(super) fn manifest(mpd: &str, group: &OutputGroup, parts: &[Part<'_>]) -> String {
    let mut current = None;
    let mut text = String::with_capacity(mpd.len() * 2);
    for line in mpd.lines() {
        if let Some(index) = representation(line) {
            current = parts.get(index).map(|part| (index, part.output));
        }
        match current {
            Some((index, output)) => text.push_str(&rename(line, index, group, output)),
            None => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

fn rename(line: &str, index: usize, group: &OutputGroup, output: &Output) -> String {
    let stem = reference(group, &output.stem);
    let whole = format!("<BaseURL>{index}.m4s<");
    line.replace(&whole, &format!("<BaseURL>{stem}.{}<", output.extension))
        .replace("\"$RepresentationID$", &format!("\"{stem}"))
        .replace(".m4s\"", &format!(".{}\"", output.extension))
}

/// The number of the representation that begins in this line.
fn representation(line: &str) -> Option<usize> {
    let line = line.trim_start().strip_prefix("<Representation ")?;
    attribute(line, "id")?.parse().ok()
}

fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, value) = line.split_once(&format!("{name}=\""))?;
    value.split_once('"').map(|(value, _)| value)
}
