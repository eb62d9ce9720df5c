//! A connection of a client, and the one that carries it to the model server.
//!
//! One for one, so that order, flow control and GOAWAY are those of the client's connection and no
//! client waits for another. It is opened with the first call, and again when it has died.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hyper::upgrade::OnUpgrade;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::serve::Server;
use super::target::Target;
use super::upstream::{Http1, Http2, http1, http2};

/// A connection of a client, with what carries it on.
pub(super) struct Line {
    pub(super) server: Arc<Server>,
    http2: Mutex<Option<Http2>>,
    /// Held while an HTTP/2 connection is opened, so that one is; the last attempt that failed.
    opening: tokio::sync::Mutex<Option<Failed>>,
    /// HTTP/1.1 calls follow one another, so nobody ever waits for this.
    pub(super) http1: tokio::sync::Mutex<Option<Http1>>,
    /// What runs the connections upstream. An old one may still be ending when the next one is open.
    running: Mutex<JoinSet<()>>,
    /// Told when an HTTP/1.1 connection upstream has ended.
    pub(super) gone: Arc<Notify>,
    /// Whether the HTTP/1.1 connection has left HTTP, or was asked to: it ends upstream as well when
    /// it leaves, and that must not close the client's.
    pub(super) leaving: Arc<AtomicBool>,
    /// Both ends of a connection that has left HTTP.
    pub(super) tunnel: Mutex<Option<(OnUpgrade, OnUpgrade)>>,
}

/// Why there is no connection upstream.
pub(super) type Unreachable = Arc<str>;

struct Failed {
    at: Instant,
    why: Unreachable,
}

impl Line {
    pub(super) fn new(server: Arc<Server>) -> Arc<Self> {
        Arc::new(Self {
            server,
            http2: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            http1: tokio::sync::Mutex::default(),
            running: Mutex::default(),
            gone: Arc::default(),
            leaving: Arc::default(),
            tunnel: Mutex::default(),
        })
    }

    /// Ends what runs upstream.
    pub(super) fn close(&self) {
        lock(&self.running).abort_all();
    }

    /// The HTTP/2 connection upstream if there is one that lives.
    fn open_http2(&self) -> Option<Http2> {
        let current = lock(&self.http2);
        current
            .as_ref()
            .filter(|sender| !sender.is_closed())
            .cloned()
    }

    /// The HTTP/2 connection upstream, opened if need be. Calls that come while it is opened share
    /// the attempt and its failure.
    pub(super) async fn http2(&self) -> Result<Http2, Unreachable> {
        if let Some(sender) = self.open_http2() {
            return Ok(sender);
        }
        let came = Instant::now();
        let mut failed = self.opening.lock().await;
        if let Some(sender) = self.open_http2() {
            return Ok(sender);
        }
        if let Some(failed) = failed.as_ref().filter(|failed| failed.at >= came) {
            return Err(failed.why.clone());
        }
        let target = &self.server.forward.upstream;
        let opened = async {
            let io = target
                .connect()
                .await
                .map_err(|e| unreachable(target, &e))?;
            http2(io).await.map_err(|e| unreachable(target, &e))
        };
        match opened.await {
            Ok((sender, connection)) => {
                self.run(connection);
                *lock(&self.http2) = Some(sender.clone());
                Ok(sender)
            }
            Err(why) => {
                let at = Instant::now();
                *failed = Some(Failed {
                    at,
                    why: why.clone(),
                });
                Err(why)
            }
        }
    }

    /// A new HTTP/1.1 connection upstream.
    pub(super) async fn open_http1(&self) -> Result<Http1, Unreachable> {
        let target = &self.server.forward.http_upstream;
        let io = target
            .connect()
            .await
            .map_err(|e| unreachable(target, &e))?;
        let (sender, connection) = http1(io).await.map_err(|e| unreachable(target, &e))?;
        let (gone, leaving) = (self.gone.clone(), self.leaving.clone());
        self.run(async move {
            connection.await;
            if !leaving.load(Ordering::Acquire) {
                gone.notify_one();
            }
        });
        Ok(sender)
    }

    fn run(&self, connection: impl Future<Output = ()> + Send + 'static) {
        let mut running = lock(&self.running);
        while running.try_join_next().is_some() {}
        running.spawn(connection);
    }
}

/// A sentence for the client.
fn unreachable(target: &Target, error: &dyn std::error::Error) -> Unreachable {
    format!("the model server at {target} cannot be reached: {error}").into()
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
