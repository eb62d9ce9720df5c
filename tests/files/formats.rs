//! The same rows whatever the format, the codec and the number of files, in each pass.

use driftgauge::files::{ColumnType, MAX_BATCH_ROWS, ReadOptions};
use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};

use super::samples::{SMALL, failure, file, folder, gzipped, open, parquet, rows, small};

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
