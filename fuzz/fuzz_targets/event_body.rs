//! Any bytes at all as an event: whatever [`JobEvent::from_json`] takes makes a row that the table
//! can hold and give back.

#![no_main]

mod run_lengths;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jobs::{Job, JobEvent, Received, Retention};
use libfuzzer_sys::fuzz_target;
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};

/// DynamoDB's bounds for an item, a document's nesting and a number's digits.
const MAX_ITEM: usize = 400 * 1024;
const MAX_DEPTH: usize = 32;
const MAX_DIGITS: usize = 38;

fuzz_target!(|body: &[u8]| {
    let Ok(Received::Event(event)) = JobEvent::from_json(&run_lengths::expand(body)) else {
        return;
    };
    let retention = Retention::from_days(15).expect("15 days are enough");
    let row = Job::from_event(event, retention);
    assert_eq!(row.clone().merge(row.clone()), row, "the join with itself");

    let json = serde_json::to_value(&row).expect("a row is JSON");
    let read: Job = serde_json::from_value(json).expect("a row's JSON is a row");
    assert_eq!(read, row);

    let item: HashMap<String, AttributeValue> = to_item(&row).expect("a row is an item");
    let size: usize = item.iter().map(|(name, value)| name.len() + size(value, 1)).sum();
    assert!(size <= MAX_ITEM, "{size} bytes");
    // Not the row itself: DynamoDB does not tell 1 from 1.0.
    let read: Job = from_item(item.clone()).expect("a row's item is a row");
    assert_eq!(to_item(&read).expect("a row is an item"), item);
});

/// A value's size as DynamoDB counts it; panics at one that DynamoDB would refuse.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
fn size(value: &AttributeValue, depth: usize) -> usize {
    assert!(depth <= MAX_DEPTH, "{depth} levels");
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number_size(number),
        AttributeValue::Bool(_) | AttributeValue::Null(_) => 1,
        AttributeValue::L(entries) => {
            let entries = entries.iter().map(|entry| 1 + size(entry, depth + 1));
            3 + entries.sum::<usize>()
        }
        AttributeValue::M(members) => {
            let members = members.iter().map(|(name, member)| {
                assert!(!name.is_empty(), "an attribute without a name");
                1 + name.len() + size(member, depth + 1)
            });
            3 + members.sum::<usize>()
        }
        other => panic!("a row has no {other:?}"),
    }
}

fn number_size(number: &str) -> usize {
    let value: f64 = number.parse().expect("a number");
    assert!(
        value == 0.0 || (1e-130..1e126).contains(&value.abs()),
        "{number} is out of range"
    );
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_matches('0').len();
    assert!(digits <= MAX_DIGITS, "{number} has too many digits");
    digits.div_ceil(2) + 2
}
