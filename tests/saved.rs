//! Windows kept over a restart: an engine that goes on from what was kept says the same as one that
//! never ended.

mod common;

use std::sync::Arc;

use common::{Random, SECOND, batch, config, model, numeric, profile};
use driftgauge::batch::{Batch, Column, Field, Role, Schema, ValueType, Values};
use driftgauge::engine::{
    Config, Detail, Engine, FeatureConfig, References, Saved, Snapshot, Unfit, WindowConfig,
};
use driftgauge::learn::{LearnOptions, Learner};
use driftgauge::profile::{Profile, Provenance};

const NOW: i64 = 1_700_000_400 * SECOND;

fn several() -> Config {
    let base = config(profile(vec![numeric("x", 8, 500), numeric("y", 5, 500)]));
    Config {
        windows: vec![
            WindowConfig::of_seconds("2m", 120),
            WindowConfig::of_seconds("1h", 3_600),
            WindowConfig::of_seconds("1d", 86_400),
        ],
        references: References {
            seasonal: true,
            previous: true,
            ..References::default()
        },
        feature: FeatureConfig {
            detail: Some(Detail::Full),
            ..FeatureConfig::default()
        },
        ..base
    }
}

fn rows(random: &mut Random) -> Batch {
    let x = random.uniforms(40, 1_200.0);
    let mut y = random.uniforms(40, 700.0);
    y[7] = f64::NAN;
    batch(vec![
        ("x", Role::Feature, Values::Numbers(x)),
        ("y", Role::Feature, Values::Numbers(y)),
        ("new", Role::Feature, Values::Numbers(vec![1.0; 40])),
    ])
}

/// What a snapshot says of windows, every bit of it: numbers are written so that they read back.
fn said(snapshot: &Snapshot) -> String {
    let models = snapshot.models.iter().map(|model| {
        let features = model.features.iter();
        let features: Vec<_> = features.map(|f| (&f.name, &f.windows)).collect();
        format!(
            "{:?} {:?} {:?} {:?} {:?} {features:?}",
            model.now, model.windows, model.outliers, model.drift, model.drifted_fields
        )
    });
    models.collect()
}

fn restart(engine: &Engine, config: Config, at: i64) -> (Engine, Vec<Unfit>) {
    let bytes = postcard::to_stdvec(&engine.save(at)).unwrap();
    let saved: Saved<'_> = postcard::from_bytes(&bytes).unwrap();
    let mut restarted = Engine::new(Arc::new(config));
    let left_out = restarted.restore(saved);
    (restarted, left_out.into_iter().map(|of| of.why).collect())
}

/// Correlated numbers, names of which many differ, and vectors: `shift` moves all of them.
fn of_all_kinds(random: &mut Random, count: usize, shift: f64) -> Batch {
    let normal = |random: &mut Random| (0..12).map(|_| random.uniform()).sum::<f64>() - 6.0;
    let (mut a, mut b, mut names, mut vectors) = (vec![], vec![], vec![], vec![]);
    for _ in 0..count {
        let common = normal(random) + shift;
        a.push(common);
        b.push(0.6 * common + 0.8 * normal(random));
        names.push(format!("n{}", (random.uniform() * 3e3) as u64));
        let vector = (0..6).map(|at| (normal(random) + shift * f64::from(at)) as f32);
        vectors.extend(vector.flat_map(f32::to_le_bytes));
    }
    let mut batch = batch(vec![
        ("a", Role::Feature, Values::Numbers(a)),
        ("b", Role::Feature, Values::Numbers(b)),
        ("name", Role::Feature, Values::Text(names)),
    ]);
    let mut fields = batch.schema.fields.clone();
    fields.push(Field {
        name: "vector".into(),
        role: Role::Feature,
        value_type: ValueType::Float32,
        width: 6,
    });
    batch.schema = Arc::new(Schema::new(fields));
    batch.columns.push(Some(Column::full(Values::Fixed {
        data: vectors.into(),
        value_type: ValueType::Float32,
        offset: 0,
        stride: 24,
        width: 6,
    })));
    batch
}

fn learned() -> Profile {
    let batch = of_all_kinds(&mut Random(3), 8_000, 0.0);
    let mut learner = Learner::new(LearnOptions::default());
    learner.observe(&batch);
    let mut recount = learner.into_recount();
    recount.observe(&batch);
    recount.finish(Provenance::default())
}

/// Goes on with and without a restart, in steps of so many seconds, and says the same.
fn goes_on_alike(of: &Config, step: i64, mut rows: impl FnMut() -> Batch) -> Snapshot {
    let mut engine = Engine::new(Arc::new(of.clone()));
    let mut now = NOW;
    let tick = |engine: &mut Engine, now: i64, batch: &Batch| {
        engine.apply(batch, now);
        engine.tick(now)
    };
    for _ in 0..60 {
        now += step * SECOND;
        tick(&mut engine, now, &rows());
    }
    let (mut restarted, left_out) = restart(&engine, of.clone(), now);
    assert_eq!(left_out, []);
    for _ in 0..60 {
        now += step * SECOND;
        let batch = rows();
        let straight = said(&tick(&mut engine, now, &batch));
        assert_eq!(said(&tick(&mut restarted, now, &batch)), straight);
    }
    restarted.tick(now)
}

#[test]
fn an_engine_that_goes_on_says_the_same_bit_for_bit() {
    for step in [7, 300, 3_700] {
        let mut random = Random(11);
        let snapshot = goes_on_alike(&several(), step, || rows(&mut random));
        assert!(!model(&snapshot, "m", "1").features.is_empty());
    }
}

#[test]
fn so_do_outliers_dependence_vectors_and_distinct_values() {
    let of = Config {
        models: config(learned()).models,
        ..several()
    };
    let mut random = Random(12);
    let snapshot = goes_on_alike(&of, 300, || of_all_kinds(&mut random, 100, 0.3));
    let found = model(&snapshot, "m", "1");
    assert!(found.outliers.iter().any(|of| of.outliers > 0));
    assert!(!found.drift.is_empty());
    let windows = found.features.iter().flat_map(|field| &field.windows);
    assert!(windows.filter(|of| of.distinct.is_some()).count() >= 3);
    assert!(found.features.iter().any(|field| &*field.name == "vector"));
}

#[test]
fn dependence_that_was_learned_since_the_start_begins_anew_and_is_told() {
    let mut of = several();
    of.learning.rows = 200;
    let mut engine = Engine::new(Arc::new(of.clone()));
    let mut random = Random(4);
    let mut restarted_after = |count: usize| {
        for _ in 0..count {
            engine.apply(&rows(&mut random), NOW);
        }
        engine.tick(NOW);
        restart(&engine, of.clone(), NOW).1
    };
    assert_eq!(restarted_after(4), [], "it is being learned");
    assert_eq!(restarted_after(10), [Unfit::Settings]);
}

fn rows_in_windows(engine: &mut Engine, now: i64) -> Vec<u64> {
    let snapshot = engine.tick(now);
    let windows = &model(&snapshot, "m", "1").features[0].windows;
    windows.iter().map(|window| window.values).collect()
}

fn fed() -> Engine {
    let mut engine = Engine::new(Arc::new(several()));
    engine.apply(&rows(&mut Random(5)), NOW);
    engine.tick(NOW);
    engine
}

#[test]
fn only_windows_of_the_same_length_go_on() {
    let changed = Config {
        windows: vec![
            WindowConfig::of_seconds("5m", 300),
            WindowConfig::of_seconds("1h", 3_600),
        ],
        ..several()
    };
    let (mut engine, left_out) = restart(&fed(), changed, NOW);
    assert_eq!(left_out, [Unfit::Settings]);
    assert_eq!(rows_in_windows(&mut engine, NOW), [0, 40]);
}

#[test]
fn windows_of_another_profile_begin_anew() {
    let other = config(profile(vec![numeric("x", 8, 700), numeric("y", 5, 500)]));
    let other = Config {
        models: other.models,
        ..several()
    };
    let (mut engine, left_out) = restart(&fed(), other, NOW);
    assert_eq!(left_out, [Unfit::Profile]);
    assert_eq!(rows_in_windows(&mut engine, NOW), [0, 0, 0]);
}

#[test]
fn windows_move_on_by_the_time_that_the_program_was_down() {
    let (mut engine, left_out) = restart(&fed(), several(), NOW);
    assert_eq!(left_out, []);
    assert_eq!(
        rows_in_windows(&mut engine, NOW + 600 * SECOND),
        [0, 40, 40]
    );
}

#[test]
fn counters_begin_at_0() {
    let (mut engine, _) = restart(&fed(), several(), NOW);
    let snapshot = engine.tick(NOW);
    let model = model(&snapshot, "m", "1");
    assert_eq!((model.predictions, model.windows[0].rows), (0.0, 40));
}

#[test]
fn what_a_hundred_fields_take_is_known() {
    let fields = (0..100).map(|at| numeric(&format!("f{at}"), 24, 500));
    let mut engine = Engine::new(Arc::new(Config {
        windows: several().windows,
        ..config(profile(fields.collect()))
    }));
    let mut random = Random(3);
    let mut now = NOW;
    // All twelve slices of the longest window have rows.
    for _ in 0..13 {
        now += 7_200 * SECOND;
        let values: Vec<_> = (0..100).map(|_| random.uniforms(200, 24.0)).collect();
        let names: Vec<_> = (0..100).map(|at| format!("f{at}")).collect();
        let columns = names.iter().zip(values);
        let columns = columns.map(|(name, v)| (&**name, Role::Feature, Values::Numbers(v)));
        engine.apply(&batch(columns.collect()), now);
        engine.tick(now);
    }
    let begun = std::time::Instant::now();
    let bytes = postcard::to_stdvec(&engine.save(now)).unwrap().len();
    println!("{bytes} bytes in {:?}", begun.elapsed());
    assert!(bytes < 1_500_000, "{bytes} bytes");
}
