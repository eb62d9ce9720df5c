//! How far drift is beyond chance, in standard deviations: to rank fields and to say a p-value.

use std::f64::consts::LN_2;

use super::quadratic::{ScaledChiSquare, noise};
use super::{Sensitivity, minimum_rows, normal_tail, normal_tail_quantile};

/// The z at which [`threshold`](super::threshold) would be exactly this PSI.
///
/// The change beyond the tolerated one in standard deviations of chance. The p-value of "the true PSI
/// is at most δ" is [`normal_tail`] of it. It is above [`Sensitivity::significance`] exactly where the
/// ratio is above 1; unlike the ratio it can be compared between fields with different B and n.
///
/// k ≥ 2: z = ((PSI / v(k+λ))^⅓ − 1 + 2/(9f)) / √(2/(9f))
///
/// k = 1: z = √(PSI/v) − √λ; at δ = 0 the z of twice the tail beyond √(PSI/v)
///
/// **Range** finite; below 0 for less than about the tolerated change, on unchanged data mostly far
/// below.
///
/// **Accuracy** of the p-value as that of the threshold: good to α = 1e-6, an order of magnitude
/// farther out.
///
/// **Returns** `None` with fewer than two cells, and when n or m is below [`minimum_rows`].
///
/// **Source** as of [`threshold`](super::threshold).
///
/// ```
/// use driftgauge::statistic::{Sensitivity, threshold, z_score};
///
/// let sensitivity = Sensitivity::default();
/// let at_threshold = threshold(24, 3_000, 50_000, &sensitivity);
/// let z = z_score(at_threshold, 24, 3_000, 50_000, &sensitivity).unwrap();
/// assert_eq!(format!("{z:.6}"), "4.750000");
/// assert_eq!(z_score(0.3, 24, 119, 50_000, &sensitivity), None);
/// ```
pub fn z_score(psi: f64, cells: usize, n: u64, m: u64, sensitivity: &Sensitivity) -> Option<f64> {
    let enough = minimum_rows(cells, sensitivity.design_effect);
    if cells < 2 || n < enough || m < enough {
        return None;
    }
    let v = noise(n, m, sensitivity.design_effect);
    if cells > 2 {
        let k = (cells - 1) as f64;
        return Some(ScaledChiSquare::new(v, k, sensitivity.minimum_effect).z(psi));
    }
    let root = (psi / v).sqrt();
    if sensitivity.minimum_effect > 0.0 {
        return Some(root - (sensitivity.minimum_effect / v).sqrt());
    }
    // Both sides of the normal count; at 0 the whole of it.
    let tail = (2.0 * normal_tail(root)).min(1.0 - f64::EPSILON);
    Some(if tail > 0.0 {
        normal_tail_quantile(tail)
    } else {
        root - LN_2 / root
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistic::{ratio, threshold};

    fn sensitivities() -> impl Iterator<Item = Sensitivity> {
        let effects = [0.0, 0.02, 0.3];
        effects.into_iter().flat_map(|minimum_effect| {
            [0.5, 2.33, 4.75, 8.0].map(|significance| Sensitivity {
                minimum_effect,
                significance,
                design_effect: 1.5,
            })
        })
    }

    #[test]
    fn it_is_the_inverse_of_the_threshold() {
        for sensitivity in sensitivities() {
            for cells in [2, 3, 24, 64] {
                for (n, m) in [(500, 5_000), (100_000, 1_000_000)] {
                    let at = threshold(cells, n, m, &sensitivity);
                    let z = z_score(at, cells, n, m, &sensitivity).unwrap();
                    let expected = sensitivity.significance;
                    assert!(
                        (z - expected).abs() < 1e-8,
                        "{cells} cells: {z} != {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn it_passes_the_significance_where_the_ratio_passes_one() {
        for sensitivity in sensitivities() {
            for cells in [2, 3, 24] {
                let mut before = f64::NEG_INFINITY;
                for step in 0..400 {
                    let psi = f64::from(step) * 0.002;
                    let z = z_score(psi, cells, 700, 5_000, &sensitivity).unwrap();
                    let ratio = ratio(psi, cells, 700, 5_000, &sensitivity).unwrap();
                    assert!(
                        z.is_finite() && z >= before,
                        "psi {psi}: {z} after {before}"
                    );
                    if (ratio - 1.0).abs() > 1e-9 {
                        assert_eq!(z > sensitivity.significance, ratio > 1.0, "psi {psi}");
                    }
                    before = z;
                }
            }
        }
    }

    /// `v = 1/3000 + 1/50000; norm.isf(ncx2.sf(0.05/v, 23, 0.02/v))`, scipy 1.17.1.
    #[test]
    fn it_is_near_the_exact_one() {
        let z = z_score(0.05, 24, 3_000, 50_000, &Sensitivity::default()).unwrap();
        assert!((z - 3.2208475887538843).abs() < 0.1, "{z}");
    }

    #[test]
    fn no_alarm_is_too_sure_for_a_number() {
        for minimum_effect in [0.0, 0.02] {
            let sensitivity = Sensitivity {
                minimum_effect,
                ..Sensitivity::default()
            };
            for cells in [2, 24] {
                let z = z_score(30.0, cells, 1 << 40, 1 << 40, &sensitivity).unwrap();
                assert!(z.is_finite() && z > 1_000.0);
            }
        }
        let any = Sensitivity::default();
        assert_eq!(z_score(1.0, 1, 500, 500, &any), None);
        assert_eq!(z_score(1.0, 24, 500, 119, &any), None);
    }
}
