//! Rows drawn as counts per cell, and the cells of a standard normal.
#![allow(dead_code)]

use driftgauge::statistic::{normal_tail, normal_tail_quantile};
use rand::rngs::StdRng;
use rand_distr::{Binomial, Distribution};

/// How `rows` rows fall into cells of these probabilities: binomial by binomial.
pub fn draw(dice: &mut StdRng, rows: u64, probabilities: &[f64]) -> Vec<u64> {
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

pub fn normalised(weights: Vec<f64>) -> Vec<f64> {
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

pub fn zipf(values: usize, exponent: f64) -> Vec<f64> {
    normalised(
        (1..=values)
            .map(|rank| (rank as f64).powf(-exponent))
            .collect(),
    )
}

/// Twenty cells of equal mass, the outer ones cut again at 0.1 and 0.5 %.
pub fn numeric_with_tails() -> Vec<f64> {
    let mut cells = vec![0.05; 24];
    for (cell, mass) in [0.001, 0.004, 0.045].into_iter().enumerate() {
        cells[cell] = mass;
        cells[23 - cell] = mass;
    }
    cells
}

/// What cells cut for a standard normal hold of a distribution with this upper tail.
pub fn masses_of(cells: &[f64], tail: impl Fn(f64) -> f64) -> Vec<f64> {
    let mut above = 1.0;
    let mut changed_above = 1.0;
    let mut changed = Vec::new();
    for &mass in cells {
        above -= mass;
        let next = if above < 1e-9 {
            0.0
        } else {
            tail(normal_tail_quantile(above))
        };
        changed.push(changed_above - next);
        changed_above = next;
    }
    changed
}

/// What cells cut for a standard normal hold once its mean moves up by `shift` σ.
pub fn shifted_normal(cells: &[f64], shift: f64) -> Vec<f64> {
    masses_of(cells, |edge| normal_tail(edge - shift))
}
