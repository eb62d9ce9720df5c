//! gRPC calls: messages, metadata, statuses and flags come through as they went in.

use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Frame;

use super::model_server::ModelServer;
use super::proxy::Proxy;
use super::wire::{INFER, call, empty, frames, full, grpc, http2, message, soon, status, whole};

#[tokio::test]
async fn a_thousand_calls_go_through_one_connection() {
    let server = ModelServer::echo().await;
    let proxy = Proxy::to(&server.address).await;
    let mut client = http2(&proxy.address).await;
    for number in 0..1_000_u32 {
        let body = message(0, &number.to_be_bytes());
        let answer = call(&mut client, grpc(INFER, full(body.clone()))).await;
        assert_eq!(answer.body, body, "call {number}");
        assert_eq!(answer.trailers["grpc-status"], "0");
    }
    assert_eq!(
        server
            .connections
            .load(std::sync::atomic::Ordering::Relaxed),
        1
    );
    assert_eq!(proxy.counts().seen(), 1_000);
    assert_eq!(proxy.counts().in_flight(), 0);
    for _ in 0..1_000 {
        proxy.next_call().await;
    }
    assert_eq!(proxy.observer.budget().bytes(), 0);
}

/// gRPC stacks may end a request by an empty DATA frame of its own; h2 allows a hundred non-final ones in the life
/// of a connection.
#[tokio::test]
async fn a_thousand_calls_that_end_in_an_empty_frame_go_through_one_connection() {
    let server = ModelServer::echo().await;
    let proxy = Proxy::to(&server.address).await;
    let mut client = http2(&proxy.address).await;
    for number in 0..1_000_u32 {
        let body = message(0, &number.to_be_bytes());
        // A stream of frames does not know that this is the last one: the end comes by itself.
        let request = grpc(INFER, frames(vec![Frame::data(body.clone())]));
        let answer = call(&mut client, request).await;
        assert_eq!(answer.body, body, "call {number}");
    }
}

#[tokio::test]
async fn messages_flags_and_metadata_are_untouched() {
    let server = ModelServer::echo().await;
    let proxy = Proxy::to(&server.address).await;
    let mut client = http2(&proxy.address).await;
    let body = message(1, b"\x1f\x8b not really gzip");
    let mut request = grpc(INFER, full(body.clone()));
    let headers = request.headers_mut();
    headers.insert("grpc-encoding", HeaderValue::from_static("gzip"));
    headers.append("x-id", HeaderValue::from_static("one"));
    headers.append("x-id", HeaderValue::from_static("two"));
    headers.insert("x-trace-bin", HeaderValue::from_static("AAEC/w=="));
    let answer = call(&mut client, request).await;
    assert_eq!(answer.body, body);
    let headers = &answer.head.headers;
    let ids: Vec<_> = headers.get_all("x-id").iter().collect();
    assert_eq!(ids, ["one", "two"]);
    assert_eq!(headers["x-trace-bin"], "AAEC/w==");
    assert_eq!(headers["grpc-encoding"], "gzip");
}

#[tokio::test]
async fn the_model_server_sees_the_head_that_the_client_sent_and_nothing_more() {
    let server = ModelServer::start(|request| async move {
        let (head, body) = request.into_parts();
        body.collect().await?;
        let mut names: Vec<_> = head
            .headers
            .iter()
            .map(|(n, v)| format!("{n}={v:?}"))
            .collect();
        names.sort();
        let text = format!("{} {} {}", head.method, head.uri, names.join(" "));
        Ok(Response::new(full(text)))
    })
    .await;
    let proxy = Proxy::to(&server.address).await;
    for body in [empty(), full(message(0, b"x"))] {
        let mut request = grpc("/a.B/C?d=e", body);
        let deadline = HeaderValue::from_static("250m");
        request.headers_mut().insert("grpc-timeout", deadline);
        let (mut direct, mut through) = (http2(&server.address).await, http2(&proxy.address).await);
        let again = {
            let mut again = grpc("/a.B/C?d=e", empty());
            *again.headers_mut() = request.headers().clone();
            again
        };
        let through = call(&mut through, again).await;
        let again = {
            let mut again = grpc("/a.B/C?d=e", empty());
            *again.headers_mut() = request.headers().clone();
            again
        };
        let direct = call(&mut direct, again).await;
        assert_eq!(through.body, direct.body);
        assert_eq!(through.head.headers.get("via"), None);
    }
}

#[tokio::test]
async fn a_response_has_the_headers_that_the_model_server_gave_and_nothing_more() {
    let server = ModelServer::start(|_| async move {
        let response = Response::builder()
            .header("date", "Thu, 01 Jan 1970 00:00:00 GMT")
            .header("server", "model")
            .body(full("x"));
        Ok(response.unwrap())
    })
    .await;
    let proxy = Proxy::to(&server.address).await;
    let (mut direct, mut through) = (http2(&server.address).await, http2(&proxy.address).await);
    let direct = call(&mut direct, grpc("/a.B/C", empty())).await;
    let through = call(&mut through, grpc("/a.B/C", empty())).await;
    assert_eq!(direct.head.headers, through.head.headers);
}

#[tokio::test]
async fn trailers_come_through_and_so_does_an_answer_of_trailers_only() {
    let server = ModelServer::start(|request| async move {
        if request.uri().path() == INFER {
            request.into_body().collect().await?;
            let mut trailers = status(3);
            trailers.insert("grpc-message", HeaderValue::from_static("too%20wide"));
            trailers.insert("x-detail-bin", HeaderValue::from_static("AAE="));
            let all = vec![Frame::data(message(0, b"y")), Frame::trailers(trailers)];
            return Ok(Response::new(frames(all)));
        }
        let mut response = Response::new(empty());
        *response.headers_mut() = status(12);
        Ok(response)
    })
    .await;
    let proxy = Proxy::to(&server.address).await;
    let mut client = http2(&proxy.address).await;
    let answer = call(&mut client, grpc(INFER, full(message(0, b"x")))).await;
    assert_eq!(answer.trailers["grpc-status"], "3");
    assert_eq!(answer.trailers["grpc-message"], "too%20wide");
    assert_eq!(answer.trailers["x-detail-bin"], "AAE=");

    let response = client.send_request(grpc("/some.Other/Method", empty()));
    let response = soon(response).await.unwrap();
    assert!(
        hyper::body::Body::is_end_stream(response.body()),
        "headers end the stream"
    );
    let answer = whole(response).await;
    assert_eq!(answer.head.status, StatusCode::OK);
    assert_eq!(answer.head.headers["grpc-status"], "12");
    assert_eq!(answer.trailers, HeaderMap::new());
}

#[tokio::test]
async fn a_message_of_16_mebibytes_goes_both_ways() {
    let server = ModelServer::echo().await;
    let proxy = Proxy::to(&server.address).await;
    let mut client = http2(&proxy.address).await;
    let payload: Vec<u8> = (0..16 << 20).map(|i: u32| (i % 251) as u8).collect();
    let body = message(0, &payload);
    let answer = call(&mut client, grpc(INFER, full(body.clone()))).await;
    assert!(answer.body == body);
    let exchange = proxy.next_call().await;
    assert!(exchange.request.into_body() == body && exchange.response.into_body() == body);
}

#[tokio::test]
async fn health_passes_as_any_call() {
    let (reporter, service) = tonic_health::server::health_reporter();
    reporter
        .set_service_status("m", tonic_health::ServingStatus::NotServing)
        .await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    let server = tonic::transport::Server::builder().add_service(service);
    tokio::spawn(server.serve_with_incoming(incoming));

    let proxy = Proxy::to(&address).await;
    let channel = tonic::transport::Endpoint::try_from(format!("http://{}", proxy.address));
    let channel = channel.unwrap().connect().await.unwrap();
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel);
    let request = tonic_health::pb::HealthCheckRequest {
        service: "m".to_owned(),
    };
    let answer = health.check(request).await.unwrap().into_inner();
    assert_eq!(
        answer.status(),
        tonic_health::pb::health_check_response::ServingStatus::NotServing
    );
    let request = tonic_health::pb::HealthCheckRequest {
        service: "other".to_owned(),
    };
    let refused = health.check(request).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::NotFound);
    assert_eq!(proxy.counts().seen(), 0);
}

#[tokio::test]
async fn http_1_and_http_2_may_go_to_two_ports() {
    let grpc_port = ModelServer::start(|_| async { Ok(Response::new(full("grpc port"))) }).await;
    let http_port = ModelServer::start(|_| async { Ok(Response::new(full("http port"))) }).await;
    let options = super::proxy::Options {
        http_upstream: Some(http_port.address.clone()),
        ..Default::default()
    };
    let proxy = Proxy::with(&grpc_port.address, options).await;
    let mut client = http2(&proxy.address).await;
    assert_eq!(
        call(&mut client, grpc("/x", empty())).await.body,
        "grpc port"
    );
    let mut stream = super::wire::connect(&proxy.address).await;
    let request = "GET /inference.X/ModelInfer HTTP/1.1\r\nHost: x\r\n\r\n";
    let answer = super::wire::exchange(&mut stream, request, |text| text.contains("port")).await;
    assert!(answer.ends_with("http port"), "{answer}");
}

#[tokio::test]
async fn sockets_may_be_unix_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let (model, own) = (folder.path().join("model"), folder.path().join("own"));
    let model = format!("unix:{}", model.display());
    let server = ModelServer::start_at(&model, super::model_server::echo).await;
    let options = super::proxy::Options {
        listen: format!("unix:{}", own.display()),
        ..Default::default()
    };
    let proxy = Proxy::with(&server.address, options).await;
    let mut client = http2(&proxy.address).await;
    let body = message(0, b"over sockets");
    let answer = call(&mut client, grpc(INFER, full(body.clone()))).await;
    assert_eq!(answer.body, body);
    drop(client);
    assert!(own.exists());
    assert_eq!(proxy.stop().await, 0);
    assert!(!own.exists(), "the file goes with the listener");
}
