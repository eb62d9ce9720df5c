//! The server around the service: windows, timeouts, health, shutdown.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Error, Server};
use tonic_health::ServingStatus;

use super::arriving::Counted;
use super::service::Push;
use crate::ingest::{Intake, Limits};
use crate::proto::ingest_server::{IngestServiceServer, SERVICE_NAME};
use crate::socket::Listener;

/// Bytes that one stream may send ahead of its reader.
const STREAM_WINDOW: u32 = 64 << 10;
/// Bytes that one connection may send ahead. It also sets how many small unread frames h2 puts up
/// with before it closes the connection.
const CONNECTION_WINDOW: u32 = 256 << 10;
/// A silent connection is asked this often whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(20);
/// How long calls may take to end once the server shuts down.
const GRACE: Duration = Duration::from_secs(5);

/// Serves the push API, and gRPC health, until `shutdown`; then lets calls end, and removes the
/// socket file.
///
/// # Errors
/// When the server cannot go on.
pub async fn serve_push(
    listener: Listener,
    intake: Arc<Intake>,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    let (stop, stopped) = watch::channel(false);
    let mut gone = stopped.clone();
    let (mut health, health_service) = tonic_health::server::health_reporter();
    for service in ["", SERVICE_NAME] {
        health
            .set_service_status(service, ServingStatus::Serving)
            .await;
    }
    let queue = intake.queue().clone();
    let limits = Limits {
        message_bytes: limits.message_bytes.min(limits.buffer_bytes),
        ..limits
    };
    let service = IngestServiceServer::new(Push {
        intake,
        limits: Arc::new(limits.clone()),
        stop: stopped,
    })
    .max_decoding_message_size(limits.message_bytes);
    let service = Counted::new(service, queue, limits.buffer_bytes);

    let router = Server::builder()
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(limits.concurrent_streams)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE))
        .http2_max_header_list_size(16 << 10)
        .add_service(health_service)
        .add_service(service);
    let shutdown = async move {
        shutdown.await;
        for service in ["", SERVICE_NAME] {
            health
                .set_service_status(service, ServingStatus::NotServing)
                .await;
            // Ends the calls that watch it.
            health.clear_service_status(service).await;
        }
        stop.send_replace(true);
    };
    let too_long = async move {
        let _ = gone.wait_for(|stop| *stop).await;
        tokio::time::sleep(GRACE).await;
    };
    let serve = async {
        match listener {
            Listener::Tcp(listener) => {
                let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
                router
                    .serve_with_incoming_shutdown(incoming, shutdown)
                    .await
            }
            Listener::Unix(mut socket) => {
                let Some(listener) = socket.take_listener() else {
                    return Ok(());
                };
                let incoming = UnixListenerStream::new(listener);
                router
                    .serve_with_incoming_shutdown(incoming, shutdown)
                    .await
            }
        }
    };
    tokio::select! {
        result = serve => result,
        () = too_long => Ok(()),
    }
}
