//! Cells as numbers that can be multiplied: what a standard normal value would be at the same place.

use super::normal_tail_quantile;

/// Largest score either way: no cell counts more than a value three σ out.
const CLIP: f64 = 3.0;

/// Normal score of each cell, from the reference rows in it.
///
/// The place of a cell is the middle of its mass: u = (rows below it + ½·its own rows) / m, and its
/// score Φ⁻¹(u). Scores use the order of values and not their size: an outlier counts like any other
/// value of its cell. Over the reference rows they have mean 0 and variance somewhat below 1. Of
/// cells without an order they are as arbitrary as that order, but fixed.
///
/// score_i = Φ⁻¹((Σ_{j<i} r_j + ½ r_i) / m), at most 3 either way
///
/// **Range** −3 … 3, never falling from cell to cell.
///
/// **Zeros** An empty cell has the score of the border between its neighbours; without any rows all
/// scores are 0.
///
/// **Source** B. L. van der Waerden 1952; mid-ranks for ties as in W. J. Conover, *Practical
/// nonparametric statistics*, §5.10.
///
/// ```
/// use driftgauge::statistic::normal_scores;
///
/// let scores = normal_scores(&[25, 50, 25, 0]);
/// assert_eq!(format!("{scores:.3?}"), "[-1.150, 0.000, 1.150, 3.000]");
/// ```
pub fn normal_scores(rows: &[u64]) -> Vec<f64> {
    let m: u64 = rows.iter().sum();
    if m == 0 {
        return vec![0.0; rows.len()];
    }
    let mut below = 0;
    let score = |&own: &u64| {
        let above = m - below - own;
        below += own;
        let tail = (above as f64 + own as f64 / 2.0) / m as f64;
        normal_tail_quantile(tail).clamp(-CLIP, CLIP)
    };
    rows.iter().map(score).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `norm.ppf((np.cumsum(r) - r/2) / r.sum()).clip(-3, 3)`, scipy 1.17.1.
    #[test]
    fn scores_are_those_of_scipy() {
        let rows = [5, 20, 225, 250, 0, 250, 249, 1];
        let scipy = [
            -2.8070337683438042,
            -2.1700903775845606,
            -1.0916203674341678,
            -0.31863936396437514,
            0.0,
            0.31863936396437514,
            1.1479238535314327,
            3.0,
        ];
        for (ours, theirs) in normal_scores(&rows).into_iter().zip(scipy) {
            assert!((ours - theirs).abs() < 1e-13, "{ours} != {theirs}");
        }
    }

    #[test]
    fn scores_rise_with_the_cells_and_mirror_with_them() {
        let rows = [1, 0, 40, 1_000_000, 3, 3, 0];
        let scores = normal_scores(&rows);
        assert!(scores.is_sorted());
        let mirrored: Vec<u64> = rows.into_iter().rev().collect();
        for (score, other) in scores.iter().zip(normal_scores(&mirrored).iter().rev()) {
            assert!((score + other).abs() < 1e-13);
        }
    }

    #[test]
    fn without_rows_or_cells_there_is_nothing_to_tell_apart() {
        assert_eq!(normal_scores(&[0, 0]), [0.0, 0.0]);
        assert_eq!(normal_scores(&[]), [0.0; 0]);
        assert_eq!(normal_scores(&[7]), [0.0]);
    }
}
