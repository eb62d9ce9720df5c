//! The engine where things begin, end, change or are absurd.

mod common;

use std::sync::Arc;

use common::{Random, SECOND, batch, config, feature, model, numeric, profile};
use driftgauge::batch::{Batch, Outcome, Role, Scalar, Times, Values};
use driftgauge::engine::{Clock, Config, Engine, FeatureConfig, ModelConfig, Snapshot, State};
use driftgauge::learn::{LearnOptions, Learner};
use driftgauge::profile::{Moments, Profile, Provenance};
use proptest::prelude::*;

const NOW: i64 = 1_700_000_000 * SECOND;

fn engine(config: Config) -> Engine {
    Engine::new(Arc::new(config))
}

fn numbers(values: Vec<f64>) -> Batch {
    batch(vec![("x", Role::Feature, Values::Numbers(values))])
}

/// A feature `x`, uniform on 0 … 20, and a score.
fn scored(rows: usize) -> Batch {
    batch(vec![
        (
            "x",
            Role::Feature,
            Values::Numbers(Random(5).uniforms(rows, 20.0)),
        ),
        (
            "score",
            Role::Score,
            Values::Numbers(Random(9).uniforms(rows, 1.0)),
        ),
    ])
}

fn learning(rows: u64, mut config: Config) -> Config {
    config.learning.rows = rows;
    config
}

/// State in the shortest window.
fn state(snapshot: &Snapshot, version: &str, name: &str) -> State {
    feature(model(snapshot, "m", version), name).windows[0].state
}

#[test]
fn labels_that_do_not_come_are_no_data_and_never_absent() {
    let mut label = numeric("y", 2, 500);
    label.role = Role::Label;
    let mut engine = engine(config(profile(vec![numeric("x", 20, 500), label])));
    engine.apply(&numbers(vec![1.0; 200]), NOW);
    let snapshot = engine.tick(NOW);
    assert_eq!(state(&snapshot, "1", "y"), State::NoData);
    let y = feature(model(&snapshot, "m", "1"), "y");
    assert_eq!(y.missing.total(), 0);
}

#[test]
fn windows_that_begin_anew_have_no_data_until_the_next_row() {
    let mut engine = engine(learning(500, Config::default()));
    engine.apply(&scored(500), NOW);
    let snapshot = engine.tick(NOW);
    assert_eq!(state(&snapshot, "1", "x"), State::NoData);
    engine.apply(&scored(200), NOW + SECOND);
    let snapshot = engine.tick(NOW + SECOND);
    assert_eq!(state(&snapshot, "1", "x"), State::Ok);
}

#[test]
fn moments_of_subnormal_numbers_are_numbers() {
    let mut x = numeric("x", 20, 500);
    x.moments = Some(Moments {
        mean: 1e-310,
        stddev: 5e-311,
        min: 0.0,
        max: 2e-310,
    });
    // Few values and many are summed apart.
    for rows in [4, 200] {
        let mut engine = engine(config(profile(vec![x.clone()])));
        let values = (0..rows).map(|row| [1e-310, 2e-310][row % 2]);
        engine.apply(&numbers(values.collect()), NOW);
        let snapshot = engine.tick(NOW);
        let window = &feature(model(&snapshot, "m", "1"), "x").windows[0];
        let (mean, stddev) = (window.mean.unwrap(), window.stddev.unwrap());
        assert!((mean / 1.5e-310 - 1.0).abs() < 1e-9, "{mean:e}");
        assert!((stddev / 0.5e-310 - 1.0).abs() < 1e-9, "{stddev:e}");
    }
}

#[test]
fn any_time_at_all_can_be_claimed() {
    for time in [
        i64::MIN,
        i64::MIN + 1,
        i64::MIN + 86_400 * SECOND,
        -1,
        0,
        i64::MAX,
    ] {
        let mut engine = engine(Config {
            clock: Clock::Event,
            ..config(profile(vec![numeric("x", 20, 500)]))
        });
        for times in [
            Times::At(time),
            Times::Each(vec![time, time.saturating_add(1), time.saturating_sub(1)]),
            Times::Each(vec![i64::MIN, 0, i64::MAX]),
        ] {
            let mut batch = numbers(vec![1.0; 3]);
            batch.times = times;
            engine.apply(&batch, NOW);
            for window in &engine.tick(NOW).models[0].windows {
                let covered = window.covered_seconds;
                assert!((0.0..=86_400.0).contains(&covered), "{time}: {covered}");
            }
        }
    }
    let mut engine = engine(config(profile(vec![numeric("x", 20, 500)])));
    for now in [i64::MIN, i64::MAX, 0] {
        engine.apply(&numbers(vec![1.0; 3]), now);
        engine.tick(now);
    }
}

#[test]
fn a_call_over_the_end_of_learning_is_one_call() {
    let mut engine = engine(learning(500, Config::default()));
    let mut batch = scored(600);
    batch.calls.rows = vec![100, 500, 0];
    batch.calls.latency_micros = vec![10, 20, 30];
    batch.calls.outcomes = vec![Outcome::Ok, Outcome::Ok, Outcome::Failed("INTERNAL")];
    engine.apply(&batch, NOW);
    let snapshot = engine.tick(NOW);
    let m = model(&snapshot, "m", "1");
    assert_eq!((m.requests, m.predictions), (3.0, 600.0));
    assert!(m.errors.contains(&("INTERNAL", 1.0)));
    // 0, 100 and 500 rows.
    assert_eq!(m.request_rows.counts, [1, 0, 0, 0, 1, 1, 0, 0]);
    assert_eq!(m.windows[0].error_ratio, Some(1.0 / 3.0));
    let x = feature(m, "x");
    assert_eq!((x.values, x.cells.iter().sum::<u64>()), (600, 100));
}

/// One pass over calls or failures for each run of rows would take some seconds.
#[test]
fn rows_in_no_order_of_time_cost_no_pass_over_the_batch_each() {
    const ROWS: usize = 65_536;
    let mut engine = engine(Config {
        clock: Clock::Event,
        ..config(profile(vec![numeric("x", 20, 500)]))
    });
    let mut batch = scored(ROWS);
    let time = |row| NOW + row as i64 * 7_919 % 86_000 * SECOND;
    batch.times = Times::Each((0..ROWS).map(time).collect());
    let outcome = |row| [Outcome::Ok, Outcome::Failed("INTERNAL")][row % 2];
    batch.calls.outcomes = (0..ROWS).map(outcome).collect();
    let begun = std::time::Instant::now();
    engine.apply(&batch, NOW);
    assert!(begun.elapsed().as_secs_f64() < 2.0, "{:?}", begun.elapsed());
    let snapshot = engine.tick(NOW);
    let m = model(&snapshot, "m", "1");
    assert_eq!(m.requests, ROWS as f64);
    assert_eq!(feature(m, "score").values, ROWS as u64 / 2);
}

#[test]
fn a_model_that_settings_name_never_vanishes() {
    let mut engine = engine(config(profile(vec![numeric("x", 20, 500)])));
    for (version, now) in [("1", NOW), ("2", NOW + 60 * SECOND)] {
        let mut batch = numbers(vec![1.0; 200]);
        batch.version = version.into();
        engine.apply(&batch, now);
    }
    let snapshot = engine.tick(NOW + 7 * 86_400 * SECOND);
    assert_eq!(snapshot.models.len(), 1, "the last version stays");
    assert_eq!(model(&snapshot, "m", "2").predictions, 200.0);
    assert_eq!(state(&snapshot, "2", "x"), State::NoData);
}

#[test]
fn a_role_that_the_settings_no_longer_give_is_that_of_the_source_again() {
    let plain = learning(0, Config::default());
    let x = FeatureConfig {
        role: Some(Role::Label),
        ..FeatureConfig::default()
    };
    let said = ModelConfig {
        features: [("x".into(), x)].into(),
        ..ModelConfig::default()
    };
    let overruled = Config {
        models: [("m".into(), said)].into(),
        ..plain.clone()
    };
    let mut engine = engine(plain.clone());
    engine.apply(&numbers(vec![1.0]), NOW);
    for (config, role) in [(overruled, Role::Label), (plain, Role::Feature)] {
        engine.reconfigure(Arc::new(config));
        let snapshot = engine.tick(NOW);
        assert_eq!(feature(model(&snapshot, "m", "1"), "x").role, role);
    }
}

#[test]
fn without_its_profile_a_model_learns_what_the_profile_had() {
    let with = learning(500, config(profile(vec![numeric("x", 20, 500)])));
    let without = learning(500, Config::default());
    let mut engine = engine(with.clone());
    engine.apply(&scored(600), NOW);
    let snapshot = engine.tick(NOW);
    assert_eq!(state(&snapshot, "1", "x"), State::Ok);
    assert_eq!(model(&snapshot, "m", "1").references.len(), 2);

    engine.reconfigure(Arc::new(without));
    engine.apply(&scored(400), NOW);
    let snapshot = engine.tick(NOW);
    assert_eq!(state(&snapshot, "1", "x"), State::Learning);
    engine.apply(&scored(300), NOW);
    let snapshot = engine.tick(NOW);
    assert_eq!(state(&snapshot, "1", "x"), State::Ok);
    assert_eq!(state(&snapshot, "1", "score"), State::Ok);
    let references = &model(&snapshot, "m", "1").references;
    assert_eq!((references.len(), references[0].source), (1, "learned"));

    // Back again: of what was learned only the output that the file lacks counts.
    engine.reconfigure(Arc::new(with));
    engine.apply(&scored(300), NOW);
    let snapshot = engine.tick(NOW);
    let m = model(&snapshot, "m", "1");
    let is_learned = |name| feature(m, name).reference.as_ref().unwrap().learned;
    assert!(!is_learned("x") && is_learned("score"));
}

/// One string that is too long turns the column of its batch into mixed values.
#[test]
fn texts_among_mixed_values_of_an_unknown_field_are_values() {
    let mut engine = engine(config(profile(vec![numeric("x", 20, 500)])));
    let mixed = vec![
        Scalar::Text("a".into()),
        Scalar::Invalid,
        Scalar::Number(1.0),
        Scalar::Number(f64::NAN),
        Scalar::Null,
    ];
    engine.apply(
        &batch(vec![("t", Role::Feature, Values::Mixed(mixed))]),
        NOW,
    );
    let snapshot = engine.tick(NOW);
    let t = feature(model(&snapshot, "m", "1"), "t");
    let missing = t.missing;
    assert_eq!((t.values, missing.invalid), (2, 1));
    assert_eq!((missing.nan, missing.null), (1, 1));
}

#[test]
fn versions_share_their_reference() {
    let mut engine = engine(config(profile(vec![numeric("x", 20, 500)])));
    for version in ["1", "2"] {
        let mut batch = numbers(vec![1.0]);
        batch.version = version.into();
        engine.apply(&batch, NOW);
    }
    let snapshot = engine.tick(NOW);
    let of = |version| &feature(model(&snapshot, "m", version), "x").reference;
    let [Some(one), Some(two)] = ["1", "2"].map(of) else {
        panic!("no reference");
    };
    assert!(Arc::ptr_eq(&one.feature, &two.feature));
}

#[test]
fn a_version_that_is_gone_holds_up_no_learning() {
    let mut engine = engine(learning(500, Config::default()));
    engine.apply(&scored(100), NOW);
    let mut next = scored(300);
    next.version = "2".into();
    // The first version is forgotten on the third day, for it was idle for more than two.
    for (day, is_learned) in [(0, false), (2, false), (3, false), (4, false), (6, true)] {
        let now = NOW + day * 86_400 * SECOND;
        engine.apply(&next, now);
        let snapshot = engine.tick(now);
        let references = &model(&snapshot, "m", "2").references;
        assert_eq!(!references.is_empty(), is_learned, "day {day}");
    }
}

#[test]
fn a_mean_stays_within_the_range_of_its_values() {
    let values = || numbers(vec![f64::MAX, f64::MIN, f64::MAX]);
    let mut learner = Learner::new(LearnOptions::default());
    learner.observe(&values());
    let mut engine = engine(config(learner.finish(Provenance::default())));
    engine.apply(&values(), NOW);
    let snapshot = engine.tick(NOW);
    let window = &feature(model(&snapshot, "m", "1"), "x").windows[0];
    // The smallest is far, for its distance from the mean overflows.
    assert_eq!(window.mean, Some(f64::MAX));
}

fn absurd_values() -> impl Strategy<Value = Vec<f64>> {
    let any = prop::num::f64::ANY;
    let near = (0_u32..40).prop_map(|step| f64::from(0.1_f32 + step as f32 * f32::EPSILON));
    let whole = (-3_i64..3).prop_map(|step| (9_007_199_254_740_992 + step) as f64);
    let huge = prop_oneof![Just(f64::MAX), Just(f64::MIN), Just(1e308), Just(-1e308)];
    let tiny = (0_u64..60).prop_map(f64::from_bits);
    prop_oneof![
        prop::collection::vec(any, 1..300),
        prop::collection::vec(near, 1..300),
        prop::collection::vec(whole, 1..300),
        prop::collection::vec(huge, 1..300),
        prop::collection::vec(tiny, 1..300),
        (any, 1_usize..300).prop_map(|(value, rows)| vec![value; rows]),
    ]
}

proptest! {
    /// Whatever they are: a profile survives its file, and the rows it was learned from fall into
    /// its cells as they did, in any order, without drift and without a figure that is no number.
    #[test]
    fn rows_that_were_learned_are_no_drift(values in absurd_values()) {
        let learned = |values: &[f64]| {
            let mut learner = Learner::new(LearnOptions::default());
            values.chunks(70).for_each(|part| learner.observe(&numbers(part.to_vec())));
            learner.finish(Provenance::default())
        };
        let profile = learned(&values);
        let mut backwards = values.clone();
        backwards.reverse();
        prop_assert_eq!(learned(&backwards).hash(), profile.hash());
        let read = Profile::from_json(&profile.to_json()).unwrap();
        prop_assert_eq!(&read, &profile);

        let mut engine = engine(config(read));
        values.chunks(37).for_each(|part| engine.apply(&numbers(part.to_vec()), NOW));
        let snapshot = engine.tick(NOW);
        let x = feature(model(&snapshot, "m", "1"), "x");
        prop_assert_eq!(x.missing, profile.features[0].missing);
        let window = &x.windows[0];
        if let Some(cells) = &profile.features[0].cells {
            prop_assert_eq!(&x.cells, &cells.rows);
            prop_assert_eq!((x.below, x.above), (0, 0));
            prop_assert_eq!(window.drift[0].psi, 0.0);
        }
        let figures = [window.mean, window.stddev, window.min, window.max];
        prop_assert!(figures.into_iter().flatten().all(f64::is_finite), "{:?}", figures);
        // Where differences overflow, values are far.
        if let (Some(ours), Some(mean), 0) = (profile.features[0].moments, window.mean, x.far) {
            let scale = ours.scale().max(ours.mean.abs());
            prop_assert!(((mean - ours.mean) / scale).abs() < 1e-9, "{} {:?}", mean, ours);
        }
    }
}
