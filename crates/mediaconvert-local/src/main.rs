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

use clap::Parser as _;
use tracing_subscriber::prelude::*;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = args::Args::parse();
    let ours = tracing_subscriber::filter::Targets::new()
        .with_default(tracing::Level::WARN)
        .with_target(env!("CARGO_CRATE_NAME"), args.log_level);
    tracing_subscriber::registry()
        .with(
            tracing_subscriber::fmt::layer()
                .with_writer(std::io::stderr)
                .with_filter(ours),
        )
        .init();
    server::serve(args).await
}
