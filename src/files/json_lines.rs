//! JSON lines: one object a line, its members the columns; a member that a line lacks is null, a list
//! of numbers is a vector.

use std::collections::HashMap;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::build::ColumnBuilder;
use super::evidence::{ColumnType, Evidence};
use super::format::{MAX_RECORD_BYTES, RecordBytes, Source};
use super::parquet_list::UNEVEN;
use super::plan::Found;
use super::{Dataset, FileError, MAX_BATCH_ROWS, Progress, RawBatch, ReadOptions};
use crate::batch::Scalar;

/// Most columns: objects whose keys are data must not fill the memory.
const MAX_COLUMNS: usize = 10_000;

/// An open file of JSON lines.
struct Lines<'a> {
    source: &'a Source,
    bytes: BufReader<RecordBytes>,
    line: Vec<u8>,
    number: u64,
}

impl<'a> Lines<'a> {
    fn open(source: &'a Source, position: &Arc<AtomicU64>) -> Result<Self, FileError> {
        Ok(Self {
            source,
            bytes: BufReader::with_capacity(1 << 16, source.text(position)?),
            line: Vec::new(),
            number: 0,
        })
    }

    /// Moves to the next line that is not blank; `false` at the end.
    fn next(&mut self) -> Result<bool, FileError> {
        loop {
            self.line.clear();
            self.number += 1;
            self.bytes.get_mut().next_record();
            let read = (&mut self.bytes)
                .take(MAX_RECORD_BYTES)
                .read_until(b'\n', &mut self.line)
                .map_err(|cause| self.failure(format!("cannot go on: {cause}")))?;
            if read == 0 {
                return Ok(false);
            }
            if read as u64 == MAX_RECORD_BYTES {
                return Err(self.failure("is longer than 64 MiB; one object a line is wanted"));
            }
            if self.number == 1 && self.line.starts_with(b"\xef\xbb\xbf") {
                self.line.drain(..3);
            }
            if !self.line.iter().all(u8::is_ascii_whitespace) {
                return Ok(true);
            }
        }
    }

    /// Reads the line into `row`.
    fn read(&self, row: &mut Row) -> Result<(), FileError> {
        row.cells.iter_mut().for_each(|cell| *cell = None);
        let text = std::str::from_utf8(&self.line)
            .map_err(|_| self.failure("is no UTF-8 text; save the file as UTF-8"))?;
        let mut json = serde_json::Deserializer::from_str(text);
        RowSeed(row)
            .deserialize(&mut json)
            .and_then(|()| json.end())
            .map_err(|error| {
                let column = error.column();
                let text = error.to_string();
                let text = text.split(" at line ").next().unwrap_or(&text);
                let hint = if text.contains("expected value") && self.has_nan() {
                    "; NaN and Infinity are no JSON, write null"
                } else {
                    ""
                };
                self.failure(format!("is no JSON object: {text} (column {column}){hint}"))
            })
    }

    fn has_nan(&self) -> bool {
        let holds = |word: &[u8]| self.line.windows(word.len()).any(|part| part == word);
        holds(b"NaN") || holds(b"Infinity")
    }

    fn failure(&self, message: impl Into<String>) -> FileError {
        FileError::line(&self.source.path, self.number, message)
    }
}

/// A value of a member.
#[derive(Clone)]
enum Cell {
    Scalar(Scalar),
    /// A list of numbers; null in it is NaN.
    Vector(Vec<f32>),
}

/// The cells of one line by column.
#[derive(Default)]
struct Row {
    place_of: HashMap<String, usize>,
    cells: Vec<Option<Cell>>,
    /// Whether unknown members become new columns.
    grows: bool,
}

struct RowSeed<'a>(&'a mut Row);

impl<'de> DeserializeSeed<'de> for RowSeed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("one object a line")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(place) = members.next_key_seed(KeySeed(&mut *self.0))? {
            match place {
                Some(place) => {
                    self.0.cells[place] = Some(members.next_value_seed(CellSeed)?);
                }
                None => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// The place of a member among the columns; `None` if it is not wanted.
struct KeySeed<'a>(&'a mut Row);

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Option<usize>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<usize>, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = Option<usize>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Option<usize>, E> {
        let row = self.0;
        if let Some(&place) = row.place_of.get(name) {
            return match row.cells[place] {
                None => Ok(Some(place)),
                Some(_) => Err(E::custom(format!("the key {name:?} is there twice"))),
            };
        }
        if !row.grows {
            return Ok(None);
        }
        if row.cells.len() == MAX_COLUMNS {
            return Err(E::custom(format!(
                "more than {MAX_COLUMNS} different keys; keys should be column names"
            )));
        }
        row.place_of.insert(name.into(), row.cells.len());
        row.cells.push(None);
        Ok(Some(row.cells.len() - 1))
    }
}

struct CellSeed;

impl<'de> DeserializeSeed<'de> for CellSeed {
    type Value = Cell;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Cell, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for CellSeed {
    type Value = Cell;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Cell, E> {
        Ok(Cell::Scalar(Scalar::Bool(value)))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Cell, E> {
        Ok(Cell::Scalar(Scalar::Number(value as f64)))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Cell, E> {
        Ok(Cell::Scalar(Scalar::Number(value as f64)))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Cell, E> {
        Ok(Cell::Scalar(Scalar::Number(value)))
    }
    fn visit_str<E>(self, value: &str) -> Result<Cell, E> {
        Ok(Cell::Scalar(Scalar::Text(value.into())))
    }
    fn visit_unit<E>(self) -> Result<Cell, E> {
        Ok(Cell::Scalar(Scalar::Null))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Cell, A::Error> {
        let mut vector = Vec::new();
        while let Some(element) = items.next_element_seed(ElementSeed)? {
            let Some(element) = element else {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(Cell::Scalar(Scalar::Invalid));
            };
            vector.push(element);
        }
        Ok(if vector.is_empty() {
            Cell::Scalar(Scalar::Null)
        } else {
            Cell::Vector(vector)
        })
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Cell, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Cell::Scalar(Scalar::Invalid))
    }
}

/// An element of a vector; `None` if it is something else.
struct ElementSeed;

impl<'de> DeserializeSeed<'de> for ElementSeed {
    type Value = Option<f32>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<f32>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ElementSeed {
    type Value = Option<f32>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }
    fn visit_i64<E>(self, value: i64) -> Result<Option<f32>, E> {
        Ok(Some(value as f32))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Option<f32>, E> {
        Ok(Some(value as f32))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Option<f32>, E> {
        Ok(Some(value as f32))
    }
    fn visit_unit<E>(self) -> Result<Option<f32>, E> {
        Ok(Some(f32::NAN))
    }
    fn visit_bool<E>(self, _: bool) -> Result<Option<f32>, E> {
        Ok(None)
    }
    fn visit_str<E>(self, _: &str) -> Result<Option<f32>, E> {
        Ok(None)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Option<f32>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Option<f32>, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// Reads all files once: their columns with types, in the order in which they first appear, and the
/// rows of each.
pub fn scan(
    sources: &[Source],
    options: &ReadOptions,
    progress: &mut Progress<'_>,
) -> Result<(Vec<Found>, Vec<u64>), FileError> {
    let mut row = Row {
        grows: true,
        ..Row::default()
    };
    let mut evidence: Vec<(u64, Evidence)> = Vec::new();
    let mut rows = Vec::with_capacity(sources.len());
    for source in sources {
        let mut lines = Lines::open(source, &progress.position)?;
        let mut count = 0_u64;
        while lines.next()? {
            lines.read(&mut row)?;
            count += 1;
            evidence.resize_with(row.cells.len(), Default::default);
            for ((seen, evidence), cell) in evidence.iter_mut().zip(&row.cells) {
                *seen += u64::from(cell.is_some());
                match cell {
                    None => {}
                    Some(Cell::Scalar(scalar)) => evidence.add_scalar(scalar),
                    Some(Cell::Vector(vector)) => evidence.add_vector(vector.len()),
                }
            }
            if count.is_multiple_of(MAX_BATCH_ROWS as u64) {
                progress.tell();
            }
        }
        rows.push(count);
    }
    let total: u64 = rows.iter().sum();
    let mut names = vec![String::new(); row.cells.len()];
    for (name, place) in row.place_of {
        names[place] = name;
    }
    let found = names
        .into_iter()
        .zip(evidence)
        .map(|(name, (seen, evidence))| {
            let column_type = evidence.of_json(options.widths.get(&name).copied());
            Found {
                name,
                column_type,
                complete: seen == total && evidence.nulls == 0,
                remark: (column_type == ColumnType::Unreadable).then(|| {
                    if evidence.has_uneven_lists() {
                        UNEVEN.into()
                    } else {
                        "holds lists or objects, which are not read from JSON".into()
                    }
                }),
            }
        });
    Ok((found.collect(), rows))
}

/// The rows of one file, batch by batch.
pub struct JsonRows<'a> {
    dataset: &'a Dataset,
    lines: Lines<'a>,
    row: Row,
}

impl<'a> JsonRows<'a> {
    /// Opens a file of a data set.
    pub fn open(
        dataset: &'a Dataset,
        source: &'a Source,
        position: &Arc<AtomicU64>,
    ) -> Result<Self, FileError> {
        let names = dataset.names.iter().enumerate();
        let row = Row {
            place_of: names
                .filter(|(at, _)| dataset.plan.is_read(*at))
                .map(|(at, name)| (name.clone(), at))
                .collect(),
            cells: vec![None; dataset.names.len()],
            grows: false,
        };
        Ok(Self {
            dataset,
            lines: Lines::open(source, position)?,
            row,
        })
    }

    /// The next rows; `None` at the end.
    pub fn next(&mut self) -> Result<Option<RawBatch>, FileError> {
        let mut builders = self.dataset.plan.builders();
        let mut lines = Vec::new();
        let most = self.dataset.plan.batch_rows();
        while lines.len() < most && self.lines.next()? {
            self.lines.read(&mut self.row)?;
            lines.push(self.lines.number);
            for (builder, cell) in builders.iter_mut().zip(&mut self.row.cells) {
                let Some(builder) = builder else { continue };
                match cell.take() {
                    None => builder.push_null(),
                    Some(Cell::Scalar(scalar)) => builder.push_scalar(scalar),
                    Some(Cell::Vector(vector)) => builder.push_vector(&vector),
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
