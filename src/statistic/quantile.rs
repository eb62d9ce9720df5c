//! Where a share of the values ends, read from counts of cells: quantiles without keeping a value.

/// The least and the greatest value that each cell can hold, of cells cut at rising `edges`, where all
/// values lie within `least` and `most`.
///
/// Cell i is (edge i−1, edge i]; the two open ends are closed by `least` and `most`, which also cut
/// the cells within which they lie. Of `whole` numbers a cell holds those from ⌊edge i−1⌋ + 1 to
/// ⌊edge i⌋. An end that is not known is infinite.
///
/// ```
/// use driftgauge::statistic::cell_bounds;
///
/// assert_eq!(cell_bounds(&[10.0, 20.0], 4.0, 80.0, false), [(4.0, 10.0), (10.0, 20.0), (20.0, 80.0)]);
/// assert_eq!(cell_bounds(&[0.5, 2.5], 0.0, 9.0, true), [(0.0, 0.0), (1.0, 2.0), (3.0, 9.0)]);
/// ```
pub fn cell_bounds(edges: &[f64], least: f64, most: f64, whole: bool) -> Vec<(f64, f64)> {
    let within = |value: f64| value.min(most).max(least);
    let above = |edge: f64| if whole { edge.floor() + 1.0 } else { edge };
    let upto = |edge: f64| if whole { edge.floor() } else { edge };
    (0..=edges.len())
        .map(|cell| {
            let low = cell
                .checked_sub(1)
                .map_or(least, |below| above(edges[below]));
            let high = edges.get(cell).map_or(most, |&edge| upto(edge));
            let (low, high) = (within(low), within(high));
            (low, high.max(low))
        })
        .collect()
}

/// The value below which a `share` of the counted values lies, spread evenly within each cell.
///
/// With n = Σc and the first cell i in which the counts reach h = share · n, that is
/// c_0 + … + c_i ≥ h and c_i > 0:
///
/// Q = low_i + (high_i − low_i) · (h − (c_0 + … + c_{i−1})) / c_i
///
/// **Range** within the bounds of the first and the last cell that is not empty, rising with
/// `share`. It is off by at most the width of its cell: of cells with a twentieth of the reference
/// each, by what lies between two neighbouring ventiles.
///
/// **Zeros** empty cells are skipped.
///
/// **Returns** `None` without rows, and where the quantile lies in a cell with an end that is not
/// known.
///
/// **Source** the quantile of a grouped distribution, as `histogram_quantile` of Prometheus.
///
/// # Panics
/// When there are not as many bounds as counts.
///
/// ```
/// use driftgauge::statistic::quantile;
///
/// let cells = [(0.0, 10.0), (10.0, 20.0), (20.0, 80.0)];
/// assert_eq!(quantile(&[20, 60, 20], &cells, 0.5), Some(15.0));
/// assert_eq!(quantile(&[20, 60, 20], &cells, 0.95), Some(65.0));
/// assert_eq!(quantile(&[0, 0, 0], &cells, 0.5), None);
/// ```
pub fn quantile(counts: &[u64], bounds: &[(f64, f64)], share: f64) -> Option<f64> {
    assert_eq!(counts.len(), bounds.len(), "each cell has its bounds");
    let all: u64 = counts.iter().sum();
    let wanted = share.clamp(0.0, 1.0) * all as f64;
    let mut before = 0;
    for (&count, &(low, high)) in counts.iter().zip(bounds) {
        if count > 0 && (before + count) as f64 >= wanted {
            let part = ((wanted - before as f64) / count as f64).clamp(0.0, 1.0);
            // Not low + (high − low) · part, which may overflow and end beside `high`.
            let value = low * (1.0 - part) + high * part;
            return (low.is_finite() && high.is_finite()).then(|| value.max(low).min(high));
        }
        before += count;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_beyond_the_range_are_points_at_its_end() {
        let bounds = cell_bounds(&[10.0, 20.0, 30.0], 12.0, 18.0, false);
        assert_eq!(
            bounds,
            [(12.0, 12.0), (12.0, 18.0), (18.0, 18.0), (18.0, 18.0)]
        );
    }

    #[test]
    fn a_single_cell_lies_between_least_and_most() {
        assert_eq!(cell_bounds(&[], -1.0, 1.0, false), [(-1.0, 1.0)]);
        assert_eq!(quantile(&[4], &[(-1.0, 1.0)], 0.75), Some(0.5));
    }

    #[test]
    fn an_end_that_is_not_known_gives_no_quantile_but_leaves_the_others() {
        let bounds = cell_bounds(&[0.0, 1.0], f64::NEG_INFINITY, f64::INFINITY, false);
        let at = |share| quantile(&[25, 50, 25], &bounds, share);
        assert_eq!((at(0.05), at(0.5), at(0.95)), (None, Some(0.5), None));
    }

    #[test]
    fn whole_numbers_in_cells_of_one_number_are_exact() {
        let bounds = cell_bounds(&[0.0, 1.0, 2.0], 0.0, 7.0, true);
        let at = |share| quantile(&[10, 20, 60, 10], &bounds, share);
        assert_eq!(
            (at(0.05), at(0.25), at(0.5)),
            (Some(0.0), Some(1.0), Some(2.0))
        );
        assert_eq!(at(0.95), Some(5.0));
    }

    #[test]
    fn a_share_that_ends_with_a_cell_is_that_cell_s_end() {
        let bounds = [(0.0, 1.0), (1.0, 2.0), (2.0, 9.0)];
        assert_eq!(quantile(&[5, 0, 5], &bounds, 0.5), Some(1.0));
        assert_eq!(quantile(&[0, 5, 0], &bounds, 0.0), Some(1.0));
    }

    #[test]
    fn the_ends_of_the_number_line_do_not_overflow() {
        let bounds = [(-f64::MAX, f64::MAX)];
        assert_eq!(quantile(&[2], &bounds, 0.5), Some(0.0));
        assert_eq!(quantile(&[2], &bounds, 1.0), Some(f64::MAX));
    }
}
