//! One message as request and as response of a call.
#![no_main]

use driftgauge::ingest::inference::Elements;
use driftgauge::ingest::seen::{Ending, Exchange, Message, Transport};
use driftgauge::ingest::{Limits, open_inference};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|message: &[u8]| {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let body = [&[0], &length[..], message].concat();
    let message = Message {
        body: vec![body.into()],
        ..Message::default()
    };
    let exchange = Exchange {
        transport: Transport::Grpc,
        path: "/inference.GRPCInferenceService/ModelInfer".into(),
        request: message.clone(),
        status: Some(200),
        response: message,
        ending: Ending::Complete,
        started_micros: 0,
        latency_micros: None,
        draw: 0.0,
        held: None,
    };
    let Ok(call) = open_inference::decode(exchange, "m", &Limits::default()) else {
        return;
    };
    for tensor in call.inference.inputs.iter().chain(&call.inference.outputs) {
        if let Elements::Fixed { value_type, data } = &tensor.elements {
            assert_eq!(
                tensor.len().map(|count| count * value_type.size()),
                Some(data.len())
            );
        }
    }
});
