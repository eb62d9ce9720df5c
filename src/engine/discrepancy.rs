//! The distance of two mean embeddings (MMD²) in units of its threshold.

use crate::profile::FourierReference;
use crate::statistic::{self, Sensitivity};
use crate::tally::JointTally;

/// A mean embedding: of a reference, or of a window.
#[derive(Clone, Debug)]
pub(super) struct MeanEmbedding {
    pub rows: u64,
    pub means: Vec<f64>,
}

impl MeanEmbedding {
    /// Of the rows of the reference.
    pub fn of_reference(fourier: &FourierReference) -> Self {
        Self {
            rows: fourier.rows,
            means: fourier.means.clone(),
        }
    }

    /// Of the rows of a window; `None` when it has none.
    pub fn of_window(sums: &JointTally) -> Option<Self> {
        let mean = |sum: &f64| sum / sums.rows as f64;
        (sums.rows > 0).then(|| Self {
            rows: sums.rows,
            means: sums.fourier.iter().map(mean).collect(),
        })
    }
}

/// MMD² in units of its threshold, of two mean embeddings as `fourier` was measured; the minimum effect
/// is a squared distance. `None` unless both sides have n_min rows: 5 for each element, as a feature
/// needs 5 for each cell.
pub(super) fn discrepancy(
    fourier: &FourierReference,
    a: &MeanEmbedding,
    b: &MeanEmbedding,
    sensitivity: &Sensitivity,
) -> Option<f64> {
    let least = statistic::minimum_rows(fourier.dimensions, sensitivity.design_effect);
    if a.rows.min(b.rows) < least {
        return None;
    }
    let differences = a.means.iter().zip(&b.means).map(|(a, b)| a - b);
    let squared_distance: f64 = differences.map(|difference| difference * difference).sum();
    let threshold = statistic::embedding_threshold(
        [
            fourier.trace,
            fourier.trace_of_square,
            fourier.trace_of_cube,
        ],
        a.rows,
        b.rows,
        sensitivity.minimum_effect,
        sensitivity.significance,
        sensitivity.design_effect,
    );
    Some(squared_distance / threshold)
}
