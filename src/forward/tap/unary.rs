//! A call with one request and one response: kept whole, handed over at its end.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::pieces::Pieces;
use crate::forward::serve::Server;
use crate::ingest::seen::{Ending, Exchange, Headers, Held, Seen, Shed, Side};

/// A call as far as it has come.
pub(super) struct Unary {
    server: Arc<Server>,
    exchange: Box<Exchange>,
    request: Pieces,
    response: Pieces,
    bytes: usize,
    held: Held,
    began: Instant,
}

impl Unary {
    pub(super) fn new(server: Arc<Server>, exchange: Box<Exchange>) -> Self {
        let held = server.forward.observer.budget().hold();
        Self {
            server,
            exchange,
            request: Pieces::default(),
            response: Pieces::default(),
            bytes: 0,
            held,
            began: Instant::now(),
        }
    }

    pub(super) fn answered(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.exchange.status = Some(status.as_u16());
        self.exchange.response.headers = Headers::of(headers, &[]);
    }

    /// Keeps a piece of a body; the error says why the call cannot be kept.
    pub(super) fn data(&mut self, from: Side, data: &Bytes) -> Result<(), Shed> {
        self.bytes += data.len();
        if self.bytes > self.server.forward.call_bytes {
            return Err(Shed::TooLarge);
        }
        let pieces = match from {
            Side::Client => &mut self.request,
            Side::Server => &mut self.response,
        };
        if pieces.add(data, &mut self.held) {
            Ok(())
        } else {
            Err(Shed::Budget)
        }
    }

    pub(super) fn trailers(&mut self, trailers: &HeaderMap) {
        let mut trailers = Headers::of(trailers, &[]);
        self.exchange.response.headers.0.append(&mut trailers.0);
    }

    /// Counts a call that cannot be kept.
    pub(super) fn shed(&self, reason: Shed) {
        self.server.forward.observer.shed(reason);
    }

    pub(super) fn end(mut self, ending: Ending) {
        if ending == Ending::Complete {
            let micros = self.began.elapsed().as_micros();
            self.exchange.latency_micros = Some(u32::try_from(micros).unwrap_or(u32::MAX));
        }
        self.exchange.ending = ending;
        self.exchange.request.body = self.request.into_body();
        self.exchange.response.body = self.response.into_body();
        self.exchange.held = Some(self.held);
        self.server
            .forward
            .observer
            .offer(Seen::Call(self.exchange));
    }
}
