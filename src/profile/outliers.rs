//! How unusual single rows of the reference are.

/// The reference of outlier scores.
#[derive(Clone, Debug, PartialEq)]
pub struct OutlierReference {
    /// The features looked at, at most 64.
    pub features: Vec<OutlierFeature>,
    /// Rows by outlier score: bin `i` holds scores from i × `bin_width` on, the last one all beyond.
    pub rows: Vec<u64>,
    /// Width of a bin.
    pub bin_width: f64,
}

/// A feature and how unusual each of its cells is.
#[derive(Clone, Debug, PartialEq)]
pub struct OutlierFeature {
    /// Name of the field.
    pub name: String,
    /// Tail score of each cell, −ln of a share of reference rows; a missing value scores 0.
    pub scores: Vec<f64>,
}
