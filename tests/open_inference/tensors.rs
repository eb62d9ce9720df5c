//! Values of each datatype, and what is not accepted as values.

use bytes::Bytes;
use driftgauge::batch::{Scalar, ValueType};
use driftgauge::ingest::inference::{Elements, Unusable};
use driftgauge::ingest::{Limits, open_inference};
use driftgauge::proto::inference::infer_parameter::ParameterChoice;
use driftgauge::proto::inference::model_infer_request::InferInputTensor;
use driftgauge::proto::inference::{InferTensorContents, ModelInferRequest, ModelInferResponse};
use prost::Message;

use crate::world::{call, exchange, input, inputs, lengthed, numbers, parameter, request, typed};

type Contents = InferTensorContents;

/// What a typed input is decoded to.
fn elements(datatype: &str, shape: &[i64], contents: Contents) -> Elements {
    let tensor = typed(datatype, shape, contents);
    inputs(&request(vec![tensor], vec![])).remove(0).elements
}

/// What a raw input is decoded to.
fn raw(datatype: &str, shape: &[i64], data: impl Into<Bytes>) -> Elements {
    let tensor = input("x", datatype, shape);
    inputs(&request(vec![tensor], vec![data.into()]))
        .remove(0)
        .elements
}

fn fixed(value_type: ValueType, data: &[u8]) -> Elements {
    Elements::Fixed {
        value_type,
        data: Bytes::copy_from_slice(data),
    }
}

fn ints(values: &[i32]) -> Contents {
    Contents {
        int_contents: values.into(),
        ..Contents::default()
    }
}

fn uints(values: &[u32]) -> Contents {
    Contents {
        uint_contents: values.into(),
        ..Contents::default()
    }
}

fn bytes(values: &[&[u8]]) -> Contents {
    Contents {
        bytes_contents: values
            .iter()
            .map(|value| Bytes::copy_from_slice(value))
            .collect(),
        ..Contents::default()
    }
}

#[test]
fn typed_values_of_every_datatype_are_what_they_would_be_raw() {
    let bools = Contents {
        bool_contents: vec![true, false],
        ..Contents::default()
    };
    let longs = Contents {
        int64_contents: vec![i64::MIN],
        ..Contents::default()
    };
    let ulongs = Contents {
        uint64_contents: vec![u64::MAX],
        ..Contents::default()
    };
    let floats = Contents {
        fp32_contents: vec![1.5, f32::NAN],
        ..Contents::default()
    };
    let doubles = Contents {
        fp64_contents: vec![1e-310, f64::NEG_INFINITY],
        ..Contents::default()
    };
    let two_floats = [1.5_f32.to_le_bytes(), f32::NAN.to_le_bytes()].concat();
    let two_doubles = [1e-310_f64.to_le_bytes(), f64::NEG_INFINITY.to_le_bytes()].concat();
    for (datatype, contents, value_type, data) in [
        ("BOOL", bools, ValueType::Bool, vec![1, 0]),
        (
            "INT8",
            ints(&[-128, 127]),
            ValueType::Int8,
            vec![0x80, 0x7f],
        ),
        ("INT16", ints(&[-2]), ValueType::Int16, vec![0xfe, 0xff]),
        (
            "INT32",
            ints(&[-2]),
            ValueType::Int32,
            vec![0xfe, 0xff, 0xff, 0xff],
        ),
        (
            "INT64",
            longs,
            ValueType::Int64,
            i64::MIN.to_le_bytes().into(),
        ),
        ("UINT8", uints(&[255]), ValueType::UInt8, vec![255]),
        ("UINT16", uints(&[65_535]), ValueType::UInt16, vec![255; 2]),
        (
            "UINT32",
            uints(&[u32::MAX]),
            ValueType::UInt32,
            vec![255; 4],
        ),
        ("UINT64", ulongs, ValueType::UInt64, vec![255; 8]),
        ("FP32", floats, ValueType::Float32, two_floats),
        ("FP64", doubles, ValueType::Float64, two_doubles),
    ] {
        let count = i64::try_from(data.len() / value_type.size()).unwrap();
        let expected = fixed(value_type, &data);
        assert_eq!(
            elements(datatype, &[count], contents),
            expected,
            "{datatype}"
        );
        assert_eq!(raw(datatype, &[count], data), expected, "{datatype}");
    }
    for (datatype, value_type) in [("FP16", ValueType::Float16), ("BF16", ValueType::BFloat16)] {
        assert_eq!(raw(datatype, &[1], vec![1, 2]), fixed(value_type, &[1, 2]));
    }
}

#[test]
fn a_value_that_its_datatype_cannot_have_makes_a_tensor_unusable() {
    let datatype = Elements::Unusable(Unusable::Datatype);
    for (name, contents) in [
        ("INT8", ints(&[1, 128])),
        ("INT8", ints(&[1, -129])),
        ("INT16", ints(&[1, 32_768])),
        ("UINT8", uints(&[1, 256])),
        ("UINT16", uints(&[1, 65_536])),
        // In the list of another datatype.
        ("INT64", ints(&[1, 2])),
        ("FP32", ints(&[1, 2])),
        // There is no list for half floats.
        ("FP16", ints(&[1, 2])),
        ("BF16", uints(&[1, 2])),
        ("float32", ints(&[1, 2])),
        ("", ints(&[1, 2])),
    ] {
        assert_eq!(elements(name, &[2], contents), datatype, "{name}");
    }
    assert_eq!(raw("FP8", &[1], vec![0]), datatype);
    let two_lists = Contents {
        int_contents: vec![1],
        ..uints(&[1])
    };
    assert_eq!(elements("INT32", &[1], two_lists), datatype);
}

#[test]
fn there_are_as_many_values_as_the_shape_says_or_none() {
    let length = Elements::Unusable(Unusable::Length);
    for bytes in [0, 1, 4, 7, 9, 12] {
        assert_eq!(raw("FP32", &[1, 2], vec![0; bytes]), length, "{bytes}");
    }
    assert_eq!(elements("INT32", &[3], ints(&[1, 2])), length);
    assert_eq!(elements("INT32", &[1], ints(&[1, 2])), length);
    assert_eq!(
        raw("FP32", &[], vec![0; 4]),
        fixed(ValueType::Float32, &[0; 4])
    );
    assert_eq!(raw("FP32", &[0, 4], vec![]), fixed(ValueType::Float32, &[]));
    assert_eq!(
        elements("FP32", &[0], Contents::default()),
        fixed(ValueType::Float32, &[])
    );
    let none = inputs(&request(vec![input("x", "FP32", &[1])], vec![])).remove(0);
    assert_eq!(none.elements, Elements::Unusable(Unusable::NoContents));
}

#[test]
fn a_shape_that_cannot_be_allocates_nothing() {
    for shape in [
        &[1 << 40][..],
        &[1 << 40, 1 << 20],
        &[i64::MAX, 2],
        &[1 << 32, 1 << 32, 1 << 32],
        &[-1, 4],
        &[i64::MIN],
    ] {
        for datatype in ["FP64", "BYTES"] {
            for data in [0, 8, 64] {
                let found = raw(datatype, shape, vec![0; data]);
                let is_refused = matches!(
                    found,
                    Elements::Unusable(Unusable::Shape | Unusable::Length)
                );
                assert!(is_refused, "{shape:?}: {found:?}");
            }
        }
    }
    let overflow = raw("FP32", &[1 << 32, 1 << 32], vec![]);
    assert_eq!(overflow, Elements::Unusable(Unusable::Shape));
    assert_eq!(
        raw("FP32", &[-1], vec![]),
        Elements::Unusable(Unusable::Shape)
    );
}

#[test]
fn strings_are_read_as_their_lengths_say_and_never_beyond() {
    let strings: [&[u8]; 3] = [b"DE", b"", "北京".as_bytes()];
    let texts = Elements::Text(vec!["DE".into(), String::new(), "北京".into()]);
    assert_eq!(raw("BYTES", &[3], lengthed(&strings)), texts);
    assert_eq!(elements("BYTES", &[3, 1], bytes(&strings)), texts);
    let whole = lengthed(&strings);
    assert_eq!(
        raw("BYTES", &[2], whole.clone()),
        Elements::Unusable(Unusable::Length)
    );
    assert_eq!(
        raw("BYTES", &[4], whole.clone()),
        Elements::Unusable(Unusable::Length)
    );
    for end in [1, 3, 5, 8, whole.len() - 1] {
        let cut = raw("BYTES", &[3], whole.slice(..end));
        assert_eq!(cut, Elements::Unusable(Unusable::Text), "{end}");
    }
    let beyond = raw("BYTES", &[1], u32::MAX.to_le_bytes().to_vec());
    assert_eq!(beyond, Elements::Unusable(Unusable::Text));
}

#[test]
fn an_element_that_is_no_string_is_invalid_alone() {
    let long = vec![b'a'; Limits::default().string_bytes + 1];
    let strings: [&[u8]; 4] = [b"a", b"\xff\xfe", &long, b"b"];
    let mixed = Elements::Mixed(vec![
        Scalar::Text("a".into()),
        Scalar::Invalid,
        Scalar::Invalid,
        Scalar::Text("b".into()),
    ]);
    assert_eq!(raw("BYTES", &[4], lengthed(&strings)), mixed);
    assert_eq!(elements("BYTES", &[4], bytes(&strings)), mixed);
    let longest = "a".repeat(Limits::default().string_bytes);
    let fits = raw("BYTES", &[1], lengthed(&[longest.as_bytes()]));
    assert_eq!(fits, Elements::Text(vec![longest]));
}

#[test]
fn strings_that_would_take_too_much_memory_are_left_where_they_are() {
    // Four bytes on the wire, 24 in memory.
    let empty = vec![0; 4 * 400_000];
    let found = raw("BYTES", &[400_000], empty);
    assert_eq!(found, Elements::Unusable(Unusable::TooLarge));
    assert!(matches!(
        raw("BYTES", &[300_000], vec![0; 1_200_000]),
        Elements::Text(_)
    ));
}

#[test]
fn raw_values_stay_where_they_are() {
    let values: Vec<u8> = (0..32_u8)
        .flat_map(|value| f32::from(value).to_le_bytes())
        .collect();
    let request = request(vec![input("x", "FP32", &[1, 32])], vec![values.into()]);
    let exchange = exchange(&request.encode_to_vec(), Some(&[]));
    let body = exchange.request.body[0].clone();
    let call = open_inference::decode(exchange, "", &Limits::default()).unwrap();
    let Elements::Fixed { data, .. } = &call.inference.inputs[0].elements else {
        panic!("{call:?}");
    };
    assert!(body.as_ptr_range().contains(&data.as_ptr()));
    assert_eq!(numbers(&call.inference.inputs[0])[31], 31.0);
}

#[test]
fn a_data_frame_is_known_by_its_codec() {
    let with = |codec: &str| {
        let choice = ParameterChoice::StringParam(codec.into());
        ModelInferRequest {
            parameters: [("content_type".into(), parameter(choice))].into(),
            ..request(vec![InferInputTensor::default()], vec![])
        }
    };
    let of = |request| call(&request, &ModelInferResponse::default()).inference;
    assert!(of(with("pd")).inputs_are_columns);
    assert!(!of(with("np")).inputs_are_columns);
    assert!(!of(request(vec![], vec![])).inputs_are_columns);
}
