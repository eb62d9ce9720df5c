//! The web port and the admin socket: who may connect, for how long, and how it ends. What is answered is in
//! `routes.rs`.
//!
//! Slow clients cost a seat, not the service: pages are rendered off the sockets' threads, at most
//! [`WebOptions::concurrent_pages`] are held in memory at a time (until the socket has taken their
//! last byte), and a client that does not read is cut off when another one wants its place.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::Notify;

use super::own::Sidecar;
use super::page::Setting;
use super::room::{Room, Seat};
use super::routes::{self, Routes};
use crate::analysis::NotRebaselined;
use crate::engine::{Rebaseline, Rebaselined, Snapshot};
use crate::profile::Profile;

/// What the web port asks of the rest of the program.
pub trait WebState: Send + Sync + 'static {
    /// Where the newest snapshot is.
    fn snapshot(&self) -> &ArcSwap<Snapshot>;
    /// What the sidecar knows of itself now.
    fn sidecar(&self) -> Sidecar;
    /// The settings in force, without secrets.
    fn settings(&self) -> Vec<Setting>;
    /// The reference in force of a model; without a version, of the model itself.
    fn profile(&self, model: &str, version: Option<&str>) -> Option<Arc<Profile>>;
    /// Loads the settings anew.
    ///
    /// # Errors
    /// A sentence for the operator; the old settings stay in force.
    fn reload(&self) -> Result<(), String>;
    /// Makes a window the reference of a model; returns when it is in force. May take seconds.
    ///
    /// # Errors
    /// Why there is none, as a sentence.
    fn rebaseline(&self, asked: Rebaseline) -> Result<Rebaselined, NotRebaselined>;
    /// Whether a re-baselined reference survives a restart.
    fn keeps_references(&self) -> bool;
    /// Whether everything that was configured is up.
    fn ready(&self) -> bool {
        true
    }
}

/// How the web port behaves.
#[derive(Clone, Debug)]
pub struct WebOptions {
    /// Path of the metrics; starts with `/`.
    pub metrics_path: String,
    /// Whether `POST` is allowed: to reload, and to re-baseline.
    pub enable_lifecycle: bool,
    /// What this way in is called in logs and records.
    pub door: &'static str,
    /// Time for the head of a request, and for the next one on an idle connection.
    pub header_timeout: Duration,
    /// Connections at a time.
    pub connections: usize,
    /// Pages at a time that are rendered or not yet sent.
    pub concurrent_pages: usize,
    /// Time for a client to read a page before another one may take its place.
    pub reading_grace: Duration,
}

impl Default for WebOptions {
    fn default() -> Self {
        Self {
            metrics_path: "/metrics".into(),
            enable_lifecycle: false,
            door: "the web port",
            header_timeout: Duration::from_secs(5),
            connections: 64,
            concurrent_pages: 4,
            reading_grace: Duration::from_secs(2),
        }
    }
}

/// Time that open requests have to finish at shutdown.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);
/// Pause after an accept that failed, for instance for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What takes connections for [`serve_web`].
pub trait Accept: Send + Sync {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection.
    fn accept(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<TcpStream> {
        let (stream, _) = self.accept().await?;
        // Without it the last packet of a page may wait for an acknowledgement.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }
}

impl Accept for UnixListener {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<UnixStream> {
        self.accept().await.map(|(stream, _)| stream)
    }
}

/// Serves until `shutdown` resolves; then takes no more connections, and lets open requests finish
/// for at most two seconds.
pub async fn serve_web(
    listener: impl Accept,
    state: Arc<dyn WebState>,
    options: WebOptions,
    shutdown: impl Future<Output = ()>,
) {
    let connections = Room::new(options.connections, Duration::ZERO);
    let pages = Room::new(options.concurrent_pages, options.reading_grace);
    let (header_timeout, door) = (options.header_timeout, options.door);
    let routes = Arc::new(Routes {
        state,
        options,
        pages,
    });
    let graceful = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection to {door} could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let leave = Arc::new(Notify::new());
        let seat = connections.enter(&leave).await;
        let connection = connect(stream, Arc::clone(&routes), header_timeout, &leave);
        let connection = graceful.watch(connection);
        tokio::spawn(sit(seat, leave, connection));
    }
    drop(listener);
    if tokio::time::timeout(SHUTDOWN_GRACE, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("a client of {door} was cut off at shutdown");
    }
}

/// Drives a connection to its end, or until its seat is wanted.
async fn sit<E>(seat: Seat, leave: Arc<Notify>, connection: impl Future<Output = Result<(), E>>) {
    tokio::select! {
        // A client that goes away or sends nonsense is its own affair.
        _ = connection => {}
        () = leave.notified() => {
            tracing::debug!("a slow client of the web port was cut off");
        }
    }
    drop(seat);
}

fn connect<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    routes: Arc<Routes>,
    header_timeout: Duration,
    leave: &Arc<Notify>,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> + use<S> {
    let leave = Arc::clone(leave);
    let service =
        service_fn(move |request| routes::answer(Arc::clone(&routes), Arc::clone(&leave), request));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service)
}
