//! HTTP/1.1, byte by byte: what a client gets through the proxy is what it gets directly.

use std::time::Duration;

use http::{Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::model_server::ModelServer;
use super::proxy::Proxy;
use super::wire::{Stream, channel, connect, exchange, read_until, soon};

/// A server of bytes: for each connection it waits until `enough` has come, sends `answer`, tells
/// what came, and so on until the client ends. With `closes` it ends after the first.
async fn scripted(
    enough: &'static str,
    answer: &'static str,
    closes: bool,
) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let tell = tell.clone();
            tokio::spawn(async move {
                let mut stream = Stream::Left(stream);
                loop {
                    let came = read_until(&mut stream, |text| text.ends_with(enough)).await;
                    if came.is_empty() {
                        break;
                    }
                    tell.send(came).unwrap();
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    if closes {
                        break;
                    }
                }
            });
        }
    });
    (address, told)
}

/// Sends the same bytes directly and through the proxy: server and client see the same.
async fn same_both_ways(
    request: &'static str,
    enough: &'static str,
    answer: &'static str,
) -> String {
    let (address, mut told) = scripted(enough, answer, false).await;
    let proxy = Proxy::to(&address).await;
    let is_enough = |text: &str| text.len() >= answer.len();
    let mut stream = connect(&address).await;
    let direct = exchange(&mut stream, request, is_enough).await;
    let came_directly = told.recv().await.unwrap();
    let mut stream = connect(&proxy.address).await;
    let through = exchange(&mut stream, request, is_enough).await;
    assert_eq!(through, direct, "the client");
    assert_eq!(
        soon(told.recv()).await.unwrap(),
        came_directly,
        "the server"
    );
    // Nothing more is to come.
    let more = tokio::time::timeout(Duration::from_millis(50), stream.read_u8()).await;
    assert!(more.is_err(), "{more:?}");
    through
}

#[tokio::test]
async fn heads_keep_their_case_and_order_and_nothing_is_added() {
    same_both_ways(
        "POST /v2/models/m/infer?x=1 HTTP/1.1\r\nHost: Model\r\nX-Request-ID: a\r\n\
         inference-header-CONTENT-length: 2\r\nContent-Length: 2\r\n\r\n{}",
        "{}",
        "HTTP/1.1 200 OK\r\nServer: model\r\nContent-TYPE: application/json\r\n\
         content-length: 2\r\nX-Odd: b\r\n\r\n[]",
    )
    .await;
}

#[tokio::test]
async fn chunked_bodies_stay_chunked() {
    same_both_ways(
        "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    )
    .await;
}

#[tokio::test]
async fn answers_without_a_body_stay_without() {
    same_both_ways(
        "HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n",
        "\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
    )
    .await;
    for answer in [
        "HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ] {
        same_both_ways("GET /x HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n", answer).await;
    }
}

#[tokio::test]
async fn ten_requests_use_one_connection() {
    let (address, mut told) = scripted(
        "{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        false,
    )
    .await;
    let proxy = Proxy::to(&address).await;
    let mut stream = connect(&proxy.address).await;
    let request = "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
    for _ in 0..10 {
        let answer = exchange(&mut stream, request, |text| text.ends_with("[]")).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"));
        told.recv().await.unwrap();
        proxy.next_call().await;
    }
    // And all at once.
    let answers = exchange(&mut stream, request.repeat(10), |text| {
        text.matches("[]").count() == 10
    })
    .await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 10);
}

#[tokio::test]
async fn a_connection_that_the_server_closes_is_closed_for_the_client() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]";
    let (address, _told) = scripted("{}", answer, true).await;
    let proxy = Proxy::to(&address).await;
    let mut stream = connect(&proxy.address).await;
    let request = "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
    let got = exchange(&mut stream, request, |_| false).await;
    assert_eq!(got, answer);
    // It said nothing of it, and closes all the same.
    let (address, _told) =
        scripted("{}", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", true).await;
    let proxy = Proxy::to(&address).await;
    let mut stream = connect(&proxy.address).await;
    let got = exchange(&mut stream, request, |_| false).await;
    assert!(got.ends_with("[]"), "{got}");
}

#[tokio::test]
async fn a_client_that_asks_to_close_is_closed() {
    let server = ModelServer::echo().await;
    let proxy = Proxy::to(&server.address).await;
    let mut stream = connect(&proxy.address).await;
    let request = "POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
    let got = exchange(&mut stream, request, |_| false).await;
    assert!(got.to_lowercase().contains("connection: close"), "{got}");
    assert!(got.ends_with("{}"), "{got}");
}

#[tokio::test]
async fn an_answer_that_ends_with_the_connection_comes_whole() {
    let (address, _told) = scripted("\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\nall of it", true).await;
    let proxy = Proxy::to(&address).await;
    let mut stream = connect(&proxy.address).await;
    let got = exchange(&mut stream, "GET /x HTTP/1.0\r\n\r\n", |_| false).await;
    assert!(got.ends_with("\r\n\r\nall of it"), "{got}");
}

#[tokio::test]
async fn the_body_is_asked_for_when_the_model_server_asks() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let proxy = Proxy::to(&address).await;
    let head = "POST /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";

    let mut stream = connect(&proxy.address).await;
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut upstream = Stream::Left(soon(listener.accept()).await.unwrap().0);
    let came = read_until(&mut upstream, |text| text.ends_with("\r\n\r\n")).await;
    assert!(came.contains("Expect: 100-continue"), "{came}");
    let early = tokio::time::timeout(Duration::from_millis(100), stream.read_u8()).await;
    assert!(
        early.is_err(),
        "nothing is said before the model server does"
    );
    let go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    upstream.write_all(go_on.as_bytes()).await.unwrap();
    let said = read_until(&mut stream, |text| text.ends_with("\r\n\r\n")).await;
    assert_eq!(said, go_on);
    stream.write_all(b"{}").await.unwrap();
    assert_eq!(read_until(&mut upstream, |text| text == "{}").await, "{}");
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]";
    upstream.write_all(answer.as_bytes()).await.unwrap();
    let got = read_until(&mut stream, |text| text.ends_with("[]")).await;
    assert_eq!(got, answer);

    // One that refuses is heard before the body is sent.
    let mut stream = connect(&proxy.address).await;
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut upstream = Stream::Left(soon(listener.accept()).await.unwrap().0);
    read_until(&mut upstream, |text| text.ends_with("\r\n\r\n")).await;
    let refusal = "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\n\r\n";
    upstream.write_all(refusal.as_bytes()).await.unwrap();
    let got = read_until(&mut stream, |text| text.ends_with("\r\n\r\n")).await;
    assert!(got.starts_with("HTTP/1.1 413 "), "{got}");
}

#[tokio::test]
async fn a_client_need_not_wait_for_ever_to_send_its_body() {
    let (address, _told) = scripted(
        "{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        false,
    )
    .await;
    let proxy = Proxy::to(&address).await;
    let mut stream = connect(&proxy.address).await;
    let request =
        "POST /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}";
    let got = exchange(&mut stream, request, |text| text.ends_with("[]")).await;
    assert!(got.contains("HTTP/1.1 200 OK"), "{got}");
}

#[tokio::test]
async fn an_answer_streams_piece_by_piece() {
    let (sender, body) = channel();
    let body = std::sync::Mutex::new(Some(body));
    let server = ModelServer::start(move |_| {
        let body = body.lock().unwrap().take().unwrap();
        async { Ok(Response::new(body)) }
    })
    .await;
    let proxy = Proxy::to(&server.address).await;
    let mut stream = connect(&proxy.address).await;
    let request = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    for number in 0..20 {
        let piece = format!("piece {number}.");
        sender
            .send(Ok(Frame::data(piece.clone().into())))
            .await
            .unwrap();
        let got = read_until(&mut stream, |text| text.contains(&piece)).await;
        assert!(got.contains(&piece), "{got}");
    }
}

/// The model server does not read, so the client cannot write on for ever: nothing collects what it
/// sends.
#[tokio::test]
async fn a_request_goes_no_faster_than_it_is_read() {
    const MOST: usize = 32 << 20;
    let (go, may_go) = tokio::sync::oneshot::channel::<()>();
    let may_go = std::sync::Mutex::new(Some(may_go));
    let server = ModelServer::start(move |request| {
        let may_go = may_go.lock().unwrap().take().unwrap();
        async move {
            may_go.await.unwrap();
            let read = request.into_body().collect().await?.to_bytes().len();
            Ok(Response::new(super::wire::full(read.to_string())))
        }
    })
    .await;
    let proxy = Proxy::to(&server.address).await;
    let mut stream = connect(&proxy.address).await;
    let head = format!("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: {MOST}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let piece = vec![b'x'; 64 << 10];
    let mut sent = 0;
    while sent < MOST {
        let write = stream.write(&piece[..piece.len().min(MOST - sent)]);
        match tokio::time::timeout(Duration::from_millis(300), write).await {
            Ok(written) => sent += written.unwrap(),
            Err(_) => break,
        }
    }
    assert!(sent < MOST, "somebody has taken all of it");
    go.send(()).unwrap();
    let rest = vec![b'x'; MOST - sent];
    stream.write_all(&rest).await.unwrap();
    let got = read_until(&mut stream, |text| text.ends_with(&MOST.to_string())).await;
    assert!(got.ends_with(&MOST.to_string()), "{got}");
}

#[tokio::test]
async fn a_connection_that_leaves_http_carries_bytes() {
    let server = ModelServer::start(|mut request| async move {
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let upgraded = hyper_util::rt::TokioIo::new(upgrade.await.unwrap());
            let (mut read, mut write) = tokio::io::split(upgraded);
            let _ = tokio::io::copy(&mut read, &mut write).await;
        });
        let response = Response::builder()
            .status(StatusCode::SWITCHING_PROTOCOLS)
            .header("connection", "upgrade")
            .header("upgrade", "echo");
        Ok(response.body(super::wire::empty()).unwrap())
    })
    .await;
    let proxy = Proxy::to(&server.address).await;
    let mut stream = connect(&proxy.address).await;
    let request = "GET /x HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
    let got = exchange(&mut stream, request, |text| text.ends_with("\r\n\r\n")).await;
    assert!(got.starts_with("HTTP/1.1 101 "), "{got}");
    for word in ["any", "bytes", "\u{0}both ways"] {
        let got = exchange(&mut stream, word, |text| text.len() == word.len()).await;
        assert_eq!(got, word);
    }
}
