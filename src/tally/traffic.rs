//! Sums over the rows and calls of one model and version.

use serde::{Deserialize, Serialize};

use super::{LatencyHistogram, Tally};

/// Rows and calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrafficTally {
    /// Rows observed.
    pub rows: u64,
    /// Calls observed.
    pub calls: u64,
    /// Calls that failed.
    pub failed_calls: u64,
    /// Rows scaled by the weight of their batches: what the model really answered.
    pub weighted_rows: f64,
    /// Latencies; made when the first one is known.
    pub latency: Option<LatencyHistogram>,
}

impl TrafficTally {
    /// Adds the latency of one call.
    pub fn observe_latency(&mut self, micros: u32) {
        self.latency.get_or_insert_default().observe(micros);
    }
}

impl Tally for TrafficTally {
    fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.calls += other.calls;
        self.failed_calls += other.failed_calls;
        self.weighted_rows += other.weighted_rows;
        if let Some(theirs) = &other.latency {
            self.latency.get_or_insert_default().add(theirs);
        }
    }

    fn subtract_counts(&mut self, other: &Self) {
        self.rows -= other.rows;
        self.calls -= other.calls;
        self.failed_calls -= other.failed_calls;
        if let (Some(mine), Some(theirs)) = (&mut self.latency, &other.latency) {
            mine.subtract(theirs);
        }
    }

    fn recombine(&mut self, parts: &[Self]) {
        self.weighted_rows = parts.iter().map(|part| part.weighted_rows).sum();
    }

    fn has_shape_of(&self, _: &Self) -> bool {
        self.latency.as_ref().is_none_or(LatencyHistogram::is_whole)
    }

    fn clear(&mut self) {
        let mut latency = self.latency.take();
        if let Some(latency) = &mut latency {
            latency.clear();
        }
        *self = Self {
            latency,
            ..Self::default()
        };
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.latency.as_ref().map_or(0, LatencyHistogram::bytes)
    }
}
