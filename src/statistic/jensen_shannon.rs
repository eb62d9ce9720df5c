//! Jensen–Shannon distance: bounded and without smoothing, hence the one to show beside the PSI.

use std::f64::consts::LN_2;

use super::totals;

/// Jensen–Shannon distance, base 2, of a window from the reference.
///
/// The root of the mean divergence of both sides from their middle: 0 when they are alike, 1 when
/// they share no cell. A distance (not a divergence), and in bits (not nats), like
/// `scipy.spatial.distance.jensenshannon(p, q, base=2)` and NannyML.
///
/// JS = √(JSD / ln 2), JSD = ½ Σ p·ln(2p / (p+q)) + ½ Σ q·ln(2q / (p+q))
///
/// **Range** 0 … 1, symmetric, a metric. For small changes PSI ≈ 8·ln 2·JS².
///
/// **Zeros** 0·ln 0 = 0; nothing is added to a cell.
///
/// **Precision** With s = p+q and d = |p−q|/s a cell adds s/4 · (2d·artanh d + ln(1−d²)). Written so,
/// no cell is negative and close distributions do not cancel: 1e-15 relative, not 1e-8.
///
/// **Returns** `None` when a side has no rows.
///
/// **Source** J. Lin 1991, *Divergence measures based on the Shannon entropy*; Endres and Schindelin
/// 2003 for the distance.
///
/// # Panics
/// When the sides have different numbers of cells.
///
/// ```
/// use driftgauge::statistic::jensen_shannon;
///
/// let distance = jensen_shannon(&[50, 30, 20], &[30, 30, 40]).unwrap();
/// assert_eq!(format!("{distance:.6}"), "0.206731");
/// ```
pub fn jensen_shannon(reference: &[u64], window: &[u64]) -> Option<f64> {
    let (m, n) = totals(reference, window)?;
    let cells = reference.iter().zip(window);
    let divergence: f64 = cells
        .map(|(&r, &c)| from_the_middle(r as f64 / m, c as f64 / n))
        .sum();
    Some((divergence / LN_2).sqrt().min(1.0))
}

/// What one cell adds to the divergence.
fn from_the_middle(q: f64, p: f64) -> f64 {
    let both = p + q;
    if p == q {
        return 0.0;
    }
    let d = (p - q).abs() / both;
    if d >= 1.0 {
        return both / 2.0 * LN_2;
    }
    both / 4.0 * (2.0 * d * d.atanh() + (-d * d).ln_1p())
}
