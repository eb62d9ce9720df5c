//! Streams: both sides speak when they like, either may end it, and nobody is held up for nothing.

use std::sync::Arc;

use bytes::Bytes;
use driftgauge::ingest::seen::{Ending, Seen, Side, StreamPart};
use http::Response;
use http_body_util::BodyExt;
use hyper::body::Frame;
use tokio::sync::{Notify, mpsc};

use super::model_server::ModelServer;
use super::proxy::{Proxy, until};
use super::wire::{
    Fault, INFER, STREAM_INFER, call, channel, empty, full, grpc, http2, message, soon, status,
};

/// Answers each piece of a request with the same piece, at once.
async fn echo_pieces(
    request: http::Request<hyper::body::Incoming>,
) -> Result<Response<super::wire::Frames>, Fault> {
    let (sender, body) = channel();
    tokio::spawn(async move {
        let mut asked = request.into_body();
        while let Some(Ok(frame)) = asked.frame().await {
            if let Ok(data) = frame.into_data() {
                let _ = sender.send(Ok(Frame::data(data))).await;
            }
        }
        let _ = sender.send(Ok(Frame::trailers(status(0)))).await;
    });
    Ok(Response::new(body))
}

#[tokio::test]
async fn both_sides_of_a_stream_take_turns() {
    let server = ModelServer::start(echo_pieces).await;
    let proxy = Proxy::to(&server.address).await;
    let mut client = http2(&proxy.address).await;
    let (sender, body) = channel();
    let response = client.send_request(grpc(STREAM_INFER, body));
    let mut response = soon(response).await.unwrap();
    let mut sent = Vec::new();
    for number in 0..100_u32 {
        let piece = message(0, &number.to_be_bytes());
        sender.send(Ok(Frame::data(piece.clone()))).await.unwrap();
        let frame = soon(response.body_mut().frame()).await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), piece);
        sent.extend_from_slice(&piece);
    }
    drop(sender);
    let frame = soon(response.body_mut().frame()).await.unwrap().unwrap();
    assert_eq!(frame.into_trailers().unwrap()["grpc-status"], "0");

    let Seen::Stream {
        stream,
        part: StreamPart::Opened(exchange),
    } = proxy.next().await
    else {
        panic!("a stream opens first")
    };
    assert_eq!(exchange.path, STREAM_INFER);
    let (mut asked, mut answered, mut last) = (Vec::new(), Vec::new(), exchange.started_micros);
    loop {
        let Seen::Stream { stream: same, part } = proxy.next().await else {
            panic!("parts follow")
        };
        assert_eq!(same, stream);
        match part {
            StreamPart::Data {
                from,
                at_micros,
                bytes,
                ..
            } => {
                assert!(at_micros >= last, "time does not run back");
                last = at_micros;
                match from {
                    Side::Client => asked.extend_from_slice(&bytes),
                    Side::Server => answered.extend_from_slice(&bytes),
                }
            }
            StreamPart::Answered(_) => {}
            StreamPart::Ended {
                ending, trailers, ..
            } => {
                assert_eq!(ending, Ending::Complete);
                assert_eq!(trailers.get("grpc-status"), Some("0"));
                break;
            }
            StreamPart::Opened(_) | StreamPart::Lost => panic!("{part:?}"),
        }
    }
    assert!(asked == sent && answered == sent);
    assert_eq!(proxy.observer.budget().bytes(), 0);
}

/// h2 closes a connection with too many small frames that nobody reads.
#[tokio::test]
async fn a_stream_of_many_tiny_messages_arrives_whole() {
    const MESSAGES: u32 = 50_000;
    let server = ModelServer::start(|request| async move {
        let read = request.into_body().collect().await?.to_bytes().len();
        let mut response = Response::new(empty());
        *response.headers_mut() = status(0);
        response.headers_mut().insert("x-bytes", read.into());
        Ok(response)
    })
    .await;
    let proxy = Proxy::to(&server.address).await;
    let mut client = http2(&proxy.address).await;
    let (sender, body) = channel();
    tokio::spawn(async move {
        for _ in 0..MESSAGES {
            sender.send(Ok(Frame::data(message(0, b"")))).await.unwrap();
        }
    });
    let answer = call(&mut client, grpc("/x.Y/Z", body)).await;
    assert_eq!(answer.head.headers["x-bytes"], (MESSAGES * 5).to_string());
}

/// The model server reads nothing for a while: more comes than its window takes, and the connection
/// lives.
#[tokio::test]
async fn a_slow_reader_of_tiny_messages_loses_nothing() {
    const WINDOW: u32 = 64 << 10;
    const MESSAGES: u32 = WINDOW / 5 + 3_500;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let go = Arc::new(Notify::new());
    let may_go = go.clone();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::Builder::new()
            .initial_window_size(WINDOW)
            // Wide, so that this side puts up with what it does not read.
            .initial_connection_window_size(64 << 20)
            .handshake::<_, Bytes>(stream)
            .await
            .unwrap();
        let (request, mut respond) = connection.accept().await.unwrap().unwrap();
        let read = tokio::spawn(async move {
            may_go.notified().await;
            let mut body = request.into_body();
            let mut read = 0;
            while let Some(data) = body.data().await {
                let data = data.unwrap();
                read += data.len();
                body.flow_control().release_capacity(data.len()).unwrap();
            }
            respond.send_response(Response::new(()), true).unwrap();
            read
        });
        while connection.accept().await.is_some() {}
        read.await.unwrap()
    });
    let proxy = Proxy::to(&address).await;
    let mut client = http2(&proxy.address).await;
    let (sender, body) = channel();
    let answer = client.send_request(grpc("/x.Y/Z", body));
    for _ in 0..MESSAGES {
        soon(sender.send(Ok(Frame::data(message(0, b"")))))
            .await
            .unwrap();
    }
    drop(sender);
    // All of it is on its way before anything is read.
    go.notify_one();
    soon(answer).await.unwrap();
    drop((client, proxy));
    assert_eq!(soon(server).await.unwrap(), MESSAGES as usize * 5);
}

#[tokio::test]
async fn a_client_that_cancels_is_noticed_by_the_model_server() {
    let (tell, mut told) = mpsc::channel(1);
    let server = ModelServer::start(move |request| {
        struct Dropped(mpsc::Sender<()>);
        impl Drop for Dropped {
            fn drop(&mut self) {
                let _ = self.0.try_send(());
            }
        }
        let dropped = Dropped(tell.clone());
        async move {
            request.into_body().collect().await?;
            dropped.0.send(()).await.unwrap();
            std::future::pending::<()>().await;
            drop(dropped);
            unreachable!()
        }
    })
    .await;
    let proxy = Proxy::to(&server.address).await;
    let mut client = http2(&proxy.address).await;
    let response = client.send_request(grpc(INFER, full(message(0, b"x"))));
    let waiting = tokio::spawn(response);
    soon(told.recv()).await.unwrap();
    assert_eq!(proxy.counts().in_flight(), 1);
    waiting.abort();
    soon(told.recv()).await.unwrap();
    let exchange = proxy.next_call().await;
    assert_eq!(exchange.ending, Ending::Cancelled);
    assert_eq!(exchange.request.into_body(), message(0, b"x"));
    until(|| proxy.counts().in_flight() == 0).await;
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_of_an_answer_is_noticed() {
    let (gone, mut noticed) = mpsc::channel(1);
    let server = ModelServer::start(move |_| {
        let gone = gone.clone();
        async move {
            let (sender, body) = channel();
            tokio::spawn(async move {
                let piece = Frame::data(message(0, b"part"));
                sender.send(Ok(piece)).await.unwrap();
                sender.closed().await;
                gone.send(()).await.unwrap();
            });
            Ok(Response::new(body))
        }
    })
    .await;
    let proxy = Proxy::to(&server.address).await;
    let mut client = http2(&proxy.address).await;
    let response = client.send_request(grpc(INFER, full(message(0, b"x"))));
    let mut response = soon(response).await.unwrap();
    soon(response.body_mut().frame()).await.unwrap().unwrap();
    drop(response);
    soon(noticed.recv()).await.unwrap();
    let exchange = proxy.next_call().await;
    assert_eq!(exchange.ending, Ending::Cancelled);
    assert_eq!(exchange.response.into_body(), message(0, b"part"));
}

#[tokio::test]
async fn a_reset_by_the_model_server_keeps_its_code() {
    for reason in [
        h2::Reason::CANCEL,
        h2::Reason::REFUSED_STREAM,
        h2::Reason::ENHANCE_YOUR_CALM,
    ] {
        let may_end = Arc::new(Notify::new());
        let end = may_end.clone();
        let server = ModelServer::start(move |request| {
            let end = end.clone();
            async move {
                if request.uri().path() == INFER {
                    return Err(Fault::from(reason));
                }
                let (sender, body) = channel();
                tokio::spawn(async move {
                    let part = Frame::data(message(0, b"part"));
                    sender.send(Ok(part)).await.unwrap();
                    end.notified().await;
                    sender.send(Err(Fault::from(reason))).await.unwrap();
                });
                Ok(Response::new(body))
            }
        })
        .await;
        let proxy = Proxy::to(&server.address).await;
        let mut client = http2(&proxy.address).await;
        let code = |error: hyper::Error| {
            let source = std::error::Error::source(&error);
            source
                .unwrap()
                .downcast_ref::<h2::Error>()
                .unwrap()
                .reason()
        };
        let response = client.send_request(grpc(INFER, full(message(0, b"x"))));
        let error = soon(response).await.unwrap_err();
        assert_eq!(code(error), Some(reason), "before the answer");
        let response = client.send_request(grpc("/x.Y/Z", full(message(0, b"x"))));
        let mut response = soon(response).await.unwrap();
        soon(response.body_mut().frame()).await.unwrap().unwrap();
        may_end.notify_one();
        let error = soon(response.body_mut().frame())
            .await
            .unwrap()
            .unwrap_err();
        assert_eq!(code(error), Some(reason), "in the middle of it");
    }
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_request_ends_the_call() {
    let server = ModelServer::start(|_| async {
        let mut response = Response::new(empty());
        *response.headers_mut() = status(8);
        Ok(response)
    })
    .await;
    let proxy = Proxy::to(&server.address).await;
    let mut client = http2(&proxy.address).await;
    let (sender, body) = channel();
    let response = soon(client.send_request(grpc(STREAM_INFER, body))).await;
    assert_eq!(response.unwrap().headers()["grpc-status"], "8");
    soon(sender.closed()).await;
    until(|| proxy.counts().in_flight() == 0).await;
}
