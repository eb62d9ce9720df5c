//! The events port: who may connect, for how long, and how it ends. What is answered is in `post`.
//!
//! When all places are taken, those connections that are open longest have to leave for a newcomer:
//! they may finish what they are sending, for [`LEAVE_GRACE`], and a logger simply connects again.
//! So clients that are slow or silent keep nobody out.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::post::Posts;
use crate::ingest::Limits;
use crate::ingest::seen::Observer;
use crate::socket::Listener;

/// Connections at a time.
const CONNECTIONS: usize = 128;
/// Connections that are asked to leave at once when all places are taken: slow ones take
/// [`LEAVE_GRACE`] each.
const LEAVING: usize = 8;
/// Time for one body.
pub(super) const BODY_TIME: Duration = Duration::from_secs(5);
/// Time for the head of a request, and for the next one on an idle connection: longer than Go keeps
/// those (90 s), so that it is the logger who closes them, and never while it sends.
const HEAD_TIME: Duration = Duration::from_secs(120);
/// Time that a connection has to finish when its place is wanted.
const LEAVE_GRACE: Duration = Duration::from_millis(500);
/// Time that all have at shutdown.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);
/// Pause after an accept that failed, for instance for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// A silent HTTP/2 connection is asked this often whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(20);

/// Takes events over HTTP/1.1 and HTTP/2 without TLS until `shutdown` resolves; then takes no more
/// connections, lets open requests finish for at most two seconds, and removes the socket file.
///
/// Each is answered before anybody looks at it: see [`Observer`].
pub async fn serve_events(
    listener: Listener,
    observer: Observer,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let posts = Arc::new(Posts {
        observer,
        message_bytes: limits.message_bytes,
    });
    let mut guests = Guests::default();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
            () = guests.one_leaves() => continue,
        };
        let stream = match accepted {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection to the events port could not be accepted");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        tokio::select! {
            () = &mut shutdown => break,
            () = guests.make_room(CONNECTIONS) => {}
        }
        let (posts, limits) = (Arc::clone(&posts), limits.clone());
        guests.seat(|leave| connection(stream, posts, limits, leave));
    }
    drop(listener);
    guests.all_leave().await;
}

/// The connections, those open longest first.
#[derive(Default)]
struct Guests {
    tasks: JoinSet<()>,
    inside: VecDeque<(tokio::task::Id, Arc<Notify>)>,
}

impl Guests {
    /// Lets a connection in. It should end soon when it is notified.
    fn seat<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        connection: impl FnOnce(Arc<Notify>) -> F,
    ) {
        let leave = Arc::new(Notify::new());
        let task = self.tasks.spawn(connection(Arc::clone(&leave)));
        self.inside.push_back((task.id(), leave));
    }

    /// Waits for a connection to end; for ever when there is none.
    async fn one_leaves(&mut self) {
        let id = match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => id,
            Some(Err(error)) => error.id(),
            None => std::future::pending().await,
        };
        self.inside.retain(|(guest, _)| *guest != id);
    }

    /// Sends away some of those open longest until there are fewer than so many.
    async fn make_room(&mut self, most: usize) {
        while self.tasks.len() >= most {
            for (_, leave) in self.inside.iter().take(LEAVING) {
                leave.notify_one();
            }
            self.one_leaves().await;
        }
    }

    async fn all_leave(&mut self) {
        for (_, leave) in &self.inside {
            leave.notify_one();
        }
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(SHUTDOWN_GRACE, all).await.is_err() {
            tracing::warn!("a client of the events port was cut off at shutdown");
        }
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    posts: Arc<Posts>,
    limits: Limits,
    leave: Arc<Notify>,
) {
    let service = service_fn(move |request| {
        let posts = Arc::clone(&posts);
        async move { Ok::<_, Infallible>(posts.answer(request).await) }
    });
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(64 << 10)
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(64 << 10)
        .initial_connection_window_size(256 << 10)
        .max_concurrent_streams(limits.concurrent_streams)
        .max_header_list_size(16 << 10)
        .keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE);
    let mut serving = std::pin::pin!(server.serve_connection(TokioIo::new(stream), service));
    // A client that goes away or sends nonsense is its own affair.
    tokio::select! {
        _ = serving.as_mut() => return,
        () = leave.notified() => serving.as_mut().graceful_shutdown(),
    }
    let _ = timeout(LEAVE_GRACE, serving).await;
}
