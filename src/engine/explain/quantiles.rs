//! Quantiles of both sides of a comparison, from the counts of their cells.

use serde::Serialize;

use super::Sides;
use crate::engine::snapshot::{Drift, FeatureReference, FeatureWindow};
use crate::profile::{Cells, Kind};
use crate::statistic::{cell_bounds, quantile};

/// The shares that are looked at.
const SHARES: [f64; 7] = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/// The value below which a share of the values lies, interpolated within its cell.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quantile {
    /// The share, such as 0.5 for the median.
    pub share: f64,
    /// The value on both sides; `None` in the outermost cells of a reference that is no profile, whose
    /// smallest and largest value are not known.
    #[serde(flatten)]
    pub values: Sides<Option<f64>>,
}

/// Those of numbers; empty for all else. Integers are taken as such, truth values have none.
pub(super) fn quantiles(
    reference: &FeatureReference,
    window: &FeatureWindow,
    drift: &Drift,
) -> Vec<Quantile> {
    let feature = &*reference.feature;
    let Some((Cells::Numeric(cells), rows)) =
        feature.cells.as_ref().map(|of| (&of.cells, &of.rows))
    else {
        return Vec::new();
    };
    let reference_rows = drift.reference_cells.as_deref().unwrap_or(rows);
    let (Some(least), Some(most)) = (window.min, window.max) else {
        return Vec::new();
    };
    let is_counted = reference_rows.len() == rows.len() && window.cells.len() == rows.len();
    if feature.kind == Kind::Boolean || !is_counted {
        return Vec::new();
    }
    let is_whole = feature.kind == Kind::Integer;
    let bounds = |least, most| cell_bounds(cells.edges(), least, most, is_whole);
    let known = feature.moments.filter(|_| drift.reference_cells.is_none());
    let of_reference = known.map_or_else(
        || bounds(f64::NEG_INFINITY, f64::INFINITY),
        |range| bounds(range.min, range.max),
    );
    let of_window = bounds(least, most);
    let quantiles = SHARES.map(|share| Quantile {
        share,
        values: Sides {
            reference: quantile(reference_rows, &of_reference, share),
            window: quantile(&window.cells, &of_window, share),
        },
    });
    quantiles.into()
}
