//! Clients that do not read, do not finish or do not leave: none keeps others from the metrics, fills
//! the memory or holds up the shutdown.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use driftgauge::engine::Snapshot;
use driftgauge::export::WebOptions;
use driftgauge::profile::Kind;
use tokio::net::{TcpSocket, TcpStream};

use crate::port::{ask, everything, read, start, write};
use crate::snapshot::{self, field, model};

/// Far more than all buffers between two sockets hold.
fn large() -> Snapshot {
    let fields = (0..300).map(|i| field(&format!("f{i}"), Some(Kind::Numeric), 30, &["profile"]));
    Snapshot {
        models: vec![model("m", "1", fields.collect())],
        ..Snapshot::default()
    }
}

/// A client that asks and then does not read.
async fn stubborn(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let stream = socket.connect(address).await.unwrap();
    write(&stream, b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").await;
    stream.readable().await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_do_not_read_cannot_keep_others_from_the_metrics() {
    let options = WebOptions {
        reading_grace: Duration::from_millis(100),
        ..WebOptions::default()
    };
    let web = start(large(), options);
    let mut stuck = Vec::new();
    for _ in 0..4 {
        stuck.push(stubborn(web.address).await);
    }
    let before = Instant::now();
    let answer = ask(web.address, "GET /metrics", &[]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-length"),
        answer.body.len().to_string()
    );
    assert!(answer.body.len() > 2_000_000, "{}", answer.body.len());
    assert!(
        before.elapsed() < Duration::from_secs(5),
        "{:?}",
        before.elapsed()
    );

    let first = read(&stuck[0]).await;
    assert!(
        first.len() < answer.body.len(),
        "the longest guest was cut off"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_in_memory_are_limited_while_nobody_reads() {
    let options = WebOptions {
        concurrent_pages: 2,
        reading_grace: Duration::from_secs(3600),
        ..WebOptions::default()
    };
    let web = start(large(), options);
    let before = Instant::now();
    ask(web.address, "GET /metrics", &[]).await;
    let unhindered = before.elapsed();
    let stuck = [stubborn(web.address).await, stubborn(web.address).await];

    let mut third = std::pin::pin!(ask(web.address, "GET /metrics", &[]));
    let waited = tokio::time::timeout(unhindered * 3, &mut third).await;
    assert!(waited.is_err(), "both places are taken");
    let healthy = ask(web.address, "GET /-/healthy", &[]).await;
    assert_eq!(healthy.status, 200, "probes need no place");
    drop(stuck);
    assert_eq!(third.await.status, 200, "places are free again");
}

#[tokio::test]
async fn more_connections_than_allowed_push_out_the_oldest() {
    let options = WebOptions {
        connections: 3,
        ..WebOptions::default()
    };
    let web = start(snapshot::everything(), options);
    let mut idle = Vec::new();
    for _ in 0..3 {
        idle.push(TcpStream::connect(web.address).await.unwrap());
    }
    let answer = ask(web.address, "GET /-/healthy", &[]).await;
    assert_eq!(answer.status, 200);
    assert!(read(&idle[0]).await.is_empty(), "closed");
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_off() {
    let options = WebOptions {
        header_timeout: Duration::from_millis(100),
        ..WebOptions::default()
    };
    let web = start(snapshot::everything(), options);
    let stream = TcpStream::connect(web.address).await.unwrap();
    write(&stream, b"GET /metrics HTTP/1.1\r\nhost: x\r\nx: ").await;
    assert!(read(&stream).await.is_empty());
}

#[tokio::test]
async fn an_open_connection_does_not_hold_up_the_shutdown() {
    let web = everything();
    let stream = TcpStream::connect(web.address).await.unwrap();
    write(&stream, b"GET /-/healthy HTTP/1.1\r\nhost: x\r\n\r\n").await;
    stream.readable().await.unwrap();
    web.stop.send(()).unwrap();
    let served = tokio::time::timeout(Duration::from_secs(1), web.served).await;
    served.unwrap().unwrap();
    assert!(TcpStream::connect(web.address).await.is_err());
}
