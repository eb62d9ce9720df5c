//! Lists of numbers: vectors where all have one length, and a word or a count where they have not.

use std::collections::HashMap;
use std::fs::File;

use driftgauge::batch::{Field, Role, Vectors};
use driftgauge::files::{Dataset, ReadOptions};
use parquet::basic::Compression;
use parquet::data_type::{DoubleType, FloatType};
use parquet::file::writer::SerializedRowGroupWriter;

use super::samples::{failure, file, folder, only_batch, open, parquet, rows, write};

/// Vectors of a column, NaN for null, row by row.
fn vectors(dataset: &Dataset, name: &str, width: usize) -> Vec<Vec<f32>> {
    let place = |field: &Field| &*field.name == name;
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
