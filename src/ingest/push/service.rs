//! The two calls of `IngestService`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status, Streaming};

use super::answer::Answer;
use super::scan::{Level, decoded_bytes};
use super::{decode, stream};
use crate::ingest::{Intake, Limits, Undecodable};
use crate::proto::ingest::ObserveStreamResponse;
use crate::proto::ingest::{ObserveRequest, ObserveResponse, ObserveStreamRequest};
use crate::proto::ingest_server::IngestService;

/// A unary call whose message is not complete by then is given up.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(30);

/// Takes what clients push.
#[derive(Clone, Debug)]
pub(super) struct Push {
    pub(super) intake: Arc<Intake>,
    pub(super) limits: Arc<Limits>,
    /// Turns true when the server shuts down, so that streams end.
    pub(super) stop: watch::Receiver<bool>,
}

#[tonic::async_trait]
impl IngestService for Push {
    async fn observe(
        &self,
        request: Request<Streaming<Bytes>>,
    ) -> Result<Response<ObserveResponse>, Status> {
        let mut inbound = request.into_inner();
        let message = tokio::time::timeout(MESSAGE_TIMEOUT, inbound.message()).await;
        let message = message.unwrap_or_else(|_| {
            Err(Status::deadline_exceeded(
                "the message did not come within 30 s",
            ))
        });
        match message {
            Ok(Some(message)) => self.take(message)?.into_unary().map(Response::new),
            Ok(None) => Err(self.broken(Status::invalid_argument("the call has no message"))),
            Err(status) => Err(self.broken(status)),
        }
    }

    type ObserveStreamStream = ReceiverStream<Result<ObserveStreamResponse, Status>>;

    async fn observe_stream(
        &self,
        request: Request<Streaming<Bytes>>,
    ) -> Result<Response<Self::ObserveStreamStream>, Status> {
        // One answer may wait for a slow reader; as answers are cumulative, nothing is lost.
        let (answers, reader) = mpsc::channel(1);
        tokio::spawn(stream::run(self.clone(), request.into_inner(), answers));
        Ok(Response::new(ReceiverStream::new(reader)))
    }
}

impl Push {
    /// Takes, or refuses, the message of a unary call.
    ///
    /// # Errors
    /// When it cannot be decoded; the sentence names the field.
    pub(super) fn take(&self, message: Bytes) -> Result<Answer, Status> {
        self.decode_and_take(message, Level::Request, ObserveRequest::decode)
    }

    /// Takes, or refuses, one message of a stream.
    ///
    /// # Errors
    /// When it cannot be decoded; the sentence names the field.
    pub(super) fn take_streamed(&self, message: Bytes) -> Result<Answer, Status> {
        self.decode_and_take(message, Level::Streamed, |message| {
            let message = ObserveStreamRequest::decode(message)?;
            Ok(message.request.unwrap_or_default())
        })
    }

    fn decode_and_take(
        &self,
        message: Bytes,
        level: Level,
        decode: impl FnOnce(Bytes) -> Result<ObserveRequest, prost::DecodeError>,
    ) -> Result<Answer, Status> {
        let size = message.len();
        let memory = decoded_bytes(&message, level);
        if memory > self.limits.decoded_bytes {
            let detail = format!(
                "decoded, the request would take {memory} bytes of memory; the limit is {}",
                self.limits.decoded_bytes
            );
            self.intake
                .undecodable(Undecodable::TooManyElements, &detail);
            return Err(Status::invalid_argument(detail));
        }
        let request = decode(message).map_err(|error| {
            let detail = error.to_string();
            self.intake.undecodable(Undecodable::Protobuf, &detail);
            Status::invalid_argument(detail)
        })?;
        let decoded = decode::decode(request, size, &self.intake, &self.limits);
        let sequence = decoded.request.sequence;
        let decision = self.intake.hand_over(decoded.request);
        Ok(Answer::new(
            decision,
            decoded.rejections,
            sequence,
            decoded.batches,
        ))
    }

    /// Counts a call whose message could not be read, by what tonic says of it.
    pub(super) fn broken(&self, status: Status) -> Status {
        let text = status.message();
        let reason = match status.code() {
            Code::OutOfRange => Undecodable::MessageTooLarge,
            Code::ResourceExhausted => Undecodable::TooMuchArriving,
            Code::Unimplemented => Undecodable::Compressed,
            _ if text.contains("compress") => Undecodable::Compressed,
            Code::Internal if text.contains("EOF") => Undecodable::Truncated,
            Code::Cancelled | Code::DeadlineExceeded | Code::InvalidArgument => {
                Undecodable::Truncated
            }
            _ => Undecodable::Protocol,
        };
        self.intake.undecodable(reason, text);
        if status.code() == Code::OutOfRange {
            return Status::out_of_range(format!(
                "the message is larger than {} bytes (limits.message_bytes, and at most an eighth \
                 more than queue.bytes): send smaller batches",
                self.limits.message_bytes
            ));
        }
        status
    }
}
