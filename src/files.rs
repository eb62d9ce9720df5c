//! Data files → [`Batch`]: Parquet, CSV and JSON lines, also gzipped, several in a row, of any size
//! in bounded memory.
//!
//! ```text
//! paths ─open─▶ Dataset (columns, types, roles, rows) ─batches─▶ Batch, Batch, …   as often as wanted
//! ```
//! Opening reads text files once, because a type is only known when every cell has been seen, and
//! because an error in the last line is better told before hours of work than after.

mod build;
mod csv;
mod error;
mod evidence;
mod format;
mod json_lines;
mod parquet;
mod parquet_column;
mod parquet_list;
mod plan;
mod row_facts;
mod time;

pub use error::FileError;
pub use evidence::ColumnType;
pub use format::{Format, MAX_RECORD_BYTES};
pub use plan::ColumnInfo;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::batch::{Batch, Calls, Column, Role, Schema, Times, Values, bounded_name};
use crate::profile::{Input, Kind};
use format::Source;
use plan::Plan;

/// Most rows of a batch.
pub const MAX_BATCH_ROWS: usize = 8_192;

/// How data files are to be read.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// Name of the model in the batches.
    pub model: String,
    /// Version in the batches; empty: not known.
    pub version: String,
    /// Roles by column, above those that names suggest.
    pub roles: HashMap<String, Role>,
    /// The column that says when a row happened: a timestamp, a number since the Unix epoch (unit
    /// told by its size), or RFC 3339; every row must have it. `None`: the only column of times.
    pub time: Option<String>,
    /// The column with the latency of each row's call in microseconds; every row must have it.
    pub latency: Option<String>,
    /// Kinds by column where they are known, from a profile or by the operator: they decide how
    /// the cells of a CSV file are read.
    pub kinds: HashMap<String, Kind>,
    /// Elements of the vectors by column where that is known, from a profile: whatever is no list of
    /// so many numbers is an invalid value of its row. Elsewhere all lists must have one length.
    pub widths: HashMap<String, u32>,
    /// Cells of a CSV file that mean no value, after trimming.
    pub nulls: Vec<String>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            model: "model".into(),
            version: String::new(),
            roles: HashMap::new(),
            time: None,
            latency: None,
            kinds: HashMap::new(),
            widths: HashMap::new(),
            nulls: ["", "NA", "N/A", "NULL", "null", "None"]
                .map(String::from)
                .into(),
        }
    }
}

impl ReadOptions {
    fn is_ignored(&self, column: &str) -> bool {
        self.roles.get(column) == Some(&Role::Ignore) && self.latency.as_deref() != Some(column)
    }

    fn is_null(&self, cell: &str) -> bool {
        let cell = cell.trim();
        self.nulls.iter().any(|null| null == cell)
    }
}

/// Files with the same columns, checked and ready to be read, as often as wanted.
#[derive(Debug)]
pub struct Dataset {
    sources: Vec<Source>,
    /// Rows of each file.
    rows: Vec<u64>,
    /// Names of the columns in the files.
    names: Vec<String>,
    plan: Plan,
    options: ReadOptions,
    model: Arc<str>,
    version: Arc<str>,
}

/// Told while text files are read for the first time: bytes read, of all bytes.
type Told<'a> = &'a mut dyn FnMut(u64, u64);

/// How far a first reading is.
struct Progress<'a> {
    position: Arc<AtomicU64>,
    total: u64,
    told: Told<'a>,
}

impl Progress<'_> {
    fn tell(&mut self) {
        (self.told)(self.position.load(Ordering::Relaxed), self.total);
    }
}

/// Rows as a file has them: one entry per column of the plan.
struct RawBatch {
    rows: usize,
    columns: Vec<Option<Column>>,
    /// Line (of text files) or row (of Parquet) in the file of each row.
    lines: Vec<u64>,
}

impl Dataset {
    /// Opens files, checks them and finds the types of their columns.
    ///
    /// # Errors
    /// A sentence: a file is missing, empty or damaged, columns differ or are there twice, no rows.
    pub fn open(paths: &[PathBuf], options: &ReadOptions) -> Result<Self, FileError> {
        Self::open_observed(paths, options, &mut |_, _| {})
    }

    /// As [`Dataset::open`]; `told` learns now and then how many bytes of how many were read.
    ///
    /// # Errors
    /// As [`Dataset::open`].
    pub fn open_observed(
        paths: &[PathBuf],
        options: &ReadOptions,
        told: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, FileError> {
        let sources: Vec<Source> = paths
            .iter()
            .map(|path| Source::open(path))
            .collect::<Result<_, _>>()?;
        let Some(first) = sources.first() else {
            return Err(FileError::Mismatch("no file is named".into()));
        };
        let kind = |source: &Source| std::mem::discriminant(&source.format);
        if let Some(other) = sources.iter().find(|source| kind(source) != kind(first)) {
            return Err(FileError::Mismatch(format!(
                "{} is {} but {} is {}; give files of one format",
                first.path.display(),
                first.format.as_str(),
                other.path.display(),
                other.format.as_str()
            )));
        }
        let mut progress = Progress {
            position: Arc::default(),
            total: sources.iter().map(|source| source.bytes).sum(),
            told,
        };
        let (found, rows) = match first.format {
            Format::Parquet => parquet::scan(&sources, options)?,
            Format::Csv { .. } => csv::scan(&sources, options, &mut progress)?,
            Format::JsonLines => json_lines::scan(&sources, options, &mut progress)?,
        };
        if rows.iter().sum::<u64>() == 0 {
            return Err(FileError::Mismatch(format!(
                "there is no row in {}",
                plan::names(
                    sources
                        .iter()
                        .map(|source| source.path.to_str().unwrap_or("?"))
                )
            )));
        }
        let names = found.iter().map(|column| column.name.clone()).collect();
        Ok(Self {
            plan: Plan::new(found, options)?,
            rows,
            names,
            sources,
            model: bounded_name(&options.model),
            version: bounded_name(&options.version),
            options: options.clone(),
        })
    }

    /// All columns, those ignored included, in the order of the first file.
    pub fn columns(&self) -> &[ColumnInfo] {
        &self.plan.columns
    }

    /// Fields of every batch: the columns that are not ignored.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.plan.schema
    }

    /// Sentences about what was decided: columns ignored and why, which one is the time.
    pub fn notes(&self) -> &[String] {
        &self.plan.notes
    }

    /// Whether batches say when each row happened.
    pub fn has_times(&self) -> bool {
        self.plan.time.is_some()
    }

    /// Rows of all files.
    pub fn rows(&self) -> u64 {
        self.rows.iter().sum()
    }

    /// Bytes of all files on disk.
    pub fn bytes(&self) -> u64 {
        self.sources.iter().map(|source| source.bytes).sum()
    }

    /// Names of the files without folders, with their rows, for a profile's provenance.
    pub fn inputs(&self) -> Vec<Input> {
        let sources = self.sources.iter().zip(&self.rows);
        let input = |(source, &rows): (&Source, &u64)| Input {
            name: source
                .path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            rows,
        };
        sources.map(input).collect()
    }

    /// The rows of all files from the first, at most [`MAX_BATCH_ROWS`] at a time.
    pub fn batches(&self) -> Batches<'_> {
        Batches {
            dataset: self,
            next: 0,
            open: None,
            position: Arc::default(),
            failed: false,
        }
    }

    fn batch(&self, source: &Source, raw: RawBatch) -> Result<Batch, FileError> {
        let RawBatch {
            rows,
            mut columns,
            lines,
        } = raw;
        let failure = |row: usize, column: usize, message: &str| {
            let line = lines.get(row).copied().unwrap_or(0);
            let message = format!("column {:?} {message}", self.names[column]);
            match source.format {
                Format::Parquet => FileError::row(&source.path, line, message),
                _ => FileError::line(&source.path, line, message),
            }
        };
        let read = |at: Option<usize>| {
            let at = at?;
            Some((at, columns.get(at)?.as_ref()?))
        };
        let latency_micros = match read(self.plan.latency) {
            Some((at, column)) => row_facts::latencies(column, rows)
                .map_err(|(row, message)| failure(row, at, message))?,
            None => Vec::new(),
        };
        let times = match read(self.plan.time) {
            Some((at, column)) => {
                let is_time = self.plan.columns[at].column_type == ColumnType::Time;
                let each = row_facts::times(column, is_time, rows)
                    .map_err(|(row, message)| failure(row, at, message))?;
                Times::Each(each)
            }
            None => Times::Arrival,
        };
        let columns: Vec<Option<Column>> = self
            .plan
            .fields
            .iter()
            .map(|&at| columns.get_mut(at).and_then(Option::take))
            .collect();
        let bytes = columns.iter().flatten().map(column_bytes).sum::<usize>() + rows * 8;
        Ok(Batch {
            model: self.model.clone(),
            version: self.version.clone(),
            schema: self.plan.schema.clone(),
            rows,
            columns,
            calls: Calls {
                latency_micros,
                ..Calls::default()
            },
            times,
            weight: 1.0,
            bytes,
        })
    }
}

/// Bytes of memory that a column holds.
fn column_bytes(column: &Column) -> usize {
    let text = |text: &String| size_of::<String>() + text.capacity();
    match &column.values {
        Values::Fixed { data, .. } => data.len(),
        Values::Numbers(numbers) => numbers.len() * 8,
        Values::Text(texts) => texts.iter().map(text).sum(),
        Values::Dictionary { dictionary, codes } => {
            codes.len() * 4 + dictionary.iter().map(text).sum::<usize>()
        }
        Values::Mixed(scalars) => scalars.len() * size_of::<crate::batch::Scalar>(),
        Values::Invalid => 0,
    }
}

/// The rows of a data set; ends after the first error.
pub struct Batches<'a> {
    dataset: &'a Dataset,
    /// Number of the file to be opened next.
    next: usize,
    open: Option<(&'a Source, Rows<'a>)>,
    position: Arc<AtomicU64>,
    failed: bool,
}

enum Rows<'a> {
    Parquet(Box<parquet::ParquetRows<'a>>),
    Csv(Box<csv::CsvRows<'a>>),
    Json(Box<json_lines::JsonRows<'a>>),
}

impl Batches<'_> {
    /// Bytes read so far, of [`Dataset::bytes`].
    pub fn position(&self) -> u64 {
        self.position.load(Ordering::Relaxed)
    }

    fn read(&mut self) -> Result<Option<Batch>, FileError> {
        loop {
            let Some((source, rows)) = &mut self.open else {
                let dataset = self.dataset;
                let Some(source) = dataset.sources.get(self.next) else {
                    return Ok(None);
                };
                let before: u64 = dataset.sources[..self.next].iter().map(|s| s.bytes).sum();
                self.position.store(before, Ordering::Relaxed);
                let rows = match source.format {
                    Format::Parquet => Rows::Parquet(Box::new(parquet::ParquetRows::open(
                        dataset,
                        source,
                        &self.position,
                    )?)),
                    Format::Csv { .. } => Rows::Csv(Box::new(csv::CsvRows::open(
                        dataset,
                        source,
                        &self.position,
                    )?)),
                    Format::JsonLines => Rows::Json(Box::new(json_lines::JsonRows::open(
                        dataset,
                        source,
                        &self.position,
                    )?)),
                };
                self.next += 1;
                self.open = Some((source, rows));
                continue;
            };
            let raw = match rows {
                Rows::Parquet(rows) => rows.next()?,
                Rows::Csv(rows) => rows.next()?,
                Rows::Json(rows) => rows.next()?,
            };
            match raw {
                Some(raw) => return self.dataset.batch(source, raw).map(Some),
                None => self.open = None,
            }
        }
    }
}

impl Iterator for Batches<'_> {
    type Item = Result<Batch, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let batch = self.read().transpose();
        self.failed = matches!(batch, Some(Err(_)));
        batch
    }
}
