//! Batches and profiles made by hand.
#![allow(dead_code)]

pub mod simulation;

use std::sync::Arc;

use driftgauge::batch::{Batch, Calls, Column, Field, Role, Schema, Times, ValueType, Values};
use driftgauge::engine::{Config, FeatureSnapshot, ModelConfig, ModelSnapshot, Snapshot};
use driftgauge::profile::{
    CategoryCells, Cells, FeatureProfile, Kind, Missing, Moments, NumericCells, Profile,
    Provenance, ReferenceCells, Variation,
};

/// One second in microseconds.
pub const SECOND: i64 = 1_000_000;

/// A numeric field, uniform on 0 … `cells`, one cell a unit, `rows` rows in each.
pub fn numeric(name: &str, cells: usize, rows: u64) -> FeatureProfile {
    let edges = (1..cells).map(|edge| edge as f64).collect();
    FeatureProfile {
        name: name.into(),
        role: Role::Feature,
        kind: Kind::Numeric,
        missing: Missing::default(),
        cells: Some(ReferenceCells {
            cells: Cells::Numeric(NumericCells::new(edges).unwrap()),
            rows: vec![rows; cells],
            means: (0..cells).map(|cell| cell as f64 + 0.5).collect(),
        }),
        moments: Some(Moments {
            mean: cells as f64 / 2.0,
            stddev: cells as f64 / 12f64.sqrt(),
            min: 0.0,
            max: cells as f64,
        }),
        distinct: cells as u64 * rows,
        variation: Variation::default(),
        importance: None,
        derived_from: None,
        embedding: None,
    }
}

/// A categorical field of these categories and rows, with one row in `new`.
pub fn categorical(name: &str, categories: &[(&str, u64)]) -> FeatureProfile {
    let kept = categories.iter().map(|(name, _)| (*name).into()).collect();
    let mut rows: Vec<u64> = categories.iter().map(|(_, rows)| *rows).collect();
    rows.push(1);
    FeatureProfile {
        kind: Kind::Categorical,
        cells: Some(ReferenceCells {
            cells: Cells::Categorical(CategoryCells::new(kept, vec![], false).unwrap()),
            rows,
            means: vec![],
        }),
        moments: None,
        distinct: categories.len() as u64,
        ..numeric(name, 2, 1)
    }
}

/// A profile of these fields.
pub fn profile(features: Vec<FeatureProfile>) -> Profile {
    Profile {
        model: None,
        rows: features.first().map_or(0, FeatureProfile::values),
        features,
        joint: None,
        outliers: None,
        provenance: Provenance::default(),
    }
}

/// Default settings with this profile for model `m`.
pub fn config(profile: Profile) -> Config {
    let model = ModelConfig {
        profile: Some(Arc::new(profile)),
        ..ModelConfig::default()
    };
    Config {
        models: [("m".into(), model)].into(),
        ..Config::default()
    }
}

/// A batch of model `m`, version `1`, with these columns.
pub fn batch(columns: Vec<(&str, Role, Values)>) -> Batch {
    let rows = columns.first().map_or(0, |(_, _, values)| len(values));
    let fields = columns.iter().map(|(name, role, values)| Field {
        name: (*name).into(),
        role: *role,
        value_type: match values {
            Values::Text(_) | Values::Dictionary { .. } => ValueType::Text,
            _ => ValueType::Float64,
        },
        width: 1,
    });
    Batch {
        model: "m".into(),
        version: "1".into(),
        schema: Arc::new(Schema::new(fields.collect())),
        rows,
        columns: columns
            .into_iter()
            .map(|(_, _, values)| Some(Column::full(values)))
            .collect(),
        calls: Calls::default(),
        times: Times::Arrival,
        weight: 1.0,
        bytes: rows * 8,
    }
}

fn len(values: &Values) -> usize {
    match values {
        Values::Numbers(values) => values.len(),
        Values::Text(values) => values.len(),
        Values::Mixed(values) => values.len(),
        _ => 0,
    }
}

/// The model and version, which must be there.
pub fn model<'a>(snapshot: &'a Snapshot, model: &str, version: &str) -> &'a ModelSnapshot {
    let found = |m: &&ModelSnapshot| &*m.model == model && &*m.version == version;
    snapshot
        .models
        .iter()
        .find(found)
        .unwrap_or_else(|| panic!("{model} {version} is not there"))
}

/// The field, which must be there.
pub fn feature<'a>(model: &'a ModelSnapshot, name: &str) -> &'a FeatureSnapshot {
    let found = model.features.iter().find(|feature| &*feature.name == name);
    found.unwrap_or_else(|| panic!("{name} is not there"))
}

/// Numbers from a fixed seed.
pub struct Random(pub u64);

impl Random {
    /// Uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// This many uniform numbers in [0, `high`).
    pub fn uniforms(&mut self, count: usize, high: f64) -> Vec<f64> {
        (0..count).map(|_| self.uniform() * high).collect()
    }
}
