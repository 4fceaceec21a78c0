//! The life of a job: wait, read, probe, encode, upload, and say so at every step.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::timeout;

use crate::create_job::{JobRequest, StatusUpdateInterval};
use crate::earlier_work::{EarlierWork, Work};
use crate::fetch::{WebClient, etag, fetch};
use crate::ffmpeg::{self, EncodeProgress, Source};
use crate::input_details::input_details;
use crate::job::{GroupDetail, Job, Phase, Progress};
use crate::job_error::JobError;
use crate::jobs::SharedJob;
use crate::measure::{WrittenGroup, measure};
use crate::package::package;
use crate::probe::{self, Media, ProbeError};
use crate::publication::Publication;
use crate::role::ServiceRole;
use crate::schedule::{Schedule, Turn};
use crate::settings::{Content, JobSettings, Output};
use crate::tools::Tools;

/// The input's name in a job's directory.
const INPUT: &str = "input";
/// The same with black video.
const BLACK: &str = "black";

/// Runs jobs.
#[derive(Debug)]
pub(crate) struct Runner {
    /// ffmpeg and ffprobe.
    pub(crate) tools: Tools,
    /// Assumes the jobs' roles.
    pub(crate) role: ServiceRole,
    /// Reads inputs from web servers.
    pub(crate) web: WebClient,
    /// Where each job gets a directory of its own.
    pub(crate) work_dir: PathBuf,
    /// Whose turn it is.
    pub(crate) schedule: Schedule,
    /// What MediaConvert's minute lasts here: between two updates, and of a wait before a hop.
    pub(crate) update_minute: Duration,
    /// Outputs to use again, if that is wanted.
    pub(crate) earlier: Option<EarlierWork>,
}

impl Runner {
    /// Takes a job to its end. All ways lead through here, so exactly one of COMPLETE, ERROR and
    /// CANCELED is sent, and after the outputs are in place or gone.
    pub(crate) async fn run(self: Arc<Self>, job: Arc<SharedJob>) {
        let mut publication = Publication::default();
        // Dropping the work kills its ffmpeg and removes its directory.
        let outcome = tokio::select! {
            biased;
            () = job.cancel_requested() => None,
            outcome = self.work(&job, &mut publication) => Some(outcome),
        };
        match outcome {
            Some(Ok(groups)) if job.lock().begin_publishing() => match publication.complete().await {
                Ok(()) => job.report(|job| job.complete(groups)),
                Err(error) => fail(&job, &error),
            },
            Some(Err(error)) if job.lock().begin_publishing() => {
                publication.abort().await;
                fail(&job, &error);
            }
            _ => {
                publication.abort().await;
                job.report(Job::canceled);
            }
        }
    }

    async fn work(
        &self,
        job: &SharedJob,
        publication: &mut Publication,
    ) -> Result<Vec<GroupDetail>, JobError> {
        let _turn = self.turn(job).await;
        let (id, request) = {
            let job = job.lock();
            (job.id.clone(), job.request.clone())
        };
        job.report(Job::start);
        let settings = request.settings.clone()?;
        let s3 = || async {
            let session = self.role.s3(&request.role, &request.queue_arn, &id).await;
            session.map_err(|reason| JobError::RoleNotAssumed {
                uri: settings.input.uri.to_string(),
                reason: reason.to_string(),
            })
        };
        let mut updates = Updates::new(job, self.interval(request.status_update_interval));
        let work = self
            .make_or_reuse(&request, &settings, &s3().await?, &mut updates)
            .await?;

        // Encoding may have taken longer than the first session lasts.
        let s3 = s3().await?;
        updates.phase(Phase::Uploading);
        let written = work.groups_for(&settings);
        let files: Vec<_> = written.iter().flat_map(|group| &group.files).collect();
        for (index, file) in files.iter().enumerate() {
            let path = work.directory.path().join(&file.name);
            let object = (file.bucket.as_str(), file.key.as_str());
            publication.stage(&s3, object, file.content_type, &path).await?;
            updates.advance(percent(index + 1, files.len()));
        }
        Ok(written.into_iter().map(|group| group.detail).collect())
    }

    /// The outputs, made now or before.
    async fn make_or_reuse(
        &self,
        request: &JobRequest,
        settings: &JobSettings,
        s3: &aws_sdk_s3::Client,
        updates: &mut Updates<'_>,
    ) -> Result<Arc<Work>, JobError> {
        let Some(earlier) = &self.earlier else {
            return Ok(Arc::new(self.make(settings, s3, updates).await?));
        };
        let Some(etag) = etag(&settings.input.uri, s3).await? else {
            return Ok(Arc::new(self.make(settings, s3, updates).await?));
        };
        let slot = earlier.slot(&etag, &request.settings_json, settings);
        // Whoever comes while the first is at it waits for its outputs.
        let mut slot = slot.lock().await;
        if let Some(work) = slot.clone() {
            drop(slot);
            updates.input_information(&work.input_details);
            updates.pass_time(earlier.takes, work.frames).await;
            return Ok(work);
        }
        let work = Arc::new(self.make(settings, s3, updates).await?);
        *slot = Some(Arc::clone(&work));
        Ok(work)
    }

    async fn make(
        &self,
        settings: &JobSettings,
        s3: &aws_sdk_s3::Client,
        updates: &mut Updates<'_>,
    ) -> Result<Work, JobError> {
        let prefix = format!("{}-", updates.job.lock().id);
        let directory = TempDir::with_prefix_in(prefix, &self.work_dir).map_err(JobError::internal)?;
        let input = directory.path().join(INPUT);
        fetch(&settings.input.uri, s3, &self.web, &input).await?;
        let media = self.probe(settings, directory.path()).await?;
        let input_details = input_details(&settings.input.uri.to_string(), &media);
        updates.input_information(&input_details);

        let (file, media) = self.source(settings, media, directory.path()).await?;
        let source = Source {
            file,
            media: &media,
            rotate: settings.input.rotate,
            audio_selectors: &settings.input.audio_selectors,
        };
        let groups = self.encode(settings, &source, directory.path(), updates).await?;
        let destinations = settings.groups.iter().map(|group| group.destination.clone());
        Ok(Work {
            destinations: destinations.collect(),
            directory,
            input_details,
            groups,
            frames: updates.progress.frames,
        })
    }

    /// Waits for the job's turn, in one queue after the other if it hops.
    async fn turn(&self, job: &SharedJob) -> Turn<'_> {
        let mut request = job.lock().request.clone();
        for to in &std::mem::take(&mut request.hop_destinations) {
            let turn = self.schedule.turn(&request.queue_arn, request.priority);
            if let Ok(turn) = timeout(self.update_minute * to.wait_minutes, turn).await {
                return turn;
            }
            job.report(|job| job.hop(to));
            request = job.lock().request.clone();
        }
        self.schedule.turn(&request.queue_arn, request.priority).await
    }

    fn interval(&self, interval: StatusUpdateInterval) -> Duration {
        self.update_minute.mul_f64(interval.minutes())
    }

    /// Looks into the input and checks that it can be decoded as far as the outputs need it.
    async fn probe(&self, settings: &JobSettings, directory: &Path) -> Result<Media, JobError> {
        let uri = || settings.input.uri.to_string();
        let media = match probe::input(&self.tools, directory, INPUT).await {
            Ok(media) => media,
            Err(ProbeError::NotMedia(reason)) => {
                tracing::debug!(reason, "input refused");
                return Err(JobError::NotMedia { uri: uri() });
            }
            Err(error @ ProbeError::Failed(_)) => return Err(JobError::internal(error)),
        };
        match media.video.first() {
            Some(video) if video.codec.is_none() && settings.has_video() => Err(JobError::UnsupportedCodec {
                uri: uri(),
                codec: video.four_cc.clone().unwrap_or_default(),
            }),
            _ => Ok(media),
        }
    }

    /// What the outputs are made from: the input, with pictures if they need some.
    async fn source(
        &self,
        settings: &JobSettings,
        media: Media,
        directory: &Path,
    ) -> Result<(&'static str, Media), JobError> {
        if !media.video.is_empty() || !settings.has_video() {
            return Ok((INPUT, media));
        }
        let arguments = ffmpeg::add_black_video(INPUT, &media, BLACK);
        let added = ffmpeg::encode(&self.tools, directory, &arguments, |_| ()).await;
        added.map_err(JobError::internal)?;
        let media = probe::input(&self.tools, directory, BLACK).await;
        Ok((BLACK, media.map_err(JobError::internal)?))
    }

    /// Encodes all outputs, one after the other: one ffmpeg keeps all cores busy.
    async fn encode(
        &self,
        settings: &JobSettings,
        source: &Source<'_>,
        directory: &Path,
        updates: &mut Updates<'_>,
    ) -> Result<Vec<WrittenGroup>, JobError> {
        let size = source.size().unwrap_or_default();
        let outputs: Vec<Vec<Output>> = settings.groups.iter().map(|group| group.outputs(size)).collect();
        let count = outputs.iter().map(Vec::len).sum();
        let mut done = 0;
        let mut groups = Vec::new();
        updates.phase(Phase::Transcoding);
        for (group_index, (group, outputs)) in settings.groups.iter().zip(&outputs).enumerate() {
            let mut targets = Vec::new();
            for (index, output) in outputs.iter().enumerate() {
                let target = target(output, group_index, index);
                let arguments = ffmpeg::arguments(source, &output.content, &target);
                let encode = ffmpeg::encode(&self.tools, directory, &arguments, |progress| {
                    updates.encoded(done, count, progress, source.media.seconds);
                });
                encode.await.map_err(|error| JobError::Transcode {
                    reason: format!("{}: {error}", output.path),
                })?;
                targets.push(target);
                done += 1;
                updates.output_done(percent(done, count));
            }
            groups.push(match &group.package {
                None => measure(&self.tools, directory, group, outputs, &targets).await?,
                Some(settings) => {
                    let name = format!("group-{group_index}");
                    let group = (group, settings);
                    package(&self.tools, directory, group, outputs, &targets, &name).await?
                }
            });
        }
        Ok(groups)
    }
}

fn fail(job: &SharedJob, error: &JobError) {
    tracing::warn!(job = job.lock().id, code = error.code(), %error, "job failed");
    job.report(|job| job.fail(error));
}

/// The name of an output's file in the job's directory. Captures have a number in theirs.
fn target(output: &Output, group: usize, index: usize) -> String {
    match output.content {
        Content::Muxed { .. } => format!("{group}-{index}"),
        Content::Captures(_) => format!("{group}-{index}.%07d.jpg"),
    }
}

fn percent(done: usize, count: usize) -> u8 {
    u8::try_from(done * 100 / count.max(1)).unwrap_or(100)
}

/// Sends `STATUS_UPDATE` events: at the start of each phase and, within one, as often as the job
/// asked. Percentages never fall.
struct Updates<'a> {
    job: &'a SharedJob,
    interval: Duration,
    sent: Instant,
    progress: Progress,
    frames_before: u64,
}

impl<'a> Updates<'a> {
    fn new(job: &'a SharedJob, interval: Duration) -> Self {
        Self {
            job,
            interval,
            sent: Instant::now(),
            progress: Progress {
                phase: Phase::Probing,
                percent: 100,
                frames: 0,
            },
            frames_before: 0,
        }
    }

    fn phase(&mut self, phase: Phase) {
        self.progress.phase = phase;
        self.progress.percent = 0;
        self.send();
    }

    fn input_information(&self, details: &Value) {
        self.job.report(|job| job.input_information(details));
    }

    /// Transcodes nothing, and reports as if it took this long.
    async fn pass_time(&mut self, takes: Duration, frames: u64) {
        self.phase(Phase::Transcoding);
        let started = Instant::now();
        while let Some(left) = takes.checked_sub(started.elapsed()) {
            tokio::time::sleep(left.min(self.interval)).await;
            let seconds = started.elapsed().as_secs_f64();
            self.encoded(
                0,
                1,
                EncodeProgress { seconds, frames },
                Some(takes.as_secs_f64()),
            );
        }
        self.output_done(100);
    }

    fn encoded(&mut self, done: usize, count: usize, encode: EncodeProgress, seconds: Option<f64>) {
        let share = seconds.map_or(0.0, |all| (encode.seconds / all.max(0.001)).clamp(0.0, 1.0));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a percentage"
        )]
        let within = (share * 100.0) as usize;
        self.progress.frames = self.frames_before + encode.frames;
        self.advance(percent(done * 100 + within, count * 100));
    }

    fn output_done(&mut self, percent: u8) {
        self.frames_before = self.progress.frames;
        self.advance(percent);
    }

    fn advance(&mut self, percent: u8) {
        self.progress.percent = self.progress.percent.max(percent);
        if self.sent.elapsed() >= self.interval {
            self.send();
        }
    }

    fn send(&mut self) {
        self.sent = Instant::now();
        let progress = self.progress;
        self.job.report(|job| job.status_update(progress));
    }
}
