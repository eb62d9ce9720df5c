//! Files written for a test, and what is read of them in a form that can be compared.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use driftgauge::batch::Batch;
use driftgauge::files::{Dataset, ReadOptions};
use flate2::write::GzEncoder;
use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{
    SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter,
};
use parquet::schema::parser::parse_message_type;
use tempfile::TempDir;

/// A column's present values and, where it is optional, which rows have one.
pub(super) fn write<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    values: &[T::T],
    levels: Option<&[i16]>,
) {
    let mut column: SerializedColumnWriter<'_> = group.next_column().unwrap().unwrap();
    column
        .typed::<T>()
        .write_batch(values, levels, None)
        .unwrap();
    column.close().unwrap();
}

pub(super) fn parquet(
    path: &PathBuf,
    message: &str,
    compression: Compression,
    fill: impl Fn(&mut SerializedRowGroupWriter<'_, File>),
    groups: usize,
) {
    let schema = Arc::new(parse_message_type(message).unwrap());
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .build();
    let file = File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).unwrap();
    for _ in 0..groups {
        let mut group = writer.next_row_group().unwrap();
        fill(&mut group);
        group.close().unwrap();
    }
    writer.close().unwrap();
}

pub(super) const SMALL: &str = "message m { required double amount; optional binary origin (STRING); \
                     optional int64 items; required boolean paid; }";

pub(super) fn small(group: &mut SerializedRowGroupWriter<'_, File>) {
    write::<DoubleType>(group, &[1.5, -2.0, 3.25], None);
    let origins = ["JFK", "EWR"].map(ByteArray::from);
    write::<ByteArrayType>(group, &origins, Some(&[1, 0, 1]));
    write::<Int64Type>(group, &[7, 9_007_199_254_740_993], Some(&[0, 1, 1]));
    write::<BoolType>(group, &[true, false, true], None);
}

pub(super) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub(super) fn file(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    path
}

pub(super) fn gzipped(folder: &TempDir, name: &str, content: &str) -> PathBuf {
    let path = folder.path().join(name);
    let mut gzip = GzEncoder::new(File::create(&path).unwrap(), flate2::Compression::fast());
    gzip.write_all(content.as_bytes()).unwrap();
    gzip.finish().unwrap();
    path
}

pub(super) fn open(paths: &[PathBuf]) -> Dataset {
    Dataset::open(paths, &ReadOptions::default()).unwrap()
}

/// All rows as text, a line a row, null as `-`.
pub(super) fn rows(dataset: &Dataset) -> Vec<String> {
    let mut lines = Vec::new();
    for batch in dataset.batches() {
        let batch = batch.unwrap();
        let first = lines.len();
        lines.resize(first + batch.rows, String::new());
        for column in &batch.columns {
            let column = column.as_ref().unwrap();
            let mut row = first;
            column.read_texts(0..batch.rows, |text| {
                let text = match text {
                    Ok(Some(text)) => text.to_owned(),
                    Ok(None) => "-".into(),
                    Err(reason) => format!("{reason:?}"),
                };
                lines[row].push_str(&text);
                lines[row].push(' ');
                row += 1;
            });
        }
    }
    lines
}

pub(super) fn only_batch(path: PathBuf, options: &ReadOptions) -> (Dataset, Batch) {
    let dataset = Dataset::open(&[path], options).unwrap();
    let batch = dataset.batches().next().unwrap().unwrap();
    (dataset, batch)
}

pub(super) fn failure(paths: &[PathBuf], options: &ReadOptions) -> String {
    let dataset = match Dataset::open(paths, options) {
        Err(error) => return error.to_string(),
        Ok(dataset) => dataset,
    };
    let failed = dataset.batches().find_map(Result::err);
    failed.expect("an error").to_string()
}
