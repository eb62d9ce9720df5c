//! What is wrong with a file is said in a sentence, and nothing in it can end the program.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use driftgauge::batch::Numbers;
use driftgauge::files::{Dataset, ReadOptions};
use flate2::write::GzEncoder;
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType};
use proptest::prelude::*;

use super::samples::{SMALL, failure, file, folder, gzipped, only_batch, parquet, small, write};

#[test]
fn what_is_wrong_is_said_with_file_and_line() {
    let folder = folder();
    let plain = ReadOptions::default();
    let said = |path: PathBuf, parts: &[&str]| {
        let error = failure(&[path], &plain);
        for part in parts {
            assert!(error.contains(part), "{part:?} is not in: {error}");
        }
    };
    said(
        folder.path().join("none.csv"),
        &["cannot read", "none.csv", "No such file"],
    );
    said(folder.path().into(), &["is no regular file"]);
    said(file(&folder, "empty.csv", ""), &["empty.csv: is empty"]);
    said(
        file(&folder, "head.csv", "a,b\n"),
        &["there is no row in", "head.csv"],
    );
    said(
        file(&folder, "ragged.csv", "a,b\n1,2\n3\n"),
        &["ragged.csv, line 3", "1 cell where"],
    );
    said(
        file(&folder, "twice.csv", "a,a\n1,2\n"),
        &["two columns are called \"a\""],
    );
    said(
        file(&folder, "latin.csv", b"a,b\n1,x\n2,caf\xe9\n"),
        &["latin.csv, line 3: column 2 is no UTF-8"],
    );
    said(
        file(&folder, "array.json", " [{}]"),
        &["is a JSON array", "jq -c"],
    );
    said(
        file(&folder, "list.jsonl", "{\"a\": 1}\n[1]\n"),
        &["list.jsonl, line 2", "expected one object a line"],
    );
    said(
        file(&folder, "nan.jsonl", "{\"a\": NaN}\n"),
        &["nan.jsonl, line 1", "NaN and Infinity are no JSON"],
    );
    said(
        file(&folder, "key.jsonl", "{\"a\": 1, \"a\": 2}\n"),
        &["the key \"a\" is there twice"],
    );
    said(
        file(&folder, "cut.jsonl", "{\"a\": 1}\n{\"a\": "),
        &["line 2", "EOF"],
    );
    said(
        file(&folder, "text.parquet", "a,b\n"),
        &["does not begin like a Parquet file"],
    );
    said(
        file(&folder, "zero.bin", [0, 1, 2]),
        &["is neither Parquet nor text"],
    );

    let gz = gzipped(&folder, "cut.csv.gz", &"a,b\n1,2\n".repeat(9_000));
    let content = fs::read(&gz).unwrap();
    said(
        file(&folder, "cut.csv.gz", &content[..content.len() / 2]),
        &["cut.csv.gz, line", "cannot go on"],
    );

    let whole = folder.path().join("whole.parquet");
    parquet(&whole, SMALL, Compression::SNAPPY, small, 1);
    let content = fs::read(&whole).unwrap();
    said(
        file(&folder, "cut.parquet", &content[..content.len() - 9]),
        &["was it written to the end?"],
    );
    parquet(
        &whole,
        "message m { required binary x; }",
        Compression::SNAPPY,
        |group| {
            let values = [ByteArray::from("a"), ByteArray::from(vec![0xff])];
            write::<ByteArrayType>(group, &values, None);
        },
        1,
    );
    said(
        whole,
        &["row 2: column \"x\" holds bytes that are no UTF-8"],
    );

    let options = ReadOptions {
        latency: Some("took".into()),
        ..ReadOptions::default()
    };
    let negative = file(&folder, "neg.csv", "took\n1\n-1\n");
    assert!(failure(&[negative], &options).contains("line 3: column \"took\" is no latency"));
    let other = file(&folder, "other.csv", "b\n1\n");
    let error = failure(&[other], &options);
    assert!(
        error.contains("no column \"took\" for the latency; there are b"),
        "{error}"
    );
}

/// Opens and reads all; only panics matter.
fn survives(path: PathBuf) {
    if let Ok(dataset) = Dataset::open(&[path], &ReadOptions::default()) {
        for batch in dataset.batches() {
            let Ok(batch) = batch else { return };
            for column in batch.columns.iter().flatten() {
                column.read_texts(0..batch.rows, |_| {});
            }
        }
    }
}

#[test]
fn a_quote_that_is_never_closed_does_not_fill_the_memory() {
    let folder = folder();
    let path = folder.path().join("open.csv.gz");
    let mut gzip = GzEncoder::new(File::create(&path).unwrap(), flate2::Compression::fast());
    gzip.write_all(b"a,b\n1,\"").unwrap();
    let line = [b'x'; 1 << 20];
    (0..65).for_each(|_| gzip.write_all(&line).unwrap());
    gzip.write_all(b"\"\n").unwrap();
    gzip.finish().unwrap();
    let error = failure(std::slice::from_ref(&path), &ReadOptions::default());
    assert!(error.contains("is a quote not closed?"), "{error}");
}

#[test]
fn any_damaged_byte_of_a_parquet_file_is_survived() {
    let folder = folder();
    let path = folder.path().join("small.parquet");
    parquet(&path, SMALL, Compression::UNCOMPRESSED, small, 1);
    let content = fs::read(&path).unwrap();
    for at in 4..content.len() {
        for mask in [0x01, 0xff] {
            let mut damaged = content.clone();
            damaged[at] ^= mask;
            fs::write(&path, damaged).unwrap();
            survives(path.clone());
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        name in prop::sample::select(vec!["a.csv", "a.jsonl", "a.parquet", "a.csv.gz", "a"]),
    ) {
        let folder = folder();
        survives(file(&folder, name, bytes));
    }

    #[test]
    fn text_of_any_shape_never_panics(
        text in "[a-c,;\"\n{}:\\[\\]0-2 .eé-]{0,120}",
        name in prop::sample::select(vec!["a.csv", "a.jsonl", "a"]),
    ) {
        let folder = folder();
        survives(file(&folder, name, text));
    }

    #[test]
    fn damaged_parquet_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let folder = folder();
        let path = folder.path().join("small.parquet");
        parquet(&path, SMALL, Compression::SNAPPY, small, 2);
        let mut content = fs::read(&path).unwrap();
        let at = at.index(content.len());
        content[at] = byte;
        if cut {
            content.truncate(at + 1);
        }
        survives(file(&folder, "small.parquet", content));
    }

    #[test]
    fn numbers_come_back_from_csv_as_they_were_written(
        numbers in prop::collection::vec(prop::num::f64::NORMAL, 1..50),
    ) {
        let folder = folder();
        let mut csv = String::from("x\n");
        numbers.iter().for_each(|number| csv.push_str(&format!("{number:?}\n")));
        let (_, batch) = only_batch(file(&folder, "a.csv", csv), &ReadOptions::default());
        let mut read = Numbers::default();
        batch.columns[0].as_ref().unwrap().read_numbers(0..batch.rows, &mut read);
        prop_assert_eq!(read.finite, numbers);
    }
}
