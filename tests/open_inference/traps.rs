//! What has misled other readers of the protocol, one test each.

use bytes::Bytes;
use driftgauge::batch::Scalar;
use driftgauge::ingest::Undecodable;
use driftgauge::ingest::inference::{Elements, Unusable};
use driftgauge::ingest::seen::{Ending, Exchange, Headers, Message};
use driftgauge::proto::inference::infer_parameter::ParameterChoice;
use driftgauge::proto::inference::model_infer_request::InferRequestedOutputTensor;
use driftgauge::proto::inference::{InferTensorContents, ModelInferRequest, ModelInferResponse};
use prost::Message as _;

use crate::world::{
    OK, call, capture, decode, exchange, failed, file, frame, input, lengthed, numbers, output,
    parameter, reason, request, response, said, texts,
};

#[test]
fn empty_contents_beside_raw_ones_are_not_the_values() {
    let found = decode(capture("mlserver", "iris_fp32_raw_b1").exchange()).unwrap();
    let bytes = file("mlserver", "iris_fp32_raw_b1.resp.pb");
    let message = ModelInferResponse::decode(bytes).unwrap();
    assert_eq!(
        message.outputs[0].contents,
        Some(InferTensorContents::default())
    );
    assert_eq!(numbers(&found.inference.outputs[0]), [0.0]);
}

#[test]
fn raw_values_belong_to_the_tensors_without_typed_ones() {
    let call = capture("kserve", "iris_fp32_raw_b1");
    let message = ModelInferResponse::decode(call.responses[0].1.clone()).unwrap();
    assert_eq!(
        (message.outputs.len(), message.raw_output_contents.len()),
        (2, 1)
    );
    let found = decode(call.exchange()).unwrap().inference;
    assert_eq!(numbers(&found.outputs[0]).len(), 1);
    let scores = numbers(&found.outputs[1]);
    assert_eq!(scores.len(), 3);
    assert!((scores.iter().sum::<f64>() - 1.0).abs() < 1e-12);
}

#[test]
fn raw_values_that_cannot_be_told_apart_are_nobodys() {
    let tensors = || vec![input("a", "UINT8", &[1]), input("b", "UINT8", &[1])];
    let all = |raw: Vec<Bytes>| {
        let found = crate::world::inputs(&request(tensors(), raw));
        found
            .into_iter()
            .map(|tensor| tensor.elements)
            .collect::<Vec<_>>()
    };
    let one: Bytes = vec![7].into();
    assert_eq!(
        all(vec![one.clone()]),
        vec![Elements::Unusable(Unusable::Length); 2]
    );
    assert_eq!(
        all(vec![one; 3]),
        vec![Elements::Unusable(Unusable::Length); 2]
    );
}

#[test]
fn values_in_shared_memory_cannot_be_seen_and_their_neighbours_can() {
    let mut call = capture("triton_bare", "system_shared_memory");
    // Input and first output are in shared memory; only the request says so of the output.
    let found = decode(call.exchange()).unwrap().inference;
    let shared = Elements::Unusable(Unusable::SharedMemory);
    assert!(found.inputs.iter().all(|input| input.elements == shared));
    assert_eq!(
        (&found.outputs[0].elements, &found.outputs[0].shape[..]),
        (&shared, &[2, 3][..])
    );
    assert_eq!(numbers(&found.outputs[1]), [2.0, 2.0]);

    // A request with one of two inputs shared has one raw entry.
    call = capture("triton_bare", "system_shared_memory");
    let mut message = ModelInferRequest::decode(call.requests[0].1.clone()).unwrap();
    message.inputs.push(input("seen", "UINT8", &[1]));
    message.raw_input_contents = vec![vec![7].into()];
    let found = crate::world::inputs(&message);
    assert_eq!(found[0].elements, shared);
    assert_eq!(numbers(&found[1]), [7.0]);
}

#[test]
fn the_version_is_the_one_that_answered() {
    let asked = ModelInferRequest {
        model_version: "1".into(),
        id: "mine".into(),
        ..request(vec![], vec![])
    };
    let answered = ModelInferResponse {
        model_version: "2".into(),
        id: "theirs".into(),
        ..response(vec![], vec![])
    };
    let found = call(&asked, &answered).inference;
    assert_eq!(
        (&found.version[..], &found.id[..], &found.model[..]),
        ("2", "mine", "m")
    );
    assert_eq!(
        call(&asked, &response(vec![], vec![])).inference.version,
        "1"
    );
    assert_eq!(
        call(&request(vec![], vec![]), &response(vec![], vec![]))
            .inference
            .version,
        ""
    );
    let mlserver = decode(capture("mlserver", "iris_fp32_raw_b1").exchange()).unwrap();
    assert_eq!(mlserver.inference.version, "v1");
}

#[test]
fn a_compressed_request_is_unpacked() {
    let found = decode(capture("mlserver", "iris_gzip_request").exchange()).unwrap();
    assert_eq!(found.inference.inputs[0].shape, [32, 4]);
    let mut call = capture("mlserver", "iris_gzip_request");
    call.request_headers = Headers::default();
    assert_eq!(reason(decode(call.exchange())), Undecodable::Compressed);
    let mut call = capture("mlserver", "iris_gzip_request");
    call.request_headers = said(&[("grpc-encoding", "zstd")]);
    assert_eq!(reason(decode(call.exchange())), Undecodable::Compression);
}

#[test]
fn a_failed_call_has_its_inputs_and_its_code() {
    for (server, name, code) in [
        ("mlserver", "err_unknown_model", "NOT_FOUND"),
        ("mlserver", "err_wrong_width", "INTERNAL"),
        ("mlserver", "iris_typed_fp64_nan_inf", "INTERNAL"),
        ("triton", "err_wrong_shape", "INVALID_ARGUMENT"),
        ("triton", "err_bf16_raw", "INVALID_ARGUMENT"),
        ("kserve", "err_unknown_model", "NOT_FOUND"),
    ] {
        let found = decode(capture(server, name).exchange()).unwrap().inference;
        assert_eq!(found.outcome, failed(code), "{name}");
        assert!(found.outputs.is_empty());
        assert!(
            matches!(found.inputs[0].elements, Elements::Fixed { .. }),
            "{name}"
        );
    }
    let found = decode(capture("mlserver", "iris_typed_fp64_nan_inf").exchange()).unwrap();
    let values = numbers(&found.inference.inputs[0]);
    assert!(values[..].iter().any(|value| value.is_nan()));
    assert!(values.contains(&f64::INFINITY) && values.contains(&1e-310));
    let half = decode(capture("triton", "err_fp16_typed_rejected").exchange()).unwrap();
    let elements = &half.inference.inputs[0].elements;
    assert_eq!(*elements, Elements::Unusable(Unusable::Datatype));
}

#[test]
fn how_a_call_ended_is_told_even_without_a_status() {
    let message = request(vec![], vec![]).encode_to_vec();
    let with = |change: &dyn Fn(&mut Exchange)| {
        let mut exchange = exchange(&message, None);
        exchange.response.headers = Headers::default();
        change(&mut exchange);
        decode(exchange).unwrap().inference.outcome
    };
    let answer = |exchange: &mut Exchange| exchange.response.body = vec![frame(0, &[])];
    assert_eq!(with(&answer), OK, "an event has no trailers");
    assert_eq!(with(&|_| {}), failed("UNKNOWN"));
    assert_eq!(with(&|exchange| exchange.status = None), OK, "not known");
    assert_eq!(
        with(&|exchange| exchange.ending = Ending::Cancelled),
        failed("CANCELLED")
    );
    assert_eq!(
        with(&|exchange| exchange.ending = Ending::Unavailable),
        failed("UNAVAILABLE")
    );
    for (status, code) in [
        (400, "INTERNAL"),
        (401, "UNAUTHENTICATED"),
        (403, "PERMISSION_DENIED"),
        (404, "UNIMPLEMENTED"),
        (429, "UNAVAILABLE"),
        (500, "UNKNOWN"),
        (502, "UNAVAILABLE"),
        (503, "UNAVAILABLE"),
        (504, "UNAVAILABLE"),
    ] {
        let found = with(&|exchange| exchange.status = Some(status));
        assert_eq!(found, failed(code), "{status}");
    }
    for (status, code) in [
        ("1", "CANCELLED"),
        ("16", "UNAUTHENTICATED"),
        ("17", "UNKNOWN"),
        ("x", "UNKNOWN"),
    ] {
        let found = with(&|exchange| exchange.response.headers = said(&[("grpc-status", status)]));
        assert_eq!(found, failed(code), "{status}");
    }
    // What the server said counts, even if the client left then.
    let left = with(&|exchange| {
        answer(exchange);
        exchange.response.headers = said(&[("grpc-status", "0")]);
        exchange.ending = Ending::Cancelled;
    });
    assert_eq!(left, OK);
}

#[test]
fn half_a_call_is_a_fault_and_no_call_without_the_other_half() {
    let good = request(vec![], vec![]).encode_to_vec();
    let of = |request: &[u8], response: Option<&[u8]>| reason(decode(exchange(request, response)));
    assert_eq!(of(b"\xff", Some(&[])), Undecodable::Protobuf);
    assert_eq!(of(&good, Some(b"\xff")), Undecodable::Protobuf);
    assert_eq!(of(&good, None), Undecodable::Truncated);
    let mut cut = exchange(&good, Some(&[]));
    cut.request.body[0].truncate(6);
    assert_eq!(reason(decode(cut)), Undecodable::Truncated);
    let mut nothing = exchange(&good, None);
    nothing.request = Message::default();
    assert_eq!(reason(decode(nothing)), Undecodable::Truncated);
}

#[test]
fn parameters_of_any_type_are_read_past() {
    let found = decode(capture("triton", "iris_sequence_params").exchange()).unwrap();
    assert_eq!(found.inference.outputs.len(), 3);
    let found = decode(capture("mlserver", "iris_params_headers").exchange()).unwrap();
    assert_eq!(numbers(&found.inference.outputs[0]), [0.0]);
}

#[test]
fn a_classified_output_becomes_the_first_class_of_each_row() {
    let found = decode(capture("triton", "iris_classification_ext").exchange()).unwrap();
    let classes = &found.inference.outputs[0];
    assert_eq!(
        (&classes.shape[..], texts(classes)),
        (&[2, 1][..], &["2".to_owned(), "1".to_owned()][..])
    );

    let asked = ModelInferRequest {
        outputs: vec![InferRequestedOutputTensor {
            name: "y".into(),
            parameters: [(
                "classification".into(),
                parameter(ParameterChoice::Int64Param(2)),
            )]
            .into(),
        }],
        ..request(vec![], vec![])
    };
    let strings = |strings: &[&[u8]], shape: &[i64]| {
        let shape = output("y", "BYTES", shape);
        response(vec![shape], vec![lengthed(strings)])
    };
    let answer = strings(&[b"0.7:1:cat", b"0.3:0:dog"], &[2]);
    let one_row = call(&asked, &answer).inference.outputs.remove(0);
    assert_eq!(
        (&one_row.shape[..], texts(&one_row)),
        (&[1][..], &["cat".to_owned()][..])
    );
    // Without having been asked for, it is a string like any other.
    let plain = call(&request(vec![], vec![]), &answer)
        .inference
        .outputs
        .remove(0);
    assert_eq!(texts(&plain)[0], "0.7:1:cat");
    let odd = strings(&[b"0.7:1:a:b", b"", b"cat", b"", b"\xff", b""], &[3, 2]);
    let odd = call(&asked, &odd).inference.outputs.remove(0);
    let expected = vec![Scalar::Text("a:b".into()), Scalar::Invalid, Scalar::Invalid];
    assert_eq!(
        (odd.shape, odd.elements),
        (vec![3, 1], Elements::Mixed(expected))
    );
}

#[test]
fn few_bytes_that_would_take_much_memory_are_refused() {
    // Two bytes each: an empty raw entry, an empty tensor, an empty parameter.
    for key in [0x3a, 0x2a, 0x22, 0x32] {
        let many = [key, 0].repeat(1_000_000);
        let fault = reason(decode(exchange(&many, Some(&[]))));
        assert_eq!(fault, Undecodable::TooManyElements, "{key:#x}");
    }
    // A group is skipped by the decoder, with all that follows: it must not hide anything.
    let hidden = [&[0x83, 0x06, 0x84, 0x06], &[0x2a, 0].repeat(1_000_000)[..]].concat();
    assert_eq!(
        reason(decode(exchange(&hidden, Some(&[])))),
        Undecodable::Protobuf
    );
}

#[test]
fn a_model_that_nobody_names_has_a_name_once_it_answers() {
    let named = || decode(capture("ray", "iris_fp32_raw_b1").exchange());
    let found = named().unwrap().inference;
    assert_eq!(found.model, "unnamed");
    let scores = numbers(&found.outputs[0]);
    assert!((scores.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    // Without a name there is no model that could have failed.
    let mut refused = capture("ray", "iris_fp32_raw_b1");
    refused.response_headers = said(&[("grpc-status", "3")]);
    assert_eq!(reason(decode(refused.exchange())), Undecodable::Protobuf);
}
