//! Streams.

use std::time::Duration;

use driftgauge::proto::ingest as wire;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::*;

fn streamed(request: wire::ObserveRequest) -> wire::ObserveStreamRequest {
    wire::ObserveStreamRequest {
        request: Some(request),
    }
}

async fn open(
    server: &Server,
) -> (
    mpsc::Sender<wire::ObserveStreamRequest>,
    Streaming<wire::ObserveStreamResponse>,
) {
    let (requests, outbound) = mpsc::channel(4);
    let mut service = server.service().await;
    let answers = service.observe_stream(ReceiverStream::new(outbound)).await;
    (requests, answers.unwrap().into_inner())
}

async fn next(
    answers: &mut Streaming<wire::ObserveStreamResponse>,
) -> (u64, wire::ObserveResponse) {
    let answer = tokio::time::timeout(Duration::from_secs(10), answers.message());
    let answer = answer.await.unwrap().unwrap().expect("an answer");
    (answer.last_sequence, answer.response.unwrap())
}

async fn last(
    answers: &mut Streaming<wire::ObserveStreamResponse>,
) -> (u64, wire::ObserveResponse) {
    let mut last = None;
    while let Some(answer) = answers.message().await.unwrap() {
        last = Some(answer);
    }
    let last = last.expect("a last answer");
    (last.last_sequence, last.response.unwrap())
}

#[tokio::test]
async fn answers_come_while_the_stream_is_open_and_are_cumulative() {
    let server = Server::start(100_000).await;
    let (requests, mut answers) = open(&server).await;
    requests.send(streamed(request(1, 2))).await.unwrap();
    let (sequence, response) = next(&mut answers).await;
    assert_eq!((sequence, response.accepted_rows), (1, 2));
    requests.send(streamed(request(2, 3))).await.unwrap();
    requests.send(streamed(request(2, 3))).await.unwrap();
    drop(requests);
    let (sequence, response) = last(&mut answers).await;
    assert_eq!((sequence, response.accepted_rows), (2, 8));
    assert_eq!(response.duplicate_rows, 3);
    server.stop().await;
}

#[tokio::test]
async fn a_full_queue_shows_in_the_next_answer_and_does_not_end_the_stream() {
    let server = Server::start(10).await;
    let (requests, mut answers) = open(&server).await;
    requests.send(streamed(request(1, 8))).await.unwrap();
    requests.send(streamed(request(2, 8))).await.unwrap();
    let mut answer = next(&mut answers).await;
    while answer.0 < 2 {
        answer = next(&mut answers).await;
    }
    let response = answer.1;
    assert_eq!((response.accepted_rows, response.rejected_rows), (8, 0));
    assert!(response.retry_after.is_some());
    assert_eq!(response.rejections[0].code(), wire::RejectionCode::Overload);
    assert_eq!(server.drained_rows(), 8);
    requests.send(streamed(request(2, 8))).await.unwrap();
    drop(requests);
    let (_, response) = last(&mut answers).await;
    assert_eq!(response.accepted_rows, 16);
    assert_eq!(server.counts().accepted, 16);
    server.stop().await;
}

#[tokio::test]
async fn an_unknown_schema_is_asked_for_at_once_and_only_once() {
    let server = Server::start(100).await;
    let (requests, mut answers) = open(&server).await;
    let mut bare = request(1, 1);
    bare.batches[0].schema_id = 7;
    let with_schema = bare.clone();
    bare.batches[0].schema = None;
    requests.send(streamed(bare)).await.unwrap();
    let (_, response) = next(&mut answers).await;
    assert!(response.need_schema);
    assert_eq!(response.rejected_rows, 1);
    requests.send(streamed(with_schema)).await.unwrap();
    let (_, response) = next(&mut answers).await;
    assert!(!response.need_schema);
    assert_eq!(response.accepted_rows, 1);
    drop(requests);
    server.stop().await;
}

#[tokio::test]
async fn a_thousand_small_messages_with_a_reader_of_answers_that_never_reads() {
    let server = Server::start(100_000).await;
    let (requests, mut answers) = open(&server).await;
    for sequence in 1..=1_000 {
        requests.send(streamed(request(sequence, 1))).await.unwrap();
    }
    until("all are taken", || server.intake.counts().accepted == 1_000).await;
    drop(requests);
    let (sequence, response) = last(&mut answers).await;
    assert_eq!((sequence, response.accepted_rows), (1_000, 1_000));
    assert_eq!(server.drained_rows(), 1_000);
    server.stop().await;
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_the_stream_with_the_sums_so_far() {
    let limits = Limits {
        message_bytes: 1_000,
        ..Limits::default()
    };
    let server = Server::start_at("127.0.0.1:0", 1_000_000, limits).await;
    let (requests, mut answers) = open(&server).await;
    requests.send(streamed(request(1, 5))).await.unwrap();
    requests.send(streamed(request(2, 10_000))).await.unwrap();
    let mut accepted = 0;
    let status = loop {
        match answers.message().await {
            Ok(Some(answer)) => accepted = answer.response.unwrap().accepted_rows,
            Ok(None) => panic!("the stream ends with a status"),
            Err(status) => break status,
        }
    };
    assert_eq!((status.code(), accepted), (tonic::Code::OutOfRange, 5));
    let counts = server.counts();
    assert_eq!(count(&counts.undecodable, "message_too_large"), 1);
    server.stop().await;
}

#[tokio::test]
async fn an_open_stream_ends_with_its_sums_when_the_server_shuts_down() {
    let server = Server::start(100).await;
    let (requests, mut answers) = open(&server).await;
    requests.send(streamed(request(1, 5))).await.unwrap();
    until("it is taken", || server.intake.counts().accepted == 5).await;
    let reader = tokio::spawn(async move { last(&mut answers).await });
    let begun = std::time::Instant::now();
    server.stop().await;
    let (sequence, response) = reader.await.unwrap();
    assert_eq!((sequence, response.accepted_rows), (1, 5));
    assert!(begun.elapsed() < Duration::from_secs(4));
    drop(requests);
}
