//! How many rows it takes to see a change: the tables of DESIGN.md, printed by
//! `cargo nextest run --test power --no-capture`.
//!
//! Reference and window are drawn anew for each test, as counts per cell; the seeds are fixed.

mod multinomial;

use driftgauge::statistic::{
    Sensitivity, is_raised, minimum_rows, normal_tail, normal_tail_quantile, psi, ratio,
};
use multinomial::{draw, masses_of, numeric_with_tails, shifted_normal};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand_distr::{Binomial, Distribution};

fn dice(seed: u64) -> StdRng {
    println!("seed {seed}");
    StdRng::seed_from_u64(seed)
}

/// Share of `draws` windows of `n` rows that follow `live` and raise an alarm.
fn alarm_rate(
    dice: &mut StdRng,
    draws: u32,
    (cells, m): (&[f64], u64),
    (live, n): (&[f64], u64),
    sensitivity: &Sensitivity,
) -> f64 {
    let mut alarms = 0;
    for _ in 0..draws {
        let (reference, window) = (draw(dice, m, cells), draw(dice, n, live));
        let drift = psi(&reference, &window).unwrap();
        let ratio = ratio(drift, cells.len(), n, m, sensitivity);
        alarms += u32::from(ratio.is_some_and(|ratio| ratio > 1.0));
    }
    f64::from(alarms) / f64::from(draws)
}

/// PSI of the distributions themselves.
fn true_psi(cells: &[f64], live: &[f64]) -> f64 {
    let terms = cells.iter().zip(live).map(|(q, p)| (p - q) * (p / q).ln());
    terms.sum()
}

/// The shift of the mean in σ whose PSI over these cells is `effect`.
fn shift_of(cells: &[f64], effect: f64) -> f64 {
    let (mut low, mut high) = (0.0, 5.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if true_psi(cells, &shifted_normal(cells, middle)) < effect {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// B = 20, m = 50,000, α = 0.1 %: what statistics.md simulated with numpy, here by the program.
#[test]
fn the_threshold_lets_the_smallest_effect_pass_and_sees_four_times_as_much() {
    let mut dice = dice(41);
    let cells = vec![0.05; 20];
    let at = |minimum_effect| Sensitivity {
        minimum_effect,
        significance: normal_tail_quantile(0.001),
        design_effect: 1.0,
    };
    println!("| n | PSI = 0 | PSI = δ | PSI = 4δ |\n|---|---|---|---|");
    for (n, expected) in [(300, 0.10), (1_000, 0.80), (3_000, 1.0), (100_000, 1.0)] {
        let mut rate = |effect: f64, draws| {
            let live = shifted_normal(&cells, shift_of(&cells, effect));
            alarm_rate(&mut dice, draws, (&cells, 50_000), (&live, n), &at(0.02))
        };
        let (none, edge, far) = (rate(0.0, 10_000), rate(0.02, 10_000), rate(0.08, 4_000));
        println!("| {n} | {none:.4} | {edge:.4} | {far:.2} |");
        assert!(none <= 5e-4, "PSI 0 at n = {n}: {none}");
        assert!(edge <= 2.5e-3, "PSI δ at n = {n}: {edge}");
        assert!((far - expected).abs() <= 0.05, "PSI 4δ at n = {n}: {far}");
    }
    for effect in [0.01, 0.05, 0.1] {
        let live = shifted_normal(&cells, shift_of(&cells, effect));
        for n in [100, 1_000, 10_000, 100_000] {
            let rate = alarm_rate(&mut dice, 5_000, (&cells, 50_000), (&live, n), &at(effect));
            println!("PSI = δ = {effect}, n = {n}: {rate:.4}");
            assert!(rate <= 2.5e-3, "δ {effect}, n {n}: {rate}");
        }
    }
}

/// Rows for 90 % power, to some 5 %; `None` above a million.
fn rows_needed(least: u64, mut power: impl FnMut(u64) -> f64) -> Option<u64> {
    let (mut low, mut high) = (least as f64, 1_048_576.0);
    if power(high as u64) < 0.9 {
        return None;
    }
    while high / low > 1.04 {
        let middle = (low * high).sqrt();
        if power(middle as u64) < 0.9 {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(high as u64)
}

fn shown(rows: Option<u64>) -> String {
    rows.map_or_else(|| "-".into(), |rows| rows.to_string())
}

/// m = 1,000,000, α = 1e-6. With the tails cut off into cells of their own, one per cent of far values
/// needs a tenth of the rows. At the defaults, where its PSI of 0.021 is hardly more than what is
/// harmless, it is the rate of values out of range that shows it.
#[test]
fn tail_cells_make_far_values_cheap_to_see_and_cost_little_elsewhere() {
    let mut dice = dice(42);
    let kinds: [(&str, Vec<f64>); 5] = [
        ("5", vec![0.2; 5]),
        ("10", vec![0.1; 10]),
        ("20", vec![0.05; 20]),
        ("50", vec![0.02; 50]),
        ("24 with tails", numeric_with_tails()),
    ];
    type Tail = fn(f64) -> f64;
    let changes: [(&str, Tail); 5] = [
        ("mean +0.1 σ", |x| normal_tail(x - 0.1)),
        ("mean +0.3 σ", |x| normal_tail(x - 0.3)),
        ("scale × 1.2", |x| normal_tail(x / 1.2)),
        ("1 % at +6 σ", |x| {
            0.99 * normal_tail(x) + if x < 6.0 { 0.01 } else { 0.0 }
        }),
        ("2 % at 1 ± 0.05 σ", |x| {
            0.98 * normal_tail(x) + 0.02 * normal_tail((x - 1.0) / 0.05)
        }),
    ];
    let names: Vec<&str> = kinds.iter().map(|(name, _)| *name).collect();
    let mut needed = [[[None; 5]; 5]; 2];
    for (effect, needed) in [0.0, 0.02].into_iter().zip(&mut needed) {
        println!(
            "\n| δ = {effect} | {} |\n|---|---|---|---|---|---|",
            names.join(" | ")
        );
        let sensitivity = Sensitivity {
            minimum_effect: effect,
            ..Sensitivity::default()
        };
        for ((change, tail), needed) in changes.iter().zip(needed) {
            for ((_, cells), needed) in kinds.iter().zip(needed.iter_mut()) {
                let live = masses_of(cells, tail);
                *needed = rows_needed(minimum_rows(cells.len(), 1.0), |n| {
                    alarm_rate(&mut dice, 300, (cells, 1_000_000), (&live, n), &sensitivity)
                });
            }
            println!("| {change} | {} |", needed.map(shown).join(" | "));
        }
    }
    let out_of_range = rows_needed(100, |n| {
        let far = Binomial::new(n, 0.01).unwrap();
        let raised = (0..300).filter(|_| is_raised(far.sample(&mut dice), n, 1e-5, 1.0, 4.75));
        raised.count() as f64 / 300.0
    });
    println!("1 % at +6 σ, seen as out of range: {}", shown(out_of_range));
    let [strict, defaults] = needed;
    let rows = |of: Option<u64>| of.expect("seen within a million rows") as f64;
    // What a non-central χ² with the same cells would need; PSI damps the tails by its half rows.
    for (ours, ideal) in [(0, 6_718.0), (1, 725.0), (2, 1_034.0)] {
        let ours = rows(strict[ours][2]);
        assert!((0.9..1.35).contains(&(ours / ideal)), "{ours} of {ideal}");
    }
    assert!(
        rows(strict[0][4]) < 1.2 * rows(strict[0][2]),
        "tail cells cost little"
    );
    assert!(
        rows(strict[3][4]) < 0.1 * rows(strict[3][2]),
        "tail cells see far values"
    );
    assert!(
        defaults[0].iter().all(Option::is_none),
        "0.1 σ is harmless at the defaults"
    );
    assert!(defaults[1].iter().all(Option::is_some));
    assert!(rows(out_of_range) < 20_000.0);
}
