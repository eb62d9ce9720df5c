//! Events one after the other: the first byte of each is its mode and which half it tells, the second
//! the length of its body.
#![no_main]

use driftgauge::ingest::events::Pairs;
use driftgauge::ingest::seen::{Event, Transport};
use driftgauge::ingest::{Limits, open_inference, rest};
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;

const PENDING: usize = 4;
const TYPES: [&str; 4] = [
    "org.kubeflow.serving.inference.request",
    "org.kubeflow.serving.inference.response",
    "io.seldon.serving.inference.request",
    "io.seldon.serving.feedback",
];

fn event(choice: u8, body: &[u8]) -> Event {
    let mut headers = HeaderMap::new();
    let mut say = |name, value: &str| {
        let value = HeaderValue::from_str(value).unwrap();
        headers.insert(HeaderName::from_static(name), value);
    };
    match choice & 3 {
        0 => say("content-type", "application/cloudevents+json"),
        1 => say("content-type", "application/cloudevents-batch+json"),
        2 => {
            say("ce-specversion", "1.0");
            say("ce-type", TYPES[usize::from(choice >> 2 & 3)]);
            say("ce-id", if choice & 64 == 0 { "a" } else { "b" });
            if choice & 128 == 0 {
                say("ce-inferenceservicename", "m");
            }
        }
        _ => {}
    }
    Event {
        path: "/".into(),
        headers,
        body: body.to_vec().into(),
        received_micros: 0,
        held: None,
    }
}

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default();
    let mut pairs = Pairs::new(2, PENDING, 1 << 16);
    let mut calls = Vec::new();
    let (mut rest, mut now) = (bytes, 0);
    while let [choice, length, after @ ..] = rest {
        let length = match length {
            255 => after.len(),
            length => after.len().min(8 * usize::from(*length)),
        };
        let (body, later) = after.split_at(length);
        rest = later;
        now += 1;
        calls.extend(pairs.event(event(*choice, body), now, &limits));
        assert!(pairs.counts().pending() <= PENDING as u64);
        calls.extend(pairs.expire(now));
    }
    calls.extend(pairs.expire(i64::MAX));
    let counts = pairs.counts();
    let unpaired: u64 = counts.unpaired().iter().map(|(_, count)| count).sum();
    let not_halves = counts.feedback() + counts.other() + counts.faulty();
    let ended = counts.paired() + unpaired + counts.duplicates() + not_halves;
    assert_eq!((counts.pending(), counts.events()), (0, ended));
    for exchange in calls.into_iter().flatten() {
        let _ = match exchange.transport {
            Transport::Grpc => open_inference::decode(exchange, "m", &limits),
            Transport::Http => rest::decode(exchange, "m", &limits),
        };
    }
});
