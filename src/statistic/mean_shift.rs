//! Mean shift: which way the values went, and how far in the reference's own units.

use super::Sums;

/// Shift of the mean of a window from that of the reference, in standard deviations of the reference.
///
/// The only one with a sign: above 0 the values rose. It cannot see a change that leaves the mean.
///
/// shift = (x̄ − μ) / σ
///
/// **Range** −∞ … ∞; its size is at most the Wasserstein distance. On unchanged data it varies by √v.
/// One far value moves it: that of an outlier of 1e6 σ in 5,000 rows is 200.
///
/// **Returns** `None` when the moments of a side are not known, the reference is constant (σ = 0), or
/// the result is too large for a number.
///
/// ```
/// use driftgauge::statistic::{Sums, mean_shift};
///
/// let sums = Sums {
///     reference_moments: Some((10.0, 4.0)),
///     window_moments: Some((9.0, 5.0)),
///     ..Sums::default()
/// };
/// assert_eq!(mean_shift(&sums), Some(-0.25));
/// ```
pub fn mean_shift(sums: &Sums<'_>) -> Option<f64> {
    let (reference, stddev) = sums.reference_moments?;
    let (window, _) = sums.window_moments?;
    let shift = (window - reference) / stddev;
    (stddev > 0.0 && shift.is_finite()).then_some(shift)
}
