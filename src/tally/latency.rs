//! Latencies in logarithmic buckets, so that quantiles of a window can be read from a sum.

use serde::{Deserialize, Serialize};

/// Buckets per factor of two.
const PER_OCTAVE: usize = 16;
/// Factors of two covered: 1 µs … 71 minutes.
const OCTAVES: usize = 32;

/// Counts of latencies in microseconds. Bucket bounds grow by at most 1/16, so a quantile read from
/// it is off by at most 3.2 %.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyHistogram {
    counts: Box<[u64]>,
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self {
            counts: vec![0; PER_OCTAVE * OCTAVES].into(),
        }
    }
}

impl LatencyHistogram {
    /// Adds one latency.
    pub fn observe(&mut self, micros: u32) {
        self.counts[bucket(micros)] += 1;
    }

    /// Adds all of `other`.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
    }

    /// Takes away what was added before.
    pub fn subtract(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine -= theirs;
        }
    }

    /// Whether it has all buckets, which one read from a file may not.
    pub(super) fn is_whole(&self) -> bool {
        self.counts.len() == PER_OCTAVE * OCTAVES
    }

    /// Back to nothing.
    pub fn clear(&mut self) {
        self.counts.fill(0);
    }

    /// Latency in seconds below which the share `q` of all lies; `None` without any. The middle of
    /// the bucket that holds the ⌈q·n⌉-th smallest.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let total: u64 = self.counts.iter().sum();
        let rank = ((q * total as f64).ceil() as u64).max(1);
        let mut below = 0;
        let found = self.counts.iter().position(|&count| {
            below += count;
            below >= rank
        });
        found
            .filter(|_| total > 0)
            .map(|bucket| (lower(bucket) + lower(bucket + 1)) / 2.0 / 1e6)
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.counts)
    }
}

/// Bucket of a latency: its highest bit chooses the octave, the next four bits the bucket in it.
fn bucket(micros: u32) -> usize {
    let micros = micros.max(1);
    let octave = micros.ilog2() as usize;
    let within = ((u64::from(micros) * PER_OCTAVE as u64) >> octave) as usize - PER_OCTAVE;
    octave * PER_OCTAVE + within
}

/// Lower bound of a bucket in microseconds.
fn lower(bucket: usize) -> f64 {
    let octave = f64::from((bucket / PER_OCTAVE) as u32).exp2();
    octave * (1.0 + (bucket % PER_OCTAVE) as f64 / PER_OCTAVE as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_latency_lies_in_its_bucket() {
        for micros in [1, 2, 3, 17, 100, 999, 1_000, 123_456, u32::MAX] {
            let bucket = bucket(micros);
            assert!(lower(bucket) <= f64::from(micros), "{micros}");
            assert!(f64::from(micros) < lower(bucket + 1), "{micros}");
        }
    }

    #[test]
    fn quantiles_are_within_three_percent() {
        let mut histogram = LatencyHistogram::default();
        assert_eq!(histogram.quantile(0.5), None);
        (1..=10_000).for_each(|micros| histogram.observe(micros));
        for (q, seconds) in [(0.5, 0.005), (0.9, 0.009), (0.99, 0.0099)] {
            let found = histogram.quantile(q).unwrap();
            assert!((found / seconds - 1.0).abs() < 0.032, "{q}: {found}");
        }
    }
}
