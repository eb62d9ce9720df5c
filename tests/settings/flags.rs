//! Flags and environment variables, and which word holds.

use std::process::Command;

use clap::{Args as _, FromArgMatches as _};
use driftgauge::settings::{Flags, Settings, entries};

use crate::support::Folder;

fn parse(arguments: &[&str]) -> Result<Flags, clap::Error> {
    let command = Flags::augment_args(clap::Command::new("driftgauge").no_binary_name(true));
    let matches = command.try_get_matches_from(arguments)?;
    Flags::from_arg_matches(&matches)
}

fn settings(arguments: &[&str]) -> Settings {
    let loaded = parse(arguments).unwrap().source().load().unwrap();
    Settings::clone(&loaded.settings)
}

#[test]
fn every_setting_has_a_flag_that_says_its_default() {
    let mut command = Flags::augment_args(clap::Command::new("driftgauge"));
    let help = command.render_long_help().to_string();
    let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut arguments = Vec::new();
    for entry in entries() {
        let default = entry.default_text();
        let shown = if default.is_empty() { "none" } else { &default };
        for expected in [
            entry.flag(),
            entry.environment(),
            format!("[default: {shown}]"),
        ] {
            assert!(words.contains(&expected), "{}: no {expected}", entry.key);
        }
        arguments.push(format!("{}={default}", entry.flag()));
    }
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    assert_eq!(settings(&arguments), Settings::default());
}

#[test]
fn a_flag_stands_above_the_file_and_leaves_the_rest() {
    let folder = Folder::new();
    let path = folder.write(
        "driftgauge.yml",
        "windows: [10m, 2h, 3d]\nweb: {max_series: 500, enable_lifecycle: false}\nmodels: {A.b: {}}\n",
    );
    let file = format!("--config.file={}", path.display());
    let settings = settings(&[&file, "--windows", "5m,1h", "--web.enable-lifecycle"]);
    assert_eq!(settings.windows.to_string(), "5m,1h");
    assert!(settings.web.enable_lifecycle);
    assert_eq!(settings.web.max_series, 500);
    assert!(settings.models.contains_key("A.b"));
}

#[test]
fn a_flag_that_does_not_fit_is_named() {
    for (argument, expected) in [
        ("--web.max-series=many", "--web.max-series"),
        ("--tick=5", "is not a duration"),
        ("--web.max-series=many", "write a whole number"),
        ("--metrics.fleet=some", "write true or false"),
        ("--log.level=loud", "write one of `error`, `warn`"),
        ("--push.listen-address=x", "write host:port"),
        ("--clock=moon", "write `wall` or `event`"),
    ] {
        let error = parse(&[argument]).unwrap_err().to_string();
        assert!(error.contains(expected), "{argument}: {error}");
    }
}

#[test]
fn a_value_out_of_range_is_blamed_on_the_flag_that_said_it() {
    let folder = Folder::new();
    let path = folder.write("driftgauge.yml", "drift: {significance: 3}\n");
    let file = format!("--config.file={}", path.display());
    let source = parse(&[&file, "--drift.significance=11"]).unwrap().source();
    let error = source.load().unwrap_err().to_string();
    assert_eq!(
        error,
        "--drift.significance: drift.significance is 11: write a number from 0 to 10"
    );
}

#[test]
fn switches_need_no_value() {
    assert!(parse(&["--config.strict"]).unwrap().config_strict);
    assert!(!parse(&["--config.strict=false"]).unwrap().config_strict);
    assert!(!parse(&[]).unwrap().config_strict);
    assert!(!settings(&["--metrics.fleet=false"]).metrics.fleet);
}

/// Prints what holds; run by the test below in a process with another environment.
#[test]
#[ignore = "the child process of the test below, which runs it"]
fn print_what_holds() {
    let flags = parse(&["--web.max-series=300"]).unwrap();
    let overrides: Vec<_> = flags
        .overrides
        .iter()
        .map(|said| said.place.as_str())
        .collect();
    let settings = flags.source().load().unwrap().settings;
    println!(
        "HOLDS {} {} {} {:?} {} [{}]",
        settings.web.max_series,
        settings.tick,
        settings.queue.rows,
        settings.state.directory,
        flags.config_strict,
        overrides.join(" ")
    );
}

#[test]
fn the_environment_stands_between_flag_and_file() {
    let folder = Folder::new();
    let file = "web: {max_series: 100}\ntick: 1s\nqueue: {rows: 70000}\nstate: {directory: a}\n";
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "flags::print_what_holds",
            "--ignored",
            "--nocapture",
        ])
        .env("DRIFTGAUGE_CONFIG_FILE", folder.write("a.yml", file))
        .env("DRIFTGAUGE_CONFIG_STRICT", "1")
        .env("DRIFTGAUGE_WEB_MAX_SERIES", "200")
        .env("DRIFTGAUGE_TICK", "2s")
        .env("DRIFTGAUGE_STATE_DIRECTORY", "")
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let expected = "HOLDS 300 2s 70000 None true \
                    [--web.max-series DRIFTGAUGE_STATE_DIRECTORY DRIFTGAUGE_TICK]";
    assert!(printed.contains(expected), "{printed}");
}
