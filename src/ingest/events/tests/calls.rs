//! What calls the recorded events make.

use base64::Engine;
use bytes::Bytes;

use super::{all, call, capture, json, kserve, mesh, pairs, set};
use crate::ingest::inference::{Elements, Fault, Inference, Tensor};
use crate::ingest::seen::{Ending, Exchange, Message, Transport};
use crate::ingest::{Limits, Undecodable};

fn body(message: &Message) -> Bytes {
    message.clone().into_body()
}

fn request_alone(event: crate::ingest::seen::Event) -> Exchange {
    let mut pairs = pairs();
    assert!(all(&mut pairs, vec![event]).is_empty());
    pairs.expire(i64::MAX).remove(0).unwrap()
}

fn decoded(exchange: Exchange) -> Result<Inference, Fault> {
    let call = crate::ingest::rest::decode(exchange, "unnamed", &Limits::default())?;
    Ok(call.inference)
}

#[test]
fn a_v1_call_of_kserve() {
    let call = call(
        || kserve("kserve_agent_v1_request"),
        || kserve("kserve_agent_v1_response"),
    );
    assert_eq!(call.transport, Transport::Http);
    assert_eq!(call.path, "/v2/models/sklearn-iris/infer");
    assert_eq!((call.status, call.ending), (Some(200), Ending::Complete));
    assert_eq!(call.latency_micros, Some(8_500));
    assert_eq!(call.started_micros, 1_795_316_400_123_456);
    assert_eq!(body(&call.response), r#"{"predictions":[0,1]}"#);
    assert!((0.0..1.0).contains(&call.draw));
}

#[test]
fn a_v2_call_of_kserve_and_of_seldon() {
    let of_kserve = call(
        || kserve("kserve_agent_v2_request"),
        || kserve("kserve_agent_v2_response"),
    );
    assert_eq!(of_kserve.path, "/v2/models/sklearn-iris/infer");
    assert_eq!(of_kserve.latency_micros, Some(18_500));
    let of_seldon = call(
        || kserve("seldon_executor_request"),
        || kserve("seldon_executor_response"),
    );
    assert_eq!(of_seldon.path, "/v2/models/classifier/infer");
    assert_eq!(
        of_seldon.latency_micros, None,
        "it says only when it was sent"
    );
    assert_eq!(
        of_seldon.started_micros, 77,
        "so the time of arrival is better"
    );
    assert_eq!(body(&of_seldon.request), body(&of_kserve.request));
    assert_eq!(body(&of_seldon.response), body(&of_kserve.response));
}

#[test]
fn seldons_halves_share_only_the_request_id() {
    let other_id = || {
        let mut event = kserve("seldon_executor_response");
        set(&mut event, "ce-id", "another");
        event
    };
    let made = all(
        &mut pairs(),
        vec![kserve("seldon_executor_request"), other_id()],
    );
    assert_eq!(made.len(), 1);
}

#[test]
fn a_grpc_call_of_kserve() {
    let call = call(
        || kserve("kserve_agent_grpc_request"),
        || kserve("kserve_agent_grpc_response"),
    );
    assert_eq!(call.transport, Transport::Grpc);
    assert_eq!(call.path, "/inference.GRPCInferenceService/ModelInfer");
    assert_eq!(call.response.headers.get("grpc-status"), Some("0"));
    assert_eq!(call.latency_micros, None, "both halves have the same time");
}

#[test]
fn grpc_is_told_by_the_frame_not_by_the_content_type() {
    let mut event = kserve("kserve_agent_grpc_request");
    set(&mut event, "content-type", "application/json");
    let call = request_alone(event);
    assert_eq!(call.transport, Transport::Grpc);
    assert_eq!(
        call.request.headers.get("content-type"),
        Some("application/grpc")
    );
    let mut event = kserve("kserve_agent_v1_request");
    set(&mut event, "content-type", "application/grpc");
    assert_eq!(request_alone(event).transport, Transport::Http);
}

#[test]
fn a_grpc_call_that_was_answered_with_nothing_has_failed() {
    let call = call(
        || kserve("kserve_agent_grpc_request"),
        || {
            let mut event = kserve("kserve_agent_grpc_response");
            event.body = Bytes::new();
            event
        },
    );
    assert_eq!(call.response.headers.get("grpc-status"), Some("2"));
}

#[test]
fn a_call_of_model_mesh_is_framed() {
    let call = call(|| mesh("request"), || mesh("response"));
    assert_eq!(call.transport, Transport::Grpc);
    let framed = |half| kserve(&format!("kserve_agent_grpc_{half}")).body;
    assert_eq!(body(&call.request), framed("request"), "the same messages");
    assert_eq!(body(&call.response), framed("response"));
}

#[test]
fn binary_tensors_are_found_with_and_without_metadata() {
    for name in ["with", "without"] {
        let name = format!("kserve_agent_v2_binary_request_{name}_metadata");
        let said = decoded(request_alone(kserve(&name))).unwrap();
        assert_eq!(said.model, "sklearn-iris", "{name}");
        let is_seen = |tensor: &Tensor| !matches!(tensor.elements, Elements::Unusable(_));
        assert!(
            !said.inputs.is_empty() && said.inputs.iter().all(is_seen),
            "{name}"
        );
    }
}

#[test]
fn structured_mode_says_the_same_as_binary_mode() {
    let binary = request_alone(kserve("kserve_agent_v1_request"));
    let data: serde_json::Value = serde_json::from_slice(&body(&binary.request)).unwrap();
    let structured = request_alone(kserve("structured_mode_request"));
    let same: serde_json::Value = serde_json::from_slice(&body(&structured.request)).unwrap();
    assert_eq!((structured.path, same), (binary.path.clone(), data));
    let encoded = base64::prelude::BASE64_STANDARD.encode(body(&binary.request));
    let document = String::from_utf8(kserve("structured_mode_request").body.to_vec()).unwrap();
    let (start, _) = document.split_once("\"data\":").unwrap();
    for document in [
        format!("{start} \"data_base64\": \"{encoded}\"}}"),
        format!("{start} \"data\": \"{encoded}\", \"datacontentencoding\": \"base64\"}}")
            .replace("\"specversion\": \"1.0\"", "\"specversion\": \"0.3\""),
    ] {
        let call = request_alone(json(
            "application/cloudevents+json; charset=utf-8",
            document,
        ));
        assert_eq!(body(&call.request), body(&binary.request));
        assert_eq!(call.path, binary.path);
    }
}

#[test]
fn halves_in_different_modes_are_one_call() {
    let events = vec![
        kserve("structured_mode_request"),
        kserve("kserve_agent_v1_response"),
    ];
    // The structured event names neither endpoint nor another source: the same place.
    assert_eq!(all(&mut pairs(), events).len(), 1);
}

#[test]
fn a_batch_is_many_events() {
    let one = String::from_utf8(kserve("structured_mode_request").body.to_vec()).unwrap();
    let other = one.replace("inference.request", "inference.response");
    let third = one.replace("0009174a", "1119174a");
    let batch = format!("[{one},{{}},{other},{third}]");
    let mut pairs = pairs();
    let made = all(
        &mut pairs,
        vec![json("application/cloudevents-batch+json", batch)],
    );
    assert_eq!(made.iter().filter(|call| call.is_ok()).count(), 1);
    assert_eq!(made.len(), 2, "one is no event");
    assert_eq!((pairs.counts().events(), pairs.counts().pending()), (4, 1));
}

#[test]
fn components_and_endpoints_are_told_apart() {
    let mut transformer = kserve("kserve_agent_v1_request");
    set(&mut transformer, "ce-component", "transformer");
    set(&mut transformer, "ce-endpoint", "canary/1");
    let events = vec![transformer, kserve("kserve_agent_v1_response")];
    let mut pairs = pairs();
    assert!(all(&mut pairs, events).is_empty(), "not the same call");
    let call = pairs.expire(i64::MAX).remove(0).unwrap();
    let expected = "/v2/models/sklearn-iris-transformer/versions/canary%2F1/infer";
    assert_eq!(call.path, expected);
}

#[test]
fn headers_that_the_logger_passes_on_are_those_of_the_call() {
    let mut event = kserve("kserve_agent_v1_request");
    let metadata = r#"{"X-Request-Id":["7","8"],"Traceparent":["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],"bad name":["x"],"n":5}"#;
    set(&mut event, "ce-metadata", metadata);
    let call = request_alone(event);
    assert_eq!(call.request.headers.get("x-request-id"), Some("7"));
    assert!(crate::ingest::mapping::trace_id(&call.request.headers).is_some());
}

#[test]
fn a_post_to_the_path_of_the_call_names_the_model() {
    let mut event = capture("http/kserve_v1_cloudevent_binary_in.req.http");
    let mut counted = pairs();
    assert!(all(&mut counted, vec![event]).is_empty());
    assert_eq!(counted.counts().other(), 1, "its type tells of no call");
    event = capture("http/kserve_v1_cloudevent_binary_in.req.http");
    set(&mut event, "ce-type", "io.kserve.inference.request");
    assert_eq!(request_alone(event).path, "/v1/models/iris:predict");
}

#[test]
fn bodies_tell_their_protocol_and_events_their_model() {
    let event = |text: &str| {
        let mut event = kserve("kserve_agent_v1_request");
        set(&mut event, "ce-inferenceservicename", "m/1: é");
        event.body = text.to_owned().into();
        decoded(request_alone(event))
    };
    for (text, inputs) in [
        (r#"{"instances": [NaN]}"#, 1),
        (r#"{"inputs": [[1]]}"#, 1),
        (
            r#"{"id":"{\"inputs\":", "inputs" : [ {"name":"a","datatype":"FP32","shape":[1],"data":[1]}]}"#,
            1,
        ),
        (r#"{"data": {"ndarray": [[1]]}}"#, 1),
        (
            r#"{"dataframe_split": {"columns":["a","b"],"data":[[1,2]]}}"#,
            2,
        ),
        ("[[1, 2]]", 1),
    ] {
        let said = event(text).unwrap();
        assert_eq!(
            (&said.model[..], said.inputs.len()),
            ("m/1: é", inputs),
            "{text}"
        );
    }
    let fault = event(r#"{"messages": []}"#).unwrap_err();
    assert_eq!(fault.reason, Undecodable::Format);
}

#[test]
fn compressed_bodies_are_told_by_their_bytes() {
    let plain = kserve("kserve_agent_v2_request").body;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &plain).unwrap();
    let mut event = kserve("kserve_agent_v2_request");
    event.body = encoder.finish().unwrap().into();
    let same = decoded(request_alone(kserve("kserve_agent_v2_request"))).unwrap();
    assert_eq!(decoded(request_alone(event)).unwrap().inputs, same.inputs);
}

#[test]
fn what_is_no_event_is_a_fault_that_tells_nothing_of_the_data() {
    let mut old = kserve("kserve_agent_v1_request");
    set(&mut old, "ce-specversion", "0.2");
    let secret = r#"{"modelid": "m", "id": "secret", "kind": "secret"}"#;
    for (event, reason) in [
        (old, Undecodable::Format),
        (json("application/json", secret), Undecodable::Json),
        (
            json("application/json", r#"{"modelid": ["secret"]}"#),
            Undecodable::Json,
        ),
        (
            json("application/cloudevents+avro", "secret"),
            Undecodable::Format,
        ),
        (
            json("application/cloudevents+json", r#"{"id": secret}"#),
            Undecodable::Json,
        ),
    ] {
        let fault = all(&mut pairs(), vec![event]).remove(0).unwrap_err();
        assert_eq!(fault.reason, reason, "{}", fault.detail);
        assert!(!fault.detail.contains("secret"), "{}", fault.detail);
    }
}
