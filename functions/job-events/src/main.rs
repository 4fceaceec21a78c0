//! job-events

fn main() {}
