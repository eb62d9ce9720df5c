//! Sums over rows: all that is remembered of traffic.
//!
//! Tallies add up: rows into slices, slices into windows, pods into a fleet. Counts also subtract,
//! exactly, so a window is a running sum; sums of floating-point numbers and extremes do not, so
//! those are recombined from the slices.

mod cell_sums;
mod chunks;
mod distinct;
mod embedding;
mod feature;
mod fourier;
mod frequent;
mod joint;
mod latency;
mod outliers;
mod row_codes;
mod traffic;

pub use cell_sums::CellSumsTally;
pub use chunks::{BURN_IN_SPAN_CHUNKS, ChunkSums, GroupSums, SPAN_CHUNKS};
pub use distinct::DistinctTally;
pub use embedding::{EmbeddingMap, Point, Points, Projection};
pub use feature::{FeatureTally, Missed, Moments};
pub use fourier::{FourierMap, RUN};
pub use frequent::{Frequent, FrequentTexts};
pub use joint::{JointScorer, JointTally, MOST_JOINT_FEATURES, ScoredRun, pairs};
pub use latency::LatencyHistogram;
pub use outliers::{OutlierScores, OutlierTally, score_bin};
pub use row_codes::RowCodes;
pub use traffic::TrafficTally;

/// A sum over rows.
pub trait Tally: Clone {
    /// Adds all of `other`.
    fn add(&mut self, other: &Self);

    /// Takes the counts of `other` away, which must be part of this sum. What does not subtract
    /// exactly is left as it is, for [`Tally::recombine`].
    fn subtract_counts(&mut self, other: &Self);

    /// Makes anew, from the parts of this sum, what does not subtract.
    fn recombine(&mut self, parts: &[Self]);

    /// Whether it is a sum over the same number of things, so that the two add up.
    fn has_shape_of(&self, other: &Self) -> bool;

    /// Back to nothing, keeping the memory.
    fn clear(&mut self);

    /// Bytes of memory held, itself included.
    fn bytes(&self) -> usize;
}
