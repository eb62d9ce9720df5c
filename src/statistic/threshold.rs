//! The threshold of drift: how large the PSI of a harmless change can become by chance.
//!
//! One formula for all features, window lengths and traffic. It tests "the true PSI is at most δ",
//! not "nothing changed at all", which is never true in production; so it holds both a smallest
//! effect that matters and the noise of few rows, and the alert is the same everywhere: ratio > 1.

use super::bonferroni;
use super::quadratic::{ScaledChiSquare, noise};

/// What counts as drift of one feature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sensitivity {
    /// δ ≥ 0, PSI of the largest change that is still harmless.
    pub minimum_effect: f64,
    /// z ≥ 0, normal quantile of the one-sided false-alarm rate: 4.75 is one in a million.
    pub significance: f64,
    /// φ ≥ 1, how much more the counts vary than those of independent rows.
    pub design_effect: f64,
}

impl Default for Sensitivity {
    fn default() -> Self {
        Self {
            minimum_effect: 0.02,
            significance: 4.75,
            design_effect: 1.0,
        }
    }
}

/// PSI above which a feature has drifted, T(n), for n window and m reference rows in B cells.
///
/// A scaled non-central χ² quantile: PSI ≈ v·χ²_k(λ), whose quantile at z is taken by Patnaik's
/// central χ² with the same first two moments and Wilson and Hilferty's cube.
///
/// v = φ(1/n + 1/m), k = B − 1, λ = δ/v, f = (k+λ)² / (k+2λ)
///
/// k ≥ 2: T = v(k+λ) · (1 − 2/(9f) + z·√(2/(9f)))³
///
/// k = 1: T = v(√λ + z)², the exact square; at δ = 0 both sides of the normal count, hence with the
/// z of α/2 in place of that of α.
///
/// **Range** above 0. Falls with n towards δ, rises with δ, z, φ and B. For few rows it is the noise
/// floor v·χ²_k.
///
/// **Zeros** Infinite when a side is empty or there are fewer than two cells: then no drift is
/// beyond chance.
///
/// **Accuracy** of Patnaik with Wilson–Hilferty against the exact quantile: 5 % for k ≥ 9 down to
/// α = 1e-4, always on the high (silent) side for small k.
///
/// **Limits** It knows the chance of rows falling into given cells, not that of the cells having been
/// chosen by the same rows. A long tail of categories therefore exceeds it on unchanged data: at
/// δ = 0 once the window is as long as the reference (`tests/null_calibration/`), and even at the
/// defaults where 50 categories are kept of a reference of 2,000 rows or fewer.
///
/// **Source** Patnaik 1949, *The non-central χ² and F distributions*; Wilson and Hilferty 1931;
/// Potgieter et al. 2023, arXiv 2307.11878, for the null of a tolerated difference.
///
/// ```
/// use driftgauge::statistic::{Sensitivity, threshold};
///
/// let sensitivity = Sensitivity::default();
/// let of_rows = |n| format!("{:.4}", threshold(24, n, 50_000, &sensitivity));
/// assert_eq!(of_rows(120), "0.6537");
/// assert_eq!(of_rows(3_000), "0.0652");
/// assert_eq!(of_rows(1_000_000), "0.0273");
/// assert_eq!(of_rows(0), "inf");
/// ```
pub fn threshold(cells: usize, n: u64, m: u64, sensitivity: &Sensitivity) -> f64 {
    if cells < 2 || n == 0 || m == 0 {
        return f64::INFINITY;
    }
    let v = noise(n, m, sensitivity.design_effect);
    let k = (cells - 1) as f64;
    let z = sensitivity.significance;
    if cells == 2 {
        let lambda = sensitivity.minimum_effect / v;
        let z = if lambda > 0.0 { z } else { bonferroni(z, 2.0) };
        return v * (lambda.sqrt() + z).powi(2);
    }
    ScaledChiSquare::new(v, k, sensitivity.minimum_effect).quantile(z)
}

/// Drift in units of its threshold, PSI / T: above 1 is drift, the same for every feature.
///
/// **Range** 0 … ∞.
///
/// **Returns** `None` when n or m is below [`minimum_rows`], where no statistic can be believed.
///
/// ```
/// use driftgauge::statistic::{Sensitivity, psi, ratio};
///
/// let (reference, window) = ([500, 300, 200], [150, 200, 250]);
/// let drift = psi(&reference, &window).unwrap();
/// let ratio_of = |n| ratio(drift, 3, n, 1_000, &Sensitivity::default());
/// assert_eq!(format!("{:.3}", ratio_of(600).unwrap()), "1.837");
/// assert_eq!(ratio_of(99), None);
/// ```
pub fn ratio(drift: f64, cells: usize, n: u64, m: u64, sensitivity: &Sensitivity) -> Option<f64> {
    let enough = minimum_rows(cells, sensitivity.design_effect);
    (n >= enough && m >= enough).then(|| drift / threshold(cells, n, m, sensitivity))
}

/// Rows that both sides need before drift is judged, n_min = max(100, 5·B·φ), rounded up.
///
/// ```
/// use driftgauge::statistic::minimum_rows;
///
/// assert_eq!([minimum_rows(2, 1.0), minimum_rows(24, 1.0), minimum_rows(24, 2.17)], [100, 120, 261]);
/// ```
pub fn minimum_rows(cells: usize, design_effect: f64) -> u64 {
    ((5.0 * cells as f64 * design_effect).ceil() as u64).max(100)
}

/// Drift without the noise of few rows, max(0, PSI − k·v): does not rise at night when traffic
/// falls.
///
/// **Range** 0 … ∞; on unchanged data about half of the values are 0. It is 0 when a side is empty.
///
/// ```
/// use driftgauge::statistic::excess;
///
/// assert_eq!(format!("{:.3}", excess(0.25, 24, 200, 5_000, 1.0)), "0.130");
/// assert_eq!(excess(0.05, 24, 200, 5_000, 1.0), 0.0);
/// ```
pub fn excess(drift: f64, cells: usize, n: u64, m: u64, design_effect: f64) -> f64 {
    if n == 0 || m == 0 {
        return 0.0;
    }
    let k = cells.saturating_sub(1) as f64;
    (drift - k * noise(n, m, design_effect)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sensitivity(minimum_effect: f64, significance: f64, design_effect: f64) -> Sensitivity {
        Sensitivity {
            minimum_effect,
            significance,
            design_effect,
        }
    }

    /// B, n, m, δ, z, φ; the formula in numpy; the exact quantile, `v * ncx2.isf(norm.sf(z), B-1,
    /// δ/v)` (`v * chi2.isf(norm.sf(z), B-1)` at δ = 0), scipy 1.17.1.
    #[expect(clippy::type_complexity, reason = "a table")]
    const TRUTH: [(usize, u64, u64, f64, f64, f64, f64, f64); 8] = [
        (
            24,
            120,
            5_000,
            0.02,
            4.75,
            1.0,
            0.6665989781902817,
            0.658499123051002,
        ),
        (
            24,
            5_000,
            5_000,
            0.02,
            4.75,
            2.17,
            0.10895386314215037,
            0.10526352021747551,
        ),
        (
            10,
            1_000,
            50_000,
            0.1,
            3.09,
            1.0,
            0.1844049569844324,
            0.1814751709054146,
        ),
        (
            65,
            400,
            5_000,
            0.0,
            2.3263478740408408,
            1.0,
            0.25172929280075973,
            0.2516855210826438,
        ),
        (
            2,
            300,
            5_000,
            0.02,
            4.75,
            1.5,
            0.23738973633937652,
            0.23738973633941787,
        ),
        (
            3,
            1_000_000,
            1_000_000,
            0.02,
            4.75,
            1.0,
            0.021962052785172975,
            0.02194717179729104,
        ),
        (
            11,
            200,
            1_000,
            0.0,
            3.090232306167813,
            1.0,
            0.1785783017473631,
            0.17752979067044655,
        ),
        (
            24,
            1 << 40,
            1 << 40,
            0.02,
            4.75,
            1.0,
            0.020001812075335225,
            0.020001812062260788,
        ),
    ];

    #[test]
    fn the_formula_is_that_of_numpy_and_near_the_exact_quantile() {
        for (cells, n, m, effect, z, phi, formula, exact) in TRUTH {
            let ours = threshold(cells, n, m, &sensitivity(effect, z, phi));
            assert!((ours / formula - 1.0).abs() < 1e-12, "{ours} != {formula}");
            assert!(
                (ours / exact - 1.0).abs() < 0.05,
                "{ours} is not near {exact}"
            );
        }
    }

    /// `chi2.isf(norm.sf(z), 1) * (1/500 + 1/2000)`, scipy 1.17.1.
    #[test]
    fn two_cells_without_a_minimum_effect_take_both_sides_of_the_normal() {
        for (z, exact) in [
            (0.0, 0.001137341057798931),
            (1.0, 0.0049674917832897994),
            (2.3263478740408408, 0.016587241502553043),
            (4.75, 0.05973879305520461),
            (10.0, 0.25343229225236164),
            (37.0, 3.4259632111226024),
        ] {
            let ours = threshold(2, 500, 2_000, &sensitivity(0.0, z, 1.0));
            assert!((ours / exact - 1.0).abs() < 1e-12, "{ours} != {exact}");
        }
    }

    #[test]
    fn a_significance_beyond_the_smallest_number_stays_finite_and_rising() {
        let of = |z| threshold(2, 500, 2_000, &sensitivity(0.0, z, 1.0));
        assert!(of(37.0) < of(38.0) && of(38.0) < of(39.0) && of(39.0) < of(100.0));
        assert!(of(100.0) < 1.0005 * 100.0_f64.powi(2) * 0.0025);
    }

    #[test]
    fn more_rows_never_raise_the_threshold_and_many_rows_bring_it_to_the_minimum_effect() {
        for cells in [2, 3, 24, 64] {
            for minimum_effect in [0.0, 0.02, 0.1] {
                let sensitivity = sensitivity(minimum_effect, 4.75, 1.0);
                let of_rows = |rows| threshold(cells, rows, rows, &sensitivity);
                let rows: Vec<u64> = (6..40).map(|power| 1 << power).collect();
                assert!(rows.is_sorted_by(|&few, &many| of_rows(few) > of_rows(many)));
                assert!((of_rows(1 << 40) - minimum_effect).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn what_makes_chance_larger_raises_the_threshold() {
        let base = threshold(24, 1_000, 5_000, &sensitivity(0.02, 4.75, 1.0));
        for higher in [
            threshold(25, 1_000, 5_000, &sensitivity(0.02, 4.75, 1.0)),
            threshold(24, 999, 5_000, &sensitivity(0.02, 4.75, 1.0)),
            threshold(24, 1_000, 4_999, &sensitivity(0.02, 4.75, 1.0)),
            threshold(24, 1_000, 5_000, &sensitivity(0.021, 4.75, 1.0)),
            threshold(24, 1_000, 5_000, &sensitivity(0.02, 4.76, 1.0)),
            threshold(24, 1_000, 5_000, &sensitivity(0.02, 4.75, 1.01)),
        ] {
            assert!(higher > base);
        }
    }

    #[test]
    fn nothing_to_compare_is_never_drift() {
        let any = Sensitivity::default();
        for (cells, n, m) in [(24, 0, 5_000), (24, 500, 0), (1, 500, 500), (0, 500, 500)] {
            assert_eq!(threshold(cells, n, m, &any), f64::INFINITY);
        }
        assert_eq!(excess(1.0, 24, 0, 5_000, 1.0), 0.0);
        assert_eq!(excess(1.0, 24, 500, 0, 1.0), 0.0);
        assert_eq!(excess(1.0, 0, 500, 500, 1.0), 1.0);
    }

    #[test]
    fn both_sides_need_the_minimum_of_rows() {
        let any = Sensitivity::default();
        assert_eq!(minimum_rows(24, 1.0), 120);
        assert_eq!(ratio(0.5, 24, 119, 5_000, &any), None);
        assert_eq!(ratio(0.5, 24, 5_000, 119, &any), None);
        assert!(ratio(0.5, 24, 120, 120, &any).is_some());
        let clustered = sensitivity(0.02, 4.75, 2.0);
        assert_eq!(ratio(0.5, 24, 239, 5_000, &clustered), None);
        assert!(ratio(0.5, 24, 240, 240, &clustered).is_some());
        assert_eq!(minimum_rows(2, 1.0), 100);
    }
}
