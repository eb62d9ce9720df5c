//! A field in time: pending sums go to the windows, and those move on, or back with the clock.
//!
//! Whatever keeps windows has to move with them, all at once; so it stands together.

use super::Field;
use crate::engine::config::WindowConfig;
use crate::tally::Tally;
use crate::window::hour_of;

impl Field {
    /// Feeds the pending sums to the windows, each at its slice, to their hour and to the burn-in;
    /// forgets them. `longest` is the place of the longest window.
    pub fn flush(&mut self, slices: &[i64], hour: i64, burn_in_slice: i64, longest: usize) {
        if let (Some(distinct), Some(&slice)) = (&mut self.distinct, slices.get(longest)) {
            distinct.flush(slice);
        }
        if self.pending.is_empty() {
            return;
        }
        for (ring, &slice) in self.windows.iter_mut().zip(slices) {
            ring.add(slice, &self.pending);
        }
        self.burn_in.add(burn_in_slice, &self.pending);
        if let Some(sums) = &mut self.cell_sums {
            sums.flush(slices);
        }
        if let Some(sums) = &mut self.embedding {
            sums.flush(slices);
        }
        if let Some(seasonal) = &mut self.seasonal {
            seasonal.add(hour, &self.pending.cells);
        }
        self.since_start.add(&self.pending);
        self.pending.clear();
    }

    /// Moves the windows at place `at` on to their slice `slice`; nothing is pending.
    pub fn advance(&mut self, at: usize, slice: i64, is_longest: bool) {
        self.windows[at].advance_to(slice);
        if let Some(sums) = &mut self.cell_sums {
            sums.windows[at].advance_to(slice);
        }
        if let Some(sums) = &mut self.embedding {
            sums.windows[at].advance_to(slice);
        }
        if is_longest {
            if let Some(distinct) = &mut self.distinct {
                distinct.window.advance_to(slice);
            }
            self.new_names.advance_to(slice);
        }
    }

    /// The wall clock was set back to `at`, slice `burn_in_slice` of the burn-in; nothing is pending.
    pub fn set_back(
        &mut self,
        at: i64,
        windows: &[WindowConfig],
        burn_in_slice: i64,
        longest: usize,
    ) {
        self.burn_in.set_back(burn_in_slice);
        for (ring, window) in self.windows.iter_mut().zip(windows) {
            ring.set_back_to(window.slice(at));
        }
        if let Some(sums) = &mut self.cell_sums {
            sums.set_back(at, windows);
        }
        if let Some(sums) = &mut self.embedding {
            sums.set_back(at, windows);
        }
        if let Some(seasonal) = &mut self.seasonal {
            seasonal.set_back_to(hour_of(at));
        }
        if let (Some(distinct), Some(window)) = (&mut self.distinct, windows.get(longest)) {
            distinct.window.set_back_to(window.slice(at));
        }
        self.new_names.set_back();
    }
}
