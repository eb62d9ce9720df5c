//! A small client of the push API, for `replay` and for tests.
//!
//! It takes batches as the file readers make them and accounts for every row: sent = accepted +
//! rejected + lost. A request keeps its number when it is sent again, so that a retry after a lost
//! answer is not counted twice.

mod address;
mod encode;
mod stream;
mod totals;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use tokio::sync::watch;
use tokio::time::Instant;
use tonic::transport::Channel;
use tonic::{Code, Status};

pub use address::AddressError;
pub use encode::encode;
pub use totals::Totals;

use self::stream::Stream;
use crate::batch::Batch;
use crate::proto::ingest as wire;
use crate::proto::ingest::ingest_service_client::IngestServiceClient;

/// First and longest pause between two attempts.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// How a [`Client`] sends.
#[derive(Clone, Debug)]
pub struct Options {
    /// Rows of one request at most.
    pub request_rows: usize,
    /// Bytes of one request at most, unless a single row has more.
    pub request_bytes: usize,
    /// Sends over one stream instead of one call a request.
    pub stream: bool,
    /// How long one call may take.
    pub timeout: Duration,
    /// How long a request is tried again before its rows are lost.
    pub retry_for: Duration,
    /// Turns true when there is to be no further attempt.
    pub give_up: watch::Receiver<bool>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            request_rows: 1_000,
            request_bytes: 1 << 20,
            stream: false,
            timeout: Duration::from_secs(5),
            retry_for: Duration::from_secs(30),
            give_up: watch::channel(false).1,
        }
    }
}

/// A connection to the push API of one sidecar.
#[derive(Debug)]
pub struct Client {
    service: IngestServiceClient<Channel>,
    options: Options,
    client_id: String,
    sequence: u64,
    /// Schemas that the sidecar has got, by model.
    known: HashSet<(String, u64)>,
    stream: Option<Stream>,
    totals: Totals,
    /// Since when nothing has been answered: the time to try again runs from there, so that a
    /// sidecar that is gone for good is waited for once, not once a request.
    failing_since: Option<Instant>,
}

/// A request on its way.
#[derive(Clone, Debug)]
struct Pending {
    sequence: u64,
    rows: u64,
    schema: Arc<wire::Schema>,
    batches: Vec<wire::PredictionBatch>,
}

impl Client {
    /// A client of the sidecar at `address`: `http://host:port`, `host:port` or `unix:/path`.
    /// Connects with the first request.
    ///
    /// # Errors
    /// When the address makes no sense.
    pub fn new(address: &str, options: Options) -> Result<Self, AddressError> {
        let endpoint = address::endpoint(address)?;
        Ok(Self {
            service: IngestServiceClient::new(endpoint.connect_lazy()),
            options,
            client_id: random_id(),
            sequence: 0,
            known: HashSet::new(),
            stream: None,
            totals: Totals::default(),
            failing_since: None,
        })
    }

    /// Sends all rows of a batch, in as many requests as it takes. With a stream they may still be
    /// on their way when this returns. What becomes of them is in [`totals`](Self::totals).
    pub async fn send(&mut self, batch: &Batch) {
        let mut parts = Vec::new();
        cut(batch, &self.options, &mut parts);
        for (schema, batches) in parts {
            self.sequence += 1;
            let rows = batches.iter().map(|batch| u64::from(batch.rows)).sum();
            self.totals.sent += rows;
            self.totals.requests += 1;
            let pending = Pending {
                sequence: self.sequence,
                rows,
                schema,
                batches,
            };
            if self.options.stream {
                self.send_streamed(pending).await;
            } else {
                self.send_unary(pending).await;
            }
        }
    }

    /// What became of the rows so far; with a stream, of those that were answered for.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Waits for the answers that are due; then every row is accounted for.
    pub async fn finish(mut self) -> Totals {
        self.close_stream().await;
        self.totals
    }

    /// Sends one request until it is answered for, or until it is time to give up.
    async fn send_unary(&mut self, pending: Pending) {
        let failing_since = self.failing_since.unwrap_or_else(Instant::now);
        let give_up_at = failing_since + self.options.retry_for;
        let mut backoff = BACKOFF.0;
        let mut attempts = 0;
        loop {
            let (message, inline) = self.message(&pending);
            if attempts > 0 {
                self.totals.retries += 1;
            }
            attempts += 1;
            let mut request = tonic::Request::new(message);
            request.set_timeout(self.options.timeout);
            let call = self.service.observe(request);
            let answer = tokio::time::timeout(self.options.timeout, call).await;
            let answer = answer.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer")));
            let status = match answer {
                Ok(response) => {
                    let response = response.into_inner();
                    self.failing_since = None;
                    if response.need_schema && !inline {
                        self.forget_schemas(&pending);
                        continue;
                    }
                    self.totals.answer(&response);
                    return;
                }
                Err(status) => status,
            };
            // Who starts anew knows no schema.
            self.forget_schemas(&pending);
            if is_final(&status) {
                self.failing_since = None;
                self.totals.refused(pending.rows, &status);
                return;
            }
            self.failing_since.get_or_insert(failing_since);
            let pause = pushback(&status).unwrap_or(backoff);
            backoff = (backoff * 2).min(BACKOFF.1);
            if !self.pause(pause, give_up_at).await {
                self.totals.lose(pending.rows, &status);
                return;
            }
        }
    }

    /// The request to send now, and whether its schema is in it.
    fn message(&mut self, pending: &Pending) -> (wire::ObserveRequest, bool) {
        let mut inline = false;
        let batches = pending.batches.iter().cloned().map(|mut batch| {
            let model = batch.model.clone().unwrap_or_default().name;
            if self.known.insert((model, batch.schema_id)) {
                inline = true;
                batch.schema = Some((*pending.schema).clone());
            }
            batch
        });
        let batches = batches.collect();
        let request = wire::ObserveRequest {
            client_id: self.client_id.clone(),
            sequence: pending.sequence,
            dropped_rows: self.totals.lost,
            batches,
        };
        (request, inline)
    }

    fn forget_schemas(&mut self, pending: &Pending) {
        for batch in &pending.batches {
            let model = batch.model.clone().unwrap_or_default().name;
            self.known.remove(&(model, batch.schema_id));
        }
    }

    /// Waits before another attempt; false when there is to be none.
    async fn pause(&mut self, pause: Duration, give_up_at: Instant) -> bool {
        let until = Instant::now() + pause;
        if until > give_up_at || *self.options.give_up.borrow() {
            return false;
        }
        let mut give_up = self.options.give_up.clone();
        let gone = async {
            if give_up.wait_for(|give_up| *give_up).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = tokio::time::sleep_until(until) => true,
            () = gone => false,
        }
    }
}

/// Cuts a batch until each part fits into a request.
fn cut(
    batch: &Batch,
    options: &Options,
    into: &mut Vec<(Arc<wire::Schema>, Vec<wire::PredictionBatch>)>,
) {
    let most = options.request_rows.max(1);
    if batch.rows > most {
        let mut start = 0;
        while start < batch.rows {
            let end = batch.rows.min(start + most);
            cut(&batch.slice(start..end), options, into);
            start = end;
        }
        return;
    }
    let (schema, batches) = encode(batch);
    let bytes: usize = batches.iter().map(Message::encoded_len).sum();
    if batch.rows > 1 && bytes + schema.encoded_len() > options.request_bytes {
        let half = batch.rows / 2;
        cut(&batch.slice(0..half), options, into);
        cut(&batch.slice(half..batch.rows), options, into);
    } else {
        into.push((Arc::new(schema), batches));
    }
}

/// Whether another attempt would fare no better.
fn is_final(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::InvalidArgument
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::NotFound
            | Code::PermissionDenied
            | Code::Unauthenticated
            | Code::FailedPrecondition
    )
}

/// How long the sidecar asks to wait.
fn pushback(status: &Status) -> Option<Duration> {
    let text = status.metadata().get("grpc-retry-pushback-ms")?;
    text.to_str().ok()?.parse().ok().map(Duration::from_millis)
}

/// 128 bits from the operating system, by way of the seeds of hash maps.
fn random_id() -> String {
    use std::hash::{BuildHasher, RandomState};
    let half = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", half(), half())
}
