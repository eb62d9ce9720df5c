//! What forwarding adds to a call.
//!
//! ```text
//! cargo bench --bench forward                    # added time, and memory
//! cargo bench --bench forward -- instructions    # instructions a call, by callgrind
//! ```
//!
//! A gRPC echo and proxies, each a process with one thread, and a client here. The client calls
//! directly and through each proxy in turn, some hundred calls each; what counts are medians over the
//! rounds, of differences within a round. The proxies: one whose observer is drained as the decoder
//! would, one whose observer nobody drains, one that leaves all calls out. Instructions are those of
//! the whole proxy process, hyper's included, from the difference of two runs.

#[path = "measure/mod.rs"]
mod measure;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bytes::{BufMut, Bytes, BytesMut};
use driftgauge::forward::{Forward, Target, serve_forward};
use driftgauge::ingest::mapping::Sampling;
use driftgauge::ingest::seen::{Budget, Observer};
use driftgauge::socket::Listener;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use measure::{median, runtime};
use tokio::net::TcpStream;

const INFER: &str = "/inference.GRPCInferenceService/ModelInfer";
/// A request with one tensor of 32 floats is about so long.
const MESSAGE_BYTES: usize = 180;
const ROUNDS: usize = 40;
const CALLS: usize = 300;
/// Calls of the two runs whose instructions are compared.
const COUNTED: [usize; 2] = [500, 2_500];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["echo", ..] => runtime().block_on(echo()),
        ["proxy", upstream, kind, ..] => runtime().block_on(proxy(upstream, kind)),
        [first, ..] if *first == "instructions" => instructions(),
        _ => times(),
    }
}

/// Added time and memory.
fn times() {
    let echo = Server::start(&["echo"]);
    let kinds = ["drained", "undrained", "left-out"];
    let proxies = kinds.map(|kind| Server::start(&["proxy", &echo.address, kind]));
    runtime().block_on(async {
        let mut direct = connect(&echo.address).await;
        let mut through = Vec::new();
        for proxy in &proxies {
            through.push(connect(&proxy.address).await);
        }
        for client in std::iter::once(&mut direct).chain(&mut through) {
            p50(client, 1_000).await;
        }
        let mut alone = Vec::new();
        let mut added = vec![Vec::new(); proxies.len()];
        let mut ratio = vec![Vec::new(); proxies.len()];
        for round in 0..ROUNDS {
            let without = p50(&mut direct, CALLS).await;
            alone.push(without);
            for at in (0..proxies.len()).map(|at| (at + round) % proxies.len()) {
                let with = p50(&mut through[at], CALLS).await;
                added[at].push(with - without);
                ratio[at].push(with / without);
            }
            eprint!("\r{} of {ROUNDS} rounds", round + 1);
        }
        eprintln!();
        println!("{ROUNDS} rounds of {CALLS} calls, one in flight, {MESSAGE_BYTES} bytes each way");
        println!("direct       p50 {:6.1} µs", median(alone));
        for (at, kind) in kinds.iter().enumerate() {
            println!(
                "{kind:<12} p50 {:+6.1} µs, × {:.2}",
                median(added[at].clone()),
                median(ratio[at].clone())
            );
        }
        println!("resident, 1,000 calls a second for ten seconds:");
        for (at, kind) in kinds.iter().enumerate() {
            let before = proxies[at].resident_kib();
            let mut tick = tokio::time::interval(Duration::from_millis(1));
            for _ in 0..10_000 {
                tick.tick().await;
                call(&mut through[at]).await;
            }
            let after = proxies[at].resident_kib();
            println!(
                "{kind:<12} {:5.1} MiB before, {:5.1} MiB after",
                before as f64 / 1024.0,
                after as f64 / 1024.0
            );
        }
    });
}

/// Instructions a call.
fn instructions() {
    let echo = Server::start(&["echo"]);
    println!("instructions a call in the proxy process, {MESSAGE_BYTES} bytes each way");
    for kind in ["drained", "undrained", "left-out"] {
        let [few, many] = COUNTED.map(|calls| {
            let mut proxy = Server::start_counted(&["proxy", &echo.address, kind]);
            runtime().block_on(async {
                let mut client = connect(&proxy.address).await;
                for _ in 0..calls {
                    call(&mut client).await;
                }
            });
            proxy.collected()
        });
        let each = (many - few) as f64 / (COUNTED[1] - COUNTED[0]) as f64;
        println!("{kind:<12} {each:9.0}");
    }
}

/// Microseconds of the middle one of so many calls.
async fn p50(client: &mut SendRequest<Full<Bytes>>, calls: usize) -> f64 {
    let mut micros = Vec::with_capacity(calls);
    for _ in 0..calls {
        let begun = Instant::now();
        call(client).await;
        micros.push(begun.elapsed().as_nanos() as f64 / 1e3);
    }
    median(micros)
}

async fn call(client: &mut SendRequest<Full<Bytes>>) {
    let request = Request::post(format!("http://model{INFER}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("user-agent", "bench")
        .body(Full::new(message()))
        .expect("a request");
    let response = client.send_request(request).await.expect("an answer");
    let all = response.into_body().collect().await.expect("a body");
    let trailers = all.trailers().expect("trailers");
    assert_eq!(trailers["grpc-status"], "0");
}

fn message() -> Bytes {
    let mut message = BytesMut::with_capacity(MESSAGE_BYTES);
    message.put_u8(0);
    message.put_u32(MESSAGE_BYTES as u32 - 5);
    message.put_bytes(7, MESSAGE_BYTES - 5);
    message.freeze()
}

async fn connect(address: &str) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.expect("a server");
    stream.set_nodelay(true).expect("a socket");
    let io = TokioIo::new(stream);
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .expect("HTTP/2");
    tokio::spawn(connection);
    sender
}

/// A fast model server: answers what it is asked.
async fn echo() {
    let listener = Listener::bind("127.0.0.1:0", 0).await.expect("a port");
    println!("{listener}");
    let serve = async {
        while let Ok(stream) = listener.accept().await {
            let service = service_fn(|request: Request<hyper::body::Incoming>| async {
                let body = request.into_body().collect().await?.to_bytes();
                let ok = (
                    "grpc-status".parse().expect("a name"),
                    HeaderValue::from_static("0"),
                );
                let trailers = HeaderMap::from_iter([ok]);
                let body = Full::new(body).with_trailers(async { Some(Ok(trailers)) });
                let response = Response::builder().header("content-type", "application/grpc");
                Ok::<_, hyper::Error>(response.body(body).expect("a response"))
            });
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    };
    tokio::select! {
        () = serve => {}
        () = parent_gone() => {}
    }
}

/// A proxy with one thread, and one that drains its observer if `kind` is `drained`.
async fn proxy(upstream: &str, kind: &str) {
    let listener = Listener::bind("127.0.0.1:0", 0).await.expect("a port");
    println!("{listener}");
    let (observer, seen) = Observer::new("forward", 1_024, Budget::new(32 << 20));
    let mut idle = None;
    if kind == "drained" {
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_millis(10));
                while seen.try_recv().is_ok() {}
            }
        });
    } else {
        idle = Some(seen);
    }
    let sampling = Sampling {
        rate: if kind == "left-out" { 0.0 } else { 1.0 },
        id_headers: Vec::new(),
        by_trace: false,
    };
    let forward = Forward {
        upstream: Target::Tcp(upstream.to_owned()),
        http_upstream: Target::Tcp(upstream.to_owned()),
        observer,
        sampling: Arc::new(ArcSwap::from_pointee(sampling)),
        call_bytes: 4 << 20,
        drain: Duration::from_secs(1),
    };
    serve_forward(listener, forward, parent_gone()).await;
    drop(idle);
}

/// Ready when the other end of the standard input is closed.
async fn parent_gone() {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read(&mut [0]);
        tell.send(())
    });
    let _ = told.await;
}

/// A process of this program.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let program = std::env::current_exe().expect("a program");
        Self::run(Command::new(program).args(arguments))
    }

    /// Under callgrind.
    fn start_counted(arguments: &[&str]) -> Self {
        let program = std::env::current_exe().expect("a program");
        let mut command = Command::new("valgrind");
        command
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(program)
            .args(arguments)
            .stderr(Stdio::piped());
        Self::run(&mut command)
    }

    fn run(command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut address = String::new();
        let out = child.stdout.as_mut().expect("a pipe");
        BufReader::new(out)
            .read_line(&mut address)
            .expect("an address");
        Self {
            child,
            address: address.trim().to_owned(),
        }
    }

    fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("the process runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let digits = line.and_then(|line| line.split_whitespace().nth(1));
        digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }

    /// Ends it; the instructions that callgrind counted.
    fn collected(&mut self) -> u64 {
        drop(self.child.stdin.take());
        let mut said = String::new();
        let errors: Option<ChildStderr> = self.child.stderr.take();
        errors
            .expect("a pipe")
            .read_to_string(&mut said)
            .expect("text");
        let line = said.lines().find(|line| line.contains("Collected :"));
        let count = line.and_then(|line| line.split_whitespace().last());
        count
            .and_then(|count| count.parse().ok())
            .unwrap_or_else(|| panic!("callgrind said: {said}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
