//! Learning, of files and of the first traffic: which vectors place centroids, which are counted, and
//! in how much memory.

use std::sync::Arc;

use driftgauge::batch::{Column, Values};
use driftgauge::engine::{Config, Engine};
use driftgauge::learn::{FieldOverride, LearnOptions, Learner, VectorSample};
use driftgauge::profile::{Cells, Kind, Provenance};

use super::common::{Random, feature, model};
use super::watch::{START, batch, batch_of, embedding, learn_with, ratio};
use super::world::{World, usual};

#[test]
fn the_first_rows_of_traffic_are_learned_within_their_memory() {
    let world = World::new(256, 5, 0.5, 51);
    let mut random = Random(52);
    let mut engine = Engine::new(Arc::new(Config::default()));
    for _ in 0..10 {
        engine.apply(&batch(&world.rows(&mut random, 500, usual)), START);
    }
    for _ in 0..4 {
        engine.apply(&batch(&world.rows(&mut random, 500, usual)), START);
    }
    let snapshot = engine.tick(START);
    let emb = feature(model(&snapshot, "m", "1"), "emb");
    let reference = &emb.reference.as_ref().unwrap().feature;
    // A quarter of the 8 MiB of a learner holds 2,048 vectors of 256 elements; three in four of them
    // are counted.
    assert_eq!((reference.kind, reference.values()), (Kind::Vector, 1_536));
    assert_eq!(emb.windows[0].values, 2_000);
    assert!(ratio(&snapshot, "emb") < 1.0);
    assert!(ratio(&snapshot, "emb[cosine]") < 1.0);
    // Its embedding is that of all vectors that were kept.
    assert_eq!(reference.embedding.as_ref().unwrap().rows, 2_048);
    assert!(embedding(&snapshot).unwrap() < 1.0);
}

#[test]
fn of_the_widest_vectors_enough_are_learned_from_traffic_for_a_judgement() {
    let world = World::new(4_096, 3, 0.5, 53);
    let mut random = Random(54);
    let config = Config::default();
    let wanted = config.learning.rows as usize;
    let mut engine = Engine::new(Arc::new(config));
    let few = world.rows(&mut random, 500, usual);
    for _ in 0..wanted.div_ceil(500) {
        engine.apply(&batch(&few), START);
    }
    let snapshot = engine.tick(START);
    let emb = feature(model(&snapshot, "m", "1"), "emb");
    let reference = &emb.reference.as_ref().unwrap().feature;
    // 400 are kept, and three in four of them are counted.
    assert_eq!((reference.kind, reference.values()), (Kind::Vector, 300));
    let learned = &model(&snapshot, "m", "1").references[0];
    assert_eq!(learned.document.rows as usize, wanted);
    let said = learned.warnings.join(" ");
    assert!(
        said.contains("emb: counts are those of a sample of 300 vectors"),
        "{said}"
    );
}

#[test]
fn a_second_pass_counts_every_vector_that_did_not_place_a_centroid() {
    let world = World::new(4, 3, 0.5, 71);
    let vectors = world.rows(&mut Random(72), 20_000, usual);
    let mut batches: Vec<_> = vectors.chunks(777).map(batch).collect();
    batches.push(batch_of(2_000, vec![("emb", None)]));
    let options = || LearnOptions {
        vectors: VectorSample {
            rows: 1_000,
            bytes: 1 << 20,
            bytes_of_few: 0,
        },
        ..LearnOptions::default()
    };
    let profile = learn_with(&batches, options()).profile;
    let [emb, cosine] = &profile.features[..] else {
        panic!("{:?}", profile.features);
    };
    // Half of the sample places.
    assert_eq!((emb.values(), cosine.values()), (19_500, 19_500));
    assert_eq!((emb.missing.absent, cosine.missing.absent), (1_950, 1_950));
    let Some(Cells::Centroids(cells)) = emb.cells.as_ref().map(|of| &of.cells) else {
        panic!("no centroids");
    };
    let mut all = vec![0_u64; cells.centroids().len()];
    vectors
        .iter()
        .for_each(|v| all[cells.nearest(v).unwrap()] += 1);
    let counted = &emb.cells.as_ref().unwrap().rows;
    assert!(
        counted
            .iter()
            .zip(&all)
            .all(|(counted, all)| counted <= all)
    );
    let moments = cosine.moments.unwrap();
    assert!(moments.max <= 1.0 && moments.min >= -1.0);

    // Without the second pass the sample stands for all.
    let mut learner = Learner::new(options());
    batches.iter().for_each(|batch| learner.observe(batch));
    assert!(learner.needs_second_pass());
    let learned = learner.finish_with_report(Provenance::default());
    let emb = &learned.profile.features[0];
    assert_eq!((emb.values(), emb.missing.absent), (750, 75));
    assert!(learned.report.fields[0].warnings[0].contains("sample"));
}

#[test]
fn a_kind_that_the_data_do_not_have_is_said() {
    let overrides = [(
        "x".to_owned(),
        FieldOverride {
            role: None,
            kind: Some(Kind::Vector),
            importance: None,
        },
    )];
    let options = LearnOptions {
        overrides: overrides.into(),
        ..LearnOptions::default()
    };
    let scalars = Column::full(Values::Numbers(vec![0.5; 200]));
    let learned = learn_with(&[batch_of(200, vec![("x", Some(scalars))])], options);
    assert_eq!(learned.profile.features[0].kind, Kind::Numeric);
    assert!(learned.report.fields[0].warnings[0].contains("asked for as vector"));
}
