//! Events as loggers send them, in any order and of any quality.

mod calls;
mod hostile;
mod pairing;
mod port;

use std::path::Path;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::ingest::Limits;
use crate::ingest::inference::Fault;
use crate::ingest::seen::{Event, Exchange};

const SECOND: i64 = 1_000_000;

fn pairs() -> super::Pairs {
    super::Pairs::new(60 * SECOND, 100, 1 << 20)
}

/// A recorded file.
fn recorded(name: &str) -> Vec<u8> {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/captures");
    std::fs::read(captures.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// An event of a recorded HTTP request.
fn capture(name: &str) -> Event {
    let message = recorded(name);
    let end = message.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&message[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(':').unwrap();
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        (name, HeaderValue::from_str(value.trim()).unwrap())
    });
    Event {
        path,
        headers: headers.collect(),
        body: Bytes::copy_from_slice(&message[end + 4..]),
        received_micros: 77,
        held: None,
    }
}

fn kserve(name: &str) -> Event {
    capture(&format!("cloudevents/{name}.http"))
}

fn json(content_type: &'static str, body: impl Into<Bytes>) -> Event {
    let headers = [(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static(content_type),
    )];
    Event {
        path: "/".into(),
        headers: HeaderMap::from_iter(headers),
        body: body.into(),
        received_micros: 77,
        held: None,
    }
}

fn mesh(half: &str) -> Event {
    json(
        "application/json",
        recorded(&format!("modelmesh/{half}.json")),
    )
}

fn set(event: &mut Event, name: &'static str, value: &str) {
    let value = HeaderValue::from_str(value).unwrap();
    event.headers.insert(name, value);
}

/// A half of a v1 call with this id.
fn half(side: &str, id: &str) -> Event {
    let mut event = kserve(&format!("kserve_agent_v1_{side}"));
    set(&mut event, "ce-id", id);
    event
}

/// The calls that all these make.
fn all(pairs: &mut super::Pairs, events: Vec<Event>) -> Vec<Result<Exchange, Fault>> {
    let take = |event| pairs.event(event, 0, &Limits::default());
    events.into_iter().flat_map(take).collect()
}

/// The call that these two make, whichever comes first.
fn call(request: fn() -> Event, response: fn() -> Event) -> Exchange {
    let [forth, back] = [vec![request(), response()], vec![response(), request()]].map(|events| {
        let mut made = all(&mut pairs(), events);
        assert_eq!(made.len(), 1);
        made.remove(0).unwrap()
    });
    assert_eq!(format!("{forth:?}"), format!("{back:?}"), "order matters");
    forth
}
