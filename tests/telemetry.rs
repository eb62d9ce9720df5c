//! What a running process writes on standard error.

use std::process::Command;

use driftgauge::settings::{Log, LogFormat, LogLevel};
use driftgauge::telemetry;

/// Writes some messages; run by the tests below in a process of its own.
#[test]
#[ignore = "the child process of the tests below, which run it"]
fn write_messages() {
    let format = match std::env::var("TEST_LOG_FORMAT").as_deref() {
        Ok("json") => LogFormat::Json,
        _ => LogFormat::Logfmt,
    };
    let level = telemetry::start(&Log {
        level: LogLevel::Info,
        format,
    });
    tracing::debug!(target: "driftgauge::x", "debug before");
    tracing::info!(target: "driftgauge::x", rows = 3, "info before");
    level.set(LogLevel::Debug);
    tracing::debug!(target: "driftgauge::x", "debug after");
    tracing::debug!(target: "hyper", "frame of a library");
    level.set(LogLevel::Error);
    tracing::info!(target: "driftgauge::x", "info after");
    for _ in 0..3 {
        level.set(LogLevel::Warn);
        driftgauge::warn_limited!("once", "a warning");
    }
}

fn written(format: &str) -> Vec<String> {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "write_messages", "--ignored", "--nocapture"])
        .env("TEST_LOG_FORMAT", format)
        .output()
        .unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_level_can_change_and_libraries_stay_quiet() {
    let lines = written("logfmt");
    let messages: Vec<_> = lines
        .iter()
        .filter_map(|line| Some(line.split_once("msg=")?.1))
        .collect();
    assert_eq!(
        messages,
        ["\"info before\" rows=3", "\"debug after\"", "\"a warning\""]
    );
}

#[test]
fn json_is_one_object_a_line() {
    let lines = written("json");
    let objects: Vec<serde_json::Value> = lines
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    assert_eq!(objects.len(), 3, "{lines:?}");
    assert_eq!(objects[0]["message"], "info before");
    assert_eq!(objects[0]["rows"], 3);
    assert_eq!(objects[0]["level"], "INFO");
}
