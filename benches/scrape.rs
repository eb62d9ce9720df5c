//! What a scrape costs.
//!
//! ```text
//! cargo bench --bench scrape
//! ```
//!
//! First the rendering alone, by number of series: features of 24 cells in three windows, cells
//! included. Yardsticks: a copy of the page, and prometheus-client's own text encoder over as many
//! gauges with four labels in its own registry. Then the whole through HTTP: the built program with 100
//! features, asked from this process.

#[path = "measure/mod.rs"]
mod measure;
#[path = "measure/sidecar.rs"]
mod sidecar;

use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use driftgauge::batch::{Presence, ValueType};
use driftgauge::engine::{Config, Engine, Snapshot};
use driftgauge::export::Sidecar as Own;
use driftgauge::export::exposition::render;
use driftgauge::export::negotiate::Format;
use flate2::Compression;
use flate2::write::GzEncoder;
use measure::{block, config, fastest, median, numeric, profile, runtime, uniform};
use prometheus_client::encoding::text;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use sidecar::{Sidecar, first_request};

const RUNS: usize = 30;
const PROTOBUF: &str =
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

fn main() {
    println!("Rendering, fastest of {RUNS} runs\n");
    println!(
        "{:>8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>10} {:>7} {:>8} {:>9} {:>8}",
        "series",
        "text",
        "OpenM.",
        "protobuf",
        "gzip 1",
        "copy",
        "prom-cl.",
        "ns/series",
        "× copy",
        "× prom.",
        "bytes",
        "gzipped"
    );
    for features in [10, 103, 208] {
        rendering(features);
    }
    over_http();
}

/// A snapshot of features that have all they can have.
fn snapshot(features: usize) -> Snapshot {
    let settings = Config {
        max_series: usize::MAX,
        ..config((0..features).map(numeric).collect())
    };
    let mut engine = Engine::new(Arc::new(settings));
    let values = uniform(5_000 * features);
    let now = 1_700_000_000_000_000;
    let batch = block(&values, 5_000, ValueType::Float64, &Presence::All);
    engine.apply(&batch, now);
    engine.tick(now)
}

fn rendering(features: usize) {
    let snapshot = Arc::new(snapshot(features));
    let page = |format| {
        let own = Own::of(&snapshot);
        render(format, snapshot.clone(), own, None).expect("a page")
    };
    let time = |format| fastest(RUNS, || drop(black_box(page(format)))) / 1e6;
    let text_page = page(Format::Text);
    let gzip = || {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(1));
        encoder.write_all(&text_page.body).expect("memory");
        encoder.finish().expect("memory")
    };
    let zipped = gzip().len();
    let gzip = fastest(RUNS, || drop(black_box(gzip()))) / 1e6;
    let mut target = vec![0; text_page.body.len()];
    let copy = fastest(RUNS, || {
        target.copy_from_slice(black_box(&text_page.body));
        black_box(&target);
    }) / 1e6;
    let theirs = prometheus_client_alone(text_page.series);
    let text = time(Format::Text);
    println!(
        "{:>8} {text:>9.3} {:>9.3} {:>9.3} {gzip:>9.3} {copy:>9.4} {theirs:>9.3} {:>10.0} {:>7.1} {:>8.2} {:>9} {zipped:>8}",
        text_page.series,
        time(Format::OpenMetrics),
        time(Format::Protobuf),
        text * 1e6 / text_page.series as f64,
        text / copy,
        text / theirs,
        text_page.body.len(),
    );
}

/// Milliseconds of its text encoder for so many gauges.
fn prometheus_client_alone(series: usize) -> f64 {
    type Labels = [(&'static str, String); 4];
    let mut registry = Registry::default();
    let family = Family::<Labels, Gauge<f64, std::sync::atomic::AtomicU64>>::default();
    registry.register("some_gauge", "A gauge with four labels", family.clone());
    for (at, value) in uniform(series).into_iter().enumerate() {
        let labels = [
            ("model", "m".into()),
            ("version", "1".into()),
            ("feature", format!("f{}", at / 95)),
            ("window", format!("{}h", at % 95)),
        ];
        family.get_or_create(&labels).set(value);
    }
    fastest(RUNS, || {
        let mut page = String::with_capacity(64 * 1024);
        text::encode(&mut page, &registry).expect("a page");
        black_box(page);
    }) / 1e6
}

/// 100 features, three windows: how long until the whole page is here.
fn over_http() {
    const FEATURES: usize = 100;
    const ROWS: usize = 5_000;
    let sidecar = Sidecar::start(
        &profile((0..FEATURES).map(numeric).collect()),
        &["--tick", "1s"],
    );
    let runtime = runtime();
    runtime.block_on(async {
        let data = uniform(ROWS * FEATURES)
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        let mut service = sidecar.service().await;
        service
            .observe(first_request("scrape", FEATURES, data))
            .await
            .expect("taken");
    });
    sidecar.until("the rows are evaluated", |sidecar| {
        sidecar.metric("driftgauge_window_rows", "") >= 3.0 * ROWS as f64
    });
    println!("\nThrough HTTP, 100 features, three windows, a new connection each time; ms\n");
    println!(
        "{:14} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "", "fastest", "median", "slowest", "bytes", "series"
    );
    for (name, accept) in [
        ("text", "Accept: text/plain;version=0.0.4\r\n".to_owned()),
        (
            "OpenMetrics",
            "Accept: application/openmetrics-text;version=1.0.0\r\n".to_owned(),
        ),
        ("protobuf", format!("Accept: {PROTOBUF}\r\n")),
        (
            "text, gzip",
            "Accept: text/plain\r\nAccept-Encoding: gzip\r\n".to_owned(),
        ),
    ] {
        let mut bytes = 0;
        let mut times: Vec<f64> = (0..50)
            .map(|_| {
                let begun = Instant::now();
                let (head, body) = sidecar.get("/metrics", &accept);
                assert!(head.starts_with("HTTP/1.1 200"), "{head}");
                bytes = body.len();
                begun.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!(
            "{name:14} {:>9.2} {:>9.2} {:>9.2} {bytes:>9} {:>9}",
            times[0],
            median(times.clone()),
            times[times.len() - 1],
            sidecar.metric("driftgauge_series", ""),
        );
    }
}
