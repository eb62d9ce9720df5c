//! All calls of `ModelStreamInfer` that are open, within bounds.
//!
//! Parts come as they are seen, and some may be missing: a stream that cannot be understood any more
//! is one fault, and what still comes of it is passed over.

use std::collections::HashMap;

use super::pending::Opened;
use super::stream::{Results, Stream};
use crate::ingest::inference::Fault;
use crate::ingest::seen::StreamPart;
use crate::ingest::{Limits, Undecodable};

/// Streams that may be open at once. One whose end was not seen goes when it is the one that has been
/// silent for longest and another needs its place.
const OPEN: usize = 1_024;

/// The streams that are open. All together take at most [`Limits::buffer_bytes`], but for the part
/// that is being looked at.
#[derive(Debug, Default)]
pub struct Streams {
    open: HashMap<u64, Open>,
    bytes: usize,
    /// Parts seen, to tell which stream has been silent for longest.
    parts: u64,
}

#[derive(Debug)]
struct Open {
    stream: Stream,
    last_part: u64,
}

impl Streams {
    /// Takes a part of a stream and returns the calls that it completes, each once. `unnamed_model` is
    /// as in [`decode`](super::decode).
    ///
    /// Latency is from the last byte of a request to the last byte of its first reply with tensors;
    /// a call of a stream starts when its request has come. Of the replies that follow, the outputs
    /// have the tensors, as [`FurtherReply`](crate::ingest::inference::Unusable::FurtherReply).
    pub fn part(
        &mut self,
        stream: u64,
        part: StreamPart,
        unnamed_model: &str,
        limits: &Limits,
    ) -> Results {
        self.parts += 1;
        let mut results = Results::new();
        if let StreamPart::Opened(exchange) = part {
            if self.open.len() >= OPEN {
                results.extend(self.forget_silent());
            }
            let opened = Stream::new(Opened {
                headers: exchange.request.headers,
                unnamed_model: unnamed_model.to_owned(),
                draw: exchange.draw,
            });
            self.bytes += opened.bytes();
            let last_part = self.parts;
            let open = Open {
                stream: opened,
                last_part,
            };
            if let Some(before) = self.open.insert(stream, open) {
                self.bytes -= before.stream.bytes();
            }
            return results;
        }
        // Taken out, and put back if all is well.
        let Some(mut open) = self.open.remove(&stream) else {
            return results;
        };
        self.bytes -= open.stream.bytes();
        open.last_part = self.parts;
        let understood = match part {
            StreamPart::Opened(_) => return results,
            StreamPart::Ended {
                ending,
                at_micros,
                trailers,
            } => return open.stream.end(ending, at_micros, &trailers, limits),
            StreamPart::Lost => Err(Fault::new(
                Undecodable::Incomplete,
                "a part of a stream was not kept",
            )),
            StreamPart::Answered(headers) => {
                open.stream.answer(headers);
                Ok(())
            }
            StreamPart::Data {
                from,
                at_micros,
                bytes,
                held,
            } => open
                .stream
                .data(from, at_micros, (bytes, held), limits, &mut results),
        };
        let bytes = self.bytes + open.stream.bytes();
        let understood = understood.and_then(|()| {
            let has_room = bytes <= limits.buffer_bytes;
            has_room.then_some(()).ok_or_else(|| {
                let detail = "what waits in streams has more bytes than the limit";
                Fault::new(Undecodable::TooMuchArriving, detail)
            })
        });
        match understood {
            Ok(()) => {
                self.bytes = bytes;
                self.open.insert(stream, open);
            }
            Err(fault) => results.push(Err(fault)),
        }
        results
    }

    /// Bytes of memory that the open streams take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives up the stream that has been silent for longest.
    fn forget_silent(&mut self) -> Results {
        let silent = self.open.iter().min_by_key(|(_, open)| open.last_part);
        let Some(open) = silent
            .map(|(id, _)| *id)
            .and_then(|id| self.open.remove(&id))
        else {
            return Results::new();
        };
        self.bytes -= open.stream.bytes();
        let detail = "too many streams are open, and this one has been silent for longest";
        vec![Err(Fault::new(Undecodable::Incomplete, detail))]
    }
}
