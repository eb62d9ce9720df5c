//! Calls of the Open Inference Protocol (KServe v2) over gRPC → [`Call`]s.
//!
//! KServe, MLServer, Triton and Ray Serve speak it, each with its own reading of it; where they
//! differ, the rules here are those that every capture of their traffic follows
//! (`tests/open_inference`).
//! [Specification](https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_grpc.md).

mod pending;
mod request;
mod response;
mod scan;
mod status;
mod stream;
mod streams;
mod tensor;

use self::request::Request;
use self::response::Response;
use super::inference::{Call, Fault, Inference};
use super::seen::Exchange;
use super::{Limits, Undecodable, grpc_frames};
use crate::batch::Outcome;

pub use streams::Streams;

/// Decodes a call of `ModelInfer`.
///
/// The inputs of a failed call are decoded as well, its outputs are empty. A call without a status,
/// as event sources report it, has succeeded, unless it was answered with nothing. `unnamed_model` is the name of
/// the model of a call that succeeded without naming one, as Ray Serve allows.
///
/// # Errors
/// The request, or the response of a call that succeeded, cannot be decoded: half a call would say
/// that the other half is missing.
pub fn decode(exchange: Exchange, unnamed_model: &str, limits: &Limits) -> Result<Call, Fault> {
    let Exchange {
        request,
        response,
        status: http_status,
        ending,
        started_micros,
        latency_micros,
        draw,
        // The bytes are held until this returns.
        held: _held,
        ..
    } = exchange;
    let headers = request.headers.clone();
    let Some(message) = grpc_frames::only_message(request.into_body(), &headers, limits)? else {
        let detail = "the request has no message";
        return Err(Fault::new(Undecodable::Truncated, detail));
    };
    let request = request::decode(message, limits)?;
    let known = status::said(&response.headers).or_else(|| status::unsaid(ending, http_status));
    let (outcome, response) = if let Some(failed @ Outcome::Failed(_)) = known {
        (failed, None)
    } else {
        let headers = response.headers.clone();
        match grpc_frames::only_message(response.into_body(), &headers, limits)? {
            Some(message) => (Outcome::Ok, Some(response::decode(message, limits)?)),
            // Nothing was seen of the answer, so nobody knows.
            None if http_status.is_none() => (Outcome::Ok, None),
            None if known.is_none() => (status::UNKNOWN, None),
            None => {
                let detail = "the call succeeded, but the response has no message";
                return Err(Fault::new(Undecodable::Truncated, detail));
            }
        }
    };
    Ok(Call {
        inference: inference(request, response, outcome, unnamed_model)?,
        headers,
        started_micros,
        latency_micros,
        draw,
    })
}

/// What a request and its response say together.
///
/// # Errors
/// Neither says which model, and that is why it failed.
fn inference(
    mut request: Request,
    mut response: Option<Response>,
    outcome: Outcome,
    unnamed_model: &str,
) -> Result<Inference, Fault> {
    let mut version = std::mem::take(&mut request.version);
    if let Some(Response { message, .. }) = &mut response {
        // Most clients leave the choice of a version to the server.
        if !message.model_version.is_empty() {
            version = std::mem::take(&mut message.model_version);
        }
        if request.model.is_empty() {
            request.model = std::mem::take(&mut message.model_name);
        }
    }
    if request.model.is_empty() && outcome == Outcome::Ok {
        unnamed_model.clone_into(&mut request.model);
    }
    if request.model.is_empty() {
        let detail = "the request does not name a model";
        return Err(Fault::new(Undecodable::Protobuf, detail));
    }
    let outputs = response.map(|response| response.into_outputs(&request));
    Ok(Inference {
        model: request.model,
        version,
        id: request.id,
        inputs: request.inputs,
        outputs: outputs.unwrap_or_default(),
        outcome,
        inputs_are_columns: request.inputs_are_columns,
    })
}
