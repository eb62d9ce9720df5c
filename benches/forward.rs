//! What forwarding adds to a call.
//!
//! ```text
//! cargo bench --bench forward                    # added time, a stalled decoder, resident memory
//! cargo bench --bench forward -- instructions    # instructions a call, by callgrind
//! cargo bench --bench forward -- runtimes        # the same sidecar on other runtimes
//! ```
//!
//! A model server that answers at once, what is measured between it and a client, each a process, and
//! the client here. The client calls directly and through each in turn, some hundred calls each; what
//! counts are medians over the rounds, of differences and ratios within a round. `serve` is the built
//! program with default settings, its reference learned: everything that it does to a call is in its
//! figures. The others are the proxy alone on one thread: one whose observer is drained as the decoder
//! would, one with room whose observer nobody drains, one without room, one that leaves all calls out.
//!
//! It fails if a call fails, if a call that was not looked at is not counted, or if calls take more than
//! a tenth longer when nobody looks at them. Instructions are those of the whole process, from the
//! difference of two runs.

#[path = "measure/mod.rs"]
mod measure;
#[path = "measure/sidecar.rs"]
mod sidecar;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use driftgauge::app::App;
use driftgauge::forward::{Forward, Target, serve_forward};
use driftgauge::ingest::mapping::Sampling;
use driftgauge::ingest::seen::{Budget, Observer};
use driftgauge::settings::{Override, Reloader, Source};
use driftgauge::socket::Listener;
use driftgauge::telemetry;
use measure::model_server::{self, Client};
use measure::{median, runtime};
use sidecar::Sidecar;
use tokio::runtime::{Builder, Runtime};

const ROUNDS: usize = 40;
const CALLS: usize = 300;
/// The first 5,000 calls are the reference, the next 5,000 that of outliers and of features together.
const LEARNED: usize = 20_000;
/// Longer than from one evaluation to the next.
const EVALUATED: Duration = Duration::from_secs(15);
/// Calls of the two runs whose instructions are compared.
const COUNTED: [usize; 2] = [LEARNED, LEARNED + 10_000];
/// Calls that may wait where there is no room for all.
const FEW: usize = 1_024;
/// The kinds of the proxy alone.
const KINDS: [&str; 4] = ["drained", "stalled", "full", "left-out"];
/// The most that a stalled decoder may lengthen calls.
const STALLED: f64 = 1.10;
const RUNTIMES: [&str; 3] = ["2 workers", "1 worker", "one thread"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["model", ..] => runtime().block_on(model()),
        ["proxy", upstream, kind, ..] => runtime().block_on(proxy(upstream, kind)),
        ["app", upstream, kind, ..] => runtime_of(kind).block_on(app(upstream)),
        ["instructions", ..] => instructions(),
        ["runtimes", ..] => runtimes(),
        _ => return times(),
    }
    ExitCode::SUCCESS
}

/// Added time, with and without somebody who looks, and memory.
fn times() -> ExitCode {
    let model = Process::start(&["model"]);
    let serve = Sidecar::without_settings(&arguments(&model.address));
    let proxies = KINDS.map(|kind| Process::start(&["proxy", &model.address, kind]));
    show_memory(&serve, "idle");
    let ratios = runtime().block_on(async {
        let mut direct = Client::connect(&model.address).await;
        let mut through = vec![Client::connect(&serve.forward).await];
        for proxy in &proxies {
            through.push(Client::connect(&proxy.address).await);
        }
        p50(&mut direct, 1_000).await;
        learn(&serve, &mut through[0]).await;
        for client in &mut through[1..] {
            p50(client, 2 * FEW).await;
        }
        show_memory(&serve, "learned");
        let rounds = rounds(&mut direct, &mut through).await;
        let names: Vec<&str> = std::iter::once("serve").chain(KINDS).collect();
        show_added(&rounds, &names);
        paced(&serve, &mut through[0]).await;
        check_serve(&serve, &through[0]);
        let [drained, stalled, full] = [2, 3, 4].map(|at| &rounds.through[at - 1]);
        let against = |with: &[f64]| median(with.iter().zip(drained).map(|(a, b)| a / b).collect());
        let ratios = [("stalled", against(stalled)), ("full", against(full))];
        for ((mut proxy, kind), client) in proxies.into_iter().zip(KINDS).zip(&through[1..]) {
            proxy.check(kind, client.calls() as u64);
        }
        ratios
    });
    let mut is_held = true;
    for (kind, ratio) in ratios {
        println!("{kind:<8} p50 of drained × {ratio:.3}, at most {STALLED}");
        is_held &= ratio <= STALLED;
    }
    ExitCode::from(u8::from(!is_held))
}

/// The flags that make the program forward.
fn arguments(upstream: &str) -> [&str; 4] {
    [
        "--forward.listen-address",
        "127.0.0.1:0",
        "--forward.upstream",
        upstream,
    ]
}

/// Calls until everything that is learned of the first calls has been: what the second half is compared
/// with is in force from the next evaluation on.
async fn learn(serve: &Sidecar, client: &mut Client) {
    let evaluated = || serve.metric("driftgauge_last_evaluation_timestamp_seconds", "");
    for _ in 0..2 {
        for _ in 0..LEARNED / 2 {
            client.call().await;
        }
        decoded(serve, client);
        let last = evaluated();
        serve.until("the next evaluation", |_| evaluated() > last);
    }
}

/// Waits until all calls have been decoded.
fn decoded(serve: &Sidecar, client: &Client) {
    let calls = client.calls() as f64;
    serve.until("all calls decoded", |serve| {
        let count = |what| serve.metric(&format!("driftgauge_{what}_calls_total"), "forward");
        count("decoded") + count("shed") >= calls
    });
}

/// Microseconds of the middle call, round by round.
struct Rounds {
    direct: Vec<f64>,
    through: Vec<Vec<f64>>,
}

async fn rounds(direct: &mut Client, through: &mut [Client]) -> Rounds {
    let mut rounds = Rounds {
        direct: Vec::new(),
        through: vec![Vec::new(); through.len()],
    };
    let kinds = through.len();
    for round in 0..ROUNDS {
        rounds.direct.push(p50(direct, CALLS).await);
        for at in (0..kinds).map(|at| (at + round) % kinds) {
            let with = p50(&mut through[at], CALLS).await;
            rounds.through[at].push(with);
        }
        eprint!("\r{} of {ROUNDS} rounds", round + 1);
    }
    eprintln!();
    rounds
}

fn show_added(rounds: &Rounds, names: &[&str]) {
    println!("{ROUNDS} rounds of {CALLS} calls, one in flight");
    println!("direct       p50 {:6.1} µs", median(rounds.direct.clone()));
    for (name, with) in names.iter().zip(&rounds.through) {
        let pairs = || with.iter().zip(&rounds.direct);
        let mut added: Vec<f64> = pairs().map(|(with, without)| with - without).collect();
        let times = median(pairs().map(|(with, without)| with / without).collect());
        added.sort_by(f64::total_cmp);
        println!(
            "{name:<12} p50 {:+6.1} µs, × {times:.2}; half of the rounds {:+.1} to {:+.1}",
            added[ROUNDS / 2],
            added[ROUNDS / 4],
            added[ROUNDS * 3 / 4],
        );
    }
}

/// Memory at 1,000 calls a second.
async fn paced(serve: &Sidecar, client: &mut Client) {
    let begun = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_millis(1));
    let mut most = 0;
    for call in 0..20_000 {
        tick.tick().await;
        client.call().await;
        if call % 1_000 == 0 {
            most = most.max(serve.memory("VmRSS"));
        }
    }
    let rate = 20_000.0 / begun.elapsed().as_secs_f64();
    show_memory(serve, &format!("after {rate:.0} calls a second"));
    println!("resident meanwhile at most {:.1} MiB", mib(most));
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1 << 20) as f64
}

fn show_memory(serve: &Sidecar, when: &str) {
    let [now, file, most] = ["VmRSS", "RssFile", "VmHWM"].map(|key| mib(serve.memory(key)));
    let rest = now - file;
    println!("resident {when}: {now:.1} MiB, files {file:.1}, rest {rest:.1}; most {most:.1}");
}

/// What the sidecar says that it has seen.
fn check_serve(serve: &Sidecar, client: &Client) {
    decoded(serve, client);
    let count = |what| serve.metric(&format!("driftgauge_{what}"), "source=\"forward\"");
    let (seen, shed) = (count("seen_calls_total"), count("shed_calls_total"));
    println!("serve saw {seen} calls and did not look at {shed}");
    assert_eq!(seen, client.calls() as f64);
    assert_eq!(seen, count("decoded_calls_total") + shed);
    let rows = count("accepted_rows_total") + count("shed_rows_total");
    assert_eq!(rows, seen - shed);
}

/// Instructions a call.
fn instructions() {
    let model = Process::start(&["model"]);
    println!("instructions a call in the whole process");
    let [few, many] = COUNTED.map(|calls| {
        let serve = Sidecar::counted(&arguments(&model.address));
        runtime().block_on(async {
            let mut client = Client::connect(&serve.forward).await;
            // Whoever asks it how far it is would be counted as well.
            for calls in [LEARNED / 2, LEARNED / 2, calls - LEARNED] {
                for _ in 0..calls {
                    client.call().await;
                }
                tokio::time::sleep(EVALUATED).await;
            }
        });
        serve.collected()
    });
    show_each("serve", few, many);
    for kind in KINDS {
        let [few, many] = COUNTED.map(|calls| {
            let mut proxy = Process::start_counted(&["proxy", &model.address, kind]);
            runtime().block_on(async {
                let mut client = Client::connect(&proxy.address).await;
                for _ in 0..calls {
                    client.call().await;
                }
            });
            proxy.collected()
        });
        show_each(kind, few, many);
    }
}

fn show_each(what: &str, few: u64, many: u64) {
    let each = (many - few) as f64 / (COUNTED[1] - COUNTED[0]) as f64;
    println!("{what:<12} {each:9.0}");
}

/// The sidecar on other runtimes than it chooses.
fn runtimes() {
    let model = Process::start(&["model"]);
    let apps = RUNTIMES.map(|kind| Process::start(&["app", &model.address, kind]));
    runtime().block_on(async {
        let mut direct = Client::connect(&model.address).await;
        let mut through = Vec::new();
        for app in &apps {
            through.push(Client::connect(&app.address).await);
        }
        for client in &mut through {
            p50(client, LEARNED).await;
        }
        let one = rounds(&mut direct, &mut through).await;
        show_added(&one, &RUNTIMES);
        for in_flight in [8, 16] {
            let mut rates = RUNTIMES.map(|_| Vec::new());
            for round in 0..ROUNDS {
                for at in (0..RUNTIMES.len()).map(|at| (at + round) % RUNTIMES.len()) {
                    rates[at].push(rate(&through[at], in_flight, 4 * CALLS).await);
                }
            }
            for (kind, rates) in RUNTIMES.iter().zip(rates) {
                println!(
                    "{kind:<12} {in_flight} in flight: {:6.0} calls/s",
                    median(rates)
                );
            }
        }
    });
}

/// Calls a second with so many in flight on one connection.
async fn rate(client: &Client, in_flight: usize, calls: usize) -> f64 {
    let begun = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..in_flight {
        let mut client = client.clone();
        callers.spawn(async move {
            for _ in 0..calls / in_flight {
                client.call().await;
            }
        });
    }
    callers.join_all().await;
    calls as f64 / begun.elapsed().as_secs_f64()
}

/// Microseconds of the middle one of so many calls.
async fn p50(client: &mut Client, calls: usize) -> f64 {
    let mut micros = Vec::with_capacity(calls);
    for _ in 0..calls {
        let begun = Instant::now();
        client.call().await;
        micros.push(begun.elapsed().as_nanos() as f64 / 1e3);
    }
    median(micros)
}

async fn listen() -> Listener {
    let listener = Listener::bind("127.0.0.1:0", 0).await.expect("a port");
    println!("{listener}");
    listener
}

async fn model() {
    let listener = listen().await;
    tokio::select! {
        () = model_server::serve(listener) => {}
        () = parent_gone() => {}
    }
}

/// The proxy alone. At its end it says how many calls it saw, shed, left out and looked at.
async fn proxy(upstream: &str, kind: &str) {
    let listener = listen().await;
    let waiting = if kind == "stalled" { 1 << 16 } else { FEW };
    let (observer, seen) = Observer::new("forward", waiting, Budget::new(32 << 20));
    let counts = observer.counts().clone();
    let is_over = Arc::new(AtomicBool::new(false));
    let (is_drained, told) = (kind == "drained", is_over.clone());
    let looking = std::thread::spawn(move || {
        let mut looked = 0;
        loop {
            let is_last = told.load(Ordering::Acquire);
            if is_drained || is_last {
                looked += seen.try_iter().count();
            }
            if is_last {
                return looked;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    });
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
    is_over.store(true, Ordering::Release);
    let looked = looking.join().expect("its end");
    let shed: u64 = counts.shed_by_reason().iter().map(|(_, calls)| calls).sum();
    println!("{} {shed} {} {looked}", counts.seen(), counts.unsampled());
}

/// The whole sidecar.
async fn app(upstream: &str) {
    let flags = arguments(upstream);
    let said = |key: &str, value: &str| Override {
        key: key.to_owned(),
        value: value.to_owned(),
        place: key.to_owned(),
    };
    let source = Source {
        path: None,
        overrides: vec![
            said("forward.listen_address", flags[1]),
            said("forward.upstream", flags[3]),
            said("push.listen_address", "127.0.0.1:0"),
            said("web.listen_address", "127.0.0.1:0"),
        ],
    };
    let reloader = Reloader::start(source, true).expect("settings");
    let level = telemetry::start(&reloader.current().settings.log);
    let app = App::start(reloader, level).await.expect("ports");
    println!("{}", app.forward_address.as_deref().expect("a proxy"));
    parent_gone().await;
    app.stop().await;
}

fn runtime_of(kind: &str) -> Runtime {
    let workers = match kind {
        "2 workers" => 2,
        "1 worker" => 1,
        _ => return runtime(),
    };
    let mut builder = Builder::new_multi_thread();
    let built = builder.worker_threads(workers).enable_all().build();
    built.expect("threads")
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
struct Process {
    child: Child,
    address: String,
    out: BufReader<ChildStdout>,
}

impl Process {
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
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        out.read_line(&mut address).expect("an address");
        Self {
            child,
            address: address.trim().to_owned(),
            out,
        }
    }

    /// Ends a proxy and checks what it says of the calls that were made through it.
    fn check(&mut self, kind: &str, calls: u64) {
        drop(self.child.stdin.take());
        let mut said = String::new();
        self.out.read_to_string(&mut said).expect("counts");
        let counts: Vec<u64> = said
            .split_whitespace()
            .map(|count| count.parse().expect("a count"))
            .collect();
        let &[seen, shed, left_out, looked] = counts.as_slice() else {
            panic!("{kind} said {said}")
        };
        println!("{kind:<8} of {calls} calls {looked} looked at, {shed} shed, {left_out} left out");
        assert_eq!(seen, calls, "{kind}");
        assert_eq!(seen, looked + shed + left_out, "{kind}");
        match kind {
            "stalled" => assert_eq!((shed, looked), (0, calls)),
            "full" => assert_eq!((shed, looked), (calls - FEW as u64, FEW as u64)),
            _ => {}
        }
    }

    /// Ends it; the instructions that callgrind counted.
    fn collected(&mut self) -> u64 {
        drop(self.child.stdin.take());
        let mut said = String::new();
        let mut errors = self.child.stderr.take().expect("a pipe");
        errors.read_to_string(&mut said).expect("text");
        sidecar::instructions(&said)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
