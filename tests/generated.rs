//! The files of `deploy/` and `grafana-dashboards/` are what `driftgauge generate` writes for the
//! default settings. `UPDATE_GENERATED=1 cargo test --test generated` rewrites them.

use std::fs;
use std::path::Path;

use driftgauge::generate::{Plan, files};

#[test]
fn the_files_are_those_that_generate_writes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut stale = Vec::new();
    for file in files(&Plan::default()) {
        let path = root.join(file.path);
        if fs::read_to_string(&path).is_ok_and(|found| found == file.text) {
            continue;
        }
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &file.text).unwrap();
        } else {
            stale.push(file.path);
        }
    }
    assert!(
        stale.is_empty(),
        "run this test with UPDATE_GENERATED=1: {stale:?}"
    );
}

#[test]
fn paths_are_in_order_and_unique() {
    let files = files(&Plan::default());
    assert!(files.is_sorted_by(|a, b| a.path < b.path));
}
