//! What is answered on the events port, and how a body is taken in.
//!
//! An event is answered as soon as its last byte is there, whatever becomes of it. Loggers do not
//! send again what was refused; they write it into the log of the model's pod (ModelMesh with the
//! payload). So an event for which there is no room is answered like any other, and counted here.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, request};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use super::serve::BODY_TIME;
use crate::clock::wall_micros;
use crate::ingest::seen::{Event, Held, Observer, Seen, Shed};

/// What the events port does with posts.
#[derive(Debug)]
pub(super) struct Posts {
    pub(super) observer: Observer,
    /// Bytes of one body.
    pub(super) message_bytes: usize,
}

/// What became of a body.
enum Taken {
    Whole(Vec<u8>, Held),
    Shed(Shed),
    /// The client went away, or took too long.
    Broken(StatusCode),
}

impl Posts {
    /// Answers a request.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        match (request.method(), request.uri().path()) {
            (&Method::POST, _) => self.take(request).await,
            (&Method::GET | &Method::HEAD, "/-/healthy") => text(StatusCode::OK, "healthy\n"),
            (&Method::GET | &Method::HEAD, "/") => text(
                StatusCode::OK,
                "driftgauge takes inference events here: POST CloudEvents of KServe or Seldon, or \
                 payloads of ModelMesh, to any path.\n",
            ),
            _ => {
                let mut refused = text(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "Events are sent with POST.\n",
                );
                let headers = refused.headers_mut();
                headers.insert(ALLOW, HeaderValue::from_static("POST"));
                refused
            }
        }
    }

    async fn take(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let accepted = accepted(&head.headers);
        let counts = self.observer.counts();
        let taken = timeout(BODY_TIME, self.collect(&head, body)).await;
        match taken.unwrap_or(Taken::Broken(StatusCode::REQUEST_TIMEOUT)) {
            Taken::Whole(body, held) => {
                // Which calls there are is seen when they are paired.
                let event = Seen::Event(Box::new(event(head, body, held)));
                if !self.observer.offer(event) {
                    counts.see();
                }
                text(accepted, "")
            }
            Taken::Shed(reason) => {
                counts.see();
                self.observer.shed(reason);
                match reason {
                    Shed::TooLarge => {
                        text(StatusCode::PAYLOAD_TOO_LARGE, "The event is too large.\n")
                    }
                    Shed::Budget | Shed::QueueFull => text(accepted, ""),
                }
            }
            Taken::Broken(status) => {
                crate::warn_limited!(
                    "an event did not arrive whole",
                    status = status.as_u16(),
                    "an event did not arrive whole; said at most once a minute"
                );
                text(status, "The event did not arrive whole.\n")
            }
        }
    }

    /// Takes the body into one piece of memory, as it comes: what a client only announces is not
    /// held for it. Without room it is read to its end all the same, and forgotten.
    async fn collect(&self, head: &request::Parts, mut body: Incoming) -> Taken {
        let most = self.message_bytes;
        let expected = body.size_hint().exact().map(usize::try_from);
        let expected = match expected {
            None => None,
            Some(Ok(bytes)) if bytes <= most => Some(bytes),
            Some(_) => return Taken::Shed(Shed::TooLarge),
        };
        let mut held = self.observer.budget().hold();
        let mut held = held.grow(head_bytes(head)).then_some(held);
        let mut whole = Vec::new();
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                return Taken::Broken(StatusCode::BAD_REQUEST);
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            length += data.len();
            if length > most {
                return Taken::Shed(Shed::TooLarge);
            }
            if let Some(room) = &mut held {
                if make_room(&mut whole, room, data.len(), expected) {
                    whole.extend_from_slice(&data);
                } else {
                    held = None;
                    whole = Vec::new();
                }
            }
        }
        match held {
            Some(held) => Taken::Whole(whole, held),
            None => Taken::Shed(Shed::Budget),
        }
    }
}

/// Makes room for so many bytes more. The memory at least doubles, so that bytes are seldom moved;
/// all of it is counted. `false`: the budget has no room.
fn make_room(whole: &mut Vec<u8>, held: &mut Held, more: usize, expected: Option<usize>) -> bool {
    let needed = whole.len() + more;
    let capacity = whole.capacity();
    if needed <= capacity {
        return true;
    }
    let doubled = needed.max(2 * capacity);
    // A body is never longer than it says.
    let wanted = expected.map_or(doubled, |expected| doubled.min(expected).max(needed));
    if !held.grow(wanted - capacity) {
        return false;
    }
    whole.reserve_exact(wanted - whole.len());
    true
}

/// Memory that path and headers take, about.
fn head_bytes(head: &request::Parts) -> usize {
    let headers = head.headers.iter();
    let headers = headers.map(|(name, value)| name.as_str().len() + value.len() + 64);
    256 + head.uri.path().len() + headers.sum::<usize>()
}

fn event(head: request::Parts, body: Vec<u8>, held: Held) -> Event {
    Event {
        path: head
            .uri
            .path_and_query()
            .map_or("/", |path| path.as_str())
            .into(),
        headers: head.headers,
        body: body.into(),
        received_micros: wall_micros(),
        held: Some(held),
    }
}

/// 202 says that nobody has looked at it yet. What is no CloudEvent is answered 200: ModelMesh
/// takes all else for a failure, and writes the payload into its log.
fn accepted(headers: &HeaderMap) -> StatusCode {
    let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let is_structured =
        content_type.is_some_and(|kind| kind.starts_with(b"application/cloudevents"));
    if is_structured || headers.contains_key("ce-type") {
        StatusCode::ACCEPTED
    } else {
        StatusCode::OK
    }
}

fn text(status: StatusCode, sentence: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(sentence.as_bytes())));
    *response.status_mut() = status;
    if !sentence.is_empty() {
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, plain);
    }
    response
}
