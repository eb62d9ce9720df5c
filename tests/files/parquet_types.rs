//! Parquet's types: each as what it means, nested ones left out with a word, numbers of two files
//! together and never with text.

use std::fs::File;

use driftgauge::files::ReadOptions;
use parquet::basic::Compression;
use parquet::data_type::{
    ByteArray, ByteArrayType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type, Int64Type,
    Int96, Int96Type,
};
use parquet::file::writer::SerializedRowGroupWriter;

use super::samples::{failure, file, folder, open, parquet, rows, write};

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
