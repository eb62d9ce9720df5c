//! Connections to the model server, and how wide they are.

use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

use super::body::RequestBody;
use crate::socket::Stream;

/// Bytes that one HTTP/2 stream may send ahead of its reader.
pub(super) const STREAM_WINDOW: u32 = 1 << 20;
/// Bytes that one HTTP/2 connection may send ahead: what a client takes of our memory when the model
/// server does not read. It also sets how many small unread frames h2 puts up with before it closes
/// the connection: about 4,000.
pub(super) const CONNECTION_WINDOW: u32 = 2 << 20;
/// Bytes of the headers of one message, far more than model servers take themselves (8 to 16 KiB):
/// who refuses is the other side, not we. One byte of a client can ask for a header of which h2
/// counts 32 bytes and that takes a hundred.
pub(super) const HEADER_BYTES: u32 = 128 << 10;
/// Bytes that HTTP/1.1 reads at once. It bounds what a small piece of a body keeps in memory, and the
/// head of a message.
pub(super) const READ_BYTES: usize = 64 << 10;

pub(super) type Http2 = http2::SendRequest<RequestBody>;
pub(super) type Http1 = http1::SendRequest<RequestBody>;

/// An HTTP/2 connection: a way to send requests, and what has to run meanwhile.
pub(super) async fn http2(
    io: TokioIo<Stream>,
) -> hyper::Result<(Http2, impl Future<Output = ()> + Send)> {
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(HEADER_BYTES)
        .handshake(io)
        .await?;
    Ok((sender, async {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "an HTTP/2 connection to the model server ended");
        }
    }))
}

/// An HTTP/1.1 connection: a way to send requests, and what has to run meanwhile.
pub(super) async fn http1(
    io: TokioIo<Stream>,
) -> hyper::Result<(Http1, impl Future<Output = ()> + Send)> {
    let (sender, connection) = http1::Builder::new()
        .preserve_header_case(true)
        .max_buf_size(READ_BYTES)
        .handshake(io)
        .await?;
    Ok((sender, async {
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "an HTTP/1.1 connection to the model server ended");
        }
    }))
}
