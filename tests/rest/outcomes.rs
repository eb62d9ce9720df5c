//! How calls end, and what is still known of those that fail.

use super::*;

const GOOD: &str = "{\"instances\": [[1, 2]]}";

fn ended(status: Option<u16>, ending: Ending, request: &str) -> Result<Call, Fault> {
    call(Exchange {
        status,
        ending,
        ..exchange("/v1/models/m:predict", request, "no JSON")
    })
}

#[test]
fn a_status_is_an_outcome() {
    for (status, ending, code) in [
        (Some(400), Ending::Complete, "400"),
        (Some(503), Ending::Complete, "503"),
        (Some(307), Ending::Complete, "307"),
        (Some(404), Ending::Cancelled, "404"),
        (Some(200), Ending::Cancelled, "499"),
        (None, Ending::Cancelled, "499"),
        (Some(200), Ending::Unavailable, "503"),
        (None, Ending::Unavailable, "503"),
    ] {
        let said = ended(status, ending, GOOD).unwrap().inference;
        assert_eq!(said.outcome, Outcome::Failed(code));
        assert_eq!((said.inputs.len(), said.outputs.len()), (1, 0), "{code}");
    }
    let fault = ended(Some(200), Ending::Complete, GOOD).unwrap_err();
    assert_eq!(
        fault.reason,
        Undecodable::Json,
        "the response of success is read"
    );
    assert!(fault.detail.starts_with("response: "), "{}", fault.detail);
}

#[test]
fn a_failure_is_told_even_if_its_request_is_broken() {
    let said = ended(Some(400), Ending::Complete, "{\"instances\": [").unwrap();
    assert_eq!(
        (&said.inference.model[..], said.inference.inputs.len()),
        ("m", 0)
    );
    assert_eq!(said.inference.outcome, Outcome::Failed("400"));
    let nowhere = Exchange {
        status: Some(400),
        ..exchange("", "{", "")
    };
    assert_eq!(
        call(nowhere).unwrap_err().reason,
        Undecodable::Json,
        "of which model?"
    );
}

#[test]
fn what_is_known_beside_the_bodies_is_kept() {
    let traced = Exchange {
        request: message(&[("traceparent", "00-1-2-01")], GOOD),
        ..exchange("/v1/models/m:predict", "", "{\"predictions\": [0]}")
    };
    let call = call(traced).unwrap();
    assert_eq!(call.headers.get("traceparent"), Some("00-1-2-01"));
    let beside = (call.started_micros, call.latency_micros, call.draw);
    assert_eq!(beside, (7, Some(11), 0.25));
}

#[test]
fn either_side_may_be_compressed() {
    let plain = said(exchange(
        "/v1/models/m:predict",
        GOOD,
        "{\"predictions\": [0]}",
    ));
    let headers = [("content-encoding", "gzip")];
    let compressed = said(Exchange {
        request: message(&headers, gzip(GOOD.as_bytes())),
        response: message(&headers, gzip(b"{\"predictions\": [0]}")),
        ..exchange("/v1/models/m:predict", "", "")
    });
    assert_eq!(
        (plain.inputs, plain.outputs),
        (compressed.inputs, compressed.outputs)
    );
    for encoding in ["br", "zstd", "gzip"] {
        let unknown = Exchange {
            request: message(&[("content-encoding", encoding)], GOOD),
            ..exchange("/v1/models/m:predict", "", "{\"predictions\": [0]}")
        };
        assert_eq!(
            call(unknown).unwrap_err().reason,
            Undecodable::Compression,
            "{encoding}"
        );
    }
}

#[test]
fn without_a_status_what_is_not_there_says_nothing() {
    let half = |request: &str, response: &str| {
        said(Exchange {
            status: None,
            ..exchange("/v1/models/m:predict", request, response)
        })
    };
    let said = half(GOOD, "");
    assert_eq!(
        (said.outcome, said.inputs.len(), said.outputs.len()),
        (Outcome::Ok, 1, 0)
    );
    let said = half("", "{\"predictions\": [0]}");
    assert_eq!(
        (said.outcome, said.inputs.len(), said.outputs.len()),
        (Outcome::Ok, 0, 1)
    );
    let empty = exchange("/v1/models/m:predict", GOOD, "");
    assert_eq!(call(empty).unwrap_err().reason, Undecodable::Json);
}
