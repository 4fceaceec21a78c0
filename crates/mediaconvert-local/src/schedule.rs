//! Which job runs next: as many at once as there is room for; in each active queue the one with the
//! highest priority, and among equals the one that came first.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;

/// The jobs that wait, by queue, and the room they wait for.
#[derive(Debug)]
pub(crate) struct Schedule {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    room: u16,
    arrivals: u64,
    waiting: HashMap<String, BTreeSet<Place>>,
    paused: HashSet<String>,
}

/// A job's place in its queue; the smallest is next.
type Place = (Reverse<i32>, u64);

impl Schedule {
    /// With room for so many jobs at once.
    pub(crate) fn new(room: u16) -> Self {
        let state = State {
            room,
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
            changed: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no change of the schedule panics")
    }

    /// Jobs of a paused queue keep waiting; those that run go on.
    pub(crate) fn set_paused(&self, queue_arn: &str, paused: bool) {
        let mut state = self.lock();
        if paused {
            state.paused.insert(queue_arn.to_owned());
        } else {
            state.paused.remove(queue_arn);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Waits until it is the job's turn. It runs for as long as the answer is kept.
    pub(crate) async fn turn(&self, queue_arn: &str, priority: i32) -> Turn<'_> {
        let waiting = Waiting::join(self, queue_arn, priority);
        loop {
            let changed = self.changed.notified();
            if self.lock().start(queue_arn, waiting.place) {
                return Turn(self);
            }
            changed.await;
        }
    }
}

impl State {
    fn start(&mut self, queue_arn: &str, place: Place) -> bool {
        let is_next = self.waiting.get(queue_arn).and_then(BTreeSet::first) == Some(&place);
        let starts = is_next && self.room > 0 && !self.paused.contains(queue_arn);
        if starts {
            self.room -= 1;
        }
        starts
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
        state
            .waiting
            .entry(queue_arn.to_owned())
            .or_default()
            .insert(place);
        Self {
            schedule,
            queue_arn: queue_arn.to_owned(),
            place,
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(places) = self.schedule.lock().waiting.get_mut(&self.queue_arn) {
            places.remove(&self.place);
        }
        self.schedule.changed.notify_waiters();
    }
}

/// A job that runs.
#[derive(Debug)]
pub(crate) struct Turn<'a>(&'a Schedule);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.lock().room += 1;
        self.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
    use tokio::task::yield_now;

    use super::*;

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
        schedule.set_paused("q", true);
        let jobs = [("a", "q", 0), ("b", "q", -50), ("c", "q", 50), ("d", "q", 0)];
        let order = run(&schedule, &jobs).await;
        schedule.set_paused("q", false);
        assert_eq!(all(order).await, ["c", "a", "d", "b"]);
    }

    #[tokio::test]
    async fn a_paused_queue_holds_up_nobody_else() {
        let schedule = Arc::new(Schedule::new(1));
        schedule.set_paused("night", true);
        let mut order = run(&schedule, &[("n", "night", 50), ("d", "day", 0)]).await;
        assert_eq!(order.recv().await, Some("d"));
        assert!(order.try_recv().is_err());
        schedule.set_paused("night", false);
        assert_eq!(order.recv().await, Some("n"));
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
