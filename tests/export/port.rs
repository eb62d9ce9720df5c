//! A web port over a snapshot made by hand, and a client that speaks to it over plain sockets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use driftgauge::analysis::NotRebaselined;
use driftgauge::engine::{Rebaseline, Rebaselined, Refusal, Snapshot};
use driftgauge::export::{Setting, Sidecar, WebOptions, WebState, serve_web};
use driftgauge::profile::{Kind, Profile, Provenance, Replacement};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::snapshot::{self, profile_of};

pub(super) struct State {
    snapshot: ArcSwap<Snapshot>,
    reloads: AtomicUsize,
}

impl State {
    pub(super) fn of(snapshot: Snapshot) -> Self {
        Self {
            snapshot: ArcSwap::from_pointee(snapshot),
            reloads: AtomicUsize::new(0),
        }
    }
}

impl WebState for State {
    fn snapshot(&self) -> &ArcSwap<Snapshot> {
        &self.snapshot
    }

    fn sidecar(&self) -> Sidecar {
        snapshot::sidecar(&self.snapshot.load())
    }

    fn settings(&self) -> Vec<Setting> {
        snapshot::settings()
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

pub(super) struct Web {
    pub(super) address: SocketAddr,
    pub(super) stop: oneshot::Sender<()>,
    pub(super) served: JoinHandle<()>,
}

pub(super) fn start(snapshot: Snapshot, options: WebOptions) -> Web {
    // Small buffers, so that a client that does not read is noticed early.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(128 * 1024).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener: TcpListener = socket.listen(128).unwrap();
    let address = listener.local_addr().unwrap();
    let state = Arc::new(State::of(snapshot));
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

pub(super) fn everything() -> Web {
    start(snapshot::everything(), WebOptions::default())
}

pub(super) struct Answer {
    pub(super) status: u16,
    headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

pub(super) async fn write(stream: &TcpStream, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        stream.writable().await.unwrap();
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
    }
}

/// All that comes until the other side closes, which it has to do within ten seconds.
pub(super) async fn read(stream: &TcpStream) -> Vec<u8> {
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
pub(super) async fn ask(address: SocketAddr, line: &str, headers: &[(&str, &str)]) -> Answer {
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
