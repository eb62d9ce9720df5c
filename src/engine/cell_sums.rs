//! Means per cell of one field: since the windows were last fed, and in each window. Only at detail
//! `full`, which alone shows distances that need them.

use super::config::WindowConfig;
use crate::profile::{Moments, NumericCells};
use crate::tally::{CellSumsTally, Tally};
use crate::window::Ring;

/// Sums per cell of a numeric field.
pub(super) struct CellSums {
    pending: CellSumsTally,
    pub windows: Vec<Ring<CellSumsTally>>,
}

impl CellSums {
    /// Nothing yet, over this many cells and windows.
    pub fn new(cells: usize, windows: usize) -> Self {
        let pending = CellSumsTally::new(cells);
        Self {
            windows: vec![Ring::new(&pending); windows],
            pending,
        }
    }

    /// Sums of nothing.
    pub fn empty(&self) -> CellSumsTally {
        let mut empty = self.pending.clone();
        empty.clear();
        empty
    }

    pub fn keep_previous(&mut self, keep: bool) {
        for ring in &mut self.windows {
            ring.keep_previous(keep);
        }
    }

    pub fn fold(&mut self, values: &[f64], cells: &NumericCells, reference: &Moments) {
        self.pending.add_numbers(values, cells, reference);
    }

    /// Feeds the pending sums to the windows, each at its slice; forgets them.
    pub fn flush(&mut self, slices: &[i64]) {
        for (ring, &slice) in self.windows.iter_mut().zip(slices) {
            ring.add(slice, &self.pending);
        }
        self.pending.clear();
    }

    /// The reference has another mean and scale; nothing is pending.
    pub fn change_units(&mut self, from: &Moments, to: &Moments) {
        for ring in &mut self.windows {
            ring.change(|sums| sums.change_units(from, to));
        }
    }

    /// The wall clock was set back to `at`; nothing is pending.
    pub fn set_back(&mut self, at: i64, windows: &[WindowConfig]) {
        for (ring, window) in self.windows.iter_mut().zip(windows) {
            ring.set_back_to(window.slice(at));
        }
    }

    pub fn bytes(&self) -> usize {
        self.pending.bytes() + self.windows.iter().map(Ring::bytes).sum::<usize>()
    }
}
