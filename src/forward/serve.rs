//! Accepting connections, and the end of it all.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::Forward;
use super::call::carry;
use super::line::{Line, lock};
use super::tunnel::carry_bytes;
use super::turns::Turns;
use super::upstream::{CONNECTION_WINDOW, HEADER_BYTES, READ_BYTES, STREAM_WINDOW};
use crate::socket::{Listener, Stream};

/// How long to wait when no connection can be accepted, as without a free descriptor.
const PAUSE: Duration = Duration::from_millis(100);
/// Calls at once on one HTTP/2 connection; more of them wait in the client. Model servers announce no
/// limit, mostly; this one is above what clients use, and bounds what one connection can take: a call
/// that waits takes about 9 kB.
const CONCURRENT_STREAMS: u32 = 1 << 10;
/// Calls that a client may reset before we have looked at them; hyper's 20 is less than a client
/// that cancels a batch of calls needs.
const PENDING_RESETS: usize = 1 << 10;

/// What all connections share.
pub(super) struct Server {
    pub(super) forward: Forward,
    /// Calls that have begun and not ended, watched or not.
    pub(super) calls: AtomicUsize,
}

/// Carries connections until `shutdown`; then takes no more, lets calls end for as long as
/// [`Forward::drain`] says, and cuts those that have not ended. Returns how many were cut.
pub async fn serve_forward(
    listener: Listener,
    forward: Forward,
    shutdown: impl Future<Output = ()>,
) -> usize {
    let drain = forward.drain;
    let server = Arc::new(Server {
        forward,
        calls: AtomicUsize::new(0),
    });
    let protocol = Arc::new(protocol());
    let (stop, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok(stream) => {
                    let line = Line::new(server.clone());
                    let connection = serve(stream, line, protocol.clone(), stopped.clone());
                    connections.spawn(connection);
                }
                Err(error) => pause(&error).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    // The file of a Unix socket goes with it.
    drop(listener);
    stop.send_replace(true);
    let ended = async { while connections.join_next().await.is_some() {} };
    if timeout(drain, ended).await.is_ok() {
        return 0;
    }
    let cut = server.calls.load(Ordering::Relaxed);
    connections.shutdown().await;
    tracing::warn!(
        calls = cut,
        "calls that did not end in time were cut by the shutdown"
    );
    cut
}

/// Accepting failed: for one connection that went away again, or for want of descriptors.
async fn pause(error: &io::Error) {
    let is_of_one = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::InvalidInput
    );
    if !is_of_one {
        crate::warn_limited!("forward accept", %error, "a connection cannot be accepted");
        sleep(PAUSE).await;
    }
}

/// HTTP/1.1 and HTTP/2 on one port, told apart by the first bytes, with nothing added to what passes.
fn protocol() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // Deadlines are those of the two sides.
        .header_read_timeout(None)
        .auto_date_header(false)
        .preserve_header_case(true)
        .max_buf_size(READ_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(CONCURRENT_STREAMS)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_header_list_size(HEADER_BYTES);
    builder
}

/// Ends what runs upstream, also when the connection is cut.
struct Closing(Arc<Line>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Serves one connection until either side ends it.
async fn serve(
    stream: Stream,
    line: Arc<Line>,
    protocol: Arc<auto::Builder<TokioExecutor>>,
    mut stopped: watch::Receiver<bool>,
) {
    let closing = Closing(line.clone());
    let gone = line.gone.clone();
    let service = service_fn(move |request| carry(line.clone(), request));
    let connection =
        protocol.serve_connection_with_upgrades(TokioIo::new(Turns::new(stream)), service);
    let mut connection = std::pin::pin!(connection);
    let ending = async {
        tokio::select! {
            // What the model server has closed is closed for the client as well.
            () = gone.notified() => {}
            _ = stopped.wait_for(|stop| *stop) => {}
        }
    };
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = ending => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error, "a client's connection ended");
    }
    let tunnel = lock(&closing.0.tunnel).take();
    if let Some((downstream, upstream)) = tunnel {
        carry_bytes(downstream, upstream).await;
    }
}
