//! The merge rule in the pure domain: whatever order a job's events come in, and however often, its
//! row is the one the contract demands for their set.

mod rule;

use jobs::{Job, Retention, Submission, Timestamp};
use proptest::prelude::*;
use rule::{Delivery, Happening, Life, RETENTION_DAYS, deliveries};

fn alone(life: &Life, happening: Happening) -> Job {
    match life.deliver(happening) {
        Delivery::Event(event) => Job::from_event(event, Retention::from_days(RETENTION_DAYS).unwrap()),
        Delivery::Submission(submission) => Job::from_submission(life.job_id.clone(), submission),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(10_000), ..ProptestConfig::default() })]

    #[test]
    fn a_row_depends_on_the_set_of_events_alone((life, order) in deliveries()) {
        let row = order.iter().map(|one| alone(&life, *one)).reduce(Job::merge).unwrap();
        prop_assert_eq!(serde_json::to_value(&row).unwrap(), life.expected_row());
    }

    #[test]
    fn merging_is_associative_commutative_and_idempotent((life, order) in deliveries(), cut in any::<prop::sample::Index>()) {
        let rows: Vec<Job> = order.iter().map(|one| alone(&life, *one)).collect();
        let (left, right) = rows.split_at(cut.index(rows.len()));
        let join = |rows: &[Job]| rows.iter().cloned().reduce(Job::merge);
        if let (Some(left), Some(right)) = (join(left), join(right)) {
            let both = left.clone().merge(right.clone());
            prop_assert_eq!(&right.merge(left), &both);
            prop_assert_eq!(&both.clone().merge(both.clone()), &both);
            prop_assert_eq!(Some(both), join(&rows));
        }
    }
}

#[test]
fn of_a_submission_tried_again_the_first_time_counts_in_either_order() {
    let submission = |at| {
        let submission = Submission {
            submitted_at: Timestamp::from_millis(at),
            input: "s3://media/in.mov".to_owned(),
            profile: None,
            destination: "s3://media/out/".to_owned(),
            idempotency_key: None,
            queue: None,
            user_metadata: None,
        };
        Job::from_submission("1700000000000-abc123".parse().unwrap(), submission)
    };
    let row = submission(1).merge(submission(2));
    assert_eq!(row, submission(2).merge(submission(1)));
    assert_eq!(row.submitted.unwrap().submitted_at, Timestamp::from_millis(1));
}

/// How many jobs to generate; `PROPTEST_CASES` asks for more or fewer.
fn cases(otherwise: u32) -> u32 {
    std::env::var("PROPTEST_CASES").map_or(otherwise, |cases| {
        cases.parse().expect("PROPTEST_CASES is a number")
    })
}
