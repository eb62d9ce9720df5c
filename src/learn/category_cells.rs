//! Which categories have a cell of their own: from category counts to cells and rows.

use crate::profile::{CategoryCells, Cells, ReferenceCells};

/// Most categories with a cell of their own.
pub const MAX_KEPT: usize = 50;
/// Categories are kept until they cover this share of the rows …
pub const COVERED_SHARE: f64 = 0.99;
/// … and beyond that as long as each has this share.
pub const KEPT_SHARE: f64 = 0.001;
/// Where there are more than this many categories …
pub const FEW_CATEGORIES: usize = 20;
/// … a kept one has at least this many rows, as a numeric cell has. The heaviest of many rare
/// categories are those that chance favoured: kept by name they alarm on unchanged data, up to one
/// window in four (DESIGN.md, Cells).
pub const KEPT_ROWS: u64 = 20;

/// Cells and reference rows of the categories with their counts (each ≥ 1, in any order).
///
/// The heaviest are kept, equals by name. Of the others, those with one row count as new, not as
/// other: leaving that row out, its category would be unseen, so their number estimates how many
/// unseen values unchanged data brings (Good, Biometrika 40, 1953). Without this, a long tail of
/// rare categories alarms for ever. `None` without any row.
pub fn category_cells(mut counts: Vec<(String, u64)>) -> Option<ReferenceCells> {
    counts.sort_unstable_by(|(a_name, a), (b_name, b)| b.cmp(a).then_with(|| a_name.cmp(b_name)));
    let total: u64 = counts.iter().map(|(_, rows)| rows).sum();
    if total == 0 {
        return None;
    }
    let least = if counts.len() > FEW_CATEGORIES {
        KEPT_ROWS
    } else {
        1
    };
    let mut covered = 0;
    let kept = counts
        .iter()
        .take(MAX_KEPT)
        .take_while(|(_, rows)| {
            let is_wanted = (covered as f64) < COVERED_SHARE * total as f64
                || *rows as f64 >= KEPT_SHARE * total as f64;
            covered += rows;
            is_wanted && *rows >= least
        })
        .count();
    let others = counts.split_off(kept);
    let (mut other, mut new) = (0, 0);
    for (_, rows) in &others {
        match rows {
            1 => new += 1,
            rows => other += rows,
        }
    }
    let has_other = other > 0;
    let mut rows: Vec<u64> = counts.iter().map(|(_, rows)| *rows).collect();
    rows.extend(has_other.then_some(other));
    rows.push(new);

    let kept = counts.into_iter().map(|(name, _)| name).collect();
    let mut others: Vec<String> = others.into_iter().map(|(name, _)| name).collect();
    others.sort_unstable();
    let cells = CategoryCells::new(kept, others, has_other).ok()?;
    Some(ReferenceCells {
        cells: Cells::Categorical(cells),
        rows,
        means: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(counts: &[(&str, u64)]) -> (Vec<String>, bool, Vec<u64>) {
        let counts = counts.iter().map(|(name, rows)| ((*name).into(), *rows));
        let reference = category_cells(counts.collect()).unwrap();
        let Cells::Categorical(cells) = &reference.cells else {
            panic!("not categorical");
        };
        (cells.kept().to_vec(), cells.has_other(), reference.rows)
    }

    #[test]
    fn the_heaviest_come_first_and_equals_by_name() {
        let (kept, has_other, rows) = learned(&[("b", 30), ("c", 40), ("a", 30)]);
        assert_eq!(kept, ["c", "a", "b"]);
        assert_eq!((has_other, rows), (false, vec![40, 30, 30, 0]));
    }

    #[test]
    fn rare_ones_beyond_the_covered_share_go_to_other_and_single_ones_to_new() {
        // 99.2 % covered by the first; d has 0.05 % < 0.1 %.
        let (kept, has_other, rows) =
            learned(&[("a", 99_200), ("c", 748), ("d", 50), ("e", 1), ("f", 1)]);
        assert_eq!(kept, ["a", "c"]);
        assert!(has_other);
        assert_eq!(rows, [99_200, 748, 50, 2]);
    }

    #[test]
    fn without_rows_there_is_no_other() {
        let (kept, has_other, rows) = learned(&[("a", 99_999), ("e", 1)]);
        assert_eq!((kept.len(), has_other), (1, false));
        assert_eq!(rows, [99_999, 1]);
    }

    #[test]
    fn no_more_than_fifty_are_kept() {
        let names: Vec<_> = (0..60).map(|n| format!("c{n:02}")).collect();
        let counts: Vec<_> = names.iter().map(|name| (name.as_str(), 30)).collect();
        let (kept, _, rows) = learned(&counts);
        assert_eq!(kept.len(), MAX_KEPT);
        assert_eq!(rows[MAX_KEPT..], [300, 0]);
        assert_eq!(kept[0], "c00");
    }

    #[test]
    fn of_many_categories_only_those_with_twenty_rows_are_kept_of_few_all() {
        let names: Vec<_> = (0..21).map(|n| format!("c{n:02}")).collect();
        let mut counts: Vec<_> = names.iter().map(|name| (name.as_str(), 19)).collect();
        counts[7].1 = 20;
        assert_eq!(learned(&counts).0, ["c07"]);
        counts.pop();
        assert_eq!(learned(&counts).0.len(), 20);
    }

    #[test]
    fn without_values_there_are_no_cells() {
        assert_eq!(category_cells(Vec::new()), None);
    }
}
