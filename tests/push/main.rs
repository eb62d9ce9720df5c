//! The push API over real sockets: a real server, a real client, and peers that misbehave.

mod client;
mod sockets;
mod stream;
mod unary;

use std::sync::Arc;
use std::time::Duration;

use driftgauge::ingest::push::serve_push;
use driftgauge::ingest::{Admission, Intake, Limits, SourceCounts};
use driftgauge::proto::ingest as wire;
use driftgauge::proto::ingest::ingest_service_client::IngestServiceClient;
use driftgauge::queue::Queue;
use driftgauge::socket::Listener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};

/// A server that runs until it is stopped.
pub struct Server {
    pub address: String,
    pub intake: Arc<Intake>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start(rows: usize) -> Self {
        Self::start_at("127.0.0.1:0", rows, Limits::default()).await
    }

    pub async fn start_at(address: &str, rows: usize, limits: Limits) -> Self {
        let listener = Listener::bind(address, Listener::DEFAULT_MODE).await;
        let listener = listener.unwrap();
        let address = listener.to_string();
        let queue = Arc::new(Queue::new(rows, 64 << 20));
        let intake = Arc::new(Intake::new("push", queue, Arc::new(Admission::default())));
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = serve_push(listener, intake.clone(), limits, async {
            let _ = stopped.await;
        });
        let task = tokio::spawn(async { serve.await.unwrap() });
        Self {
            address,
            intake,
            stop: Some(stop),
            task,
        }
    }

    pub async fn service(&self) -> IngestServiceClient<Channel> {
        let uri = if self.address.starts_with("unix:") {
            self.address.clone()
        } else {
            format!("http://{}", self.address)
        };
        let channel = Endpoint::from_shared(uri).unwrap().connect().await.unwrap();
        IngestServiceClient::new(channel)
    }

    pub fn drained_rows(&self) -> u64 {
        let mut out = Vec::new();
        while self.intake.queue().drain(&mut out) > 0 {}
        out.iter().map(|batch| batch.rows as u64).sum()
    }

    pub fn counts(&self) -> SourceCounts {
        let counts = self.intake.counts();
        let sum = |list: &[(&str, u64)]| list.iter().map(|one| one.1).sum::<u64>();
        assert_eq!(
            counts.received,
            counts.accepted + counts.duplicate + sum(&counts.shed) + sum(&counts.rejected)
        );
        counts
    }

    pub async fn stop(mut self) {
        let _ = self.stop.take().unwrap().send(());
        tokio::time::timeout(Duration::from_secs(20), self.task)
            .await
            .expect("the server ends")
            .unwrap();
    }
}

pub fn count(list: &[(&str, u64)], reason: &str) -> u64 {
    list.iter().find(|one| one.0 == reason).unwrap().1
}

/// A batch of one FLOAT32 field.
pub fn batch(rows: u32) -> wire::PredictionBatch {
    wire::PredictionBatch {
        model: Some(wire::ModelRef {
            name: "m".into(),
            version: String::new(),
        }),
        schema: Some(wire::Schema {
            fields: vec![wire::Field {
                name: "a".into(),
                role: 1,
                r#type: wire::ValueType::Float32 as i32,
                width: 1,
            }],
        }),
        rows,
        blocks: vec![wire::Block {
            field_count: 1,
            r#type: wire::ValueType::Float32 as i32,
            data: vec![0; 4 * rows as usize].into(),
            ..wire::Block::default()
        }],
        ..wire::PredictionBatch::default()
    }
}

pub fn request(sequence: u64, rows: u32) -> wire::ObserveRequest {
    wire::ObserveRequest {
        client_id: "test".into(),
        sequence,
        batches: vec![batch(rows)],
        ..wire::ObserveRequest::default()
    }
}

/// Waits until `done` says so.
pub async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let patience = tokio::time::Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(tokio::time::Instant::now() < patience, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
