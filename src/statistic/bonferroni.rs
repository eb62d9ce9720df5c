//! One false-alarm rate shared by several tests.

use super::{normal_tail, normal_tail_quantile};

/// The z of α / `tests`, from the z ≥ 0 of α.
///
/// The chance that any of the tests is beyond it is at most α, however they depend on each other.
/// With two, it is the two-sided z.
///
/// **Range** z … z + ln(tests)/z: the normal tail falls faster than exp(−z·x). Where it is too small
/// for a number, this bound is as good as the value.
///
/// **Source** C. E. Bonferroni 1936.
///
/// ```
/// use driftgauge::statistic::bonferroni;
///
/// assert_eq!(format!("{:.4} {:.4}", bonferroni(4.75, 1.0), bonferroni(4.75, 240.0)), "4.7500 5.7587");
/// ```
pub fn bonferroni(z: f64, tests: f64) -> f64 {
    let bound = z + tests.ln() / z;
    if bound.is_nan() {
        return z; // one test at z = 0
    }
    normal_tail_quantile(normal_tail(z) / tests).min(bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `norm.isf(norm.sf(z)/tests)`, scipy 1.17.1.
    #[test]
    fn the_share_of_each_test_is_that_of_scipy() {
        for (z, tests, exact) in [
            (0.0, 2.0, 0.6744897501960817),
            (2.3263478740408408, 2.0, 2.575829303548901),
            (4.75, 240.0, 5.758714455967242),
            (10.0, 240.0, 10.529009997180811),
            (37.0, 2.0, 37.018715326832194),
        ] {
            let ours = bonferroni(z, tests);
            assert!((ours / exact - 1.0).abs() < 1e-12, "{ours} != {exact}");
        }
        assert_eq!(bonferroni(0.0, 1.0), 0.0);
    }

    #[test]
    fn a_significance_beyond_the_smallest_number_stays_finite_and_rising() {
        let of = |z| bonferroni(z, 240.0);
        assert!(of(36.0) < of(38.0) && of(38.0) < of(39.0) && of(39.0) < of(100.0));
        assert!(of(100.0) < 100.1);
    }
}
