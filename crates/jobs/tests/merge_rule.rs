//! The merge rule in the pure domain: whatever order a job's events come in, and however often, its
//! row is the one the contract demands for their set.

mod rule;

use jobs::{Job, Retention, Timestamp};
use proptest::prelude::*;
use rule::{Delivery, Happening, Life, RETENTION_DAYS, deliveries, deliveries_with_many_warnings};
use serde_json::{Value, json};

fn retention() -> Retention {
    Retention::from_days(RETENTION_DAYS).unwrap()
}

fn alone(life: &Life, happening: Happening) -> Job {
    match life.deliver(happening) {
        Delivery::Event(event) => Job::from_event(event, retention()),
        Delivery::Answer(told) => Job::from_answer(told, retention()),
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
    fn a_row_holds_the_events_it_tells_of_and_no_other((life, order) in deliveries()) {
        let row = order.iter().map(|one| alone(&life, *one)).reduce(Job::merge).unwrap();
        for one in &life.happenings {
            prop_assert_eq!(row.holds(&alone(&life, *one)), life.still_tells(*one), "{:?}", one);
        }
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

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(100), ..ProptestConfig::default() })]

    #[test]
    fn of_too_many_warnings_as_many_stay_as_a_row_keeps((life, order) in deliveries_with_many_warnings()) {
        let row = order.iter().map(|one| alone(&life, *one)).reduce(Job::merge).unwrap();
        let all = life.warnings();
        prop_assert_eq!(row.warnings.len(), all.len().min(100));
        prop_assert!(row.warnings.is_subset(&all));
        let without = |mut row: Value| {
            row.as_object_mut().unwrap().remove("warnings");
            row
        };
        let row = serde_json::to_value(&row).unwrap();
        prop_assert_eq!(without(row), without(life.expected_row()));
    }
}

#[test]
fn of_a_submission_tried_again_the_first_time_counts_in_either_order() {
    let submission = |at| {
        let job_id = "1700000000000-abc123".parse().unwrap();
        Job::from_submission(job_id, rule::submission(at))
    };
    let row = submission(1).merge(submission(2));
    assert_eq!(row, submission(2).merge(submission(1)));
    assert_eq!(row.submitted.unwrap().submitted_at, Timestamp::from_millis(1));
}

fn event(status: &str, at: u64, details: Value) -> Job {
    Job::from_event(rule::event(status, at, details), Retention::default())
}

/// An event's kind decides between two at one time; the row tells both in either order.
#[test]
fn a_hop_is_newer_than_the_progress_of_its_millisecond() {
    let (progressing, hop) = (
        event("PROGRESSING", 5, json!({"queue": "arn:a"})),
        event("QUEUE_HOP", 5, json!({"queue": "arn:b"})),
    );
    let row = progressing.clone().merge(hop.clone());
    assert_eq!(row, hop.merge(progressing));
    assert_eq!(row.latest.queue.as_deref(), Some("arn:b"));
}

#[test]
fn an_event_that_comes_again_is_held_whatever_came_after_it() {
    let update = event(
        "STATUS_UPDATE",
        2,
        json!({"jobProgress": {"jobPercentComplete": 50}}),
    );
    let failed = event("PROGRESSING", 1, json!({}))
        .merge(update.clone())
        .merge(event("ERROR", 3, json!({"errorCode": 1040})));
    assert!(failed.holds(&update));

    let inputs = |rate: Value| {
        event(
            "INPUT_INFORMATION",
            4,
            json!({"inputDetails": [{"frameRate": rate}]}),
        )
    };
    // As DynamoDB gives it back.
    let row = failed
        .merge(inputs(json!(25)))
        .merge(event("NEW_WARNING", 5, json!({})));
    assert!(row.holds(&inputs(json!(25.0))));
}

#[test]
fn an_event_that_is_superseded_is_not_held() {
    let hop = |at| event("QUEUE_HOP", at, json!({}));
    assert!(!hop(5).holds(&hop(3)));
    let complete = event("PROGRESSING", 1, json!({})).merge(event("COMPLETE", 9, json!({})));
    assert!(!complete.holds(&event("STATUS_UPDATE", 2, json!({}))));
    assert!(!complete.holds(&event("ERROR", 9, json!({}))));
    // The completion's progress is not the update's.
    assert!(!complete.holds(&event("STATUS_UPDATE", 9, json!({}))));
}

/// MediaConvert answers whole seconds and no paths; an event has milliseconds and everything.
#[test]
fn what_mediaconvert_answered_gives_way_to_an_event_of_the_same_status_and_to_no_lesser_one() {
    let answer =
        |status, at, details| Job::from_answer(rule::event(status, at, details), Retention::default());
    let complete = answer("COMPLETE", 9_000, json!({"queue": "arn:a"}));
    for told in [8_123, 9_000, 9_123] {
        let told = event("COMPLETE", told, json!({"queue": "arn:b"}));
        let row = complete.clone().merge(told.clone());
        assert_eq!(row.state, told.state);
        assert_eq!(row, told.merge(complete.clone()));
    }
    let failed = event("ERROR", 9_123, json!({"errorCode": 1040}));
    let row = failed.merge(complete);
    assert_eq!(
        (row.state.status.as_str(), row.state.recovered),
        ("COMPLETE", true)
    );

    let hop = event("QUEUE_HOP", 9_000, json!({"queue": "arn:b"}));
    let row = answer("PROGRESSING", 9_000, json!({"queue": "arn:a"})).merge(hop);
    assert_eq!(row.latest.queue.as_deref(), Some("arn:b"));
    assert_eq!(row.started_at, None);
}

#[test]
fn a_row_of_an_earlier_version_gives_way_to_an_event_of_its_time_in_either_order() {
    let mut earlier = event("COMPLETE", 1, json!({"queue": "arn:a"}));
    earlier.latest.updated_by = None;
    let hop = event("QUEUE_HOP", 1, json!({"queue": "arn:b"}));
    let row = earlier.clone().merge(hop.clone());
    assert_eq!(row.latest, hop.latest);
    assert_eq!(row, hop.merge(earlier));
}

/// How many jobs to generate; `PROPTEST_CASES` asks for more or fewer.
fn cases(otherwise: u32) -> u32 {
    std::env::var("PROPTEST_CASES").map_or(otherwise, |cases| {
        cases.parse().expect("PROPTEST_CASES is a number")
    })
}
