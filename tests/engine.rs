//! The engine through its public face: (now, batch) in, snapshots out.

mod common;

use std::sync::Arc;

use common::{Random, SECOND, batch, categorical, config, feature, model, numeric, profile};
use driftgauge::batch::{Batch, Outcome, Role, Scalar, ValueType, Values};
use driftgauge::engine::{
    Clock, Config, Engine, Exemplar, References, Snapshot, State, WindowConfig,
};
use driftgauge::ingest::Limits;
use driftgauge::ingest::inference::{Call, Elements, Inference, Tensor};
use driftgauge::ingest::layout::Layouts;
use driftgauge::ingest::mapping::{Mapping, Mappings};
use driftgauge::ingest::seen::Headers;

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

/// Calls of one row each, with these latencies and trace ids.
fn traced(calls: &[(u32, Option<u8>)]) -> Batch {
    let mut batch = numbers(vec![1.0; calls.len()]);
    batch.calls.latency_micros = calls.iter().map(|call| call.0).collect();
    batch.calls.trace_ids = calls.iter().map(|call| call.1.map(|id| [id; 16])).collect();
    batch
}

#[test]
fn each_bucket_of_latencies_keeps_its_newest_traced_call() {
    let mut engine = uniform_engine();
    engine.apply(&numbers(vec![1.0]), NOW);
    let mut untraced = traced(&[(100, None)]);
    untraced.calls.trace_ids.clear();
    engine.apply(&untraced, NOW);
    let before = engine.tick(NOW);
    let duration = model(&before, "m", "1").duration.clone().unwrap();
    assert_eq!((duration.counts[0], duration.exemplars), (1, Vec::new()));

    engine.apply(
        &traced(&[(100, Some(1)), (25_000, Some(2)), (100, Some(3))]),
        NOW,
    );
    engine.apply(
        &traced(&[(100, None), (u32::MAX, Some(4))]),
        NOW + SECOND / 2,
    );
    let after = engine.tick(NOW + 9 * SECOND);
    let duration = model(&after, "m", "1").duration.clone().unwrap();
    let exemplar = |bucket: usize, id, value, at| {
        let trace_id = [id; 16];
        (
            bucket,
            Exemplar {
                trace_id,
                value,
                at,
            },
        )
    };
    let kept = duration.exemplars.iter().copied().enumerate();
    let kept: Vec<_> = kept.filter_map(|(b, e)| Some((b, e?))).collect();
    let expected = [
        exemplar(0, 3, 0.0001, 1_700_000_000.0),
        exemplar(5, 2, 0.025, 1_700_000_000.0),
        exemplar(14, 4, 4_294.967_295, 1_700_000_000.5),
    ];
    assert_eq!(kept, expected);
    assert_eq!(duration.exemplars.len(), duration.counts.len());
}

#[test]
fn exemplars_are_of_wall_time_even_where_rows_have_times_of_their_own() {
    let mut engine = engine(Config {
        clock: Clock::Event,
        ..config(profile(vec![numeric("x", 20, 500)]))
    });
    let mut old = traced(&[(100, Some(1))]);
    old.times = driftgauge::batch::Times::At(NOW - 86_400 * SECOND);
    engine.apply(&old, NOW);
    let snapshot = engine.tick(NOW);
    let duration = model(&snapshot, "m", "1").duration.clone().unwrap();
    assert_eq!(duration.exemplars[0].unwrap().at, 1_700_000_000.0);
}

#[test]
fn http_statuses_are_there_from_the_start_only_where_calls_may_end_with_one() {
    let codes = |snapshot: &Snapshot, version| {
        let errors = model(snapshot, "m", version).errors.clone();
        assert!(errors.iter().all(|(_, count)| *count == 0.0), "{errors:?}");
        errors.into_iter().map(|(code, _)| code).collect::<Vec<_>>()
    };
    let without = config(profile(vec![numeric("x", 20, 500)]));
    let with = Config {
        http_codes: true,
        ..without.clone()
    };
    let mut engine = engine(without.clone());
    let grpc = codes(&engine.tick(NOW), "default");
    assert_eq!(grpc.len(), 9);
    engine.reconfigure(Arc::new(with.clone()));
    let both = codes(&engine.tick(NOW), "default");
    let http = ["400", "404", "422", "429", "500", "502", "503", "504"];
    assert_eq!(both, [&grpc[..], &http].concat());
    // A counter that is there stays; a new version begins as the settings are now.
    engine.reconfigure(Arc::new(without));
    assert_eq!(codes(&engine.tick(NOW), "default"), both);
    engine.apply(&numbers(vec![1.0]), NOW);
    assert_eq!(codes(&engine.tick(NOW), "1"), grpc);
    assert_eq!(codes(&self::engine(with).tick(NOW), "default"), both);
}

#[test]
fn sampling_scales_traffic_and_nothing_else() {
    let of_weight = |weight: f64| {
        let mut engine = uniform_engine();
        let mut batch = numbers((0..500).map(|i| f64::from(i % 19) + 0.5).collect());
        batch.calls.latency_micros = vec![1_500; 500];
        batch.calls.outcomes = vec![Outcome::Ok; 500];
        batch.calls.outcomes[..50].fill(Outcome::Failed("INTERNAL"));
        batch.weight = weight;
        engine.apply(&batch, NOW);
        engine.tick(NOW + 10 * SECOND)
    };
    let (whole, sampled) = (of_weight(1.0), of_weight(4.0));
    let (whole, sampled) = (model(&whole, "m", "1"), model(&sampled, "m", "1"));
    let internal = |model: &driftgauge::engine::ModelSnapshot| {
        let mut errors = model.errors.iter();
        errors.find(|(code, _)| *code == "INTERNAL").unwrap().1
    };
    assert_eq!((whole.predictions, sampled.predictions), (450.0, 1_800.0));
    assert_eq!((whole.requests, sampled.requests), (500.0, 2_000.0));
    assert_eq!((internal(whole), internal(sampled)), (50.0, 200.0));
    let (whole_5m, sampled_5m) = (&whole.windows[0], &sampled.windows[0]);
    assert_eq!((whole_5m.throughput, sampled_5m.throughput), (50.0, 200.0));

    assert_eq!(sampled.duration, whole.duration);
    assert_eq!(sampled.request_rows, whole.request_rows);
    assert_eq!((sampled_5m.rows, whole_5m.rows), (500, 500));
    assert_eq!(sampled_5m.error_ratio, Some(0.1));
    assert_eq!(sampled_5m.latency, whole_5m.latency);
    let (whole, sampled) = (feature(whole, "x"), feature(sampled, "x"));
    assert_eq!((sampled.values, &sampled.cells), (500, &whole.cells));
    let drift = |of: &driftgauge::engine::FeatureSnapshot| {
        let drift = &of.windows[0].drift[0];
        (of.windows[0].mean, drift.psi, drift.threshold, drift.ratio)
    };
    assert_eq!(drift(sampled), drift(whole));
}

#[test]
fn throughput_divides_by_the_time_that_the_window_covers() {
    let mut engine = uniform_engine();
    engine.apply(&numbers(vec![1.0; 100]), NOW);
    let mut weighted = numbers(vec![1.0; 100]);
    weighted.weight = 10.0;
    engine.apply(&weighted, NOW + 10 * SECOND);
    let snapshot = engine.tick(NOW + 20 * SECOND);
    let m = model(&snapshot, "m", "1");
    assert_eq!(m.windows[0].covered_seconds, 20.0);
    assert_eq!(m.windows[0].throughput, 1_100.0 / 20.0);
    assert_eq!(
        (m.windows[0].rows, m.predictions, m.requests),
        (200, 1_100.0, 1_100.0)
    );
    let later = engine.tick(NOW + 290 * SECOND);
    let covered = model(&later, "m", "1").windows[0].covered_seconds;
    assert!((275.0..=300.0).contains(&covered), "{covered}");
}

#[test]
fn outputs_of_failed_calls_are_neither_values_nor_missing() {
    let mut score = numeric("s", 10, 1_000);
    score.role = Role::Score;
    let mut engine = engine(config(profile(vec![numeric("x", 20, 500), score])));
    let mut calls = batch(vec![
        ("x", Role::Feature, Values::Numbers(vec![1.0; 6])),
        ("s", Role::Score, Values::Numbers(vec![0.5; 6])),
    ]);
    calls.calls.rows = vec![1, 2, 3];
    calls.calls.outcomes = vec![Outcome::Ok, Outcome::Failed("INTERNAL"), Outcome::Ok];
    calls.calls.latency_micros = vec![1_000, 20_000, 1_000];
    engine.apply(&calls, NOW);
    let snapshot = engine.tick(NOW);
    let m = model(&snapshot, "m", "1");
    assert_eq!(feature(m, "x").values, 6);
    assert_eq!(
        (feature(m, "s").values, feature(m, "s").missing.total()),
        (4, 0)
    );
    assert_eq!((m.requests, m.predictions), (3.0, 4.0));
    assert!(m.errors.contains(&("INTERNAL", 1.0)) && m.errors.contains(&("NOT_FOUND", 0.0)));
    assert_eq!(m.windows[0].error_ratio, Some(1.0 / 3.0));
    assert_eq!(m.duration.as_ref().unwrap().counts.iter().sum::<u64>(), 3);
    let [p50, _, p99] = m.windows[0].latency.unwrap();
    assert!((p50 / 0.001 - 1.0).abs() < 0.04 && (p99 / 0.02 - 1.0).abs() < 0.04);
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

#[test]
fn a_tensor_of_as_many_columns_as_the_profile_has_features_is_judged_under_their_names() {
    let names = ["a", "b", "c"];
    let mut engine = engine(config(profile(
        names.map(|name| numeric(name, 20, 500)).to_vec(),
    )));
    let mapping = Mapping {
        profile_features: names.map(Arc::from).to_vec(),
        ..Mapping::default()
    };
    let mut mappings = Mappings {
        models: [("m".into(), Arc::new(mapping))].into(),
        sample_rate: 1.0,
        tensor_columns: 256,
        unnamed_model: "m".into(),
    };
    let mut layouts = Layouts::default();
    let mut random = Random(11);
    let mut send = |engine: &mut Engine, mappings: &Mappings| {
        let mut values = random.uniforms(3 * 400, 20.0);
        // The second column has moved.
        values.iter_mut().skip(1).step_by(3).for_each(|b| *b /= 4.0);
        let inference = Inference {
            model: "m".into(),
            version: "1".into(),
            id: String::new(),
            inputs: vec![Tensor {
                name: "input-0".into(),
                shape: vec![400, 3],
                elements: Elements::Fixed {
                    value_type: ValueType::Float64,
                    data: values
                        .iter()
                        .flat_map(|value| value.to_le_bytes())
                        .collect(),
                },
            }],
            outputs: Vec::new(),
            outcome: Outcome::Ok,
            inputs_are_columns: false,
        };
        let call = Call {
            inference,
            headers: Headers::default(),
            started_micros: NOW,
            latency_micros: None,
            draw: 0.0,
        };
        let laid = layouts.batch(call, mappings, &Limits::default());
        engine.apply(&laid.batch.unwrap(), NOW);
    };
    assert!(!model(&engine.tick(NOW), "m", "default").names_by_position);
    send(&mut engine, &mappings);
    let snapshot = engine.tick(NOW);
    let seen = model(&snapshot, "m", "1");
    assert!(seen.names_by_position);
    assert_eq!(seen.features.len(), 3);
    let drifted = names.map(|name| {
        let window = &feature(seen, name).windows[0];
        assert_eq!((window.state, window.values), (State::Ok, 400), "{name}");
        window.drift[0].ratio.unwrap() > 1.0
    });
    assert_eq!(drifted, [false, true, false]);

    // Once settings name the columns, nothing is by position any more.
    let named = Mapping {
        inputs: [(
            "input-0".into(),
            driftgauge::ingest::mapping::TensorMapping {
                names: names.map(Arc::from).to_vec(),
                role: None,
            },
        )]
        .into(),
        ..Mapping::clone(&mappings.models["m"])
    };
    mappings.models.insert("m".into(), Arc::new(named));
    engine.reconfigure(Arc::new(config(profile(
        names.map(|name| numeric(name, 20, 500)).to_vec(),
    ))));
    send(&mut engine, &mappings);
    let snapshot = engine.tick(NOW);
    let seen = model(&snapshot, "m", "1");
    assert!(!seen.names_by_position && seen.features.len() == 3);
}
