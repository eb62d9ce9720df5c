//! `driftgauge check`: what it prints, and its exit code.

use std::process::ExitCode;

use driftgauge::cli::check::{Arguments, run};

use crate::support::{Folder, profile};

fn check(folder: &Folder, text: &str, print: bool) -> (String, bool) {
    let file = folder.write("driftgauge.yml", text);
    let mut out = Vec::new();
    let code = run(&Arguments { file, print }, &mut out).unwrap();
    let out = folder.anonymous(&String::from_utf8(out).unwrap());
    (out, code == ExitCode::SUCCESS)
}

#[test]
fn good_settings_are_summed_up() {
    let folder = Folder::new();
    folder.write("fraud.json", &profile(1000, true).to_json());
    folder.write("no-score.json", &profile(500, false).to_json());
    let text = "
web: {max_series: 400}
models:
  fraud:
    profile: fraud.json
    versions: {old: {profile: no-score.json}}
    features:
      amount: {kind: integer}
      amuont: {role: feature}
  churn:
";
    let (out, good) = check(&folder, text, false);
    assert!(good);
    insta::assert_snapshot!(out);
}

#[test]
fn bad_settings_fail() {
    let folder = Folder::new();
    let (out, good) = check(&folder, "models: {a: {profile: no.json}}\n", false);
    assert!(!good);
    assert!(
        out.contains("cannot be read") && out.contains("FAILED"),
        "{out}"
    );
}

#[test]
fn what_is_printed_reads_back_as_the_same_settings() {
    let folder = Folder::new();
    let text = "tick: 1s\npush: {socket_mode: 0600}\nmodels: {a: {drift: {significance: 3}}}\n";
    let (out, good) = check(&folder, text, true);
    assert!(good);
    let json = &out[..out.rfind("\n}\n").unwrap() + 2];
    assert!(
        json.contains("\"0600\"") && json.contains("\"1s\""),
        "{json}"
    );
    let (again, good) = check(&folder, json, true);
    assert!(good);
    assert!(again.starts_with(json), "{again}");
}

#[test]
fn every_reference_is_in_what_it_costs() {
    let folder = Folder::new();
    folder.write("fraud.json", &profile(1000, true).to_json());
    let cost = |references: &str| {
        let text =
            format!("references: {references}\nmodels: {{fraud: {{profile: fraud.json}}}}\n");
        let (out, good) = check(&folder, &text, false);
        assert!(good, "{out}");
        let series = out
            .split("up to ")
            .find(|part| part.contains("series in all"));
        series
            .unwrap()
            .split(' ')
            .next()
            .unwrap()
            .parse::<i32>()
            .unwrap()
    };
    let one = cost("[profile]");
    let two = cost("[profile, previous]");
    assert!(two > one, "{one} {two}");
    assert_eq!(cost("[profile, previous, seasonal]") - two, two - one);
    assert_eq!(
        cost("profile, versions"),
        one,
        "there is no other version yet"
    );
}

#[test]
fn references_that_cannot_be_meant_are_told() {
    let folder = Folder::new();
    for (text, sentence) in [
        (
            "references: [yesterday]",
            "write profile, seasonal, previous",
        ),
        ("references: []", "is empty: write at least one"),
        (
            "models: {m: {references: [previous, previous]}}",
            "has previous twice",
        ),
    ] {
        let (out, good) = check(&folder, text, false);
        assert!(!good && out.contains(sentence), "{out}");
    }
    let (out, good) = check(&folder, "windows: [2d]\nreferences: [seasonal]", false);
    assert!(good && out.contains("seasonal has no effect"), "{out}");
}

#[test]
fn what_is_said_of_tensors_is_checked_against_the_profile_and_the_ways_in() {
    let folder = Folder::new();
    folder.write("fraud.json", &profile(1000, true).to_json());
    let models = "models: {fraud: {profile: fraud.json, inputs: {x: {names: [amount, amuont]}}}}\n";
    let (out, good) = check(&folder, models, false);
    assert!(good);
    assert!(
        out.contains("inputs name amuont, which its profile lacks"),
        "{out}"
    );
    assert!(!out.contains("inputs name amount"), "{out}");
    assert!(
        out.contains("neither forward.listen_address nor http.listen_address"),
        "{out}"
    );
    let seen = format!("{models}http: {{listen_address: ':4598'}}\n");
    let (out, _) = check(&folder, &seen, false);
    assert!(!out.contains("neither forward"), "{out}");
    assert!(out.contains("and 8.0 MiB for calls that are seen"), "{out}");
}
