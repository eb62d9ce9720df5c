//! What came at the same hours of the days before: counts by the hour, kept for eight days.
//!
//! Traffic has a daily rhythm, and a window that differs from a reference of whole weeks may only
//! differ as every day does at this hour. Hours are those of UTC; only counts per cell are kept,
//! because the tests of drift need no more and a week is long.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// Hours that are kept: those of the seven days before a window of a day, and of the window.
pub const HOURS: usize = 192;
/// How far back a window is compared, in hours.
const WEEK: i64 = 7 * DAY;
const DAY: i64 = 24;
/// Length of an hour in microseconds.
pub const HOUR_MICROS: i64 = 3_600_000_000;

/// Counts per cell of the last [`HOURS`] hours.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seasonal {
    /// Hour `h` has its cells from `(h mod HOURS) × cells` on.
    counts: Box<[u32]>,
    cells: usize,
    /// Oldest and newest hour that something was added to; the oldest may be gone by now.
    known: Option<(i64, i64)>,
}

/// Number of the hour that a moment (microseconds since the Unix epoch) falls into.
pub fn hour_of(micros: i64) -> i64 {
    micros.div_euclid(HOUR_MICROS)
}

/// The hours of the seven days before a window at the times of the day that the window covers: each
/// once, and none of the window itself. `covered` are the hours that it touches.
pub fn same_hours_before(
    covered: &RangeInclusive<i64>,
) -> impl Iterator<Item = i64> + Clone + use<> {
    let (first, last) = (*covered.start(), *covered.end());
    let times_of_day = last.saturating_sub(first);
    (first.saturating_sub(WEEK)..first)
        .filter(move |hour| (hour - first).rem_euclid(DAY) <= times_of_day)
}

impl Seasonal {
    /// Nothing yet, over this many cells.
    pub fn new(cells: usize) -> Self {
        Self {
            counts: vec![0; HOURS * cells].into(),
            cells,
            known: None,
        }
    }

    /// Whether it has the hours and cells of `other`, which one read from a file may not.
    pub fn has_shape_of(&self, other: &Self) -> bool {
        (self.cells, self.counts.len()) == (other.cells, other.counts.len())
    }

    fn cells_of(&mut self, hour: i64) -> &mut [u32] {
        let at = place(hour) * self.cells;
        &mut self.counts[at..at + self.cells]
    }

    /// Adds counts per cell to `hour`, up to 2³² − 1 in each. Hours that are gone are left out.
    pub fn add(&mut self, hour: i64, counts: &[u64]) {
        let (mut oldest, newest) = *self.known.get_or_insert((hour, hour));
        let gone = hour.max(newest) - HOURS as i64;
        if hour <= gone {
            return;
        }
        if newest <= gone {
            oldest = hour;
        }
        for arriving in newest.max(gone) + 1..=hour {
            self.cells_of(arriving).fill(0);
        }
        self.known = Some((oldest.min(hour), newest.max(hour)));
        for (mine, &more) in self.cells_of(hour).iter_mut().zip(counts) {
            *mine = mine.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        }
    }

    /// Time was set back to `hour`: what was counted at hours that are yet to come is forgotten.
    pub fn set_back_to(&mut self, hour: i64) {
        let Some((oldest, newest)) = self.known.filter(|&(_, newest)| newest > hour) else {
            return;
        };
        for ahead in (hour + 1).max(newest - HOURS as i64 + 1)..=newest {
            self.cells_of(ahead).fill(0);
        }
        self.known = (oldest <= hour).then_some((oldest, hour));
    }

    /// Sum per cell over the hours of the seven days before a window at the times of the day that it
    /// covers: each hour once, and none of the window itself. `covered` are the hours that the window
    /// touches. `None` until the day before the window is known as a whole: with a part of it, a
    /// window of a day would be compared with some hours of one.
    pub fn before(&self, covered: &RangeInclusive<i64>) -> Option<Vec<u64>> {
        let first = *covered.start();
        let (_, newest) = self.known.filter(|(oldest, _)| *oldest <= first - DAY)?;
        let kept = newest - HOURS as i64 + 1..=newest;
        let mut sum = vec![0; self.cells];
        for hour in same_hours_before(covered).filter(|hour| kept.contains(hour)) {
            let at = place(hour) * self.cells;
            for (sum, &count) in sum.iter_mut().zip(&self.counts[at..]) {
                *sum += u64::from(count);
            }
        }
        Some(sum)
    }

    /// The groups of the week before a window that can be told apart by the days: where the window is
    /// shorter than a day the hours of each time of day, else whole days. The last day is left out: a
    /// change that is hours old would soon count as usual.
    pub fn groups_before(&self, covered: &RangeInclusive<i64>) -> Vec<Vec<Vec<u64>>> {
        let (first, last) = (*covered.start(), *covered.end());
        let Some((oldest, newest)) = self.known else {
            return Vec::new();
        };
        let oldest = oldest.max(newest - HOURS as i64 + 1).max(first - WEEK);
        let cells_of = |hour: i64| &self.counts[place(hour) * self.cells..][..self.cells];
        let is_known = |hour: &i64| *hour >= oldest;
        if last - first < DAY - 1 {
            let of_hour = |from: i64| {
                let days = (1..7).map(move |day| from - DAY * day).filter(is_known);
                days.map(|hour| cells_of(hour).iter().map(|&rows| u64::from(rows)).collect())
                    .collect()
            };
            return (first - DAY..first).map(of_hour).collect();
        }
        let days = (1..=7).map(|day| first - DAY * day).filter(is_known);
        let of_day = |from: i64| {
            let mut sum = vec![0; self.cells];
            for hour in from..from + DAY {
                let sums = sum.iter_mut().zip(cells_of(hour));
                sums.for_each(|(sum, &rows)| *sum += u64::from(rows));
            }
            sum
        };
        vec![days.map(of_day).collect()]
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.counts)
    }
}

fn place(hour: i64) -> usize {
    hour.rem_euclid(HOURS as i64) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The hours are those that one gets by going back from each covered hour a day at a time.
        #[test]
        fn hours_before_are_the_covered_ones_shifted_by_whole_days(
            first in -1_000i64..1_000_000, length in 0i64..30,
        ) {
            let covered = first..=first + length;
            let mut expected = BTreeSet::new();
            for hour in covered.clone() {
                expected.extend((1..=7).map(|days| hour - 24 * days).filter(|&h| h < first));
            }
            let found: Vec<_> = same_hours_before(&covered).collect();
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }

        /// What is summed is what counting the rows gives whose hour was kept when they came and
        /// still is.
        #[test]
        fn sums_are_those_of_the_rows_that_are_kept(
            rows in prop::collection::vec((-220i64..60, 0usize..3), 1..150),
            length in 0i64..25,
        ) {
            let mut seasonal = Seasonal::new(3);
            let (mut oldest, mut newest, mut kept) = (0, 0, Vec::new());
            seasonal.add(0, &[0; 3]);
            for (step, cell) in rows {
                let hour = newest + step;
                newest = newest.max(hour);
                let mut counts = [0; 3];
                counts[cell] = 1;
                seasonal.add(hour, &counts);
                if newest - hour < HOURS as i64 {
                    oldest = oldest.min(hour);
                    kept.push((hour, cell));
                }
                kept.retain(|(hour, _)| newest - hour < HOURS as i64);
            }
            let covered = newest - length..=newest;
            let mut expected = vec![0; 3];
            for hour in same_hours_before(&covered) {
                kept.iter().filter(|row| row.0 == hour).for_each(|row| expected[row.1] += 1);
            }
            let is_whole = oldest <= newest - length - 24;
            prop_assert_eq!(seasonal.before(&covered), is_whole.then_some(expected));
        }
    }

    #[test]
    fn counts_stop_at_the_largest_they_can_hold() {
        let mut seasonal = Seasonal::new(1);
        seasonal.add(5, &[u64::MAX]);
        seasonal.add(5, &[1]);
        assert_eq!(seasonal.before(&(29..=29)), Some(vec![u64::from(u32::MAX)]));
    }

    #[test]
    fn hours_yet_to_come_are_forgotten_when_time_is_set_back() {
        let mut seasonal = Seasonal::new(1);
        for hour in [10, 20, 30] {
            seasonal.add(hour, &[1]);
        }
        let day = 40..=63;
        assert_eq!(seasonal.before(&day), Some(vec![3]));
        seasonal.set_back_to(20);
        assert_eq!(seasonal.before(&day), Some(vec![2]));
        seasonal.set_back_to(-1_000);
        assert_eq!(seasonal.before(&day), None);
        seasonal.add(10, &[1]);
        assert_eq!(seasonal.before(&day), Some(vec![1]));
    }

    #[test]
    fn a_long_silence_begins_a_new_week() {
        let mut seasonal = Seasonal::new(1);
        seasonal.add(0, &[1]);
        seasonal.add(500, &[1]);
        assert_eq!(seasonal.before(&(501..=501)), None);
        assert_eq!(seasonal.before(&(524..=524)), Some(vec![1]));
    }
}
