//! Parquet: columns are read as columns, page by page, never as rows.
//!
//! Everything with one value a row is read, and lists of numbers, if all have one length; other lists,
//! maps and structs are ignored, which is said. A damaged file ends in an error with the row, never in
//! a panic.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parquet::column::reader::ColumnReader;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::evidence::ColumnType;
use super::format::Source;
use super::parquet_column::{Decoding, read_column};
use super::parquet_list::{ListDecoding, UNEVEN, probe, read_vectors};
use super::plan::{Found, check_distinct, same_columns};
use super::{Dataset, FileError, RawBatch, ReadOptions};

/// An open Parquet file.
pub struct ParquetFile {
    reader: SerializedFileReader<File>,
    columns: Vec<ParquetColumn>,
    rows: u64,
}

/// A top-level column of a file.
struct ParquetColumn {
    name: String,
    /// Place of its first leaf.
    leaf: usize,
    /// Number of its leaves.
    leaves: usize,
    /// How its values are read, or why they are not.
    decoding: Result<How, String>,
}

/// How a column is read.
enum How {
    Scalars(Decoding),
    Vectors(ListDecoding),
}

impl How {
    fn column_type(&self) -> ColumnType {
        match self {
            Self::Scalars(decoding) => decoding.column_type(),
            Self::Vectors(lists) => ColumnType::Vector { width: lists.width },
        }
    }
}

/// What the reader says or, should a damaged file make it panic, that it did.
fn guarded<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(result) => result.map_err(|error| {
            let text = error.to_string();
            text.strip_prefix("Parquet error: ").unwrap_or(&text).into()
        }),
        Err(_) => Err("its content makes no sense".into()),
    }
}

fn damaged(cause: &str) -> String {
    format!("is no readable Parquet file ({cause}); was it written to the end?")
}

impl ParquetFile {
    /// Opens a file and reads its schema.
    pub fn open(source: &Source, options: &ReadOptions) -> Result<Self, FileError> {
        let path = &source.path;
        let file = File::open(path).map_err(|cause| FileError::read(path, cause))?;
        let (reader, rows) = guarded(|| {
            let reader = SerializedFileReader::new(file)?;
            let groups = reader.metadata().row_groups().iter();
            let rows = groups
                .map(|group| u64::try_from(group.num_rows()).unwrap_or(0))
                .sum();
            Ok((reader, rows))
        })
        .map_err(|cause| FileError::broken(path, damaged(&cause)))?;

        let mut columns: Vec<ParquetColumn> = Vec::new();
        let schema = reader.metadata().file_metadata().schema_descr();
        let roots: Vec<usize> = (0..schema.num_columns())
            .map(|leaf| schema.get_column_root_idx(leaf))
            .collect();
        for leaves in roots.chunk_by(|a, b| a == b) {
            let leaf = columns.iter().map(|column| column.leaves).sum();
            let column = schema.column(leaf);
            let is_list = column.max_rep_level() == 1 && column.path().parts().len() <= 3;
            let name = schema.get_column_root(leaf).name();
            let decoding = if leaves.len() == 1 && is_list {
                let known = options.widths.get(name).copied();
                let opened = guarded(|| probe(&reader, leaf, known));
                match opened.map_err(|cause| FileError::broken(path, damaged(&cause)))? {
                    Ok(lists) => Ok(How::Vectors(lists)),
                    Err(reason) => Err(reason),
                }
            } else if column.path().parts().len() > 1 || column.max_rep_level() > 0 {
                Err(nested(&column))
            } else {
                Decoding::of(&column).map(How::Scalars)
            };
            columns.push(ParquetColumn {
                name: name.to_owned(),
                leaf,
                leaves: leaves.len(),
                decoding,
            });
        }
        let file = Self {
            reader,
            columns,
            rows,
        };
        check_distinct(path, &file.names())?;
        Ok(file)
    }

    fn names(&self) -> Vec<String> {
        self.columns
            .iter()
            .map(|column| column.name.clone())
            .collect()
    }

    /// Whether the statistics of all row groups say that a column has no null.
    fn is_complete(&self, column: &ParquetColumn) -> bool {
        let metadata = self.reader.metadata();
        let schema = metadata.file_metadata().schema_descr();
        schema.column(column.leaf).max_def_level() == 0
            || metadata.row_groups().iter().all(|group| {
                let statistics = group
                    .columns()
                    .get(column.leaf)
                    .and_then(|c| c.statistics());
                statistics.and_then(|statistics| statistics.null_count_opt()) == Some(0)
            })
    }
}

fn nested(column: &ColumnDescriptor) -> String {
    if column.max_rep_level() > 0 {
        "holds lists or maps that are no vectors of numbers, which are not read from Parquet".into()
    } else {
        "is a struct, which is not read from Parquet; flatten it into columns".into()
    }
}

/// The columns of all files, which must agree, and the rows of each.
pub fn scan(
    sources: &[Source],
    options: &ReadOptions,
) -> Result<(Vec<Found>, Vec<u64>), FileError> {
    let mut found: Vec<Found> = Vec::new();
    let mut rows = Vec::with_capacity(sources.len());
    for source in sources {
        let file = ParquetFile::open(source, options)?;
        rows.push(file.rows);
        if rows.len() == 1 {
            found = file
                .columns
                .iter()
                .map(|column| Found {
                    name: column.name.clone(),
                    column_type: column
                        .decoding
                        .as_ref()
                        .map_or(ColumnType::Unreadable, |d| d.column_type()),
                    complete: file.is_complete(column),
                    remark: column.decoding.as_ref().err().cloned(),
                })
                .collect();
            continue;
        }
        let first = &sources[0].path;
        let names: Vec<_> = found.iter().map(|found| found.name.clone()).collect();
        let places = same_columns(first, &names, &source.path, &file.names())?;
        for (found, place) in found.iter_mut().zip(places) {
            let column = &file.columns[place];
            found.complete &= file.is_complete(column);
            merge_types(found, column, first, &source.path)?;
        }
    }
    Ok((found, rows))
}

/// Makes two files agree on the type of a column: whole numbers and others are numbers.
fn merge_types(
    found: &mut Found,
    column: &ParquetColumn,
    first: &Path,
    file: &Path,
) -> Result<(), FileError> {
    let here = match &column.decoding {
        Ok(decoding) => decoding.column_type(),
        Err(_) => ColumnType::Unreadable,
    };
    let is_number =
        |column_type| matches!(column_type, ColumnType::Number | ColumnType::Integer { .. });
    if here == found.column_type || here == ColumnType::Empty {
        return Ok(());
    }
    let is_list = |column_type| {
        matches!(
            column_type,
            ColumnType::Vector { .. } | ColumnType::Unreadable
        )
    };
    if is_list(here) && is_list(found.column_type) {
        found.column_type = ColumnType::Unreadable;
        let uneven = || UNEVEN.to_owned();
        found.remark.get_or_insert_with(uneven);
        return Ok(());
    }
    if found.column_type == ColumnType::Empty {
        found.column_type = here;
        return Ok(());
    }
    if is_number(here) && is_number(found.column_type) {
        found.column_type = ColumnType::Number;
        return Ok(());
    }
    Err(FileError::Mismatch(format!(
        "column {:?} is {} in {} but {} in {}; write it with one type, or ignore it",
        found.name,
        found.column_type.as_str(),
        first.display(),
        here.as_str(),
        file.display()
    )))
}

/// The rows of one file, batch by batch.
pub struct ParquetRows<'a> {
    dataset: &'a Dataset,
    source: &'a Source,
    file: ParquetFile,
    /// Place in the file of each column of the plan.
    places: Vec<usize>,
    next_group: usize,
    /// One reader per column of the plan that is read.
    readers: Vec<Option<ColumnReader>>,
    /// Rows left in the row group.
    left: u64,
    /// Rows handed out.
    done: u64,
    position: Arc<AtomicU64>,
    /// Value of `position` where this file begins.
    begin: u64,
}

impl<'a> ParquetRows<'a> {
    /// Opens a file of a data set.
    pub fn open(
        dataset: &'a Dataset,
        source: &'a Source,
        position: &Arc<AtomicU64>,
    ) -> Result<Self, FileError> {
        let file = ParquetFile::open(source, &dataset.options)?;
        let first = &dataset.sources[0].path;
        let places = same_columns(first, &dataset.names, &source.path, &file.names())?;
        Ok(Self {
            dataset,
            source,
            file,
            places,
            next_group: 0,
            readers: Vec::new(),
            left: 0,
            done: 0,
            position: position.clone(),
            begin: position.load(Ordering::Relaxed),
        })
    }

    /// The next rows; `None` at the end.
    pub fn next(&mut self) -> Result<Option<RawBatch>, FileError> {
        while self.left == 0 {
            if self.next_group >= self.file.reader.num_row_groups() {
                return Ok(None);
            }
            self.open_group()?;
        }
        let rows = self.left.min(self.dataset.plan.batch_rows() as u64) as usize;
        let mut columns = Vec::with_capacity(self.places.len());
        for (at, reader) in self.readers.iter_mut().enumerate() {
            let column = &self.file.columns[self.places[at]];
            let (Some(reader), Ok(decoding)) = (reader, &column.decoding) else {
                columns.push(None);
                continue;
            };
            let read = catch_unwind(AssertUnwindSafe(|| match decoding {
                How::Scalars(decoding) => read_column(reader, decoding, rows),
                How::Vectors(lists) => read_vectors(reader, lists, rows),
            }));
            let failed = match read {
                Ok(Ok(read)) => {
                    columns.push(Some(read));
                    continue;
                }
                Ok(Err(failed)) => failed,
                Err(_) => (0, damaged("its content makes no sense")),
            };
            return Err(FileError::row(
                &self.source.path,
                self.done + failed.0 as u64 + 1,
                format!("column {:?} {}", column.name, failed.1),
            ));
        }
        let lines = (self.done + 1..=self.done + rows as u64).collect();
        self.left -= rows as u64;
        self.done += rows as u64;
        let part = self.done as f64 / self.file.rows.max(1) as f64;
        let position = self.begin + (part * self.source.bytes as f64) as u64;
        self.position.store(position, Ordering::Relaxed);
        Ok(Some(RawBatch {
            rows,
            columns,
            lines,
        }))
    }

    fn open_group(&mut self) -> Result<(), FileError> {
        let (file, places, plan) = (&self.file, &self.places, &self.dataset.plan);
        let number = self.next_group;
        self.next_group += 1;
        let opened = guarded(|| {
            let group = file.reader.get_row_group(number)?;
            let rows = u64::try_from(group.metadata().num_rows()).unwrap_or(0);
            let mut readers = Vec::with_capacity(places.len());
            for (at, place) in places.iter().enumerate() {
                let column = &file.columns[*place];
                readers.push(if plan.is_read(at) && column.decoding.is_ok() {
                    Some(group.get_column_reader(column.leaf)?)
                } else {
                    None
                });
            }
            Ok((rows, readers))
        });
        let (rows, readers) =
            opened.map_err(|cause| FileError::broken(&self.source.path, damaged(&cause)))?;
        (self.left, self.readers) = (rows, readers);
        Ok(())
    }
}
