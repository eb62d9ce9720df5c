//! Inference over plain HTTP: what real clients and servers have sent, every format, every trap, and
//! laws that hold for any bytes.

mod captures;
mod formats;
mod laws;
mod memory;
mod open_inference;
mod outcomes;

use std::io::Write;

use bytes::Bytes;
use driftgauge::batch::{Outcome, Scalar, ValueType};
use driftgauge::ingest::inference::{Call, Elements, Fault, Inference, Tensor, Unusable};
use driftgauge::ingest::rest::decode;
use driftgauge::ingest::seen::{Ending, Exchange, Headers, Message, Transport};
use driftgauge::ingest::{Limits, Undecodable};
use http::{HeaderMap, HeaderName, HeaderValue};

/// The model of paths that name none.
const UNNAMED: &str = "the-model";

/// A call with status 200 and bodies without headers.
fn exchange(path: &str, request: impl AsRef<[u8]>, response: impl AsRef<[u8]>) -> Exchange {
    Exchange {
        transport: Transport::Http,
        path: path.to_owned(),
        request: message(&[], request),
        status: Some(200),
        response: message(&[], response),
        ending: Ending::Complete,
        started_micros: 7,
        latency_micros: Some(11),
        draw: 0.25,
        held: None,
    }
}

fn message(headers: &[(&'static str, &str)], body: impl AsRef<[u8]>) -> Message {
    let header = |(name, value): &(&'static str, &str)| {
        let value = HeaderValue::from_str(value).unwrap();
        (HeaderName::from_static(name), value)
    };
    let all: HeaderMap = headers.iter().map(header).collect();
    Message {
        headers: Headers::of(&all, &[]),
        body: vec![Bytes::copy_from_slice(body.as_ref())],
    }
}

fn call(exchange: Exchange) -> Result<Call, Fault> {
    decode(exchange, UNNAMED, &Limits::default())
}

fn said(exchange: Exchange) -> Inference {
    call(exchange).unwrap().inference
}

/// What a request to some model says.
fn request(body: &str) -> Inference {
    said(exchange(
        "/v1/models/m:predict",
        body,
        "{\"predictions\": [0]}",
    ))
}

fn inputs(body: &str) -> Vec<Tensor> {
    request(body).inputs
}

fn outputs(body: &str) -> Vec<Tensor> {
    let call = exchange("/v1/models/m:predict", "{\"instances\": [0]}", body);
    said(call).outputs
}

/// Why a request cannot be decoded.
fn fault(body: impl AsRef<[u8]>) -> Undecodable {
    let call = call(exchange(
        "/v1/models/m:predict",
        body,
        "{\"predictions\": [0]}",
    ));
    call.unwrap_err().reason
}

fn tensor(name: &str, shape: &[usize], elements: Elements) -> Tensor {
    Tensor {
        name: name.to_owned(),
        shape: shape.to_vec(),
        elements,
    }
}

macro_rules! fixed {
    ($name:ident, $type:ty, $value_type:ident) => {
        fn $name(values: &[$type]) -> Elements {
            let data: Vec<u8> = values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect();
            Elements::Fixed {
                value_type: ValueType::$value_type,
                data: data.into(),
            }
        }
    };
}

fixed!(floats, f64, Float64);
fixed!(singles, f32, Float32);
fixed!(integers, i64, Int64);

fn bools(values: &[bool]) -> Elements {
    let data: Vec<u8> = values.iter().map(|value| u8::from(*value)).collect();
    Elements::Fixed {
        value_type: ValueType::Bool,
        data: data.into(),
    }
}

fn texts(values: &[&str]) -> Elements {
    Elements::Text(values.iter().map(|&value| value.to_owned()).collect())
}

fn text(value: &str) -> Scalar {
    Scalar::Text(value.to_owned())
}

fn mixed(values: &[Scalar]) -> Elements {
    Elements::Mixed(values.to_vec())
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}
