//! A bound on the bytes of messages that arrive or are decoded, and of the queue, together.
//!
//! A limit on each message bounds no memory: a thousand calls may each stop one byte short of it. So
//! the bytes of all messages are counted together, from their first byte until they are taken or
//! refused, and the call that goes beyond the limit fails with RESOURCE_EXHAUSTED.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, SizeHint};
use tonic::Status;
use tonic::codegen::Service;
use tonic::server::NamedService;

use super::answer::later;
use crate::queue::Queue;

/// Bytes before each message: a flag, and the length in big-endian.
const PREFIX: usize = 5;

/// A service whose requests are counted while they arrive.
#[derive(Clone, Debug)]
pub(super) struct Counted<S> {
    service: S,
    total: Arc<Total>,
}

#[derive(Debug)]
struct Total {
    /// Of messages that have not been handed over.
    bytes: AtomicUsize,
    queue: Arc<Queue>,
    limit: usize,
}

impl<S> Counted<S> {
    /// Lets the messages of all calls and the queue have at most `limit` bytes together.
    pub(super) fn new(service: S, queue: Arc<Queue>, limit: usize) -> Self {
        let bytes = AtomicUsize::new(0);
        Self {
            service,
            total: Arc::new(Total {
                bytes,
                queue,
                limit,
            }),
        }
    }
}

impl<S: NamedService> NamedService for Counted<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<http::Request<tonic::body::Body>> for Counted<S>
where
    S: Service<http::Request<tonic::body::Body>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> S::Future {
        let total = self.total.clone();
        self.service.call(request.map(|inner| {
            tonic::body::Body::new(Arriving {
                inner,
                messages: Messages::default(),
                counted: 0,
                total,
            })
        }))
    }
}

/// A body of which the bytes of the messages are counted that have not been handed over.
struct Arriving {
    inner: tonic::body::Body,
    messages: Messages,
    counted: usize,
    total: Arc<Total>,
}

impl Arriving {
    /// Counts so many bytes from now on; returns those of all calls.
    fn count(&mut self, bytes: usize) -> usize {
        let all = if bytes >= self.counted {
            let more = bytes - self.counted;
            self.total.bytes.fetch_add(more, Ordering::Relaxed) + more
        } else {
            let less = self.counted - bytes;
            self.total.bytes.fetch_sub(less, Ordering::Relaxed) - less
        };
        self.counted = bytes;
        all
    }

    /// Takes up a frame of the body. A message begins only if there is room for all of it; should
    /// several have begun at once and not all find room, those that grow beyond it fail.
    fn pass(&mut self, data: &[u8]) -> Result<(), Status> {
        let before = self.messages.bytes;
        let finished = self.messages.pass(data);
        let unfinished = self.messages.bytes;
        let all = self.count(finished + unfinished);
        let has_begun = unfinished > 0 && (before == 0 || finished > 0);
        let to_come = if has_begun {
            self.messages.length() - unfinished
        } else {
            0
        };
        if unfinished > 0 && all + to_come + self.total.queue.bytes() > self.total.limit {
            return Err(later("too many bytes of messages at once"));
        }
        Ok(())
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        // Whoever asks for more has handed over, or refused, the messages that were complete.
        let unfinished = self.messages.bytes;
        self.count(unfinished);
        let mut next = self.inner.frame();
        let frame = ready!(Pin::new(&mut next).poll(context));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
            && let Err(status) = self.pass(data)
        {
            return Poll::Ready(Some(Err(status)));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.total.bytes.fetch_sub(self.counted, Ordering::Relaxed);
    }
}

/// Where messages begin and end in the bytes of a body.
#[derive(Debug, Default)]
struct Messages {
    prefix: [u8; PREFIX],
    /// Bytes of the prefix that have come.
    prefix_bytes: usize,
    /// Bytes of the unfinished message that have come.
    bytes: usize,
}

impl Messages {
    /// Follows `data`; returns how many bytes the messages have that are complete with it.
    fn pass(&mut self, mut data: &[u8]) -> usize {
        let mut finished = 0;
        while !data.is_empty() {
            let missing = PREFIX - self.prefix_bytes;
            if missing > 0 {
                let (more, rest) = data.split_at(missing.min(data.len()));
                self.prefix[self.prefix_bytes..][..more.len()].copy_from_slice(more);
                self.prefix_bytes += more.len();
                data = rest;
                if self.prefix_bytes < PREFIX {
                    break;
                }
            }
            let length = self.length();
            let more = data.len().min(length - self.bytes);
            self.bytes += more;
            data = &data[more..];
            if self.bytes == length {
                finished += length;
                (self.prefix_bytes, self.bytes) = (0, 0);
            }
        }
        finished
    }

    /// Bytes that the prefix says the unfinished message has.
    fn length(&self) -> usize {
        let [_, a, b, c, d] = self.prefix;
        u32::from_be_bytes([a, b, c, d]) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_followed_wherever_they_are_cut() {
        let wire = [
            &[0, 0, 0, 0, 3, 1, 2, 3][..],
            &[0, 0, 0, 0, 0],
            &[0, 0, 0, 0, 2, 9],
        ];
        let wire = wire.concat();
        for first in 0..=wire.len() {
            for second in first..=wire.len() {
                let mut messages = Messages::default();
                let parts = [&wire[..first], &wire[first..second], &wire[second..]];
                let finished: usize = parts.map(|part| messages.pass(part)).iter().sum();
                assert_eq!((finished, messages.bytes), (3, 1), "{first} {second}");
                assert_eq!((messages.pass(&[9]), messages.bytes), (2, 0));
            }
        }
    }
}
