//! Clients that hide nothing: HTTP/2 frame by frame, HTTP/1.1 byte by byte.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::either::Either;

/// An error that ends a call, with the code of the reset in its source.
#[derive(Debug)]
pub struct Fault(Box<dyn std::error::Error + Send + Sync>);

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

impl From<hyper::Error> for Fault {
    fn from(error: hyper::Error) -> Self {
        Self(Box::new(error))
    }
}

impl From<h2::Reason> for Fault {
    fn from(reason: h2::Reason) -> Self {
        Self(Box::new(h2::Error::from(reason)))
    }
}
/// A body of frames.
pub type Frames = BoxBody<Bytes, Fault>;
/// A connection.
pub type Stream = Either<TcpStream, UnixStream>;
/// The other end of a body of frames.
pub type FrameSender = mpsc::Sender<Result<Frame<Bytes>, Fault>>;

/// The longest that anything here takes.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// The method whose calls are watched.
pub const INFER: &str = "/inference.GRPCInferenceService/ModelInfer";
/// The method whose streams are watched.
pub const STREAM_INFER: &str = "/inference.GRPCInferenceService/ModelStreamInfer";

/// Fails a test that hangs.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what)
        .await
        .expect("it takes too long")
}

/// Connects to `host:port` or `unix:/path`.
pub async fn connect(address: &str) -> Stream {
    match address.strip_prefix("unix:") {
        Some(path) => Either::Right(UnixStream::connect(path).await.unwrap()),
        None => {
            let stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            Either::Left(stream)
        }
    }
}

/// An HTTP/2 connection.
pub async fn http2(address: &str) -> SendRequest<Frames> {
    let io = TokioIo::new(connect(address).await);
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

/// A gRPC message with its five bytes.
pub fn message(flag: u8, payload: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(payload.len() + 5);
    framed.put_u8(flag);
    framed.put_u32(payload.len() as u32);
    framed.put_slice(payload);
    framed.freeze()
}

/// A body in one piece.
pub fn full(body: impl Into<Bytes>) -> Frames {
    let body = http_body_util::Full::new(body.into());
    body.map_err(|never| match never {}).boxed()
}

/// No body.
pub fn empty() -> Frames {
    let body = http_body_util::Empty::new();
    body.map_err(|never| match never {}).boxed()
}

/// A body of which each frame is sent when it is given.
pub fn channel() -> (FrameSender, Frames) {
    let (sender, receiver) = mpsc::channel(1);
    (
        sender,
        StreamBody::new(ReceiverStream::new(receiver)).boxed(),
    )
}

/// A body of these frames.
pub fn frames(all: Vec<Frame<Bytes>>) -> Frames {
    let all = tokio_stream::iter(all.into_iter().map(Ok));
    BodyExt::boxed(StreamBody::new(all))
}

/// A gRPC request.
pub fn grpc(path: &str, body: Frames) -> Request<Frames> {
    Request::post(format!("http://model.test{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(body)
        .unwrap()
}

/// Trailers of a gRPC status.
pub fn status(code: u32) -> HeaderMap {
    HeaderMap::from_iter([("grpc-status".parse().unwrap(), HeaderValue::from(code))])
}

/// A response that has come as a whole.
#[derive(Debug)]
pub struct Whole {
    pub head: http::response::Parts,
    pub body: Bytes,
    pub trailers: HeaderMap,
}

/// All of a response.
pub async fn whole(response: Response<Incoming>) -> Whole {
    let (head, body) = response.into_parts();
    let collected = body.collect().await.unwrap();
    let trailers = collected.trailers().cloned().unwrap_or_default();
    Whole {
        head,
        body: collected.to_bytes(),
        trailers,
    }
}

/// A call from beginning to end.
pub async fn call(sender: &mut SendRequest<Frames>, request: Request<Frames>) -> Whole {
    let response = soon(sender.send_request(request)).await.unwrap();
    soon(whole(response)).await
}

/// Writes bytes, then reads until `enough` of what has come.
pub async fn exchange(
    stream: &mut Stream,
    bytes: impl AsRef<[u8]>,
    enough: impl Fn(&str) -> bool,
) -> String {
    stream.write_all(bytes.as_ref()).await.unwrap();
    read_until(stream, enough).await
}

/// Reads until `enough` of what has come, or the end.
pub async fn read_until(stream: &mut Stream, enough: impl Fn(&str) -> bool) -> String {
    let mut all = Vec::new();
    soon(async {
        loop {
            let text = String::from_utf8_lossy(&all);
            if enough(&text) {
                break;
            }
            let mut some = [0; 4096];
            match stream.read(&mut some).await {
                Ok(0) | Err(_) => break,
                Ok(read) => all.extend_from_slice(&some[..read]),
            }
        }
    })
    .await;
    String::from_utf8_lossy(&all).into_owned()
}
