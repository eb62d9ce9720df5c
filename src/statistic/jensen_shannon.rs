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
/// **Precision** With s = p+q and d = |p−q|/s a cell adds s/4 · (2d·artanh d + ln(1−d²)). Written so
/// where d < ½, close distributions do not cancel: the error is some 1e-15, where the textbook form
/// leaves 1e-8.
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
    if d < 0.5 {
        return both / 4.0 * (2.0 * d * d.atanh() + (-d * d).ln_1p());
    }
    let side = |share: f64| {
        if share > 0.0 {
            share / 2.0 * (2.0 * share / both).ln()
        } else {
            0.0
        }
    };
    side(p) + side(q)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For p = q(1 + e) the distance is e/√(8 ln 2) but for terms of e².
    #[test]
    fn close_distributions_keep_their_digits() {
        let half = 1u64 << 39;
        for moved in [1, 1 << 8, 1 << 16] {
            let ours = jensen_shannon(&[half, half], &[half + moved, half - moved]).unwrap();
            let e = moved as f64 / half as f64;
            let expected = e / (8.0 * LN_2).sqrt();
            assert!((ours / expected - 1.0).abs() < 1e-12 + e * e, "{ours:e}");
        }
    }

    /// `mp.dps, l = 40, lambda x: mp.log(x, 2); p, q = 1 - mpf(2)**-39, mpf(1)/2;
    /// mp.sqrt((p*l(2*p/(p+q)) + (1-p)*l(2*(1-p)/(2-p-q)) + q*l(2*q/(p+q)) + (1-q)*l(2*(1-q)/(2-p-q)))/2)`,
    /// mpmath 1.4.
    #[test]
    fn far_distributions_keep_their_digits() {
        let many = 1u64 << 39;
        let ours = jensen_shannon(&[1, 1], &[many - 1, 1]).unwrap();
        assert!((ours - 0.557923045252472).abs() < 1e-15, "{ours}");
    }
}
