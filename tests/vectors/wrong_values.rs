//! Values that are no usable vector: counted by reason, and never the end of anything.

use bytes::Bytes;
use driftgauge::batch::{Column, Presence, Values};
use driftgauge::engine::FeatureConfig;
use driftgauge::profile::Profile;

use super::common::{Random, feature, model};
use super::watch::{START, batch, batch_of, column, embedding, engine, learn};
use super::world::{World, usual};

#[test]
fn every_reason_reaches_the_cosines_and_only_a_zero_vector_misses_one_alone() {
    let world = World::new(8, 3, 0.5, 31);
    let mut random = Random(32);
    let reference = learn(&world.rows(&mut random, 2_000, usual));
    let mut engine = engine(reference, FeatureConfig::default());
    let mut vectors = world.rows(&mut random, 10, usual);
    vectors[1][3] = f32::NAN;
    vectors[2][7] = f32::NEG_INFINITY;
    vectors[3] = vec![0.0; 8];
    vectors[4] = vec![3e38; 8];
    let mut first = column(&vectors);
    first.presence = Presence::Bits {
        bits: Bytes::from_static(&[0b1111_1110, 0b11]),
        first: 0,
        stride: 1,
    };
    let narrow = column(&vec![vec![1.0; 7]; 5]);
    let scalars = Column::full(Values::Numbers(vec![1.0; 6]));
    let of = |column: Column, rows| batch_of(rows, vec![("emb", Some(column))]);
    engine.apply(&of(first, 10), START);
    engine.apply(&of(narrow, 5), START);
    engine.apply(&of(scalars, 6), START);
    engine.apply(&of(Column::full(Values::Invalid), 2), START);
    // Absent by name, and by a column that is not there.
    engine.apply(&batch_of(3, vec![("emb", None)]), START);
    engine.apply(
        &batch_of(
            4,
            vec![("other", Some(Column::full(Values::Numbers(vec![0.0; 4]))))],
        ),
        START,
    );
    let snapshot = engine.tick(START);
    let missing = |name| feature(model(&snapshot, "m", "1"), name).missing;
    let emb = missing("emb");
    assert_eq!((emb.null, emb.nan, emb.inf), (1, 1, 2));
    assert_eq!((emb.invalid, emb.absent), (13, 7));
    let cosine = missing("emb[cosine]");
    assert_eq!((cosine.null, cosine.nan, cosine.inf), (1, 2, 2));
    assert_eq!((cosine.invalid, cosine.absent), (13, 7));
    let values = |name| feature(model(&snapshot, "m", "1"), name).values;
    assert_eq!((values("emb"), values("emb[cosine]")), (6, 5));
    // None of them spoils the sums of the embedding.
    engine.apply(&batch(&world.rows(&mut random, 500, usual)), START);
    let ratio = embedding(&engine.tick(START)).unwrap();
    assert!((0.0..1.0).contains(&ratio), "{ratio}");
}

#[test]
fn few_odd_and_wide_vectors_are_learned_without_a_panic() {
    let odd: [Vec<Vec<f32>>; 6] = [
        vec![vec![1.0, 2.0]],
        vec![vec![0.0; 3]; 500],
        vec![vec![f32::NAN; 3]; 500],
        vec![vec![f32::MAX, f32::MIN]; 500],
        (0..500).map(|at| vec![at as f32, -(at as f32)]).collect(),
        vec![vec![1.0; 4_097]; 3],
    ];
    for vectors in odd {
        let profile = learn(&vectors);
        assert_eq!(Profile::from_json(&profile.to_json()).unwrap(), profile);
        let mut engine = engine(profile.clone(), FeatureConfig::default());
        engine.apply(&batch(&vectors), START);
        let snapshot = engine.tick(START);
        let emb = feature(model(&snapshot, "m", "1"), "emb");
        assert_eq!(emb.values + emb.missing.total(), vectors.len() as u64);
        let wide = vectors[0].len() > 4_096;
        assert_eq!(
            profile.features[0].cells.is_none(),
            wide || vectors[0][0].is_nan()
        );
    }
}
