//! From data files to a profile file, as `driftgauge profile` does it.

use std::fs;
use std::path::{Path, PathBuf};

use driftgauge::batch::Role;
use driftgauge::cli::profile::{Args, run};
use driftgauge::files::{Dataset, ReadOptions};
use driftgauge::learn::{FieldOverride, LearnOptions, Learner};
use driftgauge::profile::{Cells, FeatureProfile, Kind, Profile, Provenance};
use tempfile::TempDir;

fn file(folder: &TempDir, name: &str, content: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    path
}

/// 1,000 rows with a column of every kind.
fn training(rows: usize) -> String {
    let mut csv = String::from("id,at,amount,items,paid,origin,comment,zip,prediction,score\n");
    for row in 0..rows {
        csv.push_str(&format!(
            "{row},2024-03-01T00:{:02}:{:02}Z,{},{},{},{},text {row},{},{},{}\n",
            row / 60 % 60,
            row % 60,
            if row % 10 == 0 {
                String::new()
            } else {
                format!("{}.5", row * 37 % 997)
            },
            row % 7,
            row % 3 == 0,
            ["JFK", "EWR", "LGA"][row % 3],
            10_000 + row % 4,
            row % 2,
            (row % 100) as f64 / 100.0,
        ));
    }
    csv
}

fn args(data: &[&Path], output: &Path) -> Args {
    Args {
        data: data.iter().map(|path| path.to_path_buf()).collect(),
        output: Some(output.into()),
        model: Some("fraud".into()),
        id: vec!["id".into()],
        categorical: vec!["zip".into()],
        ..Args::default()
    }
}

fn field<'a>(profile: &'a Profile, name: &str) -> &'a FeatureProfile {
    profile
        .features
        .iter()
        .find(|field| field.name == name)
        .unwrap()
}

#[test]
fn a_csv_file_becomes_a_profile_with_roles_kinds_and_counts() {
    let folder = tempfile::tempdir().unwrap();
    let data = file(&folder, "train.csv", &training(1_000));
    let output = folder.path().join("fraud.profile.json");
    run(&args(&[&data], &output)).unwrap();
    let profile = Profile::load(&output).unwrap();

    assert_eq!(
        (profile.model.as_deref(), profile.rows),
        (Some("fraud"), 1_000)
    );
    let fields: Vec<_> = profile
        .features
        .iter()
        .map(|f| (&*f.name, f.role, f.kind))
        .collect();
    assert_eq!(
        fields,
        [
            ("amount", Role::Feature, Kind::Numeric),
            ("items", Role::Feature, Kind::Integer),
            ("paid", Role::Feature, Kind::Boolean),
            ("origin", Role::Feature, Kind::Categorical),
            ("comment", Role::Feature, Kind::HighCardinality),
            ("zip", Role::Feature, Kind::Categorical),
            ("prediction", Role::Prediction, Kind::Integer),
            ("score", Role::Score, Kind::Numeric),
        ]
    );
    assert_eq!(field(&profile, "amount").missing.null, 100);
    assert_eq!(field(&profile, "amount").values(), 900);
    assert_eq!(
        field(&profile, "items").cells.as_ref().unwrap().rows.len(),
        7
    );
    let paid = field(&profile, "paid").cells.as_ref().unwrap();
    assert_eq!(
        (&paid.rows[..], &paid.means[..]),
        (&[666, 334][..], &[0.0, 1.0][..])
    );
    let Cells::Categorical(zip) = &field(&profile, "zip").cells.as_ref().unwrap().cells else {
        panic!("zip");
    };
    assert_eq!(zip.kept(), ["10000", "10001", "10002", "10003"]);

    let provenance = &profile.provenance;
    assert_eq!(
        (&*provenance.source, &*provenance.inputs[0].name),
        ("file", "train.csv")
    );
    assert_eq!(provenance.inputs[0].rows, 1_000);
    assert!(provenance.created.ends_with('Z') && provenance.created.len() == 20);
    assert!(provenance.tool.starts_with("driftgauge "));
    let folder = folder.path().to_str().unwrap();
    assert!(!fs::read_to_string(&output).unwrap().contains(folder));
}

#[test]
fn the_same_rows_in_two_files_and_in_another_order_give_the_same_hash() {
    let folder = tempfile::tempdir().unwrap();
    let all = training(1_000);
    let (names, rows) = all.split_once('\n').unwrap();
    let mut backwards: Vec<&str> = rows.lines().collect();
    backwards.reverse();
    let (a, b) = backwards.split_at(300);
    let whole = file(&folder, "train.csv", &all);
    let a = file(&folder, "a.csv", &format!("{names}\n{}\n", a.join("\n")));
    let b = file(&folder, "b.csv", &format!("{names}\n{}\n", b.join("\n")));
    let outputs = ["one.json", "two.json"].map(|name| folder.path().join(name));
    run(&args(&[&whole], &outputs[0])).unwrap();
    run(&args(&[&a, &b], &outputs[1])).unwrap();
    let [one, two] = outputs.map(|output| Profile::load(&output).unwrap());
    assert_eq!(one.hash(), two.hash());
    assert_eq!(two.provenance.inputs.len(), 2);
}

#[test]
fn more_rows_than_the_sample_are_counted_in_a_second_pass() {
    let folder = tempfile::tempdir().unwrap();
    let mut csv = String::from("x,score\n");
    for row in 0..150_000_u64 {
        csv.push_str(&format!("{},{}\n", row * 7_919 % 150_001, row % 2));
    }
    let data = file(&folder, "train.csv", &csv);
    let output = folder.path().join("out.json");
    let args = Args {
        data: vec![data],
        output: Some(output.clone()),
        ..Args::default()
    };
    run(&args).unwrap();
    let profile = Profile::load(&output).unwrap();
    let x = field(&profile, "x");
    assert_eq!(x.values(), 150_000);
    let moments = x.moments.unwrap();
    // The values are 0 … 150,000 without one.
    assert!((moments.mean - 75_000.0).abs() < 1.0, "{moments:?}");
    assert_eq!(
        field(&profile, "score").cells.as_ref().unwrap().rows,
        [75_000, 75_000]
    );
    let rows = &x.cells.as_ref().unwrap().rows;
    let bulk = rows[3..rows.len() - 3].iter();
    assert!(
        bulk.clone().all(|&rows| rows.abs_diff(7_500) < 500),
        "{rows:?}"
    );
    assert!(bulk.len() > 10);
}

#[test]
fn settings_decide_before_names_and_flags_before_settings() {
    let folder = tempfile::tempdir().unwrap();
    let data = file(&folder, "train.csv", &training(100));
    let output = folder.path().join("out.json");
    let settings = file(
        &folder,
        "settings.yml",
        "models: {fraud: {features: {score: {role: ignore}, items: {role: label}, id: {role: feature}, \
         elsewhere: {role: id}}}}",
    );
    let args = Args {
        config_file: Some(settings),
        ..args(&[&data], &output)
    };
    run(&args).unwrap();
    let profile = Profile::load(&output).unwrap();
    let names: Vec<_> = profile.features.iter().map(|field| &*field.name).collect();
    assert!(!names.contains(&"score") && !names.contains(&"id"));
    assert_eq!(field(&profile, "items").role, Role::Label);
}

#[test]
fn a_column_that_is_not_there_is_named_with_those_that_are() {
    let folder = tempfile::tempdir().unwrap();
    let data = file(&folder, "train.csv", "a,b\n1,2\n");
    let args = Args {
        data: vec![data],
        prediction: vec!["c".into()],
        output: Some(folder.path().join("out.json")),
        ..Args::default()
    };
    let error = run(&args).unwrap_err().to_string();
    assert_eq!(error, "there is no column \"c\"; there are a, b");
    assert!(!folder.path().join("out.json").exists());
}

#[test]
fn a_profile_knows_how_its_own_training_data_must_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let data = file(&folder, "train.csv", &training(500));
    let output = folder.path().join("out.json");
    run(&args(&[&data], &output)).unwrap();
    let profile = Profile::load(&output).unwrap();
    let options = ReadOptions {
        kinds: profile
            .features
            .iter()
            .map(|f| (f.name.clone(), f.kind))
            .collect(),
        roles: profile
            .features
            .iter()
            .map(|f| (f.name.clone(), f.role))
            .collect(),
        ..ReadOptions::default()
    };
    let dataset = Dataset::open(&[data], &options).unwrap();
    let overrides = profile.features.iter().map(|field| {
        let kind = Some(field.kind);
        (
            field.name.clone(),
            FieldOverride {
                role: None,
                kind,
                importance: None,
            },
        )
    });
    let mut learner = Learner::new(LearnOptions {
        model: profile.model.clone(),
        overrides: overrides.collect(),
        ..LearnOptions::default()
    });
    for batch in dataset.batches() {
        learner.observe(&batch.unwrap());
    }
    let again = learner.finish(Provenance::default());
    for field in &profile.features {
        assert_eq!(
            again.features.iter().find(|f| f.name == field.name),
            Some(field)
        );
    }
}
