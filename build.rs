//! Generates the messages of the push API, its client and server, and those of the Open Inference
//! Protocol, without protoc, and notes the revision.

use std::error::Error;
use std::path::Path;
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=proto");
    push_api()?;
    open_inference()?;
    println!("cargo::rustc-env=DRIFTGAUGE_REVISION={}", revision());
    Ok(())
}

/// Messages and client come from the `.proto`; the server hands its handlers the bytes of each
/// message, so that they see, count and explain what cannot be decoded.
fn push_api() -> Result<(), Box<dyn Error>> {
    let files = protox::compile(["driftgauge/ingest/v1/ingest.proto"], ["proto"])?;
    tonic_prost_build::configure()
        .build_server(false)
        .bytes(".driftgauge.ingest.v1")
        .compile_fds(files)?;

    let method = |name: &str, route: &str, answer: &str| {
        tonic_build::manual::Method::builder()
            .name(name)
            .route_name(route)
            .input_type("bytes::Bytes")
            .output_type(answer)
            .codec_path("crate::ingest::push::RawCodec")
            .client_streaming()
    };
    let service = tonic_build::manual::Service::builder()
        .name("IngestService")
        .package("driftgauge.ingest.v1")
        // On the wire a unary call is a client stream of one message.
        .method(
            method(
                "observe",
                "Observe",
                "crate::proto::ingest::ObserveResponse",
            )
            .build(),
        )
        .method(
            method(
                "observe_stream",
                "ObserveStream",
                "crate::proto::ingest::ObserveStreamResponse",
            )
            .server_streaming()
            .build(),
        )
        .build();
    tonic_build::manual::Builder::new()
        .build_client(false)
        .compile(&[service]);
    Ok(())
}

/// Messages alone: calls are forwarded untouched, and only copies are decoded, in place.
fn open_inference() -> Result<(), Box<dyn Error>> {
    let files = protox::compile(["inference/open_inference.proto"], ["proto"])?;
    tonic_prost_build::configure()
        .build_server(false)
        .build_client(false)
        .bytes(".inference")
        .compile_fds(files)?;
    Ok(())
}

/// The commit that is built: from the environment (image builds have no `.git`), else from git, else
/// `unknown`. A `.git` further up belongs to somebody else.
fn revision() -> String {
    println!("cargo::rerun-if-env-changed=DRIFTGAUGE_REVISION");
    if let Some(given) = std::env::var("DRIFTGAUGE_REVISION")
        .ok()
        .filter(|given| !given.is_empty())
    {
        return given;
    }
    if !Path::new(".git").exists() {
        return "unknown".into();
    }
    // Each commit, checkout and reset is written there.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"])
        && Path::new(&log).exists()
    {
        println!("cargo::rerun-if-changed={log}");
    }
    git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown".into())
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
