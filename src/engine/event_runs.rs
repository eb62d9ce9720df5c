//! Which rows of a batch belong to the same moment, as windows see it.

use std::ops::Range;

use super::burn_in::slice;
use super::config::{Config, WindowConfig};
use crate::batch::{Batch, Times};

/// Splits rows of a batch into runs that belong to the same slice of every window and of the burn-in,
/// each with the time of its newest row.
pub(super) fn event_runs(
    batch: &Batch,
    rows: Range<usize>,
    arrival: i64,
    config: &Config,
) -> Vec<(i64, Range<usize>)> {
    let times = match &batch.times {
        Times::Arrival => return vec![(arrival, rows)],
        Times::At(at) => return vec![(*at, rows)],
        Times::Each(_) if rows.is_empty() => return vec![(arrival, rows)],
        Times::Each(times) => times,
    };
    let mut runs: Vec<(i64, Range<usize>)> = Vec::new();
    for (row, &at) in rows.clone().zip(&times[rows]) {
        if let Some((time, rows)) = runs.last_mut() {
            let same = |w: &WindowConfig| w.slice(*time) == w.slice(at);
            let burns_in_apart =
                slice(config.burn_in_micros, *time) != slice(config.burn_in_micros, at);
            if *time == at || (config.windows.iter().all(same) && !burns_in_apart) {
                *time = at.max(*time);
                rows.end = row + 1;
                continue;
            }
        }
        runs.push((at, row..row + 1));
    }
    runs
}
