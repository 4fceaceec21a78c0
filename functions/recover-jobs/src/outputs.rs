//! Where a complete job's outputs lie. Only its COMPLETE event says so; when that is lost, they are looked
//! for: a group's destination and the outputs' name modifiers give the names ([file names]), and S3 says
//! which of them are there.
//!
//! [file names]: https://docs.aws.amazon.com/mediaconvert/latest/ug/output-file-names-and-paths.html

use aws_sdk_mediaconvert::types::{
    ContainerType, Job, JobSettings, Output, OutputDetail, OutputGroup, OutputGroupDetail,
    OutputGroupSettings, OutputGroupType, VideoCodec,
};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Error;
use serde_json::{Map, Value, json};

/// What lies in the buckets that jobs write to. It is only listed: reading is not needed.
#[derive(Clone, Debug)]
pub struct StoredOutputs {
    client: Client,
}

/// S3 does not say what is there; later it may.
#[derive(Debug, thiserror::Error)]
#[error("can't list s3://{bucket}/{prefix}")]
pub struct OutputsUnavailable {
    bucket: String,
    prefix: String,
    source: Box<SdkError<ListObjectsV2Error>>,
}

/// Where a group's files begin: each name is the key with something appended.
#[derive(Debug, PartialEq, Eq)]
struct Base {
    bucket: String,
    key: String,
}

impl StoredOutputs {
    /// As S3 shows them through `client`.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// The job's `outputGroupDetails`, as its COMPLETE event has them but for what nobody can tell any more.
    ///
    /// # Errors
    /// See [`OutputsUnavailable`].
    pub(crate) async fn of(&self, job: &Job) -> Result<Vec<Value>, OutputsUnavailable> {
        let settings = job.settings();
        let input = settings.and_then(|settings| settings.inputs().first()?.file_input());
        let groups = settings.map(JobSettings::output_groups).unwrap_or_default();
        let mut details = Vec::new();
        for (at, group) in groups.iter().enumerate() {
            let told = job.output_group_details().get(at);
            let told = told.map(OutputGroupDetail::output_details).unwrap_or_default();
            details.push(self.group(group, told, input.unwrap_or_default()).await?);
        }
        Ok(details)
    }

    async fn group(
        &self,
        group: &OutputGroup,
        told: &[OutputDetail],
        input: &str,
    ) -> Result<Value, OutputsUnavailable> {
        let settings = group.output_group_settings();
        let kind = settings.and_then(OutputGroupSettings::r#type);
        let mut detail = Map::new();
        if let Some(kind) = kind {
            let kind = kind.as_str().trim_end_matches("_SETTINGS");
            detail.insert("type".to_owned(), kind.into());
        }
        let (mut playlists, mut paths) = (Vec::new(), Vec::new());
        if let (Some(base), Some(kind)) = (settings.and_then(|settings| base(settings, input)), kind) {
            playlists = self.playlists(&base, kind).await?;
            paths = self.paths(&base, kind, group, &playlists).await?;
        }
        if !playlists.is_empty() {
            detail.insert("playlistFilePaths".to_owned(), json!(playlists));
        }
        let outputs: Vec<Value> = (0..told.len().max(paths.len()))
            .map(|at| output(told.get(at), paths.get(at).map_or(&[], Vec::as_slice)))
            .collect();
        detail.insert("outputDetails".to_owned(), outputs.into());
        Ok(detail.into())
    }

    /// The group's own manifests.
    async fn playlists(
        &self,
        base: &Base,
        kind: &OutputGroupType,
    ) -> Result<Vec<String>, OutputsUnavailable> {
        let extensions: &[&str] = match kind {
            OutputGroupType::HlsGroupSettings => &[".m3u8"],
            OutputGroupType::DashIsoGroupSettings => &[".mpd"],
            OutputGroupType::CmafGroupSettings => &[".mpd", ".m3u8"],
            OutputGroupType::MsSmoothGroupSettings => &[".ism"],
            _ => &[],
        };
        let mut playlists = Vec::new();
        for extension in extensions {
            playlists.extend(self.there(base, extension).await?);
        }
        Ok(playlists)
    }

    /// The paths of each of the group's outputs. DASH and CMAF groups name none.
    async fn paths(
        &self,
        base: &Base,
        kind: &OutputGroupType,
        group: &OutputGroup,
        playlists: &[String],
    ) -> Result<Vec<Vec<String>>, OutputsUnavailable> {
        let manifest = match kind {
            OutputGroupType::FileGroupSettings => None,
            OutputGroupType::HlsGroupSettings => Some(".m3u8"),
            OutputGroupType::MsSmoothGroupSettings => Some(".ismv"),
            _ => return Ok(Vec::new()),
        };
        let mut paths = Vec::new();
        if let (Some(extension), true) = (manifest, group.automated_encoding_settings().is_some()) {
            let mut all = self.list(base, "").await?;
            all.retain(|path| path.ends_with(extension) && !playlists.contains(path));
            return Ok(renditions(all, &base.uri(""), group.outputs()));
        }
        for output in group.outputs() {
            let modifier = output.name_modifier().unwrap_or_default();
            let found = match manifest {
                Some(extension) => self.there(base, &format!("{modifier}{extension}")).await?,
                None => self.media_file(base, modifier, output).await?,
            };
            paths.push(found.into_iter().collect());
        }
        Ok(paths)
    }

    /// The file of an output of a file group; of captured frames the last.
    async fn media_file(
        &self,
        base: &Base,
        modifier: &str,
        output: &Output,
    ) -> Result<Option<String>, OutputsUnavailable> {
        let stem = format!("{modifier}.");
        let begin = base.uri(&stem).len();
        let all = self.list(base, &stem).await?;
        let (captures, extension) = (captures_frames(output), extension(output));
        let mut own = all.into_iter().filter(|path| {
            let name = &path[begin..];
            let (frame, rest) = name.split_once('.').unwrap_or(("", name));
            let is_frame = !frame.is_empty() && frame.bytes().all(|byte| byte.is_ascii_digit());
            let is_named_so = extension.is_none_or(|extension| extension == rest);
            is_named_so && !rest.contains(['.', '/']) && if captures { is_frame } else { frame.is_empty() }
        });
        Ok(own.next_back())
    }

    /// The object of that very name, if it is there.
    async fn there(&self, base: &Base, rest: &str) -> Result<Option<String>, OutputsUnavailable> {
        let path = base.uri(rest);
        // A name comes before all longer ones that begin with it.
        let found = self.page(base, rest, None, 1).await?;
        Ok(found.0.into_iter().find(|found| *found == path))
    }

    /// All objects whose names begin so, as far as it is worth while.
    async fn list(&self, base: &Base, rest: &str) -> Result<Vec<String>, OutputsUnavailable> {
        const MOST_PAGES: usize = 50;
        let (mut all, mut next) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let (page, token) = self.page(base, rest, next, 1000).await?;
            all.extend(page);
            next = token;
            if next.is_none() {
                break;
            }
        }
        Ok(all)
    }

    async fn page(
        &self,
        base: &Base,
        rest: &str,
        token: Option<String>,
        most: i32,
    ) -> Result<(Vec<String>, Option<String>), OutputsUnavailable> {
        let prefix = format!("{}{rest}", base.key);
        let request = self
            .client
            .list_objects_v2()
            .bucket(&base.bucket)
            .prefix(&prefix)
            .max_keys(most)
            .set_continuation_token(token)
            .send();
        match Box::pin(request).await {
            Ok(page) => {
                let keys = page.contents().iter().filter_map(|object| object.key());
                let paths = keys.map(|key| format!("s3://{}/{key}", base.bucket)).collect();
                Ok((paths, page.next_continuation_token))
            }
            // The bucket of a job that somebody else submitted, or one that is gone: nobody will ever know.
            Err(error) if is_refused(&error) => {
                tracing::warn!(
                    bucket = base.bucket,
                    prefix,
                    "outputs not looked for: S3 refuses to list them"
                );
                Ok((Vec::new(), None))
            }
            Err(source) => Err(OutputsUnavailable {
                bucket: base.bucket.clone(),
                prefix,
                source: Box::new(source),
            }),
        }
    }
}

impl Base {
    fn uri(&self, rest: &str) -> String {
        format!("s3://{}/{}{rest}", self.bucket, self.key)
    }
}

fn is_refused(error: &SdkError<ListObjectsV2Error>) -> bool {
    const TOO_MANY_REQUESTS: u16 = 429;
    let status = error.raw_response().map(|response| response.status().as_u16());
    // 3xx is a bucket in another Region.
    status.is_some_and(|status| (300..500).contains(&status) && status != TOO_MANY_REQUESTS)
}

/// Where the group's files begin; none where its destination names no bucket, or has identifiers such as
/// `$dt$` that MediaConvert replaced.
fn base(settings: &OutputGroupSettings, input: &str) -> Option<Base> {
    let destination = match settings.r#type()? {
        OutputGroupType::FileGroupSettings => settings.file_group_settings()?.destination(),
        OutputGroupType::HlsGroupSettings => settings.hls_group_settings()?.destination(),
        OutputGroupType::DashIsoGroupSettings => settings.dash_iso_group_settings()?.destination(),
        OutputGroupType::CmafGroupSettings => settings.cmaf_group_settings()?.destination(),
        OutputGroupType::MsSmoothGroupSettings => settings.ms_smooth_group_settings()?.destination(),
        _ => None,
    }?;
    let (bucket, key) = destination.strip_prefix("s3://")?.split_once('/')?;
    if key.contains('$') {
        return None;
    }
    let name = if key.is_empty() || key.ends_with('/') {
        base_name(input)
    } else {
        ""
    };
    Some(Base {
        bucket: bucket.to_owned(),
        key: format!("{key}{name}"),
    })
}

/// The input's name without its extension, which a destination that ends in a slash goes by.
fn base_name(input: &str) -> &str {
    let name = input.rsplit_once('/').map_or(input, |(_, name)| name);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// The manifests of automated ABR, output by output. MediaConvert makes several of one output and chooses their
/// number and what it appends to the output's own name.
fn renditions(mut manifests: Vec<String>, base: &str, outputs: &[Output]) -> Vec<Vec<String>> {
    let stems: Vec<String> = outputs
        .iter()
        .map(|output| format!("{base}{}", output.name_modifier().unwrap_or_default()))
        .collect();
    let own = |path: &str| {
        let fitting = stems
            .iter()
            .enumerate()
            .filter(|(_, stem)| path.starts_with(*stem));
        fitting.max_by_key(|(_, stem)| stem.len()).map(|(at, _)| at)
    };
    // _2 before _10.
    manifests.sort_by_key(|path| (own(path).unwrap_or(outputs.len()), path.len(), path.clone()));
    manifests.into_iter().map(|path| vec![path]).collect()
}

/// Captured frames are numbered, before the extension.
fn captures_frames(output: &Output) -> bool {
    let codec = output
        .video_description()
        .and_then(|video| video.codec_settings()?.codec());
    codec == Some(&VideoCodec::FrameCapture)
}

/// The output's extension; none where the codec decides it.
fn extension(output: &Output) -> Option<&str> {
    let container = output
        .container_settings()
        .and_then(|settings| settings.container());
    output.extension().or(match container? {
        ContainerType::Mov => Some("mov"),
        ContainerType::Mp4 => Some("mp4"),
        ContainerType::Mxf => Some("mxf"),
        ContainerType::Webm => Some("webm"),
        _ => None,
    })
}

fn output(told: Option<&OutputDetail>, paths: &[String]) -> Value {
    let mut detail = Map::new();
    if !paths.is_empty() {
        detail.insert("outputFilePaths".to_owned(), json!(paths));
    }
    if let Some(duration) = told.and_then(OutputDetail::duration_in_ms) {
        detail.insert("durationInMs".to_owned(), duration.into());
    }
    if let Some(video) = told.and_then(OutputDetail::video_details) {
        let mut size = Map::new();
        if let Some(width) = video.width_in_px() {
            size.insert("widthInPx".to_owned(), width.into());
        }
        if let Some(height) = video.height_in_px() {
            size.insert("heightInPx".to_owned(), height.into());
        }
        detail.insert("videoDetails".to_owned(), size.into());
    }
    detail.into()
}
