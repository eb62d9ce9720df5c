//! How features hang together in the reference, as sums over rows of functions of several features.
//!
//! A value counts by the normal score of its cell: Φ⁻¹ of the share of reference rows below the middle
//! of the cell. Scores are bounded and robust, and the cell is known already.

use super::Variation;

/// Elements of the projection of a vector, at most: the Fourier features of more see less of each.
pub const EMBEDDING_DIMENSIONS: usize = 32;

/// The reference of what features do together.
#[derive(Clone, Debug, PartialEq)]
pub struct JointReference {
    /// Rows summed, m.
    pub rows: u64,
    /// The features, at most 16.
    pub features: Vec<JointFeature>,
    /// Products of the scores of each two features i < j, in the order (0, 1), (0, 2), … (1, 2), …
    pub products: Vec<ProductReference>,
    /// Variation of the products, all pairs together.
    pub variation: Variation,
    /// Random Fourier features of all scores.
    pub fourier: FourierReference,
}

/// A feature of the joint reference.
#[derive(Clone, Debug, PartialEq)]
pub struct JointFeature {
    /// Name of the field.
    pub name: String,
    /// Normal score of each of its cells; a missing value scores 0.
    pub scores: Vec<f64>,
}

/// Products of the scores of two features.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProductReference {
    /// Mean.
    pub mean: f64,
    /// Variance.
    pub variance: f64,
}

/// Mean of random Fourier features: φ(x) = (cos Wx, sin Wx) / √D with D frequencies W ~ N(0, 1/ℓ²),
/// so that ‖φ‖ = 1 and the squared distance of two means estimates the MMD² of a Gaussian kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct FourierReference {
    /// Rows summed, m.
    pub rows: u64,
    /// Elements of x.
    pub dimensions: usize,
    /// From which the frequencies are drawn.
    pub seed: u64,
    /// Bandwidths ℓ; the frequencies are dealt evenly, the first part has the first one.
    pub bandwidths: Vec<f64>,
    /// Means of the D cosines, then of the D sines.
    pub means: Vec<f64>,
    /// tr C of the covariance of φ, 1 − ‖mean‖².
    pub trace: f64,
    /// tr C².
    pub trace_of_square: f64,
    /// tr C³.
    pub trace_of_cube: f64,
    /// Variation of the mean; `None` where that of the field it belongs to stands for it.
    pub variation: Option<Variation>,
}
