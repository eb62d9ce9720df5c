//! What the first pass remembers of a field of numbers: all values, or a uniform sample of many.

use xxhash_rust::xxh3::xxh3_64;

use super::distinct::Distinct;
use super::numeric_cells::numeric_edges;
use super::numeric_sums::NumericSums;
use super::random::place_in_sample;
use crate::batch::Numbers;
use crate::profile::{Missing, NumericCells};

/// Up to so many values of a field are all kept in the first pass; beyond, a uniform sample of so
/// many (8 bytes each) is, and a second pass counts.
pub const SAMPLE_VALUES: usize = 100_000;
/// Which sample is drawn: the same values in the same order always give the same one.
const SAMPLE_SEED: u64 = 0x6472_6966_7467_6175;
/// Up to this size every whole number is a float (2^53).
pub const MAX_WHOLE: f64 = 9_007_199_254_740_992.0;

/// The first pass over one field of numbers.
#[derive(Default)]
pub struct NumberLearner {
    /// Rows without a usable value.
    pub missing: Missing,
    /// Usable values.
    pub values: u64,
    /// Whether a value has a fraction or is beyond [`MAX_WHOLE`].
    pub has_fraction: bool,
    sample: Vec<f64>,
    /// Counts distinct values once not all of them are in the sample.
    distinct: Option<Distinct>,
}

impl NumberLearner {
    /// Takes over what was read of a column.
    pub fn observe(&mut self, numbers: &Numbers) {
        add_missing(&mut self.missing, numbers);
        for &value in &numbers.finite {
            self.add(value);
        }
    }

    fn add(&mut self, value: f64) {
        // −0 and 0 are one value.
        let value = value + 0.0;
        self.has_fraction |= value.fract() != 0.0 || value.abs() > MAX_WHOLE;
        self.values += 1;
        if self.sample.len() < SAMPLE_VALUES {
            self.sample.push(value);
            return;
        }
        let sample = &self.sample;
        let distinct = self.distinct.get_or_insert_with(|| {
            let mut distinct = Distinct::new();
            sample
                .iter()
                .for_each(|&value| distinct.insert(hash(value)));
            distinct
        });
        distinct.insert(hash(value));
        if let Some(place) = place_in_sample(self.values, SAMPLE_VALUES, SAMPLE_SEED) {
            self.sample[place] = value;
        }
    }

    /// Whether the sample holds all values, so that no second pass is needed.
    pub fn is_complete(&self) -> bool {
        self.values as usize == self.sample.len()
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        self.sample.capacity() * size_of::<f64>()
            + self.distinct.as_ref().map_or(0, Distinct::bytes)
    }

    /// Cells cut by the sample and empty sums over them, the sorted sample, and the number of
    /// distinct values; `None` without any value.
    pub fn into_sums(self, whole: bool) -> Option<(NumericSums, Vec<f64>, u64)> {
        let mut sorted = self.sample;
        sorted.sort_unstable_by(f64::total_cmp);
        let mut counted: Vec<(f64, u64)> = Vec::new();
        for &value in &sorted {
            match counted.last_mut() {
                Some((last, rows)) if *last == value => *rows += 1,
                _ => counted.push((value, 1)),
            }
        }
        let distinct = self
            .distinct
            .map_or(counted.len() as u64, |distinct| distinct.count());
        if sorted.is_empty() {
            return None;
        }
        let cells = NumericCells::new(numeric_edges(&counted, whole)).ok()?;
        Some((NumericSums::new(cells, &sorted), sorted, distinct))
    }
}

/// Adds the reasons of a read column to `missing`.
pub fn add_missing(missing: &mut Missing, numbers: &Numbers) {
    missing.null += numbers.null;
    missing.nan += numbers.nan;
    missing.inf += numbers.inf;
    missing.invalid += numbers.invalid;
}

fn hash(value: f64) -> u64 {
    xxh3_64(&value.to_bits().to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observe(values: impl IntoIterator<Item = f64>) -> NumberLearner {
        let mut learner = NumberLearner::default();
        let numbers = Numbers {
            finite: values.into_iter().collect(),
            ..Numbers::default()
        };
        learner.observe(&numbers);
        learner
    }

    #[test]
    fn up_to_the_sample_size_every_value_is_kept() {
        let learner = observe((0..SAMPLE_VALUES).map(|v| v as f64));
        assert!(learner.is_complete());
        let (_, sorted, distinct) = learner.into_sums(true).unwrap();
        assert_eq!((sorted.len(), distinct), (SAMPLE_VALUES, 100_000));
    }

    #[test]
    fn beyond_it_the_sample_is_uniform() {
        let many = 1_000_000;
        let learner = observe((0..many).map(f64::from));
        assert!(!learner.is_complete());
        let (_, sorted, distinct) = learner.into_sums(true).unwrap();
        assert_eq!(sorted.len(), SAMPLE_VALUES);
        // Each tenth of the stream has 10,000 of the sample, standard deviation 90.
        for tenth in sorted.chunk_by(|a, b| *a as u32 / 100_000 == *b as u32 / 100_000) {
            assert!(tenth.len().abs_diff(10_000) < 500, "{}", tenth.len());
        }
        assert!((distinct as f64 / f64::from(many) - 1.0).abs() < 0.05);
    }

    #[test]
    fn zero_has_no_sign() {
        let (_, sorted, distinct) = observe([-0.0, 0.0]).into_sums(false).unwrap();
        assert_eq!(distinct, 1);
        assert!(sorted.iter().all(|value| value.is_sign_positive()));
    }

    #[test]
    fn whole_numbers_end_where_floats_skip_some() {
        assert!(!observe([1.0, -MAX_WHOLE]).has_fraction);
        assert!(observe([MAX_WHOLE * 2.0]).has_fraction);
        assert!(observe([0.5]).has_fraction);
    }
}
