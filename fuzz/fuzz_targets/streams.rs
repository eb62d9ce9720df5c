//! Bytes of both directions of a stream, cut anywhere.
#![no_main]

use driftgauge::ingest::Limits;
use driftgauge::ingest::open_inference::Streams;
use driftgauge::ingest::seen::{Ending, Exchange, Headers, Message, Side, StreamPart, Transport};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default();
    let mut streams = Streams::default();
    let exchange = Exchange {
        transport: Transport::Grpc,
        path: "/inference.GRPCInferenceService/ModelStreamInfer".into(),
        request: Message::default(),
        status: None,
        response: Message::default(),
        ending: Ending::Complete,
        started_micros: 0,
        latency_micros: None,
        draw: 0.0,
        held: None,
    };
    streams.part(1, StreamPart::Opened(Box::new(exchange)), "m", &limits);
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        let (piece, later) = after.split_at(after.len().min(usize::from(first >> 1)));
        rest = later;
        let from = if first & 1 == 0 {
            Side::Client
        } else {
            Side::Server
        };
        let part = StreamPart::Data {
            from,
            at_micros: 0,
            bytes: piece.to_vec().into(),
            held: None,
        };
        streams.part(1, part, "m", &limits);
        assert!(streams.bytes() <= limits.buffer_bytes);
    }
    let ended = StreamPart::Ended {
        ending: Ending::Complete,
        at_micros: 0,
        trailers: Headers::default(),
    };
    streams.part(1, ended, "m", &limits);
    assert_eq!(streams.bytes(), 0);
});
