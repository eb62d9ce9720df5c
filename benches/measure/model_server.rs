//! A fast model server and calls to it: gRPC, 32 floats in, one out.
#![allow(dead_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{BufMut, Bytes, BytesMut};
use driftgauge::proto::inference::model_infer_request::InferInputTensor;
use driftgauge::proto::inference::model_infer_response::InferOutputTensor;
use driftgauge::proto::inference::{ModelInferRequest, ModelInferResponse};
use driftgauge::socket::Listener;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::TcpStream;

pub const INFER: &str = "/inference.GRPCInferenceService/ModelInfer";
/// Values of a request.
const WIDTH: usize = 32;
/// Different messages; they come round and round.
const DIFFERENT: usize = 2_000;

/// Bodies of requests.
pub fn requests() -> Vec<Bytes> {
    let values = super::normal(WIDTH * DIFFERENT);
    let bodies = values.chunks(WIDTH).map(|row| {
        framed(&ModelInferRequest {
            model_name: "m".into(),
            inputs: vec![InferInputTensor {
                name: "x".into(),
                datatype: "FP32".into(),
                shape: vec![1, WIDTH as i64],
                ..InferInputTensor::default()
            }],
            raw_input_contents: vec![floats(row)],
            ..ModelInferRequest::default()
        })
    });
    bodies.collect()
}

/// Bodies of answers.
pub fn answers() -> Vec<Bytes> {
    let values = super::uniform(DIFFERENT);
    let bodies = values.iter().map(|value| {
        framed(&ModelInferResponse {
            model_name: "m".into(),
            model_version: "1".into(),
            outputs: vec![InferOutputTensor {
                name: "probability".into(),
                datatype: "FP32".into(),
                shape: vec![1, 1],
                ..InferOutputTensor::default()
            }],
            raw_output_contents: vec![floats(&[*value])],
            ..ModelInferResponse::default()
        })
    });
    bodies.collect()
}

fn floats(values: &[f64]) -> Bytes {
    let bytes = values
        .iter()
        .flat_map(|value| (*value as f32).to_le_bytes());
    bytes.collect()
}

fn framed(message: &impl Message) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(message.encoded_len() as u32);
    message.encode(&mut frame).expect("room");
    frame.freeze()
}

/// Answers whatever it is asked, for ever.
pub async fn serve(listener: Listener) {
    let (answers, next) = (Arc::new(answers()), Arc::new(AtomicUsize::new(0)));
    while let Ok(stream) = listener.accept().await {
        let (answers, next) = (answers.clone(), next.clone());
        let service = service_fn(move |request: Request<hyper::body::Incoming>| {
            let at = next.fetch_add(1, Ordering::Relaxed) % answers.len();
            let body = Full::new(answers[at].clone());
            async move {
                request.into_body().collect().await?;
                let ok = (
                    "grpc-status".parse().expect("a name"),
                    HeaderValue::from_static("0"),
                );
                let trailers = HeaderMap::from_iter([ok]);
                let body = body.with_trailers(async { Some(Ok(trailers)) });
                let response = Response::builder().header("content-type", "application/grpc");
                Ok::<_, hyper::Error>(response.body(body).expect("a response"))
            }
        });
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
    }
}

/// A connection that calls are made on.
#[derive(Clone)]
pub struct Client {
    sender: SendRequest<Full<Bytes>>,
    requests: Arc<Vec<Bytes>>,
    /// Calls made, all of which succeeded.
    calls: Arc<AtomicUsize>,
}

impl Client {
    pub async fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("a server");
        stream.set_nodelay(true).expect("a socket");
        let io = TokioIo::new(stream);
        let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
            .await
            .expect("HTTP/2");
        tokio::spawn(connection);
        Self {
            sender,
            requests: Arc::new(requests()),
            calls: Arc::default(),
        }
    }

    /// Makes a call; fails unless it succeeds.
    pub async fn call(&mut self) {
        let at = self.calls.fetch_add(1, Ordering::Relaxed) % self.requests.len();
        let request = Request::post(format!("http://model{INFER}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("user-agent", "bench")
            .body(Full::new(self.requests[at].clone()))
            .expect("a request");
        let response = self.sender.send_request(request).await.expect("an answer");
        let all = response.into_body().collect().await.expect("a body");
        let trailers = all.trailers().expect("trailers");
        assert_eq!(trailers["grpc-status"], "0");
    }

    /// Calls made so far.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}
