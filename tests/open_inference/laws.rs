//! What holds of any bytes: never a panic, never a value that was not there, never more memory than
//! the limits say.

use bytes::Bytes;
use driftgauge::ingest::Limits;
use driftgauge::ingest::inference::{Call, Elements, Fault};
use driftgauge::ingest::open_inference::{self, Streams};
use driftgauge::ingest::seen::{Ending, Exchange, Headers, Side, StreamPart};
use driftgauge::proto::inference::ModelInferRequest;
use proptest::prelude::*;
use prost::Message;

use crate::world::{SERVERS, captured, exchange, input, request};

fn small() -> Limits {
    Limits {
        message_bytes: 4_096,
        decoded_bytes: 16_384,
        buffer_bytes: 16_384,
        string_bytes: 64,
        ..Limits::default()
    }
}

/// Every tensor has just the values that its shape says, and no more than the limits allow.
fn holds(result: Result<Call, Fault>, limits: &Limits) {
    let Ok(call) = result else {
        return;
    };
    assert!(!call.inference.model.is_empty());
    for tensors in [&call.inference.inputs, &call.inference.outputs] {
        let mut bytes = 0;
        for tensor in tensors {
            let count = tensor.len();
            bytes += match &tensor.elements {
                Elements::Fixed { value_type, data } => {
                    assert_eq!(count.unwrap() * value_type.size(), data.len());
                    0
                }
                Elements::Text(texts) => {
                    assert_eq!(count, Some(texts.len()));
                    assert!(texts.iter().all(|text| text.len() <= limits.string_bytes));
                    size_of_val(&texts[..]) + texts.iter().map(String::len).sum::<usize>()
                }
                Elements::Mixed(values) => {
                    assert_eq!(count, Some(values.len()));
                    size_of_val(&values[..])
                }
                Elements::Unusable(_) => 0,
            };
        }
        assert!(bytes <= limits.decoded_bytes);
    }
}

fn whole(request: &[u8], response: &[u8], limits: &Limits) {
    holds(
        open_inference::decode(exchange(request, Some(response)), "u", limits),
        limits,
    );
}

/// Frames as they are, whole or not.
fn body(bytes: Vec<u8>) -> Exchange {
    let mut exchange = exchange(&[], Some(&[]));
    exchange.request.body = vec![bytes.into()];
    exchange
}

/// All captured messages.
fn messages() -> Vec<Bytes> {
    let calls = SERVERS.into_iter().flat_map(captured);
    let messages = calls.flat_map(|call| [call.requests, call.responses].concat());
    messages.map(|(_, message)| message).collect()
}

#[test]
fn a_message_may_be_cut_off_anywhere() {
    let limits = Limits::default();
    for message in messages().into_iter().filter(|message| message.len() < 400) {
        for end in 0..message.len() {
            whole(&message[..end], &message[..end], &limits);
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_decoded_or_refused(
        request in prop::collection::vec(any::<u8>(), 0..200),
        response in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        whole(&request, &response, &small());
        holds(open_inference::decode(body(request), "u", &small()), &small());
    }

    #[test]
    fn damaged_messages_are_decoded_or_refused(
        which in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let all = messages();
        let mut message = which.get(&all).to_vec();
        for (at, byte) in damage {
            if !message.is_empty() {
                let at = at.index(message.len());
                message[at] = byte;
            }
        }
        whole(&message, &message, &Limits::default());
        whole(&message, &message, &small());
    }

    #[test]
    fn any_shape_fits_its_values_or_is_refused(
        shape in prop::collection::vec(prop_oneof![0_i64..5, any::<i64>()], 0..5),
        datatype in prop::sample::select(&["BOOL", "INT16", "FP16", "FP32", "FP64", "BYTES", "?"][..]),
        raw in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let message: ModelInferRequest = request(vec![input("x", datatype, &shape)], vec![raw.into()]);
        whole(&message.encode_to_vec(), &[], &Limits::default());
    }

    #[test]
    fn any_stream_is_understood_or_given_up_within_its_bounds(
        pieces in prop::collection::vec(
            (any::<bool>(), any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<bool>()),
            0..60,
        ),
    ) {
        let (all, limits) = (messages(), small());
        let mut streams = Streams::default();
        streams.part(1, StreamPart::Opened(Box::new(exchange(&[], None))), "u", &limits);
        for (at, (is_client, which, end, is_whole)) in pieces.into_iter().enumerate() {
            let message = which.get(&all);
            let framed = crate::world::frame(0, message);
            let end = if is_whole { framed.len() } else { end.index(framed.len()) };
            let part = StreamPart::Data {
                from: if is_client { Side::Client } else { Side::Server },
                at_micros: at as i64,
                bytes: framed.slice(..end),
                held: None,
            };
            for result in streams.part(1, part, "u", &limits) {
                holds(result, &limits);
            }
            prop_assert!(streams.bytes() <= limits.buffer_bytes);
        }
        let ended = StreamPart::Ended {
            ending: Ending::Complete,
            at_micros: 100,
            trailers: Headers::default(),
        };
        for result in streams.part(1, ended, "u", &limits) {
            holds(result, &limits);
        }
        prop_assert_eq!(streams.bytes(), 0);
    }
}
