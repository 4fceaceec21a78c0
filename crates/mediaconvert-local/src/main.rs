//! mediaconvert-local

fn main() {}
