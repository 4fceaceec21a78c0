//! submit-job

fn main() {}
