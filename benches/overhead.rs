//! Whether a scrape each second costs the engine anything.
//!
//! ```text
//! cargo bench --bench overhead
//! ```
//!
//! The built program with 100 features and three windows takes the same rows over and over, each
//! second as many, with and without a scrape in that second, in random order within a pair. What
//! counts is the processor time of the analysis thread, a row; the ratio is the median of the pairs'.

#[path = "measure/mod.rs"]
mod measure;
#[path = "measure/sidecar.rs"]
mod sidecar;

use std::time::{Duration, Instant};

use bytes::Bytes;
use driftgauge::proto::ingest::ingest_service_client::IngestServiceClient;
use measure::{median, numeric, profile, runtime, uniform};
use sidecar::{Sidecar, first_request, request};
use tonic::transport::Channel;

const FEATURES: usize = 100;
const ROWS: usize = 250;
/// Messages a second.
const MESSAGES: usize = 200;
const PAIRS: usize = 30;

fn main() {
    let sidecar = Sidecar::start(
        &profile((0..FEATURES).map(numeric).collect()),
        &["--tick", "1s"],
    );
    let runtime = runtime();
    runtime.block_on(async {
        let values = uniform(ROWS * FEATURES);
        let data: Bytes = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        let mut service = sidecar.service().await;
        let first = first_request("overhead", FEATURES, data.clone());
        service.observe(first).await.expect("taken");
        let mut load = Load {
            service,
            data,
            sequence: 1,
        };
        load.second(&sidecar, false).await;
        let (mut engine, mut process) = (Vec::new(), Vec::new());
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for (pair, coin) in uniform(PAIRS).into_iter().enumerate() {
            let first_scrapes = coin < 0.5;
            let first = load.second(&sidecar, first_scrapes).await;
            let second = load.second(&sidecar, !first_scrapes).await;
            let (scraped, alone) = if first_scrapes {
                (first, second)
            } else {
                (second, first)
            };
            engine.push(scraped.0 / alone.0);
            process.push(scraped.1 / alone.1);
            with.push(scraped.0);
            without.push(alone.0);
            eprint!("\r{} of {PAIRS} pairs", pair + 1);
        }
        eprintln!();
        println!(
            "{FEATURES} features, three windows, {} rows a second, {PAIRS} pairs",
            ROWS * MESSAGES
        );
        println!(
            "engine, ns a row:   {:.0} with, {:.0} without scrapes (medians)",
            median(with),
            median(without)
        );
        println!(
            "engine, ratio:      {:.3} (median of pairs)",
            median(engine)
        );
        println!(
            "whole process:      {:.3} (median of pairs; rendering included)",
            median(process)
        );
    });
}

struct Load {
    service: IngestServiceClient<Channel>,
    data: Bytes,
    sequence: u64,
}

impl Load {
    /// One second of traffic; nanoseconds a row of the engine's thread and of the process.
    async fn second(&mut self, sidecar: &Sidecar, scrape: bool) -> (f64, f64) {
        let before = (sidecar.cpu_nanos("analysis"), sidecar.cpu_nanos(""));
        let begun = Instant::now();
        for message in 0..MESSAGES {
            if scrape && message == MESSAGES / 2 {
                sidecar.get("/metrics", "Accept-Encoding: gzip\r\n");
            }
            self.sequence += 1;
            let request = request("overhead", self.sequence, FEATURES, self.data.clone());
            self.service.observe(request).await.expect("taken");
            let due = begun + Duration::from_secs(1) / MESSAGES as u32 * (message + 1) as u32;
            tokio::time::sleep_until(due.into()).await;
        }
        // What is queued is drained within 10 ms.
        tokio::time::sleep(Duration::from_millis(30)).await;
        let rows = (ROWS * MESSAGES) as f64;
        (
            (sidecar.cpu_nanos("analysis") - before.0) / rows,
            (sidecar.cpu_nanos("") - before.1) / rows,
        )
    }
}
