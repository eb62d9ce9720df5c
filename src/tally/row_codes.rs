//! The cell of each value, row by row: what sums of several features at once are made from.

use std::ops::Range;

use crate::batch::{Column, Numbers, Presence, Values};
use crate::profile::{Cells, hash_cell};

/// The cell of each value of some features and rows, as one byte.
#[derive(Clone, Debug, Default)]
pub struct RowCodes {
    rows: usize,
    /// Feature after feature.
    codes: Vec<u8>,
    numbers: Numbers,
}

impl RowCodes {
    /// Code of a row without a usable value.
    pub const MISSING: u8 = u8::MAX;
    /// Most cells of a feature that can be coded.
    pub const MOST_CELLS: usize = u8::MAX as usize;

    /// Makes room for `features` × `rows` values, all missing.
    pub fn begin(&mut self, features: usize, rows: usize) {
        self.rows = rows;
        self.codes.clear();
        self.codes.resize(features * rows, Self::MISSING);
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Codes of feature `feature`, one a row.
    pub fn of(&self, feature: usize) -> &[u8] {
        &self.codes[feature * self.rows..][..self.rows]
    }

    /// Reads rows `rows` of a column into those from `first` on. Vectors, and features with more
    /// than [`RowCodes::MOST_CELLS`] cells, stay missing.
    pub fn read(
        &mut self,
        feature: usize,
        first: usize,
        column: &Column,
        rows: Range<usize>,
        cells: &Cells,
    ) {
        if cells.len() > Self::MOST_CELLS || column.width() > 1 {
            return;
        }
        let codes = &mut self.codes[feature * self.rows..][..self.rows][first..][..rows.len()];
        match cells {
            Cells::Numeric(cells) => {
                let locate = |value: f64| cells.locate(value) as u8;
                self.numbers.clear();
                column.read_numbers(rows.clone(), &mut self.numbers);
                if self.numbers.finite.len() == rows.len() {
                    for (code, &value) in codes.iter_mut().zip(&self.numbers.finite) {
                        *code = locate(value);
                    }
                    return;
                }
                for (code, row) in codes.iter_mut().zip(rows) {
                    self.numbers.clear();
                    column.read_numbers(row..row + 1, &mut self.numbers);
                    if let Some(&value) = self.numbers.finite.first() {
                        *code = locate(value);
                    }
                }
            }
            Cells::Categorical(cells) => {
                if let (
                    Values::Dictionary {
                        dictionary,
                        codes: of_row,
                    },
                    Presence::All,
                ) = (&column.values, &column.presence)
                    && dictionary.len() < rows.len()
                {
                    let located = dictionary.iter().map(|text| cells.locate(text) as u8);
                    let located: Vec<u8> = located.collect();
                    for (code, row) in codes.iter_mut().zip(rows) {
                        *code = located[of_row[row] as usize];
                    }
                    return;
                }
                read_texts(column, rows, codes, |text| cells.locate(text));
            }
            Cells::Hashed => read_texts(column, rows, codes, hash_cell),
        }
    }
}

fn read_texts(
    column: &Column,
    rows: Range<usize>,
    codes: &mut [u8],
    cell_of: impl Fn(&str) -> usize,
) {
    let mut codes = codes.iter_mut();
    column.read_texts(rows, |text| {
        if let (Some(code), Ok(Some(text))) = (codes.next(), text) {
            *code = cell_of(text) as u8;
        }
    });
}
