//! The threshold of any statistic that is a sum of squared deviations: PSI, MMD², the distance of
//! two mean embeddings.
//!
//! They differ in the covariance C of what is averaged and in nothing else. Its trace says how large
//! the statistic is by chance, its square's trace how many independent directions there are.

/// What S = ‖φ̄ − μ‖² of the mean of n window rows and that of m reference rows must exceed to be a
/// change beyond `minimum_effect`, at the one-sided significance z.
///
/// S is near a sum of independent χ²₁ with the eigenvalues of C as weights, taken for a scaled χ² with
/// the same first two moments (Satterthwaite), non-central by the tolerated change:
///
/// S ≈ u·χ²_f(λ), v = φ(1/n + 1/m), u = v · tr C² / tr C, f = (tr C)² / tr C², λ = δ/u
///
/// whose upper quantile is found as in [`threshold`](super::threshold): that is the case of B cells,
/// tr C = tr C² = B − 1.
///
/// `minimum_effect` is δ ≥ 0 in units of S, `design_effect` is φ ≥ 1.
///
/// **Range** above 0; falls with n and m, rises with the others. v·tr C is what S is on average
/// without any change.
///
/// **Zeros** Infinite when a side is empty or a trace is not above 0: then nothing is beyond chance.
///
/// **Source** F. E. Satterthwaite 1946; Patnaik 1949; Wilson and Hilferty 1931; A. Gretton et al.
/// 2009, *A fast, consistent kernel two-sample test*, for moment matching of MMD.
///
/// ```
/// use driftgauge::statistic::{Sensitivity, quadratic_threshold, threshold};
///
/// let of_embedding = quadratic_threshold(0.8, 0.012, 5_000, 50_000, 0.0003, 4.75, 1.0);
/// assert_eq!(format!("{of_embedding:.6}"), "0.000898");
/// let of_24_cells = quadratic_threshold(23.0, 23.0, 5_000, 50_000, 0.02, 4.75, 1.0);
/// assert_eq!(of_24_cells, threshold(24, 5_000, 50_000, &Sensitivity::default()));
/// ```
pub fn quadratic_threshold(
    trace: f64,
    trace_of_square: f64,
    n: u64,
    m: u64,
    minimum_effect: f64,
    significance: f64,
    design_effect: f64,
) -> f64 {
    let is_positive = trace > 0.0 && trace_of_square > 0.0;
    if n == 0 || m == 0 || !is_positive {
        return f64::INFINITY;
    }
    let scale = noise(n, m, design_effect) * trace_of_square / trace;
    let freedom = trace * trace / trace_of_square;
    ScaledChiSquare::new(scale, freedom, minimum_effect).quantile(significance)
}

/// v = φ(1/n + 1/m): the scale of chance.
pub(super) fn noise(n: u64, m: u64, design_effect: f64) -> f64 {
    design_effect * (1.0 / n as f64 + 1.0 / m as f64)
}

/// A scaled non-central χ², u·χ²_k(δ/u), as Patnaik's central one, whose cube root is near normal
/// (Wilson and Hilferty).
pub(super) struct ScaledChiSquare {
    /// u(k + λ).
    mean: f64,
    /// 2/(9f), f = (k + λ)² / (k + 2λ).
    spread: f64,
}

impl ScaledChiSquare {
    /// `scale` u > 0, `freedom` k > 0, `effect` δ ≥ 0.
    pub fn new(scale: f64, freedom: f64, effect: f64) -> Self {
        let lambda = effect / scale;
        let f = (freedom + lambda).powi(2) / (freedom + 2.0 * lambda);
        Self {
            mean: scale * (freedom + lambda),
            spread: 2.0 / (9.0 * f),
        }
    }

    /// The value exceeded with the probability that a standard normal has beyond `z`.
    pub fn quantile(&self, z: f64) -> f64 {
        self.mean * (1.0 - self.spread + z * self.spread.sqrt()).powi(3)
    }

    /// The z whose quantile `value` ≥ 0 is.
    pub fn z(&self, value: f64) -> f64 {
        ((value / self.mean).cbrt() - 1.0 + self.spread) / self.spread.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// tr C, tr C², n, m, δ, z, φ; the formula in numpy; the exact quantile, `u * ncx2.isf(norm.sf(z),
    /// f, δ/u)` (`u * chi2.isf(norm.sf(z), f)` at δ = 0), scipy 1.17.1.
    #[expect(clippy::type_complexity, reason = "a table")]
    const TRUTH: [(f64, f64, u64, u64, f64, f64, f64, f64, f64); 4] = [
        (
            0.836,
            0.014,
            1_000,
            20_000,
            0.00025,
            4.75,
            1.0,
            0.0025053217588876923,
            0.0024811739664402544,
        ),
        (
            0.39,
            0.01,
            200,
            20_000,
            0.0,
            3.09,
            1.5,
            0.007413058484808216,
            0.007385247115923461,
        ),
        (
            120.0,
            300.0,
            5_000,
            20_000,
            0.0,
            2.3263478740408408,
            1.0,
            0.0460630650809756,
            0.04605164907506607,
        ),
        (
            0.8,
            0.012,
            1_000_000,
            1_000_000,
            0.0003,
            4.75,
            1.0,
            0.0003310050957796254,
            0.0003307835883541599,
        ),
    ];

    #[test]
    fn the_formula_is_that_of_numpy_and_near_the_exact_quantile() {
        for (trace, square, n, m, effect, z, phi, formula, exact) in TRUTH {
            let ours = quadratic_threshold(trace, square, n, m, effect, z, phi);
            assert!((ours / formula - 1.0).abs() < 1e-12, "{ours} != {formula}");
            assert!(
                (ours / exact - 1.0).abs() < 0.02,
                "{ours} is not near {exact}"
            );
        }
    }

    #[test]
    fn units_of_the_statistic_do_not_matter() {
        let of = |unit: f64| {
            quadratic_threshold(
                0.8 * unit,
                0.012 * unit * unit,
                900,
                9_000,
                0.003 * unit,
                4.75,
                1.0,
            )
        };
        assert!((of(1e6) / of(1.0) / 1e6 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_to_compare_is_never_drift() {
        for (trace, square, n, m) in [
            (0.0, 0.0, 10, 10),
            (1.0, 1.0, 0, 10),
            (1.0, 1.0, 10, 0),
            (f64::NAN, 1.0, 10, 10),
        ] {
            let threshold = quadratic_threshold(trace, square, n, m, 0.02, 4.75, 1.0);
            assert_eq!(threshold, f64::INFINITY);
        }
    }
}
