//! L∞ distance: the largest change of one cell's share, and which cell that is.

use super::totals;

/// L∞ distance of a window from the reference.
///
/// The headline for categories: the share that the category which changed most has won or lost.
///
/// L∞ = max |p − q|
///
/// **Range** 0 … 1, symmetric, a metric; at most half of L1.
///
/// **Zeros** no special case.
///
/// **Returns** `None` when a side has no rows.
///
/// **Source** as in TensorFlow Data Validation and NannyML.
///
/// # Panics
/// When the sides have different numbers of cells.
///
/// ```
/// use driftgauge::statistic::linf;
///
/// let distance = linf(&[50, 30, 20], &[35, 30, 35]).unwrap();
/// assert_eq!(format!("{distance:.6}"), "0.150000");
/// ```
pub fn linf(reference: &[u64], window: &[u64]) -> Option<f64> {
    totals(reference, window)?;
    Some(moved_most(reference, window).map_or(0.0, |(_, change)| change.abs()))
}

/// The cell whose share changed most, and by how much: p − q, above 0 where rows came in.
///
/// **Range** −1 … 1, never 0; of cells that changed as much, the first.
///
/// **Returns** `None` when a side has no rows, or no share has changed at all.
///
/// # Panics
/// When the sides have different numbers of cells.
///
/// ```
/// use driftgauge::statistic::moved_most;
///
/// let (cell, change) = moved_most(&[50, 30, 20], &[35, 36, 29]).unwrap();
/// assert_eq!((cell, format!("{change:.2}").as_str()), (0, "-0.15"));
/// ```
pub fn moved_most(reference: &[u64], window: &[u64]) -> Option<(usize, f64)> {
    let (m, n) = totals(reference, window)?;
    let mut most = (0, 0.0_f64);
    for (cell, (&r, &c)) in reference.iter().zip(window).enumerate() {
        let change = c as f64 / n - r as f64 / m;
        if change.abs() > most.1.abs() {
            most = (cell, change);
        }
    }
    (most.1 != 0.0).then_some(most)
}
