//! Profiles of format version 1 stay readable, and the same data stay the same profile.
//!
//! `golden/profile-v1.json` was made by
//!
//! ```text
//! cd demo && SOURCE_DATE_EPOCH=1370000000 driftgauge profile flights-reference.parquet \
//!     --model flights --label late --ignore latency_us -o ../tests/golden/profile-v1.json
//! ```
//! and is never to be made again: a later program must read this one.

use std::path::{Path, PathBuf};

use driftgauge::cli::profile::{Args, run};
use driftgauge::profile::{Cells, Profile};

fn inside(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn golden() -> Profile {
    Profile::load(&inside("tests/golden/profile-v1.json")).unwrap()
}

#[test]
fn a_profile_of_version_1_is_read() {
    let profile = golden();
    assert_eq!(profile.model.as_deref(), Some("flights"));
    assert_eq!((profile.rows, profile.features.len()), (25_977, 15));
    let origin = profile
        .features
        .iter()
        .find(|f| f.name == "origin")
        .unwrap();
    let reference = origin.cells.as_ref().unwrap();
    let Cells::Categorical(cells) = &reference.cells else {
        panic!("{reference:?}");
    };
    assert_eq!(cells.kept(), ["EWR", "JFK", "LGA"]);
    assert_eq!(reference.rows, [9_431, 8_841, 7_705, 0]);
    let delay = profile
        .features
        .iter()
        .find(|f| f.name == "dep_delay")
        .unwrap();
    assert_eq!(delay.missing.null, 883);
    assert_eq!(delay.values() + delay.missing.total(), profile.rows);
}

#[test]
fn it_is_written_back_byte_for_byte() {
    let text = std::fs::read_to_string(inside("tests/golden/profile-v1.json")).unwrap();
    assert_eq!(golden().to_json(), text);
}

#[test]
fn the_same_data_are_the_same_profile() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("again.json");
    run(&Args {
        data: vec![inside("demo/flights-reference.parquet")],
        output: Some(output.clone()),
        model: Some("flights".into()),
        label: vec!["late".into()],
        ignore: vec!["latency_us".into()],
        ..Args::default()
    })
    .unwrap();
    let mut again = Profile::load(&output).unwrap();
    assert_eq!(again.features, golden().features);
    // Measured since.
    (again.joint, again.outliers) = (None, None);
    assert_eq!(again.hash(), golden().hash());
}
