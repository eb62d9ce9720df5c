//! The tail of the normal distribution and its inverse, by published rational approximations.
//!
//! Settings say how rare a false alarm may be as z; where both sides of the normal count, its
//! probability must be halved and turned back into a z, far out in the tail, without losing digits.
#![expect(
    clippy::excessive_precision,
    reason = "coefficients as they were published"
)]

use std::f64::consts::{PI, SQRT_2};

/// P(Z > z) of a standard normal Z, 1 − Φ(z).
///
/// **Range** 0 … 1; 0 beyond z = 38.5, where the number is smaller than an `f64` can be.
/// **Precision** 1e-12 relative where the result is a normal number, z ≤ 37.5.
/// **Source** W. J. Cody 1969, *Rational Chebyshev approximations for the error function*.
///
/// ```
/// use driftgauge::statistic::normal_tail;
///
/// assert_eq!(format!("{:.6e}", normal_tail(4.75)), "1.017083e-6");
/// ```
pub fn normal_tail(z: f64) -> f64 {
    let x = z.abs() / SQRT_2;
    let tail = 0.5 * erfc(x);
    if z < 0.0 { 1.0 - tail } else { tail }
}

/// The z with P(Z > z) = `tail`, Φ⁻¹(1 − tail).
///
/// **Range** −∞ at 1 … ∞ at 0; `tail` outside 0 … 1 counts as the nearest end.
/// **Precision** 1e-15 relative to the true z.
/// **Source** M. J. Wichura 1988, *Algorithm AS 241: the percentage points of the normal
/// distribution*.
///
/// ```
/// use driftgauge::statistic::normal_tail_quantile;
///
/// assert_eq!(format!("{:.6}", normal_tail_quantile(0.01)), "2.326348");
/// ```
pub fn normal_tail_quantile(tail: f64) -> f64 {
    let from_the_middle = 0.5 - tail;
    if from_the_middle.abs() <= 0.425 {
        let r = 0.180625 - from_the_middle * from_the_middle;
        return from_the_middle * polynomial(r, &QUANTILE_MIDDLE.0)
            / polynomial(r, &QUANTILE_MIDDLE.1);
    }
    let nearer = if tail < 0.5 { tail } else { 1.0 - tail };
    if nearer <= 0.0 {
        return f64::INFINITY.copysign(from_the_middle);
    }
    let r = (-nearer.ln()).sqrt();
    let z = if r <= 5.0 {
        polynomial(r - 1.6, &QUANTILE_TAIL.0) / polynomial(r - 1.6, &QUANTILE_TAIL.1)
    } else {
        polynomial(r - 5.0, &QUANTILE_FAR.0) / polynomial(r - 5.0, &QUANTILE_FAR.1)
    };
    z.copysign(from_the_middle)
}

/// Complementary error function of x ≥ 0.
fn erfc(x: f64) -> f64 {
    if x <= 0.46875 {
        let square = x * x;
        return 1.0 - x * polynomial(square, &ERF_NEAR.0) / polynomial(square, &ERF_NEAR.1);
    }
    let scaled = if x <= 4.0 {
        polynomial(x, &ERFC_MIDDLE.0) / polynomial(x, &ERFC_MIDDLE.1)
    } else {
        let inverse = 1.0 / (x * x);
        let correction = polynomial(inverse, &ERFC_FAR.0) / polynomial(inverse, &ERFC_FAR.1);
        (1.0 / PI.sqrt() - inverse * correction) / x
    };
    // exp(−x²) in two factors, the first without rounding: x² alone would lose digits far out.
    let coarse = (x * 16.0).trunc() / 16.0;
    let rest = (x - coarse) * (x + coarse);
    (-coarse * coarse).exp() * (-rest).exp() * scaled
}

/// Horner's rule; coefficients by rising power.
fn polynomial(x: f64, coefficients: &[f64]) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

/// Numerator and denominator, by rising power.
type Rational<const N: usize, const D: usize> = ([f64; N], [f64; D]);

/// erf(x)/x in x², x ≤ 0.46875.
const ERF_NEAR: Rational<5, 5> = (
    [
        3.20937758913846947e03,
        3.77485237685302021e02,
        1.13864154151050156e02,
        3.16112374387056560e00,
        1.85777706184603153e-1,
    ],
    [
        2.84423683343917062e03,
        1.28261652607737228e03,
        2.44024637934444173e02,
        2.36012909523441209e01,
        1.0,
    ],
);

/// exp(x²)·erfc(x) in x, 0.46875 < x ≤ 4.
const ERFC_MIDDLE: Rational<9, 9> = (
    [
        1.23033935479799725e03,
        2.05107837782607147e03,
        1.71204761263407058e03,
        8.81952221241769090e02,
        2.98635138197400131e02,
        6.61191906371416295e01,
        8.88314979438837594e00,
        5.64188496988670089e-1,
        2.15311535474403846e-8,
    ],
    [
        1.23033935480374942e03,
        3.43936767414372164e03,
        4.36261909014324716e03,
        3.29079923573345963e03,
        1.62138957456669019e03,
        5.37181101862009858e02,
        1.17693950891312499e02,
        1.57449261107098347e01,
        1.0,
    ],
);

/// Correction to 1/(x√π) in 1/x², x > 4.
const ERFC_FAR: Rational<6, 6> = (
    [
        6.58749161529837803e-4,
        1.60837851487422766e-2,
        1.25781726111229246e-1,
        3.60344899949804439e-1,
        3.05326634961232344e-1,
        1.63153871373020978e-2,
    ],
    [
        2.33520497626869185e-3,
        6.05183413124413191e-2,
        5.27905102951428412e-1,
        1.87295284992346047e00,
        2.56852019228982242e00,
        1.0,
    ],
);

/// z/(½ − tail), |½ − tail| ≤ 0.425.
const QUANTILE_MIDDLE: Rational<8, 8> = (
    [
        3.3871328727963666080e0,
        1.3314166789178437745e2,
        1.9715909503065514427e3,
        1.3731693765509461125e4,
        4.5921953931549871457e4,
        6.7265770927008700853e4,
        3.3430575583588128105e4,
        2.5090809287301226727e3,
    ],
    [
        1.0,
        4.2313330701600911252e1,
        6.8718700749205790830e2,
        5.3941960214247511077e3,
        2.1213794301586595867e4,
        3.9307895800092710610e4,
        2.8729085735721942674e4,
        5.2264952788528545610e3,
    ],
);

/// |z| in √(−ln tail) − 1.6, up to 3.4.
const QUANTILE_TAIL: Rational<8, 8> = (
    [
        1.42343711074968357734e0,
        4.63033784615654529590e0,
        5.76949722146069140550e0,
        3.64784832476320460504e0,
        1.27045825245236838258e0,
        2.41780725177450611770e-1,
        2.27238449892691845833e-2,
        7.74545014278341407640e-4,
    ],
    [
        1.0,
        2.05319162663775882187e0,
        1.67638483018380384940e0,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ],
);

/// |z| in √(−ln tail) − 5, beyond.
const QUANTILE_FAR: Rational<8, 8> = (
    [
        6.65790464350110377720e0,
        5.46378491116411436990e0,
        1.78482653991729133580e0,
        2.96560571828504891230e-1,
        2.65321895265761230930e-2,
        1.24266094738807843860e-3,
        2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    ],
    [
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    ],
);

#[cfg(test)]
mod tests {
    use statrs::distribution::{ContinuousCDF, Normal};

    use super::*;

    /// `scipy.stats.norm.sf(z)`, scipy 1.17.1, across all branches.
    const TAILS: [(f64, f64); 18] = [
        (-5.0, 0.9999997133484281),
        (-1.0, 0.8413447460685429),
        (-0.3, 0.6179114221889526),
        (0.0, 0.5),
        (0.1, 0.460172162722971),
        (0.66, 0.25462691467133614),
        (0.67, 0.25142889509531013),
        (1.0, 0.15865525393145707),
        (2.3263478740408408, 0.01),
        (4.75, 1.0170832425687032e-6),
        (5.65, 8.022391850663474e-9),
        (5.66, 7.568649751997682e-9),
        (8.0, 6.22096057427174e-16),
        (12.0, 1.776482112077653e-33),
        (20.0, 2.7536241186061556e-89),
        (30.0, 4.906713927147908e-198),
        (37.0, 5.7255712225239266e-300),
        (40.0, 0.0),
    ];

    /// `scipy.stats.norm.isf(tail)`, scipy 1.17.1, across all branches.
    const QUANTILES: [(f64, f64); 16] = [
        (0.999999, -4.753424308817087),
        (0.9, -1.2815515655446004),
        (0.575, -0.18911842627279238),
        (0.5, 0.0),
        (0.3, 0.5244005127080409),
        (0.075, 1.4395314709384563),
        (0.07, 1.4757910281791706),
        (0.01, 2.3263478740408408),
        (0.005, 2.575829303548901),
        (5.085416212843516e-7, 4.888304125367185),
        (1e-10, 6.361340902404056),
        (1.39e-11, 6.657777073049202),
        (1.38e-11, 6.658838502850766),
        (1e-20, 9.262340089798409),
        (1e-100, 21.273453560965322),
        (1e-300, 37.0470962993612),
    ];

    #[track_caller]
    fn assert_close(ours: f64, theirs: f64, relative: f64) {
        assert!(
            (ours - theirs).abs() <= relative * theirs.abs(),
            "{ours:e} != {theirs:e}"
        );
    }

    #[test]
    fn the_tail_is_that_of_scipy() {
        for (z, tail) in TAILS {
            assert_close(normal_tail(z), tail, 1e-12);
        }
    }

    #[test]
    fn the_quantile_is_that_of_scipy() {
        for (tail, z) in QUANTILES {
            assert_close(normal_tail_quantile(tail), z, 1e-12);
        }
    }

    #[test]
    fn tail_and_quantile_are_those_of_statrs() {
        let normal = Normal::standard();
        for step in -500..=3_000 {
            let z = f64::from(step) / 100.0;
            let tail = normal.sf(z);
            // statrs itself is 1e-10 away from the truth in places (mpmath).
            assert_close(normal_tail(z), tail, 1e-9);
            assert_close(normal_tail_quantile(tail), -normal.inverse_cdf(tail), 1e-9);
        }
    }

    #[test]
    fn the_quantile_undoes_the_tail() {
        for step in -300..=3_700 {
            let z = f64::from(step) / 100.0;
            // Left of the middle the tail is near 1 and holds fewer digits of z.
            let lost = if z < 0.0 { 1e-13 } else { 1e-15 };
            let back = normal_tail_quantile(normal_tail(z));
            assert!((back - z).abs() <= lost + 1e-14 * z.abs(), "{z} → {back}");
        }
    }

    #[test]
    fn certain_and_impossible_tails_have_infinite_quantiles() {
        assert_eq!(normal_tail_quantile(0.0), f64::INFINITY);
        assert_eq!(normal_tail_quantile(1.0), f64::NEG_INFINITY);
        assert_eq!(normal_tail_quantile(-0.1), f64::INFINITY);
    }
}
