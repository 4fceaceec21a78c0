//! A MediaConvert that runs on a laptop: the same API and events, with ffmpeg inside.

mod api;
mod args;
mod clock;
mod create_job;
mod events;
mod fetch;
mod ffmpeg;
mod input_details;
mod job;
mod job_error;
mod job_templates;
mod jobs;
mod measure;
mod probe;
mod publication;
mod queues;
mod role;
mod runner;
mod server;
mod settings;
mod tools;

use std::io;
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

#[tokio::main]
async fn main() -> ExitCode {
    let args = args::Args::parse();
    // At lower levels HTTP clients log headers, and those have credentials in them.
    let ours = Targets::new()
        .with_default(tracing::Level::WARN)
        .with_target(env!("CARGO_CRATE_NAME"), args.log_level);
    let log = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    tracing_subscriber::registry().with(log.with_filter(ours)).init();
    match server::serve(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mediaconvert-local: {error:#}");
            ExitCode::FAILURE
        }
    }
}
