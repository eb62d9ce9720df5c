//! What rows cost on their way through gRPC into the engine, against yardsticks of the same run.
//!
//! ```text
//! cargo bench --bench push
//! ```
//!
//! 50 fields of f64. The server is the built program as a child process; its figure is the
//! processor time of all its threads, so it includes sockets, decoding, queue, engine and
//! evaluation. Yardsticks: the reading thread of a bare loopback TCP connection with the same
//! bytes, and a tonic server on one thread that decodes the same stream and only adds the values up.
//! Clients send so many bytes each 10 ms that no queue overflows.

#[path = "measure/mod.rs"]
mod measure;
#[path = "measure/sidecar.rs"]
mod sidecar;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use driftgauge::proto::ingest as wire;
use driftgauge::proto::ingest::ingest_service_client::IngestServiceClient;
use driftgauge::proto::ingest_server::{IngestService, IngestServiceServer};
use measure::{numeric, profile, runtime, thread_nanos, uniform};
use prost::Message;
use sidecar::{Sidecar, first_request, request};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status, Streaming};

const FIELDS: usize = 50;
/// Time of one measurement.
const SPAN: Duration = Duration::from_millis(1_500);
const PULSE: Duration = Duration::from_millis(10);
/// Bytes of values that are sent in one pulse.
const PULSE_BYTES: usize = 3 << 20;
/// Calls at once.
const IN_FLIGHT: usize = 32;
const RUNS: usize = 3;

fn main() {
    let runtime = runtime();
    let profile = profile((0..FIELDS).map(numeric).collect());
    // Single rows cost the queue much more than their values.
    let sidecar = Sidecar::start(&profile, &["--queue.bytes", "64MiB"]);
    println!("{FIELDS} fields of f64, median of {RUNS} runs; server CPU in ns a value\n");
    println!(
        "{:>12} {:>10} {:>9} {:>9} {:>8} {:>8} {:>11} {:>9} {:>7}",
        "rows/message",
        "way",
        "bare TCP",
        "sum only",
        "ours",
        "× TCP",
        "rows/s",
        "µs/call",
        "taken"
    );
    for rows in [1, 32, 256, 1_024] {
        let values = uniform(rows * FIELDS);
        let data: Bytes = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        let bare = median(|| bare_read(data.len()));
        let sums = median(|| runtime.block_on(summing_server(&data)));
        let mut runs: Vec<_> = (0..RUNS)
            .map(|_| runtime.block_on(stream(&sidecar, &data)))
            .collect();
        report(rows, "stream", bare, Some(sums), &mut runs);
        let mut runs: Vec<_> = (0..RUNS)
            .map(|_| runtime.block_on(unary(&sidecar, &data)))
            .collect();
        report(rows, "unary", bare, None, &mut runs);
    }
}

/// What one measurement brings.
struct Run {
    nanos: f64,
    sent: u64,
    accepted: u64,
    seconds: f64,
    messages: u64,
}

impl Run {
    fn per_value(&self) -> f64 {
        self.nanos / (self.accepted.max(1) as f64 * FIELDS as f64)
    }
}

fn median(mut run: impl FnMut() -> f64) -> f64 {
    measure::median((0..RUNS).map(|_| run()).collect())
}

fn report(rows: usize, way: &str, bare: f64, sums: Option<f64>, runs: &mut [Run]) {
    runs.sort_by(|a, b| a.per_value().total_cmp(&b.per_value()));
    let run = &runs[runs.len() / 2];
    let sums = sums.map_or("–".into(), |sums| format!("{sums:.2}"));
    let ours = run.per_value();
    println!(
        "{rows:>12} {way:>10} {bare:>9.2} {sums:>9} {ours:>8.2} {:>8.1} {:>11.0} {:>9.2} {:>6.1}%",
        ours / bare,
        run.accepted as f64 / run.seconds,
        run.nanos / run.messages as f64 / 1e3,
        100.0 * run.accepted as f64 / run.sent as f64,
    );
}

/// Waits, once a pulse is full, until the next one begins.
struct Pace {
    next: Instant,
    bytes: usize,
}

impl Pace {
    fn new() -> Self {
        Self {
            next: Instant::now() + PULSE,
            bytes: 0,
        }
    }

    async fn sent(&mut self, bytes: usize) {
        self.bytes += bytes;
        if self.bytes >= PULSE_BYTES {
            tokio::time::sleep_until(self.next.into()).await;
            *self = Self::new();
        }
    }
}

/// Sends messages for a while over one stream; returns how many, once all are answered for.
async fn send_stream(
    service: &mut IngestServiceClient<Channel>,
    client: &str,
    data: &Bytes,
) -> (u64, wire::ObserveResponse) {
    let (requests, outbound) = tokio::sync::mpsc::channel(64);
    let answers = service.observe_stream(ReceiverStream::new(outbound)).await;
    let mut answers = answers.expect("a stream").into_inner();
    let reading = tokio::spawn(async move {
        let mut last = wire::ObserveStreamResponse::default();
        while let Ok(Some(answer)) = answers.message().await {
            last = answer;
        }
        last.response.unwrap_or_default()
    });
    let begun = Instant::now();
    let mut pace = Pace::new();
    let mut messages = 0;
    while begun.elapsed() < SPAN {
        messages += 1;
        let message = match messages {
            1 => first_request(client, FIELDS, data.clone()),
            sequence => request(client, sequence, FIELDS, data.clone()),
        };
        let request = Some(message);
        let message = wire::ObserveStreamRequest { request };
        if requests.send(message).await.is_err() {
            break;
        }
        pace.sent(data.len()).await;
    }
    drop(requests);
    (messages, reading.await.expect("the last answer"))
}

async fn stream(sidecar: &Sidecar, data: &Bytes) -> Run {
    let mut service = sidecar.service().await;
    let client = format!("stream {:?}", Instant::now());
    let (before, begun) = (sidecar.cpu_nanos(""), Instant::now());
    let (messages, sums) = send_stream(&mut service, &client, data).await;
    settled(sidecar, before, begun, messages, data, sums.accepted_rows).await
}

/// Waits until the engine has everything, then reads the clock.
async fn settled(
    sidecar: &Sidecar,
    before: f64,
    begun: Instant,
    messages: u64,
    data: &Bytes,
    accepted: u64,
) -> Run {
    let seconds = begun.elapsed().as_secs_f64();
    tokio::time::sleep(Duration::from_millis(50)).await;
    Run {
        nanos: sidecar.cpu_nanos("") - before,
        sent: messages * (data.len() / 8 / FIELDS) as u64,
        accepted,
        seconds,
        messages,
    }
}

async fn unary(sidecar: &Sidecar, data: &Bytes) -> Run {
    let mut service = sidecar.service().await;
    let client = format!("unary {:?}", Instant::now());
    let first = service
        .observe(first_request(&client, FIELDS, data.clone()))
        .await;
    first.expect("an answer");
    let (before, begun) = (sidecar.cpu_nanos(""), Instant::now());
    let mut calls = tokio::task::JoinSet::new();
    let (mut messages, mut accepted) = (0, 0);
    let mut pace = Pace::new();
    while begun.elapsed() < SPAN {
        messages += 1;
        let request = request(&client, messages + 1, FIELDS, data.clone());
        let mut service = service.clone();
        calls.spawn(async move {
            let answer = service.observe(request).await;
            answer.map_or(0, |answer| answer.into_inner().accepted_rows)
        });
        if calls.len() >= IN_FLIGHT {
            accepted += calls
                .join_next()
                .await
                .expect("some call")
                .expect("its end");
        }
        pace.sent(data.len()).await;
    }
    while let Some(call) = calls.join_next().await {
        accepted += call.expect("its end");
    }
    settled(sidecar, before, begun, messages, data, accepted).await
}

/// Nanoseconds a value of a thread that reads messages of this size from a loopback connection.
fn bare_read(message_bytes: usize) -> f64 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let reading = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut buffer = vec![0; message_bytes.max(16 << 10)];
        let (mut bytes, before) = (0, thread_nanos());
        while let Ok(read) = stream.read(&mut buffer)
            && read > 0
        {
            bytes += read;
        }
        (thread_nanos() - before) / (bytes as f64 / 8.0)
    });
    let mut stream = TcpStream::connect(address).expect("a connection");
    let message = vec![1; message_bytes];
    let begun = Instant::now();
    while begun.elapsed() < SPAN / 3 {
        for _ in 0..(PULSE_BYTES / message_bytes).max(1) {
            stream.write_all(&message).expect("a reader");
        }
        std::thread::sleep(PULSE);
    }
    drop(stream);
    reading.join().expect("the figure")
}

/// Adds up what it is sent.
struct Summing;

#[tonic::async_trait]
impl IngestService for Summing {
    async fn observe(
        &self,
        _: Request<Streaming<Bytes>>,
    ) -> Result<Response<wire::ObserveResponse>, Status> {
        Err(Status::unimplemented("streams only"))
    }

    type ObserveStreamStream = ReceiverStream<Result<wire::ObserveStreamResponse, Status>>;

    async fn observe_stream(
        &self,
        request: Request<Streaming<Bytes>>,
    ) -> Result<Response<Self::ObserveStreamStream>, Status> {
        let mut inbound = request.into_inner();
        let (answers, reader) = tokio::sync::mpsc::channel(1);
        tokio::spawn(async move {
            let (mut sum, mut rows) = (0.0, 0);
            while let Ok(Some(message)) = inbound.message().await {
                let message = wire::ObserveStreamRequest::decode(message).unwrap_or_default();
                for batch in message.request.unwrap_or_default().batches {
                    rows += u64::from(batch.rows);
                    for block in batch.blocks {
                        let (values, _) = block.data.as_chunks::<8>();
                        sum += values
                            .iter()
                            .map(|raw| f64::from_le_bytes(*raw))
                            .sum::<f64>();
                    }
                }
            }
            std::hint::black_box(sum);
            let response = wire::ObserveResponse {
                accepted_rows: rows,
                ..wire::ObserveResponse::default()
            };
            let answer = wire::ObserveStreamResponse {
                last_sequence: 0,
                response: Some(response),
            };
            let _ = answers.send(Ok(answer)).await;
        });
        Ok(Response::new(ReceiverStream::new(reader)))
    }
}

/// Nanoseconds a value of a tonic server on one thread that only adds them up.
async fn summing_server(data: &Bytes) -> f64 {
    let (started, address) = mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = std::thread::spawn(move || {
        let runtime = runtime();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
                .await
                .expect("a port");
            started
                .send(listener.local_addr().expect("its address"))
                .expect("a client");
            let incoming =
                tonic::transport::server::TcpIncoming::from(listener).with_nodelay(Some(true));
            let before = thread_nanos();
            let server = tonic::transport::Server::builder()
                .initial_stream_window_size(1 << 20)
                .initial_connection_window_size(4 << 20)
                .add_service(IngestServiceServer::new(Summing));
            let ended = async {
                let _ = stopped.await;
            };
            server
                .serve_with_incoming_shutdown(incoming, ended)
                .await
                .expect("it serves");
            thread_nanos() - before
        })
    });
    let endpoint = Endpoint::from_shared(format!("http://{}", address.recv().expect("it starts")));
    let channel = endpoint
        .expect("an address")
        .connect()
        .await
        .expect("a connection");
    let mut service = IngestServiceClient::new(channel);
    let (_, sums) = send_stream(&mut service, "sum", data).await;
    drop(service);
    let _ = stop.send(());
    // Not on this thread, which drives the connection to its end.
    let ended = tokio::task::spawn_blocking(move || serving.join());
    let nanos = ended.await.expect("a thread").expect("the figure");
    nanos / (sums.accepted_rows as f64 * FIELDS as f64)
}
