//! Features together, through learner and engine: false alarms, power, and that nothing depends on
//! the order of rows. `cargo nextest run --test joint --no-capture` prints the tables.

mod common;

use std::sync::Arc;

use common::{Random, SECOND, batch, config, model};
use driftgauge::batch::{Batch, Role, Times, Values};
use driftgauge::engine::{
    Config, Engine, FeatureConfig, JointConfig, ModelDrift, ModelSnapshot, OtherVersions,
    WindowConfig,
};
use driftgauge::learn::{LearnOptions, Learner};
use driftgauge::profile::{JointReference, Profile, Provenance};
use driftgauge::statistic::{embedding_threshold, normal_tail, normal_tail_quantile};

const NOW: i64 = 1_700_000_000 * SECOND;
const FEATURES: usize = 10;
const REFERENCE_ROWS: usize = 20_000;
const NAMES: [&str; FEATURES] = ["f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9"];
/// z of one false alarm in a hundred and in a thousand.
const Z: [f64; 2] = [2.326_347_874, 3.090_232_306];

/// What is changed about rows of ten features: f0 and f1 correlated by 0.6, f6 lognormal, f7 whole
/// numbers, all others normal, f2 and f3 to become dependent without correlation.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    Unchanged,
    /// f4 a quarter of a standard deviation higher.
    Mean,
    /// Correlation of f0 and f1.
    Pair(f64),
    /// So many rows at one point.
    Cluster(f64),
    /// f3 follows the square of f2.
    NonLinear,
}

fn normal(random: &mut Random) -> f64 {
    let (u, v) = (1.0 - random.uniform(), random.uniform());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

fn row(shape: Shape, random: &mut Random) -> [f64; FEATURES] {
    let mut row = [0.0; FEATURES];
    row.iter_mut().for_each(|x| *x = normal(random));
    let correlation = match shape {
        Shape::Pair(correlation) => correlation,
        _ => 0.6,
    };
    row[1] = correlation * row[0] + (1.0 - correlation * correlation).sqrt() * row[1];
    match shape {
        Shape::Mean => row[4] += 0.25,
        Shape::Cluster(share) if random.uniform() < share => {
            row = [1.0; FEATURES].map(|x| x + 0.1 * normal(random));
        }
        Shape::NonLinear => {
            let square = (row[2] * row[2] - 1.0) / 2f64.sqrt();
            row[3] = 0.5f64.sqrt() * (square + row[3]);
        }
        _ => {}
    }
    row[6] = row[6].exp();
    row[7] = (2.0 * row[7]).round();
    row
}

fn rows(shape: Shape, count: usize, random: &mut Random) -> Vec<[f64; FEATURES]> {
    (0..count).map(|_| row(shape, random)).collect()
}

fn to_batch(rows: &[[f64; FEATURES]]) -> Batch {
    let column = |at: usize| {
        let values = rows.iter().map(|row| row[at]).collect();
        (NAMES[at], Role::Feature, Values::Numbers(values))
    };
    batch((0..FEATURES).map(column).collect())
}

/// A reference of these batches, as `driftgauge profile` makes it.
fn learn(batches: &[Batch]) -> Profile {
    let mut learner = Learner::new(LearnOptions {
        measures_variation: true,
        ..LearnOptions::default()
    });
    batches.iter().for_each(|batch| learner.observe(batch));
    let mut recount = learner.into_recount();
    batches.iter().for_each(|batch| recount.observe(batch));
    recount.finish(Provenance::default())
}

fn reference(random: &mut Random) -> Profile {
    learn(&[to_batch(&rows(Shape::Unchanged, REFERENCE_ROWS, random))])
}

/// An engine with one window, and the joint sums of the profile.
fn engine(profile: Profile, change: impl FnOnce(&mut Config)) -> Engine {
    let mut config = config(profile);
    config.windows = vec![WindowConfig::of_seconds("w", 12)];
    change(&mut config);
    Engine::new(Arc::new(config))
}

fn drift<'a>(model: &'a ModelSnapshot, kind: &str) -> Option<&'a ModelDrift> {
    model.drift.iter().find(|drift| drift.kind == kind)
}

/// What [`Windows::next`] finds: the ratios of dependence and MMD.
struct Windows {
    engine: Engine,
    now: i64,
}

impl Windows {
    fn new(engine: Engine) -> Self {
        Self { engine, now: NOW }
    }

    /// A window of these rows alone.
    fn next(&mut self, rows: &[[f64; FEATURES]]) -> (ModelDrift, ModelDrift) {
        self.now += 24 * SECOND;
        self.engine.apply(&to_batch(rows), self.now);
        let snapshot = self.engine.tick(self.now);
        let model = model(&snapshot, "m", "1");
        let of = |kind| drift(model, kind).expect("enough rows").clone();
        (of("dependence"), of("mmd"))
    }
}

/// Any change beyond chance counts, at one false alarm in a hundred.
fn any_change(config: &mut Config) {
    config.feature.significance = Some(Z[0]);
    config.joint = JointConfig {
        minimum_correlation: 0.0,
        minimum_discrepancy: 0.0,
        ..JointConfig::default()
    };
}

/// The factor from a ratio at the first z to that at the second, of both kinds.
fn stricter(joint: &JointReference, n: u64) -> [f64; 2] {
    let [z, stricter] = Z.map(|z| {
        let tests = 2.0 * joint.products.len() as f64;
        normal_tail_quantile(normal_tail(z) / tests)
    });
    let [t, higher] = Z.map(|z| {
        let fourier = &joint.fourier;
        let traces = [
            fourier.trace,
            fourier.trace_of_square,
            fourier.trace_of_cube,
        ];
        embedding_threshold(traces, n, joint.rows, 0.0, z, 1.0)
    });
    [z / stricter, t / higher]
}

#[test]
fn unchanged_rows_alarm_as_often_as_they_may() {
    const SEED: u64 = 41;
    const REFERENCES: usize = 10;
    println!("seed {SEED}; share of alarms on unchanged rows, no change tolerated");
    println!("{:>6} {:>6}  dependence 1% .1%   mmd 1% .1%", "n", "tests");
    let mut random = Random(SEED);
    let profiles: Vec<_> = (0..REFERENCES).map(|_| reference(&mut random)).collect();
    for (n, tests) in [(200, 4_000), (1_000, 1_200)] {
        let mut alarms = [[0u32; 2]; 2];
        for profile in &profiles {
            let joint = profile.joint.as_ref().unwrap();
            let factors = stricter(joint, n as u64);
            let mut windows = Windows::new(engine(profile.clone(), any_change));
            for _ in 0..tests / REFERENCES {
                let (dependence, mmd) = windows.next(&rows(Shape::Unchanged, n, &mut random));
                for (kind, ratio) in [dependence.ratio, mmd.ratio].into_iter().enumerate() {
                    alarms[kind][0] += u32::from(ratio > 1.0);
                    alarms[kind][1] += u32::from(ratio * factors[kind] > 1.0);
                }
            }
        }
        let rate = |count: u32| f64::from(count) / tests as f64;
        let [dependence, mmd] = alarms.map(|of| of.map(rate));
        println!(
            "{n:>6} {tests:>6}  {:>11.4} {:.4}  {:.4} {:.4}",
            dependence[0], dependence[1], mmd[0], mmd[1]
        );
        for of in [dependence, mmd] {
            // 1.6 α and 0.1 α with three standard errors of the draw.
            let error = |alpha: f64| 3.0 * (alpha / tests as f64).sqrt();
            assert!(of[0] < 0.016 + error(0.016), "{n}: {of:?}");
            assert!(of[1] < 0.0016 + error(0.0016), "{n}: {of:?}");
            assert!(of[0] > 0.001, "{n}: {of:?}");
        }
    }
}

#[test]
fn changes_that_no_feature_shows_are_seen_and_the_pair_is_named() {
    const SEED: u64 = 43;
    const TESTS: usize = 40;
    let mut random = Random(SEED);
    let profile = reference(&mut random);
    let mut by_default = Windows::new(engine(profile.clone(), |_| {}));
    let mut any = Windows::new(engine(profile, |config| {
        any_change(config);
        config.feature.significance = Some(Z[1]);
    }));
    println!("seed {SEED}; share of windows seen, {TESTS} each");
    println!("                        n  dependence   mmd    any change at .1%: dependence mmd");
    // By default: at least this share by products, and by MMD.
    for (shape, n, dependence, mmd) in [
        (Shape::Unchanged, 5_000, 0.0, 0.0),
        (Shape::Mean, 1_000, 0.0, 0.1),
        (Shape::Mean, 5_000, 0.0, 1.0),
        (Shape::Pair(-0.6), 200, 1.0, 0.0),
        (Shape::Pair(-0.6), 1_000, 1.0, 1.0),
        (Shape::Pair(0.3), 1_000, 0.2, 0.0),
        (Shape::Pair(0.3), 5_000, 1.0, 0.0),
        (Shape::Cluster(0.03), 5_000, 0.0, 0.02),
        (Shape::Cluster(0.03), 20_000, 0.0, 0.95),
        (Shape::NonLinear, 5_000, 0.0, 0.0),
    ] {
        let mut seen = [0usize; 4];
        for _ in 0..TESTS {
            let rows = rows(shape, n, &mut random);
            let (products, embedding) = by_default.next(&rows);
            let (any_product, any_embedding) = any.next(&rows);
            let ratios = [&products, &embedding, &any_product, &any_embedding];
            for (seen, drift) in seen.iter_mut().zip(ratios) {
                *seen += usize::from(drift.ratio > 1.0);
            }
            if let (Shape::Pair(_), true) = (shape, products.ratio > 1.0) {
                assert_eq!(products.fields, ["f0".into(), "f1".into()]);
            }
        }
        let [a, b, c, d] = seen.map(|count| count as f64 / TESTS as f64);
        println!(
            "{:>18} {n:>6}  {a:>10.2} {b:>5.2} {c:>28.2} {d:>4.2}",
            format!("{shape:?}")
        );
        assert!(a >= dependence && b >= mmd, "{shape:?} {n}: {a} {b}");
        if shape == Shape::Unchanged {
            assert_eq!([a, b], [0.0, 0.0]);
        }
        if shape == Shape::NonLinear {
            assert!(d > 0.3, "any change of the embedding: {d}");
        }
    }
}

#[test]
fn the_order_of_rows_and_their_batches_do_not_matter_and_the_sidecar_has_the_sums_of_the_profile() {
    const SEED: u64 = 47;
    let mut random = Random(SEED);
    let mut rows = rows(Shape::Unchanged, 5_000, &mut random);
    // Values that are no numbers count as missing, in both.
    rows[17][3] = f64::NAN;
    let whole = learn(&[to_batch(&rows)]);
    let joint = whole.joint.clone().unwrap();
    let mut shuffled = rows.clone();
    for at in (1..shuffled.len()).rev() {
        shuffled.swap(at, (random.uniform() * (at + 1) as f64) as usize);
    }
    let batches: Vec<_> = shuffled.chunks(777).map(to_batch).collect();
    let other = learn(&batches).joint.unwrap();
    assert_eq!(joint.features, other.features);
    assert_eq!(joint.fourier.bandwidths, other.fourier.bandwidths);
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-10, "{a} {b}");
    for (a, b) in joint.products.iter().zip(&other.products) {
        near(a.mean, b.mean);
        near(a.variance, b.variance);
    }
    let means = joint.fourier.means.iter().zip(&other.fourier.means);
    means.for_each(|(a, b)| near(*a, *b));

    // The same rows in the engine, one by one in the end: no distance at all.
    let mut engine = engine(whole, any_change);
    for rows in [&shuffled[..4_900], &shuffled[4_900..4_990]] {
        engine.apply(&to_batch(rows), NOW);
    }
    for row in shuffled[4_990..].chunks(1) {
        engine.apply(&to_batch(row), NOW);
    }
    let snapshot = engine.tick(NOW);
    let m = model(&snapshot, "m", "1");
    assert!(drift(m, "dependence").unwrap().ratio < 1e-8);
    assert!(drift(m, "mmd").unwrap().ratio < 1e-12);
}

/// What is said of features together.
fn joint_drift(model: &ModelSnapshot) -> impl Iterator<Item = &ModelDrift> {
    model.drift.iter().filter(|of| of.kind != "worst_feature")
}

#[test]
fn windows_are_compared_with_the_one_before_and_with_other_versions() {
    const SEED: u64 = 53;
    let mut random = Random(SEED);
    let profile = reference(&mut random);
    let mut engine = engine(profile, |config| {
        config.references.previous = true;
        config.references.versions = OtherVersions::All;
    });
    let unchanged = to_batch(&rows(Shape::Unchanged, 1_000, &mut random));
    let flipped = rows(Shape::Pair(-0.6), 1_000, &mut random);
    let mut canary = to_batch(&flipped);
    canary.version = "2".into();
    engine.apply(&unchanged, NOW);
    engine.apply(&canary, NOW);
    let now = NOW + 12 * SECOND;
    engine.apply(&to_batch(&flipped), now);
    engine.apply(&unchanged, now);
    engine.apply(&canary, now);
    let snapshot = engine.tick(now);
    let m = model(&snapshot, "m", "1");
    let of = |reference: &str| {
        let mut found = m.drift.iter();
        let found = found.find(|of| &*of.reference == reference && of.kind == "dependence");
        found.map(|of| (of.ratio > 1.0, of.fields.clone()))
    };
    let pair = vec!["f0".into(), "f1".into()];
    assert_eq!(of("profile"), Some((true, pair.clone())));
    assert_eq!(of("previous"), Some((true, pair.clone())));
    // Half of the rows of version 1 are flipped, all of version 2.
    assert_eq!(of("version:2"), Some((true, pair)));
    let canary = model(&snapshot, "m", "2");
    let same = |of: &&ModelDrift| &*of.reference == "previous";
    let same: Vec<_> = canary.drift.iter().filter(same).collect();
    assert!(same.iter().all(|of| of.ratio < 1e-6), "{same:?}");
}

#[test]
fn where_the_profile_does_not_say_it_is_learned_from_the_first_rows_and_then_stands() {
    const SEED: u64 = 59;
    let mut random = Random(SEED);
    let mut profile = reference(&mut random);
    profile.joint = None;
    let mut engine = engine(profile, |config| config.learning.rows = 5_000);
    let mut now = NOW;
    // A few minutes say nothing of how means wander: dependence has a margin for that, mmd has none.
    for (count, ratios) in [(3_000, 0), (2_000, 1)] {
        let rows = rows(Shape::Unchanged, count, &mut random);
        engine.apply(&to_batch(&rows), now);
        let snapshot = engine.tick(now);
        assert_eq!(joint_drift(model(&snapshot, "m", "1")).count(), ratios);
    }
    for (shape, is_drift) in [(Shape::Unchanged, false), (Shape::Pair(-0.6), true)] {
        now += 24 * SECOND;
        engine.apply(&to_batch(&rows(shape, 2_000, &mut random)), now);
        let snapshot = engine.tick(now);
        let m = model(&snapshot, "m", "1");
        assert_eq!(drift(m, "dependence").unwrap().ratio > 1.0, is_drift);
        assert!(drift(m, "mmd").is_none());
    }
}

#[test]
fn it_can_be_sampled_and_switched_off_and_a_feature_be_left_out() {
    const SEED: u64 = 61;
    let mut random = Random(SEED);
    let profile = reference(&mut random);
    let flipped = to_batch(&rows(Shape::Pair(-0.6), 2_000, &mut random));
    let found = |change: fn(&mut Config), rows: &Batch| {
        let mut engine = engine(profile.clone(), change);
        engine.apply(rows, NOW);
        let snapshot = engine.tick(NOW);
        let joint = joint_drift(model(&snapshot, "m", "1"));
        joint
            .map(|of| (of.kind, of.ratio > 1.0))
            .collect::<Vec<_>>()
    };
    let both = [("dependence", true), ("mmd", true)];
    assert_eq!(found(|_| {}, &flipped), both);
    assert_eq!(found(|config| config.joint.sample = 4, &flipped), both);
    // 20 of 2,000 rows are too few.
    assert_eq!(found(|config| config.joint.sample = 100, &flipped), []);
    assert_eq!(found(|config| config.joint.features = 0, &flipped), []);
    let ignore = |config: &mut Config| {
        let ignored = FeatureConfig {
            role: Some(Role::Ignore),
            ..FeatureConfig::default()
        };
        let model = config.models.get_mut("m").unwrap();
        model.features.insert("f1".into(), ignored);
    };
    assert_eq!(found(ignore, &flipped), [("dependence", false)]);
}

#[test]
fn clusters_of_rows_are_found_in_time_and_raise_no_alarm() {
    const SEED: u64 = 67;
    const COPIES: usize = 5;
    let mut random = Random(SEED);
    let mut clustered = |count: usize| -> Vec<[f64; FEATURES]> {
        let rows = rows(Shape::Unchanged, count / COPIES, &mut random);
        rows.into_iter().flat_map(|row| [row; COPIES]).collect()
    };
    let mut batch = to_batch(&clustered(115_200));
    batch.times = Times::Each((0..115_200).map(|row| row * SECOND).collect());
    let profile = learn(&[batch]);
    let joint = profile.joint.as_ref().unwrap();
    for variation in [joint.variation, joint.fourier.variation.unwrap()] {
        assert_eq!(variation.chunks, 96);
        assert!(
            (4.5..5.5).contains(&variation.design_effect),
            "{variation:?}"
        );
        assert!(variation.wander < 1e-4, "{variation:?}");
    }
    let mut windows = Windows::new(engine(profile, any_change));
    let mut alarms = [0; 2];
    for _ in 0..300 {
        let (dependence, mmd) = windows.next(&clustered(1_000));
        alarms[0] += u32::from(dependence.ratio > 1.0);
        alarms[1] += u32::from(mmd.ratio > 1.0);
    }
    // 3 are expected at one in a hundred; 13 are as unlikely as one in 100,000.
    println!("seed {SEED}: {alarms:?} of 300");
    assert!(alarms.iter().all(|&count| count < 13), "{alarms:?}");
}

#[test]
fn memory_per_version_is_what_the_design_says() {
    let mut random = Random(71);
    let profile = reference(&mut random);
    let bytes = |features: usize| {
        let mut config = config(profile.clone());
        config.joint.features = features;
        Engine::new(Arc::new(config)).bytes()
    };
    // (13 × windows + 1) × 8 B × (pairs + 128), and what holds them.
    let sums = (13 * 3 + 1) * 8 * (FEATURES * (FEATURES - 1) / 2 + 128);
    let found = bytes(16) - bytes(0);
    assert!(
        (sums..sums + 4_096).contains(&found),
        "{found} against {sums}"
    );
}
