//! What is remembered of a field of strings: a count per category as long as there are few of them,
//! and rows per hash cell, which need no second pass.

use std::collections::HashMap;
use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use super::category_cells::category_cells;
use super::distinct::Distinct;
use crate::batch::{Column, NoText, Values};
use crate::profile::{Cells, HASH_CELLS, Missing, ReferenceCells};

/// Most distinct strings of a categorical field.
pub const MAX_CATEGORIES: usize = 1_000;

/// The only pass over one field of strings.
pub struct TextLearner {
    /// Rows without a usable value.
    pub missing: Missing,
    /// Usable values.
    pub values: u64,
    /// Rows per category; `None` once there were too many.
    counts: Option<HashMap<Box<str>, u64>>,
    key_bytes: usize,
    hash_rows: [u64; HASH_CELLS],
    /// Counts distinct values once the categories are given up.
    distinct: Distinct,
}

impl TextLearner {
    /// A learner that has seen nothing.
    pub fn new() -> Self {
        Self {
            missing: Missing::default(),
            values: 0,
            counts: Some(HashMap::new()),
            key_bytes: 0,
            hash_rows: [0; HASH_CELLS],
            distinct: Distinct::new(),
        }
    }

    /// Takes over rows `rows` of a column in their text form.
    pub fn observe(&mut self, column: &Column, rows: Range<usize>) {
        if let Values::Dictionary { dictionary, codes } = &column.values {
            // One look-up a distinct string, not one a row.
            let mut counts = vec![0_u64; dictionary.len()];
            for row in rows {
                if column.presence.has(row) {
                    counts[codes[row] as usize] += 1;
                } else {
                    self.missing.null += 1;
                }
            }
            for (text, rows) in dictionary.iter().zip(counts) {
                if rows > 0 {
                    self.add(text, rows);
                }
            }
            return;
        }
        if column.width() > 1 {
            // A vector has no text form.
            let present = rows.clone().filter(|&row| column.presence.has(row)).count();
            self.missing.invalid += present as u64;
            self.missing.null += (rows.len() - present) as u64;
            return;
        }
        column.read_texts(rows, |text| match text {
            Ok(Some(text)) => self.add(text, 1),
            Ok(None) => self.missing.null += 1,
            Err(NoText::Nan) => self.missing.nan += 1,
            Err(NoText::Inf) => self.missing.inf += 1,
            Err(NoText::Invalid) => self.missing.invalid += 1,
        });
    }

    fn add(&mut self, text: &str, rows: u64) {
        self.values += rows;
        let hash = xxh3_64(text.as_bytes());
        self.hash_rows[(hash % HASH_CELLS as u64) as usize] += rows;
        let Some(counts) = &mut self.counts else {
            self.distinct.insert(hash);
            return;
        };
        if let Some(count) = counts.get_mut(text) {
            *count += rows;
            return;
        }
        if counts.len() < MAX_CATEGORIES {
            self.key_bytes += text.len();
            counts.insert(text.into(), rows);
            return;
        }
        for category in counts.keys() {
            self.distinct.insert(xxh3_64(category.as_bytes()));
        }
        self.distinct.insert(hash);
        self.counts = None;
        self.key_bytes = 0;
    }

    /// Distinct strings: exact up to [`MAX_CATEGORIES`], an estimate beyond.
    pub fn distinct(&self) -> u64 {
        match &self.counts {
            Some(counts) => counts.len() as u64,
            None => self.distinct.count(),
        }
    }

    /// Whether there are few enough distinct strings to list them.
    pub fn can_be_listed(&self) -> bool {
        self.counts.is_some()
    }

    /// Whether more than half of the values differ, as identifiers and free text do.
    pub fn is_mostly_distinct(&self) -> bool {
        self.distinct() * 2 > self.values
    }

    /// Bytes of memory held, with 16 for each allocation.
    pub fn bytes(&self) -> usize {
        let table = self.counts.as_ref().map_or(0, |counts| {
            counts.capacity() * (size_of::<(Box<str>, u64)>() + 1) + counts.len() * 16
        });
        table + self.key_bytes + self.distinct.bytes()
    }

    /// Cells by category if asked for and possible, else by hash; `None` without any value.
    pub fn into_reference(self, categorical: bool) -> Option<ReferenceCells> {
        if self.values == 0 {
            return None;
        }
        match self.counts {
            Some(counts) if categorical => {
                let counts = counts.into_iter();
                category_cells(counts.map(|(name, rows)| (name.into(), rows)).collect())
            }
            _ => Some(ReferenceCells {
                cells: Cells::Hashed,
                rows: self.hash_rows.to_vec(),
                means: Vec::new(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::ValueType;

    #[test]
    fn a_thousand_strings_are_listed_and_one_more_is_hashed() {
        let mut learner = TextLearner::new();
        for name in 0..1_000 {
            learner.add(&name.to_string(), 3);
        }
        assert!(learner.can_be_listed() && !learner.is_mostly_distinct());
        assert_eq!(learner.distinct(), 1_000);
        learner.add("one more", 1);
        assert!(!learner.can_be_listed());
        assert!(learner.distinct().abs_diff(1_001) < 50);
        let reference = learner.into_reference(true).unwrap();
        assert_eq!(reference.cells, Cells::Hashed);
        assert_eq!((reference.rows.len(), reference.total()), (64, 3_001));
    }

    #[test]
    fn vectors_are_invalid_among_texts() {
        let vectors = Column::full(Values::Fixed {
            data: vec![0; 24].into(),
            value_type: ValueType::Float32,
            offset: 0,
            stride: 8,
            width: 2,
        });
        let mut learner = TextLearner::new();
        learner.observe(&vectors, 0..3);
        assert_eq!((learner.values, learner.missing.invalid), (0, 3));
    }

    #[test]
    fn a_dictionary_counts_like_its_strings() {
        let texts = ["a", "b", "a", "c", "a"].map(String::from);
        let plain = Column::full(Values::Text(texts.to_vec()));
        let dictionary = Column::full(Values::Dictionary {
            dictionary: ["c", "a", "unused", "b"].map(String::from).to_vec(),
            codes: vec![1, 3, 1, 0, 1],
        });
        let learn = |column: &Column| {
            let mut learner = TextLearner::new();
            learner.observe(column, 1..5);
            learner.into_reference(true)
        };
        assert_eq!(learn(&plain), learn(&dictionary));
        assert_eq!(learn(&plain).unwrap().rows, [2, 1, 1, 0]);
    }
}
