//! A request and a response over HTTP. The first byte chooses path, status and headers, the second
//! where the response begins.
#![no_main]

use driftgauge::ingest::inference::{Elements, Tensor};
use driftgauge::ingest::seen::{Ending, Exchange, Headers, Message, Transport};
use driftgauge::ingest::{Limits, rest};
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;

const PATHS: [&str; 4] = ["/v2/models/m/infer", "/v1/models/m:predict", "/invocations", ""];

fn message(choice: u8, body: &[u8]) -> Message {
    let mut headers = HeaderMap::new();
    let mut say = |name, value: &str| {
        let value = HeaderValue::from_str(value).unwrap();
        headers.insert(HeaderName::from_static(name), value);
    };
    if choice & 8 != 0 {
        say("content-encoding", if choice & 64 == 0 { "gzip" } else { "deflate" });
    }
    if choice & 16 != 0 {
        say("content-type", "text/csv");
    }
    if choice & 32 != 0 {
        let json = body.iter().rposition(|byte| *byte == b'}').map_or(0, |end| end + 1);
        say("inference-header-content-length", &json.to_string());
    }
    Message {
        headers: Headers::of(&headers, &[]),
        body: vec![body.to_vec().into()],
    }
}

fn check(tensor: &Tensor) {
    let found = match &tensor.elements {
        Elements::Fixed { value_type, data } => data.len() / value_type.size(),
        Elements::Text(texts) => texts.len(),
        Elements::Mixed(values) => values.len(),
        Elements::Unusable(_) => return,
    };
    assert_eq!(tensor.len(), Some(found));
}

fuzz_target!(|bytes: &[u8]| {
    let [choice, at, bodies @ ..] = bytes else {
        return;
    };
    let (request, response) = bodies.split_at(bodies.len() * usize::from(*at) / 255);
    let exchange = Exchange {
        transport: Transport::Http,
        path: PATHS[usize::from(choice & 3)].into(),
        request: message(*choice, request),
        status: (choice & 4 == 0).then_some(200),
        response: message(choice & !16, response),
        ending: Ending::Complete,
        started_micros: 0,
        latency_micros: None,
        draw: 0.0,
        held: None,
    };
    let Ok(call) = rest::decode(exchange, "m", &Limits::default()) else {
        return;
    };
    let tensors = call.inference.inputs.iter().chain(&call.inference.outputs);
    tensors.for_each(check);
});
