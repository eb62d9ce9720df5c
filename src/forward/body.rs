//! The bodies that pass: frame by frame as they come, with the end and the length they truly have.
//!
//! A body that did not tell its end would turn the last empty frame of each call into one more, and h2
//! allows a hundred of those in the life of a connection.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::answer::unavailable_trailers;
use super::expect::Expecting;
use super::fault::{Fault, Meaning, meaning, refused};
use super::flight::Flight;
use super::tap::{Open, Tap};
use crate::ingest::seen::{Ending, Side};

/// What the client sends.
pub(super) struct RequestBody {
    body: Incoming,
    tap: Option<Tap>,
    expecting: Option<Box<Expecting>>,
    is_http2: bool,
}

impl RequestBody {
    pub(super) fn new(
        body: Incoming,
        tap: Option<Tap>,
        expecting: Option<Box<Expecting>>,
        is_http2: bool,
    ) -> Self {
        Self {
            body,
            tap,
            expecting,
            is_http2,
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        if let Some(expecting) = &mut self.expecting {
            ready!(expecting.poll(cx));
            self.expecting = None;
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let (Some(Ok(frame)), Some(tap)) = (&frame, &self.tap)
            && let Some(data) = frame.data_ref()
        {
            tap.data(Side::Client, data);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.is_http2 && self.body.is_end_stream() {
            // Of a length of nothing hyper would make a header that the client did not send.
            return SizeHint::default();
        }
        self.body.size_hint()
    }
}

/// What the client gets.
pub(super) enum ResponseBody {
    /// What the model server sends.
    Passing(Passing),
    /// What we say.
    Ours(Option<Bytes>),
}

/// A response on its way.
pub(super) struct Passing {
    pub(super) body: Incoming,
    pub(super) tap: Option<Open>,
    pub(super) flight: Flight,
    /// Whether a call whose model server goes away can be ended with a status.
    pub(super) is_grpc: bool,
    pub(super) is_over: bool,
}

impl ResponseBody {
    pub(super) fn ours(body: Option<Bytes>) -> Self {
        Self::Ours(body)
    }
}

impl Passing {
    /// Ends at once if there is nothing to come.
    pub(super) fn end_if_empty(&mut self) {
        if self.body.is_end_stream() {
            self.end(Ending::Complete);
        }
    }

    fn end(&mut self, ending: Ending) {
        self.is_over = true;
        if let Some(tap) = self.tap.take() {
            tap.end(ending);
        }
    }

    /// What the client gets instead of a frame that did not come.
    fn broken(&mut self, error: hyper::Error) -> Result<Frame<Bytes>, Fault> {
        self.end(Ending::Unavailable);
        match meaning(&error) {
            Meaning::Unprocessed => Err(refused()),
            Meaning::Gone if self.is_grpc => {
                let target = &self.flight.server().forward.upstream;
                let why = format!("the model server at {target} went away: {error}");
                Ok(Frame::trailers(unavailable_trailers(&why)))
            }
            Meaning::Gone | Meaning::Reset | Meaning::Request => Err(error.into()),
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let passing = match &mut *self {
            Self::Ours(body) => return Poll::Ready(body.take().map(|data| Ok(Frame::data(data)))),
            Self::Passing(passing) => passing,
        };
        if passing.is_over {
            return Poll::Ready(None);
        }
        let frame = match ready!(Pin::new(&mut passing.body).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Poll::Ready(Some(passing.broken(error))),
            None => {
                passing.end(Ending::Complete);
                return Poll::Ready(None);
            }
        };
        if let Some(tap) = &passing.tap {
            if let Some(data) = frame.data_ref() {
                tap.data(data);
            } else if let Some(trailers) = frame.trailers_ref() {
                tap.trailers(trailers);
            }
        }
        if frame.is_trailers() || passing.body.is_end_stream() {
            passing.end(Ending::Complete);
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Ours(body) => body.is_none(),
            Self::Passing(passing) => passing.is_over || passing.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Ours(body) => SizeHint::with_exact(body.as_ref().map_or(0, Bytes::len) as u64),
            Self::Passing(passing) => passing.body.size_hint(),
        }
    }
}
