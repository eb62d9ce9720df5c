//! One comparison: the sums of a window against those of a reference.

use std::sync::Arc;

use super::snapshot::Drift;
use crate::profile::Cells;
use crate::statistic::{self, Sensitivity, Sums};

/// Drift by these sums over `cells`, from the reference that is labelled `reference`; `None` when
/// either side has no values.
pub(super) fn compare(
    reference: &Arc<str>,
    cells: &Cells,
    sums: &Sums<'_>,
    sensitivity: &Sensitivity,
) -> Option<Drift> {
    let psi = statistic::psi(sums.reference, sums.window)?;
    let m: u64 = sums.reference.iter().sum();
    let n: u64 = sums.window.iter().sum();
    let count = cells.len();
    let is_ordered = cells.is_ordered();
    let ratio = statistic::ratio(psi, count, n, m, sensitivity);
    let ratio = ratio.filter(|ratio| ratio.is_finite());
    Some(Drift {
        reference: reference.clone(),
        psi,
        threshold: statistic::threshold(count, n, m, sensitivity),
        ratio,
        excess: statistic::excess(psi, count, n, m, sensitivity.design_effect),
        z: statistic::z_score(psi, count, n, m, sensitivity),
        since: None,
        moved_most: statistic::moved_most(sums.reference, sums.window),
        reference_cells: None,
        distances: statistic::DISTANCES
            .iter()
            .filter(|(_, unordered, _)| is_ordered || *unordered)
            .filter_map(|(name, _, distance)| Some((*name, distance(sums)?)))
            .collect(),
    })
}
