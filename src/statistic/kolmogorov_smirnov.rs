//! Kolmogorov–Smirnov distance over ordered cells: read it as "this share of traffic moved".

use super::totals;

/// Kolmogorov–Smirnov distance of a window from the reference, over cells in rising order.
///
/// The largest gap between the two cumulative distributions, seen at the edges of the cells.
/// Meaningless for categories, whose order is arbitrary.
///
/// KS = max_j |F_j − G_j|, F_j = Σ_{i≤j} p_i, G_j = Σ_{i≤j} q_i
///
/// **Range** 0 … 1, symmetric. Below the KS distance of the raw values by at most the heaviest
/// cell's mass.
///
/// **Zeros** no special case. The cumulative sums are integers, so nothing accumulates.
///
/// **Returns** `None` when a side has no rows.
///
/// **Source** A. Kolmogorov 1933, N. Smirnov 1939; the bound: inside cell i the gap exceeds the
/// one at an edge by at most min(p_i, q_i).
///
/// # Panics
/// When the sides have different numbers of cells.
///
/// ```
/// use driftgauge::statistic::kolmogorov_smirnov;
///
/// let distance = kolmogorov_smirnov(&[50, 30, 20], &[30, 30, 40]).unwrap();
/// assert_eq!(format!("{distance:.6}"), "0.200000");
/// ```
pub fn kolmogorov_smirnov(reference: &[u64], window: &[u64]) -> Option<f64> {
    let (m, n) = totals(reference, window)?;
    let mut reference_below = 0;
    let mut window_below = 0;
    let mut widest = 0.0_f64;
    for (&r, &c) in reference.iter().zip(window) {
        reference_below += r;
        window_below += c;
        let gap = window_below as f64 / n - reference_below as f64 / m;
        widest = widest.max(gap.abs());
    }
    Some(widest)
}
