//! Files to read settings from.

use std::fs;
use std::path::{Path, PathBuf};

use driftgauge::batch::Role;
use driftgauge::profile::{
    CategoryCells, Cells, FeatureProfile, Kind, Missing, Moments, NumericCells, Profile,
    Provenance, ReferenceCells, Variation,
};
use driftgauge::settings::Source;

/// A folder that vanishes with the test.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file and says where it is.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// The text with this folder as `DIR`, so that it is the same in every run.
    pub fn anonymous(&self, text: &str) -> String {
        text.replace(&self.path().display().to_string(), "DIR")
    }
}

/// Settings from this file alone.
pub fn source(path: PathBuf) -> Source {
    Source {
        path: Some(path),
        overrides: Vec::new(),
    }
}

/// A profile of a number, a category and, if asked for, a score.
pub fn profile(rows: u64, with_score: bool) -> Profile {
    let mut features = vec![
        numeric("amount", Role::Feature, rows),
        FeatureProfile {
            name: "city".into(),
            role: Role::Feature,
            kind: Kind::Categorical,
            missing: Missing::default(),
            cells: Some(ReferenceCells {
                cells: Cells::Categorical(
                    CategoryCells::new(vec!["Rome".into(), "Oslo".into()], vec![], false).unwrap(),
                ),
                rows: vec![rows - 10, 9, 1],
                means: vec![],
            }),
            moments: None,
            distinct: 3,
            variation: Variation::default(),
            importance: None,
            derived_from: None,
            embedding: None,
        },
    ];
    if with_score {
        features.push(numeric("score", Role::Score, rows));
    }
    Profile {
        model: Some("fraud".into()),
        rows,
        features,
        joint: None,
        outliers: None,
        provenance: Provenance {
            source: "file".into(),
            ..Provenance::default()
        },
    }
}

fn numeric(name: &str, role: Role, rows: u64) -> FeatureProfile {
    FeatureProfile {
        name: name.into(),
        role,
        kind: Kind::Numeric,
        missing: Missing::default(),
        cells: Some(ReferenceCells {
            cells: Cells::Numeric(NumericCells::new(vec![0.5, 1.5]).unwrap()),
            rows: vec![rows - 2, 1, 1],
            means: vec![0.0, 1.0, 2.0],
        }),
        moments: Some(Moments {
            mean: 0.1,
            stddev: 0.3,
            min: 0.0,
            max: 2.0,
        }),
        distinct: 3,
        variation: Variation::default(),
        importance: None,
        derived_from: None,
        embedding: None,
    }
}
