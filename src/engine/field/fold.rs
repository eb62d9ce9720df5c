//! Folds rows of a column into the pending sums of its field: one loop for each kind of cells.
//!
//! Every value of traffic passes here, so memory comes from `scratch`, and what can be decided for a
//! run of rows is not decided for each.

use std::ops::Range;

use super::{Field, Reference, Scratch};
use crate::batch::{Column, NoText, Numbers, Values};
use crate::engine::embedding::Embedding;
use crate::profile::{CategoryCells, Cells, CentroidCells, hash_cell};
use crate::tally::{FeatureTally, Missed};

impl Field {
    /// Folds rows of a column into the pending sums. Who wants to know the cells of the values gives
    /// room for the `codes` of the rows; those of rows without a usable value stay as they are.
    pub fn fold(
        &mut self,
        column: &Column,
        rows: Range<usize>,
        scratch: &mut Scratch,
        codes: Option<&mut [u8]>,
    ) {
        if let Some(distinct) = &mut self.distinct
            && column.width() <= 1
        {
            distinct.fold(column, rows.clone(), &mut scratch.numbers);
        }
        let pending = &mut self.pending;
        let reference = self.reference.as_ref().map(|r| &*r.feature);
        let cells = reference.and_then(|r| r.cells.as_ref()).map(|r| &r.cells);
        let moments = reference.and_then(|r| r.moments.as_ref());
        if let Some(Cells::Centroids(cells)) = cells {
            let embedding = self.embedding.as_deref_mut();
            return fold_vectors(pending, embedding, cells, column, rows, scratch, codes);
        }
        if cells.is_some() && column.width() > 1 {
            // A vector where the reference has scalars: nothing fits.
            let present = rows.clone().filter(|&row| column.presence.has(row)).count();
            pending.miss(Missed::Invalid, present as u64);
            pending.miss(Missed::Null, (rows.len() - present) as u64);
            return;
        }
        match (cells, moments) {
            (Some(Cells::Numeric(cells)), Some(moments)) => {
                let cell_sums = &mut self.cell_sums;
                let mut add = |numbers: &Numbers, codes: Option<&mut [u8]>| {
                    pending.add_numbers(numbers, cells, moments, codes);
                    if let Some(sums) = cell_sums {
                        sums.fold(&numbers.finite, cells, moments);
                    }
                };
                if let Some(codes) = codes {
                    let add = |numbers: &Numbers, codes: &mut [u8]| add(numbers, Some(codes));
                    scratch.placed.fold(column, rows, codes, add);
                } else {
                    scratch.numbers.clear();
                    column.read_numbers(rows, &mut scratch.numbers);
                    add(&scratch.numbers, None);
                }
            }
            (Some(Cells::Categorical(cells)), _) => {
                let new_before = pending.cells[cells.new_cell()];
                fold_categories(pending, cells, column, rows.clone(), scratch, codes);
                if pending.cells[cells.new_cell()] > new_before {
                    self.new_names.fold(cells, column, rows);
                }
            }
            (Some(Cells::Hashed), _) => {
                fold_texts(pending, column, rows, hash_cell, codes);
            }
            (_, None) if column.is_text() => {
                for row in rows {
                    if column.presence.has(row) {
                        pending.values += 1;
                    } else {
                        pending.miss(Missed::Null, 1);
                    }
                }
            }
            // Nothing is known of the field: numbers and texts are both values.
            (None, None) if matches!(column.values, Values::Mixed(_)) => {
                column.read_texts(rows, |text| match text {
                    Ok(Some(_)) => pending.values += 1,
                    missed => pending.miss(reason(missed), 1),
                });
            }
            // No cells; the file format allows cells on the number line only with moments.
            _ => {
                scratch.numbers.clear();
                column.read_numbers(rows, &mut scratch.numbers);
                pending.add_unplaced(&scratch.numbers);
            }
        }
    }

    /// Folds the cosines of the vectors that were folded last, of the field that this one is derived
    /// from; rows and codes as there.
    pub fn fold_cosines(&mut self, scratch: &mut Scratch, codes: Option<&mut [u8]>) {
        let cosines = &mut scratch.placed;
        if let Some(distinct) = &mut self.distinct {
            distinct.add_numbers(&cosines.numbers.finite);
        }
        let pending = &mut self.pending;
        let Some((cells, moments)) = self.reference.as_ref().and_then(Reference::numeric) else {
            return pending.add_unplaced(&cosines.numbers);
        };
        if let Some(sums) = &mut self.cell_sums {
            sums.fold(&cosines.numbers.finite, cells, moments);
        }
        match codes {
            None => pending.add_numbers(&cosines.numbers, cells, moments, None),
            Some(codes) => cosines.add(codes, |numbers, codes| {
                pending.add_numbers(numbers, cells, moments, Some(codes));
            }),
        }
    }
}

/// Nearest centroids, the embedding and, in `scratch.placed`, cosines.
fn fold_vectors(
    pending: &mut FeatureTally,
    mut embedding: Option<&mut Embedding>,
    cells: &CentroidCells,
    column: &Column,
    rows: Range<usize>,
    scratch: &mut Scratch,
    mut codes: Option<&mut [u8]>,
) {
    /// Rows that are read at once, so that what is read of them stays small.
    const RUN: usize = 64;
    let (vectors, cosines) = (&mut scratch.vectors, &mut scratch.placed.numbers);
    cosines.clear();
    let (mut null, mut nan, mut inf, mut invalid) = (0, 0, 0, 0);
    for start in rows.clone().step_by(RUN) {
        column.read_vectors(start..rows.end.min(start + RUN), cells.width(), vectors);
        null += vectors.null;
        nan += vectors.nan;
        inf += vectors.inf;
        invalid += vectors.invalid;
        if let Some(embedding) = &mut embedding {
            let vectors = vectors.iter().map(|(_, vector)| vector);
            embedding.fold(vectors, &mut scratch.points);
        }
        for (row, vector) in vectors.iter() {
            let row = start - rows.start + row;
            let Some(cell) = cells.nearest(vector) else {
                // So far away that its distance is infinite.
                inf += 1;
                continue;
            };
            pending.count(cell, 1);
            if let Some(codes) = &mut codes {
                codes[row] = cell as u8;
            }
            cosines.push(cells.cosine(vector).unwrap_or(f64::NAN), row);
        }
    }
    pending.miss(Missed::Null, null);
    pending.miss(Missed::Nan, nan);
    pending.miss(Missed::Inf, inf);
    pending.miss(Missed::Invalid, invalid);
    // What misses its vector misses its cosine.
    cosines.null += null;
    cosines.nan += nan;
    cosines.inf += inf;
    cosines.invalid += invalid;
}

fn fold_categories(
    pending: &mut FeatureTally,
    cells: &CategoryCells,
    column: &Column,
    rows: Range<usize>,
    scratch: &mut Scratch,
    mut codes: Option<&mut [u8]>,
) {
    // One look-up per distinct string instead of one per row, where the source says which repeat.
    if let Values::Dictionary {
        dictionary,
        codes: of_row,
    } = &column.values
        && dictionary.len() < rows.len()
    {
        scratch.cell_of_code.clear();
        let located = dictionary.iter().map(|category| cells.locate(category));
        scratch.cell_of_code.extend(located);
        for (at, row) in rows.enumerate() {
            if column.presence.has(row) {
                let cell = scratch.cell_of_code[of_row[row] as usize];
                pending.count(cell, 1);
                if let Some(codes) = &mut codes {
                    codes[at] = cell as u8;
                }
            } else {
                pending.miss(Missed::Null, 1);
            }
        }
        return;
    }
    let cell_of = |category: &str| cells.locate(category);
    fold_texts(pending, column, rows, cell_of, codes);
}

fn fold_texts(
    pending: &mut FeatureTally,
    column: &Column,
    rows: Range<usize>,
    cell_of: impl Fn(&str) -> usize,
    mut codes: Option<&mut [u8]>,
) {
    let mut at = 0;
    column.read_texts(rows, |text| {
        match text {
            Ok(Some(text)) => {
                let cell = cell_of(text);
                pending.count(cell, 1);
                if let Some(codes) = &mut codes {
                    codes[at] = cell as u8;
                }
            }
            missed => pending.miss(reason(missed), 1),
        }
        at += 1;
    });
}

/// Why a row has no text.
fn reason(missed: Result<Option<&str>, NoText>) -> Missed {
    match missed {
        Ok(_) => Missed::Null,
        Err(NoText::Nan) => Missed::Nan,
        Err(NoText::Inf) => Missed::Inf,
        Err(NoText::Invalid) => Missed::Invalid,
    }
}
