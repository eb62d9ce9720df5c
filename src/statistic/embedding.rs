//! The threshold of the distance between two mean embeddings (MMD²), whose directions differ much in
//! variance.

use super::quadratic::{noise, quadratic_threshold};

/// What S = ‖φ̄ − μ‖² of the mean of n window rows and that of m reference rows must exceed to be a
/// change beyond `minimum_effect`, at the one-sided significance z.
///
/// As [`quadratic_threshold`], but the χ² that S is taken for has the skewness of S as well:
///
/// S ≈ v(tr C − t) + u·χ²_f(δ/u), t = (tr C²)² / tr C³, u = v · tr C³ / tr C², f = (tr C²)³ / (tr C³)²
///
/// A few directions of C have most of the variance, and its far tail is theirs. Two moments alone see
/// too thin a tail: of unchanged rows of ten features they let 0.24 % pass at α = 0.1 %, and three let
/// 0.10 % pass (`tests/joint.rs`).
///
/// `traces` are tr C, tr C² and tr C³; `minimum_effect` is δ ≥ 0 in units of S, `design_effect` φ ≥ 1.
///
/// **Range** above 0; falls with n and m, rises with the others.
///
/// **Zeros** Infinite when a side is empty or a trace is not above 0: then nothing is beyond chance.
///
/// **Source** E. S. Pearson 1959, *Note on an approximation to the distribution of non-central χ²*;
/// J. P. Imhof 1961, *Computing the distribution of quadratic forms in normal variables*.
///
/// ```
/// use driftgauge::statistic::{embedding_threshold, quadratic_threshold};
///
/// // Directions that are all alike: nothing is skewed but χ² itself.
/// let alike = embedding_threshold([0.8, 0.016, 0.00032], 5_000, 50_000, 0.0003, 4.75, 1.0);
/// let matched = quadratic_threshold(0.8, 0.016, 5_000, 50_000, 0.0003, 4.75, 1.0);
/// assert!((alike / matched - 1.0).abs() < 1e-9);
/// let skewed = embedding_threshold([0.8, 0.016, 0.00064], 5_000, 50_000, 0.0003, 4.75, 1.0);
/// assert_eq!(format!("{:.3}", skewed / alike), "1.274");
/// ```
pub fn embedding_threshold(
    traces: [f64; 3],
    n: u64,
    m: u64,
    minimum_effect: f64,
    significance: f64,
    design_effect: f64,
) -> f64 {
    let [trace, of_square, of_cube] = traces;
    let skewed = of_square * of_square / of_cube;
    let beyond = quadratic_threshold(
        skewed,
        of_square,
        n,
        m,
        minimum_effect,
        significance,
        design_effect,
    );
    // By Cauchy and Schwarz at most the trace; equal where all directions are alike.
    let fixed = (trace - skewed).max(0.0);
    if beyond.is_finite() {
        beyond + noise(n, m, design_effect) * fixed
    } else {
        f64::INFINITY
    }
}
