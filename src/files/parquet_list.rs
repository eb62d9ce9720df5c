//! A Parquet column of lists of numbers → a [`Column`] of vectors.
//!
//! Parquet has no lists of a fixed length. Where it is known, from a profile, a list of another length
//! is an invalid value; else the first rows say how long they are, and a list of another length further
//! on is an error with its row. Source: the Parquet format, `LogicalTypes.md`, Lists,
//! and Melnik et al., *Dremel*, VLDB 2010, for the levels.

use half::f16;
use parquet::basic::Type;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::FileReader;

use super::build::ColumnBuilder;
use super::evidence::ColumnType;
use super::parquet_column::{Decoding, Failure};
use crate::batch::Column;

/// Why lists are no vectors, as the end of a sentence that begins with `it`.
pub const UNEVEN: &str = "holds lists of different lengths; vectors have one length";
/// Rows that say how long the lists are.
const PROBED_ROWS: usize = 1_000;

/// How lists are read.
#[derive(Clone, Copy, Debug)]
pub struct ListDecoding {
    /// Elements of each list.
    pub width: u32,
    /// Whether that is known and not only what the first rows have.
    is_known: bool,
    levels: Levels,
}

/// What definition levels mean.
#[derive(Clone, Copy, Debug)]
struct Levels {
    /// Of an element with a value.
    value: i16,
    /// Of any element; below it there is no element at all.
    element: i16,
}

/// Lists one after the other.
struct Lists {
    elements: Vec<f32>,
    /// Elements of each list; 0 where there is none.
    lengths: Vec<usize>,
}

/// How the lists of leaf `leaf` are read, or why they are not, as the end of a sentence that begins
/// with `it`; `known` is their length if that is known.
pub fn probe<R: FileReader>(
    file: &R,
    leaf: usize,
    known: Option<u32>,
) -> Result<Result<ListDecoding, String>, ParquetError> {
    let column = file.metadata().file_metadata().schema_descr().column(leaf);
    let is_number = matches!(
        column.physical_type(),
        Type::FLOAT | Type::DOUBLE | Type::INT32 | Type::INT64 | Type::FIXED_LEN_BYTE_ARRAY
    );
    if !is_number || !Decoding::of(&column).is_ok_and(|element| element.is_plain_number()) {
        return Ok(Err("holds lists of something else than numbers".into()));
    }
    let value = column.max_def_level();
    let levels = Levels {
        value,
        element: value - i16::from(column.self_type().is_optional()),
    };
    if let Some(width) = known {
        return Ok(Ok(ListDecoding {
            width,
            is_known: true,
            levels,
        }));
    }
    let mut width = None;
    for group in 0..file.num_row_groups() {
        let group = file.get_row_group(group)?;
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let mut reader = group.get_column_reader(leaf)?;
        let lists = match read_lists(&mut reader, levels, rows.min(PROBED_ROWS)) {
            Ok(lists) => lists,
            Err((_, cause)) => return Err(ParquetError::General(cause)),
        };
        for length in lists.lengths.into_iter().filter(|&length| length > 0) {
            if *width.get_or_insert(length) != length {
                return Ok(Err(UNEVEN.into()));
            }
        }
        if width.is_some() {
            break;
        }
    }
    let width = width.and_then(|width| u32::try_from(width).ok());
    Ok(match width {
        Some(width) => Ok(ListDecoding {
            width,
            is_known: false,
            levels,
        }),
        None => Err("holds lists, of which the first ones are all empty".into()),
    })
}

/// Reads the next `rows` rows.
///
/// # Errors
/// A row within these and what is wrong with it.
pub fn read_vectors(
    reader: &mut ColumnReader,
    decoding: &ListDecoding,
    rows: usize,
) -> Result<Column, Failure> {
    let lists = read_lists(reader, decoding.levels, rows)?;
    let width = decoding.width as usize;
    let mut elements = &lists.elements[..];
    let mut column = ColumnBuilder::new(ColumnType::Vector {
        width: decoding.width,
    });
    for (row, &length) in lists.lengths.iter().enumerate() {
        if length != 0 && length != width && !decoding.is_known {
            return Err((
                row,
                format!(
                    "has {length} elements where the first rows have {width}; write vectors of one \
                     length, or ignore the column"
                ),
            ));
        }
        if length == 0 {
            column.push_null();
            continue;
        }
        let (vector, rest) = elements.split_at(length);
        elements = rest;
        column.push_vector(vector);
    }
    Ok(column.finish())
}

fn read_lists(reader: &mut ColumnReader, levels: Levels, rows: usize) -> Result<Lists, Failure> {
    match reader {
        ColumnReader::FloatColumnReader(reader) => read(reader, levels, rows, |raw| *raw),
        ColumnReader::DoubleColumnReader(reader) => read(reader, levels, rows, |raw| *raw as f32),
        ColumnReader::Int32ColumnReader(reader) => read(reader, levels, rows, |raw| *raw as f32),
        ColumnReader::Int64ColumnReader(reader) => read(reader, levels, rows, |raw| *raw as f32),
        ColumnReader::FixedLenByteArrayColumnReader(reader) => read(reader, levels, rows, |raw| {
            let raw = raw.data().first_chunk();
            raw.map_or(f32::NAN, |raw| f16::from_le_bytes(*raw).to_f32())
        }),
        _ => Err((0, "holds no numbers".into())),
    }
}

fn read<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    levels: Levels,
    rows: usize,
    number: impl Fn(&T::T) -> f32,
) -> Result<Lists, Failure> {
    let (mut values, mut definitions, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
    let wanted = (Some(&mut definitions), Some(&mut repetitions));
    let (read, ..) = reader
        .read_records(rows, wanted.0, wanted.1, &mut values)
        .map_err(|error| (0, format!("cannot be decoded: {error}")))?;
    if read != rows {
        return Err((
            read,
            "ends before the others do; the file is damaged".into(),
        ));
    }
    let mut values = values.iter().map(number);
    let mut lists = Lists {
        elements: Vec::with_capacity(definitions.len()),
        lengths: Vec::with_capacity(rows),
    };
    for (&definition, &repetition) in definitions.iter().zip(&repetitions) {
        if repetition == 0 {
            lists.lengths.push(0);
        }
        let Some(length) = lists.lengths.last_mut() else {
            return Err((0, "begins within a list; the file is damaged".into()));
        };
        if definition >= levels.element {
            *length += 1;
            let value = if definition == levels.value {
                values.next()
            } else {
                None
            };
            // A null within a vector is no number.
            lists.elements.push(value.unwrap_or(f32::NAN));
        }
    }
    if lists.lengths.len() != rows {
        return Err((
            0,
            "has more or fewer lists than rows; the file is damaged".into(),
        ));
    }
    Ok(lists)
}
