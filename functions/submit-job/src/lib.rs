//! submit-job creates one MediaConvert job per request and writes the job's first row.
//!
//! The way from a request to the body of `CreateJob` is pure: [`request`] checks what the caller
//! wrote, [`definition`] reads job settings, [`create_job`] joins the two under the rules of
//! [`input`] and [`output`]. [`submit`] calls MediaConvert and the table around it, under a claim
//! ([`claims`]) that makes one job of however many tries.

pub mod batch;
pub mod bucket;
pub mod claims;
pub mod config;
pub mod create_job;
pub mod dead_letters;
pub mod definition;
pub mod function;
pub mod hosts;
pub mod input;
pub mod invalid_request;
mod json_style;
mod media_uris;
pub mod mediaconvert;
pub mod output;
mod patience;
pub mod profile;
pub mod queue;
pub mod request;
pub mod submit;
mod upload;
