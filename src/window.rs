//! Sliding windows: a ring of slices and their running sum.
//!
//! A window of length W is [`SLICES`] slices of W/12: the running one and the eleven before it, so
//! it covers between 11/12·W and W. Adding costs one slice and the sum; when time moves on, the
//! slices that leave are taken from the sum, and what does not subtract is recombined.

use crate::tally::Tally;

/// Slices of a window.
pub const SLICES: usize = 12;

/// The slices of one window, of one kind of sum.
#[derive(Clone, Debug)]
pub struct Ring<T> {
    /// Slice number `s` (time / width) stands at `s mod SLICES`.
    slices: Vec<T>,
    /// Sum of all slices.
    total: T,
    /// Number of the running slice; `None` before the first row or tick.
    newest: Option<i64>,
    /// Number of the first slice that it ran in.
    first: Option<i64>,
}

impl<T: Tally> Ring<T> {
    /// An empty window of sums like `empty`.
    pub fn new(empty: &T) -> Self {
        Self {
            slices: vec![empty.clone(); SLICES],
            total: empty.clone(),
            newest: None,
            first: None,
        }
    }

    /// Moves on to slice `slice`; the slices that leave the window are taken away. Going back does
    /// nothing.
    pub fn advance_to(&mut self, slice: i64) {
        let newest = *self.newest.get_or_insert(slice);
        self.first.get_or_insert(newest);
        let steps = slice.saturating_sub(newest);
        if steps <= 0 {
            return;
        }
        self.newest = Some(slice);
        if steps >= SLICES as i64 {
            self.slices.iter_mut().for_each(T::clear);
            self.total.clear();
            return;
        }
        for leaving in newest + 1..=slice {
            let leaving = &mut self.slices[index(leaving)];
            self.total.subtract_counts(leaving);
            leaving.clear();
        }
        self.total.recombine(&self.slices);
    }

    /// Time was set back to slice `slice`: a window that has not room for both times begins anew. In
    /// a longer one rows go to the older slices, and it covers that much more for a while.
    pub fn set_back_to(&mut self, slice: i64) {
        if self
            .newest
            .is_some_and(|newest| newest.saturating_sub(slice) >= SLICES as i64)
        {
            self.slices.iter_mut().for_each(T::clear);
            self.total.clear();
            self.newest = Some(slice);
            self.first = Some(slice);
        }
    }

    /// Adds sums of slice `slice`, moving on if it is a new one. Returns false, and adds nothing,
    /// if that slice has left the window.
    pub fn add(&mut self, slice: i64, sums: &T) -> bool {
        self.advance_to(slice);
        let newest = self.newest.unwrap_or(slice);
        if newest - slice >= SLICES as i64 {
            return false;
        }
        self.slices[index(slice)].add(sums);
        self.total.add(sums);
        true
    }

    /// Changes each slice in place, and their sum with them.
    pub fn change(&mut self, change: impl Fn(&mut T)) {
        self.slices.iter_mut().for_each(change);
        self.total.clear();
        for slice in &self.slices {
            self.total.add(slice);
        }
    }

    /// Whether it has run for all of its slices, so that it holds what its length promises.
    pub fn is_full(&self) -> bool {
        let (first, newest) = (self.first.unwrap_or(0), self.newest.unwrap_or(0));
        newest.saturating_sub(first) >= SLICES as i64 - 1
    }

    /// Sum over the window.
    pub fn total(&self) -> &T {
        &self.total
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.total.bytes() + self.slices.iter().map(T::bytes).sum::<usize>()
    }
}

fn index(slice: i64) -> usize {
    slice.rem_euclid(SLICES as i64) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tally::FeatureTally;

    fn one(cell: usize) -> FeatureTally {
        let mut tally = FeatureTally::new(3);
        tally.count(cell, 1);
        tally.moments.sum = cell as f64 + 0.1;
        tally.moments.min = cell as f64;
        tally.moments.max = cell as f64;
        tally
    }

    proptest! {
        /// The running sum is what adding up the rows that are still in the window gives.
        #[test]
        fn a_window_is_the_sum_of_its_rows(steps in prop::collection::vec((-15i64..30, 0usize..3), 1..200)) {
            let mut ring = Ring::new(&FeatureTally::new(3));
            let (mut newest, mut kept) = (0i64, Vec::new());
            ring.advance_to(0);
            for (step, cell) in steps {
                let slice = newest + step.min(14);
                let added = ring.add(slice, &one(cell));
                newest = newest.max(slice);
                prop_assert_eq!(added, newest - slice < SLICES as i64);
                kept.push((slice, cell));
            }
            kept.retain(|(slice, _)| newest - slice < SLICES as i64);
            let mut expected = FeatureTally::new(3);
            // Late rows that came when their slice had already left were never added; all others
            // that are still in the window were.
            kept.iter().for_each(|(_, cell)| expected.add(&one(*cell)));
            prop_assert_eq!(&ring.total().cells, &expected.cells);
            prop_assert_eq!(ring.total().moments.min, expected.moments.min);
            prop_assert_eq!(ring.total().moments.max, expected.moments.max);
            prop_assert!((ring.total().moments.sum - expected.moments.sum).abs() < 1e-9);
        }
    }

    #[test]
    fn a_long_silence_empties_the_window() {
        let mut ring = Ring::new(&FeatureTally::new(3));
        ring.add(5, &one(1));
        ring.advance_to(5 + 11);
        assert_eq!(ring.total().values, 1);
        ring.advance_to(5 + 12);
        assert_eq!(ring.total().values, 0);
        assert_eq!(ring.total().moments.max, f64::NEG_INFINITY);
        ring.add(i64::MAX / 2, &one(1));
        assert_eq!(ring.total().values, 1);
    }
}
