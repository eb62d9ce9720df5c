//! What real clients and servers have sent to each other.

use std::fs;
use std::path::Path;

use super::*;

const SEPAL_AND_PETAL: [f64; 8] = [5.1, 3.5, 1.4, 0.2, 7.0, 3.2, 4.7, 1.4];
const NAMES: [&str; 4] = [
    "sepal length (cm)",
    "sepal width (cm)",
    "petal length (cm)",
    "petal width (cm)",
];

/// First line, headers and body of a captured message.
fn captured(file: &str) -> (String, Message) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/captures");
    let bytes = fs::read(folder.join(file)).unwrap();
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let (first, lines) = head.split_once("\r\n").unwrap();
    let mut headers = HeaderMap::new();
    for line in lines.lines() {
        let (name, value) = line.split_once(':').unwrap();
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, value.trim().parse().unwrap());
    }
    let message = Message {
        headers: Headers::of(&headers, &[]),
        body: vec![Bytes::copy_from_slice(&bytes[end + 4..])],
    };
    (first.to_owned(), message)
}

/// A captured call, its bodies cut in pieces as they might arrive.
fn of(name: &str) -> Inference {
    let (line, mut request) = captured(&format!("http/{name}.req.http"));
    let (status, response) = captured(&format!("http/{name}.resp.http"));
    let body = request.body.remove(0);
    let cut = body.len() / 2;
    request.body = vec![body.slice(..cut), body.slice(cut..)];
    let call = call(Exchange {
        path: line.split(' ').nth(1).unwrap().to_owned(),
        request,
        status: status.split(' ').nth(1).unwrap().parse().ok(),
        response,
        ..exchange("", "", "")
    });
    call.unwrap().inference
}

/// A posted request and its response, with the path that the collector makes of their headers.
fn of_events(request: &str, response: Option<&str>, path: &str) -> Inference {
    let read = |file: &str| {
        let (_, event) = captured(&format!("cloudevents/{file}.http"));
        // Headers of the event are not those of the call.
        message(&[], event.into_body())
    };
    said(Exchange {
        path: path.to_owned(),
        request: read(request),
        status: None,
        response: response.map(read).unwrap_or_default(),
        ..exchange("", "", "")
    })
}

fn singles_of(values: &[f64]) -> Elements {
    let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    singles(&values)
}

fn columns(rows: usize) -> Vec<Tensor> {
    let column = |(column, name): (usize, &&str)| {
        let values: Vec<f64> = (0..rows)
            .map(|row| SEPAL_AND_PETAL[4 * row + column])
            .collect();
        tensor(name, &[rows], floats(&values))
    };
    NAMES.iter().enumerate().map(column).collect()
}

#[test]
fn kserve_v1() {
    let said = of("kserve_v1_instances");
    assert_eq!(
        (&said.model[..], &said.version[..], &said.id[..]),
        ("iris", "", "")
    );
    assert_eq!(said.inputs, [tensor("", &[2, 4], floats(&SEPAL_AND_PETAL))]);
    assert_eq!(
        said.outputs,
        [tensor("predictions", &[2], integers(&[0, 1]))]
    );
    assert_eq!(said.outcome, Outcome::Ok);
    assert!(!said.inputs_are_columns);
}

#[test]
fn kserve_v1_answers_with_headers_of_events() {
    let said = of("kserve_v1_cloudevent_binary_in");
    let expected = tensor("", &[1, 4], floats(&SEPAL_AND_PETAL[..4]));
    assert_eq!(said.inputs, [expected]);
    assert_eq!(said.outputs, [tensor("predictions", &[1], integers(&[0]))]);
}

#[test]
fn kserve_v2_has_explicit_nulls() {
    let said = of("kserve_v2_json");
    assert_eq!(
        (&said.model[..], &said.version[..], &said.id[..]),
        ("iris", "", "h-0001")
    );
    assert_eq!(
        said.inputs,
        [tensor("x", &[2, 4], singles_of(&SEPAL_AND_PETAL))]
    );
    let probabilities = [
        0.9816568320652066,
        0.018343153539750134,
        1.4395043299306138e-8,
        0.002118046696209837,
        0.8742287176481095,
        0.12365323565568075,
    ];
    let expected = [
        tensor("output-0", &[2], integers(&[0, 1])),
        tensor("proba", &[2, 3], floats(&probabilities)),
    ];
    assert_eq!(said.outputs, expected);
}

#[test]
fn kserve_v2_takes_binary_and_answers_json() {
    let said = of("kserve_v2_binary_ext");
    let petals = [5.1, 3.5, 1.4, 0.2, 4.9, 3.0, 1.4, 0.2];
    let Elements::Fixed { value_type, data } = &said.inputs[0].elements else {
        panic!("{:?}", said.inputs);
    };
    assert_eq!(*value_type, ValueType::Float32);
    let (raw, _) = data.as_chunks::<4>();
    let values: Vec<f32> = raw.iter().map(|raw| f32::from_le_bytes(*raw)).collect();
    assert_eq!((values[0], values.len()), (petals[0], 8));
    assert_eq!(said.outputs[0], tensor("output-0", &[2], integers(&[0, 0])));
    assert_eq!(said.outputs[1].shape, [2, 3]);
}

#[test]
fn triton_with_binary_tensors_on_both_sides() {
    let said = of("triton_v2_binary_ext");
    let named = (&said.model[..], &said.version[..], &said.id[..]);
    assert_eq!(named, ("iris_py", "1", "h-0004"));
    assert_eq!(said.inputs[0].shape, [2, 4]);
    let [probabilities, label] = &said.outputs[..] else {
        panic!("{:?}", said.outputs);
    };
    assert_eq!(
        (&probabilities.name[..], &probabilities.shape[..]),
        ("probabilities", &[2, 3][..])
    );
    let Elements::Fixed { value_type, data } = &probabilities.elements else {
        panic!("{probabilities:?}");
    };
    assert_eq!((*value_type, data.len()), (ValueType::Float32, 24));
    assert_eq!(
        f32::from_le_bytes(data[..4].try_into().unwrap()),
        0.27263632
    );
    assert_eq!(*label, tensor("label", &[2, 1], integers(&[2, 2])));
}

#[test]
fn triton_says_the_same_in_json() {
    let (json, binary) = (of("triton_v2_json"), of("triton_v2_binary_ext"));
    assert_eq!(json.inputs, binary.inputs);
    assert_eq!(json.outputs[1], binary.outputs[1]);
    assert_eq!((json.model, json.version), (binary.model, binary.version));
}

#[test]
fn mlserver_takes_nested_data() {
    let said = of("mlserver_v2_json_nested");
    assert_eq!((&said.model[..], &said.version[..]), ("iris", "v1"));
    assert_eq!(
        said.inputs,
        [tensor("x", &[2, 4], singles_of(&SEPAL_AND_PETAL))]
    );
    assert_eq!(
        said.outputs,
        [tensor("predict", &[2, 1], integers(&[0, 1]))]
    );
}

fn people(shape: &[usize], income: Elements) -> [Tensor; 5] {
    [
        tensor("age", shape, integers(&[52, 31])),
        tensor("income", shape, income),
        tensor("country", shape, texts(&["US", "北京"])),
        tensor("owner", shape, bools(&[true, false])),
        tensor("score", shape, singles(&[-1.3, 0.2])),
    ]
}

#[test]
fn mlserver_with_columns_of_a_data_frame() {
    let said = of("mlserver_v2_json_pd_ok");
    assert!(said.inputs_are_columns);
    assert_eq!(said.inputs, people(&[2], floats(&[50092.08, 1234.5])));
    assert_eq!(
        said.outputs[0],
        tensor("predict", &[2, 1], integers(&[0, 0]))
    );
    assert_eq!(
        (&said.version[..], &said.outputs[1].shape[..]),
        ("v2", &[2, 2][..])
    );
}

#[test]
fn a_null_is_kept_and_a_failure_in_plain_text_is_one() {
    let said = of("mlserver_v2_json_pd");
    let income = mixed(&[Scalar::Number(50092.08), Scalar::Null]);
    assert_eq!(said.inputs, people(&[2, 1], income));
    assert_eq!(
        (said.outcome, said.outputs.len()),
        (Outcome::Failed("500"), 0)
    );
}

#[test]
fn failures_have_inputs_and_a_code() {
    for name in [
        "kserve_v1_error",
        "mlserver_v2_json_error",
        "triton_v2_json_error",
    ] {
        let said = of(name);
        assert_eq!(
            (&said.model[..], said.outcome),
            ("nope", Outcome::Failed("404")),
            "{name}"
        );
        assert_eq!((said.inputs.len(), said.outputs.len()), (1, 0), "{name}");
    }
    let said = of("mlflow_error");
    assert_eq!(
        (&said.model[..], said.outcome),
        (UNNAMED, Outcome::Failed("400"))
    );
    assert!(said.inputs.is_empty(), "no known key: {:?}", said.inputs);
}

#[test]
fn mlflow_in_all_its_forms() {
    for (name, rows) in [
        ("mlflow_dataframe_split", 2),
        ("mlflow_dataframe_records", 1),
        ("mlflow_inputs", 1),
        ("mlflow_csv", 1),
    ] {
        let said = of(name);
        assert_eq!(said.model, UNNAMED, "{name}");
        assert_eq!(said.inputs, columns(rows), "{name}");
        assert!(said.inputs_are_columns, "{name}");
        let classes = &[0, 1][..rows];
        let expected = tensor("predictions", &[rows], integers(classes));
        assert_eq!(said.outputs, [expected], "{name}");
    }
}

#[test]
fn events_of_the_kserve_agent() {
    let v1 = of_events(
        "kserve_agent_v1_request",
        Some("kserve_agent_v1_response"),
        "/v1/models/sklearn-iris:predict",
    );
    assert_eq!(v1.model, "sklearn-iris");
    assert_eq!(v1.inputs, of("kserve_v1_instances").inputs);
    assert_eq!(v1.outputs, of("kserve_v1_instances").outputs);
    let v2 = of_events(
        "kserve_agent_v2_request",
        Some("kserve_agent_v2_response"),
        "",
    );
    let direct = of("mlserver_v2_json_pd_ok");
    assert_eq!(
        (&v2.model[..], v2.outcome),
        ("mixed", Outcome::Ok),
        "told by the response"
    );
    assert_eq!((v2.inputs, v2.outputs), (direct.inputs, direct.outputs));
    let seldon = of_events(
        "seldon_executor_request",
        Some("seldon_executor_response"),
        "/",
    );
    assert_eq!((&seldon.model[..], &seldon.id[..]), ("mixed", "h-0007"));
}

#[test]
fn events_leave_out_where_the_json_ends() {
    let direct = of("triton_v2_binary_ext");
    for file in [
        "kserve_agent_v2_binary_request_with_metadata",
        "kserve_agent_v2_binary_request_without_metadata",
    ] {
        let said = of_events(file, None, "/v2/models/iris_py/infer");
        assert_eq!(said.inputs, direct.inputs, "{file}");
        assert!(said.outputs.is_empty());
    }
}
