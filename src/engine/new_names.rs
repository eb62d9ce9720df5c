//! Names of the categories that the reference has never seen, most frequent first: for people who
//! ask what it is that is new.
//!
//! Two sketches take turns, half a window each, so the names are those of the last half to whole
//! longest window. They feed no figure and no alarm.

use std::ops::Range;

use crate::batch::{Column, Values};
use crate::profile::CategoryCells;
use crate::tally::{Frequent, FrequentTexts};
use crate::window::SLICES;

/// Names that are shown.
const MOST_NAMES: usize = 10;

/// New categories of one field; takes memory only once there are any.
#[derive(Clone, Debug, Default)]
pub(super) struct NewNames {
    is_wanted: bool,
    /// Number of the half window that the newer sketch belongs to; `None` before the first.
    half: Option<i64>,
    sketches: Option<Box<Halves>>,
}

#[derive(Clone, Debug, Default)]
struct Halves {
    newer: FrequentTexts,
    older: FrequentTexts,
}

impl NewNames {
    /// Starts or ends to collect names.
    pub fn follow(&mut self, is_wanted: bool) {
        self.is_wanted = is_wanted;
        if !is_wanted {
            self.clear();
        }
    }

    /// Forgets all names.
    pub fn clear(&mut self) {
        self.sketches = None;
    }

    /// Takes the new categories of these rows in.
    pub fn fold(&mut self, cells: &CategoryCells, column: &Column, rows: Range<usize>) {
        if !self.is_wanted {
            return;
        }
        let newer = &mut self.sketches.get_or_insert_default().newer;
        let new_cell = cells.new_cell();
        if let Values::Dictionary { dictionary, codes } = &column.values
            && dictionary.len() < rows.len()
        {
            let mut counts = vec![0; dictionary.len()];
            for row in rows.filter(|&row| column.presence.has(row)) {
                counts[codes[row] as usize] += 1;
            }
            let counted = dictionary
                .iter()
                .zip(counts)
                .filter(|(_, count)| *count > 0);
            counted
                .filter(|(text, _)| cells.locate(text) == new_cell)
                .for_each(|(text, count)| newer.add(text, count));
            return;
        }
        column.read_texts(rows, |text| {
            if let Ok(Some(text)) = text
                && cells.locate(text) == new_cell
            {
                newer.add(text, 1);
            }
        });
    }

    /// Moves on to slice `slice` of the longest window; late rows do not turn it back.
    pub fn advance_to(&mut self, slice: i64) {
        let half = slice.div_euclid(SLICES as i64 / 2);
        let steps = half.saturating_sub(*self.half.get_or_insert(half));
        if steps <= 0 {
            return;
        }
        self.half = Some(half);
        let Some(sketches) = &mut self.sketches else {
            return;
        };
        let newer = std::mem::take(&mut sketches.newer);
        if steps > 1 || newer.is_empty() {
            self.sketches = None;
        } else {
            sketches.older = newer;
        }
    }

    /// The clock was set back.
    pub fn set_back(&mut self) {
        self.half = None;
    }

    /// The most frequent ones.
    pub fn top(&self) -> Vec<Frequent> {
        let Some(sketches) = &self.sketches else {
            return Vec::new();
        };
        let mut top = sketches.newer.top_with(&sketches.older);
        top.truncate(MOST_NAMES);
        top
    }

    /// Bytes of memory held beside itself.
    pub fn bytes(&self) -> usize {
        let sketches = self.sketches.as_deref();
        sketches.map_or(0, |halves| halves.newer.bytes() + halves.older.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(names: &mut NewNames, texts: &[&str]) {
        let cells = CategoryCells::new(vec!["a".into()], vec!["b".into()], true).unwrap();
        let texts: Vec<_> = texts.iter().map(|&text| text.into()).collect();
        let rows = 0..texts.len();
        names.fold(&cells, &Column::full(Values::Text(texts)), rows);
    }

    fn shown(names: &NewNames) -> Vec<(String, u64)> {
        let top = names.top().into_iter();
        top.map(|name| (name.text.to_string(), name.at_least))
            .collect()
    }

    #[test]
    fn new_categories_are_named_and_known_ones_are_not() {
        let mut names = NewNames::default();
        texts(&mut names, &["x"]);
        assert!(shown(&names).is_empty(), "not asked for");
        names.follow(true);
        texts(&mut names, &["a", "x", "b", "y", "x"]);
        assert_eq!(shown(&names), [("x".into(), 2), ("y".into(), 1)]);
        let dictionary = Values::Dictionary {
            dictionary: vec!["y".into(), "a".into()],
            codes: vec![0, 1, 0, 0],
        };
        let cells = CategoryCells::new(vec!["a".into()], vec![], false).unwrap();
        names.fold(&cells, &Column::full(dictionary), 1..4);
        assert_eq!(shown(&names), [("y".into(), 3), ("x".into(), 2)]);
        names.follow(false);
        assert!(shown(&names).is_empty());
        assert_eq!(names.bytes(), 0);
    }

    #[test]
    fn names_last_for_half_a_window_to_a_whole_one() {
        let mut names = NewNames::default();
        names.follow(true);
        names.advance_to(1_000 * 12 + 5);
        texts(&mut names, &["x"]);
        names.advance_to(1_000 * 12 + 6);
        texts(&mut names, &["y"]);
        names.advance_to(999 * 12);
        assert_eq!(shown(&names).len(), 2, "late rows turn nothing back");
        names.advance_to(1_001 * 12);
        assert_eq!(shown(&names), [("y".into(), 1)]);
        names.advance_to(1_001 * 12 + 6);
        assert_eq!((shown(&names).len(), names.bytes()), (0, 0));
        texts(&mut names, &["z"]);
        names.advance_to(1_010 * 12);
        assert!(shown(&names).is_empty(), "a long silence");
    }
}
