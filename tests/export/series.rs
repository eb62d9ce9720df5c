//! The series budget counts what the page really shows.

use driftgauge::engine::budget::{FeatureShape, model_series};
use std::sync::Arc;

use driftgauge::engine::{Detail, LearningProgress, Snapshot};
use driftgauge::export::exposition::render;
use driftgauge::export::negotiate::Format;
use driftgauge::export::{OWN_SERIES, Sidecar};
use driftgauge::ingest::seen::CallCounts;
use driftgauge::ingest::{Admission, Intake, SourceCounts};
use driftgauge::profile::Kind;
use driftgauge::queue::Queue;

use crate::formats::parsed;
use crate::snapshot::{self, DISTANCES, WINDOWS, field, model};

const KINDS: [(Option<Kind>, usize); 7] = [
    (Some(Kind::Numeric), 24),
    (Some(Kind::Integer), 3),
    (Some(Kind::Boolean), 2),
    (Some(Kind::Categorical), 52),
    (Some(Kind::HighCardinality), 64),
    (Some(Kind::Vector), 0),
    (None, 0),
];

/// Series of one feature on a real page.
fn shown(kind: Option<Kind>, cells: usize, detail: Detail, fleet: bool, refs: &[&str]) -> usize {
    let mut field = field("x", kind, cells, refs);
    field.detail = detail;
    field.fleet = fleet;
    let snapshot = Snapshot {
        models: vec![model("m", "1", vec![field])],
        ..Snapshot::default()
    };
    parsed(&snapshot).with("feature", "x").count()
}

fn shape(kind: Option<Kind>, cells: usize, references: usize) -> FeatureShape<'static> {
    FeatureShape {
        kind,
        cells,
        detail: Detail::Standard,
        fleet: true,
        windows: WINDOWS.len(),
        references,
        distances: &DISTANCES,
    }
}

#[test]
fn the_formula_is_exact_for_every_kind_at_every_detail() {
    for (kind, cells) in KINDS {
        for refs in [&["profile"][..], &["profile", "previous"]] {
            let shape = shape(kind, cells, refs.len());
            for detail in [Detail::Hidden, Detail::Lean, Detail::Standard, Detail::Full] {
                for fleet in [false, true] {
                    assert_eq!(
                        shape.series(detail, fleet),
                        shown(kind, cells, detail, fleet, refs),
                        "{kind:?} at {detail:?}, fleet {fleet}, {refs:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn levels_cost_what_the_contract_promises() {
    let refs = &["profile"];
    for (kind, cells) in KINDS {
        assert!(
            shown(kind, cells, Detail::Lean, true, refs) <= 15,
            "{kind:?}"
        );
        assert!(
            shown(kind, cells, Detail::Standard, false, refs) <= 45,
            "{kind:?}"
        );
    }
    let numeric = Some(Kind::Numeric);
    assert_eq!(shown(numeric, 24, Detail::Lean, true, refs), 15);
    assert_eq!(shown(numeric, 24, Detail::Standard, true, refs), 97);
}

#[test]
fn room_is_kept_for_just_what_all_ways_in_show_of_themselves() {
    let (queue, admission) = (Arc::new(Queue::new(1, 1)), Arc::new(Admission::default()));
    let of = |source| Intake::new(source, queue.clone(), admission.clone()).counts();
    let watching = |source| SourceCounts {
        calls: Some(CallCounts::default().counts()),
        ..of(source)
    };
    let snapshot = Snapshot {
        evaluated_at: 1.0,
        ..Snapshot::default()
    };
    let sidecar = Sidecar {
        sources: vec![of("push"), watching("forward"), watching("events")],
        ..snapshot::sidecar(&snapshot)
    };
    let process = Some(snapshot::process());
    let page = render(Format::Text, Arc::new(snapshot), sidecar, process).unwrap();
    assert_eq!(page.series, OWN_SERIES);
}

#[test]
fn a_way_in_that_calls_are_addressed_to_has_no_series_of_calls_seen() {
    let sidecar = Sidecar {
        sources: vec![SourceCounts::default()],
        ..Sidecar::default()
    };
    let page = render(Format::Text, Arc::default(), sidecar, None).unwrap();
    let page = String::from_utf8(page.body).unwrap();
    assert!(page.contains("driftgauge_received_rows_total{source=\"\"} 0"));
    for family in ["_calls_total", "in_flight", "tensors", "observer", "events"] {
        assert!(!page.contains(family), "{family}");
    }
}

#[test]
fn the_formula_for_models_is_exact() {
    let mut busy = model("m", "1", Vec::new());
    busy.learning = Some(LearningProgress { rows: 1, wanted: 2 });
    busy.names_by_position = true;
    let (windows, codes, profiles) = (busy.windows.len(), busy.errors.len(), busy.references.len());
    let snapshot = Snapshot {
        models: vec![busy],
        ..Snapshot::default()
    };
    let shown = parsed(&snapshot).with("model", "m").count();
    assert_eq!(model_series(windows, 1, codes, profiles), shown);
}
