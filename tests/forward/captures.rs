//! What real clients and servers said to each other, said again through the proxy: heads, messages and
//! trailers come out as they went in. Frames and their compression may differ, so both are decoded.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};

use super::proxy::Proxy;
use super::wire::soon;

const PREFACE: usize = 24;
const END_STREAM: u8 = 1;

/// A frame in a byte stream.
struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    /// Where the next one begins.
    end: usize,
}

/// The frames from `at` on that are there as a whole.
fn frames_of(bytes: &[u8], at: usize) -> Vec<Frame> {
    let mut all = Vec::new();
    let mut at = at;
    while let Some(head) = bytes.get(at..at + 9) {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let end = at + 9 + length;
        if end > bytes.len() {
            break;
        }
        all.push(Frame {
            kind: head[3],
            flags: head[4],
            stream: u32::from_be_bytes([head[5], head[6], head[7], head[8]]),
            end,
        });
        at = end;
    }
    all
}

/// Ends of messages: the stream, and where its last frame ends.
fn ends(bytes: &[u8], at: usize) -> Vec<(u32, usize)> {
    let is_message = |frame: &Frame| frame.kind <= 1 && frame.flags & END_STREAM != 0;
    let frames = frames_of(bytes, at).into_iter().filter(is_message);
    frames.map(|frame| (frame.stream, frame.end)).collect()
}

#[derive(Debug, PartialEq)]
struct Asked {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Vec<u8>,
    trailers: Option<HeaderMap>,
}

#[derive(Debug, PartialEq)]
struct Answered {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    trailers: Option<HeaderMap>,
}

async fn all_of(mut body: h2::RecvStream) -> (Vec<u8>, Option<HeaderMap>) {
    let mut all = Vec::new();
    while let Some(data) = body.data().await {
        all.extend_from_slice(&data.unwrap());
    }
    (all, body.trailers().await.unwrap())
}

/// The requests in what a client sent.
async fn asked(bytes: &[u8]) -> Vec<Asked> {
    let (mut near, far) = tokio::io::duplex(1 << 20);
    near.write_all(bytes).await.unwrap();
    let count = ends(bytes, PREFACE).len();
    let mut connection = h2::server::handshake(far).await.unwrap();
    let mut open = Vec::new();
    for _ in 0..count {
        let (request, respond) = connection.accept().await.unwrap().unwrap();
        let (head, body) = request.into_parts();
        open.push(tokio::spawn(async move {
            let (body, trailers) = all_of(body).await;
            drop(respond);
            Asked {
                method: head.method,
                uri: head.uri,
                headers: head.headers,
                body,
                trailers,
            }
        }));
    }
    let running = tokio::spawn(async move { while connection.accept().await.is_some() {} });
    let mut all = Vec::new();
    for request in open {
        all.push(request.await.unwrap());
    }
    running.abort();
    all
}

/// The responses in what a server sent.
async fn answered(bytes: &[u8]) -> Vec<Answered> {
    let count = ends(bytes, 0).len();
    let (near, far) = tokio::io::duplex(1 << 20);
    let (client, connection) = h2::client::handshake(far).await.unwrap();
    let running = tokio::spawn(connection);
    let mut client = client;
    let mut open = Vec::new();
    for _ in 0..count {
        client = client.ready().await.unwrap();
        let request = Request::post("http://x/").body(()).unwrap();
        open.push(client.send_request(request, true).unwrap().0);
    }
    let server = tokio::spawn(play_all(near, bytes.to_vec(), count));
    let mut all = Vec::new();
    for response in open {
        let (head, body) = response.await.unwrap().into_parts();
        let (body, trailers) = all_of(body).await;
        all.push(Answered {
            status: head.status,
            headers: head.headers,
            body,
            trailers,
        });
    }
    server.abort();
    running.abort();
    all
}

/// Sends everything once as many requests have come.
async fn play_all(mut stream: DuplexStream, bytes: Vec<u8>, count: usize) {
    let mut came = Vec::new();
    while ends(&came, PREFACE).len() < count {
        stream.read_buf(&mut came).await.unwrap();
    }
    stream.write_all(&bytes).await.unwrap();
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
}

/// A server that answers as the captured one did, each call when it has been asked; what it was asked.
async fn play_server(listener: TcpListener, answers: Vec<u8>) -> Vec<u8> {
    let (mut stream, _) = listener.accept().await.unwrap();
    let (mut came, mut sent) = (Vec::new(), 0);
    for (number, end) in ends(&answers, 0) {
        while !ends(&came, PREFACE)
            .iter()
            .any(|(asked, _)| *asked == number)
        {
            assert_ne!(stream.read_buf(&mut came).await.unwrap(), 0);
        }
        stream.write_all(&answers[sent..end]).await.unwrap();
        sent = end;
    }
    while stream.read_buf(&mut came).await.unwrap_or(0) != 0 {}
    came
}

/// A client that says what the captured one said; what it was answered.
async fn play_client(address: &str, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let expected: BTreeSet<u32> = ends(bytes, PREFACE).into_iter().map(|(n, _)| n).collect();
    let mut came = Vec::new();
    loop {
        let done: BTreeSet<u32> = ends(&came, 0).into_iter().map(|(n, _)| n).collect();
        if done == expected {
            return came;
        }
        assert_ne!(stream.read_buf(&mut came).await.unwrap(), 0);
    }
}

fn captures() -> Vec<(PathBuf, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/captures");
    let mut found = Vec::new();
    for server in std::fs::read_dir(folder).unwrap() {
        let path = server.unwrap().path();
        if !path.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(path).unwrap() {
            let path = file.unwrap().path();
            let name = path.to_str().unwrap();
            if let Some(name) = name.strip_suffix(".tcp.c2s.bin") {
                found.push((path.clone(), format!("{name}.tcp.s2c.bin").into()));
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn what_real_clients_and_servers_say_comes_out_as_it_went_in() {
    let captures = captures();
    assert_eq!(captures.len(), 11);
    let mut watched = 0;
    for (asks, answers) in captures {
        let name = asks.display().to_string();
        let (asks, answers) = (
            std::fs::read(asks).unwrap(),
            std::fs::read(answers).unwrap(),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::to(&listener.local_addr().unwrap().to_string()).await;
        let server = tokio::spawn(play_server(listener, answers.clone()));
        let got = soon(play_client(&proxy.address, &asks)).await;
        let came = soon(server).await.unwrap();

        let expected = soon(asked(&asks)).await;
        assert!(!expected.is_empty(), "{name}");
        assert_eq!(soon(asked(&came)).await, expected, "{name}: requests");
        let expected_answers = soon(answered(&answers)).await;
        assert_eq!(expected_answers.len(), expected.len(), "{name}");
        assert_eq!(
            soon(answered(&got)).await,
            expected_answers,
            "{name}: answers"
        );

        for (asked, answered) in expected.iter().zip(&expected_answers) {
            if asked.uri.path().ends_with("/ModelInfer") {
                watched += 1;
                let seen = proxy.next_call().await;
                let status = answered.trailers.as_ref().unwrap_or(&answered.headers);
                assert_eq!(
                    seen.response.headers.get("grpc-status"),
                    status["grpc-status"].to_str().ok(),
                    "{name}"
                );
                assert_eq!(seen.request.into_body(), Bytes::from(asked.body.clone()));
                assert_eq!(
                    seen.response.into_body(),
                    Bytes::from(answered.body.clone())
                );
            }
        }
    }
    assert_eq!(watched, 11, "nine captures of one call or three");
}
