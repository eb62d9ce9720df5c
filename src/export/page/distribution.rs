//! Two distributions over the same cells as one small picture: the reference as an area, the window
//! as a line above it.
//!
//! Heights are the roots of the shares (J. W. Tukey's rootogram): on a plain scale all cells of a
//! reference would vanish beside the one cell that a broken field is in.

use std::fmt::{self, Write};

use super::figures::percent;
use super::text::Escaped;
use crate::engine::{Drift, FeatureReference, FeatureSnapshot, FeatureWindow};

/// Height of the picture in its own units; a cell is ten wide.
const HEIGHT: f64 = 40.0;
const CELL: usize = 10;

/// Writes it, or nothing where there is nothing to compare.
pub(super) fn write(
    html: &mut String,
    field: &FeatureSnapshot,
    window: &FeatureWindow,
    drift: Option<&Drift>,
) -> fmt::Result {
    let Some((reference, drift)) = field.reference.as_ref().zip(drift) else {
        return Ok(());
    };
    let Some(counted) = &reference.feature.cells else {
        return Ok(());
    };
    let rows = drift.reference_cells.as_deref().unwrap_or(&counted.rows);
    let (was, is) = (shares(rows), shares(&window.cells));
    if was.len() != is.len() {
        return Ok(());
    }
    let highest = was
        .iter()
        .chain(&is)
        .copied()
        .fold(f64::MIN_POSITIVE, f64::max);
    let class = if drift.ratio.is_some_and(|ratio| ratio > 1.0) {
        "l drift"
    } else {
        "l"
    };
    let (width, low) = (CELL * was.len(), HEIGHT);
    write!(
        html,
        "<svg class=\"d\" viewBox=\"0 -1 {width} {}\" preserveAspectRatio=\"none\" role=\"img\"><title>",
        HEIGHT + 2.0
    )?;
    write_title(html, field, window, drift, reference, was.len())?;
    write!(html, "</title><path class=\"r\" d=\"M0 {low}")?;
    write_steps(html, &was, highest)?;
    write!(html, "V{low}z\"/><path class=\"{class}\" d=\"M0 {low}")?;
    write_steps(html, &is, highest)?;
    write!(html, "V{low}\"/></svg>")
}

/// What those hear who do not see it.
fn write_title(
    html: &mut String,
    field: &FeatureSnapshot,
    window: &FeatureWindow,
    drift: &Drift,
    reference: &FeatureReference,
    cells: usize,
) -> fmt::Result {
    write!(
        html,
        "{}: {cells} cells, the last {} (line) against {} (area)",
        Escaped(&field.name),
        Escaped(&window.window),
        Escaped(&drift.reference)
    )?;
    if let Some((cell, change)) = drift.moved_most
        && let Some(share) = shares(&window.cells).get(cell)
    {
        write!(
            html,
            "; most moved: {}, from {} to {}",
            Escaped(&reference.place(cell)),
            percent(Some((share - change).max(0.0))),
            percent(Some(*share))
        )?;
    }
    Ok(())
}

/// A step for each cell, from the left to the right.
fn write_steps(html: &mut String, shares: &[f64], highest: f64) -> fmt::Result {
    let mut before = f64::NAN;
    for share in shares {
        let level = (HEIGHT * (1.0 - (share / highest).sqrt()) * 10.0).round() / 10.0;
        if level != before {
            write!(html, "V{level}")?;
        }
        write!(html, "h{CELL}")?;
        before = level;
    }
    Ok(())
}

fn shares(rows: &[u64]) -> Vec<f64> {
    let all = rows.iter().sum::<u64>().max(1) as f64;
    rows.iter().map(|&rows| rows as f64 / all).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_one_height_are_one_step() {
        let mut path = String::new();
        write_steps(&mut path, &shares(&[5, 5, 20, 0]), 20.0 / 30.0).unwrap();
        assert_eq!(path, "V20h10h10V0h10V40h10");
    }
}
