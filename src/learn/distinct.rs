//! How many distinct values there are: exactly up to 1,000, then by a HyperLogLog sketch.

use std::collections::HashSet;

use datasketches::hll::{HllSketch, HllType};

/// Up to so many distinct values the count is exact (but for collisions of 64-bit hashes).
pub const EXACT_DISTINCT: usize = 1_000;
/// log₂ of the number of registers: 4,096, a relative standard error of 1.6 %.
const LOG_REGISTERS: u8 = 12;

/// A counter of distinct values, which come as 64-bit hashes, in any order.
#[derive(Default)]
pub struct Distinct {
    few: HashSet<u64>,
    many: Option<HllSketch>,
}

impl Distinct {
    /// A counter that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a value by its hash, which must be uniform over 64 bits.
    pub fn insert(&mut self, hash: u64) {
        if let Some(many) = &mut self.many {
            many.update(hash);
            return;
        }
        self.few.insert(hash);
        if self.few.len() > EXACT_DISTINCT {
            let mut many = HllSketch::new(LOG_REGISTERS, HllType::Hll8)
                .expect("4,096 registers are within what the sketch allows");
            for hash in self.few.drain() {
                many.update(hash);
            }
            self.few = HashSet::new();
            self.many = Some(many);
        }
    }

    /// Number of distinct values. The same values in another order give the same number: of the
    /// sketch's two estimators the one that depends on order is not used.
    pub fn count(&self) -> u64 {
        match &self.many {
            Some(many) => many.composite_estimate().round() as u64,
            None => self.few.len() as u64,
        }
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        self.few.capacity() * 9 + self.many.as_ref().map_or(0, |many| many.estimated_size())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(value: u64) -> u64 {
        xxhash_rust::xxh3::xxh3_64(&value.to_le_bytes())
    }

    #[test]
    fn a_thousand_values_are_counted_exactly() {
        let mut distinct = Distinct::new();
        for value in 0..10_000 {
            distinct.insert(hash(value % 1_000));
        }
        assert_eq!(distinct.count(), 1_000);
    }

    #[test]
    fn many_values_are_estimated_within_five_percent_whatever_their_order() {
        for many in [1_001_u64, 2_000, 20_000, 300_000] {
            let (mut up, mut down) = (Distinct::new(), Distinct::new());
            for value in 0..many {
                up.insert(hash(value));
                down.insert(hash(many - 1 - value));
                down.insert(hash(many - 1 - value));
            }
            assert_eq!(up.count(), down.count());
            let error = up.count() as f64 / many as f64 - 1.0;
            assert!(error.abs() < 0.05, "{many}: {}", up.count());
        }
    }
}
