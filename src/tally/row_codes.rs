//! The cell of each value, row by row: what sums of several features at once are made from.

use std::ops::Range;

use crate::batch::{Column, Numbers, Presence, Values, Vectors};
use crate::profile::{Cells, CentroidCells, NumericCells, hash_cell};

/// The cell of each value of some features and rows, as one byte.
#[derive(Clone, Debug)]
pub struct RowCodes {
    rows: usize,
    /// Rows that there is room for.
    room: usize,
    /// Feature after feature.
    codes: Vec<u8>,
    /// Whether anything was written of each feature.
    given: Vec<bool>,
    numbers: Numbers,
    /// Codes of the usable values of a column that has others.
    packed: Vec<u8>,
    vectors: Vectors,
}

impl Default for RowCodes {
    fn default() -> Self {
        Self {
            rows: 0,
            room: 0,
            codes: Vec::new(),
            given: Vec::new(),
            numbers: Numbers {
                places: Some(Vec::new()),
                ..Numbers::default()
            },
            packed: Vec::new(),
            vectors: Vectors::default(),
        }
    }
}

impl RowCodes {
    /// Code of a row without a usable value.
    pub const MISSING: u8 = u8::MAX;
    /// Most cells of a feature that can be coded.
    pub const MOST_CELLS: usize = u8::MAX as usize;

    /// Makes room for `features` × `rows` values, all missing.
    pub fn begin(&mut self, features: usize, rows: usize) {
        self.begin_empty(features, rows);
        self.rows = rows;
    }

    /// Makes room for `features` × `rows` values, of no rows yet.
    pub fn begin_empty(&mut self, features: usize, rows: usize) {
        (self.rows, self.room) = (0, rows);
        self.codes.clear();
        self.codes.resize(features * rows, Self::MISSING);
        self.given.clear();
        self.given.resize(features, false);
    }

    /// Adds the rows of another, of the same features; `false`, and nothing is added, when there is no
    /// room for all.
    pub fn append(&mut self, other: &Self) -> bool {
        let rows = self.rows + other.rows;
        if rows > self.room {
            return false;
        }
        for feature in (0..other.given.len()).filter(|&feature| other.given[feature]) {
            self.given[feature] = true;
            let own = &mut self.codes[feature * self.room..][self.rows..rows];
            own.copy_from_slice(other.of(feature));
        }
        self.rows = rows;
        true
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether there is a column of feature `feature`; else it is missing in all rows.
    pub fn has(&self, feature: usize) -> bool {
        self.given[feature]
    }

    /// Codes of feature `feature`, one a row.
    pub fn of(&self, feature: usize) -> &[u8] {
        &self.codes[feature * self.room..][..self.rows]
    }

    /// The same, to be written: rows `rows` of feature `feature`.
    pub fn of_mut(&mut self, feature: usize, rows: Range<usize>) -> &mut [u8] {
        self.given[feature] = true;
        &mut self.codes[feature * self.room..][..self.rows][rows]
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        self.codes.capacity() + self.given.capacity() + self.packed.capacity()
    }

    /// Reads rows `rows` of a column into those from `first` on. Features with more than
    /// [`RowCodes::MOST_CELLS`] cells, and vectors where the cells are of scalars, stay missing.
    pub fn read(
        &mut self,
        feature: usize,
        first: usize,
        column: &Column,
        rows: Range<usize>,
        cells: &Cells,
    ) {
        self.given[feature] = true;
        if cells.len() > Self::MOST_CELLS {
            return;
        }
        if let Cells::Centroids(cells) = cells {
            let code = |vector: &[f32]| Some(cells.nearest(vector)? as u8);
            return self.read_vectors(feature, first, column, rows, cells, code);
        }
        if column.width() > 1 {
            return;
        }
        let codes = &mut self.codes[feature * self.room..][..self.rows][first..][..rows.len()];
        match cells {
            Cells::Numeric(cells) => {
                self.numbers.clear();
                column.read_numbers(rows, &mut self.numbers);
                let values = &self.numbers.finite;
                if values.len() == codes.len() {
                    cells.locate_all(values, codes);
                    return;
                }
                self.packed.resize(values.len(), Self::MISSING);
                cells.locate_all(values, &mut self.packed);
                let places = self.numbers.places.iter().flatten();
                for (&place, &code) in places.zip(&self.packed) {
                    codes[place as usize] = code;
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
            Cells::Centroids(_) => {}
        }
    }

    /// Reads the cosines of vectors, for the feature that is derived from them; its cells are `cells`.
    pub fn read_cosines(
        &mut self,
        feature: usize,
        first: usize,
        column: &Column,
        rows: Range<usize>,
        centroids: &CentroidCells,
        cells: &NumericCells,
    ) {
        let code = |vector: &[f32]| Some(cells.locate(centroids.cosine(vector)?) as u8);
        self.read_vectors(feature, first, column, rows, centroids, code);
    }

    fn read_vectors(
        &mut self,
        feature: usize,
        first: usize,
        column: &Column,
        rows: Range<usize>,
        cells: &CentroidCells,
        code: impl Fn(&[f32]) -> Option<u8>,
    ) {
        /// Rows that are read at once.
        const RUN: usize = 64;
        let mut vectors = std::mem::take(&mut self.vectors);
        let codes = self.of_mut(feature, first..first + rows.len());
        for start in rows.clone().step_by(RUN) {
            column.read_vectors(
                start..rows.end.min(start + RUN),
                cells.width(),
                &mut vectors,
            );
            for (row, vector) in vectors.iter() {
                if let Some(code) = code(vector) {
                    codes[start - rows.start + row] = code;
                }
            }
        }
        self.vectors = vectors;
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
