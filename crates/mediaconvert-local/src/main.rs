//! A MediaConvert that runs on a laptop: the same API and events, with ffmpeg inside.

mod api;
mod args;
mod clock;
mod create_job;
mod earlier_work;
mod events;
mod fetch;
mod ffmpeg;
#[cfg(test)]
mod fixtures;
mod input_details;
mod job;
mod job_error;
mod job_templates;
mod jobs;
mod measure;
mod model;
mod package;
mod probe;
mod publication;
mod queues;
mod quotas;
mod role;
mod runner;
mod schedule;
mod server;
mod settings;
mod tools;

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    match server::serve(args::Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mediaconvert-local: {error:#}");
            ExitCode::FAILURE
        }
    }
}
