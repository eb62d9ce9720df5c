//! Calls and events as they were on the wire.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::Held;

/// Something that was seen, on its way to the decoder.
#[derive(Debug)]
pub enum Seen {
    /// A call with one request and one response.
    Call(Box<Exchange>),
    /// A part of a call with many of both.
    Stream {
        /// Which call: unique in this process.
        stream: u64,
        /// What was seen of it.
        part: StreamPart,
    },
    /// Half a call that somebody else has seen: a CloudEvent.
    Event(Box<Event>),
}

/// How a call was carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// gRPC: bodies are frames of five bytes and a message.
    Grpc,
    /// HTTP with a body as it is.
    Http,
}

/// One request and its response.
#[derive(Debug)]
pub struct Exchange {
    /// How it was carried.
    pub transport: Transport,
    /// Path and query of the request.
    pub path: String,
    /// What the client sent.
    pub request: Message,
    /// HTTP status of the response; `None` when there was no response.
    pub status: Option<u16>,
    /// What the server answered; its headers include the trailers.
    pub response: Message,
    /// How it ended.
    pub ending: Ending,
    /// When its first byte came, in microseconds since the Unix epoch.
    pub started_micros: i64,
    /// From its first byte to the last byte of the response, in microseconds; `None` when not known.
    pub latency_micros: Option<u32>,
    /// Where the call stands among all, 0 … 1: it is looked at if this is below the sampling rate of
    /// its model. Random, or made from what identifies the call.
    pub draw: f64,
    /// Its part of the budget, until it is decoded.
    pub held: Option<Held>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With the end of the response.
    Complete,
    /// The client went away.
    Cancelled,
    /// The server could not be reached, or went away.
    Unavailable,
}

/// The headers that decoding asks for, and a body.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// Those of [`Headers::WANTED`] that there were, and those that settings name as identity.
    pub headers: Headers,
    /// The body, in the pieces that it came in.
    pub body: Vec<Bytes>,
}

/// A few headers.
#[derive(Clone, Debug, Default)]
pub struct Headers(pub Vec<(HeaderName, HeaderValue)>);

/// A part of a call with many requests and responses.
#[derive(Debug)]
pub enum StreamPart {
    /// It begins. The exchange has its path, headers of the request, draw and time.
    Opened(Box<Exchange>),
    /// The server's headers came.
    Answered(Headers),
    /// A piece of the body, of whatever length, cut anywhere.
    Data {
        /// Who sent it.
        from: Side,
        /// When it came, in microseconds since the Unix epoch.
        at_micros: i64,
        /// The bytes.
        bytes: Bytes,
        /// Their part of the budget.
        held: Option<Held>,
    },
    /// Something of this call could not be kept: what follows cannot be understood.
    Lost,
    /// It ended, with these trailers.
    Ended {
        /// How.
        ending: Ending,
        /// When, in microseconds since the Unix epoch.
        at_micros: i64,
        /// The trailers.
        trailers: Headers,
    },
}

/// Who sent a piece of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The client.
    Client,
    /// The server.
    Server,
}

/// A CloudEvent or similar as it was posted.
#[derive(Debug)]
pub struct Event {
    /// Path and query that it was posted to.
    pub path: String,
    /// All its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// When it came, in microseconds since the Unix epoch.
    pub received_micros: i64,
    /// Its part of the budget.
    pub held: Option<Held>,
}

impl Message {
    /// The body in one piece; copied only if it came in several.
    pub fn into_body(self) -> Bytes {
        match <[Bytes; 1]>::try_from(self.body) {
            Ok([whole]) => whole,
            Err(pieces) => {
                let mut whole = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
                pieces
                    .iter()
                    .for_each(|piece| whole.extend_from_slice(piece));
                whole.freeze()
            }
        }
    }
}

impl Headers {
    /// What decoding looks at, of requests, responses and trailers.
    pub const WANTED: [HeaderName; 6] = [
        http::header::CONTENT_TYPE,
        http::header::CONTENT_ENCODING,
        HeaderName::from_static("grpc-encoding"),
        HeaderName::from_static("grpc-status"),
        HeaderName::from_static("inference-header-content-length"),
        HeaderName::from_static("traceparent"),
    ];

    /// The first of each of `all` that is wanted, or named in `also`. There are few: comparing names
    /// costs less than looking them up.
    pub fn of(all: &HeaderMap, also: &[HeaderName]) -> Self {
        let wanted = Self::WANTED;
        let mut found: Vec<(HeaderName, HeaderValue)> = Vec::new();
        for (name, value) in all {
            let is_wanted = wanted.contains(name) || also.contains(name);
            if is_wanted && found.iter().all(|(known, _)| known != name) {
                found.push((name.clone(), value.clone()));
            }
        }
        Self(found)
    }

    /// A header as text; `None` when it is not there or no text.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        value.to_str().ok()
    }
}
