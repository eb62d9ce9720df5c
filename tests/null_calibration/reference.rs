//! A reference drawn at random, with what each of its cells truly holds: a window is drawn from the
//! truth and judged against the draw.

use driftgauge::profile::{HASH_CELLS, hash_cell};
use driftgauge::statistic::{Sensitivity, psi, ratio};
use rand::rngs::StdRng;

use super::multinomial::{draw, zipf};

/// A field as its profile sees it: counts of a reference, and what each of its cells truly holds.
pub(super) struct Reference {
    pub(super) rows: Vec<u64>,
    pub(super) truth: Vec<f64>,
}

impl Reference {
    /// Cells that do not depend on which rows were drawn.
    pub(super) fn of_fixed_cells(dice: &mut StdRng, rows: u64, probabilities: &[f64]) -> Self {
        Self {
            rows: draw(dice, rows, probabilities),
            truth: probabilities.to_vec(),
        }
    }

    /// Categories: at most the 50 heaviest that cover 99 % or have 0.1 %, `other`, `new`; one that
    /// occurs once and is not kept counts as new.
    pub(super) fn of_categories(dice: &mut StdRng, rows: u64, probabilities: &[f64]) -> Self {
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

    pub(super) fn is_alarmed_by(&self, window: &[u64], sensitivity: &Sensitivity) -> bool {
        let n = window.iter().sum();
        let drift = psi(&self.rows, window).expect("rows on both sides");
        let ratio = ratio(drift, window.len(), n, self.rows(), sensitivity);
        ratio.expect("enough rows on both sides") > 1.0
    }
}

/// Ten categories, the rarest 3.4 %, and the cell for new ones, which stays empty.
pub(super) fn ten_categories() -> Vec<f64> {
    let mut cells = zipf(10, 1.0);
    cells.push(0.0);
    cells
}

/// What the hash cells hold when these values have these probabilities.
pub(super) fn hashed(values: &[f64]) -> Vec<f64> {
    let mut cells = vec![0.0; HASH_CELLS];
    for (value, probability) in values.iter().enumerate() {
        cells[hash_cell(&format!("value {value}"))] += probability;
    }
    cells
}
