//! From vectors to ratios: a batch of them, what is learned of it, and an engine that watches others.

use std::sync::Arc;

use bytes::Bytes;
use driftgauge::batch::{Batch, Column, Field, Role, Schema, ValueType, Values};
use driftgauge::engine::{Config, Engine, FeatureConfig, Snapshot};
use driftgauge::learn::{LearnOptions, Learned, Learner};
use driftgauge::profile::{Profile, Provenance};

use super::common::{self, SECOND, config, feature, model};

pub(super) const START: i64 = 1_700_000_000 * SECOND;

pub(super) fn column(vectors: &[Vec<f32>]) -> Column {
    let width = vectors.first().map_or(2, Vec::len);
    let data: Bytes = vectors
        .iter()
        .flatten()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    Column::full(Values::Fixed {
        data,
        value_type: ValueType::Float32,
        offset: 0,
        stride: width * 4,
        width,
    })
}

pub(super) fn batch_of(rows: usize, columns: Vec<(&str, Option<Column>)>) -> Batch {
    let fields = columns.iter().map(|(name, column)| Field {
        name: (*name).into(),
        role: Role::Feature,
        value_type: ValueType::Float32,
        width: column.as_ref().map_or(1, Column::width) as u32,
    });
    Batch {
        schema: Arc::new(Schema::new(fields.collect())),
        rows,
        columns: columns.into_iter().map(|(_, column)| column).collect(),
        bytes: rows * 8,
        ..common::batch(Vec::new())
    }
}

pub(super) fn batch(vectors: &[Vec<f32>]) -> Batch {
    batch_of(vectors.len(), vec![("emb", Some(column(vectors)))])
}

pub(super) fn learn_with(batches: &[Batch], options: LearnOptions) -> Learned {
    let mut learner = Learner::new(options);
    batches.iter().for_each(|batch| learner.observe(batch));
    let mut recount = learner.into_recount();
    batches.iter().for_each(|batch| recount.observe(batch));
    recount.finish_with_report(Provenance::default())
}

pub(super) fn learn(vectors: &[Vec<f32>]) -> Profile {
    learn_with(&[batch(vectors)], LearnOptions::default()).profile
}

pub(super) fn engine(profile: Profile, sensitivity: FeatureConfig) -> Engine {
    let mut config = Config {
        feature: sensitivity,
        ..config(profile)
    };
    if sensitivity.minimum_effect == Some(0.0) {
        config.joint.minimum_discrepancy = 0.0;
    }
    Engine::new(Arc::new(config))
}

pub(super) fn ratio(snapshot: &Snapshot, name: &str) -> f64 {
    let drift = &feature(model(snapshot, "m", "1"), name).windows[0].drift;
    drift[0].ratio.unwrap()
}

/// Ratio of the mean embedding in the first window against a reference.
pub(super) fn embedding_against(snapshot: &Snapshot, reference: &str) -> Option<f64> {
    let model = model(snapshot, "m", "1");
    let mut drifts = model.drift.iter();
    let first = &model.windows[0].window;
    let drift = drifts.find(|drift| {
        drift.kind == "embedding" && drift.window == *first && *drift.reference == *reference
    })?;
    assert_eq!(*drift.fields, ["emb".into()]);
    Some(drift.ratio)
}

pub(super) fn embedding(snapshot: &Snapshot) -> Option<f64> {
    embedding_against(snapshot, "profile")
}
