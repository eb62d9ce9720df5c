//! Inference over plain HTTP → [`Call`]s: the Open Inference Protocol (KServe v2) as JSON and with
//! binary tensors, KServe v1 and TensorFlow Serving, MLflow, Seldon Core v1.
//!
//! All may be seen behind one address, and events do not say which it was, so the keys of the body
//! tell the protocol and the path only names the model. Bodies are read where they lie, without a
//! tree of values in between: two bytes of JSON would be dozens in such a tree.

mod body;
mod columns;
mod csv;
mod datatype;
mod json;
mod leaves;
mod open_inference;
mod path;
mod plain;
mod seldon;
mod status;
mod values;

pub use status::status_code;

use self::body::{Said, Side};
use self::json::Malformed;
use self::path::Named;
use super::Limits;
use super::inference::{Call, Fault, Inference, Unusable};
use super::seen::{Ending, Exchange, Message};
use crate::batch::Outcome;

/// Decodes a call. `unnamed_model` is the name of the model where neither path nor bodies have one.
///
/// The path may be empty, and the status unknown, as events leave them: such a call has succeeded, and
/// a body that is not there says nothing. What a server says of a failure is not read, and a failure
/// is told even if the request cannot be decoded, provided that the path is one of inference.
///
/// # Errors
/// The request, or the response of a call that succeeded, cannot be decoded.
pub fn decode(exchange: Exchange, unnamed_model: &str, limits: &Limits) -> Result<Call, Fault> {
    let Exchange {
        path,
        request,
        status,
        response,
        ending,
        started_micros,
        latency_micros,
        draw,
        // The bytes are held until this returns.
        held: _held,
        ..
    } = exchange;
    let headers = request.headers.clone();
    let outcome = outcome(status, ending);
    let named = Named::by(&path);
    let said = |message: Message, side| {
        if status.is_none() && message.body.iter().all(|piece| piece.is_empty()) {
            return Ok(Said::default());
        }
        body::read(message, side, limits)
    };
    let request = said(request, Side::Request);
    let (request, response) = match outcome {
        Outcome::Ok => (request?, said(response, Side::Response)?),
        Outcome::Failed(_) if named.is_some() => (request.unwrap_or_default(), Said::default()),
        Outcome::Failed(_) => (request?, Said::default()),
    };
    let mut outputs = response.tensors;
    request.requested.apply(&mut outputs);
    let named = named.unwrap_or_default();
    let first = |said: [String; 3]| said.into_iter().find(|said| !said.is_empty());
    let model = first([named.model, request.model, response.model]);
    let version = first([response.version, request.version, named.version]);
    let id = first([request.id, response.id, String::new()]);
    Ok(Call {
        inference: Inference {
            model: model.unwrap_or_else(|| unnamed_model.to_owned()),
            version: version.unwrap_or_default(),
            id: id.unwrap_or_default(),
            inputs: request.tensors,
            outputs,
            outcome,
            inputs_are_columns: request.are_columns,
        },
        headers,
        started_micros,
        latency_micros,
        draw,
    })
}

/// How a call ended: as its status says, else as nginx would have said (499: the client went away).
fn outcome(status: Option<u16>, ending: Ending) -> Outcome {
    match (status, ending) {
        (Some(failed), _) if !(200..300).contains(&failed) => Outcome::Failed(status_code(failed)),
        (_, Ending::Complete) => Outcome::Ok,
        (_, Ending::Cancelled) => Outcome::Failed(status_code(499)),
        (_, Ending::Unavailable) => Outcome::Failed(status_code(503)),
    }
}

/// Why reading does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// The body is no JSON.
    Malformed(Malformed),
    /// The body is of no known protocol.
    Unknown(&'static str),
    /// These values cannot be used; others can.
    Unusable(Unusable),
}

impl From<Malformed> for Stop {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<Unusable> for Stop {
    fn from(unusable: Unusable) -> Self {
        Self::Unusable(unusable)
    }
}
