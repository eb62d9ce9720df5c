//! The situations in which other monitors cry wolf or go blind, and what is said here: the tables
//! that `cargo nextest run --test peers --no-capture` prints.
//!
//! Rows go through learning, folding, windows and evaluation. The peers' figures were measured once,
//! on data made the same way, with evidently 0.7.23, whylogs 1.6.4, nannyml 0.13.1 and TrustyAI
//! 45603ec; they are printed beside ours and not measured again.

mod common;

use std::sync::Arc;

use common::{Random, SECOND, batch, config, feature, model};
use driftgauge::batch::{Batch, Role, Values};
use driftgauge::engine::{Detail, Engine, FeatureWindow, State};
use driftgauge::learn::{LearnOptions, Learner};
use driftgauge::profile::{Profile, Provenance};
use driftgauge::statistic::is_raised;

const SEED: u64 = 20_261_122;
const START: i64 = 1_700_000_000 * SECOND;
/// One value that is far away but not absurd: a wrong unit, a sentinel.
const OUTLIER: f64 = 1e6;

fn normals(random: &mut Random, count: usize, mean: f64) -> Vec<f64> {
    // Irwin and Hall: near enough to a normal, and without a logarithm of zero.
    let mut normal = || (0..12).map(|_| random.uniform()).sum::<f64>() - 6.0;
    (0..count).map(|_| normal() + mean).collect()
}

/// Equally common categories.
fn categories(random: &mut Random, count: usize, kinds: u32) -> Values {
    Values::Dictionary {
        dictionary: (0..kinds).map(|kind| format!("c{kind}")).collect(),
        codes: (0..count)
            .map(|_| (random.uniform() * f64::from(kinds)) as u32)
            .collect(),
    }
}

fn one(values: Values) -> Batch {
    batch(vec![("x", Role::Feature, values)])
}

fn numbers(values: Vec<f64>) -> Batch {
    one(Values::Numbers(values))
}

fn rows_of(column: Values, rows: usize) -> Batch {
    Batch {
        rows,
        bytes: rows * 8,
        ..one(column)
    }
}

fn learned(rows: &Batch) -> Profile {
    let mut learner = Learner::new(LearnOptions::default());
    learner.observe(rows);
    learner.finish(Provenance::default())
}

/// What a window of these rows looks like to a fresh engine.
fn seen(profile: &Profile, rows: &Batch) -> FeatureWindow {
    let mut config = config(profile.clone());
    config.feature.detail = Some(Detail::Full);
    let mut engine = Engine::new(Arc::new(config));
    engine.apply(rows, START);
    let snapshot = engine.tick(START);
    feature(model(&snapshot, "m", "1"), "x").windows[0].clone()
}

fn ratio(window: &FeatureWindow) -> Option<f64> {
    window.drift[0].ratio
}

fn distance(window: &FeatureWindow, name: &str) -> String {
    let found = window.drift[0].distances.iter().find(|(of, _)| *of == name);
    found.map_or_else(|| "-".into(), |(_, value)| format!("{value:.3}"))
}

#[test]
fn unchanged_windows_of_any_length_raise_nothing() {
    const M: usize = 10_000;
    let mut random = Random(SEED);
    println!("seed {SEED}; reference 10,000 rows, 200 windows of the same distribution each\n");
    let lengths = [50, 100, 200, 500, 1_000, 5_000];
    type Column = fn(&mut Random, usize) -> Batch;
    let columns: [(&str, Column); 3] = [
        ("normal", |random, rows| numbers(normals(random, rows, 0.0))),
        ("10 categories", |random, rows| {
            rows_of(categories(random, rows, 10), rows)
        }),
        ("200 categories", |random, rows| {
            rows_of(categories(random, rows, 200), rows)
        }),
    ];
    println!("| method (default threshold) | n=50 | 100 | 200 | 500 | 1,000 | 5,000 |");
    println!("|---|---|---|---|---|---|---|");
    println!(
        "| Evidently default: Wasserstein / σ 0.1 | 96.5 % | 70.5 % | 31.0 % | 2.0 % | 0 % | 0 % |"
    );
    println!("| Evidently PSI 0.1 | 99.0 % | 84.5 % | 21.0 % | 0 % | 0 % | 0 % |");
    println!("| Evidently Jensen–Shannon 0.1 | 100 % | 90.5 % | 31.0 % | 0 % | 0 % | 0 % |");
    println!("| Evidently Hellinger 0.1 | 99.5 % | 94.0 % | 40.5 % | 0.5 % | 0 % | 0 % |");
    println!("| Evidently KS p < 0.05 | 3.5 % | 3.0 % | 3.5 % | 5.0 % | 3.5 % | 2.5 % |");
    println!("| Evidently, 10 categories, JS 0.1 | 90.0 % | 55.5 % | 8.5 % | 0 % | 0 % | - |");
    println!("| Evidently, 200 categories, JS 0.1 | - | - | 100 % | 100 % | 100 % | 0 % |");
    for (name, column) in columns {
        let mut cells = Vec::new();
        for n in lengths {
            let (mut alarms, mut judged) = (0, 0);
            for _ in 0..20 {
                let profile = learned(&column(&mut random, M));
                for _ in 0..10 {
                    let window = seen(&profile, &column(&mut random, n));
                    match ratio(&window) {
                        Some(ratio) => {
                            judged += 1;
                            alarms += u32::from(ratio > 1.0);
                        }
                        None => assert_eq!(window.state, State::TooFewRows),
                    }
                }
            }
            assert_eq!(alarms, 0, "{name}, n = {n}");
            assert!(judged == 0 || judged == 200);
            assert_eq!(
                judged > 0,
                n >= 500
                    || (n >= 200 && name != "200 categories")
                    || (n == 100 && name == "10 categories")
            );
            cells.push(if judged == 0 { "too few rows" } else { "0 %" });
        }
        println!("| **driftgauge**, {name} | {} |", cells.join(" | "));
    }
}

#[test]
fn one_outlier_neither_hides_a_shift_nor_makes_one() {
    const ROWS: usize = 5_000;
    let mut random = Random(SEED + 1);
    println!(
        "seed {}; 5,000 rows on both sides, one value of 1e6\n",
        SEED + 1
    );
    let clean = normals(&mut random, ROWS, 0.0);
    let shifted = normals(&mut random, ROWS, 1.0);
    let unchanged = normals(&mut random, ROWS, 0.0);
    let spoiled = |values: &[f64]| {
        let mut values = values.to_vec();
        values[0] = OUTLIER;
        values
    };
    println!(
        "| detector | +1 σ | +1 σ and an outlier | no shift, an outlier | +1 σ, outlier in the reference |"
    );
    println!("|---|---|---|---|---|");
    println!("| Evidently PSI | 0.993 drift | 7e-5 **missed** | 7e-5 | - |");
    println!(
        "| Evidently Wasserstein (its default) | 1.005 drift | 201.4 drift | 200.4 **false alarm** | - |"
    );
    println!("| Evidently KS | drift | drift | no drift | - |");
    println!("| whylogs Hellinger | 0.349 possible drift | 0.020 **missed** | - | - |");
    println!("| whylogs KS | - | 0.379 drift | - | - |");
    println!("| NannyML JS | 0.396 alert | unchanged | - | 0.003 **missed** |");
    println!("| NannyML KS | 0.380 alert | unchanged | - | 2e-5 **missed** |");
    println!("| TrustyAI JS | 0.324 drift | 0.306 drift | - | - |");
    let reference = learned(&numbers(clean.clone()));
    let spoiled_reference = learned(&numbers(spoiled(&clean)));
    let situations = [
        (&reference, shifted.clone(), true),
        (&reference, spoiled(&shifted), true),
        (&reference, spoiled(&unchanged), false),
        (&spoiled_reference, shifted, true),
    ];
    let windows = situations.map(|(profile, values, drifted)| {
        let window = seen(profile, &numbers(values));
        let ratio = ratio(&window).expect("enough rows");
        assert_eq!(ratio > 1.0, drifted, "ratio {ratio}");
        window
    });
    let row = |name: &str, figure: &dyn Fn(&FeatureWindow) -> String| {
        println!(
            "| {name} | {} |",
            windows.each_ref().map(figure).join(" | ")
        );
    };
    row("**driftgauge** PSI / threshold", &|window| {
        let ratio = ratio(window).unwrap_or_default();
        let verdict = if ratio > 1.0 { "drift" } else { "no drift" };
        format!("{:.3}, ratio {ratio:.1} {verdict}", window.drift[0].psi)
    });
    for name in ["js", "ks", "hellinger", "wasserstein", "mean_shift"] {
        row(&format!("driftgauge {name} (shown)"), &|window| {
            distance(window, name)
        });
    }
    row("driftgauge out of range", &|window| {
        format!(
            "{:.2} %",
            100.0 * window.out_of_range_ratio.unwrap_or_default()
        )
    });
    let psi = windows.each_ref().map(|window| window.drift[0].psi);
    assert!(
        (psi[1] / psi[0] - 1.0).abs() < 0.01,
        "an outlier hides nothing: {psi:?}"
    );
    assert!(
        (psi[3] / psi[0] - 1.0).abs() < 0.01,
        "nor in the reference: {psi:?}"
    );
}

#[test]
fn what_is_no_drift_is_told_by_its_own_name() {
    const ROWS: usize = 5_000;
    let mut random = Random(SEED + 2);
    println!("seed {}; 5,000 rows on both sides\n", SEED + 2);
    println!("| situation | ratio | what shows it |\n|---|---|---|");
    let show = |name: &str, window: &FeatureWindow, what: String| {
        let ratio = ratio(window).map_or_else(|| "-".into(), |ratio| format!("{ratio:.2}"));
        println!("| {name} | {ratio} | {what} |");
    };

    let reference = learned(&rows_of(categories(&mut random, ROWS, 10), ROWS));
    let mut values = categories(&mut random, ROWS, 10);
    if let Values::Dictionary { dictionary, codes } = &mut values {
        dictionary.push("never seen".into());
        codes[0] = 10;
    }
    let window = seen(&reference, &rows_of(values, ROWS));
    let new = window.new_category_ratio.unwrap();
    show(
        "one new category",
        &window,
        format!("new_category_ratio {new:.4}"),
    );
    assert_eq!(new, 1.0 / ROWS as f64);
    assert!(ratio(&window).unwrap() < 1.0);

    let reference = learned(&numbers(normals(&mut random, ROWS, 0.0)));
    let mut half = normals(&mut random, ROWS, 0.0);
    half.iter_mut()
        .step_by(2)
        .for_each(|value| *value = f64::NAN);
    let window = seen(&reference, &numbers(half));
    let missing = window.missing.total();
    let raised = is_raised(missing, ROWS as u64, 0.0, 1.0, 4.75);
    let null_ratio = window.null_ratio.unwrap();
    show(
        "50 % missing",
        &window,
        format!("null_ratio {null_ratio:.2}, raised: {raised}"),
    );
    assert!(raised && null_ratio == 0.5 && ratio(&window).unwrap() < 1.0);

    let window = seen(&reference, &numbers(vec![0.1; ROWS]));
    show(
        "all values equal",
        &window,
        format!("state {}", window.state.as_str()),
    );
    assert!(window.state == State::Constant && ratio(&window).unwrap() > 1.0);

    let mut tenths = |count: usize| -> Vec<f64> {
        let tenth = |random: &mut Random| (random.uniform() * 10.0).floor() / 10.0;
        (0..count).map(|_| tenth(&mut random)).collect()
    };
    let reference = learned(&numbers(tenths(ROWS)));
    let live = tenths(ROWS);
    let as_f32: Vec<f64> = live.iter().map(|&value| f64::from(value as f32)).collect();
    assert!(live.iter().zip(&as_f32).any(|(a, b)| a != b));
    let (exact, window) = (
        seen(&reference, &numbers(live)),
        seen(&reference, &numbers(as_f32)),
    );
    let out = 100.0 * window.out_of_range_ratio.unwrap();
    show(
        "f32 against f64 tenths",
        &window,
        format!("the same cells; out of range {out:.1} %"),
    );
    assert_eq!(exact.cells, window.cells);
    assert!(ratio(&window).unwrap() < 1.0);
}
