//! What earlier jobs made, for later ones that would make the same of the same input.
//!
//! Transcoding is what takes long. Whoever runs thousands of jobs to see what becomes of their events
//! needs objects of each that play, and not the same pictures encoded once more.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::measure::WrittenGroup;
use crate::settings::{Destination, JobSettings};

/// A job's outputs, before they are uploaded.
#[derive(Debug)]
pub(crate) struct Work {
    /// Where the files are.
    pub(crate) directory: TempDir,
    /// What `INPUT_INFORMATION` tells.
    pub(crate) input_details: Value,
    /// The output groups.
    pub(crate) groups: Vec<WrittenGroup>,
    /// Where each of them was to go.
    pub(crate) destinations: Vec<Destination>,
    /// Frames transcoded.
    pub(crate) frames: u64,
}

impl Work {
    /// The groups as a job with these settings puts them, which may send them to another folder.
    pub(crate) fn groups_for(&self, settings: &JobSettings) -> Vec<WrittenGroup> {
        let moves = self.destinations.iter().zip(&settings.groups);
        (self.groups.iter().zip(moves))
            .map(|(group, (from, group_settings))| moved(group, from, &group_settings.destination))
            .collect()
    }
}

fn moved(group: &WrittenGroup, from: &Destination, to: &Destination) -> WrittenGroup {
    let key = |key: &str| match key.strip_prefix(from.folder()) {
        Some(name) => format!("{}{name}", to.folder()),
        None => key.to_owned(),
    };
    let (old, new) = (format!("s3://{}/", from.bucket), format!("s3://{}/", to.bucket));
    let uri = |uri: &mut String| *uri = format!("{new}{}", key(uri.strip_prefix(&old).unwrap_or(uri)));
    let mut group = group.clone();
    for file in &mut group.files {
        file.bucket.clone_from(&to.bucket);
        file.key = key(&file.key);
    }
    group.detail.playlists.iter_mut().for_each(uri);
    let outputs = group.detail.outputs.iter_mut();
    outputs.flat_map(|output| &mut output.paths).for_each(uri);
    group
}

/// Work that is done, or that the holder of the lock is doing.
pub(crate) type Slot = Arc<Mutex<Option<Arc<Work>>>>;

/// All work so far, by what was asked.
#[derive(Debug)]
pub(crate) struct EarlierWork {
    /// How long a job takes whose outputs are there already.
    pub(crate) takes: Duration,
    slots: std::sync::Mutex<HashMap<String, Slot>>,
}

impl EarlierWork {
    /// None yet.
    pub(crate) fn new(takes: Duration) -> Self {
        Self {
            takes,
            slots: std::sync::Mutex::default(),
        }
    }

    /// The work on this version of the input with these settings, whatever folder the outputs go to.
    pub(crate) fn slot(&self, etag: &str, request: &Value, settings: &JobSettings) -> Slot {
        let mut request = request.clone();
        let groups = request["outputGroups"].as_array_mut().into_iter().flatten();
        for (group, parsed) in groups.zip(&settings.groups) {
            let kinds = group["outputGroupSettings"].as_object_mut().into_iter().flatten();
            for (_, kind) in kinds.filter(|(_, kind)| kind.is_object()) {
                kind["destination"] = json!(parsed.destination.name());
            }
        }
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(format!("{etag} {request}")).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{GroupDetail, OutputDetail};
    use crate::measure::WrittenFile;

    fn settings(destination: &str) -> (Value, JobSettings) {
        let request = json!({
            "inputs": [{"fileInput": "s3://media/clip.mov"}],
            "outputGroups": [{
                "outputs": [{"containerSettings": {"container": "MP4"}, "audioDescriptions": [{
                    "codecSettings": {"codec": "AAC", "aacSettings": {
                        "bitrate": 96000, "codingMode": "CODING_MODE_2_0", "sampleRate": 48000,
                    }},
                }]}],
                "outputGroupSettings": {
                    "type": "FILE_GROUP_SETTINGS",
                    "fileGroupSettings": {"destination": destination},
                },
            }],
        });
        let parsed = JobSettings::parse(&request).unwrap();
        (request, parsed)
    }

    #[test]
    fn work_is_shared_by_those_that_differ_in_the_folder_alone() {
        let earlier = EarlierWork::new(Duration::ZERO);
        let slot = |etag: &str, destination: &str| {
            let (request, settings) = settings(destination);
            earlier.slot(etag, &request, &settings)
        };
        let first = slot("1", "s3://media/transcoded/1/");
        assert!(Arc::ptr_eq(&first, &slot("1", "s3://other/2/")));
        assert!(!Arc::ptr_eq(&first, &slot("2", "s3://media/transcoded/1/")));
        assert!(!Arc::ptr_eq(
            &first,
            &slot("1", "s3://media/transcoded/1/other-name")
        ));
    }

    #[test]
    fn outputs_go_where_the_later_job_wants_them() {
        let work = Work {
            directory: TempDir::new().unwrap(),
            input_details: json!([]),
            groups: vec![WrittenGroup {
                files: vec![WrittenFile {
                    name: "0-0".into(),
                    bucket: "media".into(),
                    key: "transcoded/1/clip.mp4".into(),
                    content_type: "video/mp4",
                }],
                detail: GroupDetail {
                    event_type: "FILE_GROUP",
                    playlists: vec!["s3://media/transcoded/1/clip.m3u8".into()],
                    outputs: vec![OutputDetail {
                        paths: vec!["s3://media/transcoded/1/clip.mp4".into()],
                        duration_ms: 1000,
                        video: None,
                    }],
                },
            }],
            destinations: vec![
                settings("s3://media/transcoded/1/").1.groups[0]
                    .destination
                    .clone(),
            ],
            frames: 0,
        };
        let [group] = &work.groups_for(&settings("s3://other/2/").1)[..] else {
            panic!("one group");
        };
        let file = &group.files[0];
        assert_eq!((file.bucket.as_str(), file.key.as_str()), ("other", "2/clip.mp4"));
        assert_eq!(group.detail.playlists, ["s3://other/2/clip.m3u8"]);
        assert_eq!(group.detail.outputs[0].paths, ["s3://other/2/clip.mp4"]);
    }
}
