//! Many clients that come and go: everything that they took is given back.

use std::sync::atomic::Ordering;

use super::model_server::ModelServer;
use super::proxy::{Proxy, until};
use super::wire::{INFER, call, connect, exchange, full, grpc, http2, message};

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn tasks() -> usize {
    tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
}

#[tokio::test]
async fn two_thousand_short_connections_leave_nothing_behind() {
    const AT_ONCE: usize = 200;
    let server = ModelServer::echo().await;
    let proxy = Proxy::to(&server.address).await;
    let before = (descriptors(), tasks());
    for _ in 0..10 {
        let clients = (0..AT_ONCE).map(|number| {
            let address = proxy.address.clone();
            tokio::spawn(async move {
                if number % 2 == 0 {
                    let mut client = http2(&address).await;
                    let body = message(0, &number.to_be_bytes());
                    let answer = call(&mut client, grpc(INFER, full(body.clone()))).await;
                    assert_eq!(answer.body, body);
                } else {
                    let mut stream = connect(&address).await;
                    let request =
                        "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
                    let answer = exchange(&mut stream, request, |text| text.ends_with("{}")).await;
                    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
                }
            })
        });
        for client in clients.collect::<Vec<_>>() {
            client.await.unwrap();
        }
    }
    until(|| (descriptors(), tasks()) <= before).await;
    assert_eq!(server.connections.load(Ordering::Relaxed), 0);
    assert_eq!(proxy.counts().seen(), 2_000);
    assert_eq!(proxy.counts().in_flight(), 0);
    drop(proxy.seen);
    assert_eq!(proxy.observer.budget().bytes(), 0);
}
