//! The snapshot as JSON, for scripts and for people with `curl`: `GET /api/v1/status`.
//!
//! The shape follows the names of the metrics. Categories learned from traffic are row values and
//! are not shown.

mod sidecar;

use std::collections::BTreeMap;

use serde::Serialize;

use super::own;
use crate::engine::{
    Detail, Drift, FeatureReference, FeatureSnapshot, FeatureWindow, LATENCY_QUANTILES, ModelDrift,
    ModelSnapshot, NewCategory, OutlierWindow, Snapshot, TrafficWindow,
};
use crate::profile::{Missing, Moments};

/// The document, ending in a line feed.
pub(super) fn render(snapshot: &Snapshot, sidecar: &own::Sidecar) -> Vec<u8> {
    let status = Status {
        version: &sidecar.version,
        evaluated_at: snapshot.evaluated_at,
        evaluation_seconds: snapshot.evaluation_seconds,
        sidecar: sidecar.into(),
        models: snapshot.models.iter().map(Model::from).collect(),
    };
    let mut json = serde_json::to_vec(&status).unwrap_or_default();
    json.push(b'\n');
    json
}

#[derive(Serialize)]
struct Status<'s> {
    version: &'s str,
    evaluated_at: f64,
    evaluation_seconds: f64,
    sidecar: sidecar::Sidecar<'s>,
    models: Vec<Model<'s>>,
}

#[derive(Serialize)]
struct Model<'s> {
    model: &'s str,
    version: &'s str,
    predictions: f64,
    requests: f64,
    errors: BTreeMap<&'s str, f64>,
    last_row_at: Option<f64>,
    /// Where the windows end: `since` is on this clock.
    now: Option<f64>,
    learning: Option<Learning>,
    burn_in_ratio: Option<f64>,
    names_by_position: bool,
    references: Vec<Reference<'s>>,
    windows: Vec<Traffic<'s>>,
    model_drift: Vec<ModelComparison<'s>>,
    outliers: Vec<Outliers<'s>>,
    features: Vec<Feature<'s>>,
}

/// Drift of the model as a whole, and the fields that it is about.
#[derive(Serialize)]
struct ModelComparison<'s> {
    window: &'s str,
    reference: &'s str,
    kind: &'s str,
    ratio: f64,
    fields: Vec<&'s str>,
}

#[derive(Serialize)]
struct Outliers<'s> {
    window: &'s str,
    rows: u64,
    outliers: u64,
    ratio: f64,
    reference_ratio: f64,
    threshold: Option<f64>,
    is_raised: bool,
    features: Vec<MostUnusual<'s>>,
}

/// A feature, and of how many outliers it was the most unusual one.
#[derive(Serialize)]
struct MostUnusual<'s> {
    feature: &'s str,
    outliers: u64,
}

#[derive(Serialize)]
struct Learning {
    rows: u64,
    wanted: u64,
}

#[derive(Serialize)]
struct Reference<'s> {
    profile: &'s str,
    source: &'s str,
    created_at: Option<f64>,
}

#[derive(Serialize)]
struct Traffic<'s> {
    window: &'s str,
    rows: u64,
    covered_seconds: f64,
    throughput_rows_per_second: f64,
    error_ratio: Option<f64>,
    latency_seconds: Option<BTreeMap<String, f64>>,
}

#[derive(Serialize)]
struct Feature<'s> {
    feature: &'s str,
    role: &'s str,
    importance: Option<f64>,
    detail: &'s str,
    values: u64,
    missing: Missing,
    below: u64,
    above: u64,
    far: u64,
    reference: Option<FieldReference<'s>>,
    shape: Option<&'s str>,
    new_categories: Vec<NewCategory<'s>>,
    windows: Vec<Window<'s>>,
}

#[derive(Serialize)]
struct FieldReference<'s> {
    profile: &'s str,
    learned: bool,
    kind: &'s str,
    values: u64,
    null_ratio: Option<f64>,
    new_category_ratio: Option<f64>,
    #[serde(flatten)]
    moments: Option<Moments>,
    design_effect: f64,
    wander: f64,
    /// Chunks of time that both were measured over.
    chunks: u32,
    burn_in_ratio: Option<f64>,
    significance: f64,
    cells: Vec<Cell>,
}

#[derive(Serialize)]
struct Cell {
    bin: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    rows: u64,
}

#[derive(Serialize)]
struct Window<'s> {
    window: &'s str,
    state: &'s str,
    values: u64,
    missing: Missing,
    null_ratio: Option<f64>,
    out_of_range_ratio: Option<f64>,
    new_category_ratio: Option<f64>,
    mean: Option<f64>,
    stddev: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    distinct: Option<f64>,
    minimum_effect: Option<f64>,
    cells: &'s [u64],
    drift: Vec<Comparison<'s>>,
}

#[derive(Serialize)]
struct Comparison<'s> {
    reference: &'s str,
    drift: f64,
    threshold: f64,
    ratio: Option<f64>,
    excess: f64,
    since: Option<f64>,
    distances: BTreeMap<&'s str, f64>,
}

impl<'s> From<&'s ModelSnapshot> for Model<'s> {
    fn from(model: &'s ModelSnapshot) -> Self {
        let features = model.features.iter();
        Self {
            model: &model.model,
            version: &model.version,
            predictions: model.predictions,
            requests: model.requests,
            errors: model.errors.iter().copied().collect(),
            last_row_at: model.last_row_at,
            now: model.now,
            learning: model.learning.map(|learning| Learning {
                rows: learning.rows,
                wanted: learning.wanted,
            }),
            burn_in_ratio: model.burn_in,
            names_by_position: model.names_by_position,
            references: model
                .references
                .iter()
                .map(|reference| Reference {
                    profile: &reference.profile,
                    source: reference.source,
                    created_at: reference.created_at,
                })
                .collect(),
            windows: model.windows.iter().map(Traffic::from).collect(),
            model_drift: model.drift.iter().map(ModelComparison::from).collect(),
            outliers: model.outliers.iter().map(Outliers::from).collect(),
            features: features
                .filter(|feature| feature.role.is_watched())
                .map(Feature::from)
                .collect(),
        }
    }
}

impl<'s> From<&'s ModelDrift> for ModelComparison<'s> {
    fn from(drift: &'s ModelDrift) -> Self {
        Self {
            window: &drift.window,
            reference: &drift.reference,
            kind: drift.kind,
            ratio: drift.ratio,
            fields: drift.fields.iter().map(|field| &**field).collect(),
        }
    }
}

impl<'s> From<&'s TrafficWindow> for Traffic<'s> {
    fn from(window: &'s TrafficWindow) -> Self {
        Self {
            window: &window.window,
            rows: window.rows,
            covered_seconds: window.covered_seconds,
            throughput_rows_per_second: window.throughput,
            error_ratio: window.error_ratio,
            latency_seconds: window.latency.map(|latency| {
                let quantiles = LATENCY_QUANTILES.iter().map(f64::to_string);
                quantiles.zip(latency).collect()
            }),
        }
    }
}

impl<'s> From<&'s OutlierWindow> for Outliers<'s> {
    fn from(window: &'s OutlierWindow) -> Self {
        let features = window.features.iter();
        Self {
            window: &window.window,
            rows: window.rows,
            outliers: window.outliers,
            ratio: window.ratio,
            reference_ratio: window.reference_ratio,
            threshold: window.threshold,
            is_raised: window.is_raised,
            features: features
                .map(|(feature, outliers)| MostUnusual {
                    feature,
                    outliers: *outliers,
                })
                .collect(),
        }
    }
}

impl<'s> From<&'s FeatureSnapshot> for Feature<'s> {
    fn from(feature: &'s FeatureSnapshot) -> Self {
        Self {
            feature: &feature.name,
            role: feature.role.as_str(),
            importance: feature.importance,
            detail: match feature.detail {
                Detail::Hidden => "hidden",
                Detail::Lean => "lean",
                Detail::Standard => "standard",
                Detail::Full => "full",
            },
            values: feature.values,
            missing: feature.missing,
            below: feature.below,
            above: feature.above,
            far: feature.far,
            reference: feature.reference.as_ref().map(FieldReference::from),
            shape: feature.shape.map(|shape| shape.as_str()),
            new_categories: feature
                .new_categories
                .iter()
                .map(NewCategory::from)
                .collect(),
            windows: feature.windows.iter().map(Window::from).collect(),
        }
    }
}

impl<'s> From<&'s FeatureReference> for FieldReference<'s> {
    fn from(reference: &'s FeatureReference) -> Self {
        let feature = &*reference.feature;
        let mut cells = Vec::new();
        if let Some(counted) = &feature.cells {
            let hide = reference.hides_categories();
            cells.extend(counted.rows.iter().enumerate().map(|(cell, &rows)| Cell {
                bin: counted.cells.bin(cell),
                range: (!hide).then(|| counted.cells.range(cell)),
                rows,
            }));
        }
        Self {
            profile: &reference.profile,
            learned: reference.learned,
            kind: feature.kind.as_str(),
            values: feature.values(),
            null_ratio: feature.null_ratio(),
            new_category_ratio: feature.new_category_ratio(),
            moments: feature.moments,
            design_effect: reference.variation.design_effect,
            wander: reference.variation.wander,
            chunks: reference.variation.chunks,
            burn_in_ratio: reference.burn_in,
            significance: reference.significance,
            cells,
        }
    }
}

impl<'s> From<&'s FeatureWindow> for Window<'s> {
    fn from(window: &'s FeatureWindow) -> Self {
        Self {
            window: &window.window,
            state: window.state.as_str(),
            values: window.values,
            missing: window.missing,
            null_ratio: window.null_ratio,
            out_of_range_ratio: window.out_of_range_ratio,
            new_category_ratio: window.new_category_ratio,
            mean: window.mean,
            stddev: window.stddev,
            min: window.min,
            max: window.max,
            distinct: window.distinct,
            minimum_effect: window.minimum_effect,
            cells: &window.cells,
            drift: window.drift.iter().map(Comparison::from).collect(),
        }
    }
}

impl<'s> From<&'s Drift> for Comparison<'s> {
    fn from(drift: &'s Drift) -> Self {
        Self {
            reference: &drift.reference,
            drift: drift.psi,
            threshold: drift.threshold,
            ratio: drift.ratio,
            excess: drift.excess,
            since: drift.since,
            distances: drift.distances.iter().copied().collect(),
        }
    }
}
