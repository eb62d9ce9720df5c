//! The files of `deploy/` and `grafana-dashboards/` are what `driftgauge generate` writes for the
//! default settings. `UPDATE_GENERATED=1 cargo test --test generated` rewrites them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use driftgauge::export::family::Type;
use driftgauge::export::names::FAMILIES;
use driftgauge::generate::{Plan, Rule, files, rules};

#[test]
fn the_files_are_those_that_generate_writes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut stale = Vec::new();
    for file in files(&Plan::default()) {
        let path = root.join(file.path);
        if fs::read_to_string(&path).is_ok_and(|found| found == file.text) {
            continue;
        }
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &file.text).unwrap();
        } else {
            stale.push(file.path);
        }
    }
    assert!(
        stale.is_empty(),
        "run this test with UPDATE_GENERATED=1: {stale:?}"
    );
}

#[test]
fn paths_are_in_order_and_unique() {
    let files = files(&Plan::default());
    assert!(files.is_sorted_by(|a, b| a.path < b.path));
}

/// Alerts, rules, runbook, boards: what they name is exported, or recorded by a rule.
#[test]
fn every_series_that_they_name_exists() {
    let mut known: BTreeSet<String> = BTreeSet::new();
    for family in FAMILIES {
        known.insert(family.series());
        if family.kind == Type::Histogram {
            known.extend(["bucket", "sum", "count"].map(|part| format!("{}_{part}", family.name)));
        }
    }
    let plan = Plan {
        feature_bands: true,
        ..Plan::default()
    };
    for rule in rules::all(&plan).into_iter().flat_map(|group| group.rules) {
        if let Rule::Record(record) = rule {
            known.insert(record.record);
        }
    }
    let mut named = 0;
    for file in files(&Plan::default()) {
        let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
        let words = file
            .text
            .split(|c| !part(c))
            .map(|word| word.trim_matches(':'));
        let is_series = |word: &&str| {
            word.starts_with("driftgauge_") || (word.contains(':') && word.contains("driftgauge_"))
        };
        for word in words.filter(is_series) {
            // In JSON, a line feed before a name is an n.
            let is_known = known.contains(word) || known.contains(word.trim_start_matches('n'));
            assert!(is_known, "{} names {word}", file.path);
            named += 1;
        }
    }
    assert!(named > 1_000, "{named} names");
}
