//! Sending over one stream.
//!
//! Answers are cumulative. As long as every row that they cover is accepted or rejected, the requests
//! that they cover are settled. When one falls short (the queue was full, a schema was missing), or
//! the stream breaks, each request since the last good answer is sent again by itself with its old
//! number: what had been taken is recognised as a duplicate, so the account stays exact.

use std::collections::VecDeque;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::{Client, Pending};
use crate::proto::ingest as wire;

/// Requests on their way at most; the sidecar remembers 1,024 numbers.
const IN_FLIGHT: usize = 256;

/// An open stream.
#[derive(Debug)]
pub(super) struct Stream {
    requests: mpsc::Sender<wire::ObserveStreamRequest>,
    answers: Streaming<wire::ObserveStreamResponse>,
    /// Requests since the last good answer.
    in_flight: VecDeque<Pending>,
    /// The last good answer.
    settled: wire::ObserveResponse,
    /// An answer fell short, or none will come: from here on nothing is settled.
    is_short: bool,
}

/// What happens while a request waits for room; `None` when the stream is broken.
enum Event {
    Answer(Option<wire::ObserveStreamResponse>),
    Room(Option<mpsc::OwnedPermit<wire::ObserveStreamRequest>>),
}

impl Client {
    /// Sends one request over the stream, which is opened if need be.
    pub(super) async fn send_streamed(&mut self, pending: Pending) {
        if self.stream.is_none() && !self.open_stream().await {
            return self.send_unary(pending).await;
        }
        let (message, _) = self.message(&pending);
        let message = wire::ObserveStreamRequest {
            request: Some(message),
        };
        let Some(mut stream) = self.stream.take() else {
            return self.send_unary(pending).await;
        };
        stream.in_flight.push_back(pending);
        let mut message = Some(message);
        // Answers are read while the request waits for room, so that neither side waits for ever.
        while !stream.is_short && (message.is_some() || stream.in_flight.len() >= IN_FLIGHT) {
            let silence = tokio::time::sleep(self.options.timeout);
            let event = tokio::select! {
                biased;
                answer = stream.answers.message() => Event::Answer(answer.ok().flatten()),
                room = stream.requests.clone().reserve_owned(), if message.is_some() => {
                    Event::Room(room.ok())
                }
                () = silence => Event::Answer(None),
            };
            match event {
                Event::Answer(Some(answer)) => stream.settle(&answer, self),
                Event::Room(Some(room)) => {
                    if let Some(message) = message.take() {
                        room.send(message);
                    }
                }
                Event::Answer(None) | Event::Room(None) => stream.is_short = true,
            }
        }
        let is_short = stream.is_short;
        self.stream = Some(stream);
        if is_short {
            self.close_stream().await;
        }
    }

    async fn open_stream(&mut self) -> bool {
        let (requests, outbound) = mpsc::channel(16);
        let call = self.service.observe_stream(ReceiverStream::new(outbound));
        let Ok(Ok(answers)) = tokio::time::timeout(self.options.timeout, call).await else {
            return false;
        };
        // Another stream may lead to another process.
        self.known.clear();
        self.stream = Some(Stream {
            requests,
            answers: answers.into_inner(),
            in_flight: VecDeque::new(),
            settled: wire::ObserveResponse::default(),
            is_short: false,
        });
        true
    }

    /// Ends the stream, if there is one, and settles every request on it.
    pub(super) async fn close_stream(&mut self) {
        let Some(mut stream) = self.stream.take() else {
            return;
        };
        // The end of our side makes the sidecar send its last answer.
        let (closed, _) = mpsc::channel(1);
        stream.requests = closed;
        loop {
            let answer = tokio::time::timeout(self.options.timeout, stream.answers.message());
            let Ok(Ok(Some(answer))) = answer.await else {
                break;
            };
            stream.settle(&answer, self);
        }
        self.totals.note(&stream.settled.rejections);
        for pending in stream.in_flight {
            self.totals.retries += 1;
            self.send_unary(pending).await;
        }
    }
}

impl Stream {
    /// Settles the requests that an answer covers, if it accounts for all of their rows.
    fn settle(&mut self, answer: &wire::ObserveStreamResponse, client: &mut Client) {
        let Some(sums) = answer.response.as_ref().filter(|_| !self.is_short) else {
            return;
        };
        let covered = self
            .in_flight
            .iter()
            .take_while(|pending| pending.sequence <= answer.last_sequence);
        let (count, rows) = covered.fold((0, 0), |(count, rows), pending| {
            (count + 1, rows + pending.rows)
        });
        let more = |new: u64, old: u64| new.saturating_sub(old);
        let accepted = more(sums.accepted_rows, self.settled.accepted_rows);
        let rejected = more(sums.rejected_rows, self.settled.rejected_rows);
        if sums.need_schema || accepted + rejected != rows {
            self.is_short = true;
            return;
        }
        client.totals.accepted += accepted;
        client.totals.rejected += rejected;
        client.totals.duplicate += more(sums.duplicate_rows, self.settled.duplicate_rows);
        self.in_flight.drain(..count);
        self.settled = sums.clone();
    }
}
