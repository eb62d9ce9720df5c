//! A version in time: pending sums belong to one moment, and go to the windows when that passes.
//!
//! The fields, the traffic and what several fields say together keep the same windows, so they move
//! as one.

use super::Version;
use crate::engine::burn_in;
use crate::engine::config::Config;
use crate::tally::Tally;
use crate::window::hour_of;

impl Version {
    /// Takes the pending sums to their slices and makes `at` the moment that the next rows belong
    /// to.
    pub fn begin(&mut self, at: i64, config: &Config) {
        let slices = config.windows.iter().map(|window| window.slice(at));
        let (hour, burn_in) = (hour_of(at), burn_in::slice(config.burn_in_micros, at));
        let is_same = slices.clone().eq(self.pending_slices.iter().copied());
        if !is_same || hour != self.pending_hour || burn_in != self.pending_burn_in {
            self.flush();
            self.pending_hour = hour;
            self.pending_burn_in = burn_in;
            self.pending_slices.clear();
            self.pending_slices.extend(slices);
            if let Some(&slice) = self.pending_slices.get(self.longest) {
                let fields = self.fields.iter_mut();
                fields.for_each(|field| field.new_names.advance_to(slice));
            }
        }
        let started_at = self.started_at.get_or_insert(at);
        *started_at = at.min(*started_at);
    }

    /// Takes the pending sums to their slices.
    pub fn flush(&mut self) {
        if self.pending.rows + self.pending.calls > 0 {
            for (ring, &slice) in self.traffic.iter_mut().zip(&self.pending_slices) {
                ring.add(slice, &self.pending);
            }
            self.pending.clear();
        }
        for field in &mut self.fields {
            field.flush(
                &self.pending_slices,
                self.pending_hour,
                self.pending_burn_in,
                self.longest,
            );
        }
        self.row_sums.flush(&self.pending_slices);
    }

    /// The wall clock was set back to `at`.
    pub fn set_back(&mut self, at: i64, config: &Config) {
        let windows = &config.windows;
        let burn_in = burn_in::slice(config.burn_in_micros, at);
        self.flush();
        self.pending_slices.clear();
        for (ring, window) in self.traffic.iter_mut().zip(windows) {
            ring.set_back_to(window.slice(at));
        }
        for field in &mut self.fields {
            field.set_back(at, windows, burn_in, self.longest);
        }
        self.row_sums.set_back(at, windows);
        self.started_at = self.started_at.map(|started| started.min(at));
        self.last_row_at = self.last_row_at.map(|last| last.min(at));
    }

    /// Moves all windows on to `now`.
    pub fn advance(&mut self, now: i64, config: &Config) {
        self.flush();
        let burn_in = burn_in::slice(config.burn_in_micros, now);
        for field in &mut self.fields {
            field.burn_in.advance_to(burn_in);
        }
        for (at, window) in config.windows.iter().enumerate() {
            let slice = window.slice(now);
            self.traffic[at].advance_to(slice);
            self.row_sums.advance(at, slice);
            for field in &mut self.fields {
                field.advance(at, slice, at == self.longest);
            }
        }
    }
}
