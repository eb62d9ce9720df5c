//! From a profile and data files to a verdict, as `driftgauge compare` does it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use driftgauge::cli::{compare, profile};
use tempfile::TempDir;

/// `driftgauge compare` on its own.
#[derive(Parser)]
struct Compare {
    #[command(flatten)]
    arguments: compare::Arguments,
}

fn parsed(arguments: &[&str]) -> Result<compare::Arguments, clap::Error> {
    Compare::try_parse_from([&["compare"], arguments].concat()).map(|command| command.arguments)
}

/// What is printed, and whether the release gate stays shut.
fn run(arguments: &[&str]) -> (String, bool) {
    let mut out = Vec::new();
    let code = compare::run(&parsed(arguments).unwrap(), &mut out).unwrap();
    (
        String::from_utf8(out).unwrap(),
        format!("{code:?}") != format!("{:?}", ExitCode::SUCCESS),
    )
}

fn data(folder: &TempDir, name: &str, columns: &[&str]) -> PathBuf {
    let mut csv = columns.join(",") + "\n";
    for row in 0..1_000 {
        let cells = columns.iter().map(|_| (row * 37 % 100).to_string());
        csv += &(cells.collect::<Vec<_>>().join(",") + "\n");
    }
    let path = folder.path().join(name);
    std::fs::write(&path, csv).unwrap();
    path
}

fn learned(folder: &TempDir, data: &Path) -> PathBuf {
    let output = folder.path().join("profile.json");
    let args = profile::Args {
        data: vec![data.into()],
        output: Some(output.clone()),
        ..profile::Args::default()
    };
    profile::run(&args).unwrap();
    output
}

#[test]
fn what_is_ignored_is_not_missed() {
    let folder = TempDir::new().unwrap();
    let data = data(&folder, "all.csv", &["x", "y", "prediction"]);
    let profile = learned(&folder, &data);
    let (profile, data) = (profile.to_str().unwrap(), data.to_str().unwrap());
    let (table, shut) = run(&[profile, data, "--ignore", "y", "--fail-on-drift"]);
    assert!(!shut, "{table}");
    assert!(table.contains("0 of 2 fields"), "{table}");
}

#[test]
fn labels_are_not_missed_before_they_are_known() {
    let folder = TempDir::new().unwrap();
    let labelled = data(&folder, "labelled.csv", &["x", "prediction", "label"]);
    let fresh = data(&folder, "fresh.csv", &["x", "prediction"]);
    let without_x = data(&folder, "without_x.csv", &["prediction"]);
    let profile = learned(&folder, &labelled);
    let gate = |data: &Path| {
        run(&[
            profile.to_str().unwrap(),
            data.to_str().unwrap(),
            "--fail-on-drift",
        ])
    };
    let (table, shut) = gate(&fresh);
    assert!(!shut, "{table}");
    assert!(gate(&without_x).1, "a feature is");
}

#[test]
fn a_sensitivity_that_makes_no_sense_is_refused() {
    for (flag, value) in [
        ("--minimum-effect", "nan"),
        ("--minimum-effect", "-1"),
        ("--significance", "inf"),
        ("--significance", "-5"),
        ("--significance", "much"),
    ] {
        let argument = format!("{flag}={value}");
        assert!(
            parsed(&["p.json", "d.csv", &argument]).is_err(),
            "{argument}"
        );
    }
    assert!(parsed(&["p.json", "d.csv", "--minimum-effect=0"]).is_ok());
}

#[test]
fn one_bad_vector_is_one_invalid_row_and_the_rest_is_compared() {
    let folder = TempDir::new().unwrap();
    let good = |row: usize| {
        let elements = (0..8).map(|at| ((row * 37 + at * 11) % 100).to_string());
        let elements: Vec<_> = elements.collect();
        format!("{{\"emb\": [{}]}}\n", elements.join(","))
    };
    let good: String = (0..2_000).map(good).collect();
    let write = |name: &str, bad: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, good.clone() + bad).unwrap();
        path
    };
    let profile = learned(&folder, &write("good.jsonl", ""));
    for bad in ["[1,2]", "\"x\"", "5", "[1,\"a\"]", "{\"a\": 1}"] {
        let data = write("new.jsonl", &format!("{{\"emb\": {bad}}}\n"));
        let (profile, data) = (profile.to_str().unwrap(), data.to_str().unwrap());
        let (json, shut) = run(&[profile, data, "--format", "json", "--fail-on-drift"]);
        assert!(!shut, "{bad}: {json}");
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let features = json["features"].as_array().unwrap();
        let emb = features.iter().find(|f| f["feature"] == "emb").unwrap();
        assert_eq!(
            (&emb["rows"], &emb["missing"]["invalid"]),
            (&2_000.into(), &1.into()),
            "{bad}: {emb}"
        );
    }
}

/// Two days of rows every few seconds; `shift` of the mean at each part of the time, 0 … 1.
fn two_days(folder: &TempDir, name: &str, shift: impl Fn(f64) -> f64) -> PathBuf {
    const ROWS: u64 = 60_000;
    let mut csv = String::from("at,x,prediction\n");
    for row in 0..ROWS {
        // Low-discrepancy numbers spread evenly in each stretch of time.
        let even = (row as f64 * 0.618_033_988_749_895).fract();
        let x = even + shift(row as f64 / ROWS as f64);
        let second = row * 172_800 / ROWS;
        let (day, hour) = (1 + second / 86_400, second / 3_600 % 24);
        let (minute, second) = (second / 60 % 60, second % 60);
        let at = format!("2024-03-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
        csv += &format!("{at},{x},{}\n", row % 2);
    }
    let path = folder.path().join(name);
    std::fs::write(&path, csv).unwrap();
    path
}

#[test]
fn rows_with_times_tell_how_drift_came_about() {
    let folder = TempDir::new().unwrap();
    let profile = learned(&folder, &two_days(&folder, "steady.csv", |_| 0.0));
    let shape_of = |name: &str, shift: fn(f64) -> f64| {
        let data = two_days(&folder, name, shift);
        let arguments = [
            profile.to_str().unwrap(),
            data.to_str().unwrap(),
            "--format",
            "json",
        ];
        let report: serde_json::Value = serde_json::from_str(&run(&arguments).0).unwrap();
        let rows = report["features"].as_array().unwrap();
        let x = rows.iter().find(|row| row["feature"] == "x").unwrap();
        x["shape"].as_str().map(str::to_owned)
    };
    let step = |part: f64| if part > 0.6 { 0.3 } else { 0.0 };
    let slope = |part: f64| 0.15 * part;
    assert_eq!(shape_of("none.csv", |_| 0.0), None);
    assert_eq!(shape_of("step.csv", step).as_deref(), Some("sudden"));
    assert_eq!(shape_of("slope.csv", slope).as_deref(), Some("gradual"));
}
