//! Unary calls.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use driftgauge::proto::ingest as wire;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Endpoint;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use super::*;

#[tokio::test]
async fn rows_arrive_and_a_retry_is_answered_but_not_counted() {
    let server = Server::start(1_000).await;
    let mut service = server.service().await;
    for duplicate in [0, 3] {
        let response = service.observe(request(1, 3)).await.unwrap().into_inner();
        assert_eq!((response.accepted_rows, response.rejected_rows), (3, 0));
        assert_eq!(response.duplicate_rows, duplicate);
    }
    let counts = server.counts();
    assert_eq!(
        (counts.received, counts.accepted, counts.duplicate),
        (6, 3, 3)
    );
    assert_eq!(server.drained_rows(), 3);
    server.stop().await;
}

#[tokio::test]
async fn a_full_queue_says_when_to_come_again_in_both_ways() {
    let server = Server::start(10).await;
    let mut service = server.service().await;
    let almost = service.observe(request(1, 9)).await.unwrap().into_inner();
    assert!(almost.sample_rate.unwrap() < 0.5);
    let status = service.observe(request(2, 9)).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    let details = status.get_error_details();
    let info = details.retry_info().unwrap();
    assert_eq!(info.retry_delay, Some(Duration::from_millis(100)));
    let pushback = status.metadata().get("grpc-retry-pushback-ms").unwrap();
    assert_eq!(pushback, "100");
    assert_eq!(server.drained_rows(), 9);
    service.observe(request(2, 9)).await.unwrap();
    let counts = server.counts();
    assert_eq!(count(&counts.shed, "queue_rows"), 9);
    assert_eq!((counts.accepted, counts.missing_requests), (18, 0));
    server.stop().await;
}

#[tokio::test]
async fn a_request_beyond_a_limit_is_invalid_with_a_sentence() {
    let server = Server::start(10).await;
    let mut service = server.service().await;
    let status = service.observe(request(1, 11)).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("queue"), "{}", status.message());
    let mut nameless = request(2, 1);
    nameless.batches[0].model = None;
    let status = service.observe(nameless).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("model.name"));
    assert_eq!(count(&server.counts().rejected, "no_model"), 1);
    server.stop().await;
}

#[tokio::test]
async fn a_message_beyond_the_limit_of_bytes_is_counted_by_the_handler() {
    let limits = Limits {
        message_bytes: 1_000,
        ..Limits::default()
    };
    let server = Server::start_at("127.0.0.1:0", 1_000_000, limits).await;
    let mut service = server.service().await;
    let status = service.observe(request(1, 10_000)).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange);
    let counts = server.counts();
    assert_eq!(count(&counts.undecodable, "message_too_large"), 1);
    service.observe(request(2, 10)).await.unwrap();
    server.stop().await;
}

/// Sends bytes as they are.
#[derive(Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

async fn send_raw(server: &Server, messages: Vec<Bytes>) -> Result<(), Status> {
    let endpoint = Endpoint::from_shared(format!("http://{}", server.address)).unwrap();
    let mut grpc = Grpc::new(endpoint.connect().await.unwrap());
    grpc.ready().await.unwrap();
    let path = "/driftgauge.ingest.v1.IngestService/Observe"
        .parse()
        .unwrap();
    let messages = Request::new(tokio_stream::iter(messages));
    grpc.client_streaming(messages, path, Raw).await.map(drop)
}

#[tokio::test]
async fn garbage_is_invalid_with_a_sentence_that_names_the_field_and_is_counted() {
    let server = Server::start(1_000).await;
    // batches[0].rows as a string.
    let garbage = Bytes::from_static(&[0x22, 3, 0x22, 1, 0x61]);
    let status = send_raw(&server, vec![garbage]).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(
        status.message().contains("PredictionBatch.rows"),
        "{status}"
    );
    let status = send_raw(&server, vec![]).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let counts = server.counts();
    assert_eq!(count(&counts.undecodable, "protobuf"), 1);
    assert_eq!(count(&counts.undecodable, "truncated"), 1);
    server.stop().await;
}

#[tokio::test]
async fn broken_frames_are_counted_apart() {
    use http_body_util::Full;
    use hyper_util::rt::{TokioExecutor, TokioIo};

    let server = Server::start(1_000).await;
    for (frame, reason) in [
        // A message of 100 bytes that ends after three.
        (&[0_u8, 0, 0, 0, 100, 1, 2, 3][..], "truncated"),
        (&[1, 0, 0, 0, 1, 0][..], "compressed"),
        (&[9, 0, 0, 0, 1, 0][..], "compressed"),
    ] {
        let before = count(&server.counts().undecodable, reason);
        let socket = tokio::net::TcpStream::connect(&server.address)
            .await
            .unwrap();
        let handshake =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket));
        let (mut send, connection) = handshake.await.unwrap();
        let connection = tokio::spawn(connection);
        let uri = "http://x/driftgauge.ingest.v1.IngestService/Observe";
        let request = http::Request::post(uri)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(Full::new(Bytes::copy_from_slice(frame)))
            .unwrap();
        let response = send.send_request(request).await.unwrap();
        let status = response.headers().get("grpc-status").unwrap();
        assert_ne!(status, "0");
        assert_eq!(count(&server.counts().undecodable, reason), before + 1);
        connection.abort();
    }
    server.stop().await;
}

#[tokio::test]
async fn unfinished_messages_of_all_calls_are_bounded_together() {
    use tokio::sync::mpsc;
    use tokio_stream::wrappers::ReceiverStream;

    /// The first two thirds of a message of 60,000 bytes.
    fn half() -> Bytes {
        let mut half = vec![0; 40_005];
        half[2..5].copy_from_slice(&60_000_u32.to_be_bytes()[1..]);
        half.into()
    }

    let limits = Limits {
        message_bytes: 100_000,
        buffer_bytes: 100_000,
        ..Limits::default()
    };
    let server = Server::start_at("127.0.0.1:0", 1_000, limits).await;
    let mut calls = Vec::new();
    for _ in 0..4 {
        let (body, frames) = mpsc::channel::<Result<_, std::convert::Infallible>>(1);
        body.send(Ok(hyper::body::Frame::data(half())))
            .await
            .unwrap();
        let frames = http_body_util::StreamBody::new(ReceiverStream::new(frames));
        let socket = tokio::net::TcpStream::connect(&server.address)
            .await
            .unwrap();
        let (mut send, connection) = hyper::client::conn::http2::handshake(
            hyper_util::rt::TokioExecutor::new(),
            hyper_util::rt::TokioIo::new(socket),
        )
        .await
        .unwrap();
        tokio::spawn(connection);
        let uri = "http://x/driftgauge.ingest.v1.IngestService/Observe";
        let request = http::Request::post(uri)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(frames)
            .unwrap();
        let call = tokio::spawn(async move { send.send_request(request).await });
        calls.push((body, call));
    }
    let refused = || count(&server.intake.counts().undecodable, "too_much_arriving");
    until("two of four have no room", || refused() == 2).await;
    // What ends makes room again.
    calls.clear();
    until("the others end", || {
        count(&server.intake.counts().undecodable, "truncated") == 2
    })
    .await;
    let mut service = server.service().await;
    let response = service.observe(request(1, 3)).await.unwrap().into_inner();
    assert_eq!(response.accepted_rows, 3);
    drop(service);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_add_up_with_many_clients_a_tiny_queue_retries_and_duplicates() {
    let server = Server::start(50).await;
    let mut tasks = Vec::new();
    for client in 0..6 {
        let mut service = server.service().await;
        tasks.push(tokio::spawn(async move {
            let (mut accepted, mut shed) = (0, 0);
            for sequence in 1..=100 {
                for _ in 0..2 {
                    let mut request = request(sequence, 1 + sequence as u32 % 20);
                    request.client_id = format!("client {client}");
                    match service.observe(request).await {
                        Ok(response) => {
                            let response = response.into_inner();
                            accepted += response.accepted_rows - response.duplicate_rows;
                        }
                        Err(status) => {
                            assert_eq!(status.code(), Code::ResourceExhausted);
                            shed += 1 + sequence % 20;
                        }
                    }
                }
            }
            (accepted, shed)
        }));
    }
    let mut drained = 0;
    let (mut accepted, mut shed) = (0, 0);
    for task in &mut tasks {
        while !task.is_finished() {
            drained += server.drained_rows();
            server.counts();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let (more_accepted, more_shed) = task.await.unwrap();
        accepted += more_accepted;
        shed += more_shed;
    }
    drained += server.drained_rows();
    let counts = server.counts();
    assert_eq!((counts.accepted, accepted), (drained, drained));
    assert_eq!(count(&counts.shed, "queue_rows"), shed);
    assert!(counts.duplicate > 0);
    server.stop().await;
}

#[tokio::test]
async fn health_is_serving_for_the_server_and_the_service() {
    let server = Server::start(10).await;
    let endpoint = Endpoint::from_shared(format!("http://{}", server.address)).unwrap();
    let channel = endpoint.connect().await.unwrap();
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel);
    for service in ["", "driftgauge.ingest.v1.IngestService"] {
        let request = tonic_health::pb::HealthCheckRequest {
            service: service.into(),
        };
        let response = health.check(request).await.unwrap().into_inner();
        assert_eq!(response.status, 1, "{service:?}");
    }
    drop(health);
    server.stop().await;
}

#[tokio::test]
async fn rejections_of_fields_are_no_error() {
    let server = Server::start(1_000).await;
    let mut service = server.service().await;
    let mut wrong = request(1, 2);
    wrong.batches[0].blocks[0].data = Bytes::from_static(&[0; 7]);
    let response = service.observe(wrong).await.unwrap().into_inner();
    assert_eq!((response.accepted_rows, response.rejected_rows), (2, 0));
    let rejection = &response.rejections[0];
    assert_eq!(rejection.code(), wire::RejectionCode::LengthMismatch);
    assert_eq!((&*rejection.field, rejection.rows), ("a", 2));
    server.stop().await;
}
