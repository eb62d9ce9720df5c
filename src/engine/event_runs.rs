//! Which rows of a batch belong to the same moment, as windows see it.

use std::ops::Range;

use super::burn_in::slice;
use super::config::{Config, WindowConfig};
use crate::batch::{Batch, Times};
use crate::window::hour_of;

/// Splits rows of a batch into runs that belong to the same hour and the same slice of every window
/// and of the burn-in, each with the time of its newest row.
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
            let same_hour = hour_of(*time) == hour_of(at);
            let burn_in = |at| slice(config.burn_in_micros, at);
            let same_past = same_hour && burn_in(*time) == burn_in(at);
            if *time == at || (same_past && config.windows.iter().all(same)) {
                *time = at.max(*time);
                rows.end = row + 1;
                continue;
            }
        }
        runs.push((at, row..row + 1));
    }
    runs
}
