//! Drift of how features hang together, which no single feature shows: the mean products of their
//! normal scores.

use super::bonferroni;
use super::quadratic::noise;

/// How far a mean product, near a rank correlation, may move without mattering, unless somebody says
/// otherwise.
pub const DEPENDENCE_MARGIN: f64 = 0.1;

/// How far the products of one window are from those of the reference.
#[derive(Clone, Copy, Debug)]
pub struct MeanProducts<'a> {
    /// Mean product of each pair over the reference rows.
    pub reference: &'a [f64],
    /// Variance of the product of each pair over the reference rows.
    pub variances: &'a [f64],
    /// Mean product of each pair over the window's rows.
    pub window: &'a [f64],
    /// How far the mean product of each pair may move without mattering, d ≥ 0.
    pub margins: &'a [f64],
    /// Rows of the reference, m.
    pub m: u64,
    /// Rows of the window, n.
    pub n: u64,
}

/// Dependence in units of its threshold, and the pair whose change is the largest: above 1 is drift.
///
/// ratio = max_j (|Δ_j| − d_j)₊ / (z' · √(φ(1/n + 1/m) · Var_j)), Δ_j the change of mean product j
///
/// The change must be surely beyond the margin. z' is the two-sided z for P pairs
/// ([`bonferroni`] of 2P): the false-alarm rate is that of one field.
///
/// **Range** 0 … ∞. It grows with √n.
///
/// **Zeros** 0 while all pairs are within the margin. A pair whose product does not vary in the
/// reference, or is not a number, is left out.
///
/// **Returns** `None` when a side has no rows or no pair is left; of pairs that are equally far, the
/// first.
///
/// **Source** B. L. van der Waerden 1952 for the scores; Bonferroni for the pairs. The margin is the
/// relevant difference of J. L. Hodges and E. L. Lehmann 1954.
///
/// ```
/// use driftgauge::statistic::{MeanProducts, dependence};
///
/// // The first pair went from 0.60 to 0.05.
/// let products = MeanProducts {
///     reference: &[0.60, 0.00, 0.10],
///     variances: &[1.30, 0.95, 0.98],
///     window: &[0.05, 0.08, 0.12],
///     margins: &[0.1; 3],
///     m: 50_000,
///     n: 2_000,
/// };
/// let (ratio, pair) = dependence(&products, 1.0, 4.75).unwrap();
/// assert_eq!((format!("{ratio:.3}").as_str(), pair), ("3.393", 0));
/// ```
pub fn dependence(products: &MeanProducts<'_>, design_effect: f64, z: f64) -> Option<(f64, usize)> {
    if products.n == 0 || products.m == 0 {
        return None;
    }
    let v = noise(products.n, products.m, design_effect);
    let z = bonferroni(z, 2.0 * products.reference.len() as f64);
    let means = products.reference.iter().zip(products.window);
    means
        .zip(products.variances.iter().zip(products.margins))
        .map(|((reference, window), (variance, margin))| {
            let beyond = ((window - reference).abs() - margin).max(0.0);
            beyond / (z * (v * variance).sqrt())
        })
        .enumerate()
        .filter(|&(pair, _)| products.is_comparable(pair))
        .fold(None, |worst, (pair, ratio)| match worst {
            Some((highest, _)) if highest >= ratio => worst,
            _ => Some((ratio, pair)),
        })
}

impl MeanProducts<'_> {
    fn is_comparable(&self, pair: usize) -> bool {
        let change = self.window[pair] - self.reference[pair];
        change.is_finite() && self.variances[pair] > 0.0 && self.variances[pair].is_finite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALM: MeanProducts<'static> = MeanProducts {
        reference: &[0.1, 0.2, 0.3],
        variances: &[1.0, 1.0, 1.0],
        window: &[0.12, 0.29, 0.25],
        margins: &[DEPENDENCE_MARGIN; 3],
        m: 50_000,
        n: 50_000,
    };

    #[test]
    fn within_the_margin_nothing_has_changed_however_many_the_rows() {
        let many = MeanProducts {
            n: 1 << 50,
            m: 1 << 50,
            ..CALM
        };
        assert_eq!(dependence(&many, 1.0, 4.75), Some((0.0, 0)));
    }

    #[test]
    fn the_pair_that_changed_most_is_named() {
        let window = [0.12, -0.4, 0.25];
        let flipped = MeanProducts {
            window: &window,
            ..CALM
        };
        let (ratio, pair) = dependence(&flipped, 1.0, 4.75).unwrap();
        assert!(ratio > 10.0 && pair == 1);
        let (clustered, _) = dependence(&flipped, 4.0, 4.75).unwrap();
        assert!((clustered * 2.0 / ratio - 1.0).abs() < 1e-12);
        for z in [0.0, 4.75, 10.0, 100.0] {
            let (ratio, _) = dependence(&flipped, 1.0, z).unwrap();
            assert!(ratio.is_finite() && ratio > 0.0, "z {z}: {ratio}");
        }
    }

    #[test]
    fn a_pair_that_cannot_be_compared_is_left_out() {
        let constant = MeanProducts {
            variances: &[0.0, 1.0, f64::NAN],
            window: &[0.9, 0.2, 0.9],
            ..CALM
        };
        assert_eq!(dependence(&constant, 1.0, 4.75), Some((0.0, 1)));
        let unknown = MeanProducts {
            window: &[f64::NAN; 3],
            ..CALM
        };
        assert_eq!(dependence(&unknown, 1.0, 4.75), None);
        assert_eq!(dependence(&MeanProducts { n: 0, ..CALM }, 1.0, 4.75), None);
        let none = MeanProducts {
            reference: &[],
            variances: &[],
            window: &[],
            ..CALM
        };
        assert_eq!(dependence(&none, 1.0, 4.75), None);
    }
}
