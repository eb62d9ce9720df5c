//! Calls: how many, how long they took, how they ended, and what their tensors are called.

use std::sync::Arc;

use crate::common::{Random, SECOND, batch, config, feature, model, numeric, profile};
use driftgauge::batch::{Batch, Outcome, Role, ValueType, Values};
use driftgauge::engine::{Clock, Config, Engine, Exemplar, Snapshot, State};
use driftgauge::ingest::Limits;
use driftgauge::ingest::inference::{Call, Elements, Inference, Tensor};
use driftgauge::ingest::layout::Layouts;
use driftgauge::ingest::mapping::{Mapping, Mappings};
use driftgauge::ingest::seen::Headers;

use crate::{NOW, engine, numbers, uniform_engine};

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
