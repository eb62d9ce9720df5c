//! CSV: a line of names, then rows of cells, in UTF-8 (RFC 4180, with any delimiter).

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};

use super::build::ColumnBuilder;
use super::evidence::{ColumnType, Evidence, truth};
use super::format::{Format, RecordBytes, Source};
use super::plan::{Found, check_distinct, same_columns};
use super::{Dataset, FileError, MAX_BATCH_ROWS, Progress, RawBatch, ReadOptions};

/// An open CSV file, after its line of names.
pub struct CsvFile<'a> {
    source: &'a Source,
    reader: Reader<RecordBytes>,
    names: Vec<String>,
    record: ByteRecord,
}

impl<'a> CsvFile<'a> {
    /// Opens a file and reads its names.
    pub fn open(source: &'a Source, position: &Arc<AtomicU64>) -> Result<Self, FileError> {
        let delimiter = match source.format {
            Format::Csv { delimiter } => delimiter,
            _ => b',',
        };
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .delimiter(delimiter)
            .from_reader(source.text(position)?);
        let mut file = Self {
            source,
            reader,
            names: Vec::new(),
            record: ByteRecord::new(),
        };
        if !file.next()? {
            return Err(FileError::broken(&source.path, "has no line of names"));
        }
        for at in 0..file.record.len() {
            let name = file.cell(at)?.trim().to_owned();
            file.names.push(name);
        }
        check_distinct(&source.path, &file.names)?;
        Ok(file)
    }

    /// Reads the next record; `false` at the end.
    fn next(&mut self) -> Result<bool, FileError> {
        let more = self.reader.read_byte_record(&mut self.record);
        self.reader.get_mut().next_record();
        more.map_err(|error| failure(&self.source.path, self.reader.position().line(), error))
    }

    fn line(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::line)
    }

    fn cell(&self, at: usize) -> Result<&str, FileError> {
        let bytes = self.record.get(at).unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|_| {
            let message = format!(
                "column {} is no UTF-8 text; save the file as UTF-8, or ignore the column",
                at + 1
            );
            FileError::line(&self.source.path, self.line(), message)
        })
    }
}

fn failure(path: &Path, line: u64, error: csv::Error) -> FileError {
    let text = error.to_string();
    match error.into_kind() {
        ErrorKind::UnequalLengths {
            pos,
            expected_len,
            len,
        } => FileError::line(
            path,
            pos.map_or(line, |pos| pos.line()),
            format!(
                "{len} {} where the line of names has {expected_len}; quote cells that hold the \
                 delimiter",
                if len == 1 { "cell" } else { "cells" }
            ),
        ),
        ErrorKind::Io(cause) => FileError::line(path, line, format!("cannot go on: {cause}")),
        _ => FileError::line(path, line, text),
    }
}

/// Reads all files once: their columns with types, and the rows of each.
pub fn scan(
    sources: &[Source],
    options: &ReadOptions,
    progress: &mut Progress<'_>,
) -> Result<(Vec<Found>, Vec<u64>), FileError> {
    let mut names: Vec<String> = Vec::new();
    let mut evidence: Vec<Evidence> = Vec::new();
    let mut rows = Vec::with_capacity(sources.len());
    for source in sources {
        let mut file = CsvFile::open(source, &progress.position)?;
        let places = if rows.is_empty() {
            names.clone_from(&file.names);
            evidence.resize_with(names.len(), Evidence::default);
            (0..names.len()).collect()
        } else {
            same_columns(&sources[0].path, &names, &source.path, &file.names)?
        };
        let mut count = 0_u64;
        while file.next()? {
            count += 1;
            for (column, &place) in places.iter().enumerate() {
                if options.is_ignored(&names[column]) {
                    continue;
                }
                let cell = file.cell(place)?;
                if options.is_null(cell) {
                    evidence[column].nulls += 1;
                } else {
                    evidence[column].add_cell(cell);
                }
            }
            if count.is_multiple_of(MAX_BATCH_ROWS as u64) {
                progress.tell();
            }
        }
        rows.push(count);
    }
    let found = names.into_iter().zip(evidence).map(|(name, evidence)| {
        let kind = options.kinds.get(&name).copied();
        Found {
            column_type: evidence.of_cells(kind),
            complete: evidence.nulls == 0,
            name,
            remark: None,
        }
    });
    Ok((found.collect(), rows))
}

/// The rows of one file, batch by batch.
pub struct CsvRows<'a> {
    dataset: &'a Dataset,
    file: CsvFile<'a>,
    /// Place in the file of each column of the plan.
    places: Vec<usize>,
}

impl<'a> CsvRows<'a> {
    /// Opens a file of a data set.
    pub fn open(
        dataset: &'a Dataset,
        source: &'a Source,
        position: &Arc<AtomicU64>,
    ) -> Result<Self, FileError> {
        let file = CsvFile::open(source, position)?;
        let first = &dataset.sources[0].path;
        let places = same_columns(first, &dataset.names, &source.path, &file.names)?;
        Ok(Self {
            dataset,
            file,
            places,
        })
    }

    /// The next rows; `None` at the end.
    pub fn next(&mut self) -> Result<Option<RawBatch>, FileError> {
        let mut builders = self.dataset.plan.builders();
        let mut lines = Vec::new();
        while lines.len() < MAX_BATCH_ROWS && self.file.next()? {
            lines.push(self.file.line());
            for (at, builder) in builders.iter_mut().enumerate() {
                let Some(builder) = builder else { continue };
                let cell = self.file.cell(self.places[at])?;
                if self.dataset.options.is_null(cell) {
                    builder.push_null();
                    continue;
                }
                match self.dataset.plan.columns[at].column_type {
                    ColumnType::Number => {
                        let trimmed = cell.trim();
                        if let Ok(number) = trimmed.parse() {
                            builder.push_number(number);
                        } else if let Some(truth) = truth(trimmed) {
                            builder.push_number(f64::from(u8::from(truth)));
                        } else {
                            builder.push_text(cell);
                        }
                    }
                    ColumnType::Boolean => match truth(cell.trim()) {
                        Some(truth) => builder.push_bool(truth),
                        None => builder.push_text(cell),
                    },
                    _ => builder.push_text(cell),
                }
            }
        }
        Ok((!lines.is_empty()).then(|| RawBatch {
            rows: lines.len(),
            columns: builders
                .into_iter()
                .map(|builder| builder.map(ColumnBuilder::finish))
                .collect(),
            lines,
        }))
    }
}
