//! What is seen of calls, and that calls never notice it.

use driftgauge::ingest::seen::{Ending, Transport};
use http::{HeaderValue, Response};
use http_body_util::BodyExt;
use hyper::body::Frame;

use super::model_server::ModelServer;
use super::proxy::{Options, Proxy};
use super::wire::{
    INFER, STREAM_INFER, call, channel, connect, empty, exchange, frames, full, grpc, http2,
    message, soon, status,
};

#[tokio::test]
async fn a_call_is_seen_with_what_decoding_needs() {
    let server = ModelServer::start(|request| async move {
        request.into_body().collect().await?;
        let all = vec![
            Frame::data(message(0, b"answer")),
            Frame::trailers(status(0)),
        ];
        let mut response = Response::new(frames(all));
        let kind = HeaderValue::from_static("application/grpc+proto");
        response.headers_mut().insert("content-type", kind);
        Ok(response)
    })
    .await;
    let proxy = Proxy::to(&server.address).await;
    let mut client = http2(&proxy.address).await;
    let path = "/prefix/inference.GRPCInferenceService/ModelInfer";
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut request = grpc(path, full(message(0, b"question")));
    request
        .headers_mut()
        .insert("traceparent", trace.parse().unwrap());
    let before = std::time::Instant::now();
    call(&mut client, request).await;
    let at_most = before.elapsed();
    let seen = proxy.next_call().await;
    assert_eq!(seen.transport, Transport::Grpc);
    assert_eq!(seen.path, path);
    assert_eq!(seen.ending, Ending::Complete);
    assert_eq!(seen.status, Some(200));
    assert_eq!(seen.request.headers.get("traceparent"), Some(trace));
    assert_eq!(
        seen.response.headers.get("content-type"),
        Some("application/grpc+proto")
    );
    assert_eq!(seen.response.headers.get("grpc-status"), Some("0"));
    assert!(u128::from(seen.latency_micros.unwrap()) <= at_most.as_micros());
    assert!((0.0..1.0).contains(&seen.draw));
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_micros() as i64;
    assert!((now - 60_000_000..=now).contains(&seen.started_micros));
    let held = seen.held.as_ref().unwrap().bytes();
    assert_eq!(
        held,
        message(0, b"question").len() + message(0, b"answer").len()
    );
    assert_eq!(seen.request.clone().into_body(), message(0, b"question"));
    assert_eq!(seen.response.clone().into_body(), message(0, b"answer"));
    assert_eq!(proxy.observer.budget().bytes(), held);
    drop(seen);
    assert_eq!(proxy.observer.budget().bytes(), 0);
}

#[tokio::test]
async fn the_status_of_an_answer_of_trailers_only_is_seen() {
    let server = ModelServer::start(|_| async {
        let mut response = Response::new(empty());
        *response.headers_mut() = status(5);
        Ok(response)
    })
    .await;
    let proxy = Proxy::to(&server.address).await;
    let mut client = http2(&proxy.address).await;
    call(&mut client, grpc(INFER, full(message(0, b"x")))).await;
    let seen = proxy.next_call().await;
    assert_eq!(seen.ending, Ending::Complete);
    assert_eq!(seen.response.headers.get("grpc-status"), Some("5"));
    assert!(seen.latency_micros.is_some());
}

#[tokio::test]
async fn http_1_calls_are_seen_as_well() {
    let server = ModelServer::echo().await;
    let proxy = Proxy::to(&server.address).await;
    let mut stream = connect(&proxy.address).await;
    for (path, body) in [
        ("/v2/models/m/infer?x=1", "{\"a\": 1}"),
        ("/invocations", "{}"),
    ] {
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        exchange(&mut stream, request, |text| text.ends_with(body)).await;
        let seen = proxy.next_call().await;
        assert_eq!(seen.transport, Transport::Http);
        assert_eq!(seen.path, path);
        assert_eq!(
            (seen.status, seen.ending),
            (Some(200), Ending::Complete),
            "{path}"
        );
        assert_eq!(
            seen.request.headers.get("content-type"),
            Some("application/json")
        );
        assert_eq!(seen.request.into_body(), body);
        assert_eq!(seen.response.into_body(), body);
    }
    exchange(&mut stream, "GET /v2 HTTP/1.1\r\nHost: x\r\n\r\n", |text| {
        text.contains("\r\n\r\n")
    })
    .await;
    assert_eq!(proxy.counts().seen(), 2, "others are not watched");
}

#[tokio::test]
async fn sampling_leaves_calls_out_and_counts_them() {
    let server = ModelServer::echo().await;
    for (rate, at_least, at_most) in [(0.0, 0, 0), (0.5, 140, 260)] {
        let options = Options {
            rate,
            ..Options::default()
        };
        let proxy = Proxy::with(&server.address, options).await;
        let mut client = http2(&proxy.address).await;
        for _ in 0..400 {
            let answer = call(&mut client, grpc(INFER, full(message(0, b"x")))).await;
            assert_eq!(answer.body, message(0, b"x"));
        }
        let mut kept = 0;
        while let Ok((_, seen)) = proxy.seen.try_recv() {
            let driftgauge::ingest::seen::Seen::Call(seen) = seen else {
                panic!("only calls")
            };
            assert!(seen.draw < rate);
            kept += 1;
        }
        let counts = proxy.counts();
        assert_eq!((counts.seen(), counts.unsampled()), (400, 400 - kept));
        assert_eq!(counts.in_flight(), 0);
        // 200 with a standard deviation of 10: six of them.
        assert!((at_least..=at_most).contains(&kept), "{kept} at {rate}");
    }
}

#[tokio::test]
async fn a_call_beyond_the_cap_passes_and_is_not_kept() {
    let server = ModelServer::echo().await;
    let options = Options {
        call_bytes: 1_000,
        ..Options::default()
    };
    let proxy = Proxy::with(&server.address, options).await;
    let mut client = http2(&proxy.address).await;
    // Request and response count together.
    for (bytes, is_kept) in [(490, true), (500, false), (100_000, false)] {
        let body = message(0, &vec![b'x'; bytes]);
        let answer = call(&mut client, grpc(INFER, full(body.clone()))).await;
        assert_eq!(answer.body, body);
        assert_eq!(proxy.seen.try_recv().is_ok(), is_kept, "{bytes}");
    }
    assert_eq!(proxy.shed("too_large"), 2);
    assert_eq!(proxy.counts().seen(), 3);
    assert_eq!(proxy.observer.budget().bytes(), 0);
}

#[tokio::test]
async fn calls_beyond_the_budget_pass_and_are_not_kept() {
    let server = ModelServer::echo().await;
    let options = Options {
        budget_bytes: 1_000,
        ..Options::default()
    };
    let proxy = Proxy::with(&server.address, options).await;
    let mut client = http2(&proxy.address).await;
    let body = message(0, &[b'x'; 300]);
    for _ in 0..5 {
        let answer = call(&mut client, grpc(INFER, full(body.clone()))).await;
        assert_eq!(answer.body, body);
    }
    // Nobody reads: the first one holds 610 bytes, the second 305 and then no more.
    assert_eq!(proxy.shed("budget"), 4);
    assert_eq!(proxy.observer.budget().bytes(), 610);
    drop(proxy.next_call().await);
    call(&mut client, grpc(INFER, full(body))).await;
    proxy.next_call().await;
    assert_eq!(proxy.shed("budget"), 4);
}

#[tokio::test]
async fn calls_pass_when_nobody_looks() {
    let server = ModelServer::echo().await;
    let options = Options {
        waiting: 3,
        ..Options::default()
    };
    let proxy = Proxy::with(&server.address, options).await;
    let mut client = http2(&proxy.address).await;
    for _ in 0..100 {
        let answer = call(&mut client, grpc(INFER, full(message(0, b"x")))).await;
        assert_eq!(answer.trailers["grpc-status"], "0");
    }
    assert_eq!(proxy.shed("queue_full"), 97);
    let Proxy { seen, observer, .. } = proxy;
    drop(seen);
    assert_eq!(observer.budget().bytes(), 0);
    let answer = call(&mut client, grpc(INFER, full(message(0, b"x")))).await;
    assert_eq!(
        answer.trailers["grpc-status"], "0",
        "and when nobody is there"
    );
}

#[tokio::test]
async fn a_stream_of_which_something_is_lost_is_counted_once_and_told_once() {
    use driftgauge::ingest::seen::{Seen, StreamPart};
    let server = ModelServer::echo().await;
    let options = Options {
        budget_bytes: 100,
        ..Options::default()
    };
    let proxy = Proxy::with(&server.address, options).await;
    let mut client = http2(&proxy.address).await;
    let (sender, body) = channel();
    let response = client.send_request(grpc(STREAM_INFER, body));
    let response = tokio::spawn(response);
    for _ in 0..10 {
        let piece = message(0, &[b'x'; 40]);
        sender.send(Ok(Frame::data(piece))).await.unwrap();
    }
    drop(sender);
    let response = soon(response).await.unwrap().unwrap();
    assert_eq!(super::wire::whole(response).await.body.len(), 450);
    let mut parts = String::new();
    loop {
        let Seen::Stream { part, .. } = proxy.next().await else {
            panic!("a stream")
        };
        parts.push(match &part {
            StreamPart::Opened(_) => 'o',
            StreamPart::Answered(_) => 'a',
            StreamPart::Data { .. } => 'd',
            StreamPart::Lost => 'l',
            StreamPart::Ended { .. } => 'e',
        });
        // Kept until the end, so that the budget stays full.
        let is_end = matches!(part, StreamPart::Ended { .. });
        std::mem::forget(part);
        if is_end {
            break;
        }
    }
    assert_eq!(parts, "oddle");
    assert_eq!(proxy.shed("budget"), 1);
}
