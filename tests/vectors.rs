//! Vectors from rows to figures: cells around reference centroids, and the cosine to the reference
//! mean as a field of its own.

mod common;

use std::sync::Arc;

use bytes::Bytes;
use common::{Random, SECOND, feature, model};
use driftgauge::batch::{
    Batch, Calls, Column, Field, Presence, Role, Schema, Times, ValueType, Values,
};
use driftgauge::engine::{
    Config, Engine, FeatureConfig, ModelConfig, Rebaseline, References, Snapshot, State,
};
use driftgauge::learn::{
    FieldOverride, LearnOptions, Learned, Learner, MAX_CENTROIDS, VectorSample,
};
use driftgauge::profile::{Cells, CentroidCells, Kind, Profile, Provenance};

const START: i64 = 1_700_000_000 * SECOND;
/// One-sided 1 %.
const Z: f64 = 2.326_347_874_040_840_8;

fn gauss(random: &mut Random) -> f64 {
    // Irwin and Hall: near enough to a normal, and without a logarithm of zero.
    (0..4).map(|_| random.uniform() - 0.5).sum::<f64>() * 3_f64.sqrt()
}

/// A world of vectors: clusters of unequal shares around one common direction, with noise.
struct World {
    centres: Vec<Vec<f64>>,
    noise: f64,
}

impl World {
    fn new(width: usize, clusters: usize, noise: f64, seed: u64) -> Self {
        let mut random = Random(seed);
        let common: Vec<f64> = (0..width).map(|_| gauss(&mut random)).collect();
        let centre = |_| common.iter().map(|c| c + gauss(&mut random)).collect();
        Self {
            centres: (0..clusters).map(centre).collect(),
            noise,
        }
    }

    /// `rows` vectors; cluster i has a share in proportion to `share(i)`.
    fn rows(
        &self,
        random: &mut Random,
        rows: usize,
        share: impl Fn(usize) -> f64,
    ) -> Vec<Vec<f32>> {
        let shares: Vec<f64> = (0..self.centres.len()).map(share).collect();
        let total: f64 = shares.iter().sum();
        let mut draw = || {
            let mut rest = random.uniform() * total;
            let cluster = shares.iter().position(|share| {
                rest -= share;
                rest < 0.0
            });
            let centre = &self.centres[cluster.unwrap_or(0)];
            let noisy = centre
                .iter()
                .map(|c| (c + self.noise * gauss(random)) as f32);
            noisy.collect()
        };
        (0..rows).map(|_| draw()).collect()
    }
}

fn usual(cluster: usize) -> f64 {
    1.0 / (cluster + 2) as f64
}

fn column(vectors: &[Vec<f32>]) -> Column {
    let width = vectors.first().map_or(2, Vec::len);
    let data: Bytes = vectors
        .iter()
        .flatten()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    Column::full(Values::Fixed {
        data,
        value_type: ValueType::Float32,
        offset: 0,
        stride: width * 4,
        width,
    })
}

fn batch_of(rows: usize, columns: Vec<(&str, Option<Column>)>) -> Batch {
    let fields = columns.iter().map(|(name, column)| Field {
        name: (*name).into(),
        role: Role::Feature,
        value_type: ValueType::Float32,
        width: column.as_ref().map_or(1, Column::width) as u32,
    });
    Batch {
        model: "m".into(),
        version: "1".into(),
        schema: Arc::new(Schema::new(fields.collect())),
        rows,
        columns: columns.into_iter().map(|(_, column)| column).collect(),
        calls: Calls::default(),
        times: Times::Arrival,
        weight: 1.0,
        bytes: rows * 8,
    }
}

fn batch(vectors: &[Vec<f32>]) -> Batch {
    batch_of(vectors.len(), vec![("emb", Some(column(vectors)))])
}

fn learn_with(batches: &[Batch], options: LearnOptions) -> Learned {
    let mut learner = Learner::new(options);
    batches.iter().for_each(|batch| learner.observe(batch));
    let mut recount = learner.into_recount();
    batches.iter().for_each(|batch| recount.observe(batch));
    recount.finish_with_report(Provenance::default())
}

fn learn(vectors: &[Vec<f32>]) -> Profile {
    learn_with(&[batch(vectors)], LearnOptions::default()).profile
}

fn engine(profile: Profile, sensitivity: FeatureConfig) -> Engine {
    let model = ModelConfig {
        profile: Some(Arc::new(profile)),
        ..ModelConfig::default()
    };
    let mut config = Config {
        feature: sensitivity,
        models: [("m".into(), model)].into(),
        ..Config::default()
    };
    if sensitivity.minimum_effect == Some(0.0) {
        config.joint.minimum_discrepancy = 0.0;
    }
    Engine::new(Arc::new(config))
}

fn ratio(snapshot: &Snapshot, name: &str) -> f64 {
    let drift = &feature(model(snapshot, "m", "1"), name).windows[0].drift;
    drift[0].ratio.unwrap()
}

/// Ratio of the mean embedding in the first window against a reference.
fn embedding_against(snapshot: &Snapshot, reference: &str) -> Option<f64> {
    let model = model(snapshot, "m", "1");
    let mut drifts = model.drift.iter();
    let first = &model.windows[0].window;
    let drift = drifts.find(|drift| {
        drift.kind == "embedding" && drift.window == *first && *drift.reference == *reference
    })?;
    assert_eq!(*drift.fields, ["emb".into()]);
    Some(drift.ratio)
}

fn embedding(snapshot: &Snapshot) -> Option<f64> {
    embedding_against(snapshot, "profile")
}

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

/// Alarms and comparisons of both fields over `draws` references with 20 windows each.
fn alarms(world: &World, sensitivity: FeatureConfig, seed: u64, draws: u64) -> ([u32; 2], u32) {
    let (mut raised, mut judged) = ([0; 2], 0);
    for draw in 0..draws {
        let mut random = Random(seed + draw);
        let reference = learn(&world.rows(&mut random, 1_500, usual));
        let mut engine = engine(reference, sensitivity);
        for window in 0..20 {
            let now = START + window * 600 * SECOND;
            engine.apply(&batch(&world.rows(&mut random, 1_000, usual)), now);
            let snapshot = engine.tick(now);
            judged += 1;
            for (count, name) in raised.iter_mut().zip(["emb", "emb[cosine]"]) {
                *count += u32::from(ratio(&snapshot, name) > 1.0);
            }
        }
    }
    (raised, judged)
}

#[test]
fn unchanged_vectors_alarm_as_rarely_as_asked_for() {
    const SEED: u64 = 310_000;
    const DRAWS: u64 = 8;
    println!("seed {SEED}");
    // Clusters, and a cloud without any: there chance alone places the centroids.
    for (what, world) in [
        ("clusters", World::new(24, 12, 0.7, 5)),
        ("cloud", World::new(512, 1, 1.0, 6)),
    ] {
        let bare = FeatureConfig {
            minimum_effect: Some(0.0),
            significance: Some(Z),
            ..FeatureConfig::default()
        };
        let (raised, judged) = alarms(&world, bare, SEED, DRAWS);
        println!("{what}: {raised:?} of {judged} at delta = 0, alpha = 0.01");
        // 1.6 α and three standard deviations of the count.
        let most = 0.016 * f64::from(judged);
        let most = most + 3.0 * most.sqrt();
        assert!(
            raised.iter().all(|&raised| f64::from(raised) <= most),
            "{what}: {raised:?}"
        );
        let (raised, judged) = alarms(&world, FeatureConfig::default(), SEED + 1_000, 2);
        assert_eq!(raised, [0; 2], "{what}: at defaults, of {judged}");
    }
}

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
fn a_column_of_traffic_is_never_taken_for_the_cosines() {
    let world = World::new(8, 3, 0.5, 41);
    let mut random = Random(42);
    let reference = world.rows(&mut random, 2_000, usual);
    let vectors = world.rows(&mut random, 200, usual);
    let own = || Some(Column::full(Values::Numbers(vec![7.0; 200])));
    let sent = batch_of(
        200,
        vec![("emb[cosine]", own()), ("emb", Some(column(&vectors)))],
    );
    let mut engine = engine(learn(&reference), FeatureConfig::default());
    engine.apply(&sent, START);
    let snapshot = engine.tick(START);
    let cosine = feature(model(&snapshot, "m", "1"), "emb[cosine]");
    assert_eq!(cosine.values, 200);
    assert!(cosine.windows[0].max.unwrap() <= 1.0);

    // Data that have a column of that name keep it, and it is said.
    let learned = learn_with(&[sent], LearnOptions::default());
    let names: Vec<_> = learned.profile.features.iter().map(|f| &*f.name).collect();
    assert_eq!(names, ["emb[cosine]", "emb"]);
    assert!(learned.profile.features[0].derived_from.is_none());
    let said = &learned.report.fields[1].warnings;
    assert!(
        said.iter().any(|w| w.contains("cosines are not watched")),
        "{said:?}"
    );
}

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
fn a_profile_of_vectors_survives_its_file_and_is_always_the_same() {
    let world = World::new(16, 4, 0.5, 61);
    let vectors = world.rows(&mut Random(62), 3_000, usual);
    let profile = learn(&vectors);
    let json = profile.to_json();
    let read = Profile::from_json(&json).unwrap();
    assert_eq!(read, profile);
    assert_eq!(learn(&vectors).hash(), profile.hash());
    let [emb, cosine] = &profile.features[..] else {
        panic!("{:?}", profile.features);
    };
    assert_eq!((&*emb.name, emb.kind), ("emb", Kind::Vector));
    assert_eq!((&*cosine.name, cosine.kind), ("emb[cosine]", Kind::Numeric));
    // One vector in four places the centroids; the others are counted.
    assert_eq!((emb.values(), cosine.values()), (2_250, 2_250));
    assert!(emb.distinct.abs_diff(3_000) < 300, "{}", emb.distinct);
    let embedding = emb.embedding.as_ref().unwrap();
    assert_eq!((embedding.rows, embedding.dimensions), (3_000, 16));
    assert_eq!(embedding.means.len(), 128);
    assert!(cosine.embedding.is_none());
    let reference = emb.cells.as_ref().unwrap();
    assert_eq!(reference.cells.len(), MAX_CENTROIDS);
    assert_eq!(reference.cells.range(3), "centroid 3");
    assert!(!reference.cells.is_ordered());
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

#[test]
fn a_role_of_the_settings_holds_for_the_cosines_too() {
    let world = World::new(8, 3, 0.5, 91);
    let mut random = Random(92);
    let profile = learn(&world.rows(&mut random, 2_000, usual));
    let with_role = |role| {
        let said = FeatureConfig {
            role,
            ..FeatureConfig::default()
        };
        Arc::new(Config {
            models: [(
                "m".into(),
                ModelConfig {
                    profile: Some(Arc::new(profile.clone())),
                    features: [("emb".into(), said)].into(),
                    ..ModelConfig::default()
                },
            )]
            .into(),
            ..Config::default()
        })
    };
    let mut engine = Engine::new(with_role(None));
    engine.apply(&batch(&world.rows(&mut random, 200, usual)), START);
    assert_eq!(model(&engine.tick(START), "m", "1").features.len(), 2);
    engine.reconfigure(with_role(Some(Role::Score)));
    engine.apply(&batch(&world.rows(&mut random, 200, usual)), START);
    let snapshot = engine.tick(START);
    let cosine = feature(model(&snapshot, "m", "1"), "emb[cosine]");
    assert_eq!((cosine.role, cosine.values), (Role::Score, 400));
    engine.reconfigure(with_role(Some(Role::Ignore)));
    engine.apply(&batch(&world.rows(&mut random, 200, usual)), START);
    assert!(model(&engine.tick(START), "m", "1").features.is_empty());
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

/// Clusters, and in each a cloud along the diagonal of the first two elements, on which no centre
/// differs: the diagonal that `side` chooses.
fn along_a_diagonal(world: &World, random: &mut Random, rows: usize, side: f32) -> Vec<Vec<f32>> {
    let mut vectors = world.rows(random, rows, |_| 1.0);
    for vector in &mut vectors {
        let along = 2.5 * gauss(random) as f32;
        vector[0] = along;
        vector[1] = side * along;
    }
    vectors
}

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
fn unchanged_vectors_move_their_embedding_as_rarely_as_asked_for() {
    const SEED: u64 = 110_000;
    const REFERENCES: u64 = 40;
    println!("seed {SEED}");
    let (mut raised, mut judged) = (0, 0);
    for (what, world) in [
        ("clusters", World::new(24, 12, 0.7, 7)),
        ("cloud", World::new(96, 1, 1.0, 8)),
    ] {
        let mut of_world = 0;
        for draw in 0..REFERENCES {
            let mut random = Random(SEED + draw);
            let reference = learn(&world.rows(&mut random, 2_000, usual));
            let bare = FeatureConfig {
                minimum_effect: Some(0.0),
                significance: Some(Z),
                ..FeatureConfig::default()
            };
            let mut bare = engine(reference.clone(), bare);
            let mut by_default = engine(reference, FeatureConfig::default());
            for (window, rows) in (0..21).zip([200, 500, 1_000].iter().cycle()) {
                let now = START + window * 600 * SECOND;
                let live = batch(&world.rows(&mut random, *rows, usual));
                bare.apply(&live, now);
                by_default.apply(&live, now);
                judged += 1;
                of_world += u32::from(embedding(&bare.tick(now)).unwrap() > 1.0);
                let ratio = embedding(&by_default.tick(now)).unwrap();
                assert!(ratio < 1.0, "{what}: {ratio} at defaults");
            }
        }
        println!("{what}: {of_world}");
        raised += of_world;
    }
    println!("{raised} of {judged} at alpha = 0.01");
    let expected = 0.01 * f64::from(judged);
    let most = 1.6 * expected + 3.0 * expected.sqrt();
    assert!(
        (0.1 * expected..most).contains(&f64::from(raised)),
        "{raised} of {judged}"
    );
}

#[test]
fn an_embedding_is_compared_with_the_window_before_and_with_other_versions() {
    let world = World::new(64, 40, 0.2, 121);
    let mut random = Random(122);
    let profile = learn(&along_a_diagonal(&world, &mut random, 4_000, 1.0));
    let model = ModelConfig {
        profile: Some(Arc::new(profile)),
        ..ModelConfig::default()
    };
    let mut engine = Engine::new(Arc::new(Config {
        references: References {
            previous: true,
            versions: driftgauge::engine::OtherVersions::All,
            ..References::default()
        },
        models: [("m".into(), model)].into(),
        ..Config::default()
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
        let config = Config {
            models: [(
                "m".into(),
                ModelConfig {
                    profile: Some(Arc::new(profile.clone())),
                    ..ModelConfig::default()
                },
            )]
            .into(),
            ..Config::default()
        };
        Engine::new(Arc::new(config)).bytes()
    });
    // (13 × windows + 1) × 128 × 8 B, and what holds them.
    let (found, sums) = (bytes[0] - bytes[1], (13 * 3 + 1) * 128 * 8);
    assert!(
        (sums..sums + 4_096).contains(&found),
        "{found} against {sums}"
    );
}

#[test]
fn an_embedding_that_contradicts_its_field_is_refused_with_a_sentence() {
    let profile = learn(&World::new(8, 3, 0.5, 151).rows(&mut Random(152), 2_000, usual));
    let refused = |change: fn(&mut Profile)| {
        let mut profile = profile.clone();
        change(&mut profile);
        Profile::from_json(&profile.to_json())
            .unwrap_err()
            .to_string()
    };
    let wide = refused(|p| p.features[0].embedding.as_mut().unwrap().dimensions = 9);
    assert!(
        wide.contains("\"emb\"") && wide.contains("must be 8"),
        "{wide}"
    );
    let flat = refused(|p| p.features[0].embedding.as_mut().unwrap().trace = 0.0);
    assert!(flat.contains("above 0"), "{flat}");
    let homeless = refused(|p| p.features[1].embedding = p.features[0].embedding.clone());
    assert!(homeless.contains("no centroids"), "{homeless}");
}

#[test]
fn a_profile_of_wide_vectors_takes_about_as_much_as_the_design_says() {
    let world = World::new(768, 12, 0.7, 161);
    let profile = learn(&world.rows(&mut Random(162), 2_000, usual));
    let bytes = profile.to_json().len();
    println!("768 elements: {bytes} bytes");
    assert!((240_000..280_000).contains(&bytes), "{bytes}");
}
