//! The end: nothing new is taken, what runs may end, what does not end in time is cut.

use std::time::Duration;

use http::Response;
use http_body_util::BodyExt;
use hyper::body::Frame;

use super::model_server::ModelServer;
use super::proxy::{Options, Proxy};
use super::wire::{
    FrameSender, STREAM_INFER, channel, connect, exchange, full, grpc, http2, message, read_until,
    soon, status, whole,
};

/// A server with one open answer.
async fn open_answer() -> (ModelServer, FrameSender) {
    let (sender, body) = channel();
    let body = std::sync::Mutex::new(Some(body));
    let server = ModelServer::start(move |_| {
        let body = body.lock().unwrap().take().unwrap();
        async { Ok(Response::new(body)) }
    })
    .await;
    (server, sender)
}

#[tokio::test]
async fn an_open_stream_may_end_after_the_shutdown_has_begun() {
    let (server, sender) = open_answer().await;
    let mut proxy = Proxy::to(&server.address).await;
    let mut client = http2(&proxy.address).await;
    let request = grpc(STREAM_INFER, full(message(0, b"x")));
    let response = soon(client.send_request(request)).await.unwrap();
    let address = proxy.address.clone();
    proxy.begin_stop();
    // Nobody listens any more.
    soon(async {
        while tokio::net::TcpStream::connect(&address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    sender
        .send(Ok(Frame::data(message(0, b"last"))))
        .await
        .unwrap();
    sender.send(Ok(Frame::trailers(status(0)))).await.unwrap();
    let answer = soon(whole(response)).await;
    assert_eq!(answer.body, message(0, b"last"));
    assert_eq!(answer.trailers["grpc-status"], "0");
    assert_eq!(proxy.ended().await, 0);
}

#[tokio::test]
async fn a_stream_that_does_not_end_is_cut() {
    let (server, sender) = open_answer().await;
    let options = Options {
        drain: Duration::from_millis(50),
        ..Options::default()
    };
    let proxy = Proxy::with(&server.address, options).await;
    let mut client = http2(&proxy.address).await;
    let request = grpc(STREAM_INFER, full(message(0, b"x")));
    let mut response = soon(client.send_request(request)).await.unwrap();
    assert_eq!(proxy.stop().await, 1);
    let end = soon(response.body_mut().frame()).await;
    assert!(end.is_none_or(|frame| frame.is_err()));
    // The model server is rid of it as well.
    soon(sender.closed()).await;
}

#[tokio::test]
async fn idle_connections_end_at_once() {
    let server = ModelServer::echo().await;
    let proxy = Proxy::to(&server.address).await;
    let mut stream = connect(&proxy.address).await;
    let request = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n";
    exchange(&mut stream, request, |text| text.contains("\r\n\r\n")).await;
    let _silent = connect(&proxy.address).await;
    let _client = http2(&proxy.address).await;
    let began = std::time::Instant::now();
    assert_eq!(proxy.stop().await, 0);
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(read_until(&mut stream, |_| false).await, "");
}
