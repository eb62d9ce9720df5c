//! Exchanges and streams, made of captures or of messages.

use std::fs;
use std::path::PathBuf;

use bytes::Bytes;
use driftgauge::batch::{Outcome, ValueType};
use driftgauge::ingest::inference::{Call, Elements, Fault, Tensor};
use driftgauge::ingest::seen::{Ending, Exchange, Headers, Message, Transport};
use driftgauge::ingest::{Limits, Undecodable, open_inference};
use driftgauge::proto::inference::infer_parameter::ParameterChoice;
use driftgauge::proto::inference::model_infer_request::InferInputTensor;
use driftgauge::proto::inference::model_infer_response::InferOutputTensor;
use driftgauge::proto::inference::{
    InferParameter, InferTensorContents, ModelInferRequest, ModelInferResponse,
};
use http::HeaderMap;
use prost::Message as _;
use serde_json::Value;

pub const SERVERS: [&str; 5] = ["mlserver", "triton", "triton_bare", "kserve", "ray"];

/// One call of a capture.
pub struct Captured {
    pub name: String,
    pub path: String,
    pub request_headers: Headers,
    /// Headers and trailers of the response.
    pub response_headers: Headers,
    /// Flag and message of each frame.
    pub requests: Vec<(u8, Bytes)>,
    pub responses: Vec<(u8, Bytes)>,
    pub client_result: String,
}

fn folder(server: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/data/captures", server]
        .iter()
        .collect()
}

/// One file of a server's captures.
pub fn file(server: &str, name: &str) -> Bytes {
    fs::read(folder(server).join(name)).unwrap().into()
}

/// All captured calls of inference of a server.
pub fn captured(server: &str) -> Vec<Captured> {
    let index: Value = serde_json::from_slice(&file(server, "index.json")).unwrap();
    let mut all = Vec::new();
    for capture in index.as_array().unwrap() {
        for call in capture["streams"].as_array().unwrap() {
            let messages = |side: &str| {
                let entries = call[side].as_array().unwrap().iter();
                let read = entries.map(|entry| {
                    let flag = u8::try_from(entry["compressed"].as_u64().unwrap()).unwrap();
                    (flag, file(server, entry["file"].as_str().unwrap()))
                });
                read.collect()
            };
            all.push(Captured {
                name: format!("{server}/{}", capture["name"].as_str().unwrap()),
                path: call["path"].as_str().unwrap().into(),
                request_headers: headers(&[&call["request_headers"]]),
                response_headers: headers(&[&call["response_headers"], &call["trailers"]]),
                requests: messages("req"),
                responses: messages("resp"),
                client_result: capture["client_result"].as_str().unwrap_or_default().into(),
            });
        }
    }
    all.retain(|call| call.path.ends_with("Infer"));
    all
}

/// The captured call of this name.
pub fn capture(server: &str, name: &str) -> Captured {
    let name = format!("{server}/{name}");
    captured(server)
        .into_iter()
        .find(|call| call.name == name)
        .unwrap()
}

fn headers(lists: &[&Value]) -> Headers {
    let pairs = lists.iter().filter_map(|list| list.as_array()).flatten();
    let usual = pairs.filter(|pair| !pair[0].as_str().unwrap().starts_with(':'));
    let map: HeaderMap = usual
        .map(|pair| {
            let name: http::HeaderName = pair[0].as_str().unwrap().parse().unwrap();
            (name, pair[1].as_str().unwrap().parse().unwrap())
        })
        .collect();
    Headers::of(&map, &[])
}

/// Headers of these names and values.
pub fn said(pairs: &[(&'static str, &str)]) -> Headers {
    let named = |(name, value): &(&'static str, &str)| {
        (http::HeaderName::from_static(name), value.parse().unwrap())
    };
    Headers(pairs.iter().map(named).collect())
}

/// A message with the five bytes before it.
pub fn frame(flag: u8, message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flag], &length[..], message].concat().into()
}

impl Captured {
    /// The call as it is seen when it passes.
    pub fn exchange(self) -> Exchange {
        let body = |frames: Vec<(u8, Bytes)>| {
            frames
                .iter()
                .map(|(flag, message)| frame(*flag, message))
                .collect()
        };
        Exchange {
            request: Message {
                headers: self.request_headers,
                body: body(self.requests),
            },
            response: Message {
                headers: self.response_headers,
                body: body(self.responses),
            },
            ..exchange(&[], None)
        }
    }
}

/// A call that succeeded, with these messages.
pub fn exchange(request: &[u8], response: Option<&[u8]>) -> Exchange {
    let message = |message: &[u8]| Message {
        headers: Headers::default(),
        body: vec![frame(0, message)],
    };
    let mut answer = response.map_or_else(Message::default, message);
    answer.headers = said(&[("grpc-status", "0")]);
    Exchange {
        transport: Transport::Grpc,
        path: "/inference.GRPCInferenceService/ModelInfer".into(),
        request: message(request),
        status: Some(200),
        response: answer,
        ending: Ending::Complete,
        started_micros: 1_000_000,
        latency_micros: Some(250),
        draw: 0.5,
        held: None,
    }
}

pub fn decode(exchange: Exchange) -> Result<Call, Fault> {
    open_inference::decode(exchange, "unnamed", &Limits::default())
}

/// A call of a model `m` with these messages, that must be decodable.
pub fn call(request: &ModelInferRequest, response: &ModelInferResponse) -> Call {
    let (request, response) = (request.encode_to_vec(), response.encode_to_vec());
    decode(exchange(&request, Some(&response))).unwrap()
}

/// Inputs of a request.
pub fn inputs(request: &ModelInferRequest) -> Vec<Tensor> {
    call(request, &ModelInferResponse::default())
        .inference
        .inputs
}

pub fn reason(result: Result<Call, Fault>) -> Undecodable {
    result.unwrap_err().reason
}

pub fn request(inputs: Vec<InferInputTensor>, raw: Vec<Bytes>) -> ModelInferRequest {
    ModelInferRequest {
        model_name: "m".into(),
        inputs,
        raw_input_contents: raw,
        ..ModelInferRequest::default()
    }
}

pub fn response(outputs: Vec<InferOutputTensor>, raw: Vec<Bytes>) -> ModelInferResponse {
    ModelInferResponse {
        model_name: "m".into(),
        outputs,
        raw_output_contents: raw,
        ..ModelInferResponse::default()
    }
}

pub fn input(name: &str, datatype: &str, shape: &[i64]) -> InferInputTensor {
    InferInputTensor {
        name: name.into(),
        datatype: datatype.into(),
        shape: shape.into(),
        ..InferInputTensor::default()
    }
}

pub fn output(name: &str, datatype: &str, shape: &[i64]) -> InferOutputTensor {
    InferOutputTensor {
        name: name.into(),
        datatype: datatype.into(),
        shape: shape.into(),
        ..InferOutputTensor::default()
    }
}

/// An input with typed values.
pub fn typed(datatype: &str, shape: &[i64], contents: InferTensorContents) -> InferInputTensor {
    InferInputTensor {
        contents: Some(contents),
        ..input("x", datatype, shape)
    }
}

pub fn parameter(choice: ParameterChoice) -> InferParameter {
    InferParameter {
        parameter_choice: Some(choice),
    }
}

/// Strings as they are raw: each after its length.
pub fn lengthed(elements: &[&[u8]]) -> Bytes {
    let each = elements.iter().flat_map(|element| {
        let length = u32::try_from(element.len()).unwrap().to_le_bytes();
        [&length[..], element].concat()
    });
    each.collect()
}

/// The values of a tensor of numbers.
pub fn numbers(tensor: &Tensor) -> Vec<f64> {
    let Elements::Fixed { value_type, data } = &tensor.elements else {
        panic!("no numbers: {tensor:?}");
    };
    assert_eq!(
        Some(data.len()),
        tensor.len().map(|count| count * value_type.size())
    );
    let each = data.chunks_exact(value_type.size());
    let number = |raw: &[u8]| match value_type {
        ValueType::Bool | ValueType::UInt8 => f64::from(raw[0]),
        ValueType::Float16 => half::f16::from_le_bytes(raw.try_into().unwrap()).to_f64(),
        ValueType::BFloat16 => half::bf16::from_le_bytes(raw.try_into().unwrap()).to_f64(),
        ValueType::Float32 => f64::from(f32::from_le_bytes(raw.try_into().unwrap())),
        ValueType::Float64 => f64::from_le_bytes(raw.try_into().unwrap()),
        ValueType::Int64 => i64::from_le_bytes(raw.try_into().unwrap()) as f64,
        other => panic!("{other:?}"),
    };
    each.map(number).collect()
}

/// The values of a tensor of strings.
pub fn texts(tensor: &Tensor) -> &[String] {
    match &tensor.elements {
        Elements::Text(texts) => texts,
        other => panic!("no strings: {other:?}"),
    }
}

pub const OK: Outcome = Outcome::Ok;

pub fn failed(code: &'static str) -> Outcome {
    Outcome::Failed(code)
}
