//! A model server made of a closure: HTTP/1.1 and HTTP/2 on one port.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use driftgauge::socket::Listener;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::task::{JoinHandle, JoinSet};

use super::wire::{Fault, Frames, frames, full, status};
use hyper::body::Frame;

/// What a call is answered.
pub type Answer = Pin<Box<dyn Future<Output = Result<Response<Frames>, Fault>> + Send>>;
type Handle = Arc<dyn Fn(Request<Incoming>) -> Answer + Send + Sync>;

/// A server that runs until it is stopped or dropped.
pub struct ModelServer {
    pub address: String,
    pub connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl ModelServer {
    pub async fn start<F, R>(handle: F) -> Self
    where
        F: Fn(Request<Incoming>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Response<Frames>, Fault>> + Send + 'static,
    {
        Self::start_at("127.0.0.1:0", handle).await
    }

    pub async fn start_at<F, R>(address: &str, handle: F) -> Self
    where
        F: Fn(Request<Incoming>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Response<Frames>, Fault>> + Send + 'static,
    {
        let handle: Handle = Arc::new(move |request| Box::pin(handle(request)));
        let listener = Listener::bind(address, 0o600).await.unwrap();
        let address = listener.to_string();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        let task = tokio::spawn(async move {
            let mut tasks = JoinSet::new();
            loop {
                let stream = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::Relaxed);
                let (handle, counted) = (handle.clone(), counted.clone());
                tasks.spawn(async move {
                    let service = service_fn(move |request| handle(request));
                    let mut server = auto::Builder::new(TokioExecutor::new());
                    server.http2().max_concurrent_streams(10_000);
                    let io = TokioIo::new(stream);
                    let connection = server.serve_connection_with_upgrades(io, service);
                    let _ = connection.await;
                    counted.fetch_sub(1, Ordering::Relaxed);
                });
                while tasks.try_join_next().is_some() {}
            }
        });
        Self {
            address,
            connections,
            task,
        }
    }

    /// A server that answers a gRPC call with the messages it got, metadata and status 0.
    pub async fn echo() -> Self {
        Self::start(echo).await
    }

    /// Ends it with all connections, and waits until the port is free.
    pub async fn stop(self) {
        self.task.abort();
        let task = self.task;
        assert!(task.await.unwrap_err().is_cancelled());
    }
}

/// Answers what was sent: the body as it is, request headers `x-…` as response headers.
pub async fn echo(request: Request<Incoming>) -> Result<Response<Frames>, Fault> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let is_grpc = head.headers.get("te").is_some();
    let mut response = Response::new(if is_grpc {
        frames(vec![Frame::data(body), Frame::trailers(status(0))])
    } else {
        full(body)
    });
    for (name, value) in &head.headers {
        let name_text = name.as_str();
        if name_text.starts_with("x-") || ["content-type", "grpc-encoding"].contains(&name_text) {
            response.headers_mut().append(name.clone(), value.clone());
        }
    }
    Ok(response)
}
