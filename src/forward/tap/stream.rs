//! A call with many requests and responses: handed over part by part, as it passes.
//!
//! It may last for days, so nothing of it is kept here. Once a part could not be handed over, what
//! follows cannot be understood: the decoder is told so, and then of the end only.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;

use super::pieces::keep;
use crate::forward::serve::Server;
use crate::ingest::seen::{Ending, Exchange, Headers, Seen, Shed, Side, StreamPart};

/// Numbers of streams, of all proxies of this process.
static NUMBERS: AtomicU64 = AtomicU64::new(0);

/// A call that is going on.
pub(super) struct Stream {
    server: Arc<Server>,
    number: u64,
    trailers: Headers,
    state: State,
    started_micros: i64,
    began: Instant,
}

/// What the decoder knows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Everything so far.
    Whole,
    /// That something is missing is still to be told.
    Broken,
    /// That something is missing.
    Lost,
}

impl Stream {
    /// Tells that a call begins; `None` when nobody can be told.
    pub(super) fn open(server: Arc<Server>, exchange: Box<Exchange>) -> Option<Self> {
        let stream = Self {
            server,
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            trailers: Headers::default(),
            state: State::Whole,
            started_micros: exchange.started_micros,
            began: Instant::now(),
        };
        let part = stream.part(StreamPart::Opened(exchange));
        let observer = &stream.server.forward.observer;
        if observer.tell(part) {
            return Some(stream);
        }
        observer.counts().see();
        observer.shed(Shed::QueueFull);
        None
    }

    pub(super) fn answered(&mut self, headers: &HeaderMap) {
        self.tell(StreamPart::Answered(Headers::of(headers, &[])));
    }

    pub(super) fn data(&mut self, from: Side, data: &Bytes) {
        if self.state != State::Whole {
            return self.tell_lost();
        }
        let held = self.server.forward.observer.budget().hold();
        match keep(data, held) {
            Some((bytes, held)) => {
                let at_micros = self.now_micros();
                self.tell(StreamPart::Data {
                    from,
                    at_micros,
                    bytes,
                    held: Some(held),
                });
            }
            None => self.lose(Shed::Budget),
        }
    }

    pub(super) fn trailers(&mut self, trailers: &HeaderMap) {
        self.trailers = Headers::of(trailers, &[]);
    }

    pub(super) fn end(mut self, ending: Ending) {
        self.tell_lost();
        let observer = &self.server.forward.observer;
        let is_whole = self.state == State::Whole;
        let at_micros = self.now_micros();
        let trailers = std::mem::take(&mut self.trailers);
        let part = self.part(StreamPart::Ended {
            ending,
            at_micros,
            trailers,
        });
        if !observer.tell(part) && is_whole {
            observer.counts().see();
            observer.shed(Shed::QueueFull);
        }
    }

    fn tell(&mut self, part: StreamPart) {
        if self.state != State::Whole {
            return self.tell_lost();
        }
        if !self.server.forward.observer.tell(self.part(part)) {
            self.lose(Shed::QueueFull);
        }
    }

    fn lose(&mut self, reason: Shed) {
        let observer = &self.server.forward.observer;
        observer.counts().see();
        observer.shed(reason);
        self.state = State::Broken;
        self.tell_lost();
    }

    fn tell_lost(&mut self) {
        let lost = self.part(StreamPart::Lost);
        if self.state == State::Broken && self.server.forward.observer.tell(lost) {
            self.state = State::Lost;
        }
    }

    fn part(&self, part: StreamPart) -> Seen {
        Seen::Stream {
            stream: self.number,
            part,
        }
    }

    fn now_micros(&self) -> i64 {
        let since = i64::try_from(self.began.elapsed().as_micros());
        self.started_micros
            .saturating_add(since.unwrap_or(i64::MAX))
    }
}
