//! When a rate (missing, out of range, unseen category) is above the reference's, not by chance.

use super::wilson_lower;

/// How far above the reference's a rate may be without mattering.
pub const RATE_MARGIN: f64 = 0.005;

/// Whether the rate `count` / `n` is surely above `reference_rate` by more than [`RATE_MARGIN`].
///
/// wilson_lower(count, n/φ, z) > reference_rate + 0.005
///
/// **Zeros** false without rows. A reference rate of 0 needs no special case.
///
/// ```
/// use driftgauge::statistic::is_raised;
///
/// assert!(!is_raised(3, 100, 0.0, 1.0, 4.75), "3 of 100 may be chance");
/// assert!(is_raised(300, 10_000, 0.0, 1.0, 4.75), "300 of 10,000 are not");
/// ```
pub fn is_raised(count: u64, n: u64, reference_rate: f64, design_effect: f64, z: f64) -> bool {
    wilson_lower(count, n, design_effect, z) > reference_rate + RATE_MARGIN
}
