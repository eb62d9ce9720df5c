//! The push API: `driftgauge.ingest.v1.IngestService` over TCP and Unix sockets.
//!
//! A message's way: `arriving` (too much at once?) → `codec` (bytes) → `scan` (would decoding it take too much memory?) → prost →
//! `decode` (checks everything, → batches) → [`Intake::hand_over`](super::Intake::hand_over) →
//! `answer`. Tensors stay where they arrived.

mod answer;
mod arriving;
mod calls;
mod codec;
mod columns;
mod decode;
mod rejections;
mod scan;
mod schema;
mod serve;
mod service;
mod stream;

pub use codec::RawCodec;
pub use serve::serve_push;

#[cfg(test)]
mod tests;

/// Takes a request as the service does, for tests of what encodes it.
#[cfg(test)]
pub(crate) fn take_for_test(
    intake: std::sync::Arc<super::Intake>,
    limits: super::Limits,
    request: crate::proto::ingest::ObserveRequest,
) -> crate::proto::ingest::ObserveResponse {
    let push = service::Push {
        intake,
        limits: std::sync::Arc::new(limits),
        stop: tokio::sync::watch::channel(false).1,
    };
    let message = prost::Message::encode_to_vec(&request);
    push.take(message.into()).unwrap().into_unary().unwrap()
}
