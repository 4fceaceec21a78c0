//! The multivariant playlist of a package, as MediaConvert writes it.

use m3u8_rs::{AlternativeMedia, AlternativeMediaType, MasterPlaylist, Resolution, VariantStream};

use super::part::{Part, reference, text_of};
use crate::job_error::JobError;
use crate::settings::{AudioTrack, Content, Format, HlsPlaylists, OutputGroup};

/// An alternative audio rendition and its group.
struct Alternative<'a> {
    part: &'a Part<'a>,
    group: String,
    track: AudioTrack,
}

pub(super) fn playlist(
    group: &OutputGroup,
    format: Format,
    settings: HlsPlaylists,
    parts: &[Part<'_>],
) -> Result<Vec<u8>, JobError> {
    let alternatives = alternatives(format, parts);
    let is_alternative =
        |part: &Part<'_>| (alternatives.iter()).any(|alternative| std::ptr::eq(alternative.part, part));
    let variants = (parts.iter())
        .filter(|part| !is_alternative(part))
        .flat_map(|part| variants(group, settings, part, &alternatives));
    let playlist = MasterPlaylist {
        version: Some(6),
        independent_segments: true,
        variants: variants.collect(),
        alternatives: (alternatives.iter())
            .map(|alternative| media(group, alternative))
            .collect(),
        ..MasterPlaylist::default()
    };
    text_of(|text| playlist.write_to(text))
}

/// The sound that goes with pictures. Where there are none, all sound is variants. What an output
/// without a track type is, differs: the service model says so for CMAF, and in HLS jobs it has
/// been seen to be a variant.
fn alternatives<'a>(format: Format, parts: &'a [Part<'a>]) -> Vec<Alternative<'a>> {
    let unspecified = match format {
        Format::Cmaf | Format::DashIso => AudioTrack::Default,
        Format::Hls => AudioTrack::Variant,
    };
    if !parts.iter().any(Part::has_video) {
        return Vec::new();
    }
    (parts.iter().filter(|part| !part.has_video()))
        .map(|part| (part, part.output.rendition.audio_track.unwrap_or(unspecified)))
        .filter(|(_, track)| *track != AudioTrack::Variant)
        .enumerate()
        .map(|(index, (part, track))| {
            let group = part.output.rendition.audio_group.clone();
            Alternative {
                part,
                group: group.unwrap_or_else(|| format!("program_audio_{index}")),
                track,
            }
        })
        .collect()
}

/// A variant for each audio group that goes with an output.
fn variants(
    group: &OutputGroup,
    settings: HlsPlaylists,
    part: &Part<'_>,
    alternatives: &[Alternative<'_>],
) -> Vec<VariantStream> {
    let variant = |audio: Option<&str>| {
        let tracks = (alternatives.iter()).filter(|alternative| Some(alternative.group.as_str()) == audio);
        let tracks: Vec<&Part<'_>> = tracks.map(|alternative| alternative.part).collect();
        let largest = |bitrate: fn(&Part<'_>) -> u64| tracks.iter().map(|part| bitrate(part)).max();
        let mut codecs: Vec<&str> = part.codecs.split(',').collect();
        codecs.extend(tracks.iter().map(|part| part.codecs.as_str()));
        let video = part.media.video.first();
        let resolution = video.map(|video| Resolution {
            width: video.width.into(),
            height: video.height.into(),
        });
        VariantStream {
            uri: reference(group, &part.output.playlist()),
            bandwidth: part.peak_bitrate + largest(|part| part.peak_bitrate).unwrap_or_default(),
            average_bandwidth: Some(
                part.average_bitrate + largest(|part| part.average_bitrate).unwrap_or_default(),
            ),
            codecs: Some(unique(codecs).join(",")),
            resolution: resolution.filter(|_| settings.resolution),
            frame_rate: video.map(|video| (video.frame_rate * 1000.0).round() / 1000.0),
            audio: audio.map(str::to_owned),
            ..VariantStream::default()
        }
    };
    let groups = audio_groups(part, alternatives);
    if groups.is_empty() {
        return vec![variant(None)];
    }
    groups.into_iter().map(|group| variant(Some(group))).collect()
}

/// Those of `audioRenditionSets` that are there; "if you don't specify anything", all of them, but
/// not beside sound that is in the output itself.
fn audio_groups<'a>(part: &Part<'_>, alternatives: &'a [Alternative<'_>]) -> Vec<&'a str> {
    let sets = &part.output.rendition.audio_sets;
    let groups = (alternatives.iter())
        .map(|alternative| alternative.group.as_str())
        .filter(|group| {
            let beside_pictures = sets.is_empty() && !part.has_audio();
            beside_pictures || sets.iter().any(|set| set == group)
        });
    unique(groups.collect())
}

fn unique(mut items: Vec<&str>) -> Vec<&str> {
    let mut seen = Vec::new();
    items.retain(|item| {
        let first = !seen.contains(item);
        seen.push(*item);
        first
    });
    items
}

fn media(group: &OutputGroup, alternative: &Alternative<'_>) -> AlternativeMedia {
    let part = alternative.part;
    let track = part.media.audio.first();
    let name = match &part.output.content {
        Content::Muxed { audio, .. } => audio.first().and_then(|audio| audio.stream_name.clone()),
        Content::Captures(_) => None,
    };
    let language = track.and_then(|track| track.language.clone());
    AlternativeMedia {
        media_type: AlternativeMediaType::Audio,
        uri: Some(reference(group, &part.output.playlist())),
        group_id: alternative.group.clone(),
        name: name
            .or_else(|| language.clone())
            .unwrap_or_else(|| "Alternate Audio".to_owned()),
        language,
        default: alternative.track == AudioTrack::Default,
        autoselect: alternative.track != AudioTrack::NotAutoSelect,
        channels: track.map(|track| track.channels.to_string()),
        ..AlternativeMedia::default()
    }
}
