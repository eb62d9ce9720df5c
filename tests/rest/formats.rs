//! Values without datatypes: KServe v1, TensorFlow Serving, MLflow, Seldon v1.

use super::*;

fn unusable(body: &str) -> Unusable {
    match inputs(body).remove(0).elements {
        Elements::Unusable(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn instances_are_a_tensor_of_the_shape_that_they_have() {
    let of = |instances: &str| inputs(&format!("{{\"instances\": {instances}}}")).remove(0);
    assert_eq!(of("[1, 2.5]"), tensor("", &[2], floats(&[1.0, 2.5])));
    assert_eq!(of("[[1], [2]]"), tensor("", &[2, 1], floats(&[1.0, 2.0])));
    assert_eq!(
        of("[[[1, 2]]]"),
        tensor("", &[1, 1, 2], floats(&[1.0, 2.0]))
    );
    assert_eq!(of("[true, false]"), tensor("", &[2], bools(&[true, false])));
    assert_eq!(of("[\"a\", \"b\"]"), tensor("", &[2], texts(&["a", "b"])));
    assert_eq!(of("[]"), tensor("", &[0], floats(&[])));
    assert_eq!(of("5"), tensor("", &[1], floats(&[5.0])));
    let row = [
        Scalar::Number(1.0),
        text("a"),
        Scalar::Null,
        Scalar::Bool(true),
    ];
    assert_eq!(
        of("[[1, \"a\", null, true]]"),
        tensor("", &[1, 4], mixed(&row))
    );
}

#[test]
fn numbers_beyond_integers_are_floats() {
    let huge = inputs("{\"instances\": [1, 123456789012345678901234567890]}");
    assert_eq!(
        huge,
        [tensor("", &[2], floats(&[1.0, 1.2345678901234568e29]))]
    );
}

#[test]
fn ragged_instances_have_no_shape() {
    for instances in ["[[1], [2, 3]]", "[1, [2]]", "[[1], 2]"] {
        let body = format!("{{\"instances\": {instances}}}");
        assert_eq!(unusable(&body), Unusable::Shape, "{instances}");
    }
}

#[test]
fn records_are_columns() {
    let body = r#"{"instances": [{"age": 52, "name": "a"}, {"name": "b", "age": 31}]}"#;
    let said = request(body);
    let expected = [
        tensor("age", &[2], floats(&[52.0, 31.0])),
        tensor("name", &[2], texts(&["a", "b"])),
    ];
    assert_eq!(said.inputs, expected);
    assert!(said.inputs_are_columns);
}

#[test]
fn what_a_record_lacks_is_null() {
    let body = r#"{"instances": [{"a": 1}, {"b": "x"}, null, {"a": null, "b": "y"}, {"a": 2}]}"#;
    let (number, null) = (Scalar::Number, Scalar::Null);
    let a = [
        number(1.0),
        null.clone(),
        null.clone(),
        null.clone(),
        number(2.0),
    ];
    let b = [
        null.clone(),
        text("x"),
        null.clone(),
        text("y"),
        null.clone(),
    ];
    let expected = [tensor("a", &[5], mixed(&a)), tensor("b", &[5], mixed(&b))];
    assert_eq!(inputs(body), expected);
    let body = r#"{"instances": [{"a": null}, {"a": null}]}"#;
    assert_eq!(
        inputs(body),
        [tensor("a", &[2], mixed(&[null.clone(), null]))]
    );
}

#[test]
fn of_a_key_that_comes_twice_the_last_counts() {
    let body = r#"{"instances": [{"a": 1, "a": 2}, {"a": 3, "b": 4, "a": null}, {"a": 5}]}"#;
    let (number, null) = (Scalar::Number, Scalar::Null);
    let expected = [
        tensor("a", &[3], mixed(&[number(2.0), null.clone(), number(5.0)])),
        tensor("b", &[3], mixed(&[null.clone(), number(4.0), null])),
    ];
    assert_eq!(inputs(body), expected);
}

#[test]
fn cells_may_be_arrays_of_one_shape() {
    let body = r#"{"instances": [{"x": [1, 2], "n": 1}, {"x": [3, 4], "n": 2}]}"#;
    let said = request(body);
    let expected = [
        tensor("x", &[2, 2], floats(&[1.0, 2.0, 3.0, 4.0])),
        tensor("n", &[2], floats(&[1.0, 2.0])),
    ];
    assert_eq!(said.inputs, expected);
    assert!(!said.inputs_are_columns, "x is a tensor");
    let body = r#"{"instances": [{"n": 1}, {"x": [3, 4]}]}"#;
    let (number, null) = (Scalar::Number, Scalar::Null);
    let x = [null.clone(), null, number(3.0), number(4.0)];
    assert_eq!(inputs(body)[1], tensor("x", &[2, 2], mixed(&x)));
    for cells in [
        r#"[1, 2]}, {"x": [3]"#,
        r#"1}, {"x": [3]"#,
        r#"[[1], 2]}, {"x": [3]"#,
    ] {
        let body = format!(r#"{{"instances": [{{"x": {cells}}}, {{"x": null}}]}}"#);
        let expected = Elements::Unusable(Unusable::Shape);
        assert_eq!(inputs(&body)[0].elements, expected, "{cells}");
    }
}

#[test]
fn encoded_bytes_are_no_values() {
    let encoded = mixed(&[Scalar::Invalid, Scalar::Invalid]);
    let body = r#"{"instances": [{"b64": "AAAA"}, {"b64": "BBBB"}]}"#;
    assert_eq!(inputs(body), [tensor("", &[2], encoded.clone())]);
    let body = r#"{"instances": [{"image": {"b64": "AA"}}, {"image": {"b64": "BB"}}]}"#;
    assert_eq!(inputs(body), [tensor("image", &[2], encoded)]);
    let body = r#"{"inputs": {"b64": "AAAA"}}"#;
    assert_eq!(inputs(body), [tensor("", &[1], mixed(&[Scalar::Invalid]))]);
}

#[test]
fn tensorflow_takes_columns_too() {
    let body = r#"{"signature_name": "serving_default", "inputs": {"a": [1, 2], "b": [[3], [4]]}}"#;
    let said = request(body);
    let expected = [
        tensor("a", &[2], floats(&[1.0, 2.0])),
        tensor("b", &[2, 1], floats(&[3.0, 4.0])),
    ];
    assert_eq!(said.inputs, expected);
    assert!(said.inputs_are_columns);
    let said = request(r#"{"inputs": {"x": [[1, 2], [3, 4]]}}"#);
    assert_eq!(
        said.inputs,
        [tensor("x", &[2, 2], floats(&[1.0, 2.0, 3.0, 4.0]))]
    );
    assert!(!said.inputs_are_columns);
    assert_eq!(
        inputs(r#"{"inputs": [[1, 2]]}"#),
        [tensor("", &[1, 2], floats(&[1.0, 2.0]))]
    );
}

#[test]
fn predictions_tell_labels_from_measures() {
    let of = |predictions: &str| outputs(&format!("{{\"predictions\": {predictions}}}")).remove(0);
    assert_eq!(of("[0, 1]"), tensor("predictions", &[2], integers(&[0, 1])));
    assert_eq!(
        of("[0.0, 1]"),
        tensor("predictions", &[2], floats(&[0.0, 1.0]))
    );
    assert_eq!(of("[1e3]"), tensor("predictions", &[1], floats(&[1000.0])));
    assert_eq!(of("[\"a\"]"), tensor("predictions", &[1], texts(&["a"])));
    let scores = floats(&[0.9, 0.1, 0.2, 0.8]);
    assert_eq!(
        of("[[0.9, 0.1], [0.2, 0.8]]"),
        tensor("predictions", &[2, 2], scores)
    );
    assert_eq!(of("7"), tensor("predictions", &[1], integers(&[7])));
}

#[test]
fn predictions_may_have_names() {
    let body =
        r#"{"predictions": [{"label": 1, "scores": [0.2, 0.8]}, {"label": 0, "scores": [1, 0]}]}"#;
    let expected = [
        tensor("label", &[2], integers(&[1, 0])),
        tensor("scores", &[2, 2], floats(&[0.2, 0.8, 1.0, 0.0])),
    ];
    assert_eq!(outputs(body), expected);
    let body = r#"{"outputs": {"label": [1, 0], "score": [0.5, 0.25]}}"#;
    let expected = [
        tensor("label", &[2], integers(&[1, 0])),
        tensor("score", &[2], floats(&[0.5, 0.25])),
    ];
    assert_eq!(outputs(body), expected);
    assert_eq!(
        outputs(r#"{"outputs": [[0.5]]}"#),
        [tensor("predictions", &[1, 1], floats(&[0.5]))]
    );
    assert_eq!(
        outputs("[3]"),
        [tensor("predictions", &[1], integers(&[3]))],
        "old MLflow"
    );
}

#[test]
fn data_frames_are_split_by_column() {
    let body = r#"{"dataframe_split": {"index": [7, 8], "data": [[1, "a", null], [2, "b", true]],
        "columns": ["x", 1, "\u00e4"]}, "params": {"t": 1}}"#;
    let said = request(body);
    let expected = [
        tensor("x", &[2], floats(&[1.0, 2.0])),
        tensor("1", &[2], texts(&["a", "b"])),
        tensor("ä", &[2], mixed(&[Scalar::Null, Scalar::Bool(true)])),
    ];
    assert_eq!(said.inputs, expected);
    assert!(said.inputs_are_columns);
    let old = request(r#"{"columns": ["x"], "data": [[1]]}"#);
    assert_eq!(old.inputs, [tensor("x", &[1], floats(&[1.0]))]);
    let unnamed = request(r#"{"dataframe_split": {"data": [[1, 2]]}}"#);
    assert_eq!(unnamed.inputs, [tensor("", &[1, 2], floats(&[1.0, 2.0]))]);
}

#[test]
fn rows_of_a_data_frame_have_as_many_cells_as_there_are_columns() {
    for rows in ["[[1, 2], [3]]", "[[1, 2, 3]]", "[1, 2]"] {
        let body = format!(r#"{{"dataframe_split": {{"columns": ["a", "b"], "data": {rows}}}}}"#);
        assert_eq!(unusable(&body), Unusable::Length, "{rows}");
    }
    assert_eq!(
        unusable(r#"{"dataframe_split": {"columns": ["a"]}}"#),
        Unusable::NoContents
    );
}

fn csv(body: &str) -> Result<Inference, Fault> {
    let headers = [("content-type", "text/csv; charset=utf-8")];
    let call = call(Exchange {
        request: message(&headers, body),
        ..exchange("/invocations", "", "{\"predictions\": [1]}")
    });
    call.map(|call| call.inference)
}

#[test]
fn tables_are_read_as_pandas_reads_them() {
    let body = "n,\"a, b\",t,m,w,e\r\n1, x ,True,1,1,\r\n-2.5,\"y\"\"\",false,,x,NA\r\n+.5,NaN,TRUE,3,2\r\n";
    let said = csv(body).unwrap();
    let (number, null) = (Scalar::Number, Scalar::Null);
    let expected = [
        tensor("n", &[3], floats(&[1.0, -2.5, 0.5])),
        tensor(
            "a, b",
            &[3],
            mixed(&[text(" x "), text("y\""), null.clone()]),
        ),
        tensor("t", &[3], bools(&[true, false, true])),
        tensor("m", &[3], mixed(&[number(1.0), null.clone(), number(3.0)])),
        tensor("w", &[3], texts(&["1", "x", "2"])),
        tensor("e", &[3], mixed(&[null.clone(), null.clone(), null])),
    ];
    assert_eq!(said.inputs, expected);
    assert!(said.inputs_are_columns);
    assert_eq!(csv("a,b\n").unwrap().inputs[1].shape, [0]);
    for wrong in ["", "a,b\n1,2,3\n"] {
        assert_eq!(
            csv(wrong).unwrap_err().reason,
            Undecodable::Format,
            "{wrong:?}"
        );
    }
}

fn seldon(request: &str, response: &str) -> Inference {
    said(exchange(
        "/seldon/ns/d/api/v1.0/predictions",
        request,
        response,
    ))
}

#[test]
fn seldon_names_columns_of_requests_and_classes_of_responses() {
    let request =
        r#"{"meta": {"tags": {}}, "data": {"names": ["a", "b"], "ndarray": [[1, "x"], [2, "y"]]}}"#;
    let response = r#"{"meta": {"puid": "p-1", "requestPath": {"m": "image"}},
        "data": {"names": ["t:0", "t:1"], "tensor": {"shape": [2, 2], "values": [0.9, 0.1, 0.2, 0.8]}}}"#;
    let said = seldon(request, response);
    assert_eq!((&said.model[..], &said.id[..]), (UNNAMED, "p-1"));
    let expected = [
        tensor("a", &[2], floats(&[1.0, 2.0])),
        tensor("b", &[2], texts(&["x", "y"])),
    ];
    assert_eq!(said.inputs, expected);
    assert!(said.inputs_are_columns);
    let scores = floats(&[0.9, 0.1, 0.2, 0.8]);
    assert_eq!(said.outputs, [tensor("predictions", &[2, 2], scores)]);
}

#[test]
fn seldon_has_three_kinds_of_arrays() {
    let response = r#"{"data": {"ndarray": [1]}}"#;
    let read = |data: &str| seldon(&format!("{{\"data\": {data}}}"), response).inputs;
    let unnamed = [tensor("", &[1, 2], floats(&[1.0, 2.0]))];
    let named = [
        tensor("a", &[1], floats(&[1.0])),
        tensor("b", &[1], floats(&[2.0])),
    ];
    let of_tensorflow = r#""tftensor": {"dtype": "DT_FLOAT",
        "tensorShape": {"dim": [{"size": "1"}, {"size": "2"}]}, "floatVal": [1, 2]}"#;
    for array in [
        r#""ndarray": [[1, 2]]"#,
        r#""tensor": {"shape": [1, 2], "values": [1, 2]}"#,
        of_tensorflow,
    ] {
        assert_eq!(read(&format!("{{{array}}}")), unnamed, "{array}");
        assert_eq!(
            read(&format!(r#"{{{array}, "names": ["a", "b"]}}"#)),
            named,
            "{array}"
        );
        assert_eq!(
            read(&format!(r#"{{"names": ["a"], {array}}}"#)),
            unnamed,
            "{array}"
        );
    }
}

#[test]
fn what_seldon_encodes_is_not_seen() {
    let response = r#"{"strData": "b"}"#;
    for (body, name, why) in [
        (r#"{"strData": "a"}"#, "strData", Unusable::Datatype),
        (r#"{"binData": "AA=="}"#, "binData", Unusable::Datatype),
        (
            r#"{"jsonData": {"data": [1]}}"#,
            "jsonData",
            Unusable::Datatype,
        ),
        (
            r#"{"data": {"tftensor": {"stringVal": ["AA=="]}}}"#,
            "",
            Unusable::Datatype,
        ),
        (
            r#"{"data": {"tensor": {"shape": [2], "values": [1]}}}"#,
            "",
            Unusable::Length,
        ),
        (
            r#"{"data": {"tensor": {"shape": [-1], "values": [1]}}}"#,
            "",
            Unusable::Shape,
        ),
        (r#"{"data": {}}"#, "", Unusable::NoContents),
    ] {
        let found = seldon(body, response).inputs.remove(0);
        let expected = (name, Elements::Unusable(why));
        assert_eq!((&found.name[..], found.elements), expected, "{body}");
    }
}

#[test]
fn other_bodies_are_told_by_their_reason() {
    for body in ["{}", "{\"text\": 1}", "5", "\"a\"", "null"] {
        assert_eq!(fault(body), Undecodable::Format, "{body}");
    }
    for body in [
        "",
        "{",
        "{\"instances\": [1,]}",
        "{\"instances\": [1 2]}",
        "{\"instances\": [nan]}",
        "{\"instances\": [[1]}",
        "{instances: [1]}",
        "\u{0}",
    ] {
        assert_eq!(fault(body), Undecodable::Json, "{body:?}");
    }
}
