//! Cells of a text file → a column, in the layout that its type asks for.

use std::collections::HashMap;

use bytes::Bytes;

use super::evidence::ColumnType;
use crate::batch::{Column, Presence, Scalar, ValueType, Values};

/// A column that grows cell by cell. A cell that is not of the column's type turns the whole into
/// one of mixed scalars, so that nothing is lost: it is counted invalid later.
pub struct ColumnBuilder {
    cells: Cells,
    present: PresenceBits,
    /// Elements of a vector; 0 where none is wanted.
    width: usize,
}

enum Cells {
    Bools(Vec<u8>),
    Numbers(Vec<f64>),
    Texts {
        code_of: HashMap<String, u32>,
        codes: Vec<u32>,
    },
    Vectors {
        width: usize,
        /// Little-endian, row after row; zeros where there is none.
        elements: Vec<u8>,
    },
    Mixed(Vec<Scalar>),
}

/// Presence bits that grow row by row.
#[derive(Default)]
pub struct PresenceBits {
    bits: Vec<u8>,
    rows: usize,
    has_null: bool,
}

impl PresenceBits {
    /// Adds a row.
    pub fn push(&mut self, present: bool) {
        if self.rows.is_multiple_of(8) {
            self.bits.push(0);
        }
        if present {
            self.bits[self.rows / 8] |= 1 << (self.rows % 8);
        } else {
            self.has_null = true;
        }
        self.rows += 1;
    }

    /// Whether a row that was added has a value.
    pub fn has(&self, row: usize) -> bool {
        self.bits[row / 8] >> (row % 8) & 1 == 1
    }

    /// Rows added.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Rows added that have a value.
    pub fn present(&self) -> usize {
        self.bits
            .iter()
            .map(|byte| byte.count_ones() as usize)
            .sum()
    }

    /// Row of the value number `value`, both from 0.
    pub fn row_of(&self, value: usize) -> usize {
        let mut present = (0..self.rows).filter(|&row| self.has(row));
        present.nth(value).unwrap_or(self.rows)
    }

    /// The finished bits.
    pub fn finish(self) -> Presence {
        if self.has_null {
            Presence::Bits {
                bits: Bytes::from(self.bits),
                first: 0,
                stride: 1,
            }
        } else {
            Presence::All
        }
    }
}

impl ColumnBuilder {
    /// An empty column for cells of this type.
    pub fn new(column_type: ColumnType) -> Self {
        Self {
            cells: match column_type {
                ColumnType::Boolean => Cells::Bools(Vec::new()),
                ColumnType::Number | ColumnType::Integer { .. } | ColumnType::Empty => {
                    Cells::Numbers(Vec::new())
                }
                ColumnType::Text | ColumnType::Time => Cells::Texts {
                    code_of: HashMap::new(),
                    codes: Vec::new(),
                },
                ColumnType::Vector { width } => Cells::Vectors {
                    width: width as usize,
                    elements: Vec::new(),
                },
                ColumnType::Mixed | ColumnType::Unreadable => Cells::Mixed(Vec::new()),
            },
            present: PresenceBits::default(),
            width: match column_type {
                ColumnType::Vector { width } => width as usize,
                _ => 0,
            },
        }
    }

    /// Adds a cell without a value.
    pub fn push_null(&mut self) {
        match &mut self.cells {
            Cells::Bools(bools) => bools.push(0),
            Cells::Numbers(numbers) => numbers.push(0.0),
            Cells::Texts { codes, .. } => codes.push(0),
            Cells::Vectors { width, elements } => {
                elements.resize(elements.len() + *width * size_of::<f32>(), 0);
            }
            Cells::Mixed(scalars) => scalars.push(Scalar::Null),
        }
        self.present.push(false);
    }

    /// Adds a number.
    pub fn push_number(&mut self, number: f64) {
        match &mut self.cells {
            Cells::Numbers(numbers) => numbers.push(number),
            _ => self.mixed().push(Scalar::Number(number)),
        }
        self.present.push(true);
    }

    /// Adds a truth value.
    pub fn push_bool(&mut self, truth: bool) {
        match &mut self.cells {
            Cells::Bools(bools) => bools.push(u8::from(truth)),
            _ => self.mixed().push(Scalar::Bool(truth)),
        }
        self.present.push(true);
    }

    /// Adds a string.
    pub fn push_text(&mut self, text: &str) {
        match &mut self.cells {
            Cells::Texts { code_of, codes } => {
                let next = code_of.len() as u32;
                let code = match code_of.get(text) {
                    Some(&code) => code,
                    None => *code_of.entry(text.into()).or_insert(next),
                };
                codes.push(code);
            }
            _ => self.mixed().push(Scalar::Text(text.into())),
        }
        self.present.push(true);
    }

    /// Adds a vector; one of another length than the column's is invalid.
    pub fn push_vector(&mut self, vector: &[f32]) {
        match &mut self.cells {
            _ if vector.len() != self.width => self.mixed().push(Scalar::Invalid),
            Cells::Vectors { elements, .. } => {
                elements.extend(vector.iter().flat_map(|element| element.to_le_bytes()));
            }
            _ => self.mixed().push(Scalar::Vector(vector.into())),
        }
        self.present.push(true);
    }

    /// Adds a JSON value that is no list of numbers.
    pub fn push_scalar(&mut self, scalar: Scalar) {
        match scalar {
            Scalar::Null => self.push_null(),
            Scalar::Bool(truth) => self.push_bool(truth),
            Scalar::Number(number) => self.push_number(number),
            Scalar::Text(text) => self.push_text(&text),
            Scalar::Vector(vector) => self.push_vector(&vector),
            Scalar::Invalid => {
                self.mixed().push(Scalar::Invalid);
                self.present.push(true);
            }
        }
    }

    /// Turns the cells so far into mixed scalars.
    fn mixed(&mut self) -> &mut Vec<Scalar> {
        let present = &self.present;
        let scalar = |row: usize, scalar: Scalar| {
            if present.has(row) {
                scalar
            } else {
                Scalar::Null
            }
        };
        let scalars = match &self.cells {
            Cells::Bools(bools) => {
                let bools = bools.iter().enumerate();
                bools
                    .map(|(row, &b)| scalar(row, Scalar::Bool(b != 0)))
                    .collect()
            }
            Cells::Numbers(numbers) => {
                let numbers = numbers.iter().enumerate();
                numbers
                    .map(|(row, &n)| scalar(row, Scalar::Number(n)))
                    .collect()
            }
            Cells::Texts { code_of, codes } => {
                let mut texts = vec![""; code_of.len()];
                for (text, &code) in code_of {
                    texts[code as usize] = text;
                }
                let text = |code: &u32| texts.get(*code as usize).copied().unwrap_or_default();
                let codes = codes.iter().enumerate();
                codes
                    .map(|(row, code)| scalar(row, Scalar::Text(text(code).into())))
                    .collect()
            }
            Cells::Vectors { width, elements } => elements
                .chunks_exact((*width * size_of::<f32>()).max(1))
                .map(|vector| vector.as_chunks().0.iter().copied().map(f32::from_le_bytes))
                .enumerate()
                .map(|(row, vector)| scalar(row, Scalar::Vector(vector.collect())))
                .collect(),
            Cells::Mixed(_) => Vec::new(),
        };
        if !matches!(self.cells, Cells::Mixed(_)) {
            self.cells = Cells::Mixed(scalars);
        }
        match &mut self.cells {
            Cells::Mixed(scalars) => scalars,
            _ => unreachable!("the cells were just made mixed"),
        }
    }

    /// The finished column.
    pub fn finish(self) -> Column {
        let values = match self.cells {
            Cells::Bools(bools) => Values::Fixed {
                data: Bytes::from(bools),
                value_type: ValueType::Bool,
                offset: 0,
                stride: 1,
                width: 1,
            },
            Cells::Numbers(numbers) => Values::Numbers(numbers),
            Cells::Texts { code_of, codes } => {
                let mut dictionary = vec![String::new(); code_of.len()];
                for (text, code) in code_of {
                    dictionary[code as usize] = text;
                }
                Values::Dictionary { dictionary, codes }
            }
            Cells::Vectors { width, elements } => Values::Fixed {
                data: Bytes::from(elements),
                value_type: ValueType::Float32,
                offset: 0,
                stride: width * size_of::<f32>(),
                width,
            },
            Cells::Mixed(scalars) => Values::Mixed(scalars),
        };
        Column {
            values,
            presence: self.present.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Vectors;

    #[test]
    fn a_cell_of_another_type_makes_the_column_mixed_and_loses_nothing() {
        let mut builder = ColumnBuilder::new(ColumnType::Number);
        builder.push_number(1.0);
        builder.push_null();
        builder.push_text("x");
        builder.push_number(2.0);
        let column = builder.finish();
        let Values::Mixed(scalars) = &column.values else {
            panic!("{column:?}");
        };
        assert_eq!(
            scalars[..],
            [
                Scalar::Number(1.0),
                Scalar::Null,
                Scalar::Text("x".into()),
                Scalar::Number(2.0)
            ]
        );
        assert!(!column.presence.has(1) && column.presence.has(3));
    }

    #[test]
    fn vectors_stand_one_after_the_other_and_one_of_another_length_is_invalid() {
        let mut builder = ColumnBuilder::new(ColumnType::Vector { width: 2 });
        builder.push_vector(&[1.0, 2.0]);
        builder.push_null();
        builder.push_vector(&[3.0, 4.0]);
        let column = builder.finish();
        let mut vectors = Vectors::default();
        column.read_vectors(0..3, 2, &mut vectors);
        let read: Vec<_> = vectors.iter().collect();
        assert_eq!(read, [(0, &[1.0, 2.0][..]), (2, &[3.0, 4.0])]);
        assert_eq!(vectors.null, 1);

        let mut builder = ColumnBuilder::new(ColumnType::Vector { width: 2 });
        builder.push_null();
        builder.push_vector(&[1.0, 2.0, 3.0]);
        let column = builder.finish();
        column.read_vectors(0..2, 2, &mut vectors);
        assert_eq!((vectors.null, vectors.invalid), (1, 1));

        let mut builder = ColumnBuilder::new(ColumnType::Vector { width: 2 });
        builder.push_vector(&[1.0, 2.0]);
        builder.push_null();
        builder.push_vector(&[3.0]);
        builder.push_text("x");
        builder.push_vector(&[f32::NAN, 0.0]);
        builder.push_vector(&[3.0, 4.0]);
        let column = builder.finish();
        column.read_vectors(0..6, 2, &mut vectors);
        let read: Vec<_> = vectors.iter().collect();
        assert_eq!(read, [(0, &[1.0, 2.0][..]), (5, &[3.0, 4.0])]);
        assert_eq!((vectors.null, vectors.invalid, vectors.nan), (1, 2, 1));
    }

    #[test]
    fn repeated_texts_become_a_dictionary() {
        let mut builder = ColumnBuilder::new(ColumnType::Text);
        for text in ["b", "a", "b"] {
            builder.push_text(text);
        }
        builder.push_null();
        let column = builder.finish();
        let Values::Dictionary { dictionary, codes } = &column.values else {
            panic!("{column:?}");
        };
        assert_eq!(
            (&dictionary[..], &codes[..3]),
            (&["b".into(), "a".into()][..], &[0, 1, 0][..])
        );
    }
}
