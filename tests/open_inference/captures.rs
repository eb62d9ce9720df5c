//! Every captured call is decoded to what its client saw.

use driftgauge::batch::{Outcome, ValueType};
use driftgauge::ingest::inference::{Elements, Tensor, Unusable};

use crate::world::{SERVERS, captured, decode, numbers, texts};

/// Values of one output as the client printed them; the print may be cut off.
#[derive(Debug)]
struct Printed {
    name: String,
    values: Vec<Value>,
}

#[derive(Debug)]
enum Value {
    Number(f64),
    Text(String),
    /// Raw bytes of the whole tensor.
    Bytes(Vec<u8>),
}

const CUT: usize = 600;

/// Reads `{'name': array([[1, 2]]), …}`.
fn numpy(print: &str) -> Vec<Printed> {
    let mut outputs = Vec::new();
    for part in print.split("array(").skip(1) {
        let before = &print[..part.as_ptr() as usize - print.as_ptr() as usize];
        let name = before.rsplit('\'').nth(1).unwrap().to_owned();
        let is_cut = !part.contains(')') && print.chars().count() >= CUT;
        let end = part
            .find("dtype")
            .or_else(|| part.find(')'))
            .unwrap_or(part.len());
        let mut tokens: Vec<&str> = part[..end]
            .split(|c: char| "[], \n)".contains(c))
            .filter(|token| !token.is_empty())
            .collect();
        if is_cut {
            tokens.pop();
        }
        let values = tokens
            .into_iter()
            .map(|token| match token.strip_prefix("b'") {
                Some(text) => {
                    let bytes = unescape(text.trim_end_matches('\''));
                    Value::Text(String::from_utf8(bytes).unwrap())
                }
                None => Value::Number(token.parse().unwrap()),
            });
        outputs.push(Printed {
            name,
            values: values.collect(),
        });
    }
    outputs
}

/// Reads the text form of a `ModelInferResponse`.
fn text_form(print: &str) -> Vec<Printed> {
    let mut outputs: Vec<Printed> = Vec::new();
    let mut raw = Vec::new();
    let mut lines: Vec<&str> = print.lines().collect();
    if print.chars().count() >= CUT {
        lines.pop();
    }
    for line in lines {
        let indent = line.len() - line.trim_start().len();
        let Some((field, value)) = line.trim().split_once(": ") else {
            continue;
        };
        match (indent, field) {
            (2, "name") => outputs.push(Printed {
                name: value.trim_matches('"').into(),
                values: Vec::new(),
            }),
            (4, list) if list.ends_with("_contents") => {
                let last = outputs.last_mut().unwrap();
                last.values.push(Value::Number(value.parse().unwrap()));
            }
            (0, "raw_output_contents") => {
                let inner = value.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
                raw.push(unescape(inner));
            }
            _ => {}
        }
    }
    let untyped = outputs.iter_mut().filter(|output| output.values.is_empty());
    for (output, raw) in untyped.zip(raw) {
        output.values.push(Value::Bytes(raw));
    }
    outputs
}

/// Bytes with `\n`, `\"`, `\x41` and `\101`.
fn unescape(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, after @ ..] = rest {
        let (byte, taken) = match (first, after) {
            (b'\\', [b'x', hex @ ..]) => {
                let digits = std::str::from_utf8(&hex[..2]).unwrap();
                (u8::from_str_radix(digits, 16).unwrap(), 4)
            }
            (b'\\', [b'0'..=b'7', ..]) => {
                let digits = std::str::from_utf8(&after[..3]).unwrap();
                (u8::from_str_radix(digits, 8).unwrap(), 4)
            }
            (b'\\', [b'n', ..]) => (b'\n', 2),
            (b'\\', [b'r', ..]) => (b'\r', 2),
            (b'\\', [b't', ..]) => (b'\t', 2),
            (b'\\', [other, ..]) => (*other, 2),
            _ => (*first, 1),
        };
        bytes.push(byte);
        rest = &rest[taken..];
    }
    bytes
}

/// Compares an output with its print, and says how many values were compared.
fn compare(output: &Tensor, printed: &Printed) -> usize {
    match &printed.values[..] {
        [Value::Bytes(bytes)] => {
            match &output.elements {
                Elements::Fixed { data, .. } => assert_eq!(data[..], bytes[..]),
                Elements::Text(texts) => {
                    let raw: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
                    assert_eq!(crate::world::lengthed(&raw)[..], bytes[..]);
                }
                Elements::Unusable(Unusable::SharedMemory) => assert!(bytes.is_empty()),
                other => panic!("{other:?}"),
            }
            bytes.len()
        }
        values => {
            let is_half = matches!(
                output.elements,
                Elements::Fixed {
                    value_type: ValueType::Float16,
                    ..
                }
            );
            for (at, value) in values.iter().enumerate() {
                match value {
                    Value::Text(text) => assert_eq!(texts(output)[at], *text),
                    Value::Number(number) => {
                        let own = numbers(output)[at];
                        // As many digits as the client prints.
                        let digits = if is_half { 1e-3 } else { 1e-6 };
                        let tolerance = digits * number.abs().max(1e-2);
                        assert!((own - number).abs() <= tolerance, "{own} is not {number}");
                    }
                    Value::Bytes(_) => unreachable!("alone"),
                }
            }
            values.len()
        }
    }
}

#[test]
fn a_captured_call_is_decoded_to_what_its_client_saw() {
    let (mut calls, mut values) = (0, 0);
    for server in SERVERS {
        for call in captured(server) {
            if call.path.ends_with("ModelStreamInfer") {
                continue;
            }
            let (name, print) = (call.name.clone(), call.client_result.clone());
            let code = call.response_headers.get("grpc-status").unwrap().to_owned();
            let decoded =
                decode(call.exchange()).unwrap_or_else(|fault| panic!("{name}: {fault:?}"));
            calls += 1;
            let inference = decoded.inference;
            assert_eq!(inference.outcome == Outcome::Ok, code == "0", "{name}");
            assert!(!inference.inputs.is_empty(), "{name}");
            assert_eq!(inference.outputs.is_empty(), code != "0", "{name}");
            let printed = if print.starts_with('{') {
                numpy(&print)
            } else if code == "0" {
                text_form(&print)
            } else {
                Vec::new()
            };
            for printed in printed.iter().filter(|printed| !printed.values.is_empty()) {
                let output = inference
                    .outputs
                    .iter()
                    .find(|output| output.name == printed.name);
                let output = output.unwrap_or_else(|| panic!("{name} has no {}", printed.name));
                values += compare(output, printed);
            }
        }
    }
    assert_eq!(calls, 45, "calls of one request that were captured");
    assert!(values > 400, "{values} values were compared");
}

#[test]
fn the_same_rows_are_the_same_typed_raw_and_compressed() {
    let inputs = |name| {
        let call = crate::world::capture("mlserver", name);
        let inputs = decode(call.exchange()).unwrap().inference.inputs;
        (inputs[0].shape.clone(), inputs[0].elements.clone())
    };
    let rows = inputs("iris_fp32_raw_b32");
    assert_eq!(rows.0, [32, 4]);
    assert_eq!(rows, inputs("iris_gzip_request"));
    assert_eq!(rows, inputs("iris_typed_fp32_b32_proba"));
}
