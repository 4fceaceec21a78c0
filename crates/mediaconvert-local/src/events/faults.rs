//! What an event bus may do to events, done on purpose: EventBridge delivers at least once and in no
//! particular order, and an event that is never retried is lost.
//!
//! What happens to an event depends on the seed and on how many came before it, and on nothing else.

use std::time::Duration;

use fastrand::Rng;

use super::event::JobEvent;

/// The faults, each with the share of all events, 0 to 1, that it happens to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct EventFaults {
    /// Lost for good.
    pub(crate) drop: f64,
    /// Delivered twice.
    pub(crate) duplicate: f64,
    /// Held back until one to three others have overtaken it.
    pub(crate) reorder: f64,
    /// How much later every event comes.
    pub(crate) delay: Duration,
    /// Of the random numbers.
    pub(crate) seed: u64,
}

/// Events on their way through the faults.
#[derive(Debug)]
pub(crate) struct FaultyWay {
    faults: EventFaults,
    random: Rng,
    held: Vec<Held>,
}

#[derive(Debug)]
struct Held {
    overtaken_by: u8,
    event: JobEvent,
}

impl FaultyWay {
    pub(crate) fn new(faults: EventFaults) -> Self {
        Self {
            faults,
            random: Rng::with_seed(faults.seed),
            held: Vec::new(),
        }
    }

    /// Whether the next event is lost; asked of each before it goes in.
    pub(crate) fn drops(&mut self, event: &JobEvent) -> bool {
        let drops = self.meets(self.faults.drop);
        if drops {
            tracing::info!(job = event.job_arn, status = event.status(), "event dropped");
        }
        drops
    }

    /// What comes out when an event goes in that isn't lost.
    pub(crate) fn pass(&mut self, event: JobEvent) -> Vec<JobEvent> {
        let mut copies = vec![event];
        if self.meets(self.faults.duplicate) {
            tracing::info!(
                job = copies[0].job_arn,
                status = copies[0].status(),
                "event duplicated"
            );
            copies.push(copies[0].clone());
        }
        copies
            .into_iter()
            .flat_map(|event| self.overtake(event))
            .collect()
    }

    /// What is held back, once nothing comes any more that could overtake it.
    pub(crate) fn release(&mut self) -> Vec<JobEvent> {
        self.held.drain(..).map(|held| held.event).collect()
    }

    fn overtake(&mut self, event: JobEvent) -> Vec<JobEvent> {
        if self.meets(self.faults.reorder) {
            tracing::info!(job = event.job_arn, status = event.status(), "event held back");
            let overtaken_by = self.random.u8(1..=3);
            self.held.push(Held { overtaken_by, event });
            return Vec::new();
        }
        for held in &mut self.held {
            held.overtaken_by -= 1;
        }
        let late = self.held.extract_if(.., |held| held.overtaken_by == 0);
        std::iter::once(event)
            .chain(late.map(|held| held.event))
            .collect()
    }

    fn meets(&mut self, ratio: f64) -> bool {
        self.random.f64() < ratio
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::Millis;

    fn event(number: usize) -> JobEvent {
        JobEvent {
            job_arn: number.to_string(),
            time: Millis::now(),
            detail: json!({"status": "STATUS_UPDATE"}),
        }
    }

    /// The numbers of 1,000 events in the order in which they come out.
    fn deliver(faults: EventFaults) -> Vec<usize> {
        let mut way = FaultyWay::new(faults);
        let mut out = Vec::new();
        for event in (0..1000).map(event) {
            if !way.drops(&event) {
                out.extend(way.pass(event));
            }
        }
        out.extend(way.release());
        out.iter().map(|event| event.job_arn.parse().unwrap()).collect()
    }

    #[test]
    fn without_faults_events_come_once_and_in_order() {
        assert_eq!(deliver(EventFaults::default()), (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn a_seed_makes_the_same_faults_again() {
        let faults = |seed| EventFaults {
            drop: 0.1,
            duplicate: 0.3,
            reorder: 0.3,
            seed,
            ..EventFaults::default()
        };
        assert_eq!(deliver(faults(7)), deliver(faults(7)));
        assert_ne!(deliver(faults(7)), deliver(faults(8)));
    }

    #[test]
    fn duplicates_come_twice_and_none_is_lost() {
        let out = deliver(EventFaults {
            duplicate: 1.0,
            ..EventFaults::default()
        });
        let twice: Vec<usize> = (0..1000).flat_map(|number| [number, number]).collect();
        assert_eq!(out, twice);
    }

    #[test]
    fn reordered_events_come_out_of_order_and_none_is_lost() {
        let mut out = deliver(EventFaults {
            reorder: 0.3,
            ..EventFaults::default()
        });
        assert!(!out.is_sorted());
        out.sort_unstable();
        assert_eq!(out, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn dropped_events_never_come() {
        let all = EventFaults {
            drop: 1.0,
            ..EventFaults::default()
        };
        assert!(deliver(all).is_empty());
        let some = deliver(EventFaults { drop: 0.5, ..all });
        assert!((300..700).contains(&some.len()), "{}", some.len());
        assert!(some.is_sorted_by(|earlier, later| earlier < later));
    }
}
