//! How many different values came, as a sketch: adds like a sum, does not subtract.

use datasketches::hll::{HllSketch, HllType, HllUnion};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::Tally;

/// log₂ of the number of registers: 1,024, a relative standard error of 3.3 %.
const LOG_REGISTERS: u8 = 10;

/// HyperLogLog of values. For display only; it never feeds an alarm.
#[derive(Clone, Serialize, Deserialize)]
pub struct DistinctTally {
    #[serde(with = "bytes")]
    sketch: HllSketch,
}

impl Default for DistinctTally {
    fn default() -> Self {
        Self {
            sketch: HllSketch::new(LOG_REGISTERS, HllType::Hll8)
                .expect("1,024 registers are within what the sketch allows"),
        }
    }
}

impl DistinctTally {
    /// Adds a number; 0 and −0 are the same.
    pub fn add_number(&mut self, value: f64) {
        self.sketch.update(xxh3_64(&(value + 0.0).to_le_bytes()));
    }

    /// Adds a text.
    pub fn add_text(&mut self, value: &str) {
        self.sketch.update(xxh3_64(value.as_bytes()));
    }

    /// Whether nothing has been added.
    pub fn is_empty(&self) -> bool {
        self.sketch.is_empty()
    }

    /// Estimated number of different values.
    pub fn estimate(&self) -> f64 {
        self.sketch.composite_estimate().round()
    }
}

/// Sketches in their own form, as bytes.
mod bytes {
    use datasketches::hll::HllSketch;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(sketch: &HllSketch, to: S) -> Result<S::Ok, S::Error> {
        sketch.serialize().serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<HllSketch, D::Error> {
        let bytes = Vec::deserialize(from)?;
        HllSketch::deserialize(&bytes).map_err(D::Error::custom)
    }
}

/// The union of sketches.
fn union<'a>(sketches: impl Iterator<Item = &'a HllSketch>) -> HllSketch {
    let mut union = HllUnion::new(LOG_REGISTERS).expect("1,024 registers are allowed");
    sketches.for_each(|sketch| union.update(sketch));
    union.to_sketch(HllType::Hll8)
}

impl Tally for DistinctTally {
    fn add(&mut self, other: &Self) {
        self.sketch = union([&self.sketch, &other.sketch].into_iter());
    }

    fn subtract_counts(&mut self, _: &Self) {}

    fn recombine(&mut self, parts: &[Self]) {
        self.sketch = union(parts.iter().map(|part| &part.sketch));
    }

    fn has_shape_of(&self, _: &Self) -> bool {
        true
    }

    fn clear(&mut self) {
        *self = Self::default();
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.sketch.estimated_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::Ring;

    #[test]
    fn a_window_counts_what_is_still_in_it() {
        let mut ring = Ring::new(&DistinctTally::default());
        let slice = |from: u32, to: u32| {
            let mut tally = DistinctTally::default();
            (from..to).for_each(|value| tally.add_number(f64::from(value)));
            tally
        };
        ring.add(0, &slice(0, 5_000));
        ring.add(3, &slice(4_000, 6_000));
        let error = ring.total().estimate() / 6_000.0 - 1.0;
        assert!(error.abs() < 0.1, "{error}");
        ring.advance_to(12);
        let error = ring.total().estimate() / 2_000.0 - 1.0;
        assert!(error.abs() < 0.1, "{error}");
    }
}
