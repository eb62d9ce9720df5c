//! What a client is answered when the model server cannot: in the words of its protocol.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::body::ResponseBody;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// gRPC's UNAVAILABLE.
const UNAVAILABLE: HeaderValue = HeaderValue::from_static("14");

/// The whole response to a call for which there is no model server.
pub(super) fn unavailable(is_grpc: bool, why: &str) -> Response<ResponseBody> {
    if is_grpc {
        let mut response = Response::new(ResponseBody::ours(None));
        *response.headers_mut() = unavailable_trailers(why);
        let kind = HeaderValue::from_static("application/grpc");
        response.headers_mut().insert(CONTENT_TYPE, kind);
        return response;
    }
    error(StatusCode::SERVICE_UNAVAILABLE, why)
}

/// The response to a request whose body is broken off, or is no HTTP.
pub(super) fn incomplete() -> Response<ResponseBody> {
    error(
        StatusCode::BAD_REQUEST,
        "the body of the request did not come whole",
    )
}

fn error(status: StatusCode, why: &str) -> Response<ResponseBody> {
    let body = serde_json::json!({ "error": why }).to_string();
    let mut response = Response::new(ResponseBody::ours(Some(body.into())));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// The end of a gRPC call whose model server is gone.
pub(super) fn unavailable_trailers(why: &str) -> HeaderMap {
    let mut trailers = HeaderMap::with_capacity(3);
    trailers.insert(GRPC_STATUS, UNAVAILABLE);
    if let Ok(message) = HeaderValue::try_from(percent_encoded(why)) {
        trailers.insert(GRPC_MESSAGE, message);
    }
    trailers
}

/// Text as gRPC writes it in `grpc-message`
/// ([gRPC over HTTP/2](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md), Percent-Encoded).
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'%' | 0..0x20 | 0x7f.. => encoded.push_str(&format!("%{byte:02X}")),
            _ => encoded.push(char::from(byte)),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_percent_encoded() {
        assert_eq!(percent_encoded("50 % of é\n"), "50 %25 of %C3%A9%0A");
    }
}
