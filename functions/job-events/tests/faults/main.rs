//! The fault matrix: whatever DynamoDB or Secrets Manager do to the function's calls, the answer
//! leaves within 4 s, is 503 or is 200 with the event written exactly once, and once they recover
//! the redelivered event ends in the right row.
//!
//! `make test-faults` runs this with a local AWS and a proxy before it that breaks what it is told to.
//! Where `FAULTS_TABLE` names a file, what was measured is written there, for `docs/reliability.md`.

mod cloud;
mod proxy;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Context as _, Result, ensure};
use cloud::{Cloud, Life};
use proxy::{Dependency, Fault, Lasting, Proxy};

const TIME_TO_ANSWER: Duration = Duration::from_secs(4);

const HEAD: &str =
    "| Fault | In | On | Answer | Slowest | Redelivered | Row afterwards |\n|---|---|---|---|---|---|---|\n";

/// The outcome of one fault in one dependency.
#[derive(Default)]
struct Cell {
    answers: BTreeSet<u16>,
    slowest: Duration,
    redelivered: BTreeSet<String>,
    rows: BTreeSet<String>,
}

#[tokio::test]
async fn a_fault_is_answered_in_time_and_a_redelivery_cures_it() -> Result<()> {
    let proxy = Proxy::at(env::var("AWS_ENDPOINT_URL").context("AWS_ENDPOINT_URL: run `make test-faults`")?);
    let cloud = Cloud::start().await?;
    proxy.warm_up(&cloud).await?;
    let mut table = String::from(HEAD);
    for fault in Fault::ALL {
        for dependency in Dependency::ALL {
            for lasting in Lasting::ALL {
                let cell = measure(&cloud, &proxy, (fault, dependency, lasting)).await;
                let row = cell
                    .with_context(|| format!("{fault}, {dependency}, {lasting}"))?
                    .row();
                writeln!(table, "| {fault} | {dependency} | {lasting} | {row} |")?;
            }
        }
    }
    cloud.stop().await?;
    if let Ok(path) = env::var("FAULTS_TABLE") {
        fs::write(path, table)?;
    }
    Ok(())
}

async fn measure(cloud: &Cloud, proxy: &Proxy, broken: (Fault, Dependency, Lasting)) -> Result<Cell> {
    let mut cell = Cell::default();
    for life in [Life::in_order(), Life::out_of_order()] {
        cell.live(cloud, proxy, broken, &life).await?;
    }
    Ok(cell)
}

impl Cell {
    /// Delivers a life's first event without the fault and its second one under it.
    async fn live(
        &mut self,
        cloud: &Cloud,
        proxy: &Proxy,
        (fault, dependency, lasting): (Fault, Dependency, Lasting),
        life: &Life,
    ) -> Result<()> {
        ensure!(cloud.function().deliver(&life.first).await?.status == 200);
        // A sandbox that has just started: it has no keys yet.
        let function = cloud.function();
        proxy.inject(fault, dependency, lasting).await?;
        let started = Instant::now();
        let answer = function.deliver(&life.second).await?;
        let took = started.elapsed();
        ensure!(proxy.stop_faults().await? > 0, "the fault did not happen");

        ensure!(took < TIME_TO_ANSWER, "the answer took {} ms", took.as_millis());
        let writes = cloud.writes(life).await?;
        match answer.status {
            200 => {
                cloud.expect_row(life).await?;
            }
            503 => {
                ensure!((1..=2).contains(&writes), "{writes} writes of two events");
                if dependency != Dependency::DynamoDb {
                    // The function asks Secrets Manager again after a second; EventBridge waits longer.
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            other => anyhow::bail!("the answer is {other} {}", answer.body),
        }
        let redelivered = function.deliver(&life.second).await?;
        ensure!(redelivered.status == 200, "redelivered: {}", redelivered.body);
        let row = cloud.expect_row(life).await?;

        self.answers.insert(answer.status);
        self.slowest = self.slowest.max(took);
        self.redelivered.insert(redelivered.outcome()?);
        self.rows.insert(row);
        Ok(())
    }

    fn row(&self) -> String {
        let answers: Vec<String> = self.answers.iter().map(u16::to_string).collect();
        let either = |told: &BTreeSet<String>| told.iter().cloned().collect::<Vec<_>>().join(" or ");
        format!(
            "{} | {} ms | {} | {}",
            answers.join(" or "),
            self.slowest.as_millis(),
            either(&self.redelivered),
            either(&self.rows)
        )
    }
}
