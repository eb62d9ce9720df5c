//! What has changed is seen, what has not is left alone.

use driftgauge::engine::{FeatureConfig, Snapshot, State};

use super::common::{Random, feature, model};
use super::watch::{START, batch, engine, learn, ratio};
use super::world::{World, usual};

fn seen_against(reference: &[Vec<f32>], live: &[Vec<f32>]) -> Snapshot {
    let mut engine = engine(learn(reference), FeatureConfig::default());
    engine.apply(&batch(live), START);
    engine.tick(START)
}

#[test]
fn a_cluster_that_grows_is_drift_and_unchanged_vectors_are_not() {
    let world = World::new(48, 6, 0.5, 11);
    let mut random = Random(12);
    let reference = world.rows(&mut random, 8_000, usual);
    let same = world.rows(&mut random, 2_000, usual);
    let snapshot = seen_against(&reference, &same);
    assert!(ratio(&snapshot, "emb") < 1.0 && ratio(&snapshot, "emb[cosine]") < 1.0);
    let grown = world.rows(&mut random, 2_000, |cluster| {
        if cluster == 5 { 0.6 } else { usual(cluster) }
    });
    let snapshot = seen_against(&reference, &grown);
    assert!(ratio(&snapshot, "emb") > 1.0);
    let emb = feature(model(&snapshot, "m", "1"), "emb");
    assert_eq!(emb.windows[0].state, State::Ok);
    assert_eq!(emb.windows[0].values, 2_000);
}

#[test]
fn a_turn_of_all_vectors_is_drift_of_their_cosines() {
    // One cloud in 32 dimensions around the first axis; a turn towards the second, of 10°, is small
    // beside the noise and moves every vector.
    let world = |angle: f64| World {
        centres: vec![
            (0..32)
                .map(|at| match at {
                    0 => 8.0 * angle.to_radians().cos(),
                    1 => 8.0 * angle.to_radians().sin(),
                    _ => 0.0,
                })
                .collect(),
        ],
        noise: 1.0,
    };
    let mut random = Random(21);
    let reference = world(0.0).rows(&mut random, 8_000, |_| 1.0);
    let same = world(0.0).rows(&mut random, 3_000, |_| 1.0);
    assert!(ratio(&seen_against(&reference, &same), "emb[cosine]") < 1.0);
    let turned = world(30.0).rows(&mut random, 3_000, |_| 1.0);
    let snapshot = seen_against(&reference, &turned);
    assert!(ratio(&snapshot, "emb[cosine]") > 1.0);
    let cosine = feature(model(&snapshot, "m", "1"), "emb[cosine]");
    let reference = &cosine.reference.as_ref().unwrap().feature;
    assert_eq!(reference.derived_from.as_deref(), Some("emb"));
    assert!(cosine.windows[0].mean.unwrap() < reference.moments.unwrap().mean - 0.05);
}

#[test]
fn the_order_of_rows_does_not_matter_for_what_is_counted() {
    let world = World::new(12, 4, 0.5, 81);
    let mut random = Random(82);
    let profile = learn(&world.rows(&mut random, 2_000, usual));
    let live = world.rows(&mut random, 999, usual);
    let reversed: Vec<_> = live.iter().rev().cloned().collect();
    let counts = |parts: &[&[Vec<f32>]]| {
        let mut engine = engine(profile.clone(), FeatureConfig::default());
        parts
            .iter()
            .for_each(|part| engine.apply(&batch(part), START));
        let snapshot = engine.tick(START);
        let of = |name| feature(model(&snapshot, "m", "1"), name).cells.clone();
        (of("emb"), of("emb[cosine]"))
    };
    let (first, rest) = reversed.split_at(123);
    assert_eq!(counts(&[&live]), counts(&[first, rest]));
}
