//! From a request to one MediaConvert job and its first row, and never to two.
//!
//! The way from a request to the body of `CreateJob` is pure: [`request`] checks what the caller
//! wrote, [`definition`] reads job settings, [`create_job`] joins the two under the rules of
//! [`input`] and [`output`]. [`submit`] calls MediaConvert and the table around it, under a claim
//! ([`claims`]) that makes one job of however many tries; what comes after the job is [`finish`]'s.
//!
//! Whoever takes requests, in whatever form, calls [`submit`] with each.

pub mod bucket;
pub mod claims;
pub mod config;
pub mod create_job;
pub mod definition;
pub mod fingerprint;
pub mod finish;
pub mod hosts;
pub mod input;
pub mod invalid_request;
mod json_style;
mod media_uris;
pub mod mediaconvert;
#[cfg(test)]
mod model_tests;
pub mod output;
pub mod patience;
pub mod profile;
pub mod queue;
pub mod request;
pub mod rules;
pub mod submit;
