//! A stream of requests with cumulative answers.
//!
//! Reading never waits for the queue, which sheds, nor for the reader of the answers, who gets the
//! newest sums when there is room: h2 closes a connection on which small frames pile up unread.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::time::Instant;
use tonic::{Status, Streaming};

use super::answer::{Answer, Failure};
use super::rejections::Rejections;
use super::service::Push;
use crate::proto::ingest::{ObserveResponse, ObserveStreamResponse, RejectionCode};

/// An answer comes after so many messages at the latest …
const MESSAGES: u32 = 64;
/// … or so long after a message.
const DELAY: Duration = Duration::from_millis(50);
/// How long the last answer may wait for a slow reader.
const LAST_ANSWER: Duration = Duration::from_secs(5);

type Answers = mpsc::Sender<Result<ObserveStreamResponse, Status>>;

/// Reads `inbound` to its end, or until the server shuts down.
pub(super) async fn run(push: Push, mut inbound: Streaming<Bytes>, answers: Answers) {
    let mut sums = Sums::default();
    let mut stop = push.stop.clone();
    let failure = loop {
        let due = sums.due;
        let message = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => break None,
            message = inbound.message() => message,
            () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                if !sums.tell(&answers) {
                    return;
                }
                continue;
            }
        };
        let urgent = match message {
            Ok(Some(message)) => match push.take_streamed(message) {
                Ok(answer) => sums.add(answer),
                // Its frame is in order, so the next message may be.
                Err(status) => sums.undecodable(&status),
            },
            Ok(None) => break None,
            Err(status) => break Some(push.broken(status)),
        };
        if (urgent || sums.untold >= MESSAGES) && !sums.tell(&answers) {
            return;
        }
        // A flood on one connection must not keep the others waiting.
        tokio::task::consume_budget().await;
    };
    let last = async {
        let _ = answers.send(Ok(sums.answer())).await;
        if let Some(status) = failure {
            let _ = answers.send(Err(status)).await;
        }
    };
    // Who does not read has the answers before.
    let _ = tokio::time::timeout(LAST_ANSWER, last).await;
}

/// Everything since the stream began.
#[derive(Default)]
struct Sums {
    last_sequence: u64,
    response: ObserveResponse,
    rejections: Rejections,
    /// Messages since the last answer.
    untold: u32,
    /// When the next answer is due.
    due: Option<Instant>,
}

impl Sums {
    /// Adds the answer to one message; returns whether its sender should know at once.
    fn add(&mut self, answer: Answer) -> bool {
        let Answer {
            response: one,
            sequence,
            failure,
        } = answer;
        self.last_sequence = self.last_sequence.max(sequence);
        let sum = &mut self.response;
        sum.accepted_rows = sum.accepted_rows.saturating_add(one.accepted_rows);
        sum.rejected_rows = sum.rejected_rows.saturating_add(one.rejected_rows);
        sum.duplicate_rows = sum.duplicate_rows.saturating_add(one.duplicate_rows);
        sum.need_schema |= one.need_schema;
        sum.sample_rate = one.sample_rate;
        if one.retry_after.is_some() {
            sum.retry_after = one.retry_after;
        }
        self.rejections.extend(&one.rejections);
        self.note();
        one.need_schema
            || !one.rejections.is_empty()
            || matches!(failure, Some(Failure::Overload(_)))
    }

    fn undecodable(&mut self, status: &Status) -> bool {
        self.rejections.add(RejectionCode::Unspecified, "", 0, || {
            status.message().to_owned()
        });
        self.note();
        true
    }

    fn note(&mut self) {
        self.untold += 1;
        self.due.get_or_insert_with(|| Instant::now() + DELAY);
    }

    fn answer(&self) -> ObserveStreamResponse {
        let mut response = self.response.clone();
        response.rejections = self.rejections.list().to_vec();
        ObserveStreamResponse {
            last_sequence: self.last_sequence,
            response: Some(response),
        }
    }

    /// Sends an answer if the reader has room for one, else later; false when the reader has gone.
    fn tell(&mut self, answers: &Answers) -> bool {
        match answers.try_send(Ok(self.answer())) {
            Ok(()) => {
                (self.untold, self.due) = (0, None);
                self.response.need_schema = false;
                self.response.retry_after = None;
                true
            }
            Err(TrySendError::Full(_)) => {
                (self.untold, self.due) = (0, Some(Instant::now() + DELAY));
                true
            }
            Err(TrySendError::Closed(_)) => false,
        }
    }
}
