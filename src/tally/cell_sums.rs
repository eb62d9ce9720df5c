//! Sums of the values in each cell, so that the mean of each is known.
//!
//! Counts say how many values a cell holds, not where in it they lie, and the end cells are wide.
//! Distances in the unit of the field need the latter.

use serde::{Deserialize, Serialize};

use super::Tally;
use super::feature::FAR;
use crate::profile::{Moments, NumericCells};

/// Sums of each cell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CellSumsTally {
    cells: Box<[CellSum]>,
}

/// The values of a cell that are not too far away for a sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct CellSum {
    /// Σ d, d = (x − μ) / σ of the reference.
    sum: f64,
    values: u64,
}

impl CellSumsTally {
    /// Nothing yet, over this many cells.
    pub fn new(cells: usize) -> Self {
        Self {
            cells: vec![CellSum::default(); cells].into(),
        }
    }

    /// Adds finite values; those more than 10⁹ σ away are left out.
    pub fn add_numbers(&mut self, values: &[f64], cells: &NumericCells, reference: &Moments) {
        let inverse = 1.0 / reference.scale();
        for &value in values {
            let d = (value - reference.mean) * inverse;
            if d.abs() <= FAR {
                let cell = &mut self.cells[cells.locate(value)];
                cell.sum += d;
                cell.values += 1;
            }
        }
    }

    /// Mean of the values in each cell, in the unit of the field. Of a cell that holds none that was
    /// summed, its middle, or its one edge: as near as those left out can be.
    pub fn means(&self, cells: &NumericCells, reference: &Moments) -> Vec<f64> {
        let sums = self.cells.iter().enumerate();
        let means = sums.map(|(at, &CellSum { sum, values })| match values {
            0 => somewhere_in(at, cells.edges()),
            values => reference.mean + reference.scale() * (sum / values as f64),
        });
        means.collect()
    }

    /// The same sums in units of another reference.
    pub fn change_units(&mut self, from: &Moments, to: &Moments) {
        for cell in &mut self.cells {
            let moved = cell.values as f64 * (from.mean - to.mean);
            let sum = (moved + from.scale() * cell.sum) / to.scale();
            // In the new units all of them may be too far away.
            *cell = match sum.is_finite() {
                true => CellSum { sum, ..*cell },
                false => CellSum::default(),
            };
        }
    }

    fn each(&mut self, other: &Self, change: impl Fn(&mut CellSum, &CellSum)) {
        for (mine, theirs) in self.cells.iter_mut().zip(&other.cells) {
            change(mine, theirs);
        }
    }
}

/// The middle of a cell, or its edge if it has but one.
fn somewhere_in(cell: usize, edges: &[f64]) -> f64 {
    let below = cell.checked_sub(1).and_then(|below| edges.get(below));
    match (below, edges.get(cell)) {
        (Some(low), Some(high)) => low + (high - low) / 2.0,
        (Some(edge), None) | (None, Some(edge)) => *edge,
        (None, None) => 0.0,
    }
}

impl Tally for CellSumsTally {
    fn add(&mut self, other: &Self) {
        self.each(other, |mine, theirs| {
            mine.sum += theirs.sum;
            mine.values += theirs.values;
        });
    }

    fn subtract_counts(&mut self, other: &Self) {
        self.each(other, |mine, theirs| mine.values -= theirs.values);
    }

    fn recombine(&mut self, parts: &[Self]) {
        self.cells.iter_mut().for_each(|cell| cell.sum = 0.0);
        for part in parts {
            self.each(part, |mine, theirs| mine.sum += theirs.sum);
        }
    }

    fn has_shape_of(&self, other: &Self) -> bool {
        self.cells.len() == other.cells.len()
    }

    fn clear(&mut self) {
        self.cells.fill(CellSum::default());
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.cells)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::Ring;

    const REFERENCE: Moments = Moments {
        mean: 10.0,
        stddev: 2.0,
        min: 4.0,
        max: 16.0,
    };

    fn cells() -> NumericCells {
        NumericCells::new(vec![9.0, 11.0]).unwrap()
    }

    fn of(values: &[f64]) -> CellSumsTally {
        let mut tally = CellSumsTally::new(3);
        tally.add_numbers(values, &cells(), &REFERENCE);
        tally
    }

    fn means(tally: &CellSumsTally) -> Vec<f64> {
        tally.means(&cells(), &REFERENCE)
    }

    #[test]
    fn each_cell_has_the_mean_of_its_values() {
        let tally = of(&[5.0, 8.0, 12.0, 20.0, 40.0]);
        assert_eq!(means(&tally), [6.5, 10.0, 24.0]);
    }

    #[test]
    fn values_too_far_away_do_not_move_a_mean() {
        assert_eq!(means(&of(&[5.0, -1e300, f64::MAX])), [5.0, 10.0, 11.0]);
        assert_eq!(means(&of(&[-1e12])), [9.0, 10.0, 11.0]);
    }

    #[test]
    fn a_window_keeps_the_means_of_what_is_still_in_it() {
        let mut ring = Ring::new(&CellSumsTally::new(3));
        ring.keep_previous(true);
        let (first, second) = (of(&[1e9, 5.1, -1e300]), of(&[5.3, 5.4]));
        ring.add(0, &first);
        ring.add(3, &second);
        ring.advance_to(12);
        assert_eq!(ring.total(), &second);
        assert_eq!(ring.previous(), Some(&first));
    }

    #[test]
    fn the_means_stay_when_the_unit_changes() {
        let mut tally = of(&[5.0, 8.0, 12.0, 20.0]);
        let other = Moments {
            mean: -3.0,
            stddev: 7.0,
            ..REFERENCE
        };
        tally.change_units(&REFERENCE, &other);
        let changed = tally.means(&cells(), &other);
        for (found, expected) in changed.iter().zip([6.5, 10.0, 16.0]) {
            assert!((found - expected).abs() < 1e-12, "{changed:?}");
        }
    }
}
