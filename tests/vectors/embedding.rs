//! The mean embedding: sees what centroids and cosines miss, against each kind of reference, and costs
//! nothing where the profile has none.

use std::sync::Arc;

use driftgauge::batch::Batch;
use driftgauge::engine::{Config, Engine, FeatureConfig, OtherVersions, Rebaseline, References};
use driftgauge::profile::{Cells, CentroidCells, Profile};

use super::common::{Random, SECOND, config, model};
use super::watch::{START, batch, embedding, embedding_against, engine, learn, ratio};
use super::world::{World, along_a_diagonal, usual};

#[test]
fn a_cloud_that_turns_within_its_clusters_shows_in_the_embedding_alone() {
    let world = World::new(64, 8, 0.2, 101);
    let mut random = Random(102);
    let rows = along_a_diagonal(&world, &mut random, 8_000, 1.0);
    let mut reference = learn(&rows);
    // One centroid a cluster, where k-means would have more of them and cut the clouds.
    let cells = reference.features[0].cells.as_mut().unwrap();
    let Cells::Centroids(found) = &cells.cells else {
        panic!("no centroids");
    };
    let centres = world.centres.iter().map(|centre| {
        let elements = centre.iter().map(|&element| element as f32);
        [0.0; 2].into_iter().chain(elements.skip(2)).collect()
    });
    let centres: Vec<_> = centres.collect();
    let few = CentroidCells::new(found.mean().to_vec(), &centres).unwrap();
    cells.rows = vec![0; centres.len()];
    for row in &rows {
        cells.rows[few.nearest(row).unwrap()] += 1;
    }
    cells.cells = Cells::Centroids(few);
    for (side, is_drift) in [(1.0, false), (-1.0, true)] {
        let live = along_a_diagonal(&world, &mut random, 4_000, side);
        let mut engine = engine(reference.clone(), FeatureConfig::default());
        engine.apply(&batch(&live), START);
        let snapshot = engine.tick(START);
        let others = ["emb", "emb[cosine]"].map(|name| ratio(&snapshot, name));
        let embedding = embedding(&snapshot).unwrap();
        println!("side {side}: centroids and cosines {others:?}, embedding {embedding}");
        assert!(others.iter().all(|&ratio| ratio < 1.0), "{others:?}");
        assert_eq!(embedding > 1.0, is_drift, "{embedding}");
    }
}

#[test]
fn an_embedding_is_compared_with_the_window_before_and_with_other_versions() {
    let world = World::new(64, 40, 0.2, 121);
    let mut random = Random(122);
    let profile = learn(&along_a_diagonal(&world, &mut random, 4_000, 1.0));
    let mut engine = Engine::new(Arc::new(Config {
        references: References {
            previous: true,
            versions: OtherVersions::All,
            ..References::default()
        },
        ..config(profile)
    }));
    let now = START + 300 * SECOND;
    engine.apply(
        &batch(&along_a_diagonal(&world, &mut random, 3_000, 1.0)),
        START,
    );
    engine.apply(
        &batch(&along_a_diagonal(&world, &mut random, 3_000, -1.0)),
        now,
    );
    let other = Batch {
        version: "2".into(),
        ..batch(&along_a_diagonal(&world, &mut random, 3_000, -1.0))
    };
    engine.apply(&other, now);
    let snapshot = engine.tick(now);
    assert!(embedding_against(&snapshot, "previous").unwrap() > 1.0);
    assert!(embedding_against(&snapshot, "version:2").unwrap() < 1.0);
    assert!(embedding(&snapshot).unwrap() > 1.0);
}

#[test]
fn a_new_reference_made_of_a_window_has_its_embedding() {
    let world = World::new(64, 40, 0.2, 131);
    let mut random = Random(132);
    let profile = learn(&along_a_diagonal(&world, &mut random, 4_000, 1.0));
    let mut engine = engine(profile, FeatureConfig::default());
    let mut now = START;
    for _ in 0..12 {
        engine.apply(
            &batch(&along_a_diagonal(&world, &mut random, 500, -1.0)),
            now,
        );
        now += 25 * SECOND;
    }
    assert!(embedding(&engine.tick(now)).unwrap() > 1.0);
    let first = model(&engine.tick(now), "m", "1").windows[0]
        .window
        .to_string();
    let asked = Rebaseline {
        model: "m".into(),
        window: Some(first),
        ..Rebaseline::default()
    };
    let made = engine.rebaseline(&asked, now).unwrap().profile;
    assert!(made.features[0].embedding.as_ref().unwrap().rows > 5_000);
    assert_eq!(Profile::from_json(&made.to_json()).unwrap(), *made);
    assert!(embedding(&engine.tick(now)).unwrap() < 0.1);
}

#[test]
fn without_an_embedding_in_the_profile_there_is_no_ratio_and_no_memory() {
    let world = World::new(8, 3, 0.5, 141);
    let mut random = Random(142);
    let profile = learn(&world.rows(&mut random, 2_000, usual));
    let mut older = profile.clone();
    older.features[0].embedding = None;
    assert!(!older.to_json().contains("embedding"));
    let bytes = [&profile, &older].map(|profile| {
        let mut engine = engine(profile.clone(), FeatureConfig::default());
        engine.apply(&batch(&world.rows(&mut random, 500, usual)), START);
        let snapshot = engine.tick(START);
        assert_eq!(
            embedding(&snapshot).is_some(),
            profile.features[0].embedding.is_some()
        );
        assert!(ratio(&snapshot, "emb") < 1.0);
        Engine::new(Arc::new(config(profile.clone()))).bytes()
    });
    // (13 × windows + 1) × 128 × 8 B, and what holds them.
    let (found, sums) = (bytes[0] - bytes[1], (13 * 3 + 1) * 128 * 8);
    assert!(
        (sums..sums + 4_096).contains(&found),
        "{found} against {sums}"
    );
}
