//! The engine through its public face: (now, batch) in, snapshots out.

mod calls;
#[path = "../common/mod.rs"]
mod common;
mod labels;

use std::sync::Arc;

use common::{Random, SECOND, batch, categorical, config, feature, model, numeric, profile};
use driftgauge::batch::{Batch, Role, Scalar, Values};
use driftgauge::engine::{Config, Engine, References, Snapshot, State, WindowConfig};

const NOW: i64 = 1_700_000_000 * SECOND;

fn engine(config: Config) -> Engine {
    Engine::new(Arc::new(config))
}

fn numbers(values: Vec<f64>) -> Batch {
    batch(vec![("x", Role::Feature, Values::Numbers(values))])
}

fn state(snapshot: &Snapshot, name: &str) -> State {
    feature(model(snapshot, "m", "1"), name).windows[0].state
}

fn uniform_engine() -> Engine {
    engine(config(profile(vec![numeric("x", 20, 500)])))
}

#[test]
fn a_named_model_is_there_before_its_first_row_and_makes_room_for_the_first_version() {
    let mut engine = uniform_engine();
    let before = engine.tick(NOW);
    let x = feature(model(&before, "m", "default"), "x");
    assert_eq!(
        (x.cells.len(), x.values, x.windows[0].state),
        (20, 0, State::NoData)
    );
    engine.apply(&numbers(vec![1.0]), NOW);
    let after = engine.tick(NOW);
    assert_eq!(after.models.len(), 1);
    assert_eq!(feature(model(&after, "m", "1"), "x").values, 1);
}

#[test]
fn below_n_min_the_ratio_is_absent_and_the_state_says_so() {
    let mut random = Random(7);
    let mut engine = uniform_engine();
    engine.apply(&numbers(random.uniforms(99, 20.0)), NOW);
    let x = engine.tick(NOW);
    let window = &feature(model(&x, "m", "1"), "x").windows[0];
    assert_eq!(window.state, State::TooFewRows);
    assert_eq!(window.drift[0].ratio, None);
    engine.apply(&numbers(random.uniforms(1, 20.0)), NOW);
    let x = engine.tick(NOW);
    let window = &feature(model(&x, "m", "1"), "x").windows[0];
    assert_eq!(window.state, State::Ok);
    assert!(window.drift[0].ratio.unwrap() < 1.0);
}

#[test]
fn a_constant_an_absent_and_an_unknown_field_are_told_apart() {
    let mut engine = engine(config(profile(vec![
        numeric("x", 20, 500),
        numeric("gone", 20, 500),
        categorical("c", &[("a", 600), ("b", 400)]),
        numeric("nulls", 20, 500),
    ])));
    let text = |value: &str| Values::Text(vec![value.into(); 200]);
    engine.apply(
        &batch(vec![
            ("x", Role::Feature, Values::Numbers(vec![3.5; 200])),
            ("c", Role::Feature, text("a")),
            ("extra", Role::Feature, Values::Numbers(vec![1.0; 200])),
            (
                "nulls",
                Role::Feature,
                Values::Mixed(vec![Scalar::Null; 200]),
            ),
        ]),
        NOW,
    );
    let snapshot = engine.tick(NOW);
    assert_eq!(state(&snapshot, "x"), State::Constant);
    assert_eq!(state(&snapshot, "c"), State::Constant);
    assert_eq!(state(&snapshot, "gone"), State::Absent);
    assert_eq!(state(&snapshot, "nulls"), State::Absent);
    assert_eq!(state(&snapshot, "extra"), State::Unknown);
    let m = model(&snapshot, "m", "1");
    assert!(feature(m, "x").windows[0].drift[0].ratio.unwrap() > 1.0);
    assert_eq!(feature(m, "gone").missing.absent, 200);
    assert_eq!(feature(m, "nulls").missing.null, 200);
    assert_eq!(feature(m, "nulls").windows[0].null_ratio, Some(1.0));
    assert_eq!(feature(m, "extra").values, 200);
    assert!(feature(m, "extra").windows[0].drift.is_empty());
}

#[test]
fn each_reason_for_a_missing_value_is_counted_apart() {
    let mut engine = uniform_engine();
    let values = vec![
        Scalar::Number(1.0),
        Scalar::Null,
        Scalar::Number(f64::NAN),
        Scalar::Number(f64::INFINITY),
        Scalar::Number(f64::NEG_INFINITY),
        Scalar::Text("3.5".into()),
        Scalar::Invalid,
        Scalar::Bool(true),
    ];
    engine.apply(
        &batch(vec![("x", Role::Feature, Values::Mixed(values))]),
        NOW,
    );
    engine.apply(
        &batch(vec![("y", Role::Feature, Values::Numbers(vec![1.0; 3]))]),
        NOW,
    );
    let snapshot = engine.tick(NOW);
    let x = feature(model(&snapshot, "m", "1"), "x");
    let m = x.missing;
    assert_eq!(x.values, 2);
    assert_eq!((m.null, m.nan, m.inf, m.invalid, m.absent), (1, 1, 2, 2, 3));
}

#[test]
fn a_new_category_is_counted_and_one_alone_raises_no_alarm() {
    let categories: Vec<_> = ["a", "b", "c", "d"].map(|name| (name, 1_250)).to_vec();
    for n in [100, 200] {
        let mut engine = engine(config(profile(vec![categorical("c", &categories)])));
        let mut texts: Vec<String> = (0..n - 1).map(|i| categories[i % 4].0.into()).collect();
        texts.push("unseen".into());
        engine.apply(&batch(vec![("c", Role::Feature, Values::Text(texts))]), NOW);
        let snapshot = engine.tick(NOW);
        let window = &feature(model(&snapshot, "m", "1"), "c").windows[0];
        assert_eq!(window.new_category_ratio, Some(1.0 / n as f64));
        let ratio = window.drift[0].ratio.unwrap();
        assert!(ratio < 1.0, "{n}: {ratio}");
    }
}

#[test]
fn one_huge_value_neither_alarms_nor_hides_a_shift_nor_spoils_a_mean() {
    for huge in [1e6, 1e200, -1e200] {
        for shift in [0.0, 6.0] {
            let mut random = Random(11);
            let mut engine = uniform_engine();
            let mut values = random.uniforms(5_000, 20.0);
            values.iter_mut().for_each(|value| *value += shift);
            values[2_345] = huge;
            engine.apply(&numbers(values), NOW);
            let snapshot = engine.tick(NOW);
            let x = feature(model(&snapshot, "m", "1"), "x");
            let ratio = x.windows[0].drift[0].ratio.unwrap();
            assert_eq!(ratio > 1.0, shift > 0.0, "{huge} {shift}: {ratio}");
            assert!(x.above + x.below > 0);
            // The slice with the huge value leaves; the mean must be that of the rest.
            engine.apply(&numbers(vec![4.0; 100]), NOW + 300 * SECOND);
            let later = engine.tick(NOW + 300 * SECOND);
            let window = &feature(model(&later, "m", "1"), "x").windows[0];
            assert!((window.mean.unwrap() - 4.0).abs() < 1e-12);
        }
    }
}

#[test]
fn a_model_that_stops_empties_its_windows_and_is_forgotten_unless_it_is_named() {
    let mut engine = uniform_engine();
    engine.apply(&numbers(vec![1.0; 200]), NOW);
    let mut other = numbers(vec![1.0; 200]);
    other.model = "visitor".into();
    engine.apply(&other, NOW);
    let later = engine.tick(NOW + 301 * SECOND);
    assert_eq!(state(&later, "x"), State::NoData);
    let m = model(&later, "m", "1");
    assert_eq!(m.last_row_at, Some(1_700_000_000.0));
    assert_eq!((m.windows[0].rows, m.windows[1].rows), (0, 200));
    assert_eq!(feature(m, "x").values, 200);
    let much_later = engine.tick(NOW + 3 * 86_400 * SECOND);
    assert!(much_later.models.iter().all(|m| &*m.model == "m"));
}

#[test]
fn however_rows_are_batched_the_figures_are_the_same() {
    let values = Random(3).uniforms(2_000, 24.0);
    let figures = |size: usize| {
        let mut engine = uniform_engine();
        for part in values.chunks(size) {
            engine.apply(&numbers(part.to_vec()), NOW);
        }
        let snapshot = engine.tick(NOW);
        let x = feature(model(&snapshot, "m", "1"), "x");
        let drift = &x.windows[2].drift[0];
        (
            x.cells.clone(),
            x.above,
            drift.psi.to_bits(),
            drift.ratio.unwrap().to_bits(),
        )
    };
    assert_eq!(figures(1), figures(2_000));
    assert_eq!(figures(7), figures(1_000));
    assert_eq!(figures(7), figures(1));
}

#[test]
fn a_new_profile_starts_new_windows_only_where_cells_changed() {
    let features = |cells| profile(vec![numeric("x", 20, 500), numeric("y", cells, 500)]);
    let mut engine = engine(config(features(10)));
    let rows = || {
        batch(vec![
            ("x", Role::Feature, Values::Numbers(vec![1.0; 200])),
            ("y", Role::Feature, Values::Numbers(vec![1.0; 200])),
        ])
    };
    engine.apply(&rows(), NOW);
    engine.tick(NOW);
    engine.reconfigure(Arc::new(config(features(12))));
    engine.apply(&rows(), NOW);
    let snapshot = engine.tick(NOW);
    let m = model(&snapshot, "m", "1");
    let (x, y) = (feature(m, "x"), feature(m, "y"));
    assert_eq!((x.windows[0].values, y.windows[0].values), (400, 200));
    assert_eq!((x.values, y.values), (400, 400), "counters go on");
    assert_eq!(
        y.cells.iter().sum::<u64>(),
        200,
        "cells begin under the new hash"
    );
}

#[test]
fn other_windows_keep_those_that_stay() {
    let before = config(profile(vec![numeric("x", 20, 500)]));
    let mut engine = engine(before.clone());
    engine.apply(&numbers(vec![1.0; 200]), NOW);
    engine.tick(NOW);
    let after = Config {
        windows: vec![
            WindowConfig::of_seconds("10m", 600),
            WindowConfig::of_seconds("1h", 3_600),
        ],
        ..before
    };
    engine.reconfigure(Arc::new(after));
    let snapshot = engine.tick(NOW);
    let m = model(&snapshot, "m", "1");
    assert_eq!((m.windows[0].rows, m.windows[1].rows), (0, 200));
    assert_eq!(feature(m, "x").windows[1].values, 200);
}

#[test]
fn more_fields_than_the_limit_are_counted_and_not_followed() {
    let mut engine = engine(Config {
        max_fields: 2,
        ..config(profile(vec![numeric("x", 20, 500)]))
    });
    let one = || Values::Numbers(vec![1.0]);
    engine.apply(
        &batch(vec![
            ("a", Role::Feature, one()),
            ("b", Role::Feature, one()),
            ("x", Role::Feature, one()),
        ]),
        NOW,
    );
    let snapshot = engine.tick(NOW);
    let m = model(&snapshot, "m", "1");
    assert_eq!((m.features.len(), m.fields_beyond_limit), (2, 1));
    assert_eq!(
        feature(m, "x").values,
        1,
        "fields of the profile come first"
    );
}

#[test]
fn all_models_together_follow_so_many_fields_and_those_of_profile_files() {
    let mut engine = engine(Config {
        max_total_fields: 3,
        ..config(profile(vec![numeric("x", 20, 500)]))
    });
    let mut followed = |name: &str, version: &str, fields: [&'static str; 2], now| {
        let fields = fields.map(|field| (field, Role::Feature, Values::Numbers(vec![1.0])));
        let sent = Batch {
            model: name.into(),
            version: version.into(),
            ..batch(fields.to_vec())
        };
        engine.apply(&sent, now);
        let snapshot = engine.tick(now);
        let seen = model(&snapshot, name, version);
        (seen.features.len(), seen.fields_beyond_limit)
    };
    assert_eq!(followed("m", "1", ["x", "a"], NOW), (2, 0));
    assert_eq!(followed("n", "1", ["a", "b"], NOW), (2, 0));
    assert_eq!(followed("n", "2", ["a", "b"], NOW), (0, 2));
    let later = NOW + 3 * 86_400 * SECOND;
    assert_eq!(followed("n", "3", ["a", "b"], later), (0, 2));
    let why = "what has been idle for two days gave its room back";
    assert_eq!(followed("n", "4", ["a", "b"], later), (2, 0), "{why}");
}

#[test]
fn a_version_that_goes_before_it_is_learned_makes_room_for_the_next() {
    let mut engine = engine(Config::default());
    let rows = |version: &str, rows: usize| Batch {
        version: version.into(),
        ..numbers((0..rows).map(|row| row as f64).collect())
    };
    engine.apply(&rows("tried once", 1), NOW);
    let later = NOW + 3 * 86_400 * SECOND;
    engine.apply(&rows("the real one", 1), later);
    engine.tick(later);
    engine.apply(&rows("the real one", 5_000), later);
    let snapshot = engine.tick(later);
    let m = model(&snapshot, "m", "the real one");
    assert_eq!((m.learning, m.references.len()), (None, 1));
}

#[test]
fn windows_follow_a_clock_that_is_set_back() {
    let (minute, day) = (60 * SECOND, 86_400 * SECOND);
    for (back, in_5m_and_1d) in [
        (1, (3, 3)),
        (minute, (3, 3)),
        (30 * minute, (2, 3)),
        (2 * day, (2, 2)),
    ] {
        let mut engine = uniform_engine();
        engine.apply(&numbers(vec![1.0]), NOW);
        engine.tick(NOW);
        engine.apply(&numbers(vec![2.0]), NOW - back);
        engine.tick(NOW - back);
        engine.apply(&numbers(vec![3.0]), NOW - back + minute);
        let snapshot = engine.tick(NOW - back + minute);
        let m = model(&snapshot, "m", "1");
        let values = &feature(m, "x").windows;
        assert_eq!((values[0].values, values[2].values), in_5m_and_1d, "{back}");
        assert_eq!(
            (m.windows[0].rows, m.windows[2].rows),
            in_5m_and_1d,
            "{back}"
        );
        let snapshot = engine.tick(NOW - back + 30 * minute);
        assert_eq!(model(&snapshot, "m", "1").windows[0].rows, 0, "{back}");
    }
}

#[test]
fn memory_per_feature_is_what_the_formula_says() {
    let bytes = |features: usize, references: &References| {
        let names: Vec<_> = (0..features).map(|at| format!("f{at}")).collect();
        let features = names.iter().map(|name| numeric(name, 24, 500)).collect();
        let settings = Config {
            references: references.clone(),
            ..config(profile(features))
        };
        engine(settings).bytes()
    };
    let (cells, sum) = (24, 8 * 24 + 120);
    let full = |features: usize| {
        let names: Vec<_> = (0..features).map(|at| format!("f{at}")).collect();
        let features = names.iter().map(|name| numeric(name, 24, 500)).collect();
        let mut settings = config(profile(features));
        settings.feature.detail = Some(driftgauge::engine::Detail::Full);
        engine(settings).bytes()
    };
    let plain = References::default();
    let more = (full(200) - full(100) - (bytes(200, &plain) - bytes(100, &plain))) / 100;
    let means = (13 * 3 + 1) * (16 * cells + 16);
    assert!(
        (means..means + 16 * 1_024).contains(&more),
        "{more} against {means}"
    );
    for (previous, seasonal) in [(false, false), (true, false), (false, true), (true, true)] {
        let references = References {
            previous,
            seasonal,
            ..References::default()
        };
        let per_feature = (bytes(200, &references) - bytes(100, &references)) / 100;
        // DESIGN.md, Memory: (13 × windows + 2) sums of 8 B + 120 bytes, 13 more a window for the one
        // before, 192 counts of 4 bytes a cell for the season, seven of 8 B + 32 bytes while the
        // burn-in lasts, and what holds them.
        let spans = 1 + usize::from(previous);
        let sums = (13 * 3 * spans + 2) * sum + usize::from(seasonal) * 192 * cells * 4;
        let sums = sums + 7 * (8 * cells + 32);
        assert!(
            (sums..sums + 1_280 + 512 * (spans - 1)).contains(&per_feature),
            "{per_feature} against {sums}"
        );
    }
}

#[test]
fn at_full_detail_different_values_are_estimated_in_the_longest_window() {
    let mut settings = config(profile(vec![numeric("x", 20, 500)]));
    settings.feature.detail = Some(driftgauge::engine::Detail::Full);
    let mut engine = engine(settings);
    let values = (0..600).map(|i| f64::from(i % 300) / 20.0).collect();
    engine.apply(&numbers(values), NOW);
    let snapshot = engine.tick(NOW);
    let x = feature(model(&snapshot, "m", "1"), "x");
    assert_eq!((x.windows[0].distinct, x.windows[1].distinct), (None, None));
    let estimate = x.windows[2].distinct.unwrap();
    assert!((estimate / 300.0 - 1.0).abs() < 0.1, "{estimate}");
    let later = engine.tick(NOW + 2 * 86_400 * SECOND);
    let x = feature(model(&later, "m", "1"), "x");
    assert_eq!(x.windows[2].distinct, Some(0.0));
}

#[test]
fn a_label_that_has_not_come_yet_is_no_missing_field() {
    let mut label = numeric("y", 10, 1_000);
    label.role = Role::Label;
    let mut engine = engine(config(profile(vec![numeric("x", 20, 500), label])));
    engine.apply(&numbers(vec![1.0; 200]), NOW);
    let snapshot = engine.tick(NOW);
    let m = model(&snapshot, "m", "1");
    assert_eq!(feature(m, "y").missing.total(), 0);
    assert_eq!(feature(m, "y").windows[0].state, State::NoData);
}

#[test]
fn what_was_learned_outlives_a_model_that_is_idle() {
    let mut engine = engine(Config::default());
    let mut random = Random(5);
    engine.apply(&numbers(random.uniforms(5_000, 20.0)), NOW);
    let learned = engine.tick(NOW).models[0].references[0].profile.clone();
    let week = NOW + 7 * 86_400 * SECOND;
    assert!(engine.tick(week).models.is_empty());
    engine.apply(&numbers(random.uniforms(500, 40.0)), week);
    let snapshot = engine.tick(week);
    let m = model(&snapshot, "m", "1");
    assert_eq!(m.references[0].profile, learned);
    assert!(feature(m, "x").windows[0].drift[0].ratio.unwrap() > 1.0);
}

#[test]
fn models_that_learn_at_once_share_their_memory() {
    let mut settings = Config::default();
    settings.learning.bytes = 256 << 10;
    settings.learning.rows = u64::MAX;
    let learned = |models: usize| {
        let mut engine = engine(settings.clone());
        let mut random = Random(9);
        // One row first, so that all learn at once, then half of what one may hold.
        for rows in [1, 16_000] {
            for at in 0..models {
                let mut batch = numbers(random.uniforms(rows, 20.0));
                batch.model = format!("m{at}").into();
                engine.apply(&batch, NOW);
            }
        }
        let snapshot = engine.tick(NOW);
        snapshot
            .models
            .iter()
            .filter(|m| m.learning.is_none())
            .count()
    };
    assert_eq!(learned(4), 0);
    assert!(learned(16) > 0);
}
