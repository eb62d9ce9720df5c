//! How unusual single rows are, and whether a window has more unusual rows than the reference.
//!
//! A row is judged by the cells of its values, which are known already: each cell has a score, a row
//! that of its three strangest features, and the reference says how many rows score as high.

use super::wilson_lower;

/// A row is an outlier when at most this share of the reference rows is as unusual.
pub const OUTLIER_SHARE: f64 = 0.01;

/// How far above the reference's the share of outliers may be without mattering.
///
/// A scale that grows by a tenth, a change that the default smallest effect tolerates, already lifts
/// the share of values beyond the 1 % tails to 1.9 %.
pub const OUTLIER_MARGIN: f64 = 0.01;

/// Features that make the score of a row.
const STRANGEST: usize = 3;

/// Tail score of each cell: −ln of the share of reference rows that are as unusual.
///
/// Along the number line, that of both tails from the middle of the cell's mass,
/// −ln(2·min(G, 1 − G)), G = (rows below + ½·own rows) / m. Without an order, that of all cells with
/// no more rows than this one, −ln(Σ_{r_j ≤ r_i} r_j / m). Both are −ln of a tail probability, so that
/// features of all kinds can be compared: with −ln q_i instead, fifty equally common categories would
/// all score 3.9 and drown the numbers beside them.
///
/// **Range** 0 … ln(2m), the score of half a row: also that of cells without rows.
///
/// **Zeros** all 0 without any rows.
///
/// **Source** Z. Li et al. 2022, *ECOD: unsupervised outlier detection using empirical cumulative
/// distribution functions*; M. Goldstein and A. Dengel 2012 for histograms.
///
/// ```
/// use driftgauge::statistic::tail_scores;
///
/// assert_eq!(format!("{:.2?}", tail_scores(&[10, 480, 500, 10], true)), "[4.61, 0.69, 0.65, 4.61]");
/// assert_eq!(format!("{:.2?}", tail_scores(&[900, 90, 10, 0], false)), "[0.00, 2.30, 4.61, 7.60]");
/// ```
pub fn tail_scores(rows: &[u64], is_ordered: bool) -> Vec<f64> {
    let m: u64 = rows.iter().sum();
    if m == 0 {
        return vec![0.0; rows.len()];
    }
    let half_a_row = 0.5 / m as f64;
    let score = |share: f64| share.clamp(half_a_row, 1.0).recip().ln();
    if is_ordered {
        let mut below = 0;
        let of_cell = |&own: &u64| {
            let twice = (2 * below + own).min(2 * (m - below) - own);
            below += own;
            score(twice as f64 / m as f64)
        };
        return rows.iter().map(of_cell).collect();
    }
    let no_fuller = |own: u64| rows.iter().filter(|&&r| r <= own).sum::<u64>();
    rows.iter()
        .map(|&own| score(no_fuller(own) as f64 / m as f64))
        .collect()
}

/// Outlier score of a row: the mean of the three highest of its features' tail scores.
///
/// One feature alone may be odd by chance; all together would drown the odd ones.
///
/// **Range** that of the scores. **Zeros** fewer than three scores: their mean; none: 0.
///
/// ```
/// use driftgauge::statistic::outlier_score;
///
/// assert_eq!(outlier_score([0.1, 6.0, 0.2, 4.0, 2.0]), 4.0);
/// ```
pub fn outlier_score(scores: impl IntoIterator<Item = f64>) -> f64 {
    let mut highest = [f64::NEG_INFINITY; STRANGEST];
    for mut score in scores {
        for place in &mut highest {
            if score > *place {
                std::mem::swap(&mut score, place);
            }
        }
    }
    let found = highest.iter().filter(|score| score.is_finite());
    let count = found.clone().count();
    if count == 0 {
        return 0.0;
    }
    found.sum::<f64>() / count as f64
}

/// Conformal p-value of a row whose outlier score falls into bin `bin`, from the reference rows by
/// bin of the score.
///
/// The chance that a row like those of the reference scores as high: without any assumption about
/// their distribution, if rows come in any order.
///
/// p = (1 + #{reference rows in this bin or higher}) / (m + 1)
///
/// **Range** 1/(m + 1) … 1. A bin beyond the last has no reference rows.
///
/// **Source** V. Vovk, A. Gammerman and G. Shafer 2005, *Algorithmic learning in a random world*.
///
/// ```
/// use driftgauge::statistic::conformal_p;
///
/// assert_eq!(conformal_p(&[900, 90, 9], 2), 0.01);
/// ```
pub fn conformal_p(rows: &[u64], bin: usize) -> f64 {
    let m: u64 = rows.iter().sum();
    let as_high: u64 = rows.iter().skip(bin).sum();
    (1 + as_high) as f64 / (m + 1) as f64
}

/// The lowest bin of the score from which on rows are outliers: [`conformal_p`] at most
/// [`OUTLIER_SHARE`].
///
/// **Range** 0 … the number of bins, where no row can be told to be an outlier: too few rows.
///
/// ```
/// use driftgauge::statistic::first_outlier_bin;
///
/// assert_eq!(first_outlier_bin(&[900, 90, 9]), 2);
/// assert_eq!(first_outlier_bin(&[9, 0, 0]), 3);
/// ```
pub fn first_outlier_bin(rows: &[u64]) -> usize {
    let is_outlier = |&bin: &usize| conformal_p(rows, bin) <= OUTLIER_SHARE;
    (0..rows.len()).find(is_outlier).unwrap_or(rows.len())
}

/// Whether the share of outliers, `count` of `n` rows, is surely above that of the reference by more
/// than [`OUTLIER_MARGIN`].
///
/// wilson_lower(count, n/φ, z) > reference_share + 0.01
///
/// **Zeros** false without rows.
///
/// ```
/// use driftgauge::statistic::are_outliers_raised;
///
/// assert!(!are_outliers_raised(19, 1_000, 0.0098, 1.0, 4.75), "twice the share may be chance");
/// assert!(are_outliers_raised(60, 1_000, 0.0098, 1.0, 4.75));
/// ```
pub fn are_outliers_raised(
    count: u64,
    n: u64,
    reference_share: f64,
    design_effect: f64,
    z: f64,
) -> bool {
    wilson_lower(count, n, design_effect, z) > reference_share + OUTLIER_MARGIN
}

/// The share of outliers above which [`are_outliers_raised`]: what an alert on `n` rows compares with.
///
/// T = p + z·√(p(1 − p)·φ/n), p = reference_share + 0.01: Wilson's lower bound is the score test, whose
/// limit has this closed form.
///
/// **Range** above p; above 1 where `n` rows cannot tell. **Zeros** +∞ without rows.
///
/// ```
/// use driftgauge::statistic::outlier_threshold;
///
/// assert_eq!(format!("{:.4}", outlier_threshold(1_000, 0.0098, 1.0, 4.75)), "0.0407");
/// ```
pub fn outlier_threshold(n: u64, reference_share: f64, design_effect: f64, z: f64) -> f64 {
    if n == 0 {
        return f64::INFINITY;
    }
    let p = (reference_share + OUTLIER_MARGIN).min(1.0);
    p + z * (p * (1.0 - p) * design_effect / n as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_number_line_are_the_strangest() {
        let scores = tail_scores(&[1, 9, 40, 400, 450, 100, 0], true);
        assert!(scores[..4].is_sorted_by(|a, b| a > b));
        assert!(scores[4..].is_sorted_by(|a, b| a < b));
        assert!(
            (scores[6] - 2000f64.ln()).abs() < 1e-12,
            "no rows: as half a row"
        );
    }

    #[test]
    fn equally_common_categories_are_not_strange_and_rare_ones_are() {
        assert_eq!(tail_scores(&[20; 50], false), [0.0; 50]);
        let scores = tail_scores(&[700, 200, 99, 1, 0], false);
        assert!(scores.is_sorted_by(|a, b| a < b));
        assert!((scores[4] - 2000f64.ln()).abs() < 1e-12);
        // One row: itself and the empty cell.
        assert!((scores[3] - 1000f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn without_rows_nothing_is_strange() {
        for is_ordered in [true, false] {
            assert_eq!(tail_scores(&[0, 0], is_ordered), [0.0, 0.0]);
            assert!(tail_scores(&[], is_ordered).is_empty());
            assert_eq!(tail_scores(&[7], is_ordered), [0.0]);
        }
    }

    #[test]
    fn a_row_scores_by_its_three_strangest_features() {
        assert_eq!(outlier_score([3.0, 0.0, 9.0, 6.0, 6.0]), 7.0);
        assert_eq!(outlier_score([1.0, 2.0]), 1.5);
        assert_eq!(outlier_score([4.0]), 4.0);
        assert_eq!(outlier_score([]), 0.0);
    }

    #[test]
    fn p_falls_with_the_score_and_is_never_zero() {
        let rows = [500, 300, 150, 40, 0, 9];
        let p: Vec<f64> = (0..8).map(|bin| conformal_p(&rows, bin)).collect();
        assert_eq!(p[0], 1.0);
        assert!(p.is_sorted_by(|a, b| a >= b));
        assert_eq!(p[7], 0.001);
        assert_eq!(first_outlier_bin(&rows), 4);
        assert_eq!(conformal_p(&[], 0), 1.0);
        assert_eq!(first_outlier_bin(&[]), 0);
    }

    #[test]
    fn many_rows_do_not_make_a_small_excess_matter() {
        let raised = |count, n| are_outliers_raised(count, n, 0.01, 1.0, 4.75);
        assert!(!raised(15_000_000, 1_000_000_000));
        assert!(!raised(19_900_000, 1_000_000_000));
        assert!(raised(20_100_000, 1_000_000_000));
        assert!(!raised(5, 100));
        assert!(!raised(0, 0));
    }

    #[test]
    fn outliers_are_raised_exactly_above_the_threshold() {
        for n in [100, 1_234, 50_000] {
            for (share, phi, z) in [(0.0, 1.0, 4.75), (0.0098, 1.0, 2.0), (0.0098, 6.5, 4.75)] {
                let threshold = outlier_threshold(n, share, phi, z);
                for count in 0..n.min(3_000) {
                    let raised = are_outliers_raised(count, n, share, phi, z);
                    assert_eq!(
                        raised,
                        count as f64 / n as f64 > threshold,
                        "{count} of {n}"
                    );
                }
            }
        }
    }
}
