//! The built program as a child process, what it costs, and messages to send it.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use driftgauge::profile::Profile;
use driftgauge::proto::ingest as wire;
use driftgauge::proto::ingest::ingest_service_client::IngestServiceClient;
use tonic::transport::{Channel, Endpoint};

const PROGRAM: &str = env!("CARGO_BIN_EXE_driftgauge");

/// `driftgauge serve` on ports of its own.
pub struct Sidecar {
    child: Child,
    /// `host:port` of the web port.
    pub web: String,
    /// `host:port` of the push API.
    pub push: String,
    /// `host:port` of the proxy, or `off`.
    pub forward: String,
    folder: tempfile::TempDir,
}

impl Sidecar {
    /// Starts it with a profile for model `m` and waits until it is up.
    pub fn start(profile: &Profile, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("m.profile.json"), profile.to_json()).expect("a profile");
        let settings = "models:\n  m:\n    profile: m.profile.json\n";
        std::fs::write(path("settings.yaml"), settings).expect("settings");
        let file = path("settings.yaml");
        let arguments = [&["--config.file", &file], arguments].concat();
        Self::run(&mut Command::new(PROGRAM), folder, &arguments)
    }

    /// Starts it without settings: what comes first of a model is its reference.
    pub fn without_settings(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::run(&mut Command::new(PROGRAM), folder, arguments)
    }

    /// The same under callgrind. It would not follow the program into the second start that gives glibc
    /// its settings, so they are there from the first.
    pub fn counted(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let mut command = Command::new("valgrind");
        command
            .arg("--tool=callgrind")
            .arg(format!("--callgrind-out-file={}", path("callgrind")))
            .arg(format!("--log-file={}", path("log")))
            .arg(PROGRAM)
            .envs([
                ("MALLOC_ARENA_MAX", "1"),
                ("MALLOC_MMAP_THRESHOLD_", "65536"),
                ("MALLOC_TRIM_THRESHOLD_", "65536"),
            ]);
        Self::run(&mut command, folder, arguments)
    }

    fn run(command: &mut Command, folder: tempfile::TempDir, arguments: &[&str]) -> Self {
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DRIFTGAUGE_")) {
            command.env_remove(name);
        }
        let mut child = command
            .arg("serve")
            .args(["--web.listen-address", "127.0.0.1:0"])
            .args(["--push.listen-address", "127.0.0.1:0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let log = BufReader::new(child.stderr.take().expect("its log"));
        let mut lines = log.lines().map_while(Result::ok);
        let up = lines
            .find(|line| line.contains("is up"))
            .expect("it comes up");
        // Somebody has to read the rest.
        std::thread::spawn(move || lines.for_each(drop));
        let word = |key: &str| {
            let found = up
                .split_whitespace()
                .find_map(|word| word.strip_prefix(key));
            found.expect("the address in the log").to_owned()
        };
        Self {
            web: word("web="),
            push: word("push="),
            forward: word("forward="),
            child,
            folder,
        }
    }

    /// A line of its `/proc/…/status`, in bytes: `VmRSS`, `VmHWM`.
    pub fn memory(&self, key: &str) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("it runs");
        let found = status.lines().find_map(|line| line.strip_prefix(key));
        let kilobytes =
            found.and_then(|rest| rest.trim_matches([':', '\t', ' ', 'k', 'B']).parse().ok());
        kilobytes.map_or(0, |kilobytes: u64| kilobytes * 1024)
    }

    /// Nanoseconds that its threads have been on a processor; with a name, those called so.
    pub fn cpu_nanos(&self, name: &str) -> f64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let mut sum = 0.0;
        for task in tasks.expect("it runs").flatten() {
            let read = |file| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
            if name.is_empty() || read("comm").trim() == name {
                let nanos = read("schedstat");
                let nanos = nanos
                    .split_whitespace()
                    .next()
                    .and_then(|word| word.parse().ok());
                sum += nanos.unwrap_or(0.0);
            }
        }
        sum
    }

    /// Gets a path; returns head and body.
    pub fn get(&self, path: &str, headers: &str) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.web).expect("the web port");
        stream.set_nodelay(true).expect("a socket");
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).expect("a request");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let head = answer
            .windows(4)
            .position(|end| end == b"\r\n\r\n")
            .expect("a head");
        let body = answer.split_off(head + 4);
        (String::from_utf8_lossy(&answer).into_owned(), body)
    }

    /// The sum of the samples of a family on `/metrics` whose labels contain `labels`.
    pub fn metric(&self, family: &str, labels: &str) -> f64 {
        let (_, body) = self.get("/metrics", "");
        let page = String::from_utf8(body).expect("text");
        let of_family = page.lines().filter_map(|line| {
            let rest = line.strip_prefix(family)?;
            let is_it = rest.starts_with('{') || rest.starts_with(' ');
            (is_it && rest.contains(labels)).then(|| rest.rsplit_once(' '))?
        });
        of_family
            .filter_map(|(_, value)| value.parse::<f64>().ok())
            .sum()
    }

    /// Asks it to end, and waits; the instructions that callgrind counted.
    pub fn collected(mut self) -> u64 {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").arg(&id).status().expect("kill");
        assert!(asked.success());
        self.child.wait().expect("its end");
        let said = std::fs::read_to_string(self.folder.path().join("log")).expect("a log");
        instructions(&said)
    }

    /// Waits until `done`, looking each 20 ms; fails after a minute.
    pub fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let patience = Instant::now() + Duration::from_secs(60);
        while !done(self) {
            assert!(Instant::now() < patience, "in vain: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A client of the push API, on a connection of its own.
    pub async fn service(&self) -> IngestServiceClient<Channel> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.push)).expect("an address");
        IngestServiceClient::new(endpoint.connect().await.expect("a connection"))
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The instructions that callgrind says it has counted.
pub fn instructions(said: &str) -> u64 {
    let line = said.lines().find(|line| line.contains("Collected :"));
    let count = line.and_then(|line| line.split_whitespace().last()?.parse().ok());
    count.unwrap_or_else(|| panic!("callgrind said: {said}"))
}

/// The schema of `f0` … as f64, under number 1.
pub fn schema(fields: usize) -> wire::Schema {
    let field = |at| wire::Field {
        name: format!("f{at}"),
        role: wire::Role::Feature as i32,
        r#type: wire::ValueType::Float64 as i32,
        width: 1,
    };
    wire::Schema {
        fields: (0..fields).map(field).collect(),
    }
}

/// A request of one block: `data` holds rows of `fields` f64. Without the schema, which the sidecar
/// remembers by client id and number.
pub fn request(
    client: &str,
    sequence: u64,
    fields: usize,
    data: bytes::Bytes,
) -> wire::ObserveRequest {
    let batch = wire::PredictionBatch {
        model: Some(wire::ModelRef {
            name: "m".into(),
            version: "1".into(),
        }),
        schema_id: 1,
        schema: None,
        rows: (data.len() / 8 / fields) as u32,
        blocks: vec![wire::Block {
            first_field: 0,
            field_count: fields as u32,
            r#type: wire::ValueType::Float64 as i32,
            data,
            validity: bytes::Bytes::new(),
        }],
        ..wire::PredictionBatch::default()
    };
    wire::ObserveRequest {
        client_id: client.into(),
        sequence,
        dropped_rows: 0,
        batches: vec![batch],
    }
}

/// The same with the schema.
pub fn first_request(client: &str, fields: usize, data: bytes::Bytes) -> wire::ObserveRequest {
    let mut request = request(client, 1, fields, data);
    request.batches[0].schema = Some(schema(fields));
    request
}
