//! Labels, told after the predictions that they are of.

use crate::common::{batch, config, feature, model, numeric, profile};
use crate::{NOW, engine, numbers};
use driftgauge::batch::{Batch, Role, Values};
use driftgauge::engine::{Config, State};
use driftgauge::profile::FeatureProfile;

/// Labels of field `y`, of which the reference has as many in each of 20 cells.
fn labels(values: Vec<f64>) -> Batch {
    let mut batch = batch(vec![("y", Role::Label, Values::Numbers(values))]);
    batch.calls.are_labels = true;
    batch
}

fn with_label() -> Config {
    let y = FeatureProfile {
        role: Role::Label,
        ..numeric("y", 20, 500)
    };
    config(profile(vec![numeric("x", 20, 500), y]))
}

#[test]
fn labels_are_compared_with_the_reference_and_count_no_call() {
    let mut engine = engine(with_label());
    let values: Vec<f64> = (0..1_000).map(|n| f64::from(n % 20) + 0.5).collect();
    engine.apply(&numbers(values), NOW);
    let before = engine.tick(NOW);
    assert_eq!(model(&before, "m", "1").labels, None);
    let two_cells = (0..500).map(|n| f64::from(n % 2) + 0.5).collect();
    engine.apply(&labels(two_cells), NOW);
    let after = engine.tick(NOW);
    let found = model(&after, "m", "1");
    assert_eq!(
        (found.labels, found.predictions, found.requests),
        (Some(500.0), 1_000.0, 1_000.0)
    );
    assert_eq!(found.windows[0].rows, 1_000);
    let (x, y) = (feature(found, "x"), feature(found, "y"));
    assert_eq!((x.values, y.values), (1_000, 500));
    assert_eq!(
        x.windows[0].null_ratio,
        Some(0.0),
        "x is not absent from labels"
    );
    assert!(x.windows[0].drift[0].ratio.unwrap() < 1.0);
    assert!(y.windows[0].drift[0].ratio.unwrap() > 10.0);
    assert_eq!(y.windows[0].state, State::Ok);
}

#[test]
fn labels_without_a_version_are_of_the_one_that_answered_last() {
    let mut engine = engine(with_label());
    engine.apply(&numbers(vec![0.5]), NOW);
    let mut nameless = labels(vec![0.5; 3]);
    nameless.version = "".into();
    engine.apply(&nameless, NOW);
    let mut older = labels(vec![0.5; 2]);
    older.version = "0".into();
    engine.apply(&older, NOW);
    engine.apply(&nameless, NOW);
    let found = engine.tick(NOW);
    assert_eq!(found.models.len(), 2);
    assert_eq!(model(&found, "m", "1").labels, Some(6.0));
    assert_eq!(model(&found, "m", "0").labels, Some(2.0));
}

#[test]
fn labels_are_no_sign_of_traffic_and_nothing_to_learn_from() {
    let learning = Config::default();
    assert!(learning.learning.rows > 0);
    let mut engine = engine(learning);
    engine.apply(&numbers(vec![0.5]), NOW);
    let later = NOW + 60_000_000;
    let mut mixed = batch(vec![
        ("y", Role::Label, Values::Numbers(vec![1.0; 5])),
        ("x", Role::Feature, Values::Numbers(vec![1.0; 5])),
    ]);
    mixed.calls.are_labels = true;
    engine.apply(&mixed, later);
    let found = engine.tick(later);
    let found = model(&found, "m", "1");
    assert_eq!(found.last_row_at, Some(NOW as f64 * 1e-6));
    assert_eq!(found.learning.as_ref().map(|of| of.rows), Some(1));
    assert_eq!(feature(found, "x").values, 1, "only labels are read");
    assert_eq!(feature(found, "y").values, 5);
}
