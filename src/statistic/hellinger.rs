//! Hellinger distance: like Jensen–Shannon, but cheaper to reason about and known from whylogs.

use super::totals;

/// Hellinger distance of a window from the reference.
///
/// The Euclidean distance of the roots of both distributions: 0 when they are alike, 1 when they
/// share no cell.
///
/// H = √(½ Σ (√p − √q)²)
///
/// **Range** 0 … 1, symmetric, a metric. For small changes PSI ≈ 8·H².
///
/// **Zeros** √0 = 0; nothing is added to a cell.
///
/// **Returns** `None` when a side has no rows.
///
/// **Source** E. Hellinger 1909; definition as in NannyML and whylogs.
///
/// # Panics
/// When the sides have different numbers of cells.
///
/// ```
/// use driftgauge::statistic::hellinger;
///
/// let distance = hellinger(&[50, 30, 20], &[30, 30, 40]).unwrap();
/// assert_eq!(format!("{distance:.6}"), "0.172797");
/// ```
pub fn hellinger(reference: &[u64], window: &[u64]) -> Option<f64> {
    let (m, n) = totals(reference, window)?;
    let cells = reference.iter().zip(window);
    let squares: f64 = cells
        .map(|(&r, &c)| ((c as f64 / n).sqrt() - (r as f64 / m).sqrt()).powi(2))
        .sum();
    Some((squares / 2.0).sqrt().min(1.0))
}
