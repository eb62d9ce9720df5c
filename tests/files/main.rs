//! Data files as they come: every format and codec gives the same rows, and what is wrong is said
//! in a sentence that names the file and the place.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use driftgauge::batch::{Batch, Numbers, Role, Scalar, Times, Values, Vectors};
use driftgauge::files::{ColumnType, Dataset, MAX_BATCH_ROWS, ReadOptions};
use driftgauge::profile::Kind;
use flate2::write::GzEncoder;
use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType,
    Int32Type, Int64Type, Int96, Int96Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{
    SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter,
};
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;
use tempfile::TempDir;

mod damage;

/// A column's present values and, where it is optional, which rows have one.
fn write<T: DataType>(
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

fn parquet(
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

const SMALL: &str = "message m { required double amount; optional binary origin (STRING); \
                     optional int64 items; required boolean paid; }";

fn small(group: &mut SerializedRowGroupWriter<'_, File>) {
    write::<DoubleType>(group, &[1.5, -2.0, 3.25], None);
    let origins = ["JFK", "EWR"].map(ByteArray::from);
    write::<ByteArrayType>(group, &origins, Some(&[1, 0, 1]));
    write::<Int64Type>(group, &[7, 9_007_199_254_740_993], Some(&[0, 1, 1]));
    write::<BoolType>(group, &[true, false, true], None);
}

/// All rows as text, a line a row, null as `-`.
fn rows(dataset: &Dataset) -> Vec<String> {
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

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn file(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    path
}

fn gzipped(folder: &TempDir, name: &str, content: &str) -> PathBuf {
    let path = folder.path().join(name);
    let mut gzip = GzEncoder::new(File::create(&path).unwrap(), flate2::Compression::fast());
    gzip.write_all(content.as_bytes()).unwrap();
    gzip.finish().unwrap();
    path
}

fn open(paths: &[PathBuf]) -> Dataset {
    Dataset::open(paths, &ReadOptions::default()).unwrap()
}

fn failure(paths: &[PathBuf], options: &ReadOptions) -> String {
    let dataset = match Dataset::open(paths, options) {
        Err(error) => return error.to_string(),
        Ok(dataset) => dataset,
    };
    let failed = dataset.batches().find_map(Result::err);
    failed.expect("an error").to_string()
}

#[test]
fn every_parquet_codec_gives_the_same_rows() {
    let folder = folder();
    let expected = [
        "1.5 JFK - true ",
        "-2 - 7 false ",
        "3.25 EWR 9007199254740993 true ",
    ];
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
        Compression::BROTLI(BrotliLevel::default()),
        Compression::ZSTD(ZstdLevel::default()),
    ] {
        let path = folder.path().join("small.parquet");
        parquet(&path, SMALL, compression, small, 2);
        let dataset = open(&[path]);
        assert_eq!(dataset.rows(), 6);
        let rows = rows(&dataset);
        assert_eq!(rows[..3], expected, "{compression:?}");
        assert_eq!(rows[3..], expected, "{compression:?}");
    }
}

#[test]
fn text_files_give_the_same_rows_as_parquet() {
    let folder = folder();
    let csv = "amount,origin,items,paid\n1.5,JFK,NA,true\n-2,,7,False\n3.25,EWR,8,TRUE\n";
    let json = "{\"amount\": 1.5, \"origin\": \"JFK\", \"items\": null, \"paid\": true}\n\n\
                {\"paid\": false, \"amount\": -2, \"items\": 7, \"origin\": null}\n\
                {\"origin\": \"EWR\", \"amount\": 3.25, \"items\": 8, \"paid\": true}";
    let expected = ["1.5 JFK - true ", "-2 - 7 false ", "3.25 EWR 8 true "];
    let tabs = csv.replace(',', "\t");
    let semicolons = format!("\u{feff}{}", csv.replace(',', ";").replace('\n', "\r\n"));
    for path in [
        file(&folder, "a.csv", csv),
        gzipped(&folder, "b.csv.gz", csv),
        file(&folder, "c.tsv", tabs),
        file(&folder, "d.csv", semicolons),
        file(&folder, "no_ending", csv),
        file(&folder, "e.jsonl", json),
        gzipped(&folder, "f.ndjson.gz", json),
        gzipped(&folder, "named_wrongly.csv", csv),
        file(&folder, "g.data", json),
    ] {
        let dataset = open(std::slice::from_ref(&path));
        assert_eq!(rows(&dataset), expected, "{}", path.display());
        let types: Vec<_> = dataset.columns().iter().map(|c| c.column_type).collect();
        assert_eq!(
            types,
            [
                ColumnType::Number,
                ColumnType::Text,
                ColumnType::Number,
                ColumnType::Boolean
            ]
        );
    }
}

#[test]
fn several_files_follow_each_other_whatever_the_order_of_their_columns() {
    let folder = folder();
    let a = file(&folder, "a.csv", "x,y\n1,a\n2,b\n");
    let b = gzipped(&folder, "b.csv.gz", "y,x\nc,3\n");
    let dataset = open(&[a.clone(), b]);
    assert_eq!(rows(&dataset), ["1 a ", "2 b ", "3 c "]);
    let inputs: Vec<_> = dataset
        .inputs()
        .into_iter()
        .map(|i| (i.name, i.rows))
        .collect();
    assert_eq!(inputs, [("a.csv".into(), 2), ("b.csv.gz".into(), 1)]);

    let c = file(&folder, "c.csv", "x,z\n1,2\n");
    let error = failure(&[a.clone(), c], &ReadOptions::default());
    assert!(error.contains("c.csv has a column \"z\" that"), "{error}");
    let d = file(&folder, "d.csv", "x\n1\n");
    let error = failure(&[a.clone(), d], &ReadOptions::default());
    assert!(error.contains("a.csv has a column \"y\" that"), "{error}");
    let e = file(&folder, "e.jsonl", "{\"x\": 1, \"y\": \"a\"}");
    let error = failure(&[a, e], &ReadOptions::default());
    assert!(error.contains("is CSV but"), "{error}");
}

#[test]
fn a_type_is_found_in_the_last_row_and_passes_can_be_repeated() {
    let folder = folder();
    let rows_wanted = 20_000;
    let mut csv = String::from("x,y\n");
    for row in 0..rows_wanted {
        csv.push_str(&format!("{row},{row}\n"));
    }
    csv.push_str("last,nan\n");
    let dataset = open(&[file(&folder, "a.csv", csv)]);
    assert_eq!(dataset.columns()[0].column_type, ColumnType::Text);
    assert_eq!(dataset.columns()[1].column_type, ColumnType::Number);
    let first = rows(&dataset);
    assert_eq!(first.len(), rows_wanted + 1);
    assert_eq!(first[rows_wanted], "last Nan ");
    assert_eq!(rows(&dataset), first);
    let mut batches = dataset.batches();
    let mut largest = 0;
    while let Some(batch) = batches.next() {
        largest = largest.max(batch.unwrap().rows);
        assert!(batches.position() <= dataset.bytes());
    }
    assert_eq!(
        (largest, batches.position()),
        (MAX_BATCH_ROWS, dataset.bytes())
    );
}

fn only_batch(path: PathBuf, options: &ReadOptions) -> (Dataset, Batch) {
    let dataset = Dataset::open(&[path], options).unwrap();
    let batch = dataset.batches().next().unwrap().unwrap();
    (dataset, batch)
}

#[test]
fn a_known_kind_keeps_what_does_not_parse_as_invalid() {
    let folder = folder();
    let path = file(
        &folder,
        "a.csv",
        "x,zip\n1,02134\nabc,10001\n,NULL\ntrue,7\n",
    );
    let options = ReadOptions {
        kinds: [
            ("x".into(), Kind::Numeric),
            ("zip".into(), Kind::Categorical),
        ]
        .into(),
        ..ReadOptions::default()
    };
    let (_, batch) = only_batch(path, &options);
    let column = batch.columns[0].as_ref().unwrap();
    let mut numbers = Numbers::default();
    column.read_numbers(0..4, &mut numbers);
    assert_eq!(
        (numbers.finite, numbers.invalid, numbers.null),
        (vec![1.0, 1.0], 1, 1)
    );
    let Values::Mixed(scalars) = &column.values else {
        panic!("{column:?}");
    };
    assert_eq!(scalars[1], Scalar::Text("abc".into()));
    let Values::Dictionary { dictionary, .. } = &batch.columns[1].as_ref().unwrap().values else {
        panic!("zip is no text");
    };
    assert_eq!(dictionary[..], ["02134", "10001", "7"].map(String::from));
}

#[test]
fn names_suggest_roles_and_options_decide() {
    let folder = folder();
    let path = file(
        &folder,
        "a.csv",
        ",x,score,label,prediction,took\n0,1,.5,1,1,250\n",
    );
    let options = ReadOptions {
        roles: [("label".into(), Role::Ignore)].into(),
        latency: Some("took".into()),
        ..ReadOptions::default()
    };
    let (dataset, batch) = only_batch(path, &options);
    let fields = dataset.schema().fields.iter();
    let fields: Vec<_> = fields.map(|field| (&*field.name, field.role)).collect();
    assert_eq!(
        fields,
        [
            ("x", Role::Feature),
            ("score", Role::Score),
            ("prediction", Role::Prediction)
        ]
    );
    assert_eq!(batch.calls.latency_micros, [250]);
    assert!(
        dataset.notes()[0].contains("has no name"),
        "{:?}",
        dataset.notes()
    );
}

#[test]
fn the_only_column_of_times_is_the_time_of_the_rows() {
    let folder = folder();
    let micros = 1_709_208_000_000_000;
    let csv = file(
        &folder,
        "a.csv",
        "x,at\n1,2024-02-29T12:00:00Z\n2,2024-02-29 12:00:01\n",
    );
    let (dataset, batch) = only_batch(csv, &ReadOptions::default());
    assert_eq!(batch.times, Times::Each(vec![micros, micros + 1_000_000]));
    assert_eq!(dataset.columns()[1].role, Role::Time);
    assert!(dataset.has_times());

    let holes = file(&folder, "b.csv", "x,at\n1,2024-02-29T12:00:00Z\n2,\n");
    let (dataset, batch) = only_batch(holes.clone(), &ReadOptions::default());
    assert_eq!((batch.times, dataset.has_times()), (Times::Arrival, false));
    let options = ReadOptions {
        time: Some("at".into()),
        ..ReadOptions::default()
    };
    let error = failure(&[holes], &options);
    assert!(
        error.contains("b.csv, line 3: column \"at\" has no value"),
        "{error}"
    );

    let epoch = file(&folder, "c.jsonl", "{\"at\": 1709208000, \"x\": 1}\n");
    let (_, batch) = only_batch(epoch, &options);
    assert_eq!(batch.times, Times::Each(vec![micros]));

    let two = file(&folder, "d.csv", "from,to\n2024-02-29,2024-03-01\n");
    let (dataset, batch) = only_batch(two, &ReadOptions::default());
    assert_eq!(batch.times, Times::Arrival);
    assert!(dataset.notes()[0].contains("several columns are times (from, to)"));
}

#[test]
fn parquet_types_become_what_they_mean() {
    let message = "message m {
        required int32 small (INTEGER(8, true));
        required int32 large (INTEGER(32, false));
        required int64 huge (INTEGER(64, false));
        required int32 price (DECIMAL(9, 2));
        required int64 sum (DECIMAL(18, 3));
        required fixed_len_byte_array(5) total (DECIMAL(11, 1));
        required binary long (DECIMAL(30, 0));
        required fixed_len_byte_array(2) half (FLOAT16);
        required fixed_len_byte_array(16) key (UUID);
        required float single;
        required int32 day (DATE);
        required int64 millis (TIMESTAMP(MILLIS, true));
        required int64 nanos (TIMESTAMP(NANOS, false));
        required int96 old;
        required int32 clock (TIME(MILLIS, true));
        required binary doc (JSON);
        required binary plain;
        required binary blob (BSON);
    }";
    let fill = |group: &mut SerializedRowGroupWriter<'_, File>| {
        write::<Int32Type>(group, &[-5], None);
        write::<Int32Type>(group, &[-1], None);
        write::<Int64Type>(group, &[-1], None);
        write::<Int32Type>(group, &[-1999], None);
        write::<Int64Type>(group, &[1_500], None);
        let total = ByteArray::from(vec![0xff, 0xff, 0xff, 0xff, 0xf6]).into();
        write::<FixedLenByteArrayType>(group, &[total], None);
        write::<ByteArrayType>(group, &[ByteArray::from(vec![0x01, 0x00])], None);
        let half = ByteArray::from(vec![0x00, 0x3e]).into();
        write::<FixedLenByteArrayType>(group, &[half], None);
        let key = ByteArray::from((0..16).collect::<Vec<u8>>()).into();
        write::<FixedLenByteArrayType>(group, &[key], None);
        write::<FloatType>(group, &[0.5], None);
        write::<Int32Type>(group, &[1], None);
        write::<Int64Type>(group, &[1_000], None);
        write::<Int64Type>(group, &[-1], None);
        let mut old = Int96::new();
        old.set_data(1_000, 0, 2_440_588);
        write::<Int96Type>(group, &[old], None);
        write::<Int32Type>(group, &[1], None);
        write::<ByteArrayType>(group, &["{}"].map(ByteArray::from), None);
        write::<ByteArrayType>(group, &["text"].map(ByteArray::from), None);
        write::<ByteArrayType>(group, &["bson"].map(ByteArray::from), None);
    };
    let folder = folder();
    let path = folder.path().join("types.parquet");
    parquet(&path, message, Compression::SNAPPY, fill, 1);
    let dataset = open(&[path]);
    assert_eq!(
        rows(&dataset),
        ["-5 4294967295 18446744073709551615 -19.99 1.5 -1 256 1.5 \
          00010203-0405-0607-0809-0a0b0c0d0e0f 0.5 86400000000 1000000 -1 1 1000 {} text "]
    );
    let notes = dataset.notes().join("\n");
    assert!(
        notes.contains("\"blob\" is ignored: it holds bytes"),
        "{notes}"
    );
    assert!(
        notes.contains("several columns are times (day, millis, nanos, old)"),
        "{notes}"
    );
}

#[test]
fn nested_columns_are_ignored_and_said() {
    let message = "message m {
        required double x;
        optional group tags (LIST) { repeated group list { optional int32 element; } }
        required group place { required double lat; required double lon; }
    }";
    let fill = |group: &mut SerializedRowGroupWriter<'_, File>| {
        write::<DoubleType>(group, &[1.0, 2.0], None);
        let mut tags = group.next_column().unwrap().unwrap();
        let typed = tags.typed::<Int32Type>();
        typed
            .write_batch(&[1, 2, 3], Some(&[3, 3, 3]), Some(&[0, 1, 0]))
            .unwrap();
        tags.close().unwrap();
        write::<DoubleType>(group, &[1.0, 2.0], None);
        write::<DoubleType>(group, &[1.0, 2.0], None);
    };
    let folder = folder();
    let path = folder.path().join("nested.parquet");
    parquet(&path, message, Compression::SNAPPY, fill, 1);
    let dataset = open(&[path]);
    assert_eq!(rows(&dataset), ["1 ", "2 "]);
    assert_eq!(dataset.columns().len(), 3);
    let notes = dataset.notes().join("\n");
    assert!(
        notes.contains("\"tags\" is ignored: it holds lists of different lengths"),
        "{notes}"
    );
    assert!(
        notes.contains("\"place\" is ignored: it is a struct"),
        "{notes}"
    );

    let json = file(
        &folder,
        "nested.jsonl",
        "{\"x\": 1, \"list\": [1, \"a\"], \"odd\": {}}\n{\"odd\": 2}",
    );
    let dataset = open(&[json]);
    assert_eq!(rows(&dataset), ["1 Invalid ", "- 2 "]);
    assert!(dataset.notes()[0].contains("\"list\" is ignored: it holds lists or objects"));
}

/// Vectors of a column, NaN for null, row by row.
fn vectors(dataset: &Dataset, name: &str, width: usize) -> Vec<Vec<f32>> {
    let place = |field: &driftgauge::batch::Field| &*field.name == name;
    let place = dataset.schema().fields.iter().position(place).unwrap();
    assert_eq!(dataset.schema().fields[place].width as usize, width);
    let mut all = Vec::new();
    for batch in dataset.batches() {
        let batch = batch.unwrap();
        let column = batch.columns[place].as_ref().unwrap();
        assert_eq!(column.width(), width);
        for row in 0..batch.rows {
            let mut read = Vectors::default();
            column.read_vectors(row..row + 1, width, &mut read);
            let vector = read.iter().next().map(|(_, vector)| vector.to_vec());
            all.push(vector.unwrap_or_default());
        }
    }
    all
}

#[test]
fn lists_of_one_length_are_vectors() {
    let message = "message m {
        required double x;
        optional group emb (LIST) { repeated group list { optional float element; } }
        required group raw (LIST) { repeated group list { required double element; } }
    }";
    let fill = |group: &mut SerializedRowGroupWriter<'_, File>| {
        write::<DoubleType>(group, &[1.0, 2.0, 3.0, 4.0], None);
        let mut emb = group.next_column().unwrap().unwrap();
        // A vector, no list, an empty list, a vector with a null element.
        emb.typed::<FloatType>()
            .write_batch(
                &[1.0, 2.0, 3.0],
                Some(&[3, 3, 0, 1, 3, 2]),
                Some(&[0, 1, 0, 0, 0, 1]),
            )
            .unwrap();
        emb.close().unwrap();
        let mut raw = group.next_column().unwrap().unwrap();
        let elements: Vec<f64> = (0..12).map(f64::from).collect();
        let repetitions: Vec<i16> = (0..12).map(|at| i16::from(at % 3 > 0)).collect();
        raw.typed::<DoubleType>()
            .write_batch(&elements, Some(&[1; 12]), Some(&repetitions))
            .unwrap();
        raw.close().unwrap();
    };
    let folder = folder();
    let path = folder.path().join("vectors.parquet");
    parquet(&path, message, Compression::SNAPPY, fill, 2);
    let dataset = open(&[path]);
    assert!(dataset.notes().is_empty(), "{:?}", dataset.notes());
    let emb = [vec![1.0, 2.0], vec![], vec![], vec![]];
    assert_eq!(vectors(&dataset, "emb", 2), [emb.clone(), emb].concat());
    let raw = vectors(&dataset, "raw", 3);
    assert_eq!((raw.len(), &raw[1][..]), (8, &[3.0, 4.0, 5.0][..]));

    let json = file(
        &folder,
        "vectors.jsonl",
        "{\"emb\": [1, 2.5]}\n{\"emb\": null}\n{\"emb\": []}\n{}\n{\"emb\": [null, 1]}\n{\"emb\": [-3, 0]}",
    );
    let dataset = open(&[json]);
    let found = vectors(&dataset, "emb", 2);
    assert_eq!(found[0], [1.0, 2.5]);
    assert_eq!(found[5], [-3.0, 0.0]);
    assert!(found[1..5].iter().all(Vec::is_empty));
}

#[test]
fn a_list_of_another_length_is_said_with_its_row_or_makes_the_column_no_vector() {
    let message = "message m {
        required group emb (LIST) { repeated group list { required float element; } }
    }";
    // The list that is longer comes after the rows that are looked at first.
    let fill = |group: &mut SerializedRowGroupWriter<'_, File>| {
        let mut emb = group.next_column().unwrap().unwrap();
        let mut repetitions: Vec<i16> = (0..4_000).map(|at| at % 2).collect();
        repetitions.push(1);
        emb.typed::<FloatType>()
            .write_batch(&[1.0; 4_001], Some(&[1; 4_001]), Some(&repetitions))
            .unwrap();
        emb.close().unwrap();
    };
    let folder = folder();
    let path = folder.path().join("late.parquet");
    parquet(&path, message, Compression::SNAPPY, fill, 1);
    let dataset = open(&[path]);
    let error = dataset.batches().find_map(Result::err).unwrap().to_string();
    assert!(error.contains("row 2000"), "{error}");
    assert!(
        error.contains("3 elements where the first rows have 2"),
        "{error}"
    );

    let uneven = file(
        &folder,
        "uneven.jsonl",
        "{\"x\": 1, \"e\": [1, 2]}\n{\"x\": 2, \"e\": [1]}",
    );
    let dataset = open(&[uneven]);
    assert!(
        dataset.notes()[0].contains("lists of different lengths"),
        "{:?}",
        dataset.notes()
    );
    let mixed = file(&folder, "mixed.jsonl", "{\"e\": [1, 2]}\n{\"e\": 5}");
    assert_eq!(rows(&open(&[mixed])), ["Invalid ", "5 "]);
}

#[test]
fn where_the_width_is_known_a_row_of_another_shape_is_the_only_one_that_is_invalid() {
    let message = "message m {
        required group emb (LIST) { repeated group list { required float element; } }
    }";
    // Two numbers, three, two, and no list.
    let fill = |group: &mut SerializedRowGroupWriter<'_, File>| {
        let mut emb = group.next_column().unwrap().unwrap();
        emb.typed::<FloatType>()
            .write_batch(
                &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
                Some(&[1, 1, 1, 1, 1, 1, 1, 0]),
                Some(&[0, 1, 0, 1, 1, 0, 1, 0]),
            )
            .unwrap();
        emb.close().unwrap();
    };
    let folder = folder();
    let path = folder.path().join("uneven.parquet");
    parquet(&path, message, Compression::SNAPPY, fill, 1);
    let json = file(
        &folder,
        "uneven.jsonl",
        "{\"emb\": [1, 2]}\n{\"emb\": [3, 4, 5]}\n{\"emb\": [6, 7]}\n{\"emb\": null}",
    );
    let text = file(
        &folder,
        "text.jsonl",
        "{\"emb\": [1, 2]}\n{\"emb\": \"x\"}\n{\"emb\": [6, 7]}\n{}",
    );
    let nested = file(
        &folder,
        "nested.jsonl",
        "{\"emb\": [1, 2]}\n{\"emb\": [1, \"a\"]}\n{\"emb\": [6, 7]}\n{\"emb\": []}",
    );
    let options = ReadOptions {
        roles: [("emb".into(), Role::Feature)].into(),
        widths: [("emb".into(), 2)].into(),
        ..ReadOptions::default()
    };
    for path in [path, json, text, nested] {
        let (dataset, batch) = only_batch(path.clone(), &options);
        assert_eq!(dataset.schema().fields[0].width, 2, "{path:?}");
        let mut read = Vectors::default();
        let column = batch.columns[0].as_ref().unwrap();
        column.read_vectors(0..4, 2, &mut read);
        let found: Vec<_> = read.iter().collect();
        assert_eq!(found, [(0, &[1.0, 2.0][..]), (2, &[6.0, 7.0])], "{path:?}");
        assert_eq!((read.invalid, read.null), (1, 1), "{path:?}");

        // Without the width such a column is not guessed at.
        let guessed = ReadOptions {
            widths: HashMap::new(),
            ..options.clone()
        };
        if path.ends_with("uneven.jsonl") || path.ends_with("uneven.parquet") {
            let error = failure(&[path], &guessed);
            assert!(error.contains("lists of different lengths"), "{error}");
        }
    }
}

#[test]
fn parquet_files_agree_on_numbers_and_refuse_to_mix_them_with_text() {
    let folder = folder();
    let [whole, real, text] = ["whole", "real", "text"].map(|name| folder.path().join(name));
    parquet(
        &whole,
        "message m { required int64 x; }",
        Compression::SNAPPY,
        |group| write::<Int64Type>(group, &[1], None),
        1,
    );
    parquet(
        &real,
        "message m { required double x; }",
        Compression::SNAPPY,
        |group| write::<DoubleType>(group, &[2.5], None),
        1,
    );
    parquet(
        &text,
        "message m { required binary x (STRING); }",
        Compression::SNAPPY,
        |group| write::<ByteArrayType>(group, &["a"].map(ByteArray::from), None),
        1,
    );
    assert_eq!(rows(&open(&[whole.clone(), real])), ["1 ", "2.5 "]);
    let error = failure(&[whole, text], &ReadOptions::default());
    assert!(error.contains("column \"x\" is integer in"), "{error}");
}
