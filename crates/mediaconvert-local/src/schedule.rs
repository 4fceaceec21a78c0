//! Which job runs next: as many at once as there is room for, in all and in their queue; in each active
//! queue the one with the highest priority, and among equals the one that came first.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;

/// The jobs that wait, by queue, and the room they wait for.
#[derive(Debug)]
pub(crate) struct Schedule {
    state: Mutex<Slots>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Slots {
    room: u16,
    arrivals: u64,
    queues: HashMap<String, QueueLoad>,
}

#[derive(Debug, Default)]
struct QueueLoad {
    waiting: BTreeSet<Place>,
    running: u32,
    limits: Limits,
}

/// What keeps a queue's jobs waiting.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limits {
    /// None of them starts.
    pub(crate) paused: bool,
    /// The most that run at once; without a number, as many as there is room for.
    pub(crate) concurrent_jobs: Option<u32>,
}

/// A job's place in its queue; the smallest is next.
type Place = (Reverse<i32>, u64);

impl Schedule {
    /// With room for `room` jobs at once.
    pub(crate) fn new(room: u16) -> Self {
        let state = Slots {
            room,
            ..Slots::default()
        };
        Self {
            state: Mutex::new(state),
            changed: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.state.lock().expect("no change of the schedule panics")
    }

    /// Applies these limits to a queue from now on; jobs that run already go on.
    pub(crate) fn limit(&self, queue_arn: &str, limits: Limits) {
        self.lock().queue(queue_arn).limits = limits;
        self.changed.notify_waiters();
    }

    /// Waits until it is the job's turn. It runs for as long as the answer is kept.
    pub(crate) async fn turn(&self, queue_arn: &str, priority: i32) -> Turn<'_> {
        let waiting = Waiting::join(self, queue_arn, priority);
        loop {
            let changed = self.changed.notified();
            if self.lock().start(queue_arn, waiting.place) {
                return Turn {
                    schedule: self,
                    queue_arn: queue_arn.to_owned(),
                };
            }
            changed.await;
        }
    }
}

impl Slots {
    fn queue(&mut self, arn: &str) -> &mut QueueLoad {
        self.queues.entry(arn.to_owned()).or_default()
    }

    fn start(&mut self, queue_arn: &str, place: Place) -> bool {
        let room = self.room > 0;
        let queue = self.queue(queue_arn);
        let starts = room && queue.has_room() && queue.waiting.first() == Some(&place);
        if starts {
            queue.running += 1;
            self.room -= 1;
        }
        starts
    }
}

impl QueueLoad {
    fn has_room(&self) -> bool {
        let most = self.limits.concurrent_jobs.unwrap_or(u32::MAX);
        !self.limits.paused && self.running < most
    }
}

/// A job in its queue, which leaves it when it starts and when it is canceled.
struct Waiting<'a> {
    schedule: &'a Schedule,
    queue_arn: String,
    place: Place,
}

impl<'a> Waiting<'a> {
    fn join(schedule: &'a Schedule, queue_arn: &str, priority: i32) -> Self {
        let mut state = schedule.lock();
        state.arrivals += 1;
        let place = (Reverse(priority), state.arrivals);
        state.queue(queue_arn).waiting.insert(place);
        Self {
            schedule,
            queue_arn: queue_arn.to_owned(),
            place,
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.schedule
            .lock()
            .queue(&self.queue_arn)
            .waiting
            .remove(&self.place);
        self.schedule.changed.notify_waiters();
    }
}

/// A job that runs.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    schedule: &'a Schedule,
    queue_arn: String,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.schedule.lock();
        state.room += 1;
        state.queue(&self.queue_arn).running -= 1;
        drop(state);
        self.schedule.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
    use tokio::task::yield_now;
    use tokio::time::timeout;

    use super::*;

    const PAUSED: Limits = Limits {
        paused: true,
        concurrent_jobs: None,
    };

    /// Jobs `(name, queue, priority)` that come one after the other, and in which order they run.
    async fn run(
        schedule: &Arc<Schedule>,
        jobs: &[(&'static str, &'static str, i32)],
    ) -> UnboundedReceiver<&'static str> {
        let (started, order) = unbounded_channel();
        for &(name, queue, priority) in jobs {
            let (schedule, started) = (Arc::clone(schedule), started.clone());
            tokio::spawn(async move {
                let _turn = schedule.turn(queue, priority).await;
                started.send(name).unwrap();
                yield_now().await;
            });
            yield_now().await;
        }
        order
    }

    async fn all(mut order: UnboundedReceiver<&'static str>) -> Vec<&'static str> {
        let mut names = Vec::new();
        while let Some(name) = order.recv().await {
            names.push(name);
        }
        names
    }

    #[tokio::test]
    async fn the_highest_priority_of_a_queue_goes_first_then_the_oldest() {
        let schedule = Arc::new(Schedule::new(1));
        schedule.limit("q", PAUSED);
        let jobs = [("a", "q", 0), ("b", "q", -50), ("c", "q", 50), ("d", "q", 0)];
        let order = run(&schedule, &jobs).await;
        schedule.limit("q", Limits::default());
        assert_eq!(all(order).await, ["c", "a", "d", "b"]);
    }

    #[tokio::test]
    async fn a_paused_queue_delays_no_other() {
        let schedule = Arc::new(Schedule::new(1));
        schedule.limit("night", PAUSED);
        let mut order = run(&schedule, &[("n", "night", 50), ("d", "day", 0)]).await;
        assert_eq!(order.recv().await, Some("d"));
        assert!(order.try_recv().is_err());
        schedule.limit("night", Limits::default());
        assert_eq!(order.recv().await, Some("n"));
    }

    #[tokio::test]
    async fn a_queue_runs_no_more_jobs_at_once_than_it_may() {
        let schedule = Schedule::new(3);
        let one = |concurrent_jobs| Limits {
            paused: false,
            concurrent_jobs: Some(concurrent_jobs),
        };
        schedule.limit("site", one(1));
        let first = schedule.turn("site", 0).await;
        let mut second = Box::pin(schedule.turn("site", 0));
        assert!(timeout(Duration::ZERO, second.as_mut()).await.is_err());
        let _other = schedule.turn("other", 0).await;

        schedule.limit("site", one(2));
        let _second = second.await;
        drop(first);
        let _third = schedule.turn("site", 0).await;
        let fourth = timeout(Duration::ZERO, schedule.turn("other", 0)).await;
        assert!(fourth.is_err(), "there is room for three in all");
    }

    #[tokio::test]
    async fn a_canceled_job_leaves_its_place() {
        let schedule = Arc::new(Schedule::new(1));
        let turn = schedule.turn("q", 0).await;
        let canceled = tokio::spawn({
            let schedule = Arc::clone(&schedule);
            async move { drop(schedule.turn("q", 50).await) }
        });
        yield_now().await;
        canceled.abort();
        assert!(canceled.await.unwrap_err().is_cancelled());
        drop(turn);
        schedule.turn("q", 0).await;
    }
}
