//! What `driftgauge serve` holds in memory: 100 features, three windows, cells exposed, under more
//! load than it can take.
//!
//! The counts that the kernel keeps do not depend on the speed of the machine; the load goes on
//! until enough has been taken and refused.
#![cfg(target_os = "linux")]

#[path = "../benches/measure/sidecar.rs"]
mod sidecar;

mod common;

use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{Random, numeric, profile};
use sidecar::{Sidecar, first_request, request};
use tokio::task::JoinSet;

const FEATURES: usize = 100;
const MIB: u64 = 1 << 20;

fn rows(count: usize) -> Bytes {
    let values = Random(5).uniforms(count * FEATURES, 24.0);
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// Sends messages of `rows` rows for `span`, `at_once` at a time.
async fn load(sidecar: &Sidecar, name: &str, rows: Bytes, at_once: u64, span: Duration) {
    let mut calls = JoinSet::new();
    for caller in 0..at_once {
        let mut service = sidecar.service().await;
        let (client, rows) = (format!("{name} {caller}"), rows.clone());
        calls.spawn(async move {
            let begun = Instant::now();
            let mut sequence = 1;
            let _ = service
                .observe(first_request(&client, FEATURES, rows.clone()))
                .await;
            while begun.elapsed() < span {
                sequence += 1;
                let mut request = request(&client, sequence, FEATURES, rows.clone());
                request.batches[0].schema = Some(sidecar::schema(FEATURES));
                let _ = service.observe(request).await;
            }
        });
    }
    while calls.join_next().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_stays_within_its_bound_under_overload() {
    let names: Vec<_> = (0..FEATURES).map(|at| format!("f{at}")).collect();
    let features = names.iter().map(|name| numeric(name, 24, 500));
    let sidecar = Sidecar::start(&profile(features.collect()), &["--tick", "1s"]);
    let show = |what: &str| {
        let mib = |key| sidecar.memory(key) as f64 / MIB as f64;
        println!(
            "{what}: now {:.1}, most {:.1}, file {:.1}, anon {:.1} MiB",
            mib("VmRSS"),
            mib("VmHWM"),
            mib("RssFile"),
            mib("RssAnon"),
        );
    };
    let count = || {
        println!(
            "received {} accepted {} shed {} rejected {}",
            sidecar.metric("driftgauge_received_rows_total", ""),
            sidecar.metric("driftgauge_accepted_rows_total", ""),
            sidecar.metric("driftgauge_shed_rows_total", ""),
            sidecar.metric("driftgauge_rejected_rows_total", "")
        )
    };
    show("idle");
    count();
    show("idle scraped");
    count();
    count();
    count();
    show("idle scraped");
    let span = Duration::from_secs(2);
    load(&sidecar, "warm", rows(256), 1, span).await;
    show("one client of 256 rows");
    load(&sidecar, "several", rows(1_000), 8, span).await;
    show("eight clients of 1,000 rows");
    load(&sidecar, "single", rows(1), 32, span).await;
    show("32 clients of single rows");
    load(&sidecar, "large", rows(5_000), 16, span).await;
    show("16 clients of 4 MB");
    load(&sidecar, "huge", rows(10_000), 16, span).await;
    show("16 clients of 8 MB");
    load(&sidecar, "too large", rows(20_000), 8, span).await;
    show("8 clients of 16 MB");
    count();
    for _ in 0..5 {
        sidecar.get("/metrics", "Accept-Encoding: gzip\r\n");
    }
    show("scraped");
    tokio::time::sleep(span).await;
    show("at rest");
    assert!(sidecar.memory("VmHWM") <= 30 * MIB);
}
