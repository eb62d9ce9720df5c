//! One request and its response.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HOST, UPGRADE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Response, StatusCode, Uri, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use tokio::time::timeout;

use super::answer::{incomplete, unavailable};
use super::body::{Passing, RequestBody, ResponseBody};
use super::expect::Expecting;
use super::fault::{Fault, Meaning, meaning, refused};
use super::flight::Flight;
use super::line::{Line, Unreachable, lock};
use super::tap::Open;
use crate::ingest::seen::{Ending, Watched};

/// How long the rest of a request is waited for that found no model server.
const REST_OF_REQUEST: Duration = Duration::from_secs(1);

/// Why there is no response.
enum Failure {
    /// There is no connection; the body of the request has not been read.
    Unreachable(Unreachable, Box<RequestBody>),
    /// The connection ended, or the call on it.
    Broken(hyper::Error),
}

/// Carries a request to the model server and its response back.
///
/// # Errors
/// When the model server resets the call: the client gets the same reset.
pub(super) async fn carry(
    line: Arc<Line>,
    mut request: Request<Incoming>,
) -> Result<Response<ResponseBody>, Fault> {
    let is_http2 = request.version() == Version::HTTP_2;
    let headers = request.headers();
    let kind = headers.get(CONTENT_TYPE).map(|kind| kind.as_bytes());
    let is_grpc = is_http2 && kind.is_some_and(|kind| kind.starts_with(b"application/grpc"));
    let watched = Watched::of(request.method(), request.uri().path(), headers);
    let flight = Flight::begin(line.server.clone(), watched.is_some());
    let mut open = watched.and_then(|watched| Open::begin(&line.server, watched, &request));

    let tap = open.as_ref().map(Open::tap);
    let sent = if is_http2 {
        name_authority(&mut request);
        let request = request.map(|body| RequestBody::new(body, tap, None, true));
        send_http2(&line, request).await
    } else {
        let is_connect = request.method() == Method::CONNECT;
        let may_leave = is_connect || request.headers().contains_key(UPGRADE);
        let upgrade = may_leave.then(|| hyper::upgrade::on(&mut request));
        let expecting = Expecting::of(&mut request);
        let request = request.map(|body| RequestBody::new(body, tap, expecting, false));
        line.leaving.store(may_leave, Ordering::Release);
        let mut sent = send_http1(&line, request).await;
        if let (Some(downstream), Ok(response)) = (upgrade, &mut sent)
            && leaves_http(is_connect, response.status())
        {
            *lock(&line.tunnel) = Some((downstream, hyper::upgrade::on(response)));
        } else {
            line.leaving.store(false, Ordering::Release);
        }
        sent
    };

    let why = match sent {
        Ok(response) => return Ok(pass_back(response, flight, open, is_grpc)),
        Err(Failure::Unreachable(why, body)) => {
            if let Some(open) = open.take() {
                tokio::spawn(read_on(*body, open));
            }
            why
        }
        Err(Failure::Broken(error)) => match meaning(&error) {
            Meaning::Reset => {
                if let Some(open) = open {
                    open.end(Ending::Unavailable);
                }
                return Err(error.into());
            }
            Meaning::Unprocessed => {
                if let Some(open) = open {
                    open.end(Ending::Unavailable);
                }
                return Err(refused());
            }
            Meaning::Request if is_http2 => return Err(error.into()),
            Meaning::Request => return Ok(incomplete()),
            Meaning::Gone => {
                let forward = &line.server.forward;
                let target = if is_http2 {
                    &forward.upstream
                } else {
                    &forward.http_upstream
                };
                format!("the model server at {target} went away: {error}").into()
            }
        },
    };
    if let Some(open) = open {
        open.end(Ending::Unavailable);
    }
    crate::warn_limited!("forward unavailable", "{why}");
    Ok(unavailable(is_grpc, &why))
}

/// Whether a connection carries no more HTTP after an answer
/// ([RFC 9110](https://www.rfc-editor.org/rfc/rfc9110), sections 7.8 and 9.3.6).
fn leaves_http(is_connect: bool, status: StatusCode) -> bool {
    status == StatusCode::SWITCHING_PROTOCOLS || is_connect && status.is_success()
}

fn unreachable(why: Unreachable, request: Request<RequestBody>) -> Failure {
    Failure::Unreachable(why, Box::new(request.into_body()))
}

/// Reads what the client sends of a call that found no model server, so that it counts as an error of
/// the model that it is for: the name is in the body. It costs the client nothing, who has the answer.
async fn read_on(mut body: RequestBody, open: Open) {
    let read = async { while let Some(Ok(_)) = body.frame().await {} };
    let _ = timeout(REST_OF_REQUEST, read).await;
    open.end(Ending::Unavailable);
}

/// The response with its body watched.
fn pass_back(
    response: Response<Incoming>,
    flight: Flight,
    open: Option<Open>,
    is_grpc: bool,
) -> Response<ResponseBody> {
    if let Some(open) = &open {
        open.answered(response.status(), response.headers());
    }
    response.map(|body| {
        let mut passing = Passing {
            body,
            tap: open,
            flight,
            is_grpc,
            is_over: false,
        };
        passing.end_if_empty();
        ResponseBody::Passing(passing)
    })
}

/// HTTP/2 allows a request to name its host in `host` only, or not at all; to send it on, hyper needs
/// `:authority`.
fn name_authority(request: &mut Request<Incoming>) {
    if request.uri().authority().is_some() {
        return;
    }
    let host = request.headers().get(HOST);
    let named = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.authority = Some(named.unwrap_or_else(|| Authority::from_static("localhost")));
    parts.scheme.get_or_insert(Scheme::HTTP);
    parts
        .path_and_query
        .get_or_insert(PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
}

async fn send_http2(
    line: &Line,
    mut request: Request<RequestBody>,
) -> Result<Response<Incoming>, Failure> {
    let mut is_second = false;
    loop {
        let mut sender = match line.http2().await {
            Ok(sender) => sender,
            Err(why) => return Err(unreachable(why, request)),
        };
        match sender.try_send_request(request).await {
            Ok(response) => return Ok(response),
            Err(error) => request = unsent(error, is_second)?,
        }
        is_second = true;
    }
}

async fn send_http1(
    line: &Line,
    mut request: Request<RequestBody>,
) -> Result<Response<Incoming>, Failure> {
    let mut slot = line.http1.lock().await;
    let mut is_second = false;
    loop {
        let mut sender = match slot.take() {
            Some(sender) if !sender.is_closed() => sender,
            _ => match line.open_http1().await {
                Ok(sender) => sender,
                Err(why) => return Err(unreachable(why, request)),
            },
        };
        if sender.ready().await.is_ok() {
            match sender.try_send_request(request).await {
                Ok(response) => {
                    *slot = Some(sender);
                    return Ok(response);
                }
                Err(error) => request = unsent(error, is_second)?,
            }
        } else if is_second {
            let why = format!(
                "the model server at {} closes connections at once",
                line.server.forward.http_upstream
            );
            return Err(unreachable(why.into(), request));
        }
        is_second = true;
    }
}

/// The request, if it never left and may be sent once more.
fn unsent(
    mut error: TrySendError<Request<RequestBody>>,
    is_second: bool,
) -> Result<Request<RequestBody>, Failure> {
    match error.take_message() {
        Some(request) if !is_second => Ok(request),
        _ => Err(Failure::Broken(error.into_error())),
    }
}
