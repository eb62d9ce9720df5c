//! Rows that come in clusters: α holds once the design effect is learned, and not before.

use driftgauge::statistic::{Groups, Sensitivity, overdispersion};
use rand::rngs::StdRng;

use super::multinomial::{draw, numeric_with_tails};
use super::rates::{STRICT, assert_near_alpha, dice};
use super::reference::Reference;

/// Each row five times, as of five visits of one user, in a reference of 48 chunks of 10 slices.
#[test]
fn clustered_rows_keep_alpha_once_their_design_effect_is_learned() {
    const COPIES: u64 = 5;
    let mut dice = dice(21);
    let clusters = |dice: &mut StdRng, rows: u64, truth: &[f64]| -> Vec<u64> {
        draw(dice, rows / COPIES, truth)
            .iter()
            .map(|count| count * COPIES)
            .collect()
    };
    for (name, truth) in [
        ("numeric", numeric_with_tails()),
        ("binary", vec![0.7, 0.3]),
    ] {
        let kinds = truth.len();
        let (mut naive, mut learned, mut tests) = (0, 0, 0);
        for _ in 0..300 {
            let mut of_groups = [vec![0.0; kinds], vec![0.0; kinds]];
            let mut rows = vec![0; kinds];
            let add = |sums: &mut Vec<f64>, counts: &[u64]| {
                let n: u64 = counts.iter().sum();
                let squares = counts
                    .iter()
                    .map(|&count| (count * count) as f64 / n as f64);
                sums.iter_mut()
                    .zip(squares)
                    .for_each(|(sum, square)| *sum += square);
            };
            for _ in 0..48 {
                let mut chunk = vec![0; kinds];
                for _ in 0..10 {
                    let slice = clusters(&mut dice, 100, &truth);
                    add(&mut of_groups[0], &slice);
                    chunk
                        .iter_mut()
                        .zip(slice)
                        .for_each(|(all, more)| *all += more);
                }
                add(&mut of_groups[1], &chunk);
                rows.iter_mut()
                    .zip(chunk)
                    .for_each(|(all, more)| *all += more);
            }
            let m: u64 = rows.iter().sum();
            let totals: Vec<f64> = rows.iter().map(|&count| count as f64).collect();
            let weights: Vec<f64> = totals.iter().map(|count| count / m as f64).collect();
            let freedom = kinds as f64 - 1.0;
            let slices = Groups {
                squares: &of_groups[0],
                totals: &totals,
                weights: &weights,
                rows: m as f64,
                groups: 480,
                rows_squared: (m * m / 480) as f64,
            };
            let chunks = Groups {
                squares: &of_groups[1],
                groups: 48,
                rows_squared: (m * m / 48) as f64,
                ..slices
            };
            let design_effect = overdispersion(&slices, &chunks, freedom, freedom).design_effect;
            let truth = truth.clone();
            let reference = Reference { rows, truth };
            for n in [1_000, 3_000] {
                for _ in 0..10 {
                    let window = clusters(&mut dice, n, &reference.truth);
                    let known = Sensitivity {
                        design_effect,
                        ..STRICT
                    };
                    tests += 1;
                    learned += u32::from(reference.is_alarmed_by(&window, &known));
                    naive += u32::from(reference.is_alarmed_by(&window, &STRICT));
                    let defaults = Sensitivity {
                        design_effect,
                        ..Sensitivity::default()
                    };
                    assert!(!reference.is_alarmed_by(&window, &defaults));
                }
            }
        }
        let rate = |alarms: u32| f64::from(alarms) / f64::from(tests);
        println!(
            "{name}: {:.4} with φ learned, {:.4} without",
            rate(learned),
            rate(naive)
        );
        assert_near_alpha(rate(learned));
        assert!(
            rate(naive) > 0.1,
            "φ = 5 must matter, or this shows nothing"
        );
    }
}
