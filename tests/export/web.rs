//! The web port, spoken to over plain sockets.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use driftgauge::analysis::NotRebaselined;
use driftgauge::engine::{Rebaseline, Rebaselined, Refusal, Snapshot};
use driftgauge::export::{Sidecar, WebOptions, WebState, serve_web};
use driftgauge::profile::{Kind, Profile, Provenance, Replacement};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::parse;
use crate::snapshot::{self, field, model, profile_of};

const PROTOBUF: &str =
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

struct State {
    snapshot: ArcSwap<Snapshot>,
    reloads: AtomicUsize,
}

impl WebState for State {
    fn snapshot(&self) -> &ArcSwap<Snapshot> {
        &self.snapshot
    }

    fn sidecar(&self) -> Sidecar {
        snapshot::sidecar(&self.snapshot.load())
    }

    fn profile(&self, model: &str, version: Option<&str>) -> Option<Arc<Profile>> {
        (model == "fraud" && version.is_none_or(|version| version == "2")).then(|| {
            Arc::new(Profile {
                model: Some("fraud".into()),
                rows: 100,
                features: vec![profile_of("amount", Kind::Numeric, 4)],
                joint: None,
                outliers: None,
                provenance: Provenance::default(),
            })
        })
    }

    fn reload(&self) -> Result<(), String> {
        match self.reloads.fetch_add(1, Ordering::SeqCst) {
            0 => Ok(()),
            _ => Err("line 3: no such key".into()),
        }
    }

    fn rebaseline(&self, asked: Rebaseline) -> Result<Rebaselined, NotRebaselined> {
        match &*asked.model {
            "nobody" => Err(Refusal::NoModel(asked.model).into()),
            "young" => Err(Refusal::NoReference(asked.model).into()),
            "stuck" => Err(NotRebaselined::TooSlow),
            _ => Ok(Rebaselined {
                model: asked.model.into(),
                version: asked.version.map(Into::into),
                window: asked.window.as_deref().unwrap_or("1d").into(),
                hash: "0123abcd".into(),
                replaced: "89efcdab".into(),
                profile: Arc::new(Profile {
                    rows: 1_234,
                    provenance: Provenance {
                        rebaseline: Some(Replacement {
                            by: asked.by.clone(),
                            kept_fields: vec![asked.by],
                            ..Replacement::default()
                        }),
                        ..Provenance::default()
                    },
                    ..Profile::default()
                }),
            }),
        }
    }

    fn keeps_references(&self) -> bool {
        false
    }

    fn ready(&self) -> bool {
        self.reloads.load(Ordering::SeqCst) == 0
    }
}

pub struct Web {
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

pub fn start(snapshot: Snapshot, options: WebOptions) -> Web {
    // Small buffers, so that a client that does not read is noticed early.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(128 * 1024).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener: TcpListener = socket.listen(128).unwrap();
    let address = listener.local_addr().unwrap();
    let state = Arc::new(State {
        snapshot: ArcSwap::from_pointee(snapshot),
        reloads: AtomicUsize::new(0),
    });
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async {
        let _ = stopped.await;
    };
    let served = tokio::spawn(serve_web(listener, state, options, shutdown));
    Web {
        address,
        stop,
        served,
    }
}

pub struct Answer {
    pub status: u16,
    headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

async fn write(stream: &TcpStream, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        stream.writable().await.unwrap();
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
    }
}

/// All that comes until the other side closes, which it has to do within ten seconds.
async fn read(stream: &TcpStream) -> Vec<u8> {
    let all = tokio::time::timeout(Duration::from_secs(10), read_all(stream));
    all.await.expect("an end")
}

async fn read_all(stream: &TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        stream.readable().await.unwrap();
        let mut chunk = [0; 16 * 1024];
        match stream.try_read(&mut chunk) {
            Ok(0) => return all,
            Ok(length) => all.extend_from_slice(&chunk[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return all,
        }
    }
}

/// One request; nothing here may take longer than ten seconds.
pub async fn ask(address: SocketAddr, line: &str, headers: &[(&str, &str)]) -> Answer {
    let answer = tokio::time::timeout(Duration::from_secs(10), talk(address, line, headers));
    answer.await.expect("an answer")
}

async fn talk(address: SocketAddr, line: &str, headers: &[(&str, &str)]) -> Answer {
    let stream = TcpStream::connect(address).await.unwrap();
    let mut request = format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    write(&stream, request.as_bytes()).await;
    let all = read(&stream).await;
    let end = all.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&all[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    Answer {
        status: status.parse().unwrap(),
        headers: lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect(),
        body: all[end + 4..].to_vec(),
    }
}

fn everything() -> Web {
    start(snapshot::everything(), WebOptions::default())
}

#[tokio::test]
async fn metrics_come_in_the_format_asked_for() {
    let web = everything();
    for (accept, content_type) in [
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        (
            "text/plain;version=0.0.4;escaping=underscores",
            "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
        ),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
        ),
        (
            PROTOBUF,
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
        ),
    ] {
        let answer = ask(web.address, "GET /metrics", &[("Accept", accept)]).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), content_type);
        let page = match content_type.split(';').next().unwrap() {
            "text/plain" => parse::text(answer.text(), false),
            "application/openmetrics-text" => parse::text(answer.text(), true),
            _ => parse::protobuf(&answer.body),
        };
        let said = page.value("driftgauge_series", &[]);
        assert_eq!(said, page.samples.len() as f64);
        assert!(page.families.contains_key("driftgauge_feature_drift_ratio"));
    }
}

#[tokio::test]
async fn large_pages_are_compressed_for_those_who_can_read_them() {
    let web = everything();
    let gzip = [("accept-encoding", "gzip")];
    let answer = ask(web.address, "GET /metrics", &gzip).await;
    assert_eq!(answer.header("content-encoding"), "gzip");
    assert_eq!(
        answer.header("content-length"),
        answer.body.len().to_string()
    );
    let mut text = String::new();
    let mut decoder = flate2::read::GzDecoder::new(&answer.body[..]);
    decoder.read_to_string(&mut text).unwrap();
    assert!(answer.body.len() * 5 < text.len());
    parse::text(&text, false);

    let plain = ask(web.address, "GET /metrics", &[]).await;
    assert_eq!(plain.header("content-encoding"), "");
    let small = ask(web.address, "GET /-/healthy", &gzip).await;
    assert_eq!((small.header("content-encoding"), small.status), ("", 200));
}

#[tokio::test]
async fn head_says_what_get_would_send() {
    let web = everything();
    for path in ["/", "/-/healthy", "/api/v1/status", "/nowhere"] {
        let get = ask(web.address, &format!("GET {path}"), &[]).await;
        let head = ask(web.address, &format!("HEAD {path}"), &[]).await;
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.header("content-length"), get.body.len().to_string());
        assert_eq!(head.header("content-type"), get.header("content-type"));
        assert!(head.body.is_empty(), "{path}");
    }
}

#[tokio::test]
async fn wrong_paths_and_methods_are_told_so_in_a_sentence() {
    let web = everything();
    let answer = ask(web.address, "GET /nowhere", &[]).await;
    assert_eq!(answer.status, 404);
    assert_eq!(
        answer.text(),
        "There is nothing at /nowhere; metrics are at /metrics.\n"
    );
    for (line, allow) in [
        ("POST /metrics", "GET, HEAD"),
        ("DELETE /", "GET, HEAD"),
        ("PUT /api/v1/profile", "GET, HEAD"),
        ("GET /-/reload", "POST"),
        ("GET /api/v1/rebaseline?model=fraud", "POST"),
    ] {
        let answer = ask(web.address, line, &[]).await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, allow),
            "{line}"
        );
        assert!(answer.text().ends_with(&format!("use {allow}.\n")));
    }
}

#[tokio::test]
async fn the_path_of_the_metrics_can_be_chosen() {
    let options = WebOptions {
        metrics_path: "/probe/m".into(),
        ..WebOptions::default()
    };
    let web = start(snapshot::everything(), options);
    assert_eq!(ask(web.address, "GET /probe/m", &[]).await.status, 200);
    let answer = ask(web.address, "GET /metrics", &[]).await;
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("/probe/m"));
}

#[tokio::test]
async fn reload_needs_the_lifecycle_switch() {
    let web = everything();
    let answer = ask(web.address, "POST /-/reload", &[]).await;
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("--web.enable-lifecycle"));
    assert_eq!(ask(web.address, "GET /-/ready", &[]).await.status, 200);

    let options = WebOptions {
        enable_lifecycle: true,
        ..WebOptions::default()
    };
    let web = start(snapshot::everything(), options);
    assert_eq!(ask(web.address, "POST /-/reload", &[]).await.status, 200);
    let answer = ask(web.address, "POST /-/reload", &[]).await;
    assert_eq!(answer.status, 500);
    assert!(answer.text().contains("line 3: no such key"));
    let answer = ask(web.address, "GET /-/ready", &[]).await;
    assert_eq!(answer.status, 503, "the state says it is not");
    assert_eq!(ask(web.address, "GET /-/healthy", &[]).await.status, 200);
}

#[tokio::test]
async fn a_rebaseline_needs_the_lifecycle_switch_and_says_what_it_did_or_why_not() {
    let web = everything();
    let path = "POST /api/v1/rebaseline";
    let answer = ask(web.address, &format!("{path}?model=fraud"), &[]).await;
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("--web.enable-lifecycle"));
    assert!(answer.text().contains("--web.admin-socket"));

    let options = WebOptions {
        enable_lifecycle: true,
        ..WebOptions::default()
    };
    let web = start(snapshot::everything(), options);
    for (query, status, words) in [
        ("", 400, "Say which model"),
        ("?model=", 400, "Say which model"),
        ("?model=nobody", 404, "no model \"nobody\""),
        ("?model=young", 409, "no reference"),
        ("?model=stuck", 503, "did not answer"),
    ] {
        let answer = ask(web.address, &format!("{path}{query}"), &[]).await;
        assert_eq!(answer.status, status, "{query}");
        assert!(answer.text().contains(words), "{query}: {}", answer.text());
        assert!(answer.text().ends_with(".\n"), "{}", answer.text());
    }
    let query = "?model=fraud&version=2&window=1h&by=ann%0A%1b%5bof+ops";
    let answer = ask(web.address, &format!("{path}{query}"), &[]).await;
    assert_eq!(answer.status, 200);
    let done: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let expected = serde_json::json!({
        "model": "fraud", "version": "2", "window": "1h", "profile": "0123abcd",
        "replaced": "89efcdab", "rows": 1234, "kept_fields": ["ann[of ops over the web port"],
        "survives_restart": false,
    });
    assert_eq!(done, expected);
}

#[tokio::test]
async fn a_unix_socket_serves_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let state = Arc::new(State {
        snapshot: ArcSwap::from_pointee(snapshot::everything()),
        reloads: AtomicUsize::new(0),
    });
    let serving = serve_web(
        listener,
        state,
        WebOptions::default(),
        std::future::pending(),
    );
    tokio::spawn(serving);
    let mut stream = UnixStream::connect(&path).await.unwrap();
    let request = b"GET /-/healthy HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("driftgauge is healthy.\n"));
}

#[tokio::test]
async fn profiles_come_as_files_or_with_a_reason_why_not() {
    let web = everything();
    let path = "GET /api/v1/profile?model=fraud";
    let answer = ask(web.address, path, &[]).await;
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .header("content-type")
            .starts_with("application/json")
    );
    let profile = Profile::from_json(answer.text()).unwrap();
    assert_eq!(profile.features[0].name, "amount");

    for (query, status, why) in [
        ("", 400, "Say which model"),
        ("?model=", 400, "Say which model"),
        ("?model=nobody", 404, "No traffic"),
        ("?model=fraud&version=9", 404, "No traffic"),
        (
            "?model=Z%C3%BCrich+%22%5C%0A%7Bx%3D%221%22%7D+%23+2",
            404,
            "still learning its reference: 1200 of 5000 rows",
        ),
    ] {
        let answer = ask(web.address, &format!("GET /api/v1/profile{query}"), &[]).await;
        assert_eq!(answer.status, status, "{query}");
        assert!(answer.text().contains(why), "{query}: {}", answer.text());
        assert!(answer.text().ends_with(".\n"));
    }
}

#[tokio::test]
async fn the_status_is_the_snapshot_as_json() {
    let web = everything();
    let answer = ask(web.address, "GET /api/v1/status", &[]).await;
    let status: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let airport = &status["models"][0]["features"][1];
    assert_eq!(airport["feature"], snapshot::AWKWARD);
    let drift = &airport["windows"][1]["drift"];
    assert_eq!(drift[0]["ratio"], 4.0);
    assert_eq!(drift[1]["reference"], "version:1");
    assert_eq!(airport["reference"]["cells"][0]["range"], "JFK");
    let class = &status["models"][0]["features"][7];
    assert_eq!(class["role"], "prediction");
    assert!(
        class["reference"]["cells"][0].get("range").is_none(),
        "learned"
    );
    insta::with_settings!({snapshot_path => "../golden", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("status.json", serde_json::to_string_pretty(&status).unwrap());
    });
}

#[tokio::test]
async fn the_landing_page_shows_models_and_their_worst_features() {
    let web = everything();
    let answer = ask(web.address, "GET /", &[]).await;
    assert!(answer.header("content-type").starts_with("text/html"));
    let page = answer.text();
    assert!(page.contains("<h1>driftgauge 1.2.3</h1>"));
    assert!(page.contains("Zürich &quot;\\\n{x=&quot;1&quot;} # 2"));
    assert!(page.contains("learning a reference, 1\u{202f}200 of 5\u{202f}000 rows"));
    assert!(page.contains("<td class=\"n drift\">5.00</td>"));
    assert!(!page.contains("<script"));
    insta::with_settings!({snapshot_path => "../golden", prepend_module_to_snapshot => false}, {
        insta::assert_binary_snapshot!("landing.html", answer.body);
    });
}

/// Far more than all buffers between two sockets hold.
fn large() -> Snapshot {
    let fields = (0..300).map(|i| field(&format!("f{i}"), Some(Kind::Numeric), 30, &["profile"]));
    Snapshot {
        models: vec![model("m", "1", fields.collect())],
        ..Snapshot::default()
    }
}

/// A client that asks and then does not read.
async fn stubborn(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let stream = socket.connect(address).await.unwrap();
    write(&stream, b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").await;
    stream.readable().await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_do_not_read_cannot_keep_others_from_the_metrics() {
    let options = WebOptions {
        reading_grace: Duration::from_millis(100),
        ..WebOptions::default()
    };
    let web = start(large(), options);
    let mut stuck = Vec::new();
    for _ in 0..4 {
        stuck.push(stubborn(web.address).await);
    }
    let before = Instant::now();
    let answer = ask(web.address, "GET /metrics", &[]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-length"),
        answer.body.len().to_string()
    );
    assert!(answer.body.len() > 2_000_000, "{}", answer.body.len());
    assert!(
        before.elapsed() < Duration::from_secs(5),
        "{:?}",
        before.elapsed()
    );

    let first = read(&stuck[0]).await;
    assert!(
        first.len() < answer.body.len(),
        "the longest guest was cut off"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_in_memory_are_limited_while_nobody_reads() {
    let options = WebOptions {
        concurrent_pages: 2,
        reading_grace: Duration::from_secs(3600),
        ..WebOptions::default()
    };
    let web = start(large(), options);
    let before = Instant::now();
    ask(web.address, "GET /metrics", &[]).await;
    let unhindered = before.elapsed();
    let stuck = [stubborn(web.address).await, stubborn(web.address).await];

    let mut third = std::pin::pin!(ask(web.address, "GET /metrics", &[]));
    let waited = tokio::time::timeout(unhindered * 3, &mut third).await;
    assert!(waited.is_err(), "both places are taken");
    let healthy = ask(web.address, "GET /-/healthy", &[]).await;
    assert_eq!(healthy.status, 200, "probes need no place");
    drop(stuck);
    assert_eq!(third.await.status, 200, "places are free again");
}

#[tokio::test]
async fn more_connections_than_allowed_push_out_the_oldest() {
    let options = WebOptions {
        connections: 3,
        ..WebOptions::default()
    };
    let web = start(snapshot::everything(), options);
    let mut idle = Vec::new();
    for _ in 0..3 {
        idle.push(TcpStream::connect(web.address).await.unwrap());
    }
    let answer = ask(web.address, "GET /-/healthy", &[]).await;
    assert_eq!(answer.status, 200);
    assert!(read(&idle[0]).await.is_empty(), "closed");
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_off() {
    let options = WebOptions {
        header_timeout: Duration::from_millis(100),
        ..WebOptions::default()
    };
    let web = start(snapshot::everything(), options);
    let stream = TcpStream::connect(web.address).await.unwrap();
    write(&stream, b"GET /metrics HTTP/1.1\r\nhost: x\r\nx: ").await;
    assert!(read(&stream).await.is_empty());
}

#[tokio::test]
async fn an_open_connection_does_not_hold_up_the_shutdown() {
    let web = everything();
    let stream = TcpStream::connect(web.address).await.unwrap();
    write(&stream, b"GET /-/healthy HTTP/1.1\r\nhost: x\r\n\r\n").await;
    stream.readable().await.unwrap();
    web.stop.send(()).unwrap();
    let served = tokio::time::timeout(Duration::from_secs(1), web.served).await;
    served.unwrap().unwrap();
    assert!(TcpStream::connect(web.address).await.is_err());
}

/// Needs `DRIFTGAUGE_PYTHON`, an interpreter with the packages prometheus_client and protobuf.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Python packages; tests/run has them and runs it"]
async fn foreign_parsers_agree() {
    let python = std::env::var("DRIFTGAUGE_PYTHON").unwrap_or_else(|_| "python3".into());
    for snapshot in [snapshot::everything(), Snapshot::default()] {
        let web = start(snapshot, WebOptions::default());
        let url = format!("http://{}/metrics", web.address);
        let python = python.clone();
        let checked = tokio::task::spawn_blocking(move || {
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/check_exposition.py");
            std::process::Command::new(python)
                .arg(script)
                .arg(url)
                .output()
                .unwrap()
        });
        let checked = checked.await.unwrap();
        let said = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{said}");
    }
}
