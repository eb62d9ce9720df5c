//! How many different values a field has had: since the windows were last fed, and in the longest
//! window. Only at detail `full`, for it costs 14 kB.

use std::ops::Range;

use crate::batch::{Column, Numbers};
use crate::tally::{DistinctTally, Tally};
use crate::window::Ring;

/// Different values of one field.
pub(in crate::engine) struct Distinct {
    pending: DistinctTally,
    pub window: Ring<DistinctTally>,
}

impl Distinct {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            pending: DistinctTally::default(),
            window: Ring::new(&DistinctTally::default()),
        }
    }

    /// Takes the values of these rows in; `numbers` is scratch memory.
    pub fn fold(&mut self, column: &Column, rows: Range<usize>, numbers: &mut Numbers) {
        if column.is_text() {
            return column.read_texts(rows, |text| {
                if let Ok(Some(text)) = text {
                    self.pending.add_text(text);
                }
            });
        }
        numbers.clear();
        column.read_numbers(rows, numbers);
        self.add_numbers(&numbers.finite);
    }

    /// Takes these values in.
    pub fn add_numbers(&mut self, values: &[f64]) {
        values
            .iter()
            .for_each(|&value| self.pending.add_number(value));
    }

    /// Feeds what is pending to the window, at its slice; forgets it.
    pub fn flush(&mut self, slice: i64) {
        if self.pending.is_empty() {
            return;
        }
        self.window.add(slice, &self.pending);
        self.pending.clear();
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        self.pending.bytes() + self.window.bytes()
    }
}
