//! The promise "every alarm can be believed", measured: how often drift is raised on unchanged data,
//! at the defaults and at α = 1 %, and that real changes are not missed.
//!
//! Reference *and* window are drawn anew each time from the true distribution, as counts per cell
//! (multinomial): a single lucky reference would hide the noise that it brings itself. The seed is
//! printed; `NULL_CALIBRATION_SEED` tries another one. `--no-capture` shows the rates.

use driftgauge::profile::{HASH_CELLS, hash_cell};
use driftgauge::statistic::{
    Sensitivity, minimum_rows, normal_tail, normal_tail_quantile, psi, ratio,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand_distr::{Binomial, Distribution};

/// z of a false-alarm rate of 1 %.
const Z_ONE_PERCENT: f64 = 2.3263478740408408;
const ALPHA: f64 = 0.01;

/// α = 1 % of a change of nothing at all: noise only.
const STRICT: Sensitivity = Sensitivity {
    minimum_effect: 0.0,
    significance: Z_ONE_PERCENT,
    design_effect: 1.0,
};

fn dice(stream: u64) -> StdRng {
    let seed = std::env::var("NULL_CALIBRATION_SEED").map_or(20_251, |text| text.parse().unwrap());
    println!("NULL_CALIBRATION_SEED={seed}, stream {stream}");
    StdRng::seed_from_u64(seed * 1_000 + stream)
}

/// How `rows` rows fall into cells of these probabilities: binomial by binomial.
fn draw(dice: &mut StdRng, rows: u64, probabilities: &[f64]) -> Vec<u64> {
    let mut rows_left = rows;
    let mut mass_left: f64 = probabilities.iter().sum();
    let mut counts = Vec::with_capacity(probabilities.len());
    for &probability in probabilities {
        let count = if probability > 0.0 {
            let share = (probability / mass_left).clamp(0.0, 1.0);
            Binomial::new(rows_left, share).unwrap().sample(dice)
        } else {
            0
        };
        rows_left -= count;
        mass_left -= probability;
        counts.push(count);
    }
    // What rounding leaves of the mass is not a cell.
    let last = probabilities.iter().rposition(|&p| p > 0.0).unwrap();
    counts[last] += rows_left;
    counts
}

fn normalised(weights: Vec<f64>) -> Vec<f64> {
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

fn zipf(values: usize, exponent: f64) -> Vec<f64> {
    normalised(
        (1..=values)
            .map(|rank| (rank as f64).powf(-exponent))
            .collect(),
    )
}

/// Twenty cells of equal mass, the outer ones cut again at 0.1 and 0.5 %.
fn numeric_with_tails() -> Vec<f64> {
    let mut cells = vec![0.05; 24];
    for (cell, mass) in [0.001, 0.004, 0.045].into_iter().enumerate() {
        cells[cell] = mass;
        cells[23 - cell] = mass;
    }
    cells
}

/// Ten categories, the rarest 3.4 %, and the cell for new ones, which stays empty.
fn ten_categories() -> Vec<f64> {
    let mut cells = zipf(10, 1.0);
    cells.push(0.0);
    cells
}

/// What the hash cells hold when these values have these probabilities.
fn hashed(values: &[f64]) -> Vec<f64> {
    let mut cells = vec![0.0; HASH_CELLS];
    for (value, probability) in values.iter().enumerate() {
        cells[hash_cell(&format!("value {value}"))] += probability;
    }
    cells
}

/// What cells cut for a standard normal hold once its mean moves up by `shift` σ.
fn shifted_normal(cells: &[f64], shift: f64) -> Vec<f64> {
    let mut above = 1.0;
    let mut shifted_above = 1.0;
    let mut shifted = Vec::new();
    for &mass in cells {
        above -= mass;
        let edge = normal_tail_quantile(above.max(0.0));
        let next = if above < 1e-9 {
            0.0
        } else {
            normal_tail(edge - shift)
        };
        shifted.push(shifted_above - next);
        shifted_above = next;
    }
    shifted
}

/// A field as its profile sees it: counts of a reference, and what each of its cells truly holds.
struct Reference {
    rows: Vec<u64>,
    truth: Vec<f64>,
}

impl Reference {
    /// Cells that do not depend on which rows were drawn.
    fn of_fixed_cells(dice: &mut StdRng, rows: u64, probabilities: &[f64]) -> Self {
        Self {
            rows: draw(dice, rows, probabilities),
            truth: probabilities.to_vec(),
        }
    }

    /// Categories: at most the 50 heaviest that cover 99 % or have 0.1 %, `other`, `new`; one that
    /// occurs once and is not kept counts as new.
    fn of_categories(dice: &mut StdRng, rows: u64, probabilities: &[f64]) -> Self {
        let mut seen: Vec<(u64, f64)> = draw(dice, rows, probabilities)
            .into_iter()
            .zip(probabilities.iter().copied())
            .collect();
        seen.sort_by_key(|&(count, _)| std::cmp::Reverse(count));
        let (mut counts, mut truth) = (Vec::new(), Vec::new());
        let (mut other, mut new) = ((0, 0.0), (0, 0.0));
        let distinct = seen.iter().filter(|(count, _)| *count > 0).count();
        let least = if distinct > 20 { 20 } else { 1 };
        let mut covered = 0;
        for (count, probability) in seen {
            let heavy = covered * 100 < rows * 99 || count * 1_000 >= rows;
            if count >= least && heavy && counts.len() < 50 {
                counts.push(count);
                truth.push(probability);
                covered += count;
            } else {
                // Where the row is counted, and where the next row of this category would be.
                if count == 1 {
                    new.0 += 1;
                } else {
                    other.0 += count;
                }
                if count == 0 {
                    new.1 += probability;
                } else {
                    other.1 += probability;
                }
            }
        }
        if other.0 > 0 {
            counts.push(other.0);
            truth.push(other.1);
        } else {
            new.1 += other.1;
        }
        counts.push(new.0);
        truth.push(new.1);
        Self {
            rows: counts,
            truth,
        }
    }

    fn rows(&self) -> u64 {
        self.rows.iter().sum()
    }

    fn is_alarmed_by(&self, window: &[u64], sensitivity: &Sensitivity) -> bool {
        let n = window.iter().sum();
        let drift = psi(&self.rows, window).expect("rows on both sides");
        let ratio = ratio(drift, window.len(), n, self.rows(), sensitivity);
        ratio.expect("enough rows on both sides") > 1.0
    }
}

/// Alarms among `draws` references, each with a window of `n` rows that follow `truth`, or the
/// reference's own truth.
fn alarms(
    dice: &mut StdRng,
    draws: u32,
    n: u64,
    sensitivity: &Sensitivity,
    truth: Option<&[f64]>,
    reference: impl Fn(&mut StdRng) -> Reference,
) -> u32 {
    let mut alarms = 0;
    for _ in 0..draws {
        let reference = reference(dice);
        let window = draw(dice, n, truth.unwrap_or(&reference.truth));
        alarms += u32::from(reference.is_alarmed_by(&window, sensitivity));
    }
    alarms
}

/// Rate of alarms at α = 1 % on unchanged data, over all window lengths together.
fn strict_rate(
    dice: &mut StdRng,
    draws: u32,
    windows: &[u64],
    reference: impl Fn(&mut StdRng) -> Reference,
) -> f64 {
    let mut all = 0;
    for &n in windows {
        let of_length = alarms(dice, draws, n, &STRICT, None, &reference);
        println!("n = {n}: {:.4}", f64::from(of_length) / f64::from(draws));
        all += of_length;
    }
    let rate = f64::from(all) / (f64::from(draws) * windows.len() as f64);
    println!("together: {rate:.4}");
    rate
}

#[track_caller]
fn assert_near_alpha(rate: f64) {
    let nominal = 0.1 * ALPHA..=1.6 * ALPHA;
    assert!(nominal.contains(&rate), "{rate} is not near {ALPHA}");
}

#[test]
fn at_the_defaults_nothing_is_raised_on_unchanged_data() {
    let mut dice = dice(1);
    let defaults = Sensitivity::default();
    let fixed = [
        ("numeric", numeric_with_tails()),
        ("binary", vec![0.9, 0.1]),
        ("rare binary", vec![0.999, 0.001]),
        ("hashed", hashed(&zipf(10_000, 1.1))),
    ];
    let categories = [
        ("ten categories", ten_categories()),
        ("long tail", zipf(1_000, 1.1)),
        ("steep tail", zipf(1_000, 1.5)),
    ];
    let mut raised = Vec::new();
    let mut draws = 0;
    let mut judge = |name: &str, m: u64, cells: usize, build: &dyn Fn(&mut StdRng) -> Reference| {
        let few = minimum_rows(cells, 1.0);
        for n in [few, 200, 1_000, 5_000, 20_000, 100_000] {
            let n = n.max(few);
            let count = alarms(&mut dice, 1_000, n, &defaults, None, build);
            draws += 1_000;
            if count > 0 {
                raised.push(format!("{name}, m = {m}, n = {n}: {count}"));
            }
        }
    };
    for m in [5_000, 50_000] {
        for (name, cells) in &fixed {
            judge(name, m, cells.len(), &|dice| {
                Reference::of_fixed_cells(dice, m, cells)
            });
        }
        for (name, values) in &categories {
            let cells = values.len().min(52);
            judge(name, m, cells, &|dice| {
                Reference::of_categories(dice, m, values)
            });
        }
    }
    assert!(raised.is_empty(), "{raised:?}");
    assert!(draws >= 20_000);
}

#[test]
fn numeric_cells_with_tails_keep_alpha() {
    let mut dice = dice(2);
    let cells = numeric_with_tails();
    for m in [5_000, 50_000] {
        let windows = [120, 200, 1_000, 5_000, 20_000];
        assert_near_alpha(strict_rate(&mut dice, 4_000, &windows, |dice| {
            Reference::of_fixed_cells(dice, m, &cells)
        }));
    }
}

#[test]
fn two_cells_keep_alpha() {
    let mut dice = dice(3);
    for rare in [0.5_f64, 0.1, 0.02] {
        let windows: Vec<u64> = [100, 200, 1_000, 5_000, 20_000]
            .into_iter()
            .filter(|&n| n as f64 * rare >= 50.0)
            .collect();
        let draws = 20_000 / windows.len() as u32;
        assert_near_alpha(strict_rate(&mut dice, draws, &windows, |dice| {
            Reference::of_fixed_cells(dice, 5_000, &[1.0 - rare, rare])
        }));
    }
}

#[test]
fn categories_keep_alpha() {
    let mut dice = dice(4);
    let categories = ten_categories();
    let windows = [100, 200, 1_000, 5_000, 20_000];
    assert_near_alpha(strict_rate(&mut dice, 4_000, &windows, |dice| {
        Reference::of_categories(dice, 5_000, &categories)
    }));
}

#[test]
fn a_long_tail_of_categories_keeps_alpha_in_windows_up_to_the_reference() {
    let mut dice = dice(5);
    let categories = zipf(1_000, 1.1);
    let windows = [260, 500, 1_000, 2_000, 5_000];
    assert_near_alpha(strict_rate(&mut dice, 3_000, &windows, |dice| {
        Reference::of_categories(dice, 5_000, &categories)
    }));
}

/// The cells of a long tail are chosen by the same rows that are then counted in them: the kept ones
/// near the limit are those that chance favoured, and the number of categories seen once varies more
/// than that of rows in a fixed cell. In windows as long as the reference this is no longer hidden by
/// the window's own noise. It is far below the smallest effect that matters by default.
#[test]
fn a_long_tail_costs_at_most_four_times_alpha_in_a_window_as_long_as_the_reference() {
    let mut dice = dice(6);
    let categories = zipf(1_000, 1.1);
    let rate = strict_rate(&mut dice, 5_000, &[5_000], |dice| {
        Reference::of_categories(dice, 5_000, &categories)
    });
    assert!(rate < 4.0 * ALPHA, "{rate}");
}

/// Without the least number of rows of a kept category this raises 3 % at n = m and 26 % at 4m.
#[test]
fn a_long_tail_over_a_small_reference_raises_nothing_at_the_defaults() {
    let mut dice = dice(13);
    let categories = zipf(1_000, 1.1);
    let defaults = Sensitivity::default();
    for m in [500, 1_000, 2_000] {
        for n in [m, 4 * m] {
            let raised = alarms(&mut dice, 1_000, n, &defaults, None, |dice| {
                Reference::of_categories(dice, m, &categories)
            });
            assert_eq!(raised, 0, "m = {m}, n = {n}");
        }
    }
}

#[test]
fn hash_cells_of_many_values_keep_alpha() {
    let mut dice = dice(7);
    let values = zipf(10_000, 1.1);
    let distinct = |counts: Vec<u64>| counts.iter().filter(|&&count| count > 0).count();
    assert!((0..20).all(|_| distinct(draw(&mut dice, 5_000, &values)) > 1_000));
    let cells = hashed(&values);
    let windows = [320, 500, 1_000, 5_000, 20_000];
    assert_near_alpha(strict_rate(&mut dice, 4_000, &windows, |dice| {
        Reference::of_fixed_cells(dice, 5_000, &cells)
    }));
}

#[test]
fn below_the_minimum_of_rows_nothing_is_judged() {
    for cells in [2, 3, 11, 24, 52, 64] {
        let enough = minimum_rows(cells, 1.0);
        for few in [1, enough / 2, enough - 1] {
            for (n, m) in [(few, 5_000), (5_000, few), (few, few)] {
                assert_eq!(ratio(f64::MAX, cells, n, m, &STRICT), None);
            }
        }
        assert!(ratio(1e-9, cells, enough, enough, &STRICT).is_some());
    }
}

#[test]
fn a_shift_of_half_a_standard_deviation_is_seen_in_three_thousand_rows() {
    let mut dice = dice(8);
    for cells in [numeric_with_tails(), vec![0.05; 20]] {
        let shifted = shifted_normal(&cells, 0.5);
        let draws = 2_000;
        let defaults = Sensitivity::default();
        let seen = alarms(&mut dice, draws, 3_000, &defaults, Some(&shifted), |dice| {
            Reference::of_fixed_cells(dice, 5_000, &cells)
        });
        println!("{} cells: {seen} of {draws}", cells.len());
        assert!(f64::from(seen) >= 0.95 * f64::from(draws));
    }
}

#[test]
fn one_unseen_category_raises_nothing() {
    let mut dice = dice(9);
    for kept in [10, 50] {
        let mut cells = zipf(kept, 0.5);
        cells.push(0.0);
        let few = minimum_rows(cells.len(), 1.0);
        for n in [few, few.max(200)] {
            for _ in 0..4_000 {
                let reference = Reference::of_fixed_cells(&mut dice, 5_000, &cells);
                let mut window = draw(&mut dice, n - 1, &cells);
                window[kept] += 1;
                assert_eq!((reference.rows[kept], window[kept]), (0, 1));
                let alarmed = reference.is_alarmed_by(&window, &Sensitivity::default());
                assert!(!alarmed, "{kept} categories, n = {n}: {window:?}");
            }
        }
    }
}

#[test]
fn one_value_far_out_of_range_raises_nothing() {
    let mut dice = dice(10);
    let constant = vec![0.0, 1.0, 0.0];
    for (cells, n) in [
        (numeric_with_tails(), 5_000),
        (numeric_with_tails(), 120),
        (constant.clone(), 5_000),
        (constant, 100),
    ] {
        for _ in 0..2_000 {
            let reference = Reference::of_fixed_cells(&mut dice, 5_000, &cells);
            let mut window = draw(&mut dice, n - 1, &cells);
            window[cells.len() - 1] += 1;
            let alarmed = reference.is_alarmed_by(&window, &Sensitivity::default());
            assert!(!alarmed, "n = {n}: {window:?}");
        }
    }
}
