//! What is counted of a number once its cells are fixed: rows and sums per cell, moments.
//!
//! Values are shifted by the median and scaled by a power of two before they are squared, and sums
//! carry their rounding error along, so that neither a large mean nor large values cost digits.

use crate::profile::{Cells, Moments, NumericCells, ReferenceCells};

/// A finite value farther than this from the median, in robust standard deviations, is counted in
/// its cell and in the range but left out of mean, standard deviation and cell mean: one 1e200
/// among thousands of rows would leave no digit of them.
pub const FAR_STDDEVS: f64 = 1e9;

/// Rows and sums of the values of one numeric field.
#[derive(Clone)]
pub struct NumericSums {
    cells: NumericCells,
    shift: f64,
    /// 1 / a power of two near the largest value that is not far.
    inverse_unit: f64,
    low: f64,
    high: f64,
    /// Rows per cell, all values.
    rows: Vec<u64>,
    /// Values per cell that are not far, and their sum in units.
    near: Vec<(u64, Sum)>,
    squares: Sum,
    min: f64,
    max: f64,
    near_min: f64,
    near_max: f64,
}

/// A sum that carries its rounding error (Neumaier, ZAMM 54, 1974).
#[derive(Clone, Copy, Default)]
struct Sum {
    sum: f64,
    error: f64,
}

impl Sum {
    fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        self.error += if self.sum.abs() >= value.abs() {
            (self.sum - sum) + value
        } else {
            (value - sum) + self.sum
        };
        self.sum = sum;
    }

    fn total(self) -> f64 {
        self.sum + self.error
    }
}

impl NumericSums {
    /// Empty sums over `cells`; `sorted` is a sample of the values in rising order, not empty, from
    /// which the median and the scale of what is far are taken.
    pub fn new(cells: NumericCells, sorted: &[f64]) -> Self {
        let quantile = |share: f64| {
            let rank = (share * sorted.len() as f64).ceil() as usize;
            sorted[rank.clamp(1, sorted.len()) - 1]
        };
        let shift = quantile(0.5);
        // Spreads of a normal distribution in standard deviations; the wider ones serve data with
        // a value that most rows share.
        let scale = [(0.25, 1.349), (0.05, 3.29), (0.005, 5.152)]
            .into_iter()
            .map(|(tail, stddevs)| quantile(1.0 - tail) / stddevs - quantile(tail) / stddevs)
            .find(|scale| *scale > 0.0)
            .unwrap_or_else(|| shift.abs().max(1.0));
        let low = shift - FAR_STDDEVS * scale;
        let high = shift + FAR_STDDEVS * scale;
        let near = sorted
            .iter()
            .filter(|&&value| low <= value && value <= high);
        let largest = near.fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let exponent = if largest > 0.0 {
            largest.log2().floor().clamp(-1020.0, 1020.0) as i32
        } else {
            0
        };
        let count = cells.edges().len() + 1;
        Self {
            cells,
            shift,
            inverse_unit: 2_f64.powi(-exponent),
            low,
            high,
            rows: vec![0; count],
            near: vec![(0, Sum::default()); count],
            squares: Sum::default(),
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            near_min: f64::INFINITY,
            near_max: f64::NEG_INFINITY,
        }
    }

    /// Counts a finite value.
    pub fn add(&mut self, value: f64) {
        let cell = self.cells.locate(value);
        self.rows[cell] += 1;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        if value < self.low || value > self.high {
            return;
        }
        self.near_min = self.near_min.min(value);
        self.near_max = self.near_max.max(value);
        let deviation = value * self.inverse_unit - self.shift * self.inverse_unit;
        let (count, sum) = &mut self.near[cell];
        *count += 1;
        sum.add(deviation);
        self.squares.add(deviation * deviation);
    }

    /// Values left out of the moments because they are far.
    pub fn far(&self) -> u64 {
        let near: u64 = self.near.iter().map(|(count, _)| count).sum();
        self.rows.iter().sum::<u64>() - near
    }

    /// Cells with rows and means, and moments; all zero without values.
    pub fn finish(self) -> (ReferenceCells, Moments) {
        let value = |deviation: f64| {
            (self.shift + deviation / self.inverse_unit).clamp(self.near_min, self.near_max) + 0.0
        };
        let near: u64 = self.near.iter().map(|(count, _)| count).sum();
        let mut means = Vec::with_capacity(self.rows.len());
        for (cell, (count, sum)) in self.near.iter().enumerate() {
            means.push(if *count > 0 {
                value(sum.total() / *count as f64)
            } else if self.rows[cell] == 0 || near == 0 {
                0.0
            } else if cell == 0 {
                // Only far values here: the nearest one that is not far stands for them.
                self.near_min
            } else {
                self.near_max
            });
        }
        let moments = if near == 0 {
            Moments {
                mean: 0.0,
                stddev: 0.0,
                min: if self.min.is_finite() { self.min } else { 0.0 },
                max: if self.max.is_finite() { self.max } else { 0.0 },
            }
        } else {
            let mut total = Sum::default();
            for (_, sum) in &self.near {
                total.add(sum.sum);
                total.add(sum.error);
            }
            let mean = total.total() / near as f64;
            let variance = (self.squares.total() / near as f64 - mean * mean).max(0.0);
            let stddev = if self.near_min == self.near_max {
                0.0
            } else {
                (variance.sqrt() / self.inverse_unit).min(f64::MAX)
            };
            Moments {
                mean: value(mean),
                stddev,
                min: self.min,
                max: self.max,
            }
        };
        let cells = ReferenceCells {
            cells: Cells::Numeric(self.cells),
            rows: self.rows,
            means,
        };
        (cells, moments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(mut values: Vec<f64>, edges: &[f64]) -> (ReferenceCells, Moments, u64) {
        values.sort_by(f64::total_cmp);
        let cells = NumericCells::new(edges.to_vec()).unwrap();
        let mut sums = NumericSums::new(cells, &values);
        values.iter().for_each(|&value| sums.add(value));
        let far = sums.far();
        let (cells, moments) = sums.finish();
        (cells, moments, far)
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-14 * b.abs()
    }

    #[test]
    fn moments_and_cell_means_are_those_of_the_values() {
        let (cells, moments, _) = learned(vec![1.0, 2.0, 3.0, 10.0], &[2.5]);
        assert_eq!((cells.rows, cells.means), (vec![2, 2], vec![1.5, 6.5]));
        assert_eq!((moments.mean, moments.min, moments.max), (4.0, 1.0, 10.0));
        assert!(close(moments.stddev, 12.5_f64.sqrt()), "{moments:?}");
    }

    #[test]
    fn a_large_mean_costs_no_digits() {
        let (_, moments, _) = learned(vec![1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0], &[]);
        assert_eq!(moments.mean, 1e9 + 2.0);
        assert!(close(moments.stddev, (2.0_f64 / 3.0).sqrt()));
    }

    #[test]
    fn huge_and_tiny_values_neither_overflow_nor_vanish() {
        for unit in [1e300, 1e-300, 5e307] {
            let (_, moments, _) = learned(vec![-unit, unit, unit, -unit], &[0.0]);
            assert!(close(moments.stddev, unit), "{moments:?}");
            assert!(moments.mean.abs() <= 1e-15 * unit);
        }
        let (_, moments, _) = learned(vec![-f64::MAX, f64::MAX], &[0.0]);
        assert!(moments.stddev.is_finite() && moments.mean.is_finite());
    }

    #[test]
    fn one_value_far_away_is_counted_and_left_out_of_the_moments() {
        let mut values: Vec<f64> = (0..5_000).map(|v| f64::from(v % 100)).collect();
        let clean = learned(values.clone(), &[49.5]);
        values.push(1e200);
        let (cells, moments, far) = learned(values, &[49.5]);
        assert_eq!((far, moments.max), (1, 1e200));
        assert_eq!(cells.rows, [2_500, 2_501]);
        assert_eq!(
            (moments.mean, moments.stddev),
            (clean.1.mean, clean.1.stddev)
        );
        assert_eq!(cells.means, clean.0.means);
    }

    #[test]
    fn a_rare_value_beside_a_common_one_is_not_far() {
        let mut values = vec![0.0; 4_999];
        values.push(1e6);
        let (_, moments, far) = learned(values.clone(), &[5e5]);
        assert_eq!((far, moments.mean), (0, 200.0));
        values[4_999] = 1e200;
        let (cells, moments, far) = learned(values, &[5e199]);
        assert_eq!((far, moments.mean, moments.stddev), (1, 0.0, 0.0));
        assert_eq!((cells.rows, cells.means), (vec![4_999, 1], vec![0.0, 0.0]));
    }
}
