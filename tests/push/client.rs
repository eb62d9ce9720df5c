//! The client of `replay` against a real server.

use std::sync::Arc;
use std::time::Duration;

use driftgauge::batch::{Batch, Calls, Column, Field, Role, Schema, Times, ValueType, Values};
use driftgauge::client::{Client, Options, Totals};
use driftgauge::engine::{Config, Engine, ModelConfig};
use driftgauge::export::Sidecar;
use driftgauge::export::exposition::render;
use driftgauge::export::negotiate::Format;
use driftgauge::learn::{LearnOptions, Learner};
use driftgauge::profile::Provenance;

use super::*;

fn rows(rows: usize) -> Batch {
    let field = Field {
        name: "a".into(),
        role: Role::Feature,
        value_type: ValueType::Float64,
        width: 1,
    };
    let values = (0..rows).map(|row| row as f64).collect();
    Batch {
        model: "m".into(),
        version: "1".into(),
        schema: Arc::new(Schema::new(vec![field])),
        rows,
        columns: vec![Some(Column::full(Values::Numbers(values)))],
        calls: Calls::default(),
        times: Times::Arrival,
        weight: 1.0,
        bytes: 8 * rows,
    }
}

fn options(stream: bool) -> Options {
    Options {
        stream,
        request_rows: 100,
        retry_for: Duration::from_secs(10),
        ..Options::default()
    }
}

fn assert_adds_up(totals: &Totals) {
    assert_eq!(
        totals.sent,
        totals.accepted + totals.rejected + totals.lost,
        "{totals:?}"
    );
}

#[tokio::test]
async fn every_row_arrives_in_requests_of_the_size_asked_for() {
    for stream in [false, true] {
        let server = Server::start(1_000_000).await;
        let mut client = Client::new(&server.address, options(stream)).unwrap();
        for _ in 0..30 {
            client.send(&rows(2_345)).await;
        }
        let totals = client.finish().await;
        assert_adds_up(&totals);
        assert_eq!((totals.accepted, totals.requests), (30 * 2_345, 30 * 24));
        assert_eq!((totals.retries, totals.duplicate), (0, 0));
        let counts = server.counts();
        assert_eq!((counts.accepted, counts.missing_requests), (30 * 2_345, 0));
        assert_eq!(server.drained_rows(), 30 * 2_345);
        server.stop().await;
    }
}

#[tokio::test]
async fn a_full_queue_delays_rows_but_loses_and_doubles_none() {
    for stream in [false, true] {
        let server = Server::start(250).await;
        let intake = server.intake.clone();
        let drained = tokio::spawn(async move {
            let (mut rows, mut out) = (0, Vec::new());
            while rows < 2_000 {
                intake.queue().drain(&mut out);
                rows += out.drain(..).map(|batch| batch.rows).sum::<usize>();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            rows
        });
        let mut client = Client::new(&server.address, options(stream)).unwrap();
        client.send(&rows(2_000)).await;
        let totals = client.finish().await;
        assert_adds_up(&totals);
        assert_eq!(totals.accepted, 2_000, "{totals:?}");
        assert!(totals.retries > 0);
        assert_eq!(drained.await.unwrap(), 2_000);
        let counts = server.counts();
        assert_eq!(counts.accepted, 2_000);
        assert!(count(&counts.shed, "queue_rows") > 0);
        server.stop().await;
    }
}

#[tokio::test]
async fn a_server_that_comes_back_gets_the_rest_with_its_schema() {
    for stream in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let address = format!("unix:{}/push.sock", folder.path().display());
        let first = Server::start_at(&address, 100_000, Limits::default()).await;
        let mut client = Client::new(&address, options(stream)).unwrap();
        client.send(&rows(500)).await;
        let intake = first.intake.clone();
        until("all are taken", || intake.counts().accepted == 500).await;
        first.stop().await;
        let restart = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            Server::start_at(&address, 100_000, Limits::default()).await
        };
        let (second, ()) = tokio::join!(restart, async { client.send(&rows(300)).await });
        let totals = client.finish().await;
        assert_adds_up(&totals);
        assert_eq!((totals.accepted, totals.lost), (800, 0), "{totals:?}");
        assert_eq!(second.counts().accepted, 300);
        second.stop().await;
    }
}

#[tokio::test]
async fn what_cannot_be_delivered_is_lost_and_the_sidecar_learns_of_it() {
    for stream in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let address = format!("unix:{}/push.sock", folder.path().display());
        let mut brief = options(stream);
        brief.retry_for = Duration::from_millis(100);
        let mut client = Client::new(&address, brief).unwrap();
        client.send(&rows(150)).await;
        assert_eq!((client.totals().sent, client.totals().lost), (150, 150));
        assert!(client.totals().last_error.is_some());
        let server = Server::start_at(&address, 100_000, Limits::default()).await;
        // The connection may wait before it tries again.
        let patience = std::time::Instant::now() + Duration::from_secs(20);
        while client.totals().accepted == 0 && std::time::Instant::now() < patience {
            client.send(&rows(1)).await;
            if stream {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        let totals = client.finish().await;
        assert_adds_up(&totals);
        assert!(totals.accepted > 0);
        assert_eq!(server.counts().client_dropped, totals.lost);
        server.stop().await;
    }
}

#[tokio::test]
async fn what_is_refused_for_good_is_rejected_and_explained() {
    for stream in [false, true] {
        let limits = Limits {
            batch_rows: 50,
            ..Limits::default()
        };
        let server = Server::start_at("127.0.0.1:0", 10_000, limits).await;
        let mut client = Client::new(&server.address, options(stream)).unwrap();
        client.send(&rows(100)).await;
        client.send(&rows(20)).await;
        let totals = client.finish().await;
        assert_adds_up(&totals);
        assert_eq!((totals.accepted, totals.rejected), (20, 100), "{totals:?}");
        assert!(!totals.rejections.is_empty());
        server.stop().await;
    }
}

#[tokio::test]
async fn requests_are_cut_by_bytes_too() {
    let server = Server::start(1_000_000).await;
    let mut small = options(false);
    (small.request_rows, small.request_bytes) = (10_000, 2_000);
    let mut client = Client::new(&server.address, small).unwrap();
    client.send(&rows(5_000)).await;
    let totals = client.finish().await;
    assert_eq!(totals.accepted, 5_000);
    assert!(totals.requests >= 20, "{totals:?}");
    server.stop().await;
}

/// Two groups of vectors, the second of them in one row of `every`.
fn vectors(rows: usize, every: usize) -> Batch {
    let width = 16;
    let element = |row: usize, at: usize| {
        let noise = ((row * 31 + at * 17) % 97) as f32 / 97.0 - 0.5;
        let sign = if row.is_multiple_of(every) { -1.0 } else { 1.0 };
        1.0 + noise + if at < 8 { sign * 3.0 } else { 0.0 }
    };
    let elements = (0..rows).flat_map(|row| (0..width).map(move |at| element(row, at)));
    let field = Field {
        name: "emb".into(),
        role: Role::Feature,
        value_type: ValueType::Float32,
        width: width as u32,
    };
    let values = Values::Fixed {
        data: elements.flat_map(f32::to_le_bytes).collect(),
        value_type: ValueType::Float32,
        offset: 0,
        stride: width * 4,
        width,
    };
    Batch {
        schema: Arc::new(Schema::new(vec![field])),
        columns: vec![Some(Column::full(values))],
        bytes: rows * width * 4,
        ..self::rows(rows)
    }
}

#[tokio::test]
async fn vectors_that_are_pushed_are_judged_by_their_centroids_and_cosines() {
    let mut learner = Learner::new(LearnOptions::default());
    learner.observe(&vectors(4_000, 10));
    let profile = learner.finish(Provenance::default());
    let model = ModelConfig {
        profile: Some(Arc::new(profile)),
        ..ModelConfig::default()
    };
    let config = Arc::new(Config {
        models: [("m".into(), model)].into(),
        ..Config::default()
    });
    let server = Server::start(1_000_000).await;
    for (every, is_drift) in [(10, false), (2, true)] {
        let mut client = Client::new(&server.address, options(false)).unwrap();
        client.send(&vectors(2_000, every)).await;
        assert_adds_up(&client.finish().await);
        let mut batches = Vec::new();
        while server.intake.queue().drain(&mut batches) > 0 {}
        let mut engine = Engine::new(config.clone());
        let now = 1_700_000_000_000_000;
        batches.iter().for_each(|batch| engine.apply(batch, now));
        let snapshot = Arc::new(engine.tick(now));
        let sidecar = Sidecar::of(&snapshot);
        let page = render(Format::Text, snapshot, sidecar, None).unwrap();
        let page = String::from_utf8(page.body).unwrap();
        let sample = |name: &str, feature: &str| -> f64 {
            let labels = format!("feature=\"{feature}\"");
            let line = page
                .lines()
                .find(|line| line.starts_with(&format!("{name}{{")) && line.contains(&labels));
            let line = line.unwrap_or_else(|| panic!("no {name} of {feature} in\n{page}"));
            line.rsplit(' ').next().unwrap().parse().unwrap()
        };
        for feature in ["emb", "emb[cosine]"] {
            assert_eq!(sample("driftgauge_feature_values_total", feature), 2_000.0);
            let ratio = sample("driftgauge_feature_drift_ratio", feature);
            assert_eq!(ratio > 1.0, is_drift, "{feature}: {ratio}");
        }
    }
    server.stop().await;
}
