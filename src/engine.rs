//! The state of all models: batches in, once a tick a [`Snapshot`] out.
//!
//! One writer, plain memory, no clock, no sockets: `now` is an argument, so replaying the same list
//! of (now, batch) gives the same figures, bit for bit. Nothing in here fails: what cannot be used
//! is counted.
//!
//! `model` keeps references (`installed`, still `learning`, or made by `rebaseline`) and versions,
//! `version` fields and traffic, `field` the sums of one field, `row_sums` those of several together;
//! `evaluate` turns sums into figures, `references` says what windows are compared with.

mod alarms;
pub mod budget;
mod burn_in;
mod cell_sums;
mod compare;
mod config;
mod discrepancy;
mod embedding;
mod evaluate;
mod event_runs;
mod explain;
mod field;
mod installed;
mod joint;
mod learning;
mod model;
mod model_drift;
mod new_names;
mod outliers;
mod rebaseline;
mod references;
mod room;
mod row_sums;
mod saved;
mod snapshot;
mod stand_ins;
mod version;

pub use burn_in::BURN_IN_CHUNKS;
pub use config::{
    BurntIn, Clock, Config, FeatureConfig, JointConfig, Learning, MINIMUM_EFFECT,
    MOST_LEARNED_EFFECT, ModelConfig, OtherVersions, OutlierConfig, References, SIGNIFICANCE,
    WindowConfig,
};
pub use explain::{
    Against, Bin, Explanation, NewCategory, Quantile, Rate, Rates, Sides, number_for_people,
    percent_for_people,
};
pub use rebaseline::{Rebaseline, Rebaselined, Refusal};
pub use saved::{LeftOut, Saved, Unfit};
pub use snapshot::{
    Detail, Drift, DriftedFields, DroppedSeries, Exemplar, FeatureReference, FeatureSnapshot,
    FeatureWindow, HistogramSnapshot, LearningProgress, ModelDrift, ModelSnapshot, OutlierWindow,
    ReferenceSnapshot, Snapshot, State, TrafficWindow,
};

pub use crate::statistic::Shape;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::batch::Batch;
use field::Scratch;
use installed::Installed;
use model::Model;
use references::Comparisons;
use room::Rooms;
use stand_ins::StandIns;
use version::Version;

/// Upper bounds of `driftgauge_request_duration_seconds`.
pub const DURATION_BUCKETS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Upper bounds of `driftgauge_request_rows`.
pub const REQUEST_ROWS_BUCKETS: [f64; 7] = [1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0];
/// Quantiles of `driftgauge_latency_seconds`.
pub const LATENCY_QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];

/// All models.
pub struct Engine {
    config: Arc<Config>,
    models: BTreeMap<Arc<str>, Model>,
    rooms: Rooms,
    /// References of traffic of models that have been forgotten since: a job that runs once a week
    /// is to be compared with what it learned, not to learn anew each time.
    learned_before: BTreeMap<Arc<str>, (Installed, StandIns)>,
    scratch: Scratch,
}

/// Most models whose learned reference outlives them.
const MOST_LEARNED_BEFORE: usize = 64;

impl Engine {
    /// An engine that has seen nothing; the models that the settings name are there already.
    pub fn new(config: Arc<Config>) -> Self {
        let mut engine = Self {
            config: config.clone(),
            models: BTreeMap::new(),
            learned_before: BTreeMap::new(),
            rooms: Rooms::default(),
            scratch: Scratch::default(),
        };
        engine.add_named_models();
        engine
    }

    fn add_named_models(&mut self) {
        for name in self.config.models.keys() {
            if !self.models.contains_key(name) {
                let model = Model::new(name.clone(), &self.config, self.rooms.clone());
                self.models.insert(name.clone(), model);
            }
        }
    }

    /// Folds a batch in. `now` is the wall time in microseconds since the Unix epoch.
    pub fn apply(&mut self, batch: &Batch, now: i64) {
        let config = self.config.clone();
        let model = self.models.entry(batch.model.clone()).or_insert_with(|| {
            let mut model = Model::new(batch.model.clone(), &config, self.rooms.clone());
            if let Some((learned, stand_ins)) = self.learned_before.remove(&batch.model) {
                model.learned.get_or_insert(learned);
                model.stand_ins = stand_ins;
            }
            model
        });
        model.apply(batch, now, &config, &mut self.scratch);
    }

    /// Takes over new settings and references. Windows whose length and whose features' cells stay
    /// the same go on; counters go on in any case.
    pub fn reconfigure(&mut self, config: Arc<Config>) {
        let old = std::mem::replace(&mut self.config, config.clone());
        let kept: Vec<_> = config
            .windows
            .iter()
            .map(|window| old.windows.iter().position(|known| known == window))
            .collect();
        // A model that only the settings knew goes with them.
        self.models
            .retain(|name, model| config.models.contains_key(name) || !model.is_idle());
        for model in self.models.values_mut() {
            model.reconfigure(&config, &kept);
        }
        self.add_named_models();
    }

    /// Makes a new reference of a model from one of its windows, and puts it in force until the
    /// settings name another profile. Windows and counters go on. `wall` is the wall time in
    /// microseconds since the Unix epoch.
    ///
    /// # Errors
    /// What does not exist, is not complete yet or has too few rows, in a sentence; then nothing has
    /// changed.
    pub fn rebaseline(&mut self, asked: &Rebaseline, wall: i64) -> Result<Rebaselined, Refusal> {
        let config = self.config.clone();
        let model = self.models.get_mut(&*asked.model);
        let model = model.ok_or_else(|| Refusal::NoModel(asked.model.clone()))?;
        model.rebaseline(asked, wall, &config)
    }

    /// Drops all that is known of a model, after its analysis failed.
    pub fn reset_model(&mut self, name: &str) {
        self.models.remove(name);
        self.learned_before.remove(name);
        self.add_named_models();
    }

    /// Bytes of memory held by the sums of all models.
    pub fn bytes(&self) -> usize {
        self.models
            .values()
            .flat_map(|model| model.versions.values())
            .map(Version::bytes)
            .sum()
    }

    /// Moves all windows on to `now` (wall time in microseconds since the Unix epoch), forgets
    /// models that have been idle for twice the longest window, and evaluates everything.
    pub fn tick(&mut self, now: i64) -> Snapshot {
        let config = self.config.clone();
        let longest = config.longest_window_micros();
        self.models.retain(|name, model| {
            model.forget_idle_versions(now.saturating_sub(longest.saturating_mul(2)), &config);
            let stays = config.models.contains_key(name) || !model.is_idle();
            if let Some(learned) = model.learned.take_if(|_| !stays)
                && self.learned_before.len() < MOST_LEARNED_BEFORE
            {
                let stand_ins = std::mem::take(&mut model.stand_ins);
                self.learned_before
                    .insert(name.clone(), (learned, stand_ins));
            }
            stays
        });
        for model in self.models.values_mut() {
            model.advance(now, &config);
        }
        let plan = self.plan();
        let mut exposures = plan.details.into_iter().zip(plan.fleets);
        let mut snapshot = Snapshot {
            evaluated_at: now as f64 * 1e-6,
            dropped_series: plan.dropped,
            ..Snapshot::default()
        };
        for (name, model) in &self.models {
            for (version, state) in &model.versions {
                let exposures = exposures.by_ref().take(state.fields.len());
                let evaluated = evaluate_version(name, model, version, state, &config, exposures);
                snapshot.models.push(evaluated);
            }
        }
        self.remember(&mut snapshot);
        snapshot
    }

    /// Remembers which comparisons are in alarm, and says since when they are.
    fn remember(&mut self, snapshot: &mut Snapshot) {
        let models = self.models.values_mut();
        let states = models.flat_map(|model| {
            let now = model.now.unwrap_or(0);
            model
                .versions
                .values_mut()
                .map(move |version| (now, version))
        });
        for ((now, version), model) in states.zip(&mut snapshot.models) {
            for (field, feature) in version.fields.iter_mut().zip(&mut model.features) {
                field
                    .alarms
                    .judge(feature, &model.windows, &self.config.windows, now);
            }
        }
    }

    /// Series that each model and version asks for, before the budget, as far as its fields are
    /// known.
    pub fn series_asked(&self) -> Vec<(Arc<str>, Arc<str>, usize)> {
        let of_version = |model: &Arc<str>, state: &Model, name: &Arc<str>, version: &Version| {
            let comparisons =
                Comparisons::of(state, name, self.config.references(model), &self.config);
            let fields = version.fields.iter().map(|field| {
                let references = comparisons.count_of(field);
                let shape = field.shape(&self.config, references, state.is_learning(name, field));
                shape.series(shape.detail, shape.fleet)
            });
            let traffic = self.traffic_series(state, name, version, &comparisons);
            let series = traffic + fields.sum::<usize>();
            (model.clone(), name.clone(), series)
        };
        let models = self.models.iter();
        models
            .flat_map(|(model, state)| {
                let versions = state.versions.iter();
                versions.map(move |(name, version)| of_version(model, state, name, version))
            })
            .collect()
    }

    /// Series of a version apart from its fields.
    fn traffic_series(
        &self,
        model: &Model,
        name: &str,
        version: &Version,
        comparisons: &Comparisons<'_>,
    ) -> usize {
        let codes = version.counters.errors.len();
        budget::model_series(
            self.config.windows.len(),
            comparisons.count(),
            codes,
            model.in_force(name).count(),
        )
    }

    /// What is exposed of each field of all models within the series budget, in order. Depends on
    /// which fields and references there are, never on their values.
    fn plan(&self) -> budget::Plan {
        let config = &self.config;
        let mut shapes = Vec::new();
        let mut left = config.max_series;
        for (model_name, model) in &self.models {
            let chosen = config.references(model_name);
            for (name, version) in &model.versions {
                let comparisons = Comparisons::of(model, name, chosen, config);
                let traffic = self.traffic_series(model, name, version, &comparisons);
                left = left.saturating_sub(traffic);
                shapes.extend(version.fields.iter().map(|field| {
                    let references = comparisons.count_of(field);
                    field.shape(config, references, model.is_learning(name, field))
                }));
            }
        }
        budget::plan(&shapes, left)
    }
}

fn evaluate_version(
    name: &Arc<str>,
    model: &Model,
    version_name: &Arc<str>,
    version: &Version,
    config: &Config,
    exposures: impl Iterator<Item = (Detail, bool)>,
) -> ModelSnapshot {
    let now = model.now.unwrap_or(0);
    let comparisons = Comparisons::of(model, version_name, config.references(name), config);
    let counters = &version.counters;
    let windows: Vec<_> = config
        .windows
        .iter()
        .enumerate()
        .map(|(at, window)| evaluate::traffic(version, at, window, now))
        .collect();
    let features = version
        .fields
        .iter()
        .zip(exposures)
        .map(|(field, exposure)| {
            let is_learning = model.is_learning(version_name, field);
            evaluate::feature(field, config, &comparisons, &windows, is_learning, exposure)
        });
    let features: Vec<_> = features.collect();
    let mut drift = model_drift::worst_features(&features);
    drift.extend(joint::drift(version, name, &comparisons, config));
    drift.extend(embedding::drift(version, &comparisons, config));
    // A reference with numbers at the edge of floats must not give a figure that is none.
    drift.retain(|drift| drift.ratio.is_finite());
    ModelSnapshot {
        model: name.clone(),
        version: version_name.clone(),
        predictions: counters.predictions,
        labels: counters.labels,
        requests: counters.requests,
        errors: counters.errors.clone(),
        duration: counters.duration.clone(),
        request_rows: counters.request_rows.clone(),
        last_row_at: version.last_row_at.map(|micros| micros as f64 * 1e-6),
        now: model.now.map(|micros| micros as f64 * 1e-6),
        too_old_rows: counters.too_old_rows,
        too_new_rows: counters.too_new_rows,
        fields_beyond_limit: version.ignored_fields(),
        names_by_position: version.names_by_position,
        drift,
        drifted_fields: model_drift::drifted_fields(&features),
        outliers: outliers::evaluate(&version.row_sums, config),
        windows,
        references: model
            .in_force(version_name)
            .map(Installed::snapshot)
            .collect(),
        learning: model.learning_progress(config),
        burn_in: model_drift::burn_in(&features),
        features,
    }
}
