//! How a gRPC call ended, from what was seen of its end.
//!
//! The status stands in the trailers, or in the first headers when there was nothing else. Where it
//! is missing, what a gRPC client would make of it is what counts.

use crate::batch::Outcome;
use crate::ingest::seen::{Ending, Headers};

/// The codes by number
/// ([specification](https://github.com/grpc/grpc/blob/master/doc/statuscodes.md)).
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

pub(super) const UNKNOWN: Outcome = Outcome::Failed("UNKNOWN");
pub(super) const NOT_FOUND: Outcome = Outcome::Failed("NOT_FOUND");

/// What the header `grpc-status` says; `None` when it is not there. A number that gRPC does not
/// know is `UNKNOWN`.
pub(super) fn said(headers: &Headers) -> Option<Outcome> {
    let number: Option<usize> = headers.get("grpc-status")?.parse().ok();
    Some(match number.and_then(|number| CODES.get(number)) {
        Some(&"OK") => Outcome::Ok,
        Some(code) => Outcome::Failed(code),
        None => UNKNOWN,
    })
}

/// How a call ended that has no `grpc-status`; `None` when only the answer itself can tell.
pub(super) fn unsaid(ending: Ending, http_status: Option<u16>) -> Option<Outcome> {
    match ending {
        Ending::Cancelled => Some(Outcome::Failed("CANCELLED")),
        Ending::Unavailable => Some(Outcome::Failed("UNAVAILABLE")),
        Ending::Complete => http_status
            .filter(|status| *status != 200)
            .map(|status| Outcome::Failed(of_http(status))),
    }
}

/// The code that gRPC clients give to an answer that is not gRPC's
/// ([specification](https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md)).
fn of_http(status: u16) -> &'static str {
    match status {
        400 => "INTERNAL",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "UNIMPLEMENTED",
        429 | 502..=504 => "UNAVAILABLE",
        _ => "UNKNOWN",
    }
}
