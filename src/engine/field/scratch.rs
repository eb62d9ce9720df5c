//! Scratch memory of the folding loops.
//!
//! One for all fields of all models: what it has once grown to serves every batch after.

use std::ops::Range;

use crate::batch::{Column, Numbers, Vectors};
use crate::tally::{Points, RowCodes};

/// Scratch memory of the folding loops.
#[derive(Debug, Default)]
pub(in crate::engine) struct Scratch {
    pub(super) numbers: Numbers,
    /// Numbers that know their rows.
    pub(super) placed: Placed,
    pub(super) cell_of_code: Vec<usize>,
    pub(super) vectors: Vectors,
    pub(super) points: Points,
    /// The cells of the values of a run of rows, for sums over several fields.
    pub codes: RowCodes,
}

/// Numbers that know which rows they come from, and their cells.
#[derive(Debug)]
pub(super) struct Placed {
    pub numbers: Numbers,
    codes: Vec<u8>,
}

impl Default for Placed {
    fn default() -> Self {
        Self {
            numbers: Numbers {
                places: Some(Vec::new()),
                ..Numbers::default()
            },
            codes: Vec::new(),
        }
    }
}

impl Placed {
    /// Reads rows of a column, has them added and puts the code of each usable value at its row.
    pub fn fold(
        &mut self,
        column: &Column,
        rows: Range<usize>,
        codes: &mut [u8],
        add: impl FnOnce(&Numbers, &mut [u8]),
    ) {
        self.numbers.clear();
        column.read_numbers(rows, &mut self.numbers);
        self.add(codes, add);
    }

    /// Has the numbers added and puts the code of each at its row.
    pub fn add(&mut self, codes: &mut [u8], add: impl FnOnce(&Numbers, &mut [u8])) {
        let Self {
            numbers,
            codes: packed,
        } = self;
        if numbers.finite.len() == codes.len() {
            return add(numbers, codes);
        }
        packed.resize(numbers.finite.len(), 0);
        add(numbers, packed);
        let places = numbers.places.iter().flatten();
        for (&place, &code) in places.zip(&*packed) {
            codes[place as usize] = code;
        }
    }
}
