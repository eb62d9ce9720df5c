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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_must_leave_the_margin_behind_for_sure() {
        let raised = |count, n| is_raised(count, n, 0.1, 1.0, 4.75);
        assert!(!raised(10, 100));
        assert!(!raised(20, 100), "a doubled rate of few rows may be chance");
        assert!(raised(2_000, 10_000));
        assert!(!raised(104_000_000, 1_000_000_000), "sure, but too little");
        assert!(raised(106_000_000, 1_000_000_000));
        assert!(!raised(0, 0));
    }
}
