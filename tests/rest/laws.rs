//! Laws that hold for any bytes and any values.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Decodes a request and a response whatever they are; what comes out is consistent.
fn check(path: &str, headers: &[(&'static str, &str)], request: &[u8], response: &[u8]) {
    let seen = Exchange {
        request: message(headers, request),
        response: message(headers, response),
        ..exchange(path, "", "")
    };
    let Ok(call) = call(seen) else {
        return;
    };
    assert!(!call.inference.model.is_empty());
    for tensor in call.inference.inputs.iter().chain(&call.inference.outputs) {
        let found = match &tensor.elements {
            Elements::Fixed { value_type, data } => data.len() / value_type.size(),
            Elements::Text(texts) => texts.len(),
            Elements::Mixed(scalars) => scalars.len(),
            Elements::Unusable(_) => continue,
        };
        assert_eq!(tensor.len(), Some(found), "{tensor:?}");
    }
}

/// Pieces of bodies, valid and not, in which mistakes are likely to lie.
fn piece() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\"a\"",
        "\"b64\"",
        "null",
        "true",
        "1",
        "-2.5",
        "1e400",
        "NaN",
        "-Infinity",
        "\"inputs\":",
        "\"outputs\":",
        "\"instances\":",
        "\"data\":",
        "\"shape\":",
        "\"datatype\":",
        "\"FP64\"",
        "\"BYTES\"",
        "\"INT64\"",
        "\"name\":",
        "\"parameters\":",
        "\"binary_data_size\":",
        "\"predictions\":",
        "\"dataframe_split\":",
        "\"columns\":",
        "\"dataframe_records\":",
        "\"ndarray\":",
        "\"names\":",
        "\"tensor\":",
        "\"values\":",
        "\"tftensor\":",
        "\"tensorShape\":",
        "\"dim\":",
        "\"size\":",
        "\"floatVal\":",
        "\"meta\":",
        "\"strData\":",
        " ",
        "\n",
        "\u{1f}",
        "é",
        "\\ud800",
    ];
    proptest::sample::select(WORDS).prop_map(str::to_owned)
}

fn bodies() -> Vec<Vec<u8>> {
    let tensor = r#"{"inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":[[1,2],[3.5,null]]},
        {"name":"s","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":9}}]}"#;
    let binary = [tensor.as_bytes(), b"\x01\0\0\0a\0\0\0\0"].concat();
    let others = [
        r#"{"instances":[{"a":1,"b":[1,2]},{"b":[3,4],"a":null}]}"#,
        r#"{"instances":[[1,2],["x",true]]}"#,
        r#"{"dataframe_split":{"columns":["a","b"],"data":[[1,"x"],[2.5,null]]}}"#,
        r#"{"inputs":{"a":[1,2],"b":["x","y"]}}"#,
        r#"{"meta":{"puid":"1"},"data":{"names":["a","b"],"tensor":{"shape":[1,2],"values":[1,2]}}}"#,
        r#"{"data":{"names":["a"],"tftensor":{"tensorShape":{"dim":[{"size":"1"},{"size":1}]},"floatVal":[1]}}}"#,
        r#"{"outputs":[{"name":"y","shape":[1],"datatype":"INT64","data":[1]}],"model_version":null}"#,
        r#"{"predictions":[{"a":1},{"a":2}]}"#,
        "a,b\n1,x\n2,\n",
    ];
    let mut bodies: Vec<Vec<u8>> = others.map(|body| body.as_bytes().to_vec()).into();
    bodies.push(binary);
    bodies
}

fn floats_of(elements: &Elements) -> Vec<f64> {
    let Elements::Fixed {
        value_type: ValueType::Float64,
        data,
    } = elements
    else {
        panic!("{elements:?}");
    };
    let (raw, _) = data.as_chunks::<8>();
    raw.iter().map(|raw| f64::from_le_bytes(*raw)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_are_decoded_or_refused(
        path in "(/v[12]/models/)?[a-z%/:]{0,12}(/infer|:predict|/invocations)?",
        request in prop::collection::vec(any::<u8>(), 0..64),
        encoding in prop::sample::select(&["", "gzip", "deflate"][..]),
        length in "[0-9]{1,2}",
    ) {
        let headers = [("content-encoding", encoding), ("inference-header-content-length", &length)];
        check(&path, &headers[..1], &request, &request);
        check(&path, &headers, &request, &request);
        check(&path, &[("content-type", "text/csv")], &request, b"{\"predictions\":[1]}");
    }

    #[test]
    fn anything_like_a_body_is_decoded_or_refused(
        pieces in prop::collection::vec(piece(), 0..40),
    ) {
        let body = pieces.concat();
        check("/v2/models/m/infer", &[], body.as_bytes(), b"{\"predictions\":[1]}");
        check("/invocations", &[], b"{\"instances\":[1]}", body.as_bytes());
    }

    #[test]
    fn damaged_bodies_are_decoded_or_refused(
        body in prop::sample::select(bodies()),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..4),
    ) {
        let mut body = body;
        for (at, byte, how) in damage {
            let at = at.index(body.len().max(1)).min(body.len());
            match how {
                0 => body.insert(at, byte),
                1 if at < body.len() => body[at] = byte,
                _ => body.truncate(at),
            }
        }
        for headers in [&[][..], &[("content-type", "text/csv")]] {
            check("/v2/models/m/infer", headers, &body, b"{\"predictions\":[1]}");
        }
        check("/v2/models/m/infer", &[], b"{\"instances\":[1]}", &body);
    }

    #[test]
    fn nested_values_are_the_flat_ones(
        rows in prop::collection::vec(prop::collection::vec(-1e9..1e9_f64, 3), 1..6),
    ) {
        let flat = rows.concat();
        let read = |data: Value| {
            let body = json!({"inputs": [
                {"name": "x", "shape": [rows.len(), 3], "datatype": "FP64", "data": data}
            ]});
            inputs(&body.to_string()).remove(0)
        };
        let nested = read(json!(rows));
        prop_assert_eq!(&nested, &read(json!(flat)));
        prop_assert_eq!(floats_of(&nested.elements), flat);
    }

    #[test]
    fn floats_are_read_to_their_last_bit(values in prop::collection::vec(any::<f64>(), 1..20)) {
        let written: Vec<String> = values.iter().map(|value| match value {
            value if value.is_nan() => "NaN".to_owned(),
            value if value.is_infinite() && *value < 0.0 => "-Infinity".to_owned(),
            value if value.is_infinite() => "Infinity".to_owned(),
            value => format!("{value:e}"),
        }).collect();
        let found = inputs(&format!("{{\"instances\": [{}]}}", written.join(", ")));
        let found = floats_of(&found[0].elements);
        prop_assert_eq!(found.len(), values.len());
        for (found, value) in found.iter().zip(&values) {
            prop_assert!(found == value || found.is_nan() && value.is_nan());
        }
    }

    #[test]
    fn one_table_is_the_same_in_every_form(
        rows in prop::collection::vec((-1e6..1e6_f64, any::<Option<i32>>(), "[b-z äß]{1,8}"), 1..8),
    ) {
        let rows: Vec<Value> = rows
            .iter()
            .map(|(float, number, text)| json!([float, number, format!("t{text}")]))
            .collect();
        let names = ["a", "b", "ä"];
        let record = |row: &Value| {
            let cells = names.iter().zip(row.as_array().unwrap());
            cells.map(|(name, cell)| (name.to_string(), cell.clone())).collect()
        };
        let records: Vec<Value> = rows.iter().map(record).collect();
        let column = |at: usize| -> Vec<&Value> { rows.iter().map(|row| &row[at]).collect() };
        let columns = json!({"a": column(0), "b": column(1), "ä": column(2)});
        let split = json!({"columns": names, "data": rows});
        let said = [
            json!({"dataframe_records": records}),
            json!({"instances": records}),
            json!({"inputs": columns}),
            json!({"data": {"names": names, "ndarray": rows}}),
            json!({"dataframe_split": split}),
        ]
        .map(|body| request(&body.to_string()));
        for other in &said[1..] {
            prop_assert_eq!(&other.inputs, &said[0].inputs);
            prop_assert!(other.inputs_are_columns);
        }
    }
}
