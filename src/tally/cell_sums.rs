//! Sums of the values in each cell, so that the mean of each is known.
//!
//! Counts say how many values a cell holds, not where in it they lie, and the end cells are wide.
//! Distances in the unit of the field need the latter.

use super::Tally;
use super::feature::FAR;
use crate::profile::{Moments, NumericCells};

/// Σ d of each cell, d = (x − μ) / σ of the reference.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CellSumsTally {
    sums: Box<[f64]>,
    /// Values too far below and above for the sums; they are in the first and in the last cell.
    far: [u64; 2],
}

impl CellSumsTally {
    /// Nothing yet, over this many cells.
    pub fn new(cells: usize) -> Self {
        Self {
            sums: vec![0.0; cells].into(),
            far: [0; 2],
        }
    }

    /// Adds finite values; one that is more than 10⁹ σ away is only counted.
    pub fn add_numbers(&mut self, values: &[f64], cells: &NumericCells, reference: &Moments) {
        let inverse = 1.0 / reference.scale();
        for &value in values {
            let d = (value - reference.mean) * inverse;
            if d.abs() > FAR {
                self.far[usize::from(d > 0.0)] += 1;
            } else {
                self.sums[cells.locate(value)] += d;
            }
        }
    }

    /// Mean of the values in each cell, of which there are `counts`, in the unit of the field; 0
    /// where there are none. Where all are too far away, the end of the reference's range, which is
    /// as near as they can be.
    pub fn means(&self, counts: &[u64], reference: &Moments) -> Vec<f64> {
        let last = counts.len().saturating_sub(1);
        let cells = counts.iter().zip(&self.sums).enumerate();
        let means = cells.map(|(cell, (&count, &sum))| {
            let below = if cell == 0 { self.far[0] } else { 0 };
            let above = if cell == last { self.far[1] } else { 0 };
            match count.saturating_sub(below + above) {
                0 if count == 0 => 0.0,
                0 if below > 0 => reference.min,
                0 => reference.max,
                near => reference.mean + reference.scale() * (sum / near as f64),
            }
        });
        means.collect()
    }
}

impl Tally for CellSumsTally {
    fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.sums.iter_mut().zip(&other.sums) {
            *mine += theirs;
        }
        for (mine, theirs) in self.far.iter_mut().zip(&other.far) {
            *mine += theirs;
        }
    }

    fn subtract_counts(&mut self, other: &Self) {
        for (mine, theirs) in self.far.iter_mut().zip(&other.far) {
            *mine -= theirs;
        }
    }

    fn recombine(&mut self, parts: &[Self]) {
        self.sums.fill(0.0);
        for part in parts {
            for (mine, theirs) in self.sums.iter_mut().zip(&part.sums) {
                *mine += theirs;
            }
        }
    }

    fn clear(&mut self) {
        self.sums.fill(0.0);
        self.far = [0; 2];
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.sums)
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

    fn of(values: &[f64]) -> (CellSumsTally, [u64; 3]) {
        let cells = NumericCells::new(vec![9.0, 11.0]).unwrap();
        let mut tally = CellSumsTally::new(3);
        tally.add_numbers(values, &cells, &REFERENCE);
        let mut counts = [0; 3];
        cells.count_all(values, &mut counts);
        (tally, counts)
    }

    #[test]
    fn each_cell_has_the_mean_of_its_values() {
        let (tally, counts) = of(&[5.0, 8.0, 12.0, 20.0, 40.0]);
        assert_eq!(tally.means(&counts, &REFERENCE), [6.5, 0.0, 24.0]);
    }

    #[test]
    fn values_too_far_away_do_not_move_a_mean() {
        let (tally, counts) = of(&[5.0, -1e300, 10.0, f64::MAX]);
        assert_eq!(tally.means(&counts, &REFERENCE), [5.0, 10.0, 16.0]);
        let (tally, counts) = of(&[-1e12]);
        assert_eq!(tally.means(&counts, &REFERENCE), [4.0, 0.0, 0.0]);
    }

    #[test]
    fn a_window_keeps_the_means_of_what_is_still_in_it() {
        let mut ring = Ring::new(&CellSumsTally::new(3));
        ring.keep_previous(true);
        let ((first, _), (second, counts)) = (of(&[1e9, 5.1, -1e300]), of(&[5.3, 5.4]));
        ring.add(0, &first);
        ring.add(3, &second);
        ring.advance_to(12);
        assert_eq!(
            ring.total().means(&counts, &REFERENCE),
            second.means(&counts, &REFERENCE)
        );
        assert_eq!(ring.previous(), Some(&first));
    }
}
