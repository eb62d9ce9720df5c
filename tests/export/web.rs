//! What the web port answers: pages and files in the form asked for, or a sentence why not.

use std::io::Read;
use std::sync::Arc;

use driftgauge::engine::Snapshot;
use driftgauge::export::{WebOptions, serve_web};
use driftgauge::profile::Profile;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::parse;
use crate::port::{State, ask, everything, start};
use crate::snapshot;

const PROTOBUF: &str =
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

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
async fn a_unix_socket_serves_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let state = Arc::new(State::of(snapshot::everything()));
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
    assert_eq!(
        status["sidecar"]["sources"][0]["shed_rows"]["queue_rows"],
        20
    );
    let drift = &airport["windows"][1]["drift"];
    assert_eq!(drift[0]["ratio"], 4.0);
    assert_eq!(drift[1]["reference"], "version:1");
    assert_eq!(airport["reference"]["cells"][0]["range"], "JFK");
    let mut fields = status["models"][0]["features"].as_array().unwrap().iter();
    let class = fields.find(|field| field["role"] == "prediction").unwrap();
    assert!(
        class["reference"]["cells"][0].get("range").is_none(),
        "learned"
    );
    insta::with_settings!({snapshot_path => "../golden", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("status.json", serde_json::to_string_pretty(&status).unwrap());
    });
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
