//! Sliding windows: a ring of slices and their running sum.
//!
//! A window of length W is [`SLICES`] slices of W/12: the running one and the eleven before it, so
//! it covers between 11/12·W and W. Adding costs one slice and the sum; when time moves on, the
//! slices that leave are taken from the sum, and what does not subtract is recombined.
//!
//! The slices that leave can be kept for as long again: they are the window before, for the present
//! one to be compared with. [`Seasonal`] keeps the hours of a week to the same end.

mod seasonal;

pub use seasonal::{HOUR_MICROS, HOURS, Seasonal, hour_of};

use serde::{Deserialize, Serialize};

use crate::tally::Tally;

/// Slices of a window.
pub const SLICES: usize = 12;

/// The slices of one window, of one kind of sum.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ring<T> {
    window: Span<T>,
    /// The twelve slices before the window; only if they are kept.
    previous: Option<Box<Span<T>>>,
    /// Number of the running slice; `None` before the first row or tick.
    newest: Option<i64>,
    /// Number of the first slice that it ran in.
    first: Option<i64>,
}

impl<T: Tally> Ring<T> {
    /// An empty window of sums like `empty`; the one before is not kept.
    pub fn new(empty: &T) -> Self {
        Self {
            window: Span::new(empty),
            previous: None,
            newest: None,
            first: None,
        }
    }

    /// Keeps the window before from now on, or no longer; the present one stays as it is.
    pub fn keep_previous(&mut self, keep: bool) {
        if !keep {
            self.previous = None;
        } else if self.previous.is_none() {
            let mut empty = self.window.total.clone();
            empty.clear();
            self.previous = Some(Box::new(Span::new(&empty)));
        }
    }

    /// Slices that are kept.
    fn kept(&self) -> i64 {
        let spans = 1 + usize::from(self.previous.is_some());
        (spans * SLICES) as i64
    }

    fn clear(&mut self) {
        self.window.clear();
        if let Some(previous) = &mut self.previous {
            previous.clear();
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
        if steps >= self.kept() {
            self.clear();
            return;
        }
        for at in (newest + 1..=slice).map(index) {
            match &mut self.previous {
                Some(previous) => self.window.leave_to(previous, at),
                None => self.window.forget(at),
            }
        }
        self.window.recombine();
        if let Some(previous) = &mut self.previous {
            previous.recombine();
        }
    }

    /// Time was set back to slice `slice`: a window that has not room for both times begins anew. In
    /// a longer one rows go to the older slices, and it covers that much more for a while.
    pub fn set_back_to(&mut self, slice: i64) {
        if self
            .newest
            .is_some_and(|newest| newest.saturating_sub(slice) >= SLICES as i64)
        {
            self.clear();
            self.newest = Some(slice);
            self.first = Some(slice);
        }
    }

    /// Adds sums of slice `slice`, moving on if it is a new one. Returns false, and adds nothing,
    /// if that slice has left the window, and the one before if it is kept.
    pub fn add(&mut self, slice: i64, sums: &T) -> bool {
        self.advance_to(slice);
        let age = self.newest.unwrap_or(slice).saturating_sub(slice);
        if age < SLICES as i64 {
            self.window.add(slice, sums);
        } else if age < self.kept()
            && let Some(previous) = &mut self.previous
        {
            previous.add(slice, sums);
        } else {
            return false;
        }
        true
    }

    /// Changes each slice in place, and their sums with them.
    pub fn change(&mut self, change: impl Fn(&mut T)) {
        let previous = self.previous.as_deref_mut();
        for span in std::iter::once(&mut self.window).chain(previous) {
            span.slices.iter_mut().for_each(&change);
            span.total.clear();
            for slice in &span.slices {
                span.total.add(slice);
            }
        }
    }

    /// Goes on with the slices of another ring, keeping the window before as this one does.
    pub fn resume(&mut self, saved: Self) {
        let keeps_previous = self.previous.is_some();
        *self = saved;
        self.keep_previous(keeps_previous);
    }

    /// Whether it has all slices, and sums like those of `other`, which one read from a file may
    /// not.
    pub fn has_shape_of(&self, other: &Self) -> bool {
        let like = &other.window.total;
        let mut spans = std::iter::once(&self.window).chain(self.previous.as_deref());
        spans.all(|span| {
            span.slices.len() == SLICES
                && span.total.has_shape_of(like)
                && span.slices.iter().all(|slice| slice.has_shape_of(like))
        })
    }

    /// Whether it has run for all of its slices, so that it holds what its length promises.
    pub fn is_full(&self) -> bool {
        let (first, newest) = (self.first.unwrap_or(0), self.newest.unwrap_or(0));
        newest.saturating_sub(first) >= SLICES as i64 - 1
    }

    /// Sum over the window.
    pub fn total(&self) -> &T {
        &self.window.total
    }

    /// Sum over the window before; `None` if it is not kept.
    pub fn previous(&self) -> Option<&T> {
        self.previous.as_ref().map(|previous| &previous.total)
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        let previous = self.previous.as_ref();
        let previous = previous.map_or(0, |previous| size_of_val(&**previous) + previous.bytes());
        size_of::<Self>() + self.window.bytes() + previous
    }
}

/// Twelve slices in a row and their sum.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Span<T> {
    /// Slice number `s` (time / width) stands at `s mod SLICES`.
    slices: Vec<T>,
    /// Sum of all slices.
    total: T,
}

impl<T: Tally> Span<T> {
    fn new(empty: &T) -> Self {
        Self {
            slices: vec![empty.clone(); SLICES],
            total: empty.clone(),
        }
    }

    fn clear(&mut self) {
        self.slices.iter_mut().for_each(T::clear);
        self.total.clear();
    }

    fn add(&mut self, slice: i64, sums: &T) {
        self.slices[index(slice)].add(sums);
        self.total.add(sums);
    }

    /// Empties the slice at `at`. The total is right once it is recombined.
    fn forget(&mut self, at: usize) {
        let leaving = &mut self.slices[at];
        self.total.subtract_counts(leaving);
        leaving.clear();
    }

    /// Gives the slice at `at` to the span before, which forgets its own. The totals are right once
    /// they are recombined.
    fn leave_to(&mut self, before: &mut Self, at: usize) {
        before.forget(at);
        std::mem::swap(&mut self.slices[at], &mut before.slices[at]);
        let moved = &before.slices[at];
        self.total.subtract_counts(moved);
        before.total.add(moved);
    }

    fn recombine(&mut self) {
        self.total.recombine(&self.slices);
    }

    /// Bytes of memory held, without what [`Ring`] holds of it.
    fn bytes(&self) -> usize {
        self.total.bytes() + self.slices.iter().map(T::bytes).sum::<usize>()
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

    /// The sum of those rows whose age in slices is in `ages`.
    fn sum_of(rows: &[(i64, usize)], newest: i64, ages: std::ops::Range<i64>) -> FeatureTally {
        let mut sum = FeatureTally::new(3);
        let fitting = rows
            .iter()
            .filter(|(slice, _)| ages.contains(&(newest - slice)));
        fitting.for_each(|(_, cell)| sum.add(&one(*cell)));
        sum
    }

    fn same(found: &FeatureTally, expected: &FeatureTally) -> Result<(), TestCaseError> {
        prop_assert_eq!(&found.cells, &expected.cells);
        prop_assert_eq!(found.values, expected.values);
        prop_assert_eq!(found.moments.min, expected.moments.min);
        prop_assert_eq!(found.moments.max, expected.moments.max);
        prop_assert!((found.moments.sum - expected.moments.sum).abs() < 1e-9);
        Ok(())
    }

    proptest! {
        /// The running sums are what adding up the rows gives that are still in the window, and
        /// in the one before. Late rows that came when their slice had already left were never
        /// added; all others were.
        #[test]
        fn a_window_is_the_sum_of_its_rows(
            steps in prop::collection::vec((-27i64..30, 0usize..3), 1..200),
            keep in any::<bool>(),
        ) {
            let mut ring = Ring::new(&FeatureTally::new(3));
            ring.keep_previous(keep);
            let kept_slices = if keep { 24 } else { 12 };
            let (mut newest, mut kept) = (0i64, Vec::new());
            ring.advance_to(0);
            for (step, cell) in steps {
                let slice = newest + step.min(26);
                let added = ring.add(slice, &one(cell));
                newest = newest.max(slice);
                prop_assert_eq!(added, newest - slice < kept_slices);
                if added {
                    kept.push((slice, cell));
                }
                same(ring.total(), &sum_of(&kept, newest, 0..12))?;
                if let Some(previous) = ring.previous() {
                    same(previous, &sum_of(&kept, newest, 12..24))?;
                }
            }
            prop_assert_eq!(ring.previous().is_some(), keep);
        }

        /// Switching the window before on and off leaves the present one alone.
        #[test]
        fn the_window_before_can_be_kept_or_not_at_any_time(
            steps in prop::collection::vec((0i64..4, 0usize..3, any::<bool>()), 1..80),
        ) {
            let mut ring = Ring::new(&FeatureTally::new(3));
            let mut plain = ring.clone();
            let mut slice = 0;
            for (step, cell, keep) in steps {
                slice += step;
                ring.keep_previous(keep);
                ring.add(slice, &one(cell));
                plain.add(slice, &one(cell));
                same(ring.total(), plain.total())?;
            }
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
