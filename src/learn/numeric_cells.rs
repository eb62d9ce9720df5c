//! Where to cut the number line: from the distinct reference values and their counts to edges.
//!
//! Equal-mass cells see shifts of the bulk, tail cuts see a few far values, a value that many rows
//! share stands alone so that its own change is seen, and every edge is the midpoint between two
//! neighbouring reference values, so that neither integers nor f32 rounding sit on an edge.

/// Most cells of a numeric field.
pub const MAX_CELLS: usize = 32;
/// Equal-mass cells that are aimed at.
pub const EQUAL_MASS_CELLS: usize = 20;
/// Reference rows wanted per cell: there are fewer cells until each has so many on average.
pub const ROWS_PER_CELL: u64 = 20;
/// Shares of the mass beyond which the tails are cut off, on both sides.
pub const TAIL_SHARES: [f64; 2] = [0.001, 0.005];
/// A tail is cut off only if so many reference values are beyond.
pub const TAIL_ROWS: u64 = 20;

/// Edges of the cells of distinct reference values, in rising order with their counts (each ≥ 1).
/// `whole` says that all values are whole numbers, which matters for a constant only.
///
/// At most [`MAX_CELLS`] cells, and at most max(2, m/[`ROWS_PER_CELL`]), m = sum of the counts;
/// three (below, equal, above) if there is one distinct value; none (no edges) if there is no value.
/// For each edge there are neighbouring reference values a, b with a ≤ edge < b.
pub fn numeric_edges(distinct: &[(f64, u64)], whole: bool) -> Vec<f64> {
    match distinct {
        [] => Vec::new(),
        [(constant, _)] => constant_edges(*constant, whole),
        _ => cuts(distinct)
            .into_iter()
            .map(|cut| midpoint(distinct[cut].0, distinct[cut + 1].0))
            .collect(),
    }
}

/// Positions after which to cut, rising: cut `i` parts distinct value `i` from `i + 1`.
fn cuts(distinct: &[(f64, u64)]) -> Vec<usize> {
    let last = distinct.len() - 1;
    // rows_below[i]: rows of the values before value i.
    let mut rows_below = Vec::with_capacity(distinct.len() + 1);
    rows_below.push(0_u64);
    for (value, &(_, rows)) in distinct.iter().enumerate() {
        rows_below.push(rows_below[value] + rows);
    }
    let total = rows_below[distinct.len()];
    let limit = (total / ROWS_PER_CELL).clamp(2, MAX_CELLS as u64) as usize;
    if distinct.len() <= limit {
        return (0..last).collect();
    }
    let wanted = limit.min(EQUAL_MASS_CELLS) as u64;

    let mut cuts = Vec::new();
    let mut start = 0;
    // A value with half the mass of a cell or more is an atom; what lies between atoms is divided
    // evenly.
    for (value, &(_, rows)) in distinct.iter().enumerate() {
        if rows * 2 * wanted < total {
            continue;
        }
        divide(&rows_below, start..value, total, wanted, &mut cuts);
        cuts.extend(value.checked_sub(1));
        cuts.push(value);
        start = value + 1;
    }
    divide(&rows_below, start..distinct.len(), total, wanted, &mut cuts);

    for share in TAIL_SHARES {
        let beyond = share * total as f64;
        let low = rows_below.partition_point(|&rows| (rows as f64) < beyond);
        if rows_below[low] >= TAIL_ROWS && low >= 1 {
            cuts.push(low - 1);
        }
        let high = rows_below.partition_point(|&rows| (total - rows) as f64 >= beyond);
        if high >= 2 && total - rows_below[high - 1] >= TAIL_ROWS {
            cuts.push(high - 2);
        }
    }
    cuts.retain(|&cut| cut < last);
    cuts.sort_unstable();
    cuts.dedup();
    merge_down_to(limit, &rows_below, &mut cuts);
    cuts
}

/// Divides the values `values` into cells of even mass, as many as their share of `wanted`.
fn divide(
    rows_below: &[u64],
    values: std::ops::Range<usize>,
    total: u64,
    wanted: u64,
    cuts: &mut Vec<usize>,
) {
    if values.is_empty() {
        return;
    }
    let first = rows_below[values.start];
    let mass = rows_below[values.end] - first;
    let parts = ((mass * wanted + total / 2) / total).max(1);
    for part in 1..parts {
        let target = first + (mass * part + parts / 2) / parts;
        // The boundary nearest to the target; the lower one of two equally near.
        let above = rows_below.partition_point(|&rows| rows < target);
        let below = above.saturating_sub(1);
        let boundary = if target - rows_below[below] <= rows_below[above] - target {
            below
        } else {
            above
        };
        if boundary > values.start && boundary < values.end {
            cuts.push(boundary - 1);
        }
    }
}

/// Takes away cuts until there are at most `limit` cells: always the one between the two neighbours
/// of the smallest joint mass, the lowest of equals.
fn merge_down_to(limit: usize, rows_below: &[u64], cuts: &mut Vec<usize>) {
    let total = rows_below[rows_below.len() - 1];
    while cuts.len() + 1 > limit {
        let joint = |at: usize| {
            let low = at.checked_sub(1).map_or(0, |at| rows_below[cuts[at] + 1]);
            let high = cuts.get(at + 1).map_or(total, |&cut| rows_below[cut + 1]);
            high - low
        };
        let Some(lightest) = (0..cuts.len()).min_by_key(|&at| joint(at)) else {
            return;
        };
        cuts.remove(lightest);
    }
}

/// Between `a` and `b`, a < b: a ≤ midpoint < b, also for neighbouring floats (then it is `a`) and
/// where b − a is beyond the largest float.
fn midpoint(a: f64, b: f64) -> f64 {
    let gap = b - a;
    let middle = if gap.is_finite() {
        a + gap / 2.0
    } else {
        a / 2.0 + b / 2.0
    };
    // + 0.0 turns −0 into 0.
    if middle >= a && middle < b {
        middle + 0.0
    } else {
        a + 0.0
    }
}

/// Edges just below and just above a constant: half a unit for whole numbers, else a millionth, so
/// that rounding to f32 stays in the middle cell.
fn constant_edges(constant: f64, whole: bool) -> Vec<f64> {
    let slack = if whole {
        0.5
    } else if constant == 0.0 {
        f64::MIN_POSITIVE
    } else {
        1e-6 * constant.abs()
    };
    let low = (constant - slack).min(constant.next_down());
    let high = (constant + slack).max(constant);
    [low, high]
        .into_iter()
        .map(|edge| {
            if edge == f64::INFINITY {
                f64::MAX
            } else {
                edge
            }
        })
        // There is nothing below the smallest float.
        .filter(|edge| edge.is_finite())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn distinct(mut values: Vec<f64>) -> Vec<(f64, u64)> {
        values.sort_by(f64::total_cmp);
        let mut distinct: Vec<(f64, u64)> = Vec::new();
        for value in values {
            match distinct.last_mut() {
                Some((last, rows)) if *last == value => *rows += 1,
                _ => distinct.push((value, 1)),
            }
        }
        distinct
    }

    fn rows(edges: &[f64], distinct: &[(f64, u64)]) -> Vec<u64> {
        let mut cells = vec![0; edges.len() + 1];
        for &(value, rows) in distinct {
            cells[edges.partition_point(|&edge| edge < value)] += rows;
        }
        cells
    }

    #[test]
    fn few_distinct_values_have_a_cell_each_with_edges_between() {
        let values: Vec<_> = (0..24).map(|hour| (f64::from(hour), 100)).collect();
        let edges = numeric_edges(&values, true);
        assert_eq!(
            edges,
            (0..23).map(|h| f64::from(h) + 0.5).collect::<Vec<_>>()
        );
    }

    #[test]
    fn many_even_values_make_twenty_cells_and_four_tails() {
        let values: Vec<_> = (0..100_000).map(|v| (f64::from(v), 1)).collect();
        let edges = numeric_edges(&values, true);
        let rows = rows(&edges, &values);
        let mut expected = vec![100, 400, 4_500];
        expected.extend([5_000; 18]);
        expected.extend([4_500, 400, 100]);
        assert_eq!(rows, expected);
    }

    #[test]
    fn a_tail_is_cut_off_only_with_twenty_values_beyond() {
        let values: Vec<_> = (0..5_000).map(|v| (f64::from(v), 1)).collect();
        let cells = rows(&numeric_edges(&values, true), &values);
        assert_eq!((cells[0], cells[1], cells.len()), (25, 225, 22));
        let values: Vec<_> = (0..3_800).map(|v| (f64::from(v), 1)).collect();
        assert_eq!(numeric_edges(&values, true).len(), 19);
    }

    #[test]
    fn a_value_of_two_and_a_half_percent_stands_alone() {
        let mut values: Vec<_> = (1..=9_750).map(|v| (f64::from(v), 1)).collect();
        values[4_000].1 += 249;
        let edges = numeric_edges(&values, true);
        let atom = values[4_000].0;
        assert!(edges.contains(&(atom - 0.5)) && edges.contains(&(atom + 0.5)));
        values[4_000].1 -= 50;
        let edges = numeric_edges(&values, true);
        assert!(!(edges.contains(&(atom - 0.5)) && edges.contains(&(atom + 0.5))));
    }

    #[test]
    fn zero_inflation_leaves_even_cells_for_the_rest() {
        let mut values = vec![(0.0, 60_000)];
        values.extend((1..=40_000).map(|v| (f64::from(v), 1)));
        let edges = numeric_edges(&values, true);
        let cells = rows(&edges, &values);
        assert_eq!(
            cells[..8],
            [60_000, 5_000, 5_000, 5_000, 5_000, 5_000, 5_000, 5_000]
        );
        assert_eq!(cells[8..], [4_500, 400, 100]);
    }

    #[test]
    fn few_rows_make_few_even_cells() {
        let values: Vec<_> = (0..100).map(|v| (f64::from(v), 1)).collect();
        assert_eq!(rows(&numeric_edges(&values, true), &values), [20; 5]);
        let values: Vec<_> = (0..30).map(|v| (f64::from(v), 1)).collect();
        assert_eq!(rows(&numeric_edges(&values, true), &values), [15; 2]);
    }

    #[test]
    fn too_many_atoms_are_merged_where_least_is_lost() {
        // 39 atoms of the same mass with a sliver between each two: 77 cells at first.
        let values: Vec<_> = (0..77)
            .map(|v| (f64::from(v), if v % 2 == 0 { 2_600 } else { 10 }))
            .collect();
        let edges = numeric_edges(&values, true);
        let cells = rows(&edges, &values);
        assert_eq!(cells.len(), MAX_CELLS);
        assert!(
            cells.iter().all(|&rows| rows <= 2 * 2_600 + 3 * 10),
            "{cells:?}"
        );
    }

    #[test]
    fn a_constant_has_a_cell_below_and_above() {
        assert_eq!(numeric_edges(&[(7.0, 9)], true), [6.5, 7.5]);
        assert_eq!(
            numeric_edges(&[(0.0, 9)], false),
            [-f64::MIN_POSITIVE, f64::MIN_POSITIVE]
        );
        let edges = numeric_edges(&[(0.1, 9)], false);
        let cell = |value: f64| edges.partition_point(|&edge| edge < value);
        assert_eq!(cell(f64::from(0.1_f32)), 1);
        assert_eq!((cell(0.099), cell(0.101)), (0, 2));
        // Half a unit is nothing beside 2^60.
        let edges = numeric_edges(&[(2_f64.powi(60), 9)], true);
        assert!(edges[0] < 2_f64.powi(60) && edges[1] >= 2_f64.powi(60));
        assert_eq!(numeric_edges(&[(f64::MAX, 9)], false).len(), 2);
        assert_eq!(numeric_edges(&[(f64::MIN, 9)], false).len(), 1);
        assert_eq!(numeric_edges(&[(5e-324, 9)], false).len(), 2);
    }

    #[test]
    fn neighbouring_floats_and_huge_gaps_are_parted() {
        let a = 1.0_f64;
        let edges = numeric_edges(&[(a, 50), (a.next_up(), 50)], false);
        assert_eq!(edges, [a]);
        // Here half the gap rounds up to the upper value.
        let (a, b) = (a.next_up(), a.next_up().next_up());
        assert_eq!(a + (b - a) / 2.0, b);
        assert_eq!(numeric_edges(&[(a, 50), (b, 50)], false), [a]);
        let edges = numeric_edges(&[(-f64::MAX, 50), (f64::MAX, 50)], false);
        assert_eq!(edges, [0.0]);
    }

    fn any_values() -> impl Strategy<Value = Vec<f64>> {
        let finite = prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO;
        prop_oneof![
            prop::collection::vec(finite, 1..600),
            prop::collection::vec((-40_i32..40).prop_map(f64::from), 1..3_000),
            // Long ties: squares of small numbers, many rows.
            prop::collection::vec((0_i32..60).prop_map(|v| f64::from(v * v / 50)), 1..6_000),
        ]
    }

    proptest! {
        #[test]
        fn every_edge_parts_two_neighbouring_values_and_cells_are_few(values in any_values()) {
            let total = values.len() as u64;
            let values: Vec<_> = values.into_iter().map(|value| value + 0.0).collect();
            let distinct = distinct(values);
            let edges = numeric_edges(&distinct, false);
            let limit = (total / ROWS_PER_CELL).clamp(2, MAX_CELLS as u64) as usize;
            if distinct.len() == 1 {
                prop_assert!(edges.len() <= 2);
            } else {
                prop_assert!(edges.len() < limit);
                prop_assert!(!edges.is_empty());
                prop_assert!(rows(&edges, &distinct).iter().all(|&rows| rows > 0));
                for edge in &edges {
                    let above = distinct.partition_point(|(value, _)| value <= edge);
                    prop_assert!(above > 0 && above < distinct.len());
                }
            }
            prop_assert!(edges.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(edges.iter().all(|edge| edge.is_finite()));
        }
    }
}
