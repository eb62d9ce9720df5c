//! The edges of the promise: too few rows are not judged, one odd row is no drift, a real shift is.

use driftgauge::statistic::{Sensitivity, minimum_rows, ratio};

use super::multinomial::{draw, numeric_with_tails, shifted_normal, zipf};
use super::rates::{STRICT, alarms, dice};
use super::reference::Reference;

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
