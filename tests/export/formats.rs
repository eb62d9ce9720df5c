//! The three formats say the same, each in its own way.

use std::collections::BTreeMap;
use std::sync::Arc;

use driftgauge::engine::Snapshot;
use driftgauge::export::exposition::{Exposition, render};
use driftgauge::export::negotiate::Format;

use crate::parse::{self, Page};
use crate::snapshot::{self, AWKWARD};

pub fn page(format: Format, snapshot: &Snapshot) -> Exposition {
    let sidecar = snapshot::sidecar(snapshot);
    let process = Some(snapshot::process());
    render(format, Arc::new(snapshot.clone()), sidecar, process).unwrap()
}

pub fn text(format: Format, snapshot: &Snapshot) -> String {
    String::from_utf8(page(format, snapshot).body).unwrap()
}

pub fn parsed(snapshot: &Snapshot) -> Page {
    parse::text(&text(Format::Text, snapshot), false)
}

#[test]
fn all_three_formats_carry_the_same_samples() {
    let snapshot = snapshot::everything();
    let classic = parsed(&snapshot);
    let openmetrics = parse::text(&text(Format::OpenMetrics, &snapshot), true);
    let protobuf = parse::protobuf(&page(Format::Protobuf, &snapshot).body);
    assert!(classic.samples.len() > 300, "{}", classic.samples.len());
    assert_eq!(classic.samples, openmetrics.samples);
    assert_eq!(classic.samples, protobuf.samples);
    assert_eq!(classic.families, protobuf.families);
    let renamed: BTreeMap<String, (String, String)> = openmetrics
        .families
        .into_iter()
        .map(|(name, (kind, help))| match kind.as_str() {
            "counter" => (format!("{name}_total"), (kind, help)),
            "info" => (format!("{name}_info"), ("gauge".into(), help)),
            _ => (name, (kind, help)),
        })
        .collect();
    assert_eq!(classic.families, renamed);
}

#[test]
fn traced_calls_are_exemplars_of_their_buckets_in_openmetrics_alone() {
    let mut snapshot = snapshot::everything();
    // One that has no latencies yet lies between two that have.
    snapshot
        .models
        .push(snapshot::model("later", "1", Vec::new()));
    let openmetrics = parse::text(&text(Format::OpenMetrics, &snapshot), true);
    for model in ["fraud", "later"] {
        let found: Vec<_> = openmetrics
            .exemplars
            .iter()
            .filter(|((_, labels), _)| labels.contains(&("model".into(), model.into())))
            .map(|((name, labels), exemplar)| {
                assert_eq!(name, "driftgauge_request_duration_seconds_bucket");
                let (_, le) = labels.iter().find(|(key, _)| key == "le").unwrap();
                (le.as_str(), exemplar)
            })
            .collect();
        let expected = [
            ("0.0005", 0, 0.0, 1_700_000_000.25),
            ("0.1", 7, 0.0815, 1_700_000_000.332),
            ("inf", 14, 4_294.967_295, 1_700_004_295.217),
        ]
        .map(|(le, last, value, timestamp)| {
            let trace_id = format!("0a{last:030x}");
            let labels = vec![("trace_id".to_owned(), trace_id)];
            (
                le,
                parse::Exemplar {
                    labels,
                    value,
                    timestamp,
                },
            )
        });
        let expected: Vec<_> = expected.iter().map(|(le, of)| (*le, of)).collect();
        assert_eq!(found, expected, "{model}");
    }
    assert_eq!(openmetrics.exemplars.len(), 6);
    // The parsers of the others refuse exemplars.
    let classic = parsed(&snapshot);
    let protobuf = parse::protobuf(&page(Format::Protobuf, &snapshot).body);
    assert_eq!(classic.samples, openmetrics.samples);
    assert_eq!(classic.samples, protobuf.samples);
}

#[test]
fn awkward_names_come_back_as_they_were() {
    let snapshot = snapshot::everything();
    let page = parsed(&snapshot);
    assert_eq!(
        page.value(
            "driftgauge_feature_drift_ratio",
            &[
                ("feature", AWKWARD),
                ("window", "1h"),
                ("reference", "version:1")
            ]
        ),
        4.0
    );
    assert_eq!(
        page.value(
            "driftgauge_reference_bin_rows",
            &[("feature", AWKWARD), ("range", AWKWARD)]
        ),
        9_999.0
    );
    assert_eq!(
        page.value("driftgauge_learning_rows", &[("model", AWKWARD)]),
        1_200.0
    );
}

#[test]
fn a_figure_that_cannot_be_computed_is_left_out() {
    let page = parsed(&snapshot::everything());
    let shown = |name: &str, window: &str| {
        page.with("feature", "hour")
            .any(|(n, l)| n == name && l.iter().any(|(k, v)| k == "window" && v == window))
    };
    assert!(!shown("driftgauge_feature_drift_ratio", "5m"), "none");
    assert!(shown("driftgauge_feature_drift_ratio", "1h"));
    assert!(!shown("driftgauge_feature_drift", "1h"), "not a number");
    assert!(shown("driftgauge_feature_drift", "1d"));
    assert!(!shown("driftgauge_feature_mean", "1h"), "infinite");
    assert!(shown("driftgauge_feature_mean", "5m"));
}

#[test]
fn only_the_state_in_force_is_shown() {
    let page = parsed(&snapshot::everything());
    let states: Vec<_> = page
        .with("feature", "hour")
        .filter(|(name, _)| name == "driftgauge_feature_state")
        .map(|(_, labels)| {
            let label = |key| &labels.iter().find(|(k, _)| k == key).unwrap().1;
            (label("window").as_str(), label("state").as_str())
        })
        .collect();
    assert_eq!(states, [("1d", "ok"), ("1h", "ok"), ("5m", "too_few_rows")]);
}

#[test]
fn categories_learned_from_traffic_are_not_on_the_page() {
    let page = parsed(&snapshot::everything());
    let bins: Vec<_> = page
        .with("feature", "class")
        .filter(|(name, _)| name == "driftgauge_reference_bin_rows")
        .collect();
    assert_eq!(bins.len(), 4);
    assert!(
        bins.iter()
            .all(|(_, labels)| labels.iter().all(|(key, _)| key != "range"))
    );
    let ranges = page
        .with("feature", AWKWARD)
        .filter(|(_, labels)| labels.iter().any(|(key, _)| key == "range"));
    assert_eq!(ranges.count(), 5, "those of a file are");
}

#[test]
fn hidden_features_and_roles_without_series_leave_no_trace() {
    let page = parsed(&snapshot::everything());
    assert_eq!(page.with("feature", "hidden").count(), 0);
    assert_eq!(page.with("feature", "ignored").count(), 0);
}

#[test]
fn cells_are_there_from_the_start_at_zero() {
    let mut snapshot = snapshot::everything();
    snapshot.models[0].features[0].cells.clear();
    let page = parsed(&snapshot);
    for bin in ["000", "001", "002", "003"] {
        let labels = [("feature", "amount"), ("bin", bin)];
        assert_eq!(page.value("driftgauge_feature_bin_total", &labels), 0.0);
    }
}

#[test]
fn an_empty_snapshot_gives_a_page_of_the_sidecar_alone() {
    let snapshot = Snapshot::default();
    let page = parsed(&snapshot);
    assert!(page.families.keys().all(|name| !name.contains("feature_")));
    assert!(
        !page
            .families
            .contains_key("driftgauge_last_evaluation_timestamp_seconds")
    );
    assert_eq!(
        page.value("driftgauge_config_last_reload_successful", &[]),
        1.0
    );
    for format in [Format::OpenMetrics, Format::Protobuf] {
        assert_eq!(self::page(format, &snapshot).series, page.samples.len());
    }
}

#[test]
fn the_page_says_how_many_samples_it_has() {
    for snapshot in [Snapshot::default(), snapshot::everything()] {
        let page = parsed(&snapshot);
        let all = page.samples.len();
        assert_eq!(page.value("driftgauge_series", &[]), all as f64);
        assert_eq!(self::page(Format::Text, &snapshot).series, all);
    }
}

#[test]
fn units_are_told_to_those_who_understand_them() {
    let page = parse::text(&text(Format::OpenMetrics, &snapshot::everything()), true);
    let unit = |name: &str| page.units.get(name).map(String::as_str);
    assert_eq!(unit("driftgauge_request_duration_seconds"), Some("seconds"));
    assert_eq!(unit("driftgauge_feature_drift_ratio"), Some("ratio"));
    assert_eq!(unit("process_cpu_seconds"), Some("seconds"));
    assert_eq!(unit("driftgauge_feature_mean"), None);
}
