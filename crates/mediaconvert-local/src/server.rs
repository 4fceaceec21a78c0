//! Wires the parts together and serves until it is told to stop.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use aws_config::{BehaviorVersion, Region};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use crate::api::{Service, router};
use crate::args::Args;
use crate::earlier_work::EarlierWork;
use crate::events::{EventBus, EventLog};
use crate::fetch::WebClient;
use crate::job_templates::JobTemplates;
use crate::jobs::Jobs;
use crate::queues::Queues;
use crate::quotas::Quotas;
use crate::role::ServiceRole;
use crate::runner::Runner;
use crate::schedule::Schedule;
use crate::tools::Tools;

/// Serves until SIGINT or SIGTERM. Jobs that still run end with it: their children are killed and
/// their directories removed as the runtime drops them.
pub(crate) async fn serve(args: Args) -> anyhow::Result<()> {
    start_log(args.log_level);
    let event_faults = args.event_faults();
    let token_lifetime = Duration::from_millis(args.client_request_token_lifetime_ms);
    let tools = Tools {
        ffmpeg: args.ffmpeg,
        ffprobe: args.ffprobe,
    };
    tools.check().await?;
    let work_dir = args.work_dir;
    let prepared = tokio::fs::create_dir_all(&work_dir).await;
    prepared.with_context(|| format!("--work-dir {} cannot be made", work_dir.display()))?;
    let sdk = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(Region::new(args.region.clone()))
        .load()
        .await;
    let log = args.event_log.map_or_else(
        || Ok(EventLog::default()),
        |path| {
            EventLog::create(&path).with_context(|| format!("--event-log {} cannot be made", path.display()))
        },
    )?;
    let bus = EventBus::start(aws_sdk_eventbridge::Client::new(&sdk), event_faults, log);
    let runner = Runner {
        tools,
        role: ServiceRole::new(&sdk, &args.account_id),
        web: WebClient::new()?,
        work_dir,
        schedule: Schedule::new(args.max_concurrent_jobs),
        update_minute: Duration::from_millis(args.status_update_interval_ms),
        earlier: (args.reuse_outputs_ms).map(|ms| EarlierWork::new(Duration::from_millis(ms))),
    };
    let service = Service {
        jobs: Jobs::new(&args.region, &args.account_id, bus, token_lifetime),
        templates: JobTemplates::new(&args.region, &args.account_id),
        queues: Queues::new(&args.region, &args.account_id),
        quotas: Quotas::new(args.quota_rate_factor),
        runner: Arc::new(runner),
    };
    let listener = TcpListener::bind(args.listen).await.with_context(|| {
        format!(
            "cannot listen on {}; choose another address with --listen",
            args.listen
        )
    })?;
    println!("listening on http://{}", listener.local_addr()?);
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        served = axum::serve(listener, router(Arc::new(service))) => served?,
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// Ours at `level`; all else at WARN, for below that HTTP clients log headers, credentials included.
fn start_log(level: Level) {
    let filter = Targets::new()
        .with_default(Level::WARN)
        .with_target(env!("CARGO_CRATE_NAME"), level);
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .init();
}
