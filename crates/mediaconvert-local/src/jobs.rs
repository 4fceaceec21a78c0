//! All jobs of this process, in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use uuid::Uuid;

use crate::clock::Millis;
use crate::create_job::JobRequest;
use crate::events::{EventBus, JobEvent};
use crate::job::{Job, NotCancelable, Status};

/// A job that its runner and the API share.
#[derive(Debug)]
pub(crate) struct SharedJob {
    job: Mutex<Job>,
    bus: EventBus,
    cancel: Notify,
}

impl SharedJob {
    /// The job as it is now.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Job> {
        self.job.lock().expect("no change of a job panics")
    }

    /// Changes the job and puts the event that says so on the bus, in one step, so that events
    /// arise in the order of their times.
    pub(crate) fn report(&self, change: impl FnOnce(&mut Job) -> JobEvent) {
        let mut job = self.lock();
        let event = change(&mut job);
        self.bus.put(event);
    }

    /// Asks the runner to stop the job.
    pub(crate) fn cancel(&self) -> Result<(), NotCancelable> {
        self.lock().request_cancel()?;
        self.cancel.notify_one();
        Ok(())
    }

    /// Waits until someone asked for that. Only the runner waits.
    pub(crate) async fn cancel_requested(&self) {
        self.cancel.notified().await;
    }
}

/// Which jobs `ListJobs` wants.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    /// With an input whose URI holds this.
    pub(crate) input_file: Option<String>,
    /// In this queue, an ARN.
    pub(crate) queue_arn: Option<String>,
    /// In this status.
    pub(crate) status: Option<Status>,
}

/// The jobs.
#[derive(Debug)]
pub(crate) struct Jobs {
    region: String,
    account_id: String,
    bus: EventBus,
    token_lifetime: Duration,
    index: Mutex<Index>,
}

#[derive(Debug, Default)]
struct Index {
    // Ids start with the time of creation, so their order is that of the jobs.
    by_id: BTreeMap<String, Arc<SharedJob>>,
    tokens: HashMap<String, (Instant, Arc<SharedJob>)>,
}

impl Jobs {
    /// No jobs yet. A client request token is remembered for `token_lifetime`.
    pub(crate) fn new(region: &str, account_id: &str, bus: EventBus, token_lifetime: Duration) -> Self {
        Self {
            region: region.to_owned(),
            account_id: account_id.to_owned(),
            bus,
            token_lifetime,
            index: Mutex::default(),
        }
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().expect("no change of the list panics")
    }

    /// Creates a job. The second value is false for a job that an earlier request with the same
    /// client request token has started.
    pub(crate) fn create(&self, request: JobRequest) -> (Arc<SharedJob>, bool) {
        let mut index = self.index();
        index
            .tokens
            .retain(|_, (since, _)| since.elapsed() < self.token_lifetime);
        let token = request.client_request_token.clone();
        if let Some((_, job)) = token.as_ref().and_then(|token| index.tokens.get(token)) {
            return (Arc::clone(job), false);
        }
        let id = job_id();
        let arn = format!(
            "arn:aws:mediaconvert:{}:{}:jobs/{id}",
            self.region, self.account_id
        );
        let job = Arc::new(SharedJob {
            job: Mutex::new(Job::new(id.clone(), arn, &self.account_id, request)),
            bus: self.bus.clone(),
            cancel: Notify::new(),
        });
        index.by_id.insert(id, Arc::clone(&job));
        if let Some(token) = token {
            index.tokens.insert(token, (Instant::now(), Arc::clone(&job)));
        }
        (job, true)
    }

    /// The job with this id.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<SharedJob>> {
        self.index().by_id.get(id).map(Arc::clone)
    }

    /// Up to `limit` jobs that `filter` lets through, after the one with the id `after`.
    pub(crate) fn list(
        &self,
        filter: &Filter,
        descending: bool,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<Arc<SharedJob>> {
        let index = self.index();
        let wanted = |job: &Arc<SharedJob>| {
            let job = job.lock();
            (filter.status).is_none_or(|status| job.status() == status)
                && (filter.queue_arn.as_ref()).is_none_or(|queue| job.request.queue_arn == *queue)
                && (filter.input_file.as_ref()).is_none_or(|file| job.request.reads(file))
        };
        let jobs = index.by_id.iter();
        let page: Vec<_> = if descending {
            let rest = jobs
                .rev()
                .filter(|(id, _)| after.is_none_or(|after| id.as_str() < after));
            rest.map(|(_, job)| Arc::clone(job))
                .filter(wanted)
                .take(limit)
                .collect()
        } else {
            let rest = jobs.filter(|(id, _)| after.is_none_or(|after| id.as_str() > after));
            rest.map(|(_, job)| Arc::clone(job))
                .filter(wanted)
                .take(limit)
                .collect()
        };
        page
    }

    /// How many jobs of a queue are in a status.
    pub(crate) fn count(&self, queue_arn: &str, status: Status) -> usize {
        let filter = Filter {
            queue_arn: Some(queue_arn.to_owned()),
            status: Some(status),
            ..Filter::default()
        };
        self.list(&filter, false, None, usize::MAX).len()
    }
}

/// `<13 digits>-<6 lower-case letters and digits>`, as in every id that MediaConvert has shown.
fn job_id() -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut random = Uuid::new_v4().as_u128();
    let suffix = std::iter::repeat_with(|| {
        let digit = usize::try_from(random % 36).unwrap_or_default();
        random /= 36;
        char::from(DIGITS[digit])
    });
    format!("{:0>13}-{}", Millis::now(), suffix.take(6).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::requests::request;

    fn jobs() -> Jobs {
        remembering(Duration::from_mins(1))
    }

    fn remembering(token_lifetime: Duration) -> Jobs {
        Jobs::new("us-east-1", "111122223333", EventBus::detached(), token_lifetime)
    }

    #[test]
    fn ids_look_like_mediaconverts() {
        let id = job_id();
        let (time, suffix) = id.split_once('-').unwrap();

        assert!(
            time.len() == 13 && time.bytes().all(|byte| byte.is_ascii_digit()),
            "{id}"
        );
        let is_suffix = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
        assert!(suffix.len() == 6 && suffix.bytes().all(is_suffix), "{id}");
        assert_ne!(id, job_id());
    }

    #[test]
    fn a_repeated_token_finds_the_first_job() {
        let jobs = jobs();
        let mut request = request();
        request.client_request_token = Some("token".into());
        let (first, first_is_new) = jobs.create(request.clone());
        let (second, second_is_new) = jobs.create(request);

        assert!(first_is_new && !second_is_new);
        assert!(Arc::ptr_eq(&first, &second));
    }

    #[test]
    fn a_forgotten_token_makes_another_job() {
        let jobs = remembering(Duration::ZERO);
        let mut request = request();
        request.client_request_token = Some("token".into());

        let (first, second) = (jobs.create(request.clone()).0, jobs.create(request).0);
        assert!(!Arc::ptr_eq(&first, &second));
        assert_eq!(second.lock().api()["clientRequestToken"], "token");
    }

    #[test]
    fn lists_are_filtered_and_paged_in_both_orders() {
        let jobs = jobs();
        let mut ids: Vec<String> = (0..5)
            .map(|_| jobs.create(request()).0.lock().id.clone())
            .collect();
        ids.sort();
        jobs.get(&ids[2]).unwrap().lock().start();

        let all = Filter::default();
        let page = |filter: &Filter, descending, after: Option<&str>, limit| -> Vec<String> {
            let page = jobs.list(filter, descending, after, limit);
            page.iter().map(|job| job.lock().id.clone()).collect()
        };
        assert_eq!(page(&all, false, None, 2), ids[..2]);
        assert_eq!(page(&all, false, Some(&ids[1]), 9), ids[2..]);
        assert_eq!(page(&all, true, Some(&ids[1]), 9), ids[..1]);
        let progressing = Filter {
            status: Some(Status::Progressing),
            ..Filter::default()
        };
        assert_eq!(page(&progressing, true, None, 9), ids[2..3]);
        let reading = |file: &str| Filter {
            input_file: Some(file.to_owned()),
            ..Filter::default()
        };
        assert_eq!(page(&reading("clip.mov"), true, None, 9).len(), 5);
        assert!(page(&reading("other.mov"), true, None, 9).is_empty());
        let queue = jobs.get(&ids[0]).unwrap().lock().request.queue_arn.clone();
        assert_eq!(jobs.count(&queue, Status::Submitted), 4);
    }
}
