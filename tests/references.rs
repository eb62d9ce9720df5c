//! Several references at once, through the public face of the engine.

mod common;

use std::sync::Arc;

use common::{
    Random, SECOND, batch, categorical, config, feature, model, numeric, profile, simulation,
};
use driftgauge::batch::{Batch, Role, Times, Values};
use driftgauge::engine::{
    Clock, Config, Detail, Drift, Engine, FeatureConfig, FeatureWindow, Learning, ModelConfig,
    OtherVersions, References, Snapshot, WindowConfig,
};
use driftgauge::statistic::normal_tail;
use proptest::prelude::*;

const NOW: i64 = 1_700_000_400 * SECOND;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;
const CELLS: usize = 4;

fn numbers(version: &str, values: Vec<f64>) -> Batch {
    Batch {
        version: version.into(),
        ..batch(vec![("x", Role::Feature, Values::Numbers(values))])
    }
}

fn all() -> References {
    References {
        profile: true,
        seasonal: true,
        previous: true,
        versions: OtherVersions::All,
    }
}

fn with(references: References) -> Config {
    Config {
        references,
        ..config(profile(vec![numeric("x", CELLS, 500)]))
    }
}

fn engine(config: Config) -> Engine {
    Engine::new(Arc::new(config))
}

/// The window at place `at` of field `x`.
fn window<'a>(snapshot: &'a Snapshot, version: &str, at: usize) -> &'a FeatureWindow {
    &feature(model(snapshot, "m", version), "x").windows[at]
}

fn drift<'a>(window: &'a FeatureWindow, reference: &str) -> Option<&'a Drift> {
    let mut drifts = window.drift.iter();
    drifts.find(|drift| &*drift.reference == reference)
}

/// Rows that the comparison was made with; none where there is no comparison.
fn compared_with(window: &FeatureWindow, reference: &str) -> Vec<u64> {
    let cells = drift(window, reference).and_then(|drift| drift.reference_cells.as_deref());
    cells.map_or_else(|| vec![0; CELLS], <[u64]>::to_vec)
}

/// Counts per cell of those rows whose time is `wanted`.
fn count(rows: &[(i64, usize)], wanted: impl Fn(i64) -> bool) -> Vec<u64> {
    let mut cells = vec![0; CELLS];
    for (_, cell) in rows.iter().filter(|(time, _)| wanted(*time)) {
        cells[*cell] += 1;
    }
    cells
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// In event time, whatever comes late, too old or too new: every reference is what counting
    /// the rows one by one gives.
    #[test]
    fn references_are_what_counting_the_rows_gives(
        steps in prop::collection::vec((-9 * DAY..60 * HOUR, 0usize..CELLS, 0i64..30), 20..300),
    ) {
        let windows = [300 * SECOND, 7 * 360 * SECOND, HOUR, DAY, 2 * DAY];
        let mut engine = engine(Config {
            clock: Clock::Event,
            windows: windows
                .map(|micros| WindowConfig { label: format!("{micros}").into(), micros })
                .to_vec(),
            ..with(all())
        });
        let apply = |engine: &mut Engine, at: i64, cell: usize| {
            let mut one = numbers("1", vec![cell as f64 + 0.5]);
            one.times = Times::Each(vec![at]);
            engine.apply(&one, 0);
        };
        apply(&mut engine, NOW, 0);
        let (mut now, mut rows) = (NOW, vec![(NOW, 0)]);
        let (mut too_old, mut too_new) = (0, 0);
        let hour = |time: i64| time.div_euclid(HOUR);
        let mut since = hour(NOW);
        for (step, cell, nearer) in steps {
            // Most rows are nearly in order, some far off.
            let at = now + if nearer > 4 { step / 300 } else { step };
            apply(&mut engine, at, cell);
            if at > now + 2 * DAY {
                too_new += 1;
            } else if at <= now - 8 * DAY {
                too_old += 1;
            } else {
                rows.push((at, cell));
                now = now.max(at);
                if hour(now) - hour(at) < 192 {
                    since = since.min(hour(at));
                }
            }
            if nearer == 0 {
                engine.tick(0);
            }
        }
        let snapshot = engine.tick(0);
        let m = model(&snapshot, "m", "1");
        prop_assert_eq!((m.too_old_rows, m.too_new_rows), (too_old, too_new));
        for (at, width) in windows.into_iter().enumerate() {
            let found = window(&snapshot, "1", at);
            let slice = |time: i64| time.div_euclid(width / 12);
            let age = |time: i64| slice(now) - slice(time);
            let expected = count(&rows, |time| (0..12).contains(&age(time)));
            prop_assert_eq!(&found.cells, &expected);
            let expected = count(&rows, |time| (12..24).contains(&age(time)));
            prop_assert_eq!(compared_with(found, "previous"), expected, "previous {}", at);

            let start = (slice(now) - 11) * (width / 12);
            let covered = hour(start)..=hour(now);
            let is_same_hour = |time: i64| {
                let is_before = hour(time) < *covered.start() && hour(now) - hour(time) < 192;
                is_before && (1..=7).any(|days| covered.contains(&(hour(time) + 24 * days)))
            };
            let expected = count(&rows, |time| {
                width <= DAY && since <= covered.start() - 24 && is_same_hour(time)
            });
            prop_assert_eq!(compared_with(found, "seasonal"), expected, "seasonal {}", at);
        }
    }
}

#[test]
fn references_come_in_order_and_only_those_that_are_asked_for() {
    let named =
        |names: &[&str]| OtherVersions::Named(names.iter().map(|&name| name.into()).collect());
    for (references, expected) in [
        (References::default(), vec!["profile"]),
        (
            all(),
            vec!["profile", "seasonal", "previous", "version:2", "version:3"],
        ),
        (
            References {
                profile: false,
                versions: named(&["3", "1", "unheard of"]),
                ..References::default()
            },
            vec!["version:3"],
        ),
    ] {
        let mut engine = engine(with(references));
        let mut random = Random(21);
        for now in [NOW - DAY, NOW - 300 * SECOND, NOW] {
            for version in ["1", "2", "3"] {
                engine.apply(&numbers(version, random.uniforms(200, 4.0)), now);
            }
        }
        let snapshot = engine.tick(NOW);
        let found = window(&snapshot, "1", 0);
        let labels: Vec<_> = found.drift.iter().map(|drift| &*drift.reference).collect();
        assert_eq!(labels, expected);
        assert!(found.drift.iter().all(|drift| drift.ratio.unwrap() < 1.0));
        for drift in &found.drift {
            let own = drift
                .reference_cells
                .as_ref()
                .map(|cells| cells.iter().sum::<u64>());
            let expected = (&*drift.reference != "profile").then_some(200);
            assert_eq!(own, expected, "{}", drift.reference);
        }
        let m = model(&snapshot, "m", "1");
        let mut of_model: Vec<_> = m.drift.iter().map(|drift| &*drift.reference).collect();
        of_model.sort_unstable();
        of_model.dedup();
        assert_eq!(of_model.len(), expected.len(), "{of_model:?}");
    }
}

#[test]
fn two_versions_see_the_same_difference() {
    let mut engine = engine(with(all()));
    let mut random = Random(22);
    engine.apply(&numbers("1", random.uniforms(3_000, 4.0)), NOW);
    engine.apply(&numbers("2", random.uniforms(1_000, 3.0)), NOW);
    let snapshot = engine.tick(NOW);
    let (one, two) = (window(&snapshot, "1", 1), window(&snapshot, "2", 1));
    let there = drift(one, "version:2").unwrap();
    let back = drift(two, "version:1").unwrap();
    assert!((there.psi - back.psi).abs() < 1e-12 && there.psi > 0.05);
    assert!((there.threshold - back.threshold).abs() < 1e-12);
    assert_eq!(there.reference_cells.as_deref(), Some(&*two.cells));
    assert_eq!(back.reference_cells.as_deref(), Some(&*one.cells));
    assert_eq!(
        drift(one, "version:1").map(|d| d.psi),
        None,
        "never with itself"
    );
    assert!(drift(one, "profile").unwrap().ratio.unwrap() < 1.0);
}

#[test]
fn versions_with_other_cells_are_not_compared_and_cost_no_series() {
    let own = |cells| {
        let mut settings = with(all());
        let said = settings.models.get_mut("m").unwrap();
        said.versions = [(
            "2".into(),
            Arc::new(profile(vec![numeric("x", cells, 500)])),
        )]
        .into();
        settings
    };
    let series = |cells| {
        let mut engine = engine(own(cells));
        engine.apply(&numbers("1", vec![1.0; 200]), NOW);
        engine.apply(&numbers("2", vec![1.0; 200]), NOW);
        let snapshot = engine.tick(NOW);
        let compared = drift(window(&snapshot, "1", 0), "version:2").is_some();
        (compared, engine.series_asked()[0].2)
    };
    let ((same, with_it), (other, without)) = (series(CELLS), series(CELLS + 1));
    assert_eq!((same, other), (true, false));
    assert_eq!(with_it - without, 15, "five figures in three windows");
}

#[test]
fn each_reference_is_counted_before_there_is_any_traffic() {
    let asked = |references| engine(with(references)).series_asked()[0].2;
    let one = asked(References::default());
    let three = asked(References {
        versions: OtherVersions::None,
        ..all()
    });
    // Of the field five figures, of the model five, in each of three windows.
    assert_eq!(three - one, 2 * (15 + 15));
}

#[test]
fn references_can_be_switched_on_and_off_without_losing_a_window() {
    let mut engine = engine(with(References::default()));
    let at = |slices: i64| NOW + slices * 25 * SECOND;
    let bytes = engine.bytes();
    engine.apply(&numbers("1", vec![0.5; 300]), at(0));
    let labels = |snapshot: &Snapshot| {
        let drifts = window(snapshot, "1", 0).drift.iter();
        drifts
            .map(|drift| drift.reference.to_string())
            .collect::<Vec<_>>()
    };
    engine.reconfigure(Arc::new(with(all())));
    let snapshot = engine.tick(at(1));
    assert_eq!(window(&snapshot, "1", 0).values, 300);
    assert_eq!(
        labels(&snapshot),
        ["profile"],
        "nothing to compare with yet"
    );
    let kept = engine.bytes();
    assert!(kept > bytes);

    // What was in the window when it was switched on is the window before twelve slices later.
    engine.apply(&numbers("1", vec![1.5; 200]), at(12));
    let snapshot = engine.tick(at(12));
    assert_eq!(labels(&snapshot), ["profile", "previous"]);
    assert_eq!(
        compared_with(window(&snapshot, "1", 0), "previous"),
        [300, 0, 0, 0]
    );

    engine.reconfigure(Arc::new(with(References::default())));
    let snapshot = engine.tick(at(13));
    assert_eq!(window(&snapshot, "1", 0).values, 200);
    assert_eq!(labels(&snapshot), ["profile"]);
    let fields = feature(model(&snapshot, "m", "1"), "x").values;
    assert_eq!(fields, 500);
    assert!(
        engine.bytes() < kept,
        "the past takes memory only while it is kept"
    );
}

#[test]
fn one_model_can_differ_from_the_others() {
    let mut settings = with(References::default());
    let said = ModelConfig {
        references: Some(References {
            previous: true,
            ..References::default()
        }),
        ..settings.models["m"].clone()
    };
    settings.models.insert("n".into(), said);
    let mut engine = engine(settings);
    for now in [NOW - 300 * SECOND, NOW] {
        for name in ["m", "n"] {
            let mut rows = numbers("1", vec![0.5, 1.5, 2.5, 3.5]);
            rows.model = name.into();
            engine.apply(&rows, now);
        }
    }
    let snapshot = engine.tick(NOW);
    let references = |name| {
        feature(model(&snapshot, name, "1"), "x").windows[0]
            .drift
            .len()
    };
    assert_eq!((references("m"), references("n")), (1, 2));
}

#[test]
fn a_new_profile_begins_its_references_anew_where_cells_changed() {
    let settings = |cells| Config {
        references: all(),
        ..config(profile(vec![
            numeric("x", cells, 500),
            categorical("c", &[("a", 500)]),
        ]))
    };
    let rows = || {
        batch(vec![
            ("x", Role::Feature, Values::Numbers(vec![1.5; 200])),
            ("c", Role::Feature, Values::Text(vec!["a".into(); 200])),
        ])
    };
    let mut engine = engine(settings(4));
    for now in [NOW - DAY, NOW - 300 * SECOND, NOW] {
        engine.apply(&rows(), now);
    }
    engine.tick(NOW);
    engine.reconfigure(Arc::new(settings(5)));
    engine.apply(&rows(), NOW);
    let snapshot = engine.tick(NOW);
    let labels = |name| {
        let drifts = feature(model(&snapshot, "m", "1"), name).windows[0]
            .drift
            .iter();
        drifts
            .map(|drift| drift.reference.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(labels("x"), ["profile"]);
    assert_eq!(labels("c"), ["profile", "seasonal", "previous"]);
}

#[test]
fn the_past_follows_a_clock_that_is_set_back() {
    for (back, seasonal) in [(60 * SECOND, 400), (2 * DAY, 200)] {
        let mut engine = engine(with(all()));
        let morning = NOW - 3 * DAY - HOUR;
        for now in [morning, morning + DAY, NOW] {
            engine.apply(&numbers("1", vec![0.5; 200]), now);
            engine.tick(now);
        }
        engine.apply(&numbers("1", vec![1.5; 200]), NOW - back);
        let snapshot = engine.tick(NOW - back);
        let found = window(&snapshot, "1", 1);
        let before: u64 = compared_with(found, "seasonal").iter().sum();
        assert_eq!(before, seasonal, "{back}: only what lies before the window");
    }
}

/// Wasserstein-1 distance of two samples, exactly: the area between their distribution functions.
fn exact_wasserstein(mut a: Vec<f64>, mut b: Vec<f64>) -> f64 {
    a.sort_by(f64::total_cmp);
    b.sort_by(f64::total_cmp);
    let mut points = [a.clone(), b.clone()].concat();
    points.sort_by(f64::total_cmp);
    let below = |sample: &[f64], x: f64| {
        sample.partition_point(|&value| value <= x) as f64 / sample.len() as f64
    };
    let steps = points.windows(2);
    steps
        .map(|step| (below(&a, step[0]) - below(&b, step[0])).abs() * (step[1] - step[0]))
        .sum()
}

fn stddev(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / n)
        .sqrt()
}

/// Rows through the whole engine at detail `full`: what is learned, a window against it, against the
/// one before and against another version. Of a distance below 0.1 σ the error is held to 0.005 σ:
/// there it is the chance in where the values of a cell lie that counts.
#[test]
fn wasserstein_is_within_five_percent_of_its_exact_value_against_every_reference() {
    /// A value of a standard normal one.
    type Of = fn(f64) -> f64;
    /// A value after the change, of what it was, its place in the sample and σ.
    type Changed = fn(f64, usize, f64) -> f64;
    const SEED: u64 = 31;
    const ROWS: usize = 20_000;
    println!("seed {SEED}");
    let mut random = Random(SEED);
    // Shapes by their standard deviations.
    let shapes: [(&str, f64, Of); 3] = [
        ("normal", 1.0, |z| z),
        ("lognormal", 1.304, |z| (0.8 * z).exp()),
        ("exponential", 1.0, |z| -normal_tail(z).ln()),
    ];
    let changes: [(&str, Changed); 5] = [
        ("+0.1 σ", |x, _, sigma| x + 0.1 * sigma),
        ("+0.3 σ", |x, _, sigma| x + 0.3 * sigma),
        ("+1 σ", |x, _, sigma| x + sigma),
        ("1.3 times as wide", |x, _, _| 1.3 * x),
        ("1 % at +8 σ", |x, row, sigma| match row % 100 {
            0 => x + 8.0 * sigma,
            _ => x,
        }),
    ];
    for (shape, sigma, of) in shapes {
        for (change, changed) in changes {
            let normals: Vec<f64> = (0..4 * ROWS)
                .map(|_| simulation::normal(&mut random))
                .collect();
            let plain = |rows: std::ops::Range<usize>| {
                normals[rows].iter().map(|&z| of(z)).collect::<Vec<_>>()
            };
            let [learned, before, other] = [
                plain(0..ROWS),
                plain(ROWS..2 * ROWS),
                plain(2 * ROWS..3 * ROWS),
            ];
            let rest = normals[3 * ROWS..].iter().enumerate();
            let now: Vec<f64> = rest.map(|(row, &z)| changed(of(z), row, sigma)).collect();
            let mut engine = engine(Config {
                references: all(),
                feature: FeatureConfig {
                    detail: Some(Detail::Full),
                    ..FeatureConfig::default()
                },
                learning: Learning {
                    rows: ROWS as u64,
                    ..Config::default().learning
                },
                ..Config::default()
            });
            engine.apply(&numbers("1", learned.clone()), NOW - DAY);
            engine.apply(&numbers("1", before.clone()), NOW - 300 * SECOND);
            engine.apply(&numbers("1", now.clone()), NOW);
            engine.apply(&numbers("2", other.clone()), NOW);
            let snapshot = engine.tick(NOW);
            let found = window(&snapshot, "1", 0);
            for (label, sample) in [
                ("profile", &learned),
                ("previous", &before),
                ("version:2", &other),
            ] {
                let exact = exact_wasserstein(now.clone(), sample.clone()) / stddev(sample);
                let drift = drift(found, label).unwrap();
                let distance = |name| {
                    let mut distances = drift.distances.iter();
                    distances
                        .find(|(known, _)| *known == name)
                        .map(|(_, value)| *value)
                };
                let binned = distance("wasserstein").unwrap();
                let error = binned / exact - 1.0;
                println!(
                    "{shape} {change} {label}: {binned:.4}, exactly {exact:.4}, {:.1} %",
                    100.0 * error
                );
                assert!(
                    (binned - exact).abs() < 0.05 * exact.max(0.1),
                    "{shape} {change} {label}: {binned} {exact}"
                );
                assert!(distance("mean_shift").unwrap().abs() <= binned + 1e-9);
            }
        }
    }
}

#[test]
fn one_huge_value_does_not_spoil_the_distance() {
    let mut settings = with(References::default());
    settings.feature.detail = Some(Detail::Full);
    let mut engine = engine(settings);
    let mut values = Random(32).uniforms(2_000, 4.0);
    values[77] = 1e300;
    engine.apply(&numbers("1", values), NOW);
    let snapshot = engine.tick(NOW);
    let drift = drift(window(&snapshot, "1", 0), "profile").unwrap();
    let wasserstein = drift
        .distances
        .iter()
        .find(|(name, _)| *name == "wasserstein");
    assert!(wasserstein.unwrap().1 < 0.1, "{wasserstein:?}");
}
