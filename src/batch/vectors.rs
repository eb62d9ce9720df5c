//! A column read as vectors: several numbers a row.

use std::ops::Range;

use half::{bf16, f16};

use super::{Column, Scalar, ValueType, Values};

/// What one read of a column as vectors brings: the usable ones packed together, the rest counted.
///
/// Elements are taken as `f32`, whatever they came as: clusters and angles need no more digits, and
/// half the bytes are half the time.
#[derive(Clone, Debug, Default)]
pub struct Vectors {
    width: usize,
    elements: Vec<f32>,
    /// Row of each usable vector, counted from the first that was read.
    rows: Vec<u32>,
    /// Rows without a vector.
    pub null: u64,
    /// Rows with an element that is NaN.
    pub nan: u64,
    /// Rows without NaN, but with an element that is infinite as `f32`.
    pub inf: u64,
    /// Rows that are no vector of the width asked for.
    pub invalid: u64,
}

impl Vectors {
    /// Forgets what was read, keeps the memory.
    pub fn clear(&mut self) {
        self.elements.clear();
        self.rows.clear();
        (self.null, self.nan, self.inf, self.invalid) = (0, 0, 0, 0);
    }

    /// The usable vectors in row order, each with its row counted from the first that was read.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (usize, &[f32])> {
        let vectors = self.elements.chunks_exact(self.width.max(1));
        self.rows.iter().map(|&row| row as usize).zip(vectors)
    }

    /// Keeps the elements from `start` on as the vector of a row, unless one of them is not finite.
    fn judge(&mut self, row: usize, start: usize) {
        let vector = &self.elements[start..];
        if all_finite(vector) {
            self.rows.push(row as u32);
            return;
        }
        if vector.iter().any(|element| element.is_nan()) {
            self.nan += 1;
        } else {
            self.inf += 1;
        }
        self.elements.truncate(start);
    }
}

/// Whether there is neither a NaN nor an infinity: only those times 0 are not 0.
fn all_finite(elements: &[f32]) -> bool {
    const LANES: usize = 16;
    let (blocks, rest) = elements.as_chunks::<LANES>();
    let mut zeros = [0.0; LANES];
    for block in blocks {
        for (zero, element) in zeros.iter_mut().zip(block) {
            *zero += element * 0.0;
        }
    }
    zeros.iter().all(|zero| *zero == 0.0) && rest.iter().all(|element| element.is_finite())
}

impl Column {
    /// Puts rows `rows` into `into`, in place of what is there, as vectors of `width` elements. Rows
    /// of a column of another width, of strings or of scalars are invalid; of values of changing type
    /// those that are no vector of this width.
    pub fn read_vectors(&self, rows: Range<usize>, width: usize, into: &mut Vectors) {
        into.clear();
        into.width = width;
        if let Values::Mixed(values) = &self.values {
            return self.read_mixed(values, rows, into);
        }
        let Values::Fixed {
            data,
            value_type,
            offset,
            stride,
            width: own_width,
        } = &self.values
        else {
            return self.count_invalid(rows, into);
        };
        if *own_width != width || *value_type == ValueType::Text {
            return self.count_invalid(rows, into);
        }
        macro_rules! read {
            ($type:ty, $convert:expr) => {{
                const SIZE: usize = size_of::<$type>();
                into.elements.reserve(rows.len() * width);
                for (place, row) in rows.enumerate() {
                    if !self.presence.has(row) {
                        into.null += 1;
                        continue;
                    }
                    let raw = &data[offset + row * stride..][..width * SIZE];
                    let start = into.elements.len();
                    let (elements, _) = raw.as_chunks::<SIZE>();
                    let elements = elements.iter().map(|raw| <$type>::from_le_bytes(*raw));
                    into.elements.extend(elements.map($convert));
                    into.judge(place, start);
                }
            }};
        }
        match value_type {
            ValueType::Bool => read!(u8, |v| f32::from(u8::from(v != 0))),
            ValueType::UInt8 => read!(u8, f32::from),
            ValueType::Int8 => read!(i8, f32::from),
            ValueType::Int16 => read!(i16, f32::from),
            ValueType::UInt16 => read!(u16, f32::from),
            ValueType::Int32 => read!(i32, |v| v as f32),
            ValueType::UInt32 => read!(u32, |v| v as f32),
            ValueType::Int64 => read!(i64, |v| v as f32),
            ValueType::UInt64 => read!(u64, |v| v as f32),
            ValueType::Float16 => read!(u16, |v| f16::from_bits(v).to_f32()),
            ValueType::BFloat16 => read!(u16, |v| bf16::from_bits(v).to_f32()),
            ValueType::Float32 => read!(f32, |v| v),
            ValueType::Float64 => read!(f64, |v| v as f32),
            ValueType::Text => {}
        }
    }

    fn read_mixed(&self, values: &[Scalar], rows: Range<usize>, into: &mut Vectors) {
        for (place, row) in rows.enumerate() {
            match &values[row] {
                _ if !self.presence.has(row) => into.null += 1,
                Scalar::Null => into.null += 1,
                Scalar::Vector(vector) if vector.len() == into.width => {
                    let start = into.elements.len();
                    into.elements.extend_from_slice(vector);
                    into.judge(place, start);
                }
                _ => into.invalid += 1,
            }
        }
    }

    fn count_invalid(&self, rows: Range<usize>, into: &mut Vectors) {
        for row in rows {
            if self.presence.has(row) {
                into.invalid += 1;
            } else {
                into.null += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::batch::{Numbers, Presence};

    fn column(elements: &[f64], width: usize) -> Column {
        let data: Bytes = elements.iter().flat_map(|v| v.to_le_bytes()).collect();
        Column::full(Values::Fixed {
            data,
            value_type: ValueType::Float64,
            offset: 0,
            stride: width * 8,
            width,
        })
    }

    #[test]
    fn usable_vectors_are_packed_and_the_rest_is_counted_by_reason() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        let elements = [
            1.0, 2.0, nan, inf, 3.0, -inf, 4.0, 5.0, 1e300, 0.0, 6.0, 7.0,
        ];
        let mut column = column(&elements, 2);
        column.presence = Presence::Bits {
            bits: Bytes::from_static(&[0b11_0111]),
            first: 0,
            stride: 1,
        };
        let mut vectors = Vectors::default();
        column.read_vectors(0..6, 2, &mut vectors);
        let read: Vec<_> = vectors.iter().collect();
        assert_eq!(read, [(0, &[1.0, 2.0][..]), (5, &[6.0, 7.0])]);
        let missed = (vectors.null, vectors.nan, vectors.inf, vectors.invalid);
        assert_eq!(missed, (1, 1, 2, 0));
        // Numbers are read of the same rows for the same reasons.
        let mut numbers = Numbers::default();
        column.read_numbers(0..6, &mut numbers);
        assert_eq!(numbers.finite, [0.0, 0.0]);
        assert_eq!((numbers.null, numbers.nan, numbers.inf), (1, 1, 2));
    }

    #[test]
    fn another_width_is_invalid_and_null_stays_null() {
        let mut column = column(&[1.0; 12], 3);
        column.presence = Presence::Bits {
            bits: Bytes::from_static(&[0b0101]),
            first: 0,
            stride: 1,
        };
        let mut vectors = Vectors::default();
        column.read_vectors(0..4, 2, &mut vectors);
        assert_eq!(
            (vectors.iter().len(), vectors.null, vectors.invalid),
            (0, 2, 2)
        );
        column.read_vectors(0..4, 3, &mut vectors);
        assert_eq!(
            (vectors.iter().len(), vectors.null, vectors.invalid),
            (2, 2, 0)
        );
    }

    #[test]
    fn every_type_gives_the_same_elements() {
        let raw: [(ValueType, Vec<u8>); 5] = [
            (ValueType::UInt8, vec![0, 1, 3]),
            (
                ValueType::Int32,
                [0_i32, 1, 3].map(i32::to_le_bytes).concat(),
            ),
            (
                ValueType::Int64,
                [0_i64, 1, 3].map(i64::to_le_bytes).concat(),
            ),
            (
                ValueType::Float16,
                [0.0, 1.0, 3.0]
                    .map(|v| f16::from_f32(v).to_le_bytes())
                    .concat(),
            ),
            (
                ValueType::BFloat16,
                [0.0, 1.0, 3.0]
                    .map(|v| bf16::from_f32(v).to_le_bytes())
                    .concat(),
            ),
        ];
        for (value_type, data) in raw {
            let column = Column::full(Values::Fixed {
                data: data.into(),
                value_type,
                offset: 0,
                stride: 0,
                width: 3,
            });
            let mut vectors = Vectors::default();
            column.read_vectors(0..1, 3, &mut vectors);
            assert_eq!(vectors.iter().next(), Some((0, &[0.0, 1.0, 3.0][..])));
        }
    }
}
