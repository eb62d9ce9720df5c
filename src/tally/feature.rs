//! Sums of one field: cells, missing values by reason, range and moments.

use serde::{Deserialize, Serialize};

use super::Tally;
use crate::batch::Numbers;
use crate::profile::{Missing, Moments as ReferenceMoments, NumericCells};

/// Further from the reference mean than this many standard deviations, a value is left out of the
/// moments, where one of them would drown all others.
pub(super) const FAR: f64 = 1e9;

/// Values are folded in runs of this many, so that counters of one run fit into 32 bits and scratch
/// memory stays in the first-level cache.
const RUN: usize = 1024;

/// Sums of one field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FeatureTally {
    /// Values in each cell; empty without cells.
    pub cells: Box<[u64]>,
    /// Usable values.
    pub values: u64,
    /// Rows without one.
    pub missing: Missing,
    /// Values below the smallest of the reference.
    pub below: u64,
    /// Values above the largest of the reference.
    pub above: u64,
    /// Finite values too far away for the moments.
    pub far: u64,
    /// Moments of the values that are not far, and the range of all.
    pub moments: Moments,
}

/// Floating-point sums, in units of the reference: d = (x − μ) / σ. Scaled so, squares neither
/// overflow nor become subnormal, which would cost thirty times as much.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// Σ d.
    pub sum: f64,
    /// Σ d².
    pub sum_of_squares: f64,
    /// Smallest value; +∞ without values.
    pub min: f64,
    /// Largest value; −∞ without values.
    pub max: f64,
}

/// Why rows have no usable value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// No value.
    Null,
    /// Not a number.
    Nan,
    /// Plus or minus infinity.
    Inf,
    /// The batch does not have the field.
    Absent,
    /// Of the wrong type.
    Invalid,
}

impl Default for Moments {
    fn default() -> Self {
        Self {
            sum: 0.0,
            sum_of_squares: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
        }
    }
}

impl Moments {
    fn add(&mut self, other: &Self) {
        self.sum += other.sum;
        self.sum_of_squares += other.sum_of_squares;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }
}

impl FeatureTally {
    /// Nothing yet, over this many cells.
    pub fn new(cells: usize) -> Self {
        Self {
            cells: vec![0; cells].into(),
            ..Self::default()
        }
    }

    /// Rows, with and without a usable value.
    pub fn rows(&self) -> u64 {
        self.values + self.missing.total()
    }

    /// Whether no row has been added.
    pub fn is_empty(&self) -> bool {
        self.rows() == 0
    }

    /// Adds `rows` rows without a usable value.
    pub fn miss(&mut self, reason: Missed, rows: u64) {
        match reason {
            Missed::Null => self.missing.null += rows,
            Missed::Nan => self.missing.nan += rows,
            Missed::Inf => self.missing.inf += rows,
            Missed::Absent => self.missing.absent += rows,
            Missed::Invalid => self.missing.invalid += rows,
        }
    }

    /// Adds `count` values of cell `cell`.
    pub fn count(&mut self, cell: usize, count: u64) {
        self.values += count;
        self.cells[cell] += count;
    }

    /// Adds numbers that nothing is known about: they and what is missing are counted.
    pub fn add_unplaced(&mut self, numbers: &Numbers) {
        self.values += numbers.finite.len() as u64;
        self.add_missing(numbers);
    }

    /// Adds numbers: puts them into cells, judges their range and sums their moments. Who wants to
    /// know the cell of each finite value gives room for as many `codes`.
    pub fn add_numbers(
        &mut self,
        numbers: &Numbers,
        cells: &NumericCells,
        reference: &ReferenceMoments,
        codes: Option<&mut [u8]>,
    ) {
        self.add_unplaced(numbers);
        let inverse = 1.0 / reference.scale();
        let mut codes = codes.map(|codes| codes.chunks_mut(RUN));
        for run in numbers.finite.chunks(RUN) {
            match codes.as_mut().and_then(Iterator::next) {
                Some(codes) => cells.locate_and_count_all(run, codes, &mut self.cells),
                None => cells.count_all(run, &mut self.cells),
            }
            let sums = RunSums::of(run, reference, inverse);
            self.below += sums.below;
            self.above += sums.above;
            self.far += sums.far;
            self.moments.add(&sums.moments);
        }
    }

    /// Puts the sums from the units of one reference into those of another one with the same cells:
    /// d' = a·d + b with a = σ/σ' and b = (μ − μ')/σ', hence Σd' = a·Σd + b·n and
    /// Σd'² = a²·Σd² + 2ab·Σd + b²·n over the n values that are not far. Values out of the new range
    /// are not known, so those of the old one are forgotten.
    pub fn change_units(&mut self, from: &ReferenceMoments, to: &ReferenceMoments) {
        let n = (self.values - self.far) as f64;
        let (a, b) = (
            from.scale() / to.scale(),
            (from.mean - to.mean) / to.scale(),
        );
        let Moments {
            sum,
            sum_of_squares,
            ..
        } = self.moments;
        let changed = (
            a * sum + b * n,
            a * (a * sum_of_squares + 2.0 * b * sum) + b * b * n,
        );
        if changed.0.is_finite() && changed.1.is_finite() {
            // Of all-equal values rounding may leave less than nothing.
            (self.moments.sum, self.moments.sum_of_squares) = (changed.0, changed.1.max(0.0));
        } else {
            // In the new units all of them are too far away.
            (self.moments.sum, self.moments.sum_of_squares) = (0.0, 0.0);
            self.far = self.values;
        }
        if (from.min, from.max) != (to.min, to.max) {
            (self.below, self.above) = (0, 0);
        }
    }

    fn add_missing(&mut self, numbers: &Numbers) {
        self.missing.null += numbers.null;
        self.missing.nan += numbers.nan;
        self.missing.inf += numbers.inf;
        self.missing.invalid += numbers.invalid;
    }

    /// Mean of the values that are not far, in the unit of the field; within their range, rounding
    /// included.
    pub fn mean(&self, reference: &ReferenceMoments) -> Option<f64> {
        let n = self.values - self.far;
        (n > 0).then(|| {
            let mean = reference.mean + reference.scale() * (self.moments.sum / n as f64);
            mean.max(self.moments.min).min(self.moments.max)
        })
    }

    /// Population standard deviation of the values that are not far, in the unit of the field;
    /// exactly 0 where all values are the same.
    pub fn stddev(&self, reference: &ReferenceMoments) -> Option<f64> {
        let n = (self.values - self.far) as f64;
        (n > 0.0).then(|| {
            if self.moments.min == self.moments.max {
                return 0.0;
            }
            let mean = self.moments.sum / n;
            let variance = (self.moments.sum_of_squares / n - mean * mean).max(0.0);
            reference.scale() * variance.sqrt()
        })
    }
}

/// Sums over one run of values, in independent lanes that the compiler can vectorise.
#[derive(Default)]
struct RunSums {
    below: u64,
    above: u64,
    far: u64,
    moments: Moments,
}

const LANES: usize = 8;

impl RunSums {
    fn of(values: &[f64], reference: &ReferenceMoments, inverse: f64) -> Self {
        if values.len() < LANES {
            return Self::of_few(values, reference, inverse);
        }
        let (mean, low, high) = (reference.mean, reference.min, reference.max);
        let mut sum = [0.0; LANES];
        let mut square = [0.0; LANES];
        let mut min = [f64::INFINITY; LANES];
        let mut max = [f64::NEG_INFINITY; LANES];
        let (blocks, rest) = values.as_chunks::<LANES>();
        for block in blocks {
            for lane in 0..LANES {
                let x = block[lane];
                let d = (x - mean) * inverse;
                sum[lane] += d;
                square[lane] += d * d;
                min[lane] = if x < min[lane] { x } else { min[lane] };
                max[lane] = if x > max[lane] { x } else { max[lane] };
            }
        }
        for (lane, &x) in rest.iter().enumerate() {
            let d = (x - mean) * inverse;
            sum[lane] += d;
            square[lane] += d * d;
            min[lane] = min[lane].min(x);
            max[lane] = max[lane].max(x);
        }
        let mut sums = Self {
            below: 0,
            above: 0,
            far: 0,
            moments: Moments {
                sum: sum.iter().sum(),
                sum_of_squares: square.iter().sum(),
                min: min.iter().copied().fold(f64::INFINITY, f64::min),
                max: max.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            },
        };
        // The usual run has nothing to count here.
        if sums.moments.min < low {
            sums.below = values.iter().filter(|&&x| x < low).count() as u64;
        }
        if sums.moments.max > high {
            sums.above = values.iter().filter(|&&x| x > high).count() as u64;
        }
        let is_far = |x: f64| ((x - mean) * inverse).abs() > FAR;
        if is_far(sums.moments.min) || is_far(sums.moments.max) {
            (sums.moments.sum, sums.moments.sum_of_squares) = (0.0, 0.0);
            for &x in values {
                if is_far(x) {
                    sums.far += 1;
                } else {
                    let d = (x - mean) * inverse;
                    sums.moments.sum += d;
                    sums.moments.sum_of_squares += d * d;
                }
            }
        }
        sums
    }
}

impl RunSums {
    /// The same for so few values that setting up the lanes would cost more than the sums.
    fn of_few(values: &[f64], reference: &ReferenceMoments, inverse: f64) -> Self {
        let mut sums = Self::default();
        for &x in values {
            let d = (x - reference.mean) * inverse;
            sums.below += u64::from(x < reference.min);
            sums.above += u64::from(x > reference.max);
            sums.moments.min = sums.moments.min.min(x);
            sums.moments.max = sums.moments.max.max(x);
            if d.abs() > FAR {
                sums.far += 1;
            } else {
                sums.moments.sum += d;
                sums.moments.sum_of_squares += d * d;
            }
        }
        sums
    }
}

fn each_missing(mine: &mut Missing, theirs: &Missing, change: impl Fn(&mut u64, u64)) {
    change(&mut mine.null, theirs.null);
    change(&mut mine.nan, theirs.nan);
    change(&mut mine.inf, theirs.inf);
    change(&mut mine.absent, theirs.absent);
    change(&mut mine.invalid, theirs.invalid);
}

impl FeatureTally {
    fn each_count(&mut self, other: &Self, change: impl Fn(&mut u64, u64) + Copy) {
        debug_assert_eq!(self.cells.len(), other.cells.len());
        for (mine, theirs) in self.cells.iter_mut().zip(&other.cells) {
            change(mine, *theirs);
        }
        each_missing(&mut self.missing, &other.missing, change);
        change(&mut self.values, other.values);
        change(&mut self.below, other.below);
        change(&mut self.above, other.above);
        change(&mut self.far, other.far);
    }
}

impl Tally for FeatureTally {
    fn add(&mut self, other: &Self) {
        self.each_count(other, |mine, theirs| *mine += theirs);
        self.moments.add(&other.moments);
    }

    fn subtract_counts(&mut self, other: &Self) {
        self.each_count(other, |mine, theirs| *mine -= theirs);
    }

    fn recombine(&mut self, parts: &[Self]) {
        self.moments = Moments::default();
        for part in parts {
            self.moments.add(&part.moments);
        }
    }

    fn has_shape_of(&self, other: &Self) -> bool {
        self.cells.len() == other.cells.len()
    }

    fn clear(&mut self) {
        self.cells.fill(0);
        *self = Self {
            cells: std::mem::take(&mut self.cells),
            ..Self::default()
        };
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.cells)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference() -> ReferenceMoments {
        ReferenceMoments {
            mean: 10.0,
            stddev: 2.0,
            min: 4.0,
            max: 16.0,
        }
    }

    fn tally_of(values: &[f64]) -> FeatureTally {
        let cells = NumericCells::new(vec![9.0, 11.0]).unwrap();
        let mut tally = FeatureTally::new(3);
        let numbers = Numbers {
            finite: values.to_vec(),
            ..Numbers::default()
        };
        tally.add_numbers(&numbers, &cells, &reference(), None);
        tally
    }

    #[test]
    fn mean_and_deviation_come_back_in_the_units_of_the_field() {
        let tally = tally_of(&[8.0, 9.0, 10.0, 15.0]);
        assert_eq!(tally.mean(&reference()), Some(10.5));
        // numpy.std([8, 9, 10, 15])
        assert!((tally.stddev(&reference()).unwrap() - 2.692_582_403_567_252).abs() < 1e-12);
        assert_eq!(&*tally.cells, [2, 1, 1]);
    }

    #[test]
    fn one_huge_value_is_counted_out_of_range_and_leaves_the_mean_alone() {
        let mut values = vec![10.0; 4_999];
        values.push(1e200);
        let tally = tally_of(&values);
        assert_eq!(tally.mean(&reference()), Some(10.0));
        assert_eq!((tally.above, tally.below, tally.far), (1, 0, 1));
        assert_eq!(tally.moments.max, 1e200);
        assert_eq!(&*tally.cells, [0, 4_999, 1]);
    }

    proptest::proptest! {
        /// Sums put into the units of another reference are those of the same rows counted in them.
        #[test]
        fn changed_units_are_those_of_rows_counted_in_them(
            values in proptest::collection::vec(-50.0f64..50.0, 1..200),
            mean in -40.0f64..40.0,
            stddev in 0.1f64..30.0,
        ) {
            let new = ReferenceMoments { mean, stddev, min: -1.0, max: 1.0 };
            let mut changed = tally_of(&values);
            changed.change_units(&reference(), &new);
            let numbers = Numbers { finite: values, ..Numbers::default() };
            let mut counted = FeatureTally::new(3);
            let cells = NumericCells::new(vec![9.0, 11.0]).unwrap();
            counted.add_numbers(&numbers, &cells, &new, None);
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + b.abs());
            proptest::prop_assert_eq!((changed.below, changed.above), (0, 0));
            let squares = counted.moments.sum_of_squares;
            // The sum may be nothing but rounding.
            let size = (squares * counted.values as f64).sqrt();
            proptest::prop_assert!((changed.moments.sum - counted.moments.sum).abs() <= 1e-12 * size.max(1.0) * 1e3);
            proptest::prop_assert!(close(changed.moments.sum_of_squares, squares));
            proptest::prop_assert!(close(changed.mean(&new).unwrap(), counted.mean(&new).unwrap()));
            let deviations = (changed.stddev(&new).unwrap(), counted.stddev(&new).unwrap());
            // Of values that are all but equal no digit of the deviation is left in either.
            proptest::prop_assert!((deviations.0 - deviations.1).abs() <= 1e-6 * stddev + 1e-9 * deviations.1);
        }
    }

    #[test]
    fn units_that_no_number_can_be_put_into_leave_no_nan_behind() {
        let mut tally = tally_of(&[9.0, 10.0, 11.0]);
        let tiny = ReferenceMoments {
            mean: 1e300,
            stddev: 1e-300,
            ..reference()
        };
        tally.change_units(&reference(), &tiny);
        assert_eq!((tally.far, tally.mean(&tiny)), (3, None));
        assert_eq!((tally.moments.min, tally.moments.max), (9.0, 11.0));
    }

    #[test]
    fn values_beyond_the_reference_are_counted_by_side() {
        let tally = tally_of(&[3.9, 4.0, 16.0, 16.1, 17.0]);
        assert_eq!((tally.below, tally.above, tally.far), (1, 2, 0));
    }
}
