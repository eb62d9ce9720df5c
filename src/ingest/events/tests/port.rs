//! The events port, over real sockets.

use std::path::Path;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{pairs, recorded};
use crate::ingest::Limits;
use crate::ingest::events::serve_events;
use crate::ingest::seen::{Budget, Observer, Seen};
use crate::socket::Listener;

const PATIENCE: Duration = Duration::from_secs(20);

struct Port {
    address: String,
    observer: Observer,
    taken: Receiver<(&'static str, Seen)>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

async fn port(waiting: usize, budget: usize) -> Port {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (observer, taken) = Observer::new("events", waiting, Budget::new(budget));
    let (stop, stopped) = oneshot::channel();
    let limits = Limits {
        message_bytes: 100_000,
        ..Limits::default()
    };
    let serving = serve_events(Listener::Tcp(listener), observer.clone(), limits, async {
        let _ = stopped.await;
    });
    Port {
        address,
        observer,
        taken,
        stop,
        server: tokio::spawn(serving),
    }
}

impl Port {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).await.unwrap()
    }

    /// The status of what is answered to these bytes.
    async fn send(&self, message: &[u8]) -> u16 {
        let mut stream = self.connect().await;
        stream.write_all(message).await.unwrap();
        status(&mut stream).await
    }

    fn shed(&self, reason: &str) -> u64 {
        let shed = self.observer.counts().shed_by_reason();
        shed.iter().find(|(name, _)| *name == reason).unwrap().1
    }
}

async fn status(stream: &mut TcpStream) -> u16 {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n") {
        let byte = timeout(PATIENCE, stream.read_u8()).await.unwrap();
        answer.push(byte.unwrap());
    }
    let line = String::from_utf8(answer).unwrap();
    line.split(' ').nth(1).unwrap().parse().unwrap()
}

fn post(kind: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("POST /x HTTP/1.1\r\nhost: h\r\n{kind}\r\ncontent-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

const EVENT: &str = "ce-type: x\r\nce-specversion: 1.0";

#[tokio::test]
async fn recorded_posts_come_out_as_calls() {
    let port = port(100, 1 << 20).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/captures/cloudevents");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".http"))
        .collect();
    // Responses before requests.
    names.sort_by_key(|name| !name.contains("response"));
    for name in &names {
        let status = port.send(&recorded(&format!("cloudevents/{name}"))).await;
        assert_eq!(status, 202, "{name}");
    }
    for half in ["response", "request"] {
        let body = recorded(&format!("modelmesh/{half}.json"));
        let status = port
            .send(&post("content-type: application/json", &body))
            .await;
        assert_eq!(status, 200, "ModelMesh takes 202 for a failure");
    }
    assert_eq!(port.observer.counts().seen(), 0, "until they are paired");
    let mut pairs = pairs();
    let mut calls = Vec::new();
    for (source, seen) in port.taken.try_iter() {
        let Seen::Event(event) = seen else {
            panic!("no event");
        };
        assert_eq!(source, "events");
        calls.extend(pairs.event(*event, 0, &Limits::default()));
    }
    calls.extend(pairs.expire(i64::MAX));
    let calls: Vec<_> = calls.into_iter().map(Result::unwrap).collect();
    let whole = calls.iter().filter(|call| call.status == Some(200)).count();
    // v1, v2, gRPC, Seldon, ModelMesh; alone: the structured request, and one with binary tensors.
    assert_eq!((whole, calls.len()), (5, 7));
    assert_eq!(
        pairs.counts().duplicates(),
        1,
        "binary, with and without metadata"
    );
    assert!(port.observer.budget().bytes() > 0);
    drop(calls);
    assert_eq!(port.observer.budget().bytes(), 0, "all is given back");
}

#[tokio::test]
async fn events_are_answered_though_nobody_takes_them() {
    let port = port(2, 1 << 20).await;
    for _ in 0..5 {
        assert_eq!(port.send(&post(EVENT, b"{}")).await, 202);
    }
    assert_eq!(port.observer.counts().seen(), 3);
    assert_eq!(port.shed("queue_full"), 3);
}

#[tokio::test]
async fn events_beyond_the_budget_are_counted_and_answered() {
    let port = port(100, 20_000).await;
    let large = vec![b'x'; 50_000];
    assert_eq!(port.send(&post(EVENT, &large)).await, 202);
    assert_eq!(port.shed("budget"), 1);
    assert_eq!(port.observer.budget().bytes(), 0);
    assert_eq!(port.send(&post(EVENT, b"small")).await, 202);
    assert_eq!(port.taken.try_iter().count(), 1);
}

#[tokio::test]
async fn events_that_are_too_large_are_refused() {
    let port = port(100, 1 << 20).await;
    let announced = "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 100001\r\n\r\n";
    assert_eq!(port.send(announced.as_bytes()).await, 413);
    let head = "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n186a1\r\n";
    let chunked = [head.as_bytes(), &[b'x'; 100_001]].concat();
    assert_eq!(port.send(&chunked).await, 413);
    assert_eq!(port.shed("too_large"), 2);
    assert_eq!(port.observer.budget().bytes(), 0);
}

#[tokio::test]
async fn other_requests_are_answered() {
    let port = port(1, 1 << 20).await;
    for (method, path, status) in [
        ("GET", "/", 200),
        ("GET", "/-/healthy", 200),
        ("GET", "/x", 405),
        ("PUT", "/", 405),
    ] {
        let request = format!("{method} {path} HTTP/1.1\r\nhost: h\r\n\r\n");
        assert_eq!(
            port.send(request.as_bytes()).await,
            status,
            "{method} {path}"
        );
    }
    assert_eq!(port.observer.counts().seen(), 0);
}

#[tokio::test]
async fn http_2_without_tls_is_understood() {
    use http_body_util::Full;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let port = port(10, 1 << 20).await;
    let io = TokioIo::new(port.connect().await);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = http::Request::post("http://h/")
        .header("ce-type", "x")
        .body(Full::new(bytes::Bytes::from_static(b"{}")))
        .unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 202);
    assert_eq!(port.taken.try_iter().count(), 1);
}

#[tokio::test]
async fn clients_that_are_silent_or_slow_keep_nobody_out() {
    let port = port(10, 1 << 20).await;
    let mut slow = Vec::new();
    for number in 0..200 {
        let mut stream = port.connect().await;
        let begun: &[u8] = match number % 3 {
            0 => b"",
            1 => b"POST / HTTP/1.1\r\nho",
            _ => b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 50000\r\n\r\nx",
        };
        stream.write_all(begun).await.unwrap();
        slow.push(stream);
    }
    // 72 of the slow ones have to go first, most of them by being cut off.
    let answer = timeout(Duration::from_secs(60), async {
        let mut stream = port.connect().await;
        stream.write_all(&post(EVENT, b"{}")).await.unwrap();
        stream.readable().await.unwrap();
        status(&mut stream).await
    });
    assert_eq!(answer.await.unwrap(), 202);
    assert!(
        port.observer.budget().bytes() < 100_000,
        "only what came is held"
    );
}

#[tokio::test]
async fn what_is_being_sent_at_shutdown_still_arrives() {
    let port = port(10, 1 << 20).await;
    let message = post(EVENT, b"whole");
    let (begun, rest) = message.split_at(message.len() - 2);
    let mut stream = port.connect().await;
    stream.write_all(begun).await.unwrap();
    // The request is under way once its bytes are held.
    let arrived = async {
        while port.observer.budget().bytes() == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, arrived).await.unwrap();
    let mut idle = port.connect().await;
    port.stop.send(()).unwrap();
    stream.write_all(rest).await.unwrap();
    assert_eq!(status(&mut stream).await, 202);
    timeout(PATIENCE, port.server).await.unwrap().unwrap();
    assert_eq!(idle.read(&mut [0]).await.unwrap_or(0), 0, "closed");
    assert!(TcpStream::connect(&port.address).await.is_err());
    assert_eq!(port.taken.try_iter().count(), 1);
}
