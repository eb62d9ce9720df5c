//! Two halves of a call become a call.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::half::Half;
use crate::ingest::Undecodable;
use crate::ingest::compression::is_gzip;
use crate::ingest::grpc_frames::frames_in;
use crate::ingest::inference::Fault;
use crate::ingest::mapping::draw_of;
use crate::ingest::seen::{Ending, Exchange, Headers, Message, Transport, Watched};

/// The method that gRPC bodies belong to: events do not say which it was.
const MODEL_INFER: &str = "/inference.GRPCInferenceService/ModelInfer";

/// What has to be escaped in a segment of a path (RFC 3986, section 3.3), and `:`, which ends names
/// of models.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// Whether the request has nothing in it: it asked for health or metadata.
pub(super) fn is_empty(request: &Half) -> bool {
    matches!(&request.body[..], [] | [0 | 1, 0, 0, 0, 0])
}

/// A call of its halves; without response it has no status, and whether it failed is not known.
///
/// # Errors
/// When it is not known what the bodies are, or which model they are for.
pub(super) fn of(mut request: Half, mut response: Option<Half>) -> Result<Exchange, Fault> {
    let frames = frames_in(&request.body);
    let transport = match frames {
        None => Transport::Http,
        Some(1) => Transport::Grpc,
        Some(_) => {
            return Err(Fault {
                reason: Undecodable::Protocol,
                detail: "an event has several messages of a stream".into(),
            });
        }
    };
    let mut held = request.held.take();
    let other = response.as_mut().and_then(|response| response.held.take());
    match (&mut held, other) {
        (Some(held), Some(other)) => held.absorb(other),
        (held, other) => *held = held.take().or(other),
    }
    let path;
    let known = std::mem::take(&mut request.headers).into_iter();
    // Of several values under one name the first has the name.
    let known = known.filter_map(|(name, value)| Some((name?, value)));
    let mut request_headers = Headers(known.collect());
    match transport {
        Transport::Grpc => {
            path = MODEL_INFER.to_owned();
            describe_grpc(&mut request_headers, &request.body);
        }
        Transport::Http => {
            path = path_of(&request)?;
        }
    }
    let status = response.is_some().then_some(200);
    let latency_micros = response.as_ref().and_then(|response| {
        let micros = response
            .occurred_micros?
            .checked_sub(request.occurred_micros?)?;
        u32::try_from(micros).ok().filter(|micros| *micros > 0)
    });
    let response = response.map_or_else(Message::default, |response| {
        let mut headers = Headers::default();
        if transport == Transport::Grpc {
            describe_grpc(&mut headers, &response.body);
            // The trailers are lost. But a call that succeeded has a message.
            let code = if response.body.is_empty() { "2" } else { "0" };
            set(&mut headers, GRPC_STATUS, code);
        }
        message(headers, response.body)
    });
    Ok(Exchange {
        transport,
        path,
        status,
        response,
        ending: Ending::Complete,
        started_micros: request.occurred_micros.unwrap_or(request.received_micros),
        latency_micros,
        draw: draw_of(&request.key),
        held,
        request: message(request_headers, request.body),
    })
}

fn message(headers: Headers, body: Bytes) -> Message {
    let body = if body.is_empty() { vec![] } else { vec![body] };
    Message { headers, body }
}

/// Says in the headers what the frame is.
fn describe_grpc(headers: &mut Headers, frame: &[u8]) {
    replace(headers, header::CONTENT_TYPE, "application/grpc");
    if let [1, _, _, _, _, message @ ..] = frame
        && is_gzip(message)
    {
        set(headers, GRPC_ENCODING, "gzip");
    }
}

fn set(headers: &mut Headers, name: HeaderName, value: &str) {
    if headers.get(name.as_str()).is_none() {
        replace(headers, name, value);
    }
}

fn replace(headers: &mut Headers, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.0.retain(|(known, _)| *known != name);
        headers.0.push((name, value));
    }
}

/// A path that names the model. Events do not say which one the call had; which protocol it was, the
/// keys of its body tell the decoder.
fn path_of(request: &Half) -> Result<String, Fault> {
    if request.model.is_empty() {
        // Somebody sends events to the path of the call itself.
        let posted = request.path.split('?').next().unwrap_or_default();
        return Watched::of(&Method::POST, posted, &http::HeaderMap::new())
            .map(|_| request.path.as_ref().to_owned())
            .ok_or_else(|| {
                let detail = "an event does not say which model it is of";
                Fault::new(Undecodable::Format, detail)
            });
    }
    let escaped = |text| Cow::from(utf8_percent_encode(text, ESCAPED));
    let model = escaped(&request.model);
    Ok(match request.version.as_str() {
        "" => format!("/v2/models/{model}/infer"),
        version => format!("/v2/models/{model}/versions/{}/infer", escaped(version)),
    })
}
