//! L1 distance: half of it is exactly the share of rows that would have to move to another cell.

use super::totals;

/// L1 distance of a window from the reference.
///
/// Twice the total variation distance: 0 when they are alike, 2 when they share no cell.
///
/// L1 = Σ |p − q|
///
/// **Range** 0 … 2, symmetric, a metric. On unchanged data about √(2v/π)·Σ√(q(1−q)), never 0.
///
/// **Zeros** no special case.
///
/// **Returns** `None` when a side has no rows.
///
/// **Source** the D1 distance of Google's *Rules of ML* and TensorFlow Data Validation.
///
/// # Panics
/// When the sides have different numbers of cells.
///
/// ```
/// use driftgauge::statistic::l1;
///
/// let distance = l1(&[50, 30, 20], &[30, 30, 40]).unwrap();
/// assert_eq!(format!("{distance:.6}"), "0.400000");
/// ```
pub fn l1(reference: &[u64], window: &[u64]) -> Option<f64> {
    let (m, n) = totals(reference, window)?;
    let cells = reference.iter().zip(window);
    let sum: f64 = cells
        .map(|(&r, &c)| (c as f64 / n - r as f64 / m).abs())
        .sum();
    Some(sum.min(2.0))
}
