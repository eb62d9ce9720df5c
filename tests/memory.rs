//! What `driftgauge serve` holds in memory: 100 features, three windows, cells exposed, under more
//! load than it can take.
//!
//! What the kernel counts is bounded whatever the speed of the machine: rows that come too fast are
//! refused.
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
/// What Prometheus asks for.
const PROMETHEUS: &str =
    "Accept: application/openmetrics-text;version=1.0.0\r\nAccept-Encoding: gzip\r\n";
/// How long each load lasts.
const SPAN: Duration = Duration::from_secs(2);

fn rows(count: usize) -> Bytes {
    let values = Random(5).uniforms(count * FEATURES, 24.0);
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// Sends the same message for a while, over `at_once` connections.
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
            "{what}: now {:.1} (file {:.1}, rest {:.1}), most {:.1} MiB",
            mib("VmRSS"),
            mib("RssFile"),
            mib("RssAnon"),
            mib("VmHWM"),
        );
    };
    show("idle");
    let under_load = async {
        for (name, data, at_once) in [
            ("256 rows", rows(256), 1),
            ("1,000 rows", rows(1_000), 8),
            ("single rows", rows(1), 32),
            ("4 MB", rows(5_000), 16),
            ("8 MB", rows(10_000), 16),
            ("16 MB", rows(20_000), 8),
        ] {
            load(&sidecar, name, data, at_once, SPAN).await;
            show(&format!("{at_once} clients, messages of {name}"));
        }
    };
    let scraping = async {
        loop {
            tokio::time::sleep(SPAN / 4).await;
            let scrape = || sidecar.get("/metrics", PROMETHEUS);
            tokio::task::block_in_place(scrape);
        }
    };
    tokio::select! {
        () = under_load => {}
        () = scraping => {}
    }
    // Everything in the queue has been analysed when two evaluations have passed.
    let evaluated = || sidecar.metric("driftgauge_last_evaluation_timestamp_seconds", "");
    for _ in 0..2 {
        let last = evaluated();
        sidecar.until("the next evaluation", |_| evaluated() > last);
    }
    show("at rest");
    let count = |what| sidecar.metric(&format!("driftgauge_{what}_rows_total"), "");
    let (accepted, shed) = (count("accepted"), count("shed"));
    assert!(
        accepted > 0.0 && shed > 0.0,
        "no overload: {accepted} {shed}"
    );
    assert_eq!(
        count("received"),
        accepted + shed + count("rejected") + count("duplicate")
    );
    let (most, at_rest) = (sidecar.memory("VmHWM"), sidecar.memory("VmRSS"));
    // What is held at rest is neither queue nor messages.
    assert!(
        most - at_rest <= 12 * MIB,
        "{most} bytes at most, {at_rest} at rest"
    );
    let code = sidecar.memory("RssFile");
    if cfg!(debug_assertions) {
        // The code of a build for development is larger than the 10.5 MiB of a release.
        assert!(most - code <= 22 * MIB, "{most} bytes, {code} of code");
    } else {
        assert!(most <= 30 * MIB, "{most} bytes, {code} of code");
    }
}
