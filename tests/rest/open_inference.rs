//! Tensors with datatypes: KServe v2.

use half::{bf16, f16};

use super::*;

/// The elements of an input of this datatype and shape.
fn read(datatype: &str, shape: &str, data: &str) -> Elements {
    let body = format!(
        r#"{{"inputs": [{{"name": "x", "shape": {shape}, "datatype": "{datatype}", "data": {data}}}]}}"#
    );
    let found = inputs(&body).remove(0);
    assert_eq!(found.name, "x");
    found.elements
}

fn unusable(datatype: &str, shape: &str, data: &str) -> Unusable {
    match read(datatype, shape, data) {
        Elements::Unusable(why) => why,
        other => panic!("{other:?}"),
    }
}

fn packed(value_type: ValueType, data: impl AsRef<[u8]>) -> Elements {
    Elements::Fixed {
        value_type,
        data: Bytes::copy_from_slice(data.as_ref()),
    }
}

#[test]
fn datatypes_say_what_values_are() {
    use ValueType::*;
    let seven = 7_u8;
    for (datatype, expected) in [
        ("INT8", packed(Int8, [seven])),
        ("UINT8", packed(UInt8, [seven])),
        ("INT16", packed(Int16, 7_i16.to_le_bytes())),
        ("UINT16", packed(UInt16, 7_u16.to_le_bytes())),
        ("INT32", packed(Int32, 7_i32.to_le_bytes())),
        ("UINT32", packed(UInt32, 7_u32.to_le_bytes())),
        ("INT64", packed(Int64, 7_i64.to_le_bytes())),
        ("UINT64", packed(UInt64, 7_u64.to_le_bytes())),
        ("FP16", packed(Float16, f16::from_f32(7.0).to_le_bytes())),
        ("BF16", packed(BFloat16, bf16::from_f32(7.0).to_le_bytes())),
        ("FP32", packed(Float32, 7_f32.to_le_bytes())),
        ("FP64", packed(Float64, 7_f64.to_le_bytes())),
    ] {
        assert_eq!(read(datatype, "[1]", "[7]"), expected, "{datatype}");
        assert_eq!(read(datatype, "[1]", "[7.0]"), expected, "{datatype}");
    }
    assert_eq!(
        read("BOOL", "[4]", "[true, false, 1, 0]"),
        bools(&[true, false, true, false])
    );
    assert_eq!(read("BYTES", "[2]", r#"["a", ""]"#), texts(&["a", ""]));
    assert_eq!(unusable("COMPLEX", "[1]", "[7]"), Unusable::Datatype);
}

#[test]
fn integers_are_exact() {
    let largest = i64::MAX;
    let data = format!("[{largest}, {}]", largest - 1);
    assert_eq!(
        read("INT64", "[2]", &data),
        integers(&[largest, largest - 1])
    );
    let largest = packed(ValueType::UInt64, u64::MAX.to_le_bytes());
    assert_eq!(read("UINT64", "[1]", &format!("[{}]", u64::MAX)), largest);
}

#[test]
fn nan_and_infinities_of_python_stay_what_they_are() {
    let read = read("FP64", "[4]", "[NaN, Infinity, -Infinity, 1.5]");
    let Elements::Fixed { data, .. } = read else {
        panic!("{read:?}");
    };
    let (raw, _) = data.as_chunks::<8>();
    let values: Vec<f64> = raw.iter().map(|raw| f64::from_le_bytes(*raw)).collect();
    assert!(values[0].is_nan());
    assert_eq!(values[1..], [f64::INFINITY, f64::NEG_INFINITY, 1.5]);
    assert_eq!(
        read_texts(r#"["NaN", "a: NaN, Infinity"]"#),
        texts(&["NaN", "a: NaN, Infinity"])
    );
}

fn read_texts(data: &str) -> Elements {
    read("BYTES", "[2]", data)
}

#[test]
fn what_a_datatype_cannot_have_is_invalid_in_its_place() {
    let number = Scalar::Number;
    for (datatype, data, expected) in [
        ("FP32", "[1, null]", [number(1.0), Scalar::Null]),
        ("INT64", "[1.5, 2]", [Scalar::Invalid, number(2.0)]),
        ("UINT8", "[256, -0]", [Scalar::Invalid, number(0.0)]),
        (
            "INT64",
            "[9223372036854775808, 1]",
            [Scalar::Invalid, number(1.0)],
        ),
        ("BOOL", "[2, true]", [Scalar::Invalid, Scalar::Bool(true)]),
        ("FP64", r#"["1", 1]"#, [text("1"), number(1.0)]),
        ("BYTES", r#"["a", 1]"#, [text("a"), Scalar::Invalid]),
        ("BYTES", r#"["a", null]"#, [text("a"), Scalar::Null]),
        ("BYTES", r#"["a", "\ud800"]"#, [text("a"), Scalar::Invalid]),
        (
            "FP64",
            r#"[1, {"b64": "AA=="}]"#,
            [number(1.0), Scalar::Invalid],
        ),
    ] {
        assert_eq!(
            read(datatype, "[2]", data),
            mixed(&expected),
            "{datatype} {data}"
        );
    }
}

#[test]
fn a_string_longer_than_the_limit_is_invalid() {
    let long = "a".repeat(Limits::default().string_bytes);
    let found = read_texts(&format!(r#"["{long}", "b"]"#));
    assert_eq!(found, texts(&[&long, "b"]));
    let found = read_texts(&format!(r#"["{long}a", "b"]"#));
    assert_eq!(found, mixed(&[Scalar::Invalid, text("b")]));
}

#[test]
fn the_shape_must_fit() {
    let float = |shape, data| unusable("FP64", shape, data);
    assert_eq!(float("[3]", "[1, 2]"), Unusable::Length);
    assert_eq!(float("[2]", "[1, 2, 3]"), Unusable::Length);
    assert_eq!(float("[2, 2]", "[[1, 2], [3]]"), Unusable::Length);
    assert_eq!(float("[-1, 2]", "[1, 2]"), Unusable::Shape);
    assert_eq!(float("[1.5]", "[1]"), Unusable::Shape);
    assert_eq!(float("\"2\"", "[1, 2]"), Unusable::Shape);
    assert_eq!(float("[4294967296, 4294967296, 4]", "[1]"), Unusable::Shape);
    assert_eq!(float("[1152921504606846976]", "[1]"), Unusable::Length);
    assert_eq!(read("FP64", "[0, 4]", "[]"), floats(&[]));
    assert_eq!(float("[2]", "null"), Unusable::NoContents);
    assert_eq!(read("FP64", "[0]", "null"), floats(&[]));
}

#[test]
fn without_a_shape_the_arrays_have_one() {
    let body = r#"{"inputs": [{"name": "x", "datatype": "FP64", "data": [[1, 2], [3, 4]]}]}"#;
    assert_eq!(
        inputs(body),
        [tensor("x", &[2, 2], floats(&[1.0, 2.0, 3.0, 4.0]))]
    );
}

#[test]
fn keys_come_in_any_order_and_unknown_ones_do_not_matter() {
    let body = r#"{"x": [{"}": "]"}], "inputs": [{"data": [1], "parameters": null, "?": {},
        "datatype": "FP64", "na\u006de": "x", "shape": [1]}], "outputs": [{"name": "y"}]}"#;
    assert_eq!(inputs(body), [tensor("x", &[1], floats(&[1.0]))]);
}

#[test]
fn the_content_type_pd_makes_columns() {
    let body = |parameters: &str| {
        let body = format!(
            r#"{{"parameters": {parameters}, "inputs": [{{"name": "x", "shape": [1], "datatype": "FP64", "data": [1]}}]}}"#
        );
        request(&body).inputs_are_columns
    };
    assert!(body(r#"{"content_type": "pd"}"#));
    for other in [
        "null",
        "{}",
        r#"{"content_type": "np"}"#,
        r#"{"content_type": null}"#,
    ] {
        assert!(!body(other), "{other}");
    }
}

#[test]
fn values_in_shared_memory_are_not_seen() {
    let parameters = r#"{"shared_memory_region": "in", "shared_memory_byte_size": 32}"#;
    let body = format!(
        r#"{{"inputs": [{{"name": "x", "shape": [2, 4], "datatype": "FP32", "parameters": {parameters}}}]}}"#
    );
    let expected = tensor("x", &[2, 4], Elements::Unusable(Unusable::SharedMemory));
    assert_eq!(inputs(&body), [expected]);
}

/// Inputs of binary tensors, with and without the header.
fn binary(tensors: &str, raw: &[u8]) -> Vec<Tensor> {
    let json = format!("{{\"inputs\": [{tensors}]}}");
    let body = [json.as_bytes(), raw].concat();
    let decoded = |headers: &[(&'static str, &str)], body: &[u8]| {
        said(Exchange {
            request: message(headers, body),
            ..exchange("/v2/models/m/infer", "", r#"{"outputs": []}"#)
        })
        .inputs
    };
    let header = "inference-header-content-length";
    let length = json.len().to_string();
    let with = decoded(&[(header, &length)], &body);
    assert_eq!(with, decoded(&[], &body), "the end of the JSON is found");
    let padded = [json.as_bytes(), b"  ", raw].concat();
    let length = (json.len() + 2).to_string();
    assert_eq!(with, decoded(&[(header, &length)], &padded));
    with
}

#[test]
fn binary_tensors_follow_in_their_order_beside_json_ones() {
    let raw = [
        &b"\x02\0\0\0ab\0\0\0\0"[..],
        &f16::from_f32(1.5).to_le_bytes(),
        &bf16::from_f32(-2.0).to_le_bytes(),
        &[1, 0],
    ]
    .concat();
    let tensors = r#"
        {"name": "s", "shape": [2], "datatype": "BYTES", "parameters": {"binary_data_size": 10}},
        {"name": "j", "shape": [1], "datatype": "FP64", "data": [3]},
        {"name": "h", "shape": [1], "datatype": "FP16", "parameters": {"binary_data_size": 2}},
        {"name": "b", "shape": [1], "datatype": "BF16", "parameters": {"binary_data_size": 2}},
        {"name": "t", "shape": [2], "datatype": "BOOL", "parameters": {"binary_data_size": 2}}"#;
    let expected = [
        tensor("s", &[2], texts(&["ab", ""])),
        tensor("j", &[1], floats(&[3.0])),
        tensor(
            "h",
            &[1],
            packed(ValueType::Float16, f16::from_f32(1.5).to_le_bytes()),
        ),
        tensor(
            "b",
            &[1],
            packed(ValueType::BFloat16, bf16::from_f32(-2.0).to_le_bytes()),
        ),
        tensor("t", &[2], bools(&[true, false])),
    ];
    assert_eq!(binary(tensors, &raw), expected);
}

#[test]
fn bytes_that_are_missing_make_all_that_follow_unusable() {
    let one = |name: &str, bytes: i64| {
        format!(
            r#"{{"name": "{name}", "shape": [1], "datatype": "FP64", "parameters": {{"binary_data_size": {bytes}}}}}"#
        )
    };
    let length = Elements::Unusable(Unusable::Length);
    for bytes in [9, -1, i64::MAX] {
        let tensors = [one("a", 8), one("b", bytes), one("c", 0)].join(",");
        let found = binary(&tensors, &1.5_f64.to_le_bytes());
        assert_eq!(found[0].elements, floats(&[1.5]));
        assert_eq!(
            (&found[1].elements, &found[2].elements),
            (&length, &length),
            "{bytes}"
        );
    }
    let found = binary(&one("a", 4), &[0; 4]);
    assert_eq!(found[0].elements, length, "not what the shape says");
}

#[test]
fn a_json_length_beyond_the_body_is_a_fault() {
    for length in ["1000", "-1", "x"] {
        let wrong = Exchange {
            request: message(
                &[("inference-header-content-length", length)],
                "{\"inputs\": []}",
            ),
            ..exchange("/v2/models/m/infer", "", "{\"outputs\": []}")
        };
        assert_eq!(
            call(wrong).unwrap_err().reason,
            Undecodable::Format,
            "{length}"
        );
    }
}

#[test]
fn the_version_is_the_one_that_answered() {
    let infer = |path: &str, version: &str| {
        let response =
            format!(r#"{{"model_name": "other", "model_version": {version}, "outputs": []}}"#);
        let said = said(exchange(path, r#"{"id": 17, "inputs": []}"#, response));
        assert_eq!((&said.model[..], &said.id[..]), ("m", "17"));
        said.version
    };
    assert_eq!(infer("/v2/models/m/infer", "\"3\""), "3");
    assert_eq!(infer("/v2/models/m/versions/2/infer", "\"3\""), "3");
    assert_eq!(infer("/v2/models/m/versions/2/infer", "null"), "2");
    assert_eq!(infer("/v2/models/m/infer", "null"), "");
}

#[test]
fn outputs_are_read_in_the_light_of_what_was_asked_of_them() {
    let request = r#"{"inputs": [], "outputs": [
        {"name": "class", "parameters": {"classification": 2, "binary_data": false}},
        {"name": "none", "parameters": {"classification": 0}},
        {"parameters": null, "name": "plain"},
        {"name": "shared", "parameters": {"shared_memory_region": "r", "shared_memory_byte_size": 8}}
    ]}"#;
    let words = |name: &str| {
        format!(
            r#"{{"name": "{name}", "datatype": "BYTES", "shape": [1, 2], "data": ["0.9:1:cat", "0.1:0:dog"]}}"#
        )
    };
    let response = format!(
        r#"{{"outputs": [{}, {}, {}, {{"name": "shared", "datatype": "FP32", "shape": [2]}}]}}"#,
        words("class"),
        words("none"),
        words("plain")
    );
    let outputs = said(exchange("/v2/models/m/infer", request, response)).outputs;
    let as_sent = texts(&["0.9:1:cat", "0.1:0:dog"]);
    assert_eq!(outputs[0], tensor("class", &[1, 1], texts(&["cat"])));
    assert_eq!(outputs[1], tensor("none", &[1, 2], as_sent.clone()));
    assert_eq!(outputs[2], tensor("plain", &[1, 2], as_sent));
    let unseen = Elements::Unusable(Unusable::SharedMemory);
    assert_eq!(outputs[3], tensor("shared", &[2], unseen));
}
