//! The values of one field, read in place.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use half::{bf16, f16};

use super::{ValueType, Vectors};

/// The values of one field for all rows of a batch.
#[derive(Clone, Debug)]
pub struct Column {
    /// The values; those of rows that are not present are never looked at.
    pub values: Values,
    /// Which rows have a value; the others are null.
    pub presence: Presence,
}

/// Which rows have a value.
#[derive(Clone, Debug)]
pub enum Presence {
    /// Every row.
    All,
    /// Row `i` has one if bit `first + i × stride` is set (least significant bit first). A bit
    /// beyond the end counts as not set.
    Bits {
        /// The bits.
        bits: Bytes,
        /// Bit of row 0.
        first: usize,
        /// Bits from row to row.
        stride: usize,
    },
}

/// Values in the layout they came in.
#[derive(Clone, Debug)]
pub enum Values {
    /// Fixed-width little-endian values: row `i` begins at byte `offset + i × stride`. The source
    /// has checked that the last row ends within `data`.
    Fixed {
        /// The bytes, often of several fields.
        data: Bytes,
        /// Type of each element; not text.
        value_type: ValueType,
        /// Byte of row 0.
        offset: usize,
        /// Bytes from row to row.
        stride: usize,
        /// Elements per row; 1 for scalars.
        width: usize,
    },
    /// Numbers that a file reader has already parsed.
    Numbers(Vec<f64>),
    /// One string a row.
    Text(Vec<String>),
    /// Strings that repeat: row `i` is `dictionary[codes[i]]`; the source has checked the codes.
    Dictionary {
        /// The distinct strings.
        dictionary: Vec<String>,
        /// One index a row.
        codes: Vec<u32>,
    },
    /// Values of changing type, from sources without a schema.
    Mixed(Vec<Scalar>),
    /// The source sent a type that is not the field's: every row that is present counts as invalid.
    Invalid,
}

/// One value of a source without a schema.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// No value.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A string.
    Text(String),
    /// A list of numbers where vectors are wanted; a scalar it is not.
    Vector(Box<[f32]>),
    /// Another list, an object, or anything else that is no scalar.
    Invalid,
}

/// What one read of a column as numbers brings: the usable values packed together, the rest counted.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    /// The finite values, in row order.
    pub finite: Vec<f64>,
    /// Rows without a value.
    pub null: u64,
    /// Rows with NaN.
    pub nan: u64,
    /// Rows with an infinity.
    pub inf: u64,
    /// Rows whose value is no number.
    pub invalid: u64,
    /// Which of the rows read last the finite values come from, counted from the first of them; filled
    /// only when asked for by `Some`, and only when some rows have none.
    pub places: Option<Vec<u32>>,
}

impl Numbers {
    /// Forgets what was read, keeps the memory.
    pub fn clear(&mut self) {
        self.finite.clear();
        (self.null, self.nan, self.inf, self.invalid) = (0, 0, 0, 0);
        if let Some(places) = &mut self.places {
            places.clear();
        }
    }

    /// Adds the values of rows `rows`, which have one where `presence` says so.
    fn extend(
        &mut self,
        values: impl Iterator<Item = f64>,
        rows: Range<usize>,
        presence: &Presence,
    ) {
        let start = self.finite.len();
        self.finite.extend(values);
        if let Presence::Bits { .. } = presence {
            let mut rows = rows;
            let nulls = self.keep(start, |_| rows.next().is_some_and(|row| presence.has(row)));
            self.null += nulls;
        }
        // The usual run has nothing to sort out.
        if !all_finite(&self.finite[start..]) {
            let mut nan = 0;
            let unusable = self.keep(start, |value| {
                nan += u64::from(value.is_nan());
                value.is_finite()
            });
            self.nan += nan;
            self.inf += unusable - nan;
        }
    }

    /// Keeps, of the values from `start` on, those that `is_kept`; returns how many go. Without a
    /// branch, because what goes is strewn at random.
    fn keep(&mut self, start: usize, mut is_kept: impl FnMut(f64) -> bool) -> u64 {
        let values = &mut self.finite[start..];
        let mut kept = 0;
        if let Some(places) = &mut self.places {
            if places.is_empty() {
                places.extend(0..values.len() as u32);
            }
            for (at, place) in (0..values.len()).zip(0..places.len()) {
                let value = values[at];
                values[kept] = value;
                places[kept] = places[place];
                kept += usize::from(is_kept(value));
            }
            places.truncate(kept);
        } else {
            for at in 0..values.len() {
                let value = values[at];
                values[kept] = value;
                kept += usize::from(is_kept(value));
            }
        }
        let gone = values.len() - kept;
        self.finite.truncate(start + kept);
        gone as u64
    }

    /// Adds the value of a row: the finite ones are kept, the others counted.
    #[inline]
    pub fn push(&mut self, value: f64, place: usize) {
        if value.is_finite() {
            self.finite.push(value);
            if let Some(places) = &mut self.places {
                places.push(place as u32);
            }
        } else if value.is_nan() {
            self.nan += 1;
        } else {
            self.inf += 1;
        }
    }
}

/// Whether there is neither a NaN nor an infinity: only those times 0 are not 0.
fn all_finite(values: &[f64]) -> bool {
    const LANES: usize = 8;
    let (blocks, rest) = values.as_chunks::<LANES>();
    let mut zeros = [0.0; LANES];
    for block in blocks {
        for (zero, value) in zeros.iter_mut().zip(block) {
            *zero += value * 0.0;
        }
    }
    zeros.iter().all(|zero| *zero == 0.0) && rest.iter().all(|value| value.is_finite())
}

impl Presence {
    /// Whether row `row` has a value.
    pub fn has(&self, row: usize) -> bool {
        match self {
            Self::All => true,
            Self::Bits {
                bits,
                first,
                stride,
            } => {
                let bit = first + row * stride;
                bits.get(bit / 8)
                    .is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
            }
        }
    }
}

impl Column {
    /// A column in which every row has a value.
    pub fn full(values: Values) -> Self {
        Self {
            values,
            presence: Presence::All,
        }
    }

    /// Elements per row: 1 for scalars.
    pub fn width(&self) -> usize {
        match self.values {
            Values::Fixed { width, .. } => width,
            _ => 1,
        }
    }

    /// Whether the values are strings, so that no number can be read from them.
    pub fn is_text(&self) -> bool {
        matches!(self.values, Values::Text(_) | Values::Dictionary { .. })
    }

    /// Adds rows `rows` to `into` as numbers. Truth values are 0 and 1; strings are invalid, never
    /// parsed; a vector counts once, as its worst element, and its values are not kept.
    pub fn read_numbers(&self, rows: Range<usize>, into: &mut Numbers) {
        match &self.values {
            Values::Fixed {
                data,
                value_type,
                offset,
                stride,
                width,
            } => {
                let bytes = &data[..];
                if *width > 1 {
                    return self.count_vectors(rows, into);
                }
                macro_rules! read {
                    ($type:ty, $convert:expr) => {
                        self.read_fixed::<{ size_of::<$type>() }>(
                            bytes,
                            *offset,
                            *stride,
                            rows,
                            into,
                            |raw| $convert(<$type>::from_le_bytes(raw)),
                        )
                    };
                }
                match value_type {
                    ValueType::Bool => read!(u8, |v: u8| f64::from(u8::from(v != 0))),
                    ValueType::UInt8 => read!(u8, f64::from),
                    ValueType::Int8 => read!(i8, f64::from),
                    ValueType::Int16 => read!(i16, f64::from),
                    ValueType::UInt16 => read!(u16, f64::from),
                    ValueType::Int32 => read!(i32, f64::from),
                    ValueType::UInt32 => read!(u32, f64::from),
                    ValueType::Int64 => read!(i64, |v: i64| v as f64),
                    ValueType::UInt64 => read!(u64, |v: u64| v as f64),
                    ValueType::Float16 => read!(u16, |v: u16| f16::from_bits(v).to_f64()),
                    ValueType::BFloat16 => read!(u16, |v: u16| bf16::from_bits(v).to_f64()),
                    ValueType::Float32 => read!(f32, f64::from),
                    ValueType::Float64 => read!(f64, |v: f64| v),
                    ValueType::Text => into.invalid += rows.len() as u64,
                }
            }
            Values::Numbers(values) => {
                let numbers = values[rows.clone()].iter().copied();
                into.extend(numbers, rows, &self.presence);
            }
            Values::Mixed(values) => {
                let first = rows.start;
                for row in rows {
                    if !self.presence.has(row) {
                        into.null += 1;
                        continue;
                    }
                    let place = row - first;
                    match &values[row] {
                        Scalar::Null => into.null += 1,
                        Scalar::Bool(value) => into.push(f64::from(u8::from(*value)), place),
                        Scalar::Number(value) => into.push(*value, place),
                        Scalar::Text(_) | Scalar::Vector(_) | Scalar::Invalid => into.invalid += 1,
                    }
                }
            }
            Values::Text(_) | Values::Dictionary { .. } | Values::Invalid => {
                for row in rows {
                    if self.presence.has(row) {
                        into.invalid += 1;
                    } else {
                        into.null += 1;
                    }
                }
            }
        }
    }

    /// The hot loop: one row after the other from strided bytes.
    fn read_fixed<const SIZE: usize>(
        &self,
        data: &[u8],
        offset: usize,
        stride: usize,
        rows: Range<usize>,
        into: &mut Numbers,
        convert: impl Fn([u8; SIZE]) -> f64,
    ) {
        if rows.is_empty() {
            return;
        }
        // All rows but the last are followed by a whole stride.
        let last = offset + (rows.end - 1) * stride;
        let before = data[offset + rows.start * stride..last].chunks_exact(stride.max(SIZE));
        let raw = before.chain(std::iter::once(&data[last..]));
        let values = raw.map(|row| {
            row.first_chunk::<SIZE>()
                .map_or(f64::NAN, |raw| convert(*raw))
        });
        into.extend(values, rows, &self.presence);
    }

    /// Counts vectors: a usable row stands in `finite` as 0.
    fn count_vectors(&self, rows: Range<usize>, into: &mut Numbers) {
        /// Rows that are read at once.
        const RUN: usize = 64;
        let mut vectors = Vectors::default();
        let mut start = rows.start;
        while start < rows.end {
            let end = rows.end.min(start + RUN);
            self.read_vectors(start..end, self.width(), &mut vectors);
            for (row, _) in vectors.iter() {
                into.push(0.0, start - rows.start + row);
            }
            into.null += vectors.null;
            into.nan += vectors.nan;
            into.inf += vectors.inf;
            into.invalid += vectors.invalid;
            start = end;
        }
    }

    /// Calls `each` with every row of `rows` in its text form (see [`text_form`]): `Ok(Some(text))`,
    /// `Ok(None)` for null, `Err(reason)` for NaN, infinities and what is no scalar.
    pub fn read_texts(
        &self,
        rows: Range<usize>,
        mut each: impl FnMut(Result<Option<&str>, NoText>),
    ) {
        match &self.values {
            Values::Text(values) => {
                for row in rows {
                    each(Ok(self.presence.has(row).then(|| values[row].as_str())));
                }
            }
            Values::Dictionary { dictionary, codes } => {
                for row in rows {
                    each(Ok(self
                        .presence
                        .has(row)
                        .then(|| dictionary[codes[row] as usize].as_str())));
                }
            }
            Values::Mixed(values) => {
                for row in rows {
                    if !self.presence.has(row) {
                        each(Ok(None));
                        continue;
                    }
                    match &values[row] {
                        Scalar::Null => each(Ok(None)),
                        Scalar::Text(text) => each(Ok(Some(text))),
                        Scalar::Bool(value) => {
                            each(Ok(Some(if *value { "true" } else { "false" })));
                        }
                        Scalar::Number(value) => match text_form(*value) {
                            Ok(text) => each(Ok(Some(&text))),
                            Err(reason) => each(Err(reason)),
                        },
                        Scalar::Vector(_) | Scalar::Invalid => each(Err(NoText::Invalid)),
                    }
                }
            }
            Values::Fixed {
                value_type: ValueType::Bool,
                data,
                offset,
                stride,
                width: 1,
            } => {
                for row in rows {
                    each(Ok(self.presence.has(row).then(|| {
                        if data[offset + row * stride] != 0 {
                            "true"
                        } else {
                            "false"
                        }
                    })));
                }
            }
            Values::Fixed {
                value_type: value_type @ (ValueType::Int64 | ValueType::UInt64),
                data,
                offset,
                stride,
                width: 1,
            } => {
                // Not by way of f64, which would round identifiers above 2^53.
                for row in rows {
                    let raw = data[offset + row * stride..].first_chunk::<8>();
                    match raw.filter(|_| self.presence.has(row)) {
                        None => each(Ok(None)),
                        Some(raw) if *value_type == ValueType::Int64 => {
                            each(Ok(Some(&i64::from_le_bytes(*raw).to_string())));
                        }
                        Some(raw) => each(Ok(Some(&u64::from_le_bytes(*raw).to_string()))),
                    }
                }
            }
            Values::Fixed { .. } | Values::Numbers(_) => {
                let mut one = Numbers::default();
                for row in rows {
                    one.clear();
                    self.read_numbers(row..row + 1, &mut one);
                    match one.finite.first() {
                        Some(value) => match text_form(*value) {
                            Ok(text) => each(Ok(Some(&text))),
                            Err(reason) => each(Err(reason)),
                        },
                        None if one.null > 0 => each(Ok(None)),
                        None if one.nan > 0 => each(Err(NoText::Nan)),
                        None if one.inf > 0 => each(Err(NoText::Inf)),
                        None => each(Err(NoText::Invalid)),
                    }
                }
            }
            Values::Invalid => {
                for row in rows {
                    each(if self.presence.has(row) {
                        Err(NoText::Invalid)
                    } else {
                        Ok(None)
                    });
                }
            }
        }
    }
}

/// Why a value has no text form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoText {
    /// It is NaN.
    Nan,
    /// It is an infinity.
    Inf,
    /// It is no scalar.
    Invalid,
}

/// The text form of a number as a category: integral values as integers (`3`, not `3.0`), others
/// in the shortest form that reads back the same.
///
/// # Errors
/// NaN and infinities have none.
pub fn text_form(value: f64) -> Result<Cow<'static, str>, NoText> {
    if value.is_nan() {
        Err(NoText::Nan)
    } else if value.is_infinite() {
        Err(NoText::Inf)
    } else if value == 0.0 {
        Ok(Cow::Borrowed("0"))
    } else {
        Ok(Cow::Owned(format!("{value}")))
    }
}
