//! Calls of a stream: requests and replies joined, whoever writes them, however they are cut.

use bytes::Bytes;
use driftgauge::ingest::inference::{Call, Elements, Fault, Unusable};
use driftgauge::ingest::open_inference::Streams;
use driftgauge::ingest::seen::{Budget, Ending, Headers, Side, StreamPart};
use driftgauge::ingest::{Limits, Undecodable};
use driftgauge::proto::inference::infer_parameter::ParameterChoice;
use driftgauge::proto::inference::{
    ModelInferRequest, ModelInferResponse, ModelStreamInferResponse,
};
use prost::Message;

use crate::world::{
    Captured, OK, capture, exchange, failed, frame, input, numbers, output, parameter, said,
};

type Results = Vec<Result<Call, Fault>>;

/// One stream that is fed by hand.
struct Fed {
    streams: Streams,
    limits: Limits,
    at: i64,
}

impl Fed {
    fn new() -> Self {
        let mut fed = Self {
            streams: Streams::default(),
            limits: Limits::default(),
            at: 0,
        };
        let opened = StreamPart::Opened(Box::new(exchange(&[], None)));
        assert!(fed.part(opened).is_empty());
        fed
    }

    fn part(&mut self, part: StreamPart) -> Results {
        self.streams.part(7, part, "unnamed", &self.limits)
    }

    /// Sends bytes ten microseconds after the last.
    fn bytes(&mut self, from: Side, bytes: Bytes) -> Results {
        self.at += 10;
        self.part(StreamPart::Data {
            from,
            at_micros: self.at,
            bytes,
            held: None,
        })
    }

    fn ask(&mut self, id: &str) {
        let request = ModelInferRequest {
            model_name: "m".into(),
            id: id.into(),
            inputs: vec![input(id, "FP32", &[0])],
            ..ModelInferRequest::default()
        };
        let results = self.bytes(Side::Client, frame(0, &request.encode_to_vec()));
        assert!(results.is_empty());
    }

    fn bare(&mut self, reply: &ModelInferResponse) -> Results {
        self.bytes(Side::Server, frame(0, &reply.encode_to_vec()))
    }

    fn wrapped(&mut self, error: &str, reply: ModelInferResponse) -> Results {
        let wrapper = ModelStreamInferResponse {
            error_message: error.into(),
            infer_response: Some(reply),
        };
        self.bytes(Side::Server, frame(0, &wrapper.encode_to_vec()))
    }

    fn end(&mut self, ending: Ending, trailers: Headers) -> Results {
        let at_micros = self.at + 10;
        self.part(StreamPart::Ended {
            ending,
            at_micros,
            trailers,
        })
    }
}

/// A reply with one tensor that is called as the request's.
fn reply(id: &str, name: &str) -> ModelInferResponse {
    ModelInferResponse {
        model_name: "m".into(),
        id: id.into(),
        outputs: vec![output(name, "FP32", &[0])],
        ..ModelInferResponse::default()
    }
}

fn with_final(is_final: bool, reply: ModelInferResponse) -> ModelInferResponse {
    let choice = parameter(ParameterChoice::BoolParam(is_final));
    ModelInferResponse {
        parameters: [("triton_final_response".into(), choice)].into(),
        ..reply
    }
}

/// What the calls were asked and what they were answered, by the names of their tensors.
fn joined(results: &Results) -> Vec<(&str, &str)> {
    results
        .iter()
        .map(|result| {
            let inference = &result.as_ref().unwrap().inference;
            assert_eq!(inference.outcome, OK);
            let output = inference.outputs.first().map_or("", |output| &output.name);
            (&inference.inputs[0].name[..], output)
        })
        .collect()
}

fn fault(results: &Results) -> Undecodable {
    assert_eq!(results.len(), 1, "{results:?}");
    results[0].as_ref().unwrap_err().reason
}

/// Feeds a captured stream in pieces of `size` bytes and ends it as it ended.
fn replay(call: Captured, size: usize) -> Results {
    let mut fed = Fed::new();
    let mut results = Vec::new();
    let wire = |frames: &[(u8, Bytes)]| -> Vec<u8> {
        frames
            .iter()
            .flat_map(|(flag, message)| frame(*flag, message))
            .collect()
    };
    for (from, frames) in [
        (Side::Client, &call.requests),
        (Side::Server, &call.responses),
    ] {
        for piece in wire(frames).chunks(size) {
            results.extend(fed.bytes(from, Bytes::copy_from_slice(piece)));
        }
    }
    let ending = match call.response_headers.get("grpc-status") {
        Some(_) => Ending::Complete,
        None => Ending::Cancelled,
    };
    results.extend(fed.end(ending, call.response_headers));
    assert_eq!(fed.streams.bytes(), 0, "nothing is kept of what has ended");
    results
}

#[test]
fn mlservers_bare_replies_are_joined() {
    for size in [1, 7, 1_000] {
        let results = replay(capture("mlserver", "stream_infer"), size);
        assert_eq!(results.len(), 3);
        let first = &results[0].as_ref().unwrap().inference;
        assert_eq!(
            (&first.model[..], &first.version[..], &first.id[..]),
            ("iris", "v1", "s-0")
        );
        assert_eq!((first.outcome, numbers(&first.outputs[0])), (OK, vec![0.0]));
        // The client could not read the reply and left.
        for unanswered in &results[1..] {
            let inference = &unanswered.as_ref().unwrap().inference;
            assert_eq!(inference.outcome, failed("CANCELLED"));
            assert_eq!(inference.inputs[0].shape, [1, 4]);
        }
    }
}

#[test]
fn tritons_mixed_replies_are_joined_by_id_and_only_the_first_is_looked_at() {
    for size in [1, 64, 10_000] {
        let results = replay(capture("triton", "stream_decoupled"), size);
        assert_eq!(results.len(), 2);
        for result in &results {
            let inference = &result.as_ref().unwrap().inference;
            let first: Vec<f64> = match &inference.id[..] {
                "t-s0" => vec![0.0, 1.0, 2.0, 3.0],
                _ => vec![1.0, 2.0, 3.0, 4.0],
            };
            assert_eq!((inference.outcome, &inference.version[..]), (OK, "1"));
            assert_eq!(numbers(&inference.outputs[0]), first);
            let further = &inference.outputs[1..];
            assert_eq!(further.len(), 2, "{further:?}");
            let unusable = Elements::Unusable(Unusable::FurtherReply);
            assert!(further.iter().all(|tensor| tensor.elements == unusable));
        }
    }
}

#[test]
fn an_error_inside_a_reply_is_a_failed_call_although_the_stream_succeeds() {
    let results = replay(capture("triton", "stream_error_in_band"), 10);
    assert_eq!(results.len(), 1);
    let inference = &results[0].as_ref().unwrap().inference;
    // The model must not come into being by being asked for.
    assert_eq!(
        (inference.outcome, &inference.model[..]),
        (failed("NOT_FOUND"), "nope")
    );

    let mut fed = Fed::new();
    fed.ask("a");
    fed.ask("b");
    // Older servers name the request in the text alone.
    let error = fed.wrapped(
        "[request id: b] unexpected shape",
        ModelInferResponse::default(),
    );
    let inference = &error[0].as_ref().unwrap().inference;
    assert_eq!(
        (inference.outcome, &inference.id[..]),
        (failed("UNKNOWN"), "b")
    );
    let empty_final = with_final(
        true,
        ModelInferResponse {
            outputs: vec![],
            ..reply("b", "")
        },
    );
    assert!(
        fed.wrapped("", empty_final).is_empty(),
        "the end of b says nothing new"
    );
    assert_eq!(joined(&fed.wrapped("", reply("a", "y"))), [("a", "y")]);
}

#[test]
fn a_stream_that_is_refused_fails_its_requests() {
    let results = replay(capture("kserve", "stream_unimplemented"), 3);
    assert_eq!(results.len(), 1);
    match &results[0] {
        Ok(call) => assert_eq!(call.inference.outcome, failed("UNIMPLEMENTED")),
        Err(fault) => panic!("{fault:?}"),
    }
}

#[test]
fn replies_find_their_requests_by_id_else_by_order() {
    let mut fed = Fed::new();
    for id in ["a", "b", "a"] {
        fed.ask(id);
    }
    assert_eq!(joined(&fed.bare(&reply("b", "1"))), [("b", "1")]);
    assert_eq!(joined(&fed.bare(&reply("a", "2"))), [("a", "2")]);
    assert_eq!(joined(&fed.bare(&reply("a", "3"))), [("a", "3")]);
    assert_eq!(fault(&fed.bare(&reply("a", "4"))), Undecodable::Incomplete);
    for id in ["", "c", ""] {
        fed.ask(id);
    }
    // An id of the server's own making belongs to a request without.
    assert_eq!(joined(&fed.bare(&reply("theirs", "5"))), [("", "5")]);
    assert_eq!(joined(&fed.bare(&reply("", "6"))), [("c", "6")]);
    assert_eq!(joined(&fed.bare(&reply("", "7"))), [("", "7")]);
}

#[test]
fn latency_is_from_the_request_to_its_first_reply() {
    let mut fed = Fed::new();
    fed.ask("a"); // at 10
    fed.ask("b"); // at 20
    assert!(
        fed.wrapped("", with_final(false, reply("a", "1")))
            .is_empty()
    ); // at 30
    let b = fed.wrapped("", reply("b", "2")); // at 40
    let b = b[0].as_ref().unwrap();
    assert_eq!((b.started_micros, b.latency_micros), (20, Some(20)));
    let a = fed.wrapped("", with_final(true, reply("a", "3"))); // at 50
    let a = a[0].as_ref().unwrap();
    assert_eq!((a.started_micros, a.latency_micros), (10, Some(20)));
    assert_eq!(
        (&a.inference.outputs[0].name[..], a.inference.outputs.len()),
        ("1", 2)
    );
    fed.ask("c"); // at 60
    let ended = fed.end(Ending::Unavailable, Headers::default()); // at 70
    let c = ended[0].as_ref().unwrap();
    assert_eq!(
        (c.inference.outcome, c.latency_micros),
        (failed("UNAVAILABLE"), Some(10))
    );
}

#[test]
fn a_stream_that_succeeds_gives_what_came_of_its_requests() {
    let mut fed = Fed::new();
    fed.ask("begun");
    fed.ask("silent");
    assert!(
        fed.wrapped("", with_final(false, reply("begun", "1")))
            .is_empty()
    );
    let results = fed.end(Ending::Complete, said(&[("grpc-status", "0")]));
    assert_eq!(joined(&results), [("begun", "1"), ("silent", "")]);
}

#[test]
fn an_error_that_reads_like_a_reply_is_still_an_error() {
    // As a bare reply this would be one of a model called `boom`, without tensors.
    let mut fed = Fed::new();
    fed.ask("a");
    let results = fed.wrapped("boom", ModelInferResponse::default());
    assert_eq!(
        results[0].as_ref().unwrap().inference.outcome,
        failed("UNKNOWN")
    );
}

#[test]
fn a_reply_that_reads_like_an_error_is_still_a_reply() {
    // As a wrapper this would be an error that says `m`.
    let mut fed = Fed::new();
    fed.ask("");
    let results = fed.bare(&ModelInferResponse {
        model_name: "m".into(),
        ..ModelInferResponse::default()
    });
    assert_eq!(joined(&results), [("", "")]);
}

#[test]
fn a_request_that_cannot_be_unpacked_is_a_fault_and_keeps_its_place() {
    let mut fed = Fed::new();
    assert!(
        fed.bytes(Side::Client, frame(1, b"packed somehow"))
            .is_empty()
    );
    fed.ask("");
    assert_eq!(fault(&fed.bare(&reply("", "1"))), Undecodable::Compressed);
    assert_eq!(joined(&fed.bare(&reply("", "2"))), [("", "2")]);
}

#[test]
fn a_stream_with_a_hole_is_one_fault_and_then_silence() {
    let mut fed = Fed::new();
    fed.ask("a");
    assert_eq!(fault(&fed.part(StreamPart::Lost)), Undecodable::Incomplete);
    assert!(fed.part(StreamPart::Lost).is_empty());
    assert!(fed.bare(&reply("a", "1")).is_empty());
    assert!(fed.end(Ending::Complete, Headers::default()).is_empty());
    assert_eq!(fed.streams.bytes(), 0);
}

#[test]
fn what_waits_is_bounded() {
    let mut fed = Fed::new();
    let mut faults = Vec::new();
    for number in 0..2_000 {
        let request = ModelInferRequest {
            model_name: "m".into(),
            id: number.to_string(),
            ..ModelInferRequest::default()
        };
        faults.extend(fed.bytes(Side::Client, frame(0, &request.encode_to_vec())));
    }
    assert_eq!(fault(&faults), Undecodable::TooMuchArriving);

    let mut fed = Fed::new();
    fed.limits.buffer_bytes = 10_000;
    let mut faults = fed.bytes(Side::Client, vec![0, 0, 0, 0xff, 0xff].into());
    for _ in 0..20 {
        faults.extend(fed.bytes(Side::Client, vec![0; 1_000].into()));
        assert!(fed.streams.bytes() <= 10_000);
    }
    assert_eq!(fault(&faults), Undecodable::TooMuchArriving);

    // Ends that were not seen do not fill the room for ever.
    let mut streams = Streams::default();
    let mut faults = Vec::new();
    for stream in 0..3_000 {
        let opened = StreamPart::Opened(Box::new(exchange(&[], None)));
        faults.extend(streams.part(stream, opened, "", &Limits::default()));
    }
    assert_eq!(faults.len(), 3_000 - 1_024);
    assert!(streams.bytes() < 1 << 20);
}

#[test]
fn the_budget_is_held_as_long_as_the_bytes_are() {
    let budget = Budget::new(1 << 20);
    let mut fed = Fed::new();
    let send = |fed: &mut Fed, from, bytes: Bytes| {
        let mut held = budget.hold();
        // What is kept pins more than its own length.
        assert!(held.grow(bytes.len() + 100));
        let part = StreamPart::Data {
            from,
            at_micros: 0,
            bytes,
            held: Some(held),
        };
        fed.part(part)
    };
    let request = |id: &str| {
        let message = ModelInferRequest {
            model_name: "m".into(),
            id: id.into(),
            ..ModelInferRequest::default()
        };
        frame(0, &message.encode_to_vec())
    };
    let (a, b) = (request("a"), request("b"));
    let both: Bytes = [&a[..], &b[..4]].concat().into();
    send(&mut fed, Side::Client, both.clone());
    assert_eq!(budget.bytes(), both.len() + 100);
    send(&mut fed, Side::Client, b.slice(4..));
    assert_eq!(budget.bytes(), a.len() + b.len() + 200);
    let answer = |id| frame(0, &reply(id, "y").encode_to_vec());
    assert_eq!(send(&mut fed, Side::Server, answer("a")).len(), 1);
    assert_eq!(budget.bytes(), b.len() + 100);
    assert_eq!(send(&mut fed, Side::Server, answer("b")).len(), 1);
    assert_eq!(budget.bytes(), 0);
}

#[test]
fn calls_that_come_at_once_share_the_memory_that_one_may_take() {
    let mut fed = Fed::new();
    let request = |id: &str| ModelInferRequest {
        model_name: "m".into(),
        id: id.into(),
        inputs: vec![input("x", "BYTES", &[200_000])],
        raw_input_contents: vec![vec![0; 800_000].into()],
        ..ModelInferRequest::default()
    };
    for id in ["a", "b"] {
        assert!(
            fed.bytes(Side::Client, frame(0, &request(id).encode_to_vec()))
                .is_empty()
        );
    }
    let replies = ["a", "b"].map(|id| frame(0, &reply(id, "y").encode_to_vec()));
    let both: Bytes = replies.concat().into();
    let results = fed.bytes(Side::Server, both);
    let elements = |at: usize| {
        let call: &Call = results[at].as_ref().unwrap();
        &call.inference.inputs[0].elements
    };
    assert!(matches!(elements(0), Elements::Text(_)));
    assert_eq!(*elements(1), Elements::Unusable(Unusable::TooLarge));
}
