//! Rules across output groups, each of which is right on its own.

use std::collections::HashMap;

use super::error::SettingsError;
use super::group::OutputGroup;
use super::output::Content;

/// "In a job that includes an automated ABR output group, all ABR output groups must use automated
/// ABR."
pub(super) fn refuse_mixed_abr(groups: &[OutputGroup]) -> Result<(), SettingsError> {
    let automated = groups.iter().find(|group| group.abr.is_some());
    let by_hand = (groups.iter()).find(|group| group.package.is_some() && group.abr.is_none());
    match (automated, by_hand) {
        (Some(automated), Some(by_hand)) => Err(SettingsError::malformed(
            format!("{}.automatedEncodingSettings", by_hand.path),
            format!(
                "is required, as {} has it and both are streaming groups",
                automated.path
            ),
        )),
        _ => Ok(()),
    }
}

/// Refuses what would overwrite one another, and jobs that only capture frames.
pub(super) fn refuse_clashes(groups: &[OutputGroup]) -> Result<(), SettingsError> {
    let mut written = HashMap::new();
    let objects = groups.iter().flat_map(|group| {
        let bucket = &group.destination.bucket;
        let manifests = (group.manifests()).map(move |key| (&group.path, format!("s3://{bucket}/{key}")));
        let has_playlists = (group.package.as_ref()).is_some_and(|package| package.hls.is_some());
        let outputs = group.outputs.iter().map(move |output| {
            let playlist = has_playlists.then(|| format!("s3://{bucket}/{}", output.playlist()));
            (&output.path, playlist.unwrap_or_else(|| output.uri()))
        });
        manifests.chain(outputs)
    });
    for (path, uri) in objects {
        if let Some(first) = written.insert(uri.clone(), path) {
            return Err(SettingsError::malformed(
                path,
                format!("writes {uri} as {first} does; give each its own nameModifier"),
            ));
        }
    }
    let mut outputs = groups.iter().flat_map(|group| &group.outputs);
    if outputs.all(|output| matches!(output.content, Content::Captures(_))) {
        return Err(SettingsError::malformed(
            "settings.outputGroups",
            "an output other than a frame capture is required",
        ));
    }
    Ok(())
}
