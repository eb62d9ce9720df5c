//! One Parquet column with one value a row → [`Column`]: physical and logical types.
//!
//! Source: the Parquet format, `LogicalTypes.md`.

use std::collections::HashMap;

use bytes::Bytes;
use half::f16;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::schema::types::ColumnDescriptor;

use super::build::PresenceBits;
use super::evidence::ColumnType;
use crate::batch::{Column, ValueType, Values};

const MICROS_PER_DAY: f64 = 86_400e6;

/// How the values of a column are read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decoding {
    value: Value,
    max_def_level: i16,
}

/// What a physical value means.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Value {
    Bool,
    Signed,
    Unsigned,
    Float,
    Half,
    /// To be divided by this power of ten.
    Decimal(f64),
    /// To be multiplied to become microseconds.
    Time(f64),
    /// INT96: days and nanoseconds.
    OldTime,
    /// Of the day, to be multiplied to become microseconds.
    TimeOfDay(f64),
    Text,
    Uuid,
}

/// Row within the batch and what is wrong with it.
pub type Failure = (usize, String);

impl Decoding {
    /// How a column of this description is read, or why it is not, as the end of a sentence that
    /// begins with `it`.
    pub fn of(column: &ColumnDescriptor) -> Result<Self, String> {
        let unit = |unit: &TimeUnit| match unit {
            TimeUnit::MILLIS => 1e3,
            TimeUnit::MICROS => 1.0,
            TimeUnit::NANOS => 1e-3,
        };
        let (physical, converted) = (column.physical_type(), column.converted_type());
        let logical = column.logical_type_ref();
        let value = match (physical, logical, converted) {
            (Type::BOOLEAN, ..) => Value::Bool,
            (Type::INT96, ..) => Value::OldTime,
            (Type::FLOAT | Type::DOUBLE, ..) => Value::Float,
            (_, Some(LogicalType::Decimal(decimal)), _) => {
                Value::Decimal(10_f64.powi(decimal.scale))
            }
            (_, None, ConvertedType::DECIMAL) => Value::Decimal(10_f64.powi(column.type_scale())),
            (Type::INT32, Some(LogicalType::Date), _)
            | (Type::INT32, None, ConvertedType::DATE) => Value::Time(MICROS_PER_DAY),
            (Type::INT64, Some(LogicalType::Timestamp(time)), _) => Value::Time(unit(&time.unit)),
            (Type::INT64, None, ConvertedType::TIMESTAMP_MILLIS) => Value::Time(1e3),
            (Type::INT64, None, ConvertedType::TIMESTAMP_MICROS) => Value::Time(1.0),
            (Type::INT32 | Type::INT64, Some(LogicalType::Time(time)), _) => {
                Value::TimeOfDay(unit(&time.unit))
            }
            (Type::INT32, None, ConvertedType::TIME_MILLIS) => Value::TimeOfDay(1e3),
            (Type::INT64, None, ConvertedType::TIME_MICROS) => Value::TimeOfDay(1.0),
            (Type::INT32 | Type::INT64, Some(LogicalType::Integer(integer)), _)
                if !integer.is_signed =>
            {
                Value::Unsigned
            }
            (
                Type::INT32 | Type::INT64,
                None,
                ConvertedType::UINT_8
                | ConvertedType::UINT_16
                | ConvertedType::UINT_32
                | ConvertedType::UINT_64,
            ) => Value::Unsigned,
            (Type::INT32 | Type::INT64, ..) => Value::Signed,
            (Type::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Float16), _)
                if column.type_length() == 2 =>
            {
                Value::Half
            }
            (Type::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Uuid), _)
                if column.type_length() == 16 =>
            {
                Value::Uuid
            }
            (
                Type::BYTE_ARRAY,
                Some(LogicalType::String | LogicalType::Enum | LogicalType::Json),
                _,
            )
            | (Type::BYTE_ARRAY, None, ConvertedType::UTF8 | ConvertedType::ENUM)
            | (Type::BYTE_ARRAY, None, ConvertedType::JSON | ConvertedType::NONE) => Value::Text,
            _ => return Err("holds bytes of a type that is not read".into()),
        };
        Ok(Self {
            value,
            max_def_level: column.max_def_level(),
        })
    }

    /// Whether the physical value is the number.
    pub fn is_plain_number(&self) -> bool {
        matches!(self.value, Value::Float | Value::Half | Value::Signed)
    }

    /// Type of the column that comes out.
    pub fn column_type(&self) -> ColumnType {
        match self.value {
            Value::Bool => ColumnType::Boolean,
            Value::Signed => ColumnType::Integer { signed: true },
            Value::Unsigned => ColumnType::Integer { signed: false },
            Value::Float | Value::Half | Value::Decimal(_) | Value::TimeOfDay(_) => {
                ColumnType::Number
            }
            Value::Time(_) | Value::OldTime => ColumnType::Time,
            Value::Text | Value::Uuid => ColumnType::Text,
        }
    }
}

/// Reads the next `rows` rows of a column.
///
/// # Errors
/// A row within these and what is wrong with it.
pub fn read_column(
    reader: &mut ColumnReader,
    decoding: &Decoding,
    rows: usize,
) -> Result<Column, Failure> {
    let levels = decoding.max_def_level;
    let value = decoding.value;
    match reader {
        ColumnReader::BoolColumnReader(reader) => {
            let (bools, presence) = read(reader, levels, rows)?;
            Ok(fixed(
                bools.into_iter().map(|b| [u8::from(b)]),
                ValueType::Bool,
                presence,
            ))
        }
        ColumnReader::Int32ColumnReader(reader) => {
            let (raw, presence) = read(reader, levels, rows)?;
            let number = |raw: i32| match value {
                Value::Unsigned => f64::from(raw as u32),
                Value::Decimal(divisor) => f64::from(raw) / divisor,
                Value::TimeOfDay(factor) => f64::from(raw) * factor,
                _ => f64::from(raw),
            };
            Ok(match value {
                Value::Time(factor) => {
                    let micros = raw.into_iter().map(|raw| (f64::from(raw) * factor) as i64);
                    fixed(micros.map(i64::to_le_bytes), ValueType::Int64, presence)
                }
                _ => numbers(raw.into_iter().map(number), presence),
            })
        }
        ColumnReader::Int64ColumnReader(reader) => {
            let (raw, presence) = read(reader, levels, rows)?;
            Ok(match value {
                Value::Unsigned => fixed(
                    raw.into_iter().map(i64::to_le_bytes),
                    ValueType::UInt64,
                    presence,
                ),
                Value::Decimal(divisor) => {
                    numbers(raw.into_iter().map(|raw| raw as f64 / divisor), presence)
                }
                Value::TimeOfDay(factor) => {
                    numbers(raw.into_iter().map(|raw| raw as f64 * factor), presence)
                }
                Value::Time(factor) => {
                    let micros = |raw: i64| {
                        if factor < 1.0 {
                            raw.div_euclid((1.0 / factor).round() as i64)
                        } else {
                            raw.saturating_mul(factor as i64)
                        }
                    };
                    let micros = raw.into_iter().map(micros).map(i64::to_le_bytes);
                    fixed(micros, ValueType::Int64, presence)
                }
                _ => fixed(
                    raw.into_iter().map(i64::to_le_bytes),
                    ValueType::Int64,
                    presence,
                ),
            })
        }
        ColumnReader::Int96ColumnReader(reader) => {
            let (raw, presence) = read(reader, levels, rows)?;
            let micros = raw.iter().map(|time| time.to_micros().to_le_bytes());
            Ok(fixed(micros, ValueType::Int64, presence))
        }
        ColumnReader::FloatColumnReader(reader) => {
            let (raw, presence) = read(reader, levels, rows)?;
            Ok(numbers(raw.into_iter().map(f64::from), presence))
        }
        ColumnReader::DoubleColumnReader(reader) => {
            let (raw, presence) = read(reader, levels, rows)?;
            Ok(numbers(raw.into_iter(), presence))
        }
        ColumnReader::ByteArrayColumnReader(reader) => {
            let (raw, presence) = read(reader, levels, rows)?;
            bytes(raw.iter().map(ByteArray::data), value, presence)
        }
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            let (raw, presence) = read(reader, levels, rows)?;
            bytes(raw.iter().map(|raw| raw.data()), value, presence)
        }
    }
}

/// Values of the rows that have one, packed, and which rows these are.
fn read<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    max_def_level: i16,
    rows: usize,
) -> Result<(Vec<T::T>, PresenceBits), Failure> {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    let wanted = (max_def_level > 0).then_some(&mut levels);
    let (read, ..) = reader
        .read_records(rows, wanted, None, &mut values)
        .map_err(|error| (0, format!("cannot be decoded: {error}")))?;
    if read != rows {
        return Err((
            read,
            "ends before the others do; the file is damaged".into(),
        ));
    }
    let mut presence = PresenceBits::default();
    if max_def_level == 0 {
        (0..rows).for_each(|_| presence.push(true));
    } else {
        levels
            .iter()
            .for_each(|&level| presence.push(level == max_def_level));
    }
    if presence.present() != values.len() {
        return Err((
            0,
            "has more or fewer values than rows; the file is damaged".into(),
        ));
    }
    Ok((values, presence))
}

/// One element a row: packed values where there is one, `empty` elsewhere.
fn spread<T: Clone>(packed: impl Iterator<Item = T>, presence: &PresenceBits, empty: T) -> Vec<T> {
    let mut packed = packed;
    (0..presence.rows())
        .map(|row| {
            let value = if presence.has(row) {
                packed.next()
            } else {
                None
            };
            value.unwrap_or_else(|| empty.clone())
        })
        .collect()
}

fn numbers(packed: impl Iterator<Item = f64>, presence: PresenceBits) -> Column {
    Column {
        values: Values::Numbers(spread(packed, &presence, 0.0)),
        presence: presence.finish(),
    }
}

fn fixed<const SIZE: usize>(
    packed: impl Iterator<Item = [u8; SIZE]>,
    value_type: ValueType,
    presence: PresenceBits,
) -> Column {
    let data = spread(packed, &presence, [0; SIZE]).into_flattened();
    Column {
        values: Values::Fixed {
            data: Bytes::from(data),
            value_type,
            offset: 0,
            stride: SIZE,
            width: 1,
        },
        presence: presence.finish(),
    }
}

fn bytes<'a>(
    packed: impl Iterator<Item = &'a [u8]>,
    value: Value,
    presence: PresenceBits,
) -> Result<Column, Failure> {
    match value {
        Value::Decimal(divisor) => Ok(numbers(packed.map(|raw| whole(raw) / divisor), presence)),
        Value::Half => {
            let half = |raw: &[u8]| {
                raw.first_chunk()
                    .map_or(f64::NAN, |raw| f16::from_le_bytes(*raw).to_f64())
            };
            Ok(numbers(packed.map(half), presence))
        }
        Value::Uuid => texts(packed.map(|raw| Some(uuid(raw))), presence),
        _ => texts(packed.map(|raw| std::str::from_utf8(raw).ok()), presence),
    }
}

/// A dictionary of the strings; `None` is a row that is no text.
fn texts<S: AsRef<str>>(
    packed: impl Iterator<Item = Option<S>>,
    presence: PresenceBits,
) -> Result<Column, Failure> {
    let mut code_of: HashMap<String, u32> = HashMap::new();
    let mut codes = Vec::with_capacity(presence.rows());
    for (value, text) in packed.enumerate() {
        let Some(text) = text else {
            let message = "holds bytes that are no UTF-8 text; ignore the column, or write it as \
                           text";
            return Err((presence.row_of(value), message.into()));
        };
        let next = code_of.len() as u32;
        codes.push(match code_of.get(text.as_ref()) {
            Some(&code) => code,
            None => *code_of.entry(text.as_ref().into()).or_insert(next),
        });
    }
    let mut dictionary = vec![String::new(); code_of.len()];
    for (text, code) in code_of {
        dictionary[code as usize] = text;
    }
    Ok(Column {
        values: Values::Dictionary {
            dictionary,
            codes: spread(codes.into_iter(), &presence, 0),
        },
        presence: presence.finish(),
    })
}

/// The whole number that big-endian two's complement of any length means.
fn whole(raw: &[u8]) -> f64 {
    let negative = raw.first().is_some_and(|byte| byte & 0x80 != 0);
    if raw.len() <= 16 {
        let start = if negative { -1_i128 } else { 0 };
        return raw
            .iter()
            .fold(start, |sum, &byte| sum << 8 | i128::from(byte)) as f64;
    }
    let flip = if negative { 0xff } else { 0 };
    let size = raw
        .iter()
        .fold(0.0, |sum, &byte| sum * 256.0 + f64::from(byte ^ flip));
    if negative { -size - 1.0 } else { size }
}

fn uuid(raw: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in raw.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_of_any_length_keep_their_sign() {
        assert_eq!(whole(&[0x01, 0x00]), 256.0);
        assert_eq!(whole(&[0xff, 0xff]), -1.0);
        assert_eq!(whole(&[0x80]), -128.0);
        assert_eq!(whole(&[]), 0.0);
        let mut long = [0xff_u8; 20];
        long[19] = 0xfe;
        assert_eq!(whole(&long), -2.0);
        long = [0; 20];
        long[18] = 1;
        assert_eq!(whole(&long), 256.0);
    }

    #[test]
    fn a_uuid_has_its_usual_form() {
        let raw: Vec<u8> = (0..16).collect();
        assert_eq!(uuid(&raw), "00010203-0405-0607-0809-0a0b0c0d0e0f");
    }
}
