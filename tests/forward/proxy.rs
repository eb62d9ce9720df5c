//! A proxy in front of a model server, and what it has seen.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use arc_swap::ArcSwap;
use driftgauge::forward::{Forward, Target, serve_forward};
use driftgauge::ingest::mapping::Sampling;
use driftgauge::ingest::seen::{Budget, CallCounts, Exchange, Observer, Seen};
use driftgauge::socket::Listener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::wire::soon;

/// How a proxy is made.
pub struct Options {
    pub listen: String,
    pub http_upstream: Option<String>,
    pub rate: f64,
    pub call_bytes: usize,
    pub budget_bytes: usize,
    pub waiting: usize,
    pub drain: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            http_upstream: None,
            rate: 1.0,
            call_bytes: 64 << 20,
            budget_bytes: 64 << 20,
            waiting: 100_000,
            drain: Duration::from_secs(10),
        }
    }
}

/// A proxy that runs until it is stopped or dropped.
pub struct Proxy {
    pub address: String,
    pub observer: Observer,
    pub seen: Receiver<(&'static str, Seen)>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<usize>,
}

pub fn target(address: &str) -> Target {
    match address.strip_prefix("unix:") {
        Some(path) => Target::Unix(path.into()),
        None => Target::Tcp(address.to_owned()),
    }
}

impl Proxy {
    /// A proxy to `upstream` as it mostly is.
    pub async fn to(upstream: &str) -> Self {
        Self::with(upstream, Options::default()).await
    }

    pub async fn with(upstream: &str, options: Options) -> Self {
        let listener = Listener::bind(&options.listen, Listener::DEFAULT_MODE).await;
        let listener = listener.unwrap();
        let address = listener.to_string();
        let budget = Budget::new(options.budget_bytes);
        let (observer, seen) = Observer::new("forward", options.waiting, budget);
        let sampling = Sampling {
            rate: options.rate,
            id_headers: Vec::new(),
            by_trace: false,
        };
        let forward = Forward {
            upstream: target(upstream),
            http_upstream: target(options.http_upstream.as_deref().unwrap_or(upstream)),
            observer: observer.clone(),
            sampling: Arc::new(ArcSwap::from_pointee(sampling)),
            call_bytes: options.call_bytes,
            drain: options.drain,
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async {
            let _ = stopped.await;
        };
        let task = tokio::spawn(serve_forward(listener, forward, shutdown));
        Self {
            address,
            observer,
            seen,
            stop: Some(stop),
            task,
        }
    }

    pub fn counts(&self) -> &CallCounts {
        self.observer.counts()
    }

    /// The next whole call that was seen.
    pub async fn next_call(&self) -> Box<Exchange> {
        match self.next().await {
            Seen::Call(exchange) => exchange,
            other => panic!("no call: {other:?}"),
        }
    }

    /// The next that was seen.
    pub async fn next(&self) -> Seen {
        soon(async {
            loop {
                match self.seen.try_recv() {
                    Ok((source, seen)) => {
                        assert_eq!(source, "forward");
                        return seen;
                    }
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        })
        .await
    }

    /// Calls that were not kept, by reason.
    pub fn shed(&self, reason: &str) -> u64 {
        let shed = self.counts().shed_by_reason();
        shed.into_iter()
            .find(|(name, _)| *name == reason)
            .unwrap()
            .1
    }

    /// Asks it to end.
    pub fn begin_stop(&mut self) {
        let stop = self.stop.take().unwrap();
        stop.send(()).unwrap();
    }

    /// Waits until it has ended; how many calls were cut.
    pub async fn ended(self) -> usize {
        soon(self.task).await.unwrap()
    }

    /// Ends it; how many calls were cut.
    pub async fn stop(mut self) -> usize {
        self.begin_stop();
        self.ended().await
    }
}

/// Waits until a condition holds.
pub async fn until(condition: impl Fn() -> bool) {
    soon(async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}
