//! The model server is away, goes away in the middle, and comes back.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use driftgauge::ingest::seen::Ending;
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Frame;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::model_server::{ModelServer, echo};
use super::proxy::Proxy;
use super::wire::{
    INFER, call, channel, connect, exchange, full, grpc, http2, message, soon, whole,
};

/// A port that nobody listens on.
async fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

#[tokio::test]
async fn a_grpc_call_without_a_model_server_is_unavailable() {
    let nobody = closed_port().await;
    let proxy = Proxy::to(&nobody).await;
    let mut client = http2(&proxy.address).await;
    let answer = call(&mut client, grpc(INFER, full(message(0, b"x")))).await;
    assert_eq!(answer.head.status, StatusCode::OK);
    assert_eq!(answer.head.headers["content-type"], "application/grpc");
    assert_eq!(answer.head.headers["grpc-status"], "14");
    let said = answer.head.headers["grpc-message"].to_str().unwrap();
    assert!(said.contains(&nobody), "{said}");
    let exchange = proxy.next_call().await;
    assert_eq!(exchange.ending, Ending::Unavailable);
    assert_eq!((exchange.status, exchange.latency_micros), (None, None));
}

#[tokio::test]
async fn any_other_call_without_a_model_server_gets_503_and_a_reason() {
    let nobody = closed_port().await;
    let proxy = Proxy::to(&nobody).await;
    let mut client = http2(&proxy.address).await;
    let mut request = grpc("/v2/models/m/infer", full("{}"));
    request
        .headers_mut()
        .insert("content-type", "application/json".parse().unwrap());
    let answer = call(&mut client, request).await;
    assert_eq!(answer.head.status, StatusCode::SERVICE_UNAVAILABLE);
    let said: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert!(said["error"].as_str().unwrap().contains(&nobody), "{said}");

    let mut stream = connect(&proxy.address).await;
    let request = "POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
    let answer = exchange(&mut stream, request, |text| text.ends_with('}')).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains(&nobody), "{answer}");
}

#[tokio::test]
async fn after_a_restart_the_next_call_works() {
    let server = ModelServer::echo().await;
    let address = server.address.clone();
    let proxy = Proxy::to(&address).await;
    let mut client = http2(&proxy.address).await;
    let request = || grpc(INFER, full(message(0, b"x")));
    assert_eq!(
        call(&mut client, request()).await.trailers["grpc-status"],
        "0"
    );
    server.stop().await;
    assert_eq!(
        call(&mut client, request()).await.head.headers["grpc-status"],
        "14"
    );
    let _server = ModelServer::start_at(&address, echo).await;
    assert_eq!(
        call(&mut client, request()).await.trailers["grpc-status"],
        "0"
    );
}

#[tokio::test]
async fn http_1_works_again_after_a_restart() {
    let server = ModelServer::echo().await;
    let address = server.address.clone();
    let proxy = Proxy::to(&address).await;
    let request = "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
    let mut stream = connect(&proxy.address).await;
    let answer = exchange(&mut stream, request, |text| text.ends_with("{}")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    server.stop().await;
    // What the model server closed is closed for its client.
    let rest = super::wire::read_until(&mut stream, |_| false).await;
    assert_eq!(rest, "");
    let _server = ModelServer::start_at(&address, echo).await;
    let mut stream = connect(&proxy.address).await;
    let answer = exchange(&mut stream, request, |text| text.ends_with("{}")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn calls_at_once_share_one_attempt_to_connect() {
    // A port whose queue of connections is full and never accepted answers nobody.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut waiting = Vec::new();
    loop {
        let connect = tokio::net::TcpStream::connect(address.clone());
        match tokio::time::timeout(Duration::from_millis(200), connect).await {
            Ok(stream) => waiting.push(stream.unwrap()),
            Err(_) => break,
        }
    }
    let proxy = Proxy::to(&address).await;
    let client = http2(&proxy.address).await;
    let began = std::time::Instant::now();
    let calls = (0..10).map(|_| {
        let mut client = client.clone();
        tokio::spawn(async move { call(&mut client, grpc(INFER, full(message(0, b"x")))).await })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap().head.headers["grpc-status"], "14");
    }
    let took = began.elapsed();
    assert!(
        took >= Duration::from_millis(900),
        "{took:?}: a second is granted"
    );
    assert!(
        took < Duration::from_secs(5),
        "{took:?}: not a second for each"
    );
}

#[tokio::test]
async fn a_server_that_dies_in_the_middle_of_an_answer_ends_it_as_unavailable() {
    let (sender, body) = channel();
    let body = std::sync::Mutex::new(Some(body));
    let server = ModelServer::start(move |_| {
        let body = body.lock().unwrap().take().unwrap();
        async { Ok(Response::new(body)) }
    })
    .await;
    let proxy = Proxy::to(&server.address).await;
    let mut client = http2(&proxy.address).await;
    let first = message(0, b"first");
    sender.send(Ok(Frame::data(first.clone()))).await.unwrap();
    let request = client.send_request(grpc(INFER, full(message(0, b"x"))));
    let mut response = soon(request).await.unwrap();
    let frame = soon(response.body_mut().frame()).await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), first);
    server.stop().await;
    let answer = soon(whole(response)).await;
    assert_eq!(answer.trailers["grpc-status"], "14");
    let exchange = proxy.next_call().await;
    assert_eq!(exchange.ending, Ending::Unavailable);
    assert_eq!(exchange.status, Some(200));
    assert_eq!(exchange.response.into_body(), first);
}

#[tokio::test]
async fn a_server_that_dies_before_its_answer_makes_the_call_unavailable() {
    let asked = Arc::new(Notify::new());
    let told = asked.clone();
    let server = ModelServer::start(move |_| {
        told.notify_one();
        std::future::pending::<Result<_, super::wire::Fault>>()
    })
    .await;
    let proxy = Proxy::to(&server.address).await;
    let mut client = http2(&proxy.address).await;
    let answer =
        tokio::spawn(async move { call(&mut client, grpc(INFER, full(message(0, b"x")))).await });
    soon(asked.notified()).await;
    server.stop().await;
    assert_eq!(answer.await.unwrap().head.headers["grpc-status"], "14");
    let exchange = proxy.next_call().await;
    assert_eq!(exchange.ending, Ending::Unavailable);
    assert_eq!(exchange.request.into_body(), message(0, b"x"));
}

/// A server that announces that it goes away has not begun with later calls: clients may send them
/// again, and do when they are told so.
#[tokio::test]
async fn a_server_that_goes_away_politely_is_replaced_without_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // One call a connection, then GOAWAY.
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                let (_, mut respond) = connection.accept().await.unwrap().unwrap();
                connection.graceful_shutdown();
                let response = Response::builder().header("grpc-status", "0").body(());
                respond.send_response(response.unwrap(), true).unwrap();
                while connection.accept().await.is_some() {}
                io::Result::Ok(())
            });
        }
    });
    let proxy = Proxy::to(&address).await;
    let mut client = http2(&proxy.address).await;
    for number in 0..20 {
        let answer = call(&mut client, grpc(INFER, full(message(0, b"x")))).await;
        assert_eq!(answer.head.headers["grpc-status"], "0", "call {number}");
    }
}
