//! Null data through the whole engine: rows are learned from, then folded, windowed, evaluated. The
//! large simulation on cell counts is in `null_calibration/`.

mod common;

use std::sync::Arc;

use common::{Random, SECOND, batch, feature, model};
use driftgauge::batch::{Batch, Role, Values};
use driftgauge::engine::{Config, Engine, FeatureConfig, OtherVersions, References, State};

const SEED: u64 = 20_130_301;
const START: i64 = 1_700_000_000 * SECOND;
/// One-sided 1 %.
const Z: f64 = 2.326_347_874_040_840_8;

/// Rows of an unchanging world: a normal and a lognormal number, a whole one, a rare truth, a
/// category with a tail.
fn rows(random: &mut Random, count: usize) -> Batch {
    let mut normal = || {
        // Irwin and Hall: near enough to a normal, and without a logarithm of zero.
        (0..12).map(|_| random.uniform()).sum::<f64>() - 6.0
    };
    let normals: Vec<f64> = (0..count).map(|_| normal()).collect();
    let lognormals = (0..count).map(|_| normal().exp()).collect();
    let wholes = (0..count).map(|_| (normal() * 2.0).round()).collect();
    let truths = (0..count)
        .map(|_| f64::from(random.uniform() < 0.2))
        .collect();
    let categories = (0..count).map(|_| {
        let rank = (random.uniform() * 8.0).exp2() as u64;
        format!("c{rank}")
    });
    batch(vec![
        ("normal", Role::Feature, Values::Numbers(normals.clone())),
        ("lognormal", Role::Feature, Values::Numbers(lognormals)),
        ("whole", Role::Feature, Values::Numbers(wholes)),
        ("truth", Role::Feature, Values::Numbers(truths)),
        (
            "category",
            Role::Feature,
            Values::Text(categories.collect()),
        ),
    ])
}

/// Ratios above 1 and all ratios, over `windows` windows of `n` rows each, every 20 with a newly
/// learned reference.
fn alarms(random: &mut Random, sensitivity: FeatureConfig, n: usize, windows: usize) -> (u32, u32) {
    let (mut raised, mut judged) = (0, 0);
    for _ in 0..windows / 20 {
        let mut engine = Engine::new(Arc::new(Config {
            feature: sensitivity,
            ..Config::default()
        }));
        engine.apply(&rows(random, 5_000), START);
        let mut now = START;
        for _ in 0..20 {
            now += 2 * 300 * SECOND;
            engine.apply(&rows(random, n), now);
            let snapshot = engine.tick(now);
            for name in ["normal", "lognormal", "whole", "truth", "category"] {
                let window = &feature(model(&snapshot, "m", "1"), name).windows[0];
                assert_eq!(window.values, n as u64, "one window, one draw");
                match window.drift[0].ratio {
                    Some(ratio) => {
                        judged += 1;
                        raised += u32::from(ratio > 1.0);
                    }
                    None => assert_eq!(window.state, State::TooFewRows),
                }
            }
        }
    }
    (raised, judged)
}

#[test]
fn unchanged_rows_raise_no_alarm_at_the_defaults() {
    let mut random = Random(SEED);
    println!("seed {SEED}");
    for n in [120, 300, 3_000] {
        let (raised, judged) = alarms(&mut random, FeatureConfig::default(), n, 100);
        assert!(judged >= 300, "{judged}");
        assert_eq!(raised, 0, "n = {n}, of {judged}");
    }
}

#[test]
fn at_one_percent_about_one_in_a_hundred_is_raised() {
    let mut random = Random(SEED + 1);
    println!("seed {}", SEED + 1);
    let strict = FeatureConfig {
        minimum_effect: Some(0.0),
        significance: Some(Z),
        ..FeatureConfig::default()
    };
    let (mut raised, mut judged) = (0, 0);
    for n in [500, 2_000] {
        let (more, of) = alarms(&mut random, strict, n, 400);
        raised += more;
        judged += of;
    }
    let rate = f64::from(raised) / f64::from(judged);
    assert!((0.001..0.016).contains(&rate), "{raised} of {judged}");
}

/// The same against the window before and against another version, each of as many rows: both sides
/// are drawn anew each time.
fn alarms_of_peers(
    random: &mut Random,
    sensitivity: FeatureConfig,
    n: usize,
    windows: usize,
) -> [(u32, u32); 2] {
    let mut found = [(0, 0); 2];
    let mut engine = Engine::new(Arc::new(Config {
        feature: sensitivity,
        references: References {
            profile: false,
            previous: true,
            versions: OtherVersions::All,
            ..References::default()
        },
        ..Config::default()
    }));
    engine.apply(&rows(random, 5_000), START);
    let mut now = START;
    for _ in 0..windows {
        // Every second window, so that each comparison is of rows that no other has seen.
        for last in [false, true] {
            now += 300 * SECOND;
            engine.apply(&rows(random, n), now);
            if last {
                let mut other = rows(random, n);
                other.version = "2".into();
                engine.apply(&other, now);
            }
        }
        let snapshot = engine.tick(now);
        for field in &model(&snapshot, "m", "1").features {
            let drifts = &field.windows[0].drift;
            for (found, label) in found.iter_mut().zip(["previous", "version:2"]) {
                let drift = drifts.iter().find(|drift| &*drift.reference == label);
                if let Some(ratio) = drift.unwrap().ratio {
                    found.1 += 1;
                    found.0 += u32::from(ratio > 1.0);
                }
            }
        }
    }
    found
}

#[test]
fn against_the_window_before_and_another_version_it_is_the_same() {
    let mut random = Random(SEED + 4);
    println!("seed {}", SEED + 4);
    for n in [200, 2_000] {
        for (raised, judged) in alarms_of_peers(&mut random, FeatureConfig::default(), n, 60) {
            assert!(judged >= 180, "{judged}");
            assert_eq!(raised, 0, "n = m = {n}, of {judged}");
        }
    }
    let strict = FeatureConfig {
        minimum_effect: Some(0.0),
        significance: Some(Z),
        ..FeatureConfig::default()
    };
    let rates = alarms_of_peers(&mut random, strict, 1_000, 400);
    for ((raised, judged), reference) in rates.into_iter().zip(["previous", "version"]) {
        let rate = f64::from(raised) / f64::from(judged);
        println!("{reference}: {raised} of {judged} = {rate:.4}");
        assert!(
            (0.001..0.016).contains(&rate),
            "{reference}: {raised} of {judged}"
        );
    }
}

#[test]
fn a_shift_of_half_a_standard_deviation_is_raised() {
    let mut random = Random(SEED + 2);
    let mut engine = Engine::new(Arc::new(Config::default()));
    engine.apply(&rows(&mut random, 5_000), START);
    let mut shifted = rows(&mut random, 3_000);
    if let Some(column) = &mut shifted.columns[0]
        && let Values::Numbers(values) = &mut column.values
    {
        values.iter_mut().for_each(|value| *value += 0.5);
    }
    engine.apply(&shifted, START);
    let snapshot = engine.tick(START);
    let m = model(&snapshot, "m", "1");
    let ratio = |name| feature(m, name).windows[0].drift[0].ratio.unwrap();
    assert!(ratio("normal") > 1.0, "{}", ratio("normal"));
    assert!(ratio("lognormal") < 1.0);
}

#[test]
fn while_it_learns_there_is_no_drift_and_the_state_says_so() {
    let mut random = Random(SEED + 3);
    let mut engine = Engine::new(Arc::new(Config::default()));
    engine.apply(&rows(&mut random, 4_999), START);
    let snapshot = engine.tick(START);
    let m = model(&snapshot, "m", "1");
    assert_eq!(m.learning.unwrap().rows, 4_999);
    assert_eq!(feature(m, "normal").windows[0].state, State::Learning);
    assert!(feature(m, "normal").windows[0].drift.is_empty());
    // The row that completes it, and 99 that are already traffic.
    engine.apply(&rows(&mut random, 100), START);
    let snapshot = engine.tick(START);
    let m = model(&snapshot, "m", "1");
    assert_eq!(m.learning, None);
    assert_eq!(feature(m, "normal").windows[0].values, 99);
    assert_eq!(feature(m, "normal").values, 5_099, "counters go on");
    assert_eq!(m.references[0].source, "learned");
    assert_eq!(m.references[0].document.rows, 5_000);
}
