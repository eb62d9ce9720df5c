//! What is kept of a call that is watched, while it passes.
//!
//! The request is read by the connection upstream and the response by the connection of the client, so
//! both have a [`Tap`] on one recording. Whoever carries the call holds [`Open`]: dropped before the
//! end, the call was cancelled.

mod pieces;
mod stream;
mod unary;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};

use super::draw::draw;
use super::line::lock;
use super::serve::Server;
use crate::clock::wall_micros;
use crate::ingest::seen::{Ending, Exchange, Headers, Message, Side, Watched};
use stream::Stream;
use unary::Unary;

/// What has been kept of a call so far.
enum Recording {
    Unary(Unary),
    Stream(Stream),
    /// The call has ended, or cannot be kept.
    Over,
}

/// Sees what passes.
#[derive(Clone)]
pub(super) struct Tap(Arc<Mutex<Recording>>);

/// A call that is being kept.
pub(super) struct Open(Tap);

impl Open {
    /// Begins to keep a call, unless it is left out by sampling.
    pub(super) fn begin<B>(
        server: &Arc<Server>,
        watched: Watched,
        request: &Request<B>,
    ) -> Option<Self> {
        let forward = &server.forward;
        let counts = forward.observer.counts();
        let draw = draw();
        let sampling = forward.sampling.load();
        if !sampling.may_take(draw, request.headers()) {
            counts.see();
            counts.leave_out();
            return None;
        }
        // How many calls there are in a stream is seen when it is decoded.
        if !watched.is_stream {
            counts.see();
        }
        let uri = request.uri();
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let exchange = Box::new(Exchange {
            transport: watched.transport,
            path: path.to_owned(),
            request: Message {
                headers: Headers::of(request.headers(), &sampling.id_headers),
                body: Vec::new(),
            },
            status: None,
            response: Message::default(),
            ending: Ending::Cancelled,
            started_micros: wall_micros(),
            latency_micros: None,
            draw,
            held: None,
        });
        let recording = if watched.is_stream {
            Recording::Stream(Stream::open(server.clone(), exchange)?)
        } else {
            Recording::Unary(Unary::new(server.clone(), exchange))
        };
        Some(Self(Tap(Arc::new(Mutex::new(recording)))))
    }

    /// A tap on it.
    pub(super) fn tap(&self) -> Tap {
        self.0.clone()
    }

    /// The head of the response came.
    pub(super) fn answered(&self, status: StatusCode, headers: &HeaderMap) {
        match &mut *lock(&self.0.0) {
            Recording::Unary(unary) => unary.answered(status, headers),
            Recording::Stream(stream) => stream.answered(headers),
            Recording::Over => {}
        }
    }

    /// A piece of the response came.
    pub(super) fn data(&self, data: &Bytes) {
        self.0.data(Side::Server, data);
    }

    /// The trailers came.
    pub(super) fn trailers(&self, trailers: &HeaderMap) {
        match &mut *lock(&self.0.0) {
            Recording::Unary(unary) => unary.trailers(trailers),
            Recording::Stream(stream) => stream.trailers(trailers),
            Recording::Over => {}
        }
    }

    /// The call has ended.
    pub(super) fn end(self, ending: Ending) {
        self.0.end(ending);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.end(Ending::Cancelled);
    }
}

impl Tap {
    /// A piece of a body came.
    pub(super) fn data(&self, from: Side, data: &Bytes) {
        if data.is_empty() {
            return;
        }
        let mut recording = lock(&self.0);
        match &mut *recording {
            Recording::Unary(unary) => {
                if let Err(reason) = unary.data(from, data) {
                    unary.shed(reason);
                    *recording = Recording::Over;
                }
            }
            Recording::Stream(stream) => stream.data(from, data),
            Recording::Over => {}
        }
    }

    /// Hands over what was kept; only the first end counts.
    fn end(&self, ending: Ending) {
        match std::mem::replace(&mut *lock(&self.0), Recording::Over) {
            Recording::Unary(unary) => unary.end(ending),
            Recording::Stream(stream) => stream.end(ending),
            Recording::Over => {}
        }
    }
}
